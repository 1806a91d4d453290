/*
 * Site time: milliseconds since 1970-01-01T00:00 on the site's own clock, always eight hours ahead of UTC (the mainland has had no
 * summer time since 1991).  A day is then t / DAY, an hour of it t % DAY / HOUR, and only the text carries the offset.
 */
#ifndef GENERATE_CIVIL_H
#define GENERATE_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#define SECOND	1000LL
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)
#define SITE_OFFSET	(8 * HOUR)

struct civil {
	int year;		/* 1970 .. 9999 */
	int month;		/* 1 .. 12 */
	int day;		/* 1 .. 31 */
};

#define CIVIL_DATE_SIZE		11	/* 2026-11-01 */
#define CIVIL_INSTANT_SIZE	30	/* 2026-11-01T08:00:00.000+08:00 */

/* Days since 1970-01-01 and back. */
int64_t		 civil_to_day(struct civil);
struct civil	 civil_from_day(int64_t day);

/* YYYY-MM-DD of 1970 to 9999, a day that exists: 0, otherwise -1. */
int		 civil_parse(const char *text, int64_t *day);

void		 civil_date(char out[CIVIL_DATE_SIZE], int64_t day);
void		 civil_instant(char out[CIVIL_INSTANT_SIZE], int64_t site_ms);

/* 0 Monday .. 6 Sunday. */
unsigned	 civil_weekday(int64_t day);

#endif
