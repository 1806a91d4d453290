/* The site's days and months. */
#include "dunning.h"

#include <stdio.h>

#include "rfc3339.h"

int64_t
day_of(const struct turn *t, int64_t at)
{
	int64_t day;

	return (t->x->calendar != NULL && calendar_day_of(t->x->calendar, at, &day) ? day : at / DAY_NS);
}

int64_t
day_at(const struct turn *t, int64_t day, int64_t minute)
{
	int64_t at;

	return (t->x->calendar != NULL && calendar_clock(t->x->calendar, day, (unsigned)minute, &at) ? at : day * DAY_NS + minute * 60 * SECOND_NS);
}

bool
day_field(const struct event *e, const char *field, int64_t *day)
{
	struct text s;

	return (event_text(e, field, &s) && rfc3339_date(s.s, s.len, day));
}

bool
month_read(const char *s, size_t len, int64_t *month)
{
	char first[16];
	int64_t day, year;
	unsigned m, d;

	if (len != 7 || snprintf(first, sizeof(first), "%.7s-01", s) != 10 || !rfc3339_date(first, 10, &day))
		return (false);
	rfc3339_civil(day, &year, &m, &d);
	*month = year * 12 + m - 1;
	return (true);
}

void
day_name(int64_t day, char out[16])
{
	int64_t year;
	unsigned month, d;

	rfc3339_civil(day, &year, &month, &d);
	snprintf(out, 16, "%04d-%02u-%02u", (int)year % 10000, month % 100, d % 100);
}

void
month_name(int64_t month, char out[16])
{
	snprintf(out, 16, "%04d-%02d", (int)(month / 12) % 10000, (int)(month % 12 + 1) % 100);
}
