/* The site's days, months and years. */
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfc3339.h"

/* Years that may be asked for.  Instants in nanoseconds end in 2262, and months are two bytes in keys. */
#define YEAR_MIN	1970
#define YEAR_MAX	2199
#define DAYS_MAX	100000		/* 273 years; a date further off is as far as that */

int64_t
period_day(const struct turn *t, int64_t at)
{
	int64_t day;

	if (t->x->calendar != NULL && calendar_day_of(t->x->calendar, at, &day))
		return (day);
	return (at / DAY_NS - (at % DAY_NS < 0));
}

int64_t
period_day_begins(const struct turn *t, int64_t day)
{
	int64_t at;

	if (t->x->calendar != NULL && calendar_clock(t->x->calendar, day, 0, &at))
		return (at);
	return ((day < -DAYS_MAX ? -DAYS_MAX : day > DAYS_MAX ? DAYS_MAX : day) * DAY_NS);
}

int64_t
period_month(const struct turn *t, int64_t at)
{
	int64_t year;
	unsigned month, day;

	rfc3339_civil(period_day(t, at), &year, &month, &day);
	return (year * 12 + month - 1);
}

int64_t
period_month_begins(const struct turn *t, int64_t month)
{
	return (period_day_begins(t, rfc3339_days((unsigned)(month / 12), (unsigned)(month % 12 + 1), 1)));
}

int64_t
period_year_ends(const struct turn *t, int64_t at)
{
	return (period_month_begins(t, (period_month(t, at) / 12 + 1) * 12));
}

bool
period_read(struct text s, int64_t *first, int64_t *last)
{
	char text[8], *end;
	long year, part;

	if ((s.len != 4 && s.len != 7) || s.s[0] < '1' || s.s[0] > '9')
		return (false);
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	year = strtol(text, &end, 10);
	if (end != text + 4 || year < YEAR_MIN || year > YEAR_MAX)
		return (false);
	*first = year * 12;
	*last = year * 12 + 11;
	if (s.len == 4)
		return (true);
	part = text[6] - '0';
	if (text[4] == '-' && text[5] == 'H' && (part == 1 || part == 2)) {
		*first += 6 * (part - 1);
		*last = *first + 5;
	} else if (text[4] == '-' && text[5] == 'Q' && part >= 1 && part <= 4) {
		*first += 3 * (part - 1);
		*last = *first + 2;
	} else {
		if (text[4] != '-' || text[5] < '0' || text[5] > '1' || text[6] < '0' || text[6] > '9')
			return (false);
		part += 10 * (text[5] - '0');
		if (part < 1 || part > 12)
			return (false);
		*last = *first += part - 1;
	}
	return (true);
}

void
period_name(int64_t month, char out[MONTH_SIZE])
{
	snprintf(out, MONTH_SIZE, "%04d-%02d", (int)(month / 12) % 10000, (int)(month % 12 + 1));
}
