/*
 * parked: what a worker could not take.  The record commits with the cursor; worker.replayed hands it over again.
 *
 * DB_PARKED    sequence number (big-endian), 'e' or 't', the timer's name  ->  a record as parked.c packs it
 * DB_TROUBLED  subject  ->  how many of its events are parked: those that follow are flagged
 *
 * An event is kept by its number, not by its bytes: what is personal stays in the log, where it can be erased.
 */
#ifndef PARKED_H
#define PARKED_H

#include "engine.h"
#include "timers.h"

/* One parked thing; lent from the store. */
struct parked {
	uint64_t seq;			/* of the event, or of the one that set the timer */
	bool is_timer;
	struct text subject, reason;
	struct timer timer;		/* of a timer */
};

/* Remember it; the subject's trouble is counted once a thing. */
void	parked_put(struct worker *, const struct parked *);
/* The first parked thing of that event behind `after` (a copy of its key, empty at first); false if there is no more. */
struct parked_key {
	uint8_t bytes[10 + STATE_KEY_MAX];
	size_t len;
};
bool	parked_next(struct worker *, uint64_t seq, struct parked_key *after, struct parked *);
/* It was taken after all. */
void	parked_remove(struct worker *, const struct parked *);

bool	subject_is_troubled(struct worker *, struct text subject);

#endif
