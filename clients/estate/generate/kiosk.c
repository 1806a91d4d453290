#include "stories.h"

/* A kiosk loses its line on some days, for hours: these two decide the share of late events (about 0.5 % of all). */
#define OUTAGE_PERMILLE_OF_DAYS	640
#define OUTAGE_HOURS_MIN	2
#define OUTAGE_HOURS_MAX	5

#define FACT_OUTAGE	100	/* + the kiosk's number */

unsigned
kiosk_count(const struct estate *e)
{
	unsigned n = e->households / 400 + 1;

	return (n > 200 ? 200 : n);
}

uint8_t
kiosk_near(const struct estate *e, uint32_t household)
{
	return ((uint8_t)(household_building(household) % kiosk_count(e) + 1));
}

int64_t
kiosk_online_at(const struct world *w, unsigned kiosk, int64_t t)
{
	struct rng r;
	int64_t from, until;

	/* The day's outage follows from (seed, kiosk, day): nothing to remember. */
	rng_seed(&r, rng_fact(w->seed, FACT_OUTAGE + kiosk, (uint64_t)(t / DAY)));
	if (!rng_chance(&r, OUTAGE_PERMILLE_OF_DAYS))
		return (t);
	from = t / DAY * DAY + rng_between(&r, 7 * HOUR, 18 * HOUR);
	until = from + rng_between(&r, OUTAGE_HOURS_MIN * HOUR, OUTAGE_HOURS_MAX * HOUR);
	/* Its outbox is sent in order, some twenty entries a second. */
	return (t >= from && t < until ? until + (t - from) / 20000 : t);
}
