/*
 * effects: a worker's way out of the log, live only.
 *
 * update() and due() decide; they touch nothing outside.  A worker that has something to do in the world (send a message, call a
 * provider) names a struct worker_effects beside its kind.  The harness then waits on a libevent base, which the effects share, and
 * calls them after each transaction.  A rehearsal, a rebuild and a simulation never open them, and nothing that they do changes the
 * tables but by an event of the log:
 *
 *	intent		effects_put(): an ordinary event, of a source of its own below the worker's
 *	effect		only when `stored` was called: the event survives a power cut
 *	outcome		effects_put() again; update() sees both as it sees every event
 *
 * What stands without outcome after a restart is unknown: who wrote it is gone.  effects_began() tells the attempts of a former process
 * from late ones: a number up to it was stored before this process could know.
 *
 * All of it on one thread.  Callbacks come from the loop, never from within a call below.
 */
#ifndef EFFECTS_H
#define EFFECTS_H

#include <event2/event.h>

#include "estate.h"
#include "worker.h"

struct effects;

struct worker_effects {
	/* `folder` is that of --config.  What is returned is handed to the others; NULL, with a sentence in `why`, ends the start. */
	void *(*open)(struct effects *, const char *folder, char *why, size_t why_size);
	/* After a transaction, and after whatever the loop called: look at what is to be done. */
	void (*turn)(void *);
	/* Told to stop: begin nothing more.  True while something is on its way, for up to EFFECTS_LEAVE_MS. */
	bool (*leaving)(void *);
	void (*close)(void *);
};
#define EFFECTS_LEAVE_MS	10000

struct event_base	*effects_base(struct effects *);

/* For requests and subscriptions; puts go through effects_put(). */
struct estate		*effects_estate(struct effects *);

/* The worker has read all that was stored when this session began, is not being made again and not held up: what its tables say may be
 * acted on. */
bool		effects_settled(const struct effects *);

/* The last number that was stored when this process said hello; how far the worker has read; the log's end as far as it was told. */
uint64_t	effects_began(const struct effects *);
uint64_t	effects_read(const struct effects *);
uint64_t	effects_end(const struct effects *);

/* Milliseconds of a clock that nobody sets. */
int64_t		effects_now_ms(void);

/* The tables as they are after the last transaction, for as long as `look` takes: worker_get(), worker_each(), worker_user(). */
void		effects_look(struct effects *, void (*look)(struct worker *, void *user), void *user);

/*
 * Put one event.  `stored` is called once it is durable (seq its number; duplicate: it was stored before), or refused for good (refusal
 * says why; seq 0).  False if libestate takes no more now: try again after the next turn.
 */
bool		effects_put(struct effects *, const void *bytes, size_t len,
		    void (*stored)(void *user, uint64_t seq, bool duplicate, const char *refusal), void *user);

#endif
