/*
 * roster: who is on duty in a role at an instant, in the order in which they are told.
 *
 * A roster is made from text and then only read; absences and swaps are facts of the log that the caller keeps.  The answer is a function
 * of the text, the facts, the role and the instant: no clock, no file, no locale, and the site's clock is a rule (zone.h).
 *
 *	zone: Asia/Shanghai
 *	roles:
 *	  clerk:
 *	    shifts:
 *	      - days: mon-fri			every week; without days: every day
 *	        hours: 08:00-20:00		without hours: the whole day; 20:00-08:00 goes on into the next morning
 *	        staff: [c-1, c-2]
 *	      - dates: 2026-10-01..2026-10-07	replaces this role's weekly shifts that begin on those days
 *	        hours: 09:00-17:00
 *	        staff: c-3
 *	  engineering:
 *	    rotation:				one of them at a time
 *	      every: week			or day
 *	      start: 2026-01-05			a day on which the first begins
 *	      at: 08:00				when the next takes over; 00:00 if not said
 *	      staff: [e-1, e-2, e-3]
 *	    otherwise: [site_manager]		roles that are told when nobody is there; instead of the list below
 *	  site_manager:
 *	    staff: m-1				at any time, behind whoever has a shift
 *	deputies:				who stands in for whom, if the absence names nobody
 *	  m-1: m-2
 *	otherwise: [cs_lead, site_manager, general_manager]
 *
 * Roles are those of the catalogue, by code or Chinese name; 主任 and 项目经理 are 管理处经理 (site_manager).  supervisor and cs_lead are one role
 * unless both are configured.
 *
 * Somebody who is absent is replaced by the deputy that the absence names, else the one of `deputies`, and so on; if none is left, by
 * nobody.  Somebody whose duty is swapped is replaced by the other and may still stand in for a third.  Of facts about one person the last
 * that covers the instant counts.  Intervals hold their beginning and not their end.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROSTER_PEOPLE_MAX	32u	/* in one answer; whoever is beyond it is not told */

struct roster;

/* Read one.  NULL with a sentence in `why` that begins with the line.  The text is not kept. */
struct roster	*roster_parse(const char *text, char *why, size_t why_size);
void		 roster_free(struct roster *);

/* What the log tells of somebody, in its order: staff.absent, duty.swapped. */
struct roster_fact {
	const char *staff;
	const char *deputy;		/* who stands in or takes over; NULL: not said (of a swap: then it says nothing) */
	int64_t from, until;		/* nanoseconds; until is INT64_MAX if it isn't known */
	bool swapped;			/* else absent */
};

enum roster_reason { ROSTER_STANDING, ROSTER_SHIFT, ROSTER_DATED, ROSTER_ROTATION };

struct roster_person {
	const char *staff;		/* lent by the roster or the facts */
	const char *role;		/* code; another one than was asked for if nobody was there */
	enum roster_reason reason;	/* why that person, or the one replaced, is on duty */
	const char *instead_of;		/* whom the roster names, or NULL */
	bool swapped;			/* instead of that one by a swap; else by absence */
};

/*
 * Who is on duty?  Writes up to ROSTER_PEOPLE_MAX, nobody twice, and returns how many; 0 if nobody is, in none of the roles that are told
 * otherwise.  `role` is a code or a Chinese name; one that there is not counts as one without people.
 */
unsigned	roster_on_duty(const struct roster *, const char *role, int64_t at, const struct roster_fact *, unsigned facts,
		    struct roster_person out[ROSTER_PEOPLE_MAX]);

/* The code of a role by its code, Chinese name or usual other name; NULL if there is none. */
const char	*roster_role(const char *name);
/* The code that was meant, perhaps; or NULL. */
const char	*roster_role_nearest(const char *name);

/* "instead of m-1, who is absent; on a shift": for people. */
#define ROSTER_WHY_SIZE	256
void	roster_why(const struct roster_person *, const char *asked, bool zh, char out[ROSTER_WHY_SIZE]);

#endif
