/* Days of a calendar, laid out with their sums: see calendar.h.  Before: calendar_read.c.  After: calendar_due.c. */
#include <stdlib.h>

#include "buffer.h"
#include "calendar_internal.h"
#include "rfc3339.h"

static const struct {
	const char *name, *en, *zh;
} kinds[CALENDAR_KINDS] = {
	[CALENDAR_WORKDAY] = { "workday", "working day", "工作日" },
	[CALENDAR_WEEKEND] = { "weekend", "weekend", "周末" },
	[CALENDAR_HOLIDAY] = { "holiday", "day off", "放假" },
	[CALENDAR_MAKEUP] = { "makeup", "make-up day", "调休上班" },
};

const char *
calendar_kind_name(enum calendar_kind k)
{
	return (kinds[k].name);
}

const char *
calendar_kind_title(enum calendar_kind k, bool zh)
{
	return (zh ? kinds[k].zh : kinds[k].en);
}

/* What a day is that no notice names. */
static void
ordinary(struct calendar *c, struct day *d, unsigned weekday)
{
	if (d->kind == CALENDAR_WORKDAY && c->hours[weekday].count == 0)
		d->kind = CALENDAR_WEEKEND;
	d->hours = d->kind == CALENDAR_WORKDAY ? (uint8_t)weekday : d->kind == CALENDAR_MAKEUP ? HOURS_MAKEUP : HOURS_NONE;
}

static int64_t
working_seconds(const struct calendar *c, int64_t day)
{
	const struct hours *h = &c->hours[c->days[day].hours];
	int64_t sum = 0;

	for (unsigned i = 0; i < h->count; i++)
		sum += minute_instant(c, day, h->list[i].to) - minute_instant(c, day, h->list[i].from);
	return (sum);
}

void
calendar_lay_out(struct calendar *c)
{
	struct day *d = c->days;

	for (int64_t day = 0; day < c->days_count; day++, d++) {
		d->begins = minute_instant(c, day, 0);
		ordinary(c, d, (unsigned)(day + 3) % 7);		/* 1970-01-01 was a Thursday */
		d[1].worked = d->worked + working_seconds(c, day);
		d[1].workdays = d->workdays;
		if (day_works(d))
			c->workdays[d[1].workdays++] = (uint32_t)day;
	}
	d->begins = minute_instant(c, c->days_count, 0);
	d->kind = CALENDAR_WEEKEND;
	d->hours = HOURS_NONE;
	c->workdays_count = d->workdays;
}

unsigned
calendar_year_of(const struct calendar *c, int64_t day)
{
	unsigned y = (unsigned)(day / 366);		/* at most one too small, in so short a time */

	return (y + (day >= c->year_first[y + 1]));
}

bool
calendar_day(const struct calendar *c, int64_t day, struct calendar_day *out)
{
	const struct day *d;

	if (day < 0 || day >= c->days_count)
		return (false);
	d = &c->days[day];
	*out = (struct calendar_day){
		.day = day, .kind = d->kind, .working = day_works(d), .provisional = c->years[calendar_year_of(c, day)].provisional,
		.name = d->name > 0 ? c->names[d->name - 1] : NULL, .hours_count = c->hours[d->hours].count, .hours = c->hours[d->hours].list
	};
	return (true);
}

bool
calendar_day_of(const struct calendar *c, int64_t at, int64_t *day)
{
	int64_t left, s = seconds_of(at, &left);

	if (s < c->days[0].begins || s >= c->days[c->days_count].begins)
		return (false);
	*day = zone_wall(&c->zone, s) / DAY_S;
	return (true);
}

bool
calendar_clock(const struct calendar *c, int64_t day, unsigned minute, int64_t *at)
{
	if (day < 0 || day >= c->days_count || minute > 1440)
		return (false);
	*at = minute_instant(c, day, minute) * NS;
	return (true);
}

const char *
calendar_notice(const struct calendar *c, unsigned year)
{
	return (year >= CALENDAR_YEAR_MIN && year <= CALENDAR_YEAR_MAX ? c->years[year - CALENDAR_YEAR_MIN].notice : NULL);
}

bool
calendar_is_provisional(const struct calendar *c, unsigned year)
{
	return (year < CALENDAR_YEAR_MIN || year > CALENDAR_YEAR_MAX || c->years[year - CALENDAR_YEAR_MIN].provisional);
}

const char *
calendar_zone(const struct calendar *c)
{
	return (c->zone_name);
}

void
calendar_free(struct calendar *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < YEARS; i++)
		free(c->years[i].notice);
	for (unsigned i = 0; i < c->names_count; i++)
		free(c->names[i]);
	free(c->names);
	free(c->zone_name);
	free(c->days);
	free(c->workdays);
	free(c);
}
