#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"

/* The algorithms for days and civil dates are Howard Hinnant's (public domain): years begin in March, so the leap day comes last. */
int64_t
civil_to_day(struct civil c)
{
	int64_t y = c.month <= 2 ? c.year - 1 : c.year;
	int64_t era = y / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;

	return (era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468);
}

struct civil
civil_from_day(int64_t day)
{
	int64_t z = day + 719468;
	int64_t era = z / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct civil c;

	c.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	c.month = (int)(month < 10 ? month + 3 : month - 9);
	c.year = (int)(year_of_era + era * 400 + (c.month <= 2));
	return (c);
}

int
civil_parse(const char *text, int64_t *day)
{
	struct civil c, back;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return (-1);
	for (int i = 0; i < 10; i++)
		if (i != 4 && i != 7 && !isdigit((unsigned char)text[i]))
			return (-1);
	c = (struct civil){ .year = atoi(text), .month = atoi(text + 5), .day = atoi(text + 8) };
	if (c.year < 1970 || c.month < 1 || c.month > 12 || c.day < 1)
		return (-1);
	back = civil_from_day(civil_to_day(c));
	if (back.day != c.day || back.month != c.month)
		return (-1);
	*day = civil_to_day(c);
	return (0);
}

static char *
digits(char *out, int64_t value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return (out + width);
}

void
civil_date(char out[CIVIL_DATE_SIZE], int64_t day)
{
	struct civil c = civil_from_day(day);

	out = digits(out, c.year, 4);
	*out++ = '-';
	out = digits(out, c.month, 2);
	*out++ = '-';
	out = digits(out, c.day, 2);
	*out = '\0';
}

void
civil_instant(char out[CIVIL_INSTANT_SIZE], int64_t t)
{
	int64_t in_day = t % DAY;

	civil_date(out, t / DAY);
	out += 10;
	*out++ = 'T';
	out = digits(out, in_day / HOUR, 2);
	*out++ = ':';
	out = digits(out, in_day / MINUTE % 60, 2);
	*out++ = ':';
	out = digits(out, in_day / SECOND % 60, 2);
	*out++ = '.';
	out = digits(out, in_day % SECOND, 3);
	memcpy(out, "+08:00", 7);
}

unsigned
civil_weekday(int64_t day)
{
	return ((unsigned)((day + 3) % 7));	/* 1970-01-01 was a Thursday */
}
