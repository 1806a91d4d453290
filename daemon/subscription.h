/* subscription: one reader of the log within a session: where it is, what it wants, what it may get. */
#ifndef SUBSCRIPTION_H
#define SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "filter.h"

struct daemon;
struct session;

struct subscription {
	struct session *session;	/* not counted: the session ends its subscriptions first */
	uint64_t number;		/* the peer's name for it */
	uint64_t next;			/* the next number to look at */
	int64_t credit_events, credit_bytes;
	struct filter filter;
	bool progress;			/* wants it */
	bool told_end;			/* has heard of an end of the log */
	uint64_t told;			/* what the last events or progress message told it */
	uint64_t told_ns;		/* monotonic, of the last progress message */
	bool blocked;			/* libzmq holds all it may for this peer */
	STAILQ_ENTRY(subscription) link, session_link;
};

/* The requests subscribe, credit and unsubscribe are handled here too: ingest.h. */

void	subscription_end(struct daemon *, struct subscription *);

/* It ends by the daemon's will; the peer is told why. */
void	subscription_abort(struct daemon *, struct subscription *, int code, const char *detail);

#endif
