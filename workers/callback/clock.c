/* The site's days, months and hours. */
#include "callback.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "rfc3339.h"

#define AHEAD_DAYS	400	/* so far it is looked for an hour that fits */

int64_t
clock_day(const struct turn *t, int64_t at)
{
	int64_t day;

	return (t->x->calendar != NULL && calendar_day_of(t->x->calendar, at, &day) ? day : at / DAY_NS);
}

int64_t
clock_at(const struct turn *t, int64_t day, unsigned minute)
{
	int64_t at;

	return (t->x->calendar != NULL && calendar_clock(t->x->calendar, day, minute, &at) ? at : day * DAY_NS + minute * 60 * SECOND_NS);
}

unsigned
clock_minute(const struct turn *t, int64_t at)
{
	int64_t minutes = (at - clock_at(t, clock_day(t, at), 0)) / (60 * SECOND_NS);

	return (minutes < 0 ? 0 : minutes > 1439 ? 1439 : (unsigned)minutes);
}

int64_t
clock_days_later(const struct turn *t, int64_t at, int64_t n)
{
	return (clock_at(t, clock_day(t, at) + n, 1440));
}

int64_t
clock_month(const struct turn *t, int64_t at)
{
	int64_t year;
	unsigned month, day;

	rfc3339_civil(clock_day(t, at), &year, &month, &day);
	return (year * 12 + month - 1);
}

int64_t
clock_month_first(int64_t month)
{
	return (rfc3339_days((unsigned)(month / 12), (unsigned)(month % 12 + 1), 1));
}

int64_t
clock_month_days(int64_t month)
{
	return (clock_month_first(month + 1) - clock_month_first(month));
}

int64_t
clock_month_end(const struct turn *t, int64_t month)
{
	return (clock_at(t, clock_month_first(month + 1), 0));
}

void
clock_month_name(int64_t month, char out[16])
{
	snprintf(out, 16, "%04d-%02d", (int)(month / 12) % 10000, (int)(month % 12 + 1) % 100);
}

bool
clock_working(const struct turn *t, int64_t day)
{
	struct calendar_day d;

	return (t->x->calendar != NULL && calendar_day(t->x->calendar, day, &d) && d.working);
}

int64_t
clock_week(const struct turn *t, int64_t at)
{
	return ((clock_day(t, at) + 3) / 7);		/* 1970-01-01 was a Thursday */
}

/* ---- Hours ---- */

/* Quiet may go over midnight: 21:00-09:00. */
static bool
is_quiet(const struct household *h, unsigned minute)
{
	if (h == NULL || h->quiet_from == h->quiet_to)
		return (false);
	if (h->quiet_from < h->quiet_to)
		return (minute >= h->quiet_from && minute < h->quiet_to);
	return (minute >= h->quiet_from || minute < h->quiet_to);
}

/* Which part of the day is it?  `count`: none. */
static unsigned
part_of(const struct hours_list *l, unsigned minute)
{
	unsigned i;

	for (i = 0; i < l->count && !(minute >= l->list[i].from && minute < l->list[i].to); i++)
		;
	return (i);
}

/* The first minute of a part, from `minute` on, at which they may be called; 1440: none. */
static unsigned
free_minute(const struct hours *part, const struct household *h, unsigned minute)
{
	unsigned m = minute > part->from ? minute : part->from;

	/* Quiet begins and ends once a day: its end is the only other beginning. */
	if (m < part->to && is_quiet(h, m))
		m = h->quiet_to > m ? (unsigned)h->quiet_to : 1440;
	return (m < part->to ? m : 1440);
}

int64_t
clock_within(const struct turn *t, const struct hours_list *l, const struct household *h, int64_t at)
{
	int64_t day = clock_day(t, at);

	for (int i = 0; i < AHEAD_DAYS; i++, day++) {
		unsigned from = i == 0 ? clock_minute(t, at) : 0;

		for (unsigned part = 0; part < l->count; part++) {
			unsigned m = free_minute(&l->list[part], h, from);
			int64_t free_at = clock_at(t, day, m);

			if (m < 1440)
				return (free_at > at ? free_at : at);
		}
	}
	return (at);		/* quiet all day: they can never be called, and must be */
}

int64_t
clock_next_part(const struct turn *t, const struct household *h, int64_t after, int64_t not_before)
{
	const struct hours_list *l = &t->p->contact.hours;
	unsigned part = part_of(l, clock_minute(t, after));
	int64_t at = clock_within(t, l, h, not_before);

	/* Another part of the day than the one in which nobody answered, if there is one. */
	if (l->count > 1 && part < l->count && part_of(l, clock_minute(t, at)) == part)
		at = clock_within(t, l, h, clock_at(t, clock_day(t, at), l->list[part].to));
	return (at);
}

static bool
no_visits(const struct policy *p, int64_t day)
{
	for (unsigned i = 0; i < p->contact.no_visits.count; i++)
		if (day >= p->contact.no_visits.list[i].first && day <= p->contact.no_visits.list[i].last)
			return (true);
	return (false);
}

bool
clock_may_visit(const struct turn *t, const struct household *h, int64_t at)
{
	const struct hours_list *l = &t->p->contact.visit_hours;
	unsigned minute = clock_minute(t, at);

	return (part_of(l, minute) < l->count && !is_quiet(h, minute) && !no_visits(t->p, clock_day(t, at)));
}

uint64_t
clock_draw(const struct turn *t, const char *what, const char *name)
{
	XXH64_hash_t seed = XXH64(what, strlen(what), t->p != NULL ? (XXH64_hash_t)t->p->seed : 0);

	return (XXH64(name, strlen(name), seed));
}
