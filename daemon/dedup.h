/*
 * dedup: has this event been here before?  The recent ones are in tables in memory until the key index has them, the others in
 * the index.  Writer's thread only.
 */
#ifndef DEDUP_H
#define DEDUP_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "keys.h"

struct dedup;

struct dedup	*dedup_new(struct keys *);
void		 dedup_free(struct dedup *);

/* Look-ups happen between begin and end.  begin also forgets what the index has by now.  Returns 0 or an LMDB error. */
int		 dedup_begin(struct dedup *);
void		 dedup_end(struct dedup *);

/* Nothing to do just now: forget what the index has, and give back the memory of tables that a burst has left too large. */
void		 dedup_rest(struct dedup *);

enum dedup_answer { DEDUP_NEW, DEDUP_SAME, DEDUP_CONFLICT, DEDUP_FAILED };

/* SAME: *seq is the number it has.  CONFLICT: the identity is taken by other content. */
enum dedup_answer dedup_find(struct dedup *, const struct index_entry *, uint64_t *seq);

/* This entry will be looked for in a moment: its place in the table is seldom in the processor's cache, and is fetched meanwhile. */
void		 dedup_expect(const struct dedup *, const struct index_entry *);
#define DEDUP_AHEAD	8u	/* how far ahead that pays */

/* The event gets this number, greater than any before; the entry stays in memory until the index has it.  Of those added since begin the
 * last may be taken back, one by one, if their batch is not written after all. */
void		 dedup_add(struct dedup *, const struct index_entry *, uint64_t seq);
void		 dedup_remove(struct dedup *, const struct index_entry *);

#endif
