/* Periods: see period.h. */
#include "period.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND	INT64_C(1000000000)

/* The first instant of a month, which may lie behind the year's last. */
static int64_t
begins(int year, int month)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month, .tm_mday = 1, .tm_isdst = -1 };

	return ((int64_t)mktime(&tm) * SECOND);
}

bool
period_span(const char *text, int64_t *from, int64_t *until)
{
	size_t digits = strspn(text, "0123456789"), len = strlen(text);
	int year = atoi(text), first = 0, months = 12, part;

	if (digits != 4 || year < 1970 || year > 2200 || (len != 4 && (len != 7 || text[4] != '-')))
		return (false);
	if (len == 7) {
		part = text[6] - '0';
		if (text[5] == 'H' && (part == 1 || part == 2))
			months = 6;
		else if (text[5] == 'Q' && part >= 1 && part <= 4)
			months = 3;
		else if ((text[5] == '0' || text[5] == '1') && part >= 0 && part <= 9 && (part += 10 * (text[5] - '0')) >= 1 && part <= 12)
			months = 1;
		else
			return (false);
		first = (part - 1) * months;
	}
	*from = begins(year, first);
	*until = begins(year, first + months);
	return (true);
}
