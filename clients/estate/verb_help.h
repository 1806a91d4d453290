/* What --help of a verb says, in the language of the terminal. */
#ifndef VERB_HELP_H
#define VERB_HELP_H

/* The text that stands in the verb's own file, which begins with its usage; or what verb_help.def has for that usage. */
void	help_print(const char *english);

#endif
