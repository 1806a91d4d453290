/* subscription: one reader of the log within a session: where it is, what it wants, what it may get. */
#ifndef SUBSCRIPTION_H
#define SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "filter.h"

struct answer;
struct consumer;
struct daemon;
struct session;

struct subscription {
	struct session *session;	/* not counted: the session ends its subscriptions first */
	uint64_t number;		/* the peer's name for it */
	uint64_t next;			/* the next number to look at */
	int64_t credit_events, credit_bytes;
	struct filter filter;
	struct consumer *consumer;	/* whose member it is, or NULL */
	bool sealed;			/* personal fields leave as they are stored: an archive's reader */
	/* What progress.c goes by. */
	bool progress;			/* wants it */
	bool told_end;			/* has heard of an end of the log */
	uint64_t told;			/* what the last events or progress message told it */
	uint64_t told_ns;		/* monotonic, of the last progress message */
	uint64_t past;			/* every event from `next` on has a log time above this, as far as is known */
	int64_t wake;			/* send progress when log time is there, or WAKE_NONE */
	bool blocked;			/* libzmq holds all it may for this peer */
	STAILQ_ENTRY(subscription) link, session_link;
};

/* The requests subscribe, credit and unsubscribe are handled here too: ingest.h. */

/* The session's subscription of that number, or NULL. */
struct subscription *subscription_find(struct session *, uint64_t number);

/* Nothing may be sent to it now: its peer does not read, or its consumer is paused. */
bool	subscription_waits(const struct subscription *);

/* Send to the subscription's peer; what libzmq does not take now blocks it.  False: the peer is gone, and the subscription with it. */
bool	subscription_send(struct daemon *, struct subscription *, struct answer *);

void	subscription_end(struct daemon *, struct subscription *);

/* It ends by the daemon's will; the peer is told why. */
void	subscription_abort(struct daemon *, struct subscription *, int code, const char *detail);

#endif
