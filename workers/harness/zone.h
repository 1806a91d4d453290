/*
 * zone: a site's clock as a pure function.
 *
 * What a worker concludes must not depend on the machine, so the library's tzset() (the process's TZ, and the machine's tzdata) is not
 * used.  A zone is a rule in the form of POSIX TZ, "CET-1CEST,M3.5.0,M10.5.0/3", or one of the names in zones.def, which stand for the
 * rule that tzdata has for them now.  Two things follow, and are accepted: the rule of today is used for the past, too (China's summer
 * time of 1986-1991 is not there); and when a state changes its rule, zones.def is edited, which is a new release, or the calendar
 * says the new rule itself, which is an event in the log and needs none.  Asia/Shanghai has had no change since 1991.
 *
 * Two readings of the clock, in seconds since 1970 as if the site were UTC:
 *
 *	the offset in force	what the clock on the wall shows; it may be set back, and then shows an hour twice
 *	zone_wall()		the same clock, never set back: while an hour repeats it stands at the last second it had shown
 *
 * Counting uses the second: whoever comes later never has an earlier deadline.  zone_instant() is its inverse:
 *
 *	zone_instant(z, l) <= u   if and only if   l <= zone_wall(z, u)
 */
#ifndef ZONE_H
#define ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_YEAR_MIN	1969		/* with changes of the clock; before and behind the last state goes on */
#define ZONE_YEAR_MAX	2101

struct zone {
	unsigned count;			/* changes of the clock, in order */
	int32_t first;			/* seconds east of UTC before the first of them */
	struct zone_change {
		int64_t at;		/* from this instant on, seconds … */
		int32_t offset;		/* … east of UTC */
	} changes[2 * (ZONE_YEAR_MAX - ZONE_YEAR_MIN + 1)];
};

/* A name of zones.def or a POSIX rule.  -1 with a sentence in `why` (the nearest name, how to write a rule). */
int	zone_read(struct zone *, const char *text, char *why, size_t why_size);

/* Seconds east of UTC at an instant. */
int32_t	zone_offset(const struct zone *, int64_t utc);

/* The clock that is never set back. */
int64_t	zone_wall(const struct zone *, int64_t utc);

/* The first instant at which it shows `wall` or later. */
int64_t	zone_instant(const struct zone *, int64_t wall);

#endif
