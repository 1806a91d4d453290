/*
 * env: one LMDB environment of the store: made whole or not at all, and marked with whose it is.
 *
 * Every environment has a database "meta" with "format" (u32) and "log" (the UUID); numbers in it are u64, little-endian.
 */
#ifndef ENV_H
#define ENV_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct identity;

#define ENV_DBS_MAX	4u

/* What an environment has: its databases by name, "meta" first, and LMDB's flags. */
struct env_kind {
	const char *names[ENV_DBS_MAX];
	unsigned count;
	unsigned flags;
};

/*
 * Make `folder` with empty databases, unless it is there.  After a power cut it is there whole or not at all: LMDB's own creation
 * can leave a file that LMDB then refuses.  0, or an errno or LMDB error.
 */
int	env_make(const char *folder, const struct env_kind *, const struct identity *);

/* Open `folder`; dbis receives the databases in the kind's order.  0, or -1 with a sentence in `why`. */
int	env_open(MDB_env **, const char *folder, const struct env_kind *, const struct identity *, bool readonly, MDB_dbi *dbis, char *why,
	    size_t why_len);

/* A number of "meta": 0 if it was never put. */
int	env_get(MDB_txn *, MDB_dbi meta, const char *name, uint64_t *);
int	env_put(MDB_txn *, MDB_dbi meta, const char *name, uint64_t);

#endif
