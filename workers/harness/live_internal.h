/*
 * What the files of live operation share.
 *
 *	live.c		open, connect, subscribe, the loop
 *	delivery.c	what libestate calls back: gathered, not acted on
 *	turn.c		one transaction: what was gathered goes in
 *	ends.c		what the engine finds out on the way
 *	asked.c		questions, answered between turns
 *	effects.c	what a worker does outside, if it does
 *	page.c		its figures as a file
 */
#ifndef LIVE_INTERNAL_H
#define LIVE_INTERNAL_H

#include <signal.h>
#include <time.h>

#include "engine.h"
#include "estate.h"
#include "figures.h"
#include "inbox.h"
#include "live.h"
#include "rebuild.h"

enum { EXIT_TAKEN_OVER = 4, EXIT_DISK = 70, EXIT_WRONG_STATE = 78 };

/* What came of a put: applied in the next transaction. */
struct outcome {
	uint64_t number;	/* in the outbox */
	char *refusal;		/* NULL: stored */
};

struct live {
	const struct worker_kind *kind;
	const struct live_options *o;
	struct worker worker;
	struct state *state;
	struct estate *e;
	struct estate_subscription *events, *own;
	struct inbox came, work;	/* gathered in callbacks; taken in by the turn */
	struct outcome *outcomes;
	size_t outcome_count, outcome_room;
	uint64_t handed;		/* numbers of the outbox up to here were handed to libestate */
	bool stalled, stall_told;	/* the outbox is full, nothing more is taken in; somebody was told … */
	int64_t stalled_ms;		/* … since when */
	int64_t next;			/* when the next timer is due, as of the last turn … */
	int64_t wake;			/* … and what the daemon was asked for */
	uint64_t outbox;		/* how many conclusions waited for the daemon after the last turn */
	int64_t waiting_ms;		/* since when news waits for company; 0: it doesn't */
	bool rebuilding;
	struct rebuild rebuild;
	bool own_told;			/* the log has told all it holds of us … */
	uint64_t own_seq;		/* … up to here … */
	int64_t own_time;		/* … and so far had time come */
	bool proposed;			/* the rules of --config were compared with those in force */
	struct asked *asked;		/* questions that wait … */
	unsigned asked_count;
	uint64_t answers;		/* … and those that were answered */
	struct effects *effects;	/* or NULL: it has none */
	bool ready, done;
	int status;
	int64_t told_ms, page_ms, start_ns;
	bool page_failed;		/* that it cannot be written was told */
	/* A parked event that was asked for. */
	struct buffer fetched;
	struct stored fetched_event;
	bool fetched_ok;
};

/* live.c: told to stop?  The time.  Stop with this status; the sentence is for whoever has to act. */
bool	live_told_to_stop(void);
void	live_stop(int number);
int64_t	live_now_ms(void);
void	live_give_up(struct live *, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* delivery.c: libestate's callbacks, and the two subscriptions that lead to them. */
void	live_on_ack(void *user, const struct estate_ack *);
void	live_on_nak(void *user, const struct estate_nak *);
void	live_on_notice(void *user, const struct estate_notice *);
int	live_subscribe(struct live *);

/* turn.c: everything that came, in one transaction; only then it is acknowledged. */
#define COMPANY_MS	500	/* progress waits this long for company: a commit flushes, and every worker would for every event */
/* As much as one turn takes in. */
bool	live_has_gathered(const struct live *);
void	live_turn(struct live *);
/* Within a transaction: full, or room again?  What waits then stops reading, or lets it go on. */
void	live_look_at_outbox(struct live *);
/* Hand over what is committed and was not handed over at once, as far as libestate takes it. */
void	live_put(struct live *);
/* Within a transaction: what was refused for good is tried once more. */
void	live_put_refused_again(struct live *);

/* ends.c: struct engine_ends. */
void	live_on_derived(void *end, const struct derived *);
void	live_on_own(void *end, const struct stored *, const struct event *);
bool	live_fetch(void *end, uint64_t seq, struct stored *, bool *interrupted);

unsigned	live_figures(void *end, struct figure *, unsigned count);

/* page.c: its figures as a file, now and then; and no more. */
#define TELL_MS		1000	/* how often somebody who watches is told how it stands */
void	live_page(struct live *);
void	live_page_end(const struct live *);

/* asked.c: be asked under the worker's name.  An error of estate_serve(). */
int	live_serve(struct live *);
/* Does somebody wait for what is known with that number? */
bool	live_asked_by(const struct live *, uint64_t seq);
/* Answer those that wait for nothing more, for a while.  True: some are left. */
bool	live_answer(struct live *);
/* Nobody waits any more: the session is gone. */
void	live_ask_nobody(struct live *);

/* effects.c: open and close; after each transaction; told to stop, is something still on its way?  Wait for news, or that long. */
int	effects_open(struct live *, const struct worker_effects *);
void	effects_close(struct live *);
void	effects_turn(struct live *);
bool	effects_leaving(struct live *);
void	effects_wait(struct live *, const struct timespec *timeout, const sigset_t *open);
/* A put was answered.  False: it was the outbox's. */
bool	effects_answered(struct live *, uint64_t cookie, uint64_t seq, bool duplicate, const char *refusal);

#endif
