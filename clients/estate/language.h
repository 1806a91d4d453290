/* Which language people read on this terminal. */
#ifndef LANGUAGE_H
#define LANGUAGE_H

#include <stdbool.h>

/* True if the first of LC_ALL, LC_MESSAGES and LANG that is set and not empty begins with zh. */
bool	language_is_zh(void);

/* What people read of a sentence of sentences.def: itself, or its Chinese. */
const char	*phrase(const char *) __attribute__((format_arg(1)));

#endif
