/* seen: a set of 16-byte keys in memory. */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen {
	uint64_t (*keys)[2];
	size_t count, room;	/* room: a power of two; {0, 0} is a free place */
};

/* Add it: true if it was not there.  Zero the struct before the first. */
bool	seen_add(struct seen *, const uint64_t key[2]);
void	seen_free(struct seen *);

#endif
