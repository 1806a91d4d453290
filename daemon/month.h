/*
 * month: one month of the log, an LMDB environment of its own in `months/YYYY-MM/`, so that binding seals it, trimming unlinks it
 * and the disk is given back.
 *
 *   blocks   first sequence number (u64 big-endian)  →  block (block.h), about 64 KiB unless events trickle
 *   filters  the same key                            →  filter of the block (bloom.h)
 *   meta     "first", "last", "bytes" of events (env.h)
 *
 * LMDB's caveats are ours: one environment is opened once per process and never crosses a fork; write transactions begin on the
 * applier's thread only; a read transaction ends within the turn that began it; values die with the transaction; a failed flush
 * does not poison the environment, so we treat it as the end of trust ourselves; MDB_MAP_FULL is a full disk, not damage.
 */
#ifndef MONTH_H
#define MONTH_H

#include <lmdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "block.h"

struct identity;

#define MONTH_NAME	8	/* "2026-11" */

/* A hundred years of them. */
#define MONTHS_MAX	1200u

struct month {
	char name[MONTH_NAME];
	char *folder;
	MDB_env *env;
	MDB_dbi blocks, filters, meta;
	_Atomic uint64_t first, last;	/* committed; 0 while empty */
	_Atomic uint64_t bytes;		/* of events, headers apart */
};

/* Open the month in `folder`/NAME, make it if `create`.  NULL with a sentence in `why` when it cannot be read, is of a newer
 * format or belongs to another log.  `readonly` for estate verify. */
struct month	*month_open(const char *folder, const char *name, const struct identity *, bool create, bool readonly, char *why,
		    size_t why_len);
void		 month_close(struct month *);

/* The names of the months in `folder`, in order.  How many, or -1 with errno. */
int		 month_list(const char *folder, char names[][MONTH_NAME]);

/*
 * Append these batches, which continue the month's last number, in one flushed transaction.  Applier's thread only.
 * 0; ENOSPC or MDB_MAP_FULL: nothing was appended, try later; anything else: the store can't be trusted.
 */
int		 month_append(struct month *, struct batch *const *, unsigned count);

/* The block that holds `seq`, or with `after` the first block behind it that may hold one of the terms.  The value is lent until
 * the read transaction ends.  0, MDB_NOTFOUND, or an LMDB error. */
int		 month_block(const struct month *, MDB_txn *, uint64_t seq, MDB_val *bytes);

/* The first block from the one that holds `seq` on whose filter may hold every one of the queries (each a set of alternatives);
 * looks at `*budget` filters at most and takes from it.  *reached: where to go on when nothing was found within the budget. */
struct month_query {
	const uint64_t *hashes;		/* any of these */
	unsigned count;			/* 0: no condition */
};
int		 month_search(const struct month *, MDB_txn *, uint64_t seq, const struct month_query *, unsigned queries,
		    unsigned *budget, uint64_t *reached);

/* The least number in the month with a log time at or after `ns`; last + 1 if there is none.  0 or an LMDB error. */
int		 month_seq_at(const struct month *, MDB_txn *, uint64_t ns, uint64_t *seq);

#endif
