/* Instants and dates as text: see rfc3339.h.  The calendar is counted in years that begin in March, so that the leap day is last. */
#include "rfc3339.h"

#define DAY_S		86400
#define ERA_DAYS	146097		/* 400 years */
#define EPOCH_DAYS	719468		/* from 0000-03-01 to 1970-01-01 */

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* Two digits as a number, or 100 (beyond every bound) if they are none. */
static unsigned
two(const char *s)
{
	return (is_digit(s[0]) && is_digit(s[1]) ? (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0') : 100);
}

static bool
leap_year(unsigned year)
{
	return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

int64_t
rfc3339_days(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	unsigned in_era = (unsigned)(y - era * 400);
	unsigned in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return (era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year - EPOCH_DAYS);
}

bool
rfc3339_date(const char *s, size_t len, int64_t *days)
{
	static const unsigned char month_days[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned century, year, month, day;

	if (len != 10 || s[4] != '-' || s[7] != '-')
		return (false);
	century = two(s);
	year = two(s + 2);
	month = two(s + 5);
	day = two(s + 8);
	if (century > 99 || year > 99 || month < 1 || month > 12 || day < 1 || day > month_days[month])
		return (false);
	year += century * 100;
	if (month == 2 && day == 29 && !leap_year(year))
		return (false);
	if (days != NULL)
		*days = rfc3339_days(year, month, day);
	return (true);
}

/* The fraction from its dot on.  Returns the first byte after it, or NULL if no digit follows the dot. */
static const char *
read_fraction(const char *s, const char *end, uint32_t *nanoseconds)
{
	uint32_t unit = 100000000;
	const char *first = ++s;

	for (; s < end && is_digit(*s); s++) {
		*nanoseconds += (uint32_t)(*s - '0') * unit;
		unit /= 10;
	}
	return (s > first ? s : NULL);
}

/* Z or ±hh:mm, and nothing after it. */
static bool
read_offset(const char *s, const char *end, int *minutes)
{
	unsigned hour, minute;

	*minutes = 0;
	if (end - s == 1)
		return (*s == 'Z' || *s == 'z');
	if (end - s != 6 || (*s != '+' && *s != '-') || s[3] != ':')
		return (false);
	hour = two(s + 1);
	minute = two(s + 4);
	*minutes = (int)(hour * 60 + minute);
	if (*s == '-')
		*minutes = -*minutes;
	return (hour <= 23 && minute <= 59);
}

bool
rfc3339_parse(const char *s, size_t len, int64_t *seconds, uint32_t *nanoseconds)
{
	const char *end = s + len, *rest = s + 19;
	unsigned hour, minute, second;
	uint32_t fraction = 0;
	int64_t days, at;
	int offset;

	if (len < 20 || !rfc3339_date(s, 10, &days) || (s[10] != 'T' && s[10] != 't') || s[13] != ':' || s[16] != ':')
		return (false);
	hour = two(s + 11);
	minute = two(s + 14);
	second = two(s + 17);
	if (hour > 23 || minute > 59 || second > 60)
		return (false);
	if (*rest == '.' && (rest = read_fraction(rest, end, &fraction)) == NULL)
		return (false);
	if (!read_offset(rest, end, &offset))
		return (false);
	at = days * DAY_S + hour * 3600 + minute * 60 + second - offset * 60;
	if (second == 60 && at % DAY_S != 0)
		return (false);
	*seconds = at;
	*nanoseconds = fraction;
	return (true);
}

void
rfc3339_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + EPOCH_DAYS, era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	unsigned in_era = (unsigned)(z - era * ERA_DAYS);
	unsigned years = (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
	unsigned in_year = in_era - (365 * years + years / 4 - years / 100);
	unsigned m = (5 * in_year + 2) / 153;

	*day = in_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (int64_t)years + era * 400 + (*month <= 2);
}

/* `width` digits and the byte after them. */
static char *
put(char *to, unsigned value, unsigned width, char after)
{
	for (unsigned i = width; i > 0; value /= 10)
		to[--i] = (char)('0' + value % 10);
	to[width] = after;
	return (to + width + 1);
}

static char *
put_fraction(char *to, uint32_t nanoseconds)
{
	unsigned width = 9;

	if (nanoseconds == 0)
		return (to);
	for (; width > 3 && nanoseconds % 1000 == 0; width -= 3)
		nanoseconds /= 1000;
	*to = '.';
	return (put(to + 1, nanoseconds, width, '\0') - 1);
}

size_t
rfc3339_format(int64_t seconds, uint32_t nanoseconds, int offset_minutes, char out[RFC3339_SIZE])
{
	unsigned month, day, of_day, apart = (unsigned)(offset_minutes < 0 ? -offset_minutes : offset_minutes);
	int64_t year, days;
	char *to = out;

	*out = '\0';
	/* Far beyond year 9999 already; and the sums below can't overflow. */
	if (seconds > INT64_C(1) << 40 || seconds < -(INT64_C(1) << 40) || nanoseconds > 999999999 || apart > 1439)
		return (0);
	seconds += offset_minutes * 60;
	days = (seconds >= 0 ? seconds : seconds - (DAY_S - 1)) / DAY_S;
	of_day = (unsigned)(seconds - days * DAY_S);
	rfc3339_civil(days, &year, &month, &day);
	if (year < 0 || year > 9999)
		return (0);
	to = put(to, (unsigned)year, 4, '-');
	to = put(to, month, 2, '-');
	to = put(to, day, 2, 'T');
	to = put(to, of_day / 3600, 2, ':');
	to = put(to, of_day / 60 % 60, 2, ':');
	to = put(to, of_day % 60, 2, '\0') - 1;
	to = put_fraction(to, nanoseconds);
	if (offset_minutes == 0) {
		*to++ = 'Z';
	} else {
		*to++ = offset_minutes < 0 ? '-' : '+';
		to = put(to, apart / 60, 2, ':');
		to = put(to, apart % 60, 2, '\0') - 1;
	}
	*to = '\0';
	return ((size_t)(to - out));
}
