/*
 * A cursor file: how far a reader came, in which log.  One line of JSON, replaced as a whole, so that it is either the old or the
 * new one after any crash:
 *
 *	{"log":"5e0f…","epoch":1790000000000,"seq":4711}
 */
#ifndef CURSOR_H
#define CURSOR_H

#include <stdbool.h>
#include <stdint.h>

struct cursor {
	char log[64];
	uint64_t epoch, seq;
};

/* Whether it can be written where it shall be kept, before anything is shown that would be shown again: 0, or -1 after a sentence. */
int	cursor_check(const char *verb, const char *path);

/* Read it: 1; 0 if there is no such file yet; -1 after a sentence on stderr if it cannot be read or is none. */
int	cursor_read(const char *verb, const char *path, struct cursor *);

/* Write it durably: 0, or -1 after a sentence on stderr; the old one is untouched then. */
int	cursor_write(const char *verb, const char *path, const struct cursor *);

#endif
