/*
 * batch: the events of one commit, once they have numbers.  Immutable from then on and shared by count between the
 * applier (until they are in the month's log and their keys are indexed) and the loop (while they are hot for fan-out).
 */
#ifndef BATCH_H
#define BATCH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "block.h"
#include "event.h"

/* What the indexes need of an event, worked out once while it was decoded. */
struct index_entry {
	uint8_t key[EVENT_KEY_BYTES];
	uint64_t digest;
	uint64_t subject, source, type;	/* bloom_hash() of each; 0 for no subject */
	bool links;			/* its data names the household that its subject belongs to (vault.h) */
};

struct batch {
	/* Stored. */
	uint64_t first_seq;
	uint32_t count;
	uint64_t log_time;
	const uint8_t *block;		/* within buffer */
	size_t block_len;
	/* Memory only. */
	atomic_uint refs;
	uint8_t *buffer;		/* what the journal writes: aligned, padded */
	size_t buffer_len;
	struct index_entry *entries;		/* count of them */
	STAILQ_ENTRY(batch) apply_link, recent_link;
};
STAILQ_HEAD(batch_queue, batch);

/*
 * The batch of these records, numbered from first_seq: the block is built into a buffer laid out for the journal.  Takes
 * `entries` (malloc'ed, one per record).  One reference, the caller's.  Never NULL: out of memory aborts.
 */
struct batch	*batch_build(uint64_t first_seq, const struct record *, struct index_entry *entries, unsigned count);

/* The batch of a block read back from the journal; the entries are worked out again from the events. */
struct batch	*batch_read(const uint8_t *block, size_t len, uint64_t secret);

struct batch	*batch_ref(struct batch *);
void		 batch_unref(struct batch *);

static inline uint64_t
batch_last(const struct batch *b)
{
	return (b->first_seq + b->count - 1);
}

/* Fill an entry from a decoded event. */
void		 entry_fill(struct index_entry *, const struct event *, uint64_t secret);

/* The same from a stored record, whose digest is that of the event as it was put.  False if it cannot be read. */
bool		 entry_read(struct index_entry *, const struct record *, uint64_t secret);

/* malloc that never returns NULL: a daemon that cannot get a kilobyte has no better answer than a restart. */
void		*must_alloc(size_t) __attribute__((returns_nonnull));
void		*must_realloc(void *, size_t) __attribute__((returns_nonnull));
char		*must_strdup(const char *) __attribute__((returns_nonnull));

#endif
