/*
 * registry: the consumers on the disk: the file `consumers` in the data folder, replaced as a whole.
 *
 *   consumers: 2
 *   NAME CURSOR MEMBER FLAGS OWNER	one line each; flags: 1 paused, 2 released; OWNER "-": nobody yet
 *   sum: %016x				sumtext.h
 *
 * Version 1 had no owners.  A change gets a new number, every older one stays readable, only the newest is written.
 *
 * Written about a second after an ack, since one that is lost means only that events come again; at once for what an operator ordered.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "clients.h"
#include "identity.h"

#define REGISTRY_FILE	"consumers"

struct registry_row {
	char name[ID_CHARS_MAX + 1];
	uint64_t cursor, member;
	bool paused, released, moved;
	char owner[CLIENT_NAME_SIZE];		/* "": nobody yet */
};

/* The rows, one malloc()ed array, the caller's: none if there is no file.  0, or -1 with a sentence in `why`: damaged, or newer. */
int	registry_read(const char *folder, const struct identity *, struct registry_row **, unsigned *count, char *why, size_t why_len);

/* These rows as the file's text, malloc()ed, the caller's. */
char	*registry_text(const struct registry_row *, unsigned count, const struct identity *, size_t *len);

/* A writer of the file, for two threads: a text that is older than what is there is not written. */
struct registry;
struct registry	*registry_new(const char *folder);
void		 registry_free(struct registry *);
/* 0 or errno. */
int		 registry_write(struct registry *, uint64_t version, const char *text, size_t len);

#endif
