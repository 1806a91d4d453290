/*
 * outbox: what was concluded and is not yet acknowledged, in the order of conclusion.
 *
 * DB_OUTBOX      number (big-endian)  ->  id (48 bytes), the packed event
 * DB_OUTBOX_IDS  id  ->  number
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "engine.h"

struct outbox_entry {
	uint64_t number;
	char id[ID_SIZE];
	const void *bytes;	/* lent */
	size_t len;
};

/* Add one.  False: another event of this id waits already (the same bytes again are no news: true). */
bool	outbox_add(struct state *, const struct derived *);
/* The first entry with a number above `after`. */
bool	outbox_next(struct state *, uint64_t after, struct outbox_entry *);
void	outbox_remove(struct state *, uint64_t number);
/* The number of an id; 0 if it does not wait. */
uint64_t	outbox_find(struct state *, const char *id);
/* The log holds this under that id: if it is what waits, it need not be put any more. */
void	outbox_confirm(struct state *, const char *id, const void *bytes, size_t len);

#endif
