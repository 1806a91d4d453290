/* options: the command line, and the settings that it and the file it names make, at a start and again on SIGHUP. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define EXIT_USAGE	2
#define EXIT_REFUSED	78	/* sysexits.h EX_CONFIG: starting again won't help */

struct settings;

struct options {
	int argc;
	char **argv;		/* main()'s, kept: read again whenever the file is */
	const char *config;	/* the settings file, or NULL: there was none yet */
	bool check;		/* --check-config */
};

/* Say on stderr why there is no start; EXIT_REFUSED. */
int	options_refuse(const char *why);

/* 0, or an exit status; --help and the like are answered here and end the program. */
int	options_read(struct options *, int argc, char **argv);

/* The settings that file and command line make now, which is the caller's to free; NULL with one sentence in `why`, with file and line. */
struct settings	*options_settings(struct options *, char *why, size_t why_len);

/* What no row of the table can tell by itself: keys, addresses, the zone, and the list of clients if wished.  Opens nothing.  0, or -1. */
int	options_check(const struct settings *, bool list_too, char *why, size_t why_len);

/* --check-config: what would be in force, the list of clients too.  An exit status. */
int	options_print(const struct settings *, char *why, size_t why_len);

#endif
