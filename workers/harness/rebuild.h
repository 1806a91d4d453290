/*
 * rebuild: what is concluded again from the log, compared with what the log holds of this worker.
 *
 * Both come in any order; DB_COMPARE keeps what only one side has told: id -> side u8, masked u8, digest of the bytes u64, digest of
 * those beside personal values u64.  Nothing is put meanwhile.  Where the log shows a mask, since this client may not see personal
 * data or since they were erased, the rest is compared, and the report says of how many.  It ends where both sides have told all up to one place of the log, which may lie beyond what the old state knew: it may
 * have put what it had no time to commit.  Differences are reported, and stay: a log is not changed.
 */
#ifndef REBUILD_H
#define REBUILD_H

#include "engine.h"

struct rebuild {
	struct worker *worker;
	uint64_t same, different, missing, extra, without_personal;
};

/* Concluded, again or for the first time. */
void	rebuild_derived(struct rebuild *, const struct derived *);
/* The log holds it. */
void	rebuild_own(struct rebuild *, const struct stored *, const struct event *);
/* Both have told all: report, and forget the rest. */
void	rebuild_finish(struct rebuild *);

#endif
