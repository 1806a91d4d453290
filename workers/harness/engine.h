/*
 * engine: events and time in, derived events out.  The one code path of live operation, rebuild and rehearsal; it knows no socket and
 * no clock.
 *
 *	engine.c	the order of events and timers, poison and replay, activation
 *	call.c		one callback: what it may do, and how it is taken back
 *	emit.c		derived events: identity, envelope
 *	timers.c	timers by due time
 *	parked.c	what could not be taken, and whose it was
 *	outbox.c	what is concluded and not yet acknowledged
 *	config.c	rules and the like: read, in force, activated
 *	query.c		what the worker is asked
 *	reply.c		and its answer
 *	figures.c	how it stands: for the query `status` and for metrics
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "bounds.h"
#include "worker.h"

/* Derived events in a row: beyond it two workers are answering each other.  The event that would be the next is not emitted, and what
 * led to it is parked. */
#define CAUSATION_DEPTH_MAX	16u

/* A timer that sets itself again without letting time pass, as often as this, is a loop too. */
#define TIMER_STEPS_MAX		16u

/* 16 hex digits of the cause's sequence number, 32 of the hash. */
#define ID_SIZE			49u

/* One event as the log has it. */
struct stored {
	uint64_t seq;
	int64_t log_time;
	uint64_t flags;
	struct text sender;
	const void *bytes;
	size_t len;
};

struct figure;
struct query;

/* One derived event. */
struct derived {
	char id[ID_SIZE];
	const void *bytes;
	size_t len;
	bool muted;		/* a rebuild: it was concluded before */
};

/* What becomes of what the engine finds out; all within the transaction. */
struct engine_ends {
	void *end;
	void (*derived)(void *end, const struct derived *);
	/* An event of this worker's own came back. */
	void (*own)(void *end, const struct stored *, const struct event *);
	/* A parked event is wanted again.  False: it is gone; *interrupted: we are to stop. */
	bool (*fetch)(void *end, uint64_t seq, struct stored *, bool *interrupted);
	/* It was parked: a rehearsal has to keep it for fetch.  May be NULL. */
	void (*parked)(void *end, const struct stored *);
	/* Figures that only a live worker has, into the room of FIGURES_MAX; returns how many now.  May be NULL. */
	unsigned (*figures)(void *end, struct figure *, unsigned count);
};

struct engine_options {
	bool fixed_config;	/* what config_begin() was given is in force throughout, whatever the log says */
};

/* The cause of what a callback does. */
struct cause {
	uint64_t seq;
	int64_t now;
	unsigned depth;		/* of the event: 0 if it came from outside */
	unsigned steps;		/* of a timer that fires without time passing */
	bool muted;
	int64_t fired;		/* due of the timer that fires; INT64_MIN in an update */
};

struct worker {
	const struct worker_kind *kind;
	void *user;
	struct state *state;
	struct engine_ends ends;
	bool fixed_config;
	char source[SOURCE_CHARS_MAX + 1];
	int64_t next_due;		/* of the earliest timer, INT64_MAX for none */
	bool next_known;
	uint64_t troubled;		/* subjects with something parked */
	bool interrupted;		/* a fetch was: the transaction is to be given up */
	struct cause cause;
	bool failed;			/* this callback */
	char reason[512];
	struct emission *emission;
	struct query *query;		/* that is being answered, or NULL */
	/* Counted since the start. */
	uint64_t events, fired, emitted, parked;
};

/* The engine over an open state; what is in force is read from it.  -1 after a log line. */
int	engine_open(struct worker *, const struct worker_kind *, struct state *, const struct engine_ends *, const struct engine_options *);
void	engine_close(struct worker *);

/* The next event, in order: timers due before its log time fire first.  Errors are in the state. */
void	engine_event(struct worker *, const struct stored *);

/* Everything up to seq was handed over or does not concern us, and every event after it has a log time above this one. */
void	engine_progress(struct worker *, uint64_t seq, int64_t log_time);

/* When the next timer is due; INT64_MAX for never.  Within a transaction. */
int64_t	engine_next_due(struct worker *);

#endif
