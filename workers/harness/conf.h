/*
 * conf: a worker's rules from YAML text, with line numbers in what it complains about.  Rules are lists of flat maps:
 *
 *	watch:
 *	  - on: complaint.opened
 *	    within: 10min
 */
#ifndef CONF_H
#define CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

/* Read it: a map.  NULL with a sentence in `why`. */
struct conf	*conf_read(const char *text, char *why, size_t why_size);
void		 conf_free(struct conf *);

/*
 * Walk the list under a key of the top map: entry 0, 1 …; false behind the last.  Everything below is about the current entry, or
 * about the top map before the first.
 */
bool	conf_entry(struct conf *, const char *list, unsigned n);

/* A value: text lent until conf_free(); NULL if it is missing and `fallback` is NULL, which counts as a mistake. */
const char	*conf_text(struct conf *, const char *key, const char *fallback);
int64_t		 conf_int(struct conf *, const char *key, int64_t min, int64_t max);

/* The same where only these will do, "" after a mistake: an id of at most so many characters, never cut; a type of the catalogue, since
 * one that is misspelt would wait for ever for what never comes. */
const char	*conf_id(struct conf *, const char *key, size_t chars_max);
const char	*conf_type(struct conf *, const char *key);

/* "250ms", "90s", "10min", "2h", "3d": in nanoseconds, above 0. */
int64_t		 conf_span(struct conf *, const char *key);

/* The line of that key of the current entry; of the entry, if it has none: for what only its owner can find wrong. */
size_t	conf_line(struct conf *, const char *key);

/* Was everything as it should be, and every key of the entries asked for?  Else a sentence with the line of the first mistake. */
bool	conf_fine(struct conf *, char *why, size_t why_size);

#endif
