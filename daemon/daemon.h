/* daemon: what the loop thread owns.  Everything here is touched by that thread alone. */
#ifndef DAEMON_H
#define DAEMON_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "applier.h"
#include "job.h"
#include "usage.h"
#include "logclock.h"
#include "recent.h"
#include "seal.h"
#include "store.h"
#include "writer.h"
#include "zsock.h"

struct asks;
struct backup;
struct ceiling;
struct consumer;
struct erasure;
struct options;
struct refusals;
struct registry;
struct retention;
struct session;
struct settings;
struct subscription;

#define DAEMON_EVENTS_MAX	32

struct counters {
	uint64_t messages, malformed, puts, warnings_time, warnings_field, acks, naks, busy, held, no_session, forbidden;
	uint64_t sends_unreachable, sends_blocked, delivered_events, delivered_bytes, sessions_opened, sessions_expired;
	uint64_t asks, asks_answered, asks_timed_out, asks_refused, asks_lost, answers_refused;
	uint64_t refused[128];		/* by error code */
};

struct daemon {
	struct options *options;
	struct settings *settings;	/* in force; reload.c alone changes what may change while it runs */
	struct event_base *base;
	struct zsock *zsock;
	struct store *store;
	struct store_reader *reader;
	struct applier *applier;
	struct writer *writer;
	struct logclock *clock;
	int writer_fd, applier_fd;	/* eventfds: a job is done, something was applied */
	struct event *kept[DAEMON_EVENTS_MAX];	/* freed with the base */
	unsigned kept_count;
	uint64_t started_ns;		/* monotonic */

	/* Intake. */
	struct job *gather;		/* the batch that fills */
	struct job_queue ready;		/* full ones before it */
	struct job_queue spares;	/* empty ones for the next use */
	unsigned spare_count;
	size_t intake_bytes;		/* unanswered, of all sessions */
	uint64_t log_time;		/* of the last durable batch */
	uint64_t durable;		/* the last durable number */

	/* Who may come in. */
	struct clients *clients;	/* the list in force */
	struct usages usages;		/* what each name uses up */
	struct refusals *refusals;

	/* Progress (progress.c). */
	struct ceiling *ceiling;
	uint64_t told_time;		/* every event above `durable` has a later log time than this, after any stop too */
	bool telling_wanted;		/* somebody's wake waits for the batch on its way */
	bool telling_failed;		/* for want of room, and was said */
	int alarm_fd;			/* a timerfd … */
	uint64_t alarm_ns;		/* … set to this monotonic instant, 0: not */

	/* Sessions and subscriptions. */
	void *sessions;			/* tsearch tree by routing id */
	unsigned session_count;
	struct event *session_sweep;	/* armed while there are sessions */
	STAILQ_HEAD(, subscription) subscriptions;
	unsigned subscription_count;
	STAILQ_HEAD(, consumer) consumers;
	unsigned consumer_count;
	struct registry *registry;
	uint64_t consumers_version;	/* of what was last given to the registry */
	bool consumers_changed;		/* since then; consumers_note is armed */
	struct event *consumers_note;
	struct event *lag_timer;
	uint64_t lag_checked_ns;	/* monotonic */
	struct retention *retention;
	struct event *fanout, *fanout_retry;
	unsigned fanout_retry_ms;

	struct asks *asks;		/* services, and asks that wait (ask.h) */

	struct recent recent;
	struct seal_room shown;		/* an event as its reader may see it */
	struct erasure *erasure;	/* one at a time */
	struct backup *backup;		/* one at a time */
	struct counters counters;
	bool stopping;
};

/* An event that lives as long as the daemon (main.c). */
struct event	*daemon_event(struct daemon *, int fd, short what, event_callback_fn);

/* Intake (intake.c): the job that fills, taken back from the writer if that has not begun with it. */
struct job	*intake_open(struct daemon *);
/* After gathering: lay the next job ready for the writer. */
void	intake_turn(struct daemon *);
/* A message was gathered: close the job if it is full. */
void	intake_gathered(struct daemon *);
/* Memory that intake will want again. */
void	intake_free_spares(struct daemon *);
/* The writer finished a job. */
void	intake_on_done(struct daemon *);
/* Every put of the session that is not yet with the writer is refused as held. */
void	intake_hold(struct daemon *, struct session *);

/* Acks (ack.c): the job's outcome is durable.  Called from nowhere but intake_on_done(). */
void	ack_job(struct daemon *, struct job *);

/* Fan-out (fanout.c): there may be something to deliver. */
void	fanout_wake(struct daemon *);
void	fanout_start(struct daemon *);

/* The daemon's own events (own_event.c): queued like any put, sender "daemon". */
void	own_event_started(struct daemon *);
void	own_event_clock(struct daemon *, const char *type, int64_t seconds, const char *by);
/* person.erased: the household, who did it, and why; on_stored as with a consumer's. */
void	own_event_erased(struct daemon *, const char *household, const char *by, const char *reason, own_event_stored *, void *arg);
/* client.…: the client's name, who did it (NULL: the daemon itself), and why. */
void	own_event_client(struct daemon *, const char *type, const char *name, const char *by, const char *reason);
struct own_consumer_event {
	const char *type, *name, *by;
	uint64_t from, to;		/* numbers, or OWN_EVENT_NONE */
	const char *reason;		/* or NULL */
	own_event_stored *on_stored;	/* or NULL; `arg` is its to free */
	void *arg;
};
#define OWN_EVENT_NONE	UINT64_MAX
void	own_event_consumer(struct daemon *, const struct own_consumer_event *);

#endif
