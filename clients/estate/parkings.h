/*
 * Parkings: what workers could not take and nobody had them try again, folded from the worker.parked and worker.replayed of a log.
 *
 * One parking is a worker and the number of an event; there may be several things behind it, the event and timers that it set, and a
 * replay takes all that were parked by then.  So a replay ends it, unless the worker parks it again: as of the replay itself, or because
 * of a timer that fell due later.  Either way the worker.parked bears a time not before the log time of the replay, and that is the test;
 * what was parked before and put into the log after it is not open.
 */
#ifndef PARKINGS_H
#define PARKINGS_H

#include "estate.h"
#include "event.h"

struct parking {
	struct parking *next;
	char *worker;			/* the whole, as the log has it */
	uint64_t event;			/* the number that the worker could not take */
	bool open;
	uint64_t parked;		/* the number of the last worker.parked */
	int64_t since;			/* its own time: log time of the cause, or when the timer was due */
	unsigned times;			/* how often it was parked */
	char *reason;			/* of the last time */
	int64_t replayed;		/* log time of the last worker.replayed; 0: none */
};

struct parkings {
	struct parking *first, **end;
};

void	parkings_init(struct parkings *);
void	parkings_free(struct parkings *);

/* Take one worker.parked or worker.replayed, in the order of the log; others are passed by. */
void	parkings_take(struct parkings *, const struct estate_event *);

/* The parking of that worker and number, open or not; NULL if there was never any. */
struct parking	*parkings_find(const struct parkings *, const char *worker, size_t worker_len, uint64_t event);

#endif
