/* Terms and instants as people write them: see calendar.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "calendar_internal.h"
#include "nearest.h"
#include "rfc3339.h"

_Static_assert(CALENDAR_INSTANT_SIZE >= RFC3339_SIZE, "an instant fits");

static const struct {
	const char *name;
	bool counts_days;
} modes[CALENDAR_MODES] = {
	[CALENDAR_EOD] = { "eod", true },
	[CALENDAR_SAME] = { "same", true },
	[CALENDAR_HOURS] = { "hours", false },
	[CALENDAR_DAYS] = { "days", true },
	[CALENDAR_ELAPSED] = { "elapsed", false },
};

const char *
calendar_mode_name(enum calendar_mode m)
{
	return (modes[m].name);
}

bool
calendar_mode_counts_days(enum calendar_mode m)
{
	return (modes[m].counts_days);
}

enum calendar_mode
calendar_mode_read(const char *name, char *why, size_t size)
{
	struct nearest n;

	nearest_begin(&n, name, strlen(name));
	for (unsigned m = 0; m < CALENDAR_MODES; m++) {
		if (strcmp(name, modes[m].name) == 0)
			return ((enum calendar_mode)m);
		nearest_offer(&n, modes[m].name);
	}
	if (n.best != NULL)
		snprintf(why, size, "there is no way to count called %.40s; did you mean %s?", name, n.best);
	else
		snprintf(why, size, "there is no way to count called %.40s; it is eod, same, hours, days or elapsed", name);
	return (CALENDAR_MODES);
}

/* Up to 15 digits off the front; -1: there are none, or more. */
static int64_t
take_digits(const char **s)
{
	int64_t v = 0;
	unsigned n = 0;

	for (; **s >= '0' && **s <= '9'; ++*s, n++)
		if (n < 15)
			v = v * 10 + (**s - '0');
	return (n >= 1 && n <= 15 ? v : -1);
}

static int64_t
unit_of(const char *s, enum calendar_mode mode)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "s", NS }, { "min", 60 * NS }, { "h", 3600 * NS }, { "d", 86400 * NS } };

	while (*s == ' ')
		s++;
	if (*s == '\0' && mode == CALENDAR_HOURS)
		return (3600 * NS);
	/* A day of working time is not a number of hours. */
	for (size_t i = 0; i < sizeof(units) / sizeof(*units) - (mode == CALENDAR_HOURS); i++)
		if (strcmp(s, units[i].name) == 0)
			return (units[i].ns);
	return (0);
}

int
calendar_term_read(struct calendar_term *t, const char *text, char *why, size_t size)
{
	const char *s = text;
	int64_t v = take_digits(&s), unit = 1;

	if (calendar_mode_counts_days(t->mode)) {
		if (v < 1 || v > CALENDAR_DAYS_MAX || *s != '\0') {
			snprintf(why, size, "%s counts days: a whole number from 1 to %d, not %.40s", modes[t->mode].name, CALENDAR_DAYS_MAX, text);
			return (-1);
		}
	} else if (v < 1 || (unit = unit_of(s, t->mode)) == 0 || v > CALENDAR_SPAN_MAX / unit) {
		snprintf(why, size, t->mode == CALENDAR_HOURS ? "hours needs working time such as 9h or 90min, up to 3660 times 24 hours, not %.40s" :
		    "elapsed needs a time such as 5min, 2h or 3d, up to 3660d, not %.40s", text);
		return (-1);
	}
	t->n = v * unit;
	return (0);
}

/* Two digits, or 100. */
static unsigned
two(const char *s)
{
	return (s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9' ? (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0') : 100);
}

/* ".5" to the end of the text, up to nine digits. */
static bool
read_fraction(const char *s, size_t len, int64_t *ns)
{
	int64_t unit = NS / 10;

	*ns = 0;
	if (len < 2 || len > 10 || *s != '.')
		return (len == 0);
	for (size_t i = 1; i < len; i++, unit /= 10) {
		if (s[i] < '0' || s[i] > '9')
			return (false);
		*ns += (s[i] - '0') * unit;
	}
	return (true);
}

/* By the site's clock. */
static bool
read_local(const struct calendar *c, const char *s, size_t len, int64_t *at)
{
	unsigned hour = 0, minute = 0, second = 0;
	int64_t day, fraction = 0;

	if (len < 10 || !rfc3339_date(s, 10, &day))
		return (false);
	if (len > 10) {
		if (len < 16 || (s[10] != ' ' && s[10] != 'T' && s[10] != 't') || s[13] != ':')
			return (false);
		hour = two(s + 11);
		minute = two(s + 14);
		if (len > 16 && (len < 19 || s[16] != ':' || (second = two(s + 17)) > 59 || !read_fraction(s + 19, len - 19, &fraction)))
			return (false);
		if (hour > 23 || minute > 59)
			return (false);
	}
	if (day < -DAY_S || day > DAY_S)			/* before 1733 or after 2206: no instant of ours */
		return (false);
	*at = zone_instant(&c->zone, day * DAY_S + hour * 3600 + minute * 60 + second) * NS + fraction;
	return (true);
}

bool
calendar_read_instant(const struct calendar *c, const char *text, size_t len, int64_t *at)
{
	uint32_t nanoseconds;
	int64_t seconds;

	if (!rfc3339_parse(text, len, &seconds, &nanoseconds))
		return (read_local(c, text, len, at));
	if (seconds < -DAY_S * DAY_S || seconds > DAY_S * DAY_S)
		return (false);
	*at = seconds * NS + nanoseconds;
	return (true);
}

size_t
calendar_write_instant(const struct calendar *c, int64_t at, char out[CALENDAR_INSTANT_SIZE])
{
	int64_t left, s = seconds_of(at, &left);

	return (rfc3339_format(s, (uint32_t)left, zone_offset(&c->zone, s) / 60, out));
}
