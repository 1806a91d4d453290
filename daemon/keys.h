/*
 * keys: which events there are, by identity.  One LMDB environment, `keys/`, that outlives the months.
 *
 *   keys     event_key() 16 bytes  →  sequence number (6 bytes, big-endian), digest (6 bytes, big-endian)
 *   meta     "applied": everything up to this number is in the index (env.h)
 *
 * It is an index: lost or behind, it is made again from the months.
 */
#ifndef KEYS_H
#define KEYS_H

#include <lmdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"

struct identity;

struct keys {
	MDB_env *env;
	MDB_dbi keys, meta;
	MDB_txn *reader;		/* the writer's thread's, renewed per batch */
	uint8_t greatest[EVENT_KEY_BYTES];	/* in what is read; all zeros if it is empty */
	_Atomic uint64_t applied;
};

/* As month_open(). */
struct keys	*keys_open(const char *folder, const struct identity *, bool readonly, char *why, size_t why_len);
void		 keys_close(struct keys *);

/* Index these batches in one flushed transaction; numbers at or below `applied` are written again without harm.  Applier's
 * thread.  Returns as month_append(). */
int		 keys_append(struct keys *, struct batch *const *, unsigned count);

/* Forget what is numbered up to `seq`, a step at a time: looks at `budget` entries from `position` (all zeros to begin with) on and moves it;
 * *finished: the end was reached.  Applier's thread.  Returns as month_append(). */
int		 keys_expire(struct keys *, uint64_t seq, uint8_t position[EVENT_KEY_BYTES], unsigned budget, bool *finished);

/* Look-ups happen between begin and end, on the writer's thread.  0 or an LMDB error. */
int		 keys_read_begin(struct keys *);
void		 keys_read_end(struct keys *);

/* 0 with the number and digest stored under the key, MDB_NOTFOUND, or an LMDB error. */
int		 keys_find(struct keys *, const uint8_t key[EVENT_KEY_BYTES], uint64_t *seq, uint64_t *digest);

#define KEYS_VALUE_BYTES	12
void		 keys_value_read(const uint8_t *, uint64_t *seq, uint64_t *digest);

#endif
