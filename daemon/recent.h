/* recent: the last durable batches, in memory, for readers that are nearly at the end of the log, and for what LMDB lacks yet. */
#ifndef RECENT_H
#define RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "batch.h"

struct recent {
	struct batch **ring;		/* in order of number */
	unsigned first, count, room;	/* room is a power of two */
	size_t bytes;
};

void		 recent_init(struct recent *);
void		 recent_clear(struct recent *);

/* The next batch.  Takes a reference of its own. */
void		 recent_add(struct recent *, struct batch *);

/* Forget the oldest that LMDB has (up to `applied`) beyond `bytes_max`. */
void		 recent_trim(struct recent *, uint64_t applied, size_t bytes_max);

/* The batch that holds `seq`, or NULL: then LMDB has it. */
const struct batch *recent_find(const struct recent *, uint64_t seq);

#endif
