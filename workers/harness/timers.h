/*
 * timers: in the order in which they fire, in the state store: a million cost no memory and no start-up.
 *
 * DB_TIMERS  due (big-endian, sign flipped, so that it sorts), name  ->  cause u64, depth u8, steps u8, flags u8, payload
 * DB_NAMES   name  ->  due
 */
#ifndef TIMERS_H
#define TIMERS_H

#include "engine.h"

#define TIMER_MUTED	1u	/* flags: set by what a rebuild keeps silent about */

struct timer {
	const uint8_t *name;
	size_t name_len;
	int64_t due;
	uint64_t cause;
	uint8_t depth, steps, flags;
	const uint8_t *payload;
	size_t len;
};

/* The earliest, lent; false if there is none. */
bool	timers_first(struct state *, struct timer *);
/* Where one stands among them: due and name. */
#define TIMER_PLACE_MAX	(8u + STATE_KEY_MAX)
/* The first behind that place (of 0 bytes: of all), lent, and its own place. */
bool	timers_behind(struct state *, const uint8_t *place, size_t place_len, uint8_t found[TIMER_PLACE_MAX], size_t *found_len, struct timer *);
/* Set; whatever had this name before is gone. */
void	timers_set(struct state *, const struct timer *);
/* False if there is none of that name; else *due is when it would have fired. */
bool	timers_due(struct state *, const void *name, size_t len, int64_t *due);
void	timers_remove(struct state *, const void *name, size_t len, int64_t due);

#endif
