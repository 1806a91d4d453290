/*
 * worker: what the author of a worker writes against.  GUIDE.md is the tour; workers/example is a whole one.
 *
 * A worker is two functions: update() is given each event of the log in order, due() each timer at its instant.  Both may keep tables,
 * set and cancel timers, and emit derived events.  Whatever they do is a function of what they are given and of the worker's own
 * tables: no clock, no socket, no file, no random number, no address, no order of a hash table.  Then the same log leads to the same
 * derived events at any speed, through any kill, and in a rehearsal.  A worker may also answer queries from what it knows.
 *
 * All functions below may be called within update(), due() and queries only; a query changes nothing.  They return no errors: what fails is remembered, and the harness
 * sees it when the callback returns.  A failed disk stops the worker; everything else parks the event.
 *
 * What is lent (values, envelope, payload) is valid until the next call that writes, at the latest until the callback returns.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"
#include "event.h"
#include "state.h"

struct worker;
struct worker_effects;

#define SECOND_NS		1000000000LL

/* What a timer carries: enough for what its rule needs, too little for a document, which belongs in a table. */
#define TIMER_PAYLOAD_MAX	1024u

/* One event of the log. */
struct worker_event {
	uint64_t seq;
	int64_t log_time;		/* when it was stored; never decreases */
	int64_t when;			/* when it happened: its own time, or log time if that is missing or implausible */
	struct text sender;		/* as the daemon authenticated it */
	bool flagged;			/* an earlier event of this subject is parked: what is known of it has a hole */
	bool replayed;			/* an operator hands over again what was parked; worker_now() is his instant */
	const struct event *e;		/* envelope and data */
};

/* One timer whose instant has come: every event with log time <= due has been seen, none later. */
struct worker_timer {
	const void *name;		/* as it was set */
	size_t name_len;
	int64_t due;
	uint64_t cause;			/* sequence number of the event that set it */
	const void *payload;
	size_t len;
	bool replayed;
};

/* A file of --config DIR: its text becomes a config.activated event, and is in force from that event's number on. */
struct worker_config {
	const char *kind;		/* rules, calendar, roster, settings: of the catalogue's list */
	const char *file;		/* "example.yaml" */
};

/* A question that can be asked (`estate ask NAME`, --rehearse --ask): its answer is a function of the state and of what it takes. */
struct worker_query {
	const char *name;		/* "counts": an id */
	const char *takes;		/* its arguments, blanks between; others are refused by their name.  `limit` is every query's */
	const char *about;		/* what it answers, a sentence: `estate ask NAME help` prints it */
	int (*answer)(struct worker *);	/* 0, or -1 after worker_refuse() */
};

struct worker_kind {
	const char *name;		/* "example": the program is estate-example, the source /estated/worker/example */
	const char *about;		/* for --help: what it does, a sentence or a few lines */
	unsigned version;		/* of its tables: raise it when they or the meaning of update() change, and they are rebuilt */
	const char *const *types;	/* patterns of the event types it wants, NULL at the end */
	const char *const *tables;	/* names of its tables, at most STATE_TABLES_MAX, NULL at the end; or NULL */
	const struct worker_config *configs;	/* kind NULL at the end; or NULL */

	/* Memory for what configure() reads: rules, nothing else (whatever update() learns belongs in a table). */
	void *(*open)(void);
	void (*close)(void *user);
	/*
	 * This text is in force from now on; NULL: none, as before the first activation.  Return 0, or -1 with a sentence in `why`; then
	 * what was in force before stays.  May be NULL, like open and close, if there is nothing to configure.
	 */
	int (*configure)(void *user, const char *kind, const char *text, char *why, size_t why_size);
	/*
	 * That kind is in force as of worker_now(): put right what was made from the one before it, such as a deadline counted by another
	 * calendar, and set timers that no event sets.  It may do all that update() may, and is replayed with the log; in a rehearsal under
	 * fixed rules it is called before the first event.  0, or -1 after worker_fail(): then it is as if it had not been activated, and
	 * configure() is given the text before it again, or NULL.  May be NULL.
	 */
	int (*activated)(struct worker *, const char *kind);

	/* 0, or -1 after worker_fail(): everything this call did is taken back, and the event is parked. */
	int (*update)(struct worker *, const struct worker_event *);
	int (*due)(struct worker *, const struct worker_timer *);	/* may be NULL if no timers are set */

	const struct worker_effects *effects;	/* effects.h: what it does outside, live and with --config only; NULL: nothing */
	const struct worker_query *queries;	/* name NULL at the end; or NULL.  status and help are every worker's */
};

/* The whole program: options, rehearsal, rebuild, the live loop.  Returns the exit status. */
int	worker_main(const struct worker_kind *, int argc, char **argv);

/* What open() returned. */
void	*worker_user(const struct worker *);

/* The only clock: the log time of the event, the instant of the timer; in a query, how far time has come. */
int64_t	worker_now(const struct worker *);

/* The number of the event that is the cause of what is concluded now. */
uint64_t worker_cause(const struct worker *);

/* "It cannot be taken because": the event is parked with this reason, which must be the same each time.  Returns -1. */
int	worker_fail(struct worker *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- Tables: `table` counts from 0 in the order of worker_kind.tables; keys of 1 to STATE_KEY_MAX bytes ---------------------------- */

bool	worker_get(struct worker *, unsigned table, const void *key, size_t len, const void **value, size_t *value_len);
void	worker_put(struct worker *, unsigned table, const void *key, size_t len, const void *value, size_t value_len);
bool	worker_delete(struct worker *, unsigned table, const void *key, size_t len);

/* Numbers, 0 where nothing stands. */
uint64_t worker_get_number(struct worker *, unsigned table, const void *key, size_t len);
void	 worker_put_number(struct worker *, unsigned table, const void *key, size_t len, uint64_t);

/* Walk the keys that begin with a prefix, in order: memset a walk to 0 before.  Writing meanwhile is allowed. */
struct worker_walk {
	uint8_t key[STATE_KEY_MAX];
	size_t key_len;
	const void *value;
	size_t value_len;
};
bool	worker_each(struct worker *, unsigned table, const void *prefix, size_t len, struct worker_walk *);

/* ---- Timers: named by the worker, 1 to STATE_KEY_MAX bytes, with a payload of up to TIMER_PAYLOAD_MAX  */

/*
 * Set, or set anew.  One set for an instant that has passed fires next, before any later event.  Those due at one instant fire in
 * the order of their names.
 */
void	worker_set_timer(struct worker *, const void *name, size_t len, int64_t due, const void *payload, size_t payload_len);
/* True if there was one. */
bool	worker_cancel_timer(struct worker *, const void *name, size_t len);
/* When it is due; false if there is none. */
bool	worker_timer_due(struct worker *, const void *name, size_t len, int64_t *due);

/* ---- Derived events ---------------------------------------------------------------------------------------------------------------------- */

/*
 * What makes a derived event the one it is: its id is the cause's sequence number and a hash of worker, rule, object, step and
 * occurrence.  No two events of one cause may agree in all of them: the second is refused, loudly.  No running numbers: an occurrence
 * is something that the log tells, such as the day of a daily reminder.
 */
struct worker_identity {
	const char *rule;		/* "C1" */
	struct text object;		/* the obligation, case, bill … it is about */
	const char *step;		/* "breached" */
	uint64_t occurrence;		/* the how-manieth, where a step repeats */
};

/* Begin one; its fields of `data` follow, then worker_emit().  subject may be empty if the type allows it. */
void	worker_derive(struct worker *, const char *type, struct text subject, const struct worker_identity *);
void	worker_urgency(struct worker *, const char *level);		/* routine, urgent, emergency */
void	worker_field(struct worker *, const char *name, struct text value);
void	worker_field_int(struct worker *, const char *name, int64_t value);
void	worker_field_bool(struct worker *, const char *name, bool value);
void	worker_field_instant(struct worker *, const char *name, int64_t ns);
/* A field that is a map: the next `pairs` fields are its own; then worker_field_map_end(). */
void	worker_field_map(struct worker *, const char *name, unsigned pairs);
void	worker_field_map_end(struct worker *);
/* Its time is worker_now(), its causation the cause.  What the catalogue would refuse fails the update. */
void	worker_emit(struct worker *);

/* ---- Queries: what was asked, and the answer ------------------------------------------------------------------------------------------- */

/* Who asks: the name that the daemon verified. */
const char	*worker_asker(const struct worker *);

/*
 * An argument.  Absent is false, or `usual`; one of another kind, too long or outside its bounds refuses the question with its name,
 * whatever the query answers.
 */
bool	worker_asked_text(struct worker *, const char *name, size_t len_max, struct text *);
int64_t	worker_asked_int(struct worker *, const char *name, int64_t usual, int64_t min, int64_t max);

/* "This cannot be answered because": a code of errcode.h, the argument at fault or NULL.  Nothing personal in it.  Returns -1. */
int	worker_refuse(struct worker *, int code, const char *argument, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * The answer is a map; these add to the innermost map or list that is open (in a list the name is not used).  What is open at the end
 * is closed.  A personal value is marked: who lacks the right sees a mask.
 */
void	worker_reply(struct worker *, const char *name, struct text value);
void	worker_reply_personal(struct worker *, const char *name, struct text value);
void	worker_reply_int(struct worker *, const char *name, int64_t value);
void	worker_reply_bool(struct worker *, const char *name, bool value);
void	worker_reply_instant(struct worker *, const char *name, int64_t ns);
void	worker_reply_map(struct worker *, const char *name);
void	worker_reply_list(struct worker *, const char *name);
/* The next row of the list that is open: a map.  It ends the row before it. */
void	worker_reply_row(struct worker *);
/* End the innermost map, or list with its last row. */
void	worker_reply_end(struct worker *);

/*
 * The walk whose rows are pages, one a query: as worker_each(), and through all timers, in the order in which they fire.  False too
 * when the page is full (`limit` rows, QUERY_STEPS_MAX keys looked at, or QUERY_PAGE_BYTES): then the answer says how to go on, and the
 * next page begins behind the last key, as the state is by then.  Keys of up to QUERY_KEY_MAX bytes.
 */
#define QUERY_ROWS_USUAL	100
#define QUERY_ROWS_MAX		1000
#define QUERY_STEPS_MAX		10000u
#define QUERY_PAGE_BYTES	(256u << 10)
#define QUERY_KEY_MAX		184u
bool	worker_each_row(struct worker *, unsigned table, const void *prefix, size_t len, struct worker_walk *);

struct worker_timer_walk {
	struct worker_timer t;
	uint8_t key[STATE_KEY_MAX + 8];	/* its place: due, name */
	size_t key_len;
};
bool	worker_each_timer(struct worker *, struct worker_timer_walk *);

/* ---- Reading data: false if the field is missing or of another kind --------------------------------------------------------------------- */

bool	event_field(const struct event *, const char *name, struct mp *value);
bool	event_text(const struct event *, const char *name, struct text *);
bool	event_int(const struct event *, const char *name, int64_t *);
bool	event_bool(const struct event *, const char *name, bool *);
/* A msgpack timestamp or RFC 3339 text, whichever the sender chose. */
bool	event_instant(const struct event *, const char *name, int64_t *ns);

static inline struct text
text_of(const char *s)
{
	return ((struct text){ s, s != NULL ? (uint32_t)__builtin_strlen(s) : 0 });
}

#endif
