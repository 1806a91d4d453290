/* When something is due: see calendar.h.  Before: calendar_days.c, whose sums make each mode a look-up. */
#include "calendar_internal.h"

/* Days from..last were looked at: does one of them belong to a provisional year? */
static bool
relied_on_provisional(const struct calendar *c, int64_t from, int64_t last)
{
	for (unsigned y = calendar_year_of(c, from); y <= calendar_year_of(c, last); y++)
		if (c->years[y].provisional)
			return (true);
	return (false);
}

/* The working day with so many before it; -1 beyond the last. */
static int64_t
workday(const struct calendar *c, int64_t before)
{
	return (before < c->workdays_count ? (int64_t)c->workdays[before] : -1);
}

static int64_t
end_of(const struct calendar *c, int64_t day, bool close)
{
	const struct hours *h = &c->hours[c->days[day].hours];

	return ((close && h->count > 0 ? minute_instant(c, day, h->list[h->count - 1].to) : c->days[day + 1].begins) * NS);
}

static bool
due_eod(const struct calendar *c, const struct calendar_term *t, struct calendar_due *d)
{
	d->last_day = workday(c, c->days[d->opened_day + 1].workdays + t->n - 1);
	if (d->last_day < 0)
		return (false);
	d->at = end_of(c, d->last_day, t->close);
	d->provisional = relied_on_provisional(c, d->opened_day + 1, d->last_day);
	return (true);
}

/* Move to the next instant within the hours: its day, and nanoseconds of that day by the clock.  -1: there is none. */
static int64_t
move_into_hours(const struct calendar *c, int64_t opened, int64_t day, int64_t *of_day)
{
	int64_t left, s = seconds_of(opened, &left), wall = zone_wall(&c->zone, s);

	/* While the clock stands because an hour repeats, it stands at the end of its second. */
	*of_day = (wall - day * DAY_S) * NS + (zone_instant(&c->zone, wall) == s ? left : NS - 1);
	while (day >= 0) {
		const struct hours *h = &c->hours[c->days[day].hours];

		for (unsigned i = 0; i < h->count; i++) {
			int64_t begins = minute_instant(c, day, h->list[i].from);

			/* Over by then; or the clock skips them as a whole. */
			if (*of_day >= h->list[i].to * 60 * NS || begins == minute_instant(c, day, h->list[i].to))
				continue;
			if (*of_day < h->list[i].from * 60 * NS)
				*of_day = (zone_wall(&c->zone, begins) - day * DAY_S) * NS;
			return (day);
		}
		day = workday(c, c->days[day + 1].workdays);
		*of_day = 0;
	}
	return (-1);
}

static bool
due_same(const struct calendar *c, const struct calendar_term *t, int64_t opened, struct calendar_due *d)
{
	int64_t of_day, start = move_into_hours(c, opened, d->opened_day, &of_day), wall, instant;
	const struct hours *h;

	if (start < 0 || (d->last_day = workday(c, c->days[start].workdays + t->n)) < 0)
		return (false);
	h = &c->hours[c->days[d->last_day].hours];
	if (of_day < h->list[0].from * 60 * NS)
		of_day = h->list[0].from * 60 * NS;
	if (of_day > h->list[h->count - 1].to * 60 * NS)
		of_day = h->list[h->count - 1].to * 60 * NS;
	wall = d->last_day * DAY_S + of_day / NS;
	instant = zone_instant(&c->zone, wall);
	d->at = instant * NS;
	if (zone_wall(&c->zone, instant) == wall)		/* else the clock skips it: the first instant behind the gap */
		d->at += of_day % NS;
	d->provisional = relied_on_provisional(c, d->opened_day, d->last_day);
	return (true);
}

/* Working nanoseconds before an instant of a day. */
static int64_t
worked_before(const struct calendar *c, int64_t at, int64_t day)
{
	const struct hours *h = &c->hours[c->days[day].hours];
	int64_t sum = c->days[day].worked * NS;

	for (unsigned i = 0; i < h->count; i++) {
		int64_t from = minute_instant(c, day, h->list[i].from) * NS, to = minute_instant(c, day, h->list[i].to) * NS;

		if (at <= from)
			break;
		sum += (at < to ? at : to) - from;
	}
	return (sum);
}

/* The first day, from `day` on, by whose end so much was worked; -1: none. */
static int64_t
day_reaching(const struct calendar *c, int64_t day, int64_t target)
{
	int64_t step = 1, low = day, high;

	/* Near days are likely: stride ahead, then halve. */
	while (low + step < c->days_count && c->days[low + step].worked * NS < target) {
		low += step;
		step *= 2;
	}
	high = low + step < c->days_count ? low + step : c->days_count;
	if (c->days[high].worked * NS < target)
		return (-1);
	while (low + 1 < high) {
		int64_t middle = low + (high - low) / 2;

		if (c->days[middle].worked * NS < target)
			low = middle;
		else
			high = middle;
	}
	return (high - 1);
}

static bool
due_hours(const struct calendar *c, const struct calendar_term *t, int64_t opened, struct calendar_due *d)
{
	int64_t target = worked_before(c, opened, d->opened_day) + t->n, rest;
	const struct hours *h;

	if ((d->last_day = day_reaching(c, d->opened_day, target)) < 0)
		return (false);
	h = &c->hours[c->days[d->last_day].hours];
	rest = target - c->days[d->last_day].worked * NS;
	for (unsigned i = 0; i < h->count; i++) {
		int64_t from = minute_instant(c, d->last_day, h->list[i].from) * NS;
		int64_t whole = minute_instant(c, d->last_day, h->list[i].to) * NS - from;

		if (rest <= whole) {
			d->at = from + rest;
			break;
		}
		rest -= whole;
	}
	d->provisional = relied_on_provisional(c, d->opened_day, d->last_day);
	return (true);
}

static bool
due_days(const struct calendar *c, const struct calendar_term *t, struct calendar_due *d)
{
	int64_t nth = d->opened_day + t->n;

	if (nth >= c->days_count)
		return (false);
	d->last_day = t->roll ? workday(c, c->days[nth].workdays) : nth;
	if (d->last_day < 0)
		return (false);
	d->at = end_of(c, d->last_day, t->close);
	d->provisional = (t->roll || t->close) && relied_on_provisional(c, nth, d->last_day);
	return (true);
}

static bool
due_elapsed(const struct calendar *c, const struct calendar_term *t, int64_t opened, struct calendar_due *d)
{
	d->at = opened + t->n;
	d->provisional = false;
	return (calendar_day_of(c, d->at, &d->last_day));
}

bool
calendar_due(const struct calendar *c, const struct calendar_term *t, int64_t opened, struct calendar_due *out)
{
	struct calendar_due d = { .at = 0 };
	bool found = false;

	if (t->n < 1 || t->n > (calendar_mode_counts_days(t->mode) ? CALENDAR_DAYS_MAX : CALENDAR_SPAN_MAX) ||
	    !calendar_day_of(c, opened, &d.opened_day))
		return (false);
	switch (t->mode) {
	case CALENDAR_EOD:
		found = due_eod(c, t, &d);
		break;
	case CALENDAR_SAME:
		found = due_same(c, t, opened, &d);
		break;
	case CALENDAR_HOURS:
		found = due_hours(c, t, opened, &d);
		break;
	case CALENDAR_DAYS:
		found = due_days(c, t, &d);
		break;
	case CALENDAR_ELAPSED:
		found = due_elapsed(c, t, opened, &d);
		break;
	case CALENDAR_MODES:
		break;
	}
	if (found)
		*out = d;
	return (found);
}

/* An instant and its day, moved into the years of the calendar. */
static int64_t
moved_within(const struct calendar *c, int64_t at, int64_t *day)
{
	if (calendar_day_of(c, at, day))
		return (at);
	*day = at < c->days[0].begins * NS ? 0 : c->days_count - 1;
	return (at < c->days[0].begins * NS ? c->days[0].begins * NS : c->days[c->days_count].begins * NS);
}

int64_t
calendar_worked(const struct calendar *c, int64_t from, int64_t until)
{
	int64_t first, last;

	if (until <= from)
		return (0);
	from = moved_within(c, from, &first);
	until = moved_within(c, until, &last);
	return (worked_before(c, until, last) - worked_before(c, from, first));
}

bool
calendar_is_open(const struct calendar *c, int64_t at)
{
	int64_t day;

	return (calendar_day_of(c, at, &day) && worked_before(c, at + 1, day) > worked_before(c, at, day));
}

/* ---- Why ---- */

bool
calendar_explain(const struct calendar *c, const struct calendar_term *t, int64_t opened, void (*step)(void *, const struct calendar_step *), void *user)
{
	int64_t count = 0, of_day, start;
	struct calendar_due d;

	if (!calendar_due(c, t, opened, &d))
		return (false);
	if (t->mode == CALENDAR_ELAPSED)
		return (true);
	start = t->mode == CALENDAR_SAME ? move_into_hours(c, opened, d.opened_day, &of_day) : d.opened_day;
	for (int64_t day = d.opened_day; day <= d.last_day; day++) {
		struct calendar_step s = { .start = day == d.opened_day || day == start, .rolled = t->mode == CALENDAR_DAYS && day > d.opened_day + t->n };

		calendar_day(c, day, &s.day);
		if (t->mode == CALENDAR_HOURS) {
			int64_t from = c->days[day].begins * NS, until = c->days[day + 1].begins * NS;

			s.counted = calendar_worked(c, from > opened ? from : opened, until < d.at ? until : d.at);
		} else if (day > start && !s.rolled && (t->mode == CALENDAR_DAYS || s.day.working))
			s.counted = ++count;
		step(user, &s);
	}
	return (true);
}
