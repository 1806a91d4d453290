/*
 * When things happen: a weight per hour of the day and per day of the week.  Weekends are known, public holidays are not.
 */
#ifndef GENERATE_RHYTHM_H
#define GENERATE_RHYTHM_H

#include <stdint.h>

#include "rng.h"

struct rhythm {
	uint16_t hour[24];
	uint16_t weekday[7];	/* Monday first */
};

extern const struct rhythm rhythm_phone;	/* peaks at 8 and 19, few at night */
extern const struct rhythm rhythm_kiosk;	/* when people pass the lobby */
extern const struct rhythm rhythm_desk;		/* while the desk is open */
extern const struct rhythm rhythm_online;	/* evenings */
extern const struct rhythm rhythm_distress;	/* at any hour, more in the evening */
extern const struct rhythm rhythm_office;	/* working hours of working days */

/*
 * The next instant after t at which something may happen that happens once every `mean_ms` on average: draws from the rhythm's
 * peak rate and thins by its weight, which is exact for any shape.  Returns `end` when it does not come before it.
 */
int64_t	 rhythm_next(const struct rhythm *, struct rng *, int64_t t, int64_t mean_ms, int64_t end);

/* An instant of that day, by the weight of its hours. */
int64_t	 rhythm_instant(const struct rhythm *, struct rng *, int64_t day);

/* How busy t is against the average hour, in percent. */
unsigned rhythm_load(const struct rhythm *, int64_t t);

#endif
