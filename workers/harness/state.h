/*
 * state: what a worker knows, in an LMDB environment of its own folder, and how far in which log it has read.
 *
 * Everything of one batch of events is one transaction: the worker's tables, its timers, what it concluded (outbox), what it could
 * not take (parked), and the cursor.  A kill at any instruction leaves the state of a whole batch.  A power cut may lose the last
 * commits (MDB_NOMETASYNC): the events are read again then, and lead to the same.
 *
 * LMDB's caveats are ours: the environment is opened once, never crosses a fork, belongs to one thread; one write transaction is open
 * from state_begin() to state_commit(), everything is read through it, and a value read dies with the next write.
 *
 * Errors are sticky: a failed step is remembered with its name, the steps after it do nothing, and state_commit() tells.  "Not found"
 * is an answer.  What an update wrote can be taken back up to a mark (state_undo): values as they were are remembered meanwhile.
 *
 * On disk: FOLDER/data.mdb with the databases of state.c, FOLDER/lock.mdb (LMDB's), FOLDER/lock (ours, held while the worker runs).
 * STATE_FORMAT is the version of that layout.  To change it: a new number; older ones are answered by a rebuild from the log, which is
 * always possible, and newer ones refused by name.
 */
#ifndef STATE_H
#define STATE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_FORMAT	1u

/* Keys of a worker's tables, and names of timers: LMDB takes 511 bytes, we prefix some. */
#define STATE_KEY_MAX	400u

#define STATE_TABLES_MAX	24u

/* The databases by what they hold; a worker's own tables follow, in the order in which it names them. */
enum state_db {
	DB_META,	/* how far, in which log, whose */
	DB_TIMERS,	/* due, name -> what it is about: in the order in which they fire */
	DB_NAMES,	/* name -> due */
	DB_OUTBOX,	/* number in order of conclusion -> event, until it is acknowledged */
	DB_OUTBOX_IDS,	/* id -> number */
	DB_PARKED,	/* sequence number, what -> why, and what it takes to try again */
	DB_REFUSED,	/* id -> why the daemon refused it for good, and its bytes: tried again at each start */
	DB_TROUBLED,	/* subject -> how many of its events are parked */
	DB_CONFIG,	/* kind -> what is in force, since when */
	DB_COMPARE,	/* during a rebuild: id -> digest of what was concluded, or of what the log holds */
	DB_OWN
};

struct state_cursor {
	char log[64];		/* the log's UUID; empty: none yet */
	uint64_t epoch;
	uint64_t seq;		/* everything up to here was taken in */
	int64_t log_time;	/* how far time has come: by promise, then all timers due up to here have fired … */
	uint64_t event;		/* … or, if not 0, with this event: then those due before, but for what it set itself */
};

struct state {
	MDB_env *env;
	MDB_txn *txn;			/* between state_begin() and state_commit() */
	MDB_dbi dbi[DB_OWN + STATE_TABLES_MAX];
	MDB_cursor *cursors[DB_OWN + STATE_TABLES_MAX];
	unsigned count;			/* of databases */
	int lock;
	int error;			/* the first one, 0: none … */
	const char *step;		/* … and what was being attempted */
	bool recording;			/* values as they were are kept for state_undo() */
	uint8_t *undo;
	size_t undo_len, undo_size;
	struct state_cursor cursor;	/* as of now; stored by state_commit() */
	uint64_t outbox_last;		/* the last number given in the outbox; stored by state_commit() */
	struct state_cursor mute;	/* a rebuild: what is concluded up to here was concluded before; seq 0: no rebuild */
};

struct state_options {
	const char *folder;
	const char *worker;
	unsigned version;		/* of the worker's own tables */
	const char *const *tables;	/* names, NULL at the end; or NULL */
	bool scratch;			/* for a rehearsal: no flush, no lock */
};

/* What state_open() found. */
enum state_found {
	STATE_NEW,
	STATE_SOUND,
	STATE_OTHER_VERSION,		/* of the worker's own tables: empty it with state_restart() */
	STATE_REFUSED			/* `why` is a sentence that says what to do */
};

/* Open or make it.  Unless refused, *s is the caller's to state_close(). */
enum state_found	state_open(struct state **s, const struct state_options *, char *why, size_t why_size);
void			state_close(struct state *);

/*
 * Forget everything, to read the log from its first event.  `muted`: but keep the outbox, and how far it had come, so that what is
 * concluded again up to there is compared and not emitted; else everything is emitted again, which is right for another epoch of the
 * log.  A transaction of its own.  0, or -1 (state_why()).
 */
int	state_restart(struct state *, bool muted, unsigned version);

/* One transaction.  state_commit() returns 0, or -1 with the first error of any step since; the transaction is gone either way. */
void	state_begin(struct state *);
int	state_commit(struct state *);
void	state_abort(struct state *);
/* "commit: No space left on device" */
const char	*state_why(const struct state *);

/* Steps within a transaction.  `db` is one of enum state_db, or DB_OWN + n. */
bool	state_get(struct state *, unsigned db, const void *key, size_t len, MDB_val *value);
void	state_put(struct state *, unsigned db, const void *key, size_t len, const void *value, size_t value_len);
bool	state_delete(struct state *, unsigned db, const void *key, size_t len);
/* The first key at or behind (key, len), with its value; false if there is none. */
bool	state_seek(struct state *, unsigned db, const void *key, size_t len, MDB_val *found, MDB_val *value);
uint64_t state_entries(struct state *, unsigned db);

/* From here on state_undo() can take back what is put and deleted; state_keep() forgets how. */
void	state_record(struct state *);
void	state_undo(struct state *);
void	state_keep(struct state *);

#endif
