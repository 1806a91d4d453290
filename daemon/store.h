/*
 * store: the data folder as one thing.  DIR/identity, DIR/lock, DIR/journal/, DIR/months/YYYY-MM/, DIR/keys/, DIR/vault,
 * DIR/persons/, DIR/trimmed.
 *
 * Order of truth: the journal has what is durable; the index of persons and then the months follow; keys follow months.  So after
 * any cut: keys ≤ months ≤ journal's end, whatever is behind is made again from what is ahead, and nothing else can be the case in a
 * sound store.
 */
#ifndef STORE_H
#define STORE_H

#include <lmdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "identity.h"
#include "journal.h"
#include "keys.h"
#include "month.h"
#include "trimmed.h"
#include "vault.h"

/* The exit status after which nobody may start the daemon again before `estate verify`: systemd is told so. */
#define EXIT_UNTRUSTED	70

struct store_reader;

struct store_options {
	const char *folder;
	size_t segment_bytes;
	unsigned segments_max;
	uint64_t reserve_bytes;		/* disk left free for reads, LMDB's next step and the operator */
};

struct store {
	char *folder;
	struct identity identity;
	int lock_fd;
	struct journal *journal;
	struct keys *keys;
	struct vault *vault;
	/* In order; those below month_first are trimmed: nobody looks at them but the applier's thread, which closes and unlinks them.
	 * None is freed while the store is open. */
	struct month *months[MONTHS_MAX];
	atomic_uint month_first, month_count;
	struct trimmed trimmed;		/* the loop's */
	_Atomic uint64_t trimmed_last;	/* its `last`, for all */
	_Atomic uint64_t applied;	/* the last number in the months */
	atomic_bool full;		/* no room: new events are refused */
	_Atomic uint64_t reserve_bytes;	/* of the options; the loop may set another */
	bool created;			/* this start made the log */
	/* As found at open. */
	uint64_t last_seq;		/* the last durable number */
	uint64_t last_log_time;
	struct batch_queue unapplied;	/* by recent_link: durable in the journal, not yet in LMDB; the caller's to take */
};

/*
 * Open the data folder, making what is missing, and recover: when this returns, everything that was ever acknowledged is readable
 * and flushed.  Reports progress through `tick` (may be NULL) while it lasts.  NULL with one sentence in `why` that says what to
 * do: not a directory, no permission, another daemon, newer format, another log, damaged, marked untrusted.
 */
struct store	*store_open(const struct store_options *, void (*tick)(const char *), char *why, size_t why_len);

/* Has the folder parts of a log, whose identity is written before all of them, and in a backup after? */
bool		 store_holds_parts(const char *folder);

/* Keep daemons off a folder while it is read as it lies.  False if one has it; else *lock is to be closed, or -1: a backup has no lock file
 * and needs none. */
bool		 store_hold(const char *folder, int *lock);

/* For estate verify: nothing is made, changed or locked out of; journal is NULL. */
void		 store_close(struct store *);

/* The month of a log time, in site time: "2026-11". */
void		 store_month_name(uint64_t log_time, char out[MONTH_NAME]);

/*
 * Bring these batches, the next in order, into LMDB.  Applier's thread.  0, or ENOSPC: nothing lost, call again later.  Does not
 * return when the disk can't be trusted.
 */
int		 store_apply(struct store *, struct batch *const *, unsigned count);

/* Is this outcome of a write a shortage (of disk, descriptors, memory) that may pass?  Anything else is the end of trust. */
bool		 store_may_retry(int rc);

/* Look at the free space and set `full` accordingly. */
void		 store_measure_space(struct store *);

/* Leave the mark that makes every start refuse until estate verify has passed, log why, and end the process at once: nothing that
 * is not yet acknowledged may be. */
void		 store_distrust(const char *folder, const char *what, const char *why) __attribute__((noreturn));
#define UNTRUSTED_MARK	"untrusted"

/* The bytes of the events above `from` up to `to`, roughly: by the average of their month. */
uint64_t	 store_bytes_behind(const struct store *, uint64_t from, uint64_t to);

/* Trimming, in two steps.  Loop: the oldest month, whose newest event is of that log time, is not there any more: from now on nobody reads
 * it.  The reader's transaction on it ends. */
void		 store_trim(struct store *, struct store_reader *, uint64_t log_time);

/* Applier's thread: write the text of the file `trimmed`, close and unlink every month up to `through`, of which `until` is the index behind.
 * 0 or an errno; then it is done again later. */
int		 store_unlink_trimmed(struct store *, const char *text, size_t len, const char *through, unsigned until);

/* The log time of a month's first event, by its index; 0 if it has none or cannot be read. */
uint64_t	 store_month_begin(struct store_reader *, unsigned month);

/* The bytes on the disk of a month's file. */
uint64_t	 store_month_disk(const struct month *);

/* The first stored number: 1 in a log that was never trimmed. */
uint64_t	 store_first_seq(const struct store *);

/* Read transactions of one thread over all months, begun when needed. */
struct store_reader {
	struct store *store;
	MDB_txn *txn[MONTHS_MAX];
	bool active[MONTHS_MAX];
};
struct store_reader	*store_reader_new(struct store *);
void			 store_reader_free(struct store_reader *);

/* Let go of a month that is trimmed. */
void			 store_reader_drop(struct store_reader *, unsigned month);

/* End what this turn began.  Every MDB_val lent since is gone. */
void			 store_read_end(struct store_reader *);

/* The block that holds `seq` (at most `applied`), proven by checksum.  0, E_TRIMMED, or E_DAMAGED with the place in `why`. */
int			 store_read_block(struct store_reader *, uint64_t seq, struct block *, char *why, size_t why_len);

/* Where in its file a value lent by LMDB lies: the map is the file.  0 if it is not mapped. */
size_t			 store_file_offset(const void *value);

/* Where to read on from `seq` when only blocks that may hold all of these queries count: looks at `budget` filters at most.
 * Returns a number ≥ seq; applied + 1 when nothing is left. */
uint64_t		 store_search(struct store_reader *, uint64_t seq, const struct month_query *, unsigned queries, unsigned budget);

/* The least applied number with log time ≥ ns; applied + 1 if there is none. */
uint64_t		 store_seq_at(struct store_reader *, uint64_t ns);

#endif
