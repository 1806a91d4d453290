/* What the files of calendar share: the days as they are laid out. */
#ifndef CALENDAR_INTERNAL_H
#define CALENDAR_INTERNAL_H

#include "calendar.h"
#include "zone.h"

#define NS		INT64_C(1000000000)
#define DAY_S		INT64_C(86400)
#define YEARS		(CALENDAR_YEAR_MAX - CALENDAR_YEAR_MIN + 1)
#define NAMES_MAX	4096u

/* Sets of hours: one for each weekday from Monday, one for make-up days, one for days off. */
enum { HOURS_MAKEUP = 7, HOURS_NONE, HOURS_SETS };

struct hours {
	unsigned count;
	struct calendar_hours list[CALENDAR_HOURS_MAX];
};

/* A day; the sums make every count a subtraction. */
struct day {
	int64_t begins;		/* UTC seconds of its midnight */
	int64_t worked;		/* working seconds before it */
	uint32_t workdays;	/* working days before it */
	uint16_t name;		/* index of names + 1; 0: none */
	uint8_t kind;
	uint8_t hours;
};

struct year {
	bool listed, provisional;
	char *notice;
};

struct calendar {
	struct zone zone;
	char *zone_name;
	struct hours hours[HOURS_SETS];
	struct year years[YEARS];
	unsigned year_first[YEARS + 1];		/* its first day */
	char **names;
	unsigned names_count;
	unsigned days_count, workdays_count;
	struct day *days;			/* from 1970-01-01; one more at the end for its sums */
	uint32_t *workdays;			/* the days that are worked, in order */
};

/* Lay out the days, after `kind` and `name` of those that a notice names were set, the others left at CALENDAR_WORKDAY. */
void	calendar_lay_out(struct calendar *);

/* The year of a day, as an index of years. */
unsigned	calendar_year_of(const struct calendar *, int64_t day);

static inline bool
day_works(const struct day *d)
{
	return (d->kind == CALENDAR_WORKDAY || d->kind == CALENDAR_MAKEUP);
}

/* The instant of a minute of a day, in UTC seconds. */
static inline int64_t
minute_instant(const struct calendar *c, int64_t day, unsigned minute)
{
	return (zone_instant(&c->zone, day * DAY_S + minute * INT64_C(60)));
}

/* Seconds rounded down; what is left in *left. */
static inline int64_t
seconds_of(int64_t ns, int64_t *left)
{
	*left = ns % NS + (ns % NS < 0 ? NS : 0);
	return (ns / NS - (ns % NS < 0));
}

#endif
