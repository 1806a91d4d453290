#include "civil.h"
#include "rhythm.h"

/*   hour: 0   1  2  3  4  5   6   7   8   9  10  11  12  13  14  15  16  17  18  19  20  21  22  23       Mon .. Sun */
const struct rhythm rhythm_phone = {
	{	7,  4, 3, 2, 2, 6, 25, 70, 110, 95, 80, 60, 45, 40, 50, 55, 60, 75, 105, 115, 90, 60, 35, 15 },
	{ 100, 95, 95, 95, 100, 125, 115 } };
const struct rhythm rhythm_kiosk = {
	{	2,  1, 0, 0, 0, 4, 30, 85, 100, 70, 60, 55, 50, 40, 45, 50, 60, 85, 115, 110, 85, 55, 25, 8 },
	{ 100, 95, 95, 95, 105, 130, 120 } };
const struct rhythm rhythm_desk = {
	{	0,  0, 0, 0, 0, 0, 0, 0, 60, 110, 105, 80, 25, 35, 80, 90, 85, 70, 20, 0, 0, 0, 0, 0 },
	{ 90, 80, 80, 80, 90, 150, 110 } };
const struct rhythm rhythm_online = {
	{	14,  7, 4, 3, 3, 5, 15, 35, 50, 55, 50, 50, 60, 50, 40, 40, 45, 55, 75, 95, 105, 100, 70, 35 },
	{ 100, 95, 95, 100, 100, 115, 120 } };
const struct rhythm rhythm_distress = {
	{	35, 30, 28, 28, 30, 38, 50, 58, 55, 50, 48, 52, 52, 45, 42, 42, 48, 58, 70, 75, 75, 70, 60, 45 },
	{ 100, 95, 95, 95, 105, 115, 110 } };
const struct rhythm rhythm_office = {
	{	0,  0, 0, 0, 0, 0, 0, 0, 0, 100, 120, 90, 0, 0, 90, 110, 105, 70, 0, 0, 0, 0, 0, 0 },
	{ 100, 105, 105, 105, 95, 20, 10 } };

static uint64_t
sum(const uint16_t *v, unsigned n)
{
	uint64_t s = 0;

	while (n-- > 0)
		s += v[n];
	return (s);
}

static uint64_t
peak(const uint16_t *v, unsigned n)
{
	uint64_t p = 0;

	while (n-- > 0)
		if (v[n] > p)
			p = v[n];
	return (p);
}

static uint64_t
weight(const struct rhythm *r, int64_t t)
{
	return ((uint64_t)r->hour[t % DAY / HOUR] * r->weekday[civil_weekday(t / DAY)]);
}

int64_t
rhythm_next(const struct rhythm *r, struct rng *rng, int64_t t, int64_t mean_ms, int64_t end)
{
	uint64_t average = sum(r->hour, 24) * sum(r->weekday, 7);		/* times 24 * 7 */
	uint64_t highest = peak(r->hour, 24) * peak(r->weekday, 7);
	int64_t mean_at_peak = (int64_t)((unsigned __int128)mean_ms * average / (highest * 24 * 7));

	do {
		t += rng_exponential(rng, mean_at_peak) + 1;
		if (t >= end)
			return (end);
	} while (rng_below(rng, highest) >= weight(r, t));
	return (t);
}

int64_t
rhythm_instant(const struct rhythm *r, struct rng *rng, int64_t day)
{
	int64_t hour = rng_weighted(rng, r->hour, 24);

	return (day * DAY + hour * HOUR + rng_between(rng, 0, HOUR - 1));
}

unsigned
rhythm_load(const struct rhythm *r, int64_t t)
{
	return ((unsigned)(weight(r, t) * 100 * 24 * 7 / (sum(r->hour, 24) * sum(r->weekday, 7))));
}
