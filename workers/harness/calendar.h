/*
 * calendar: business time.  When is something due that must be done within one working day?
 *
 * A calendar is made from text (a file of config/calendars, or the content of a config.activated in the log) and then only read: no
 * file, no clock, no environment, no locale.  The same text gives the same instants on any machine.
 *
 *	zone: Asia/Shanghai
 *	hours:						of a week
 *	  mon-fri: 09:00-12:00, 13:30-18:00
 *	makeup: 09:00-18:00				of make-up days; without it, those of the first weekday that has hours
 *	fixed:						days off by law in every year: all that is known of one without a notice
 *	  元旦: 01-01
 *	years:
 *	  2026:
 *	    notice: 国办发明电〔2025〕7号			where it stands
 *	    off:					weekends within a holiday are named too
 *	      元旦: 01-01..01-03
 *	    work:					weekend days worked instead (调休)
 *	      元旦: 01-04
 *
 * A notice may reach into the December before its year and the January after it: dates are then written in full.  A year that is not
 * listed, or is listed with `provisional: true`, is *provisional*: weekends as usual, the fixed days, what is listed, and a mark in
 * every answer that relied on it.  Holidays of the moon's calendar (春节, 端午, 中秋) and 清明 are not computed: list the days expected
 * in a provisional year, if that is wanted.  The last days of a year whose successor is provisional are not marked.
 *
 * Instants are nanoseconds since 1970 in UTC; days are days since 1970-01-01 of the site.  An interval of hours holds its beginning and
 * not its end: at 18:00 the desk is closed.  A deadline includes its instant: what happens *at* `due` is in time (民法典 1259: 以内 includes
 * the number), what happens a nanosecond later is late.  The end of a day is the midnight that begins the next.
 *
 * Where the clock is set, counting follows zone_wall() (zone.h): hours that are skipped are nobody's; an hour that is shown twice begins
 * with the first and ends with the second, and so does the day that it belongs to.
 *
 * Sources: 民法典 201 (the day on which a period begins is not counted), 202, 203 (a period that ends on a day off ends on the next
 * working day, at 24:00, or when business closes), 1259; 全国年节及纪念日放假办法 as of 2025 (国务院令第795号); each year's notice by its number.
 */
#ifndef CALENDAR_H
#define CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALENDAR_YEAR_MIN	1970u
#define CALENDAR_YEAR_MAX	2100u
#define CALENDAR_DAYS_MAX	10000		/* the most working or calendar days of a term */
#define CALENDAR_SPAN_MAX	(INT64_C(3660) * 86400 * 1000000000)	/* the longest term in time: ten years */

struct calendar;

/*
 * Read one.  NULL with a sentence in `why` that begins with the line: what is wrong, and what would be right.  The text is not kept.
 * Takes 1 to 3 ms and 1.4 MB: every day from 1970 to 2100 is laid out, so that an answer is a look-up.
 */
struct calendar	*calendar_parse(const char *text, char *why, size_t why_size);
void		 calendar_free(struct calendar *);

/* ---- Terms ---------------------------------------------------------------------------------------------------------------------------- */

enum calendar_mode {
	/*
	 * The end of the nth working day after the day of the opening.  24:00, or the day's closing hour if `close` is set.
	 */
	CALENDAR_EOD,
	/*
	 * An opening outside the hours moves to the next instant within them; then the same time of day, n working days later, but not
	 * before that day opens and not after it closes.
	 */
	CALENDAR_SAME,
	/* When n nanoseconds of working time have been used up since the opening. */
	CALENDAR_HOURS,
	/*
	 * The end of the nth day after the day of the opening, whatever days they are (民法典 201).  With `roll`, a last day that is no
	 * working day is replaced by the next that is one (203).  `close` as above, where the last day has hours.
	 */
	CALENDAR_DAYS,
	/* n nanoseconds later. */
	CALENDAR_ELAPSED,
	CALENDAR_MODES
};

struct calendar_term {
	enum calendar_mode mode;
	int64_t n;		/* days, 1..CALENDAR_DAYS_MAX; or nanoseconds, 1..CALENDAR_SPAN_MAX */
	bool roll, close;	/* see above; nothing to the other modes */
};

struct calendar_due {
	int64_t at;		/* the last instant that is in time */
	int64_t opened_day;	/* the site's day of the opening */
	int64_t last_day;	/* the day at whose end, or within which, it is due */
	bool provisional;	/* a day that was looked at belongs to a provisional year: may change with the notice */
};

/* "eod", "same" …; the mode of a name, or CALENDAR_MODES with a sentence in `why`. */
const char		*calendar_mode_name(enum calendar_mode);
enum calendar_mode	 calendar_mode_read(const char *name, char *why, size_t why_size);

/* Is n counted in days?  Else it is a span of time. */
bool	calendar_mode_counts_days(enum calendar_mode);

/*
 * Read n as a person writes it for a mode: "3" days, "90min", "9h" ("9" is hours for CALENDAR_HOURS).  -1 with a sentence in `why`.
 */
int	calendar_term_read(struct calendar_term *, const char *n, char *why, size_t why_size);

/* False if the opening or the due lies outside CALENDAR_YEAR_MIN..MAX, or n outside its bounds: then nothing is written. */
bool	calendar_due(const struct calendar *, const struct calendar_term *, int64_t opened, struct calendar_due *);

/* Working time between two instants, nanoseconds; 0 if the second is not later.  Both are moved into the years of the calendar. */
int64_t	calendar_worked(const struct calendar *, int64_t from, int64_t until);

/* Is the desk open? */
bool	calendar_is_open(const struct calendar *, int64_t at);

/* ---- Days ----------------------------------------------------------------------------------------------------------------------------- */

enum calendar_kind {
	CALENDAR_WORKDAY,	/* has hours, as every week */
	CALENDAR_WEEKEND,	/* has none, as every week */
	CALENDAR_HOLIDAY,	/* off, by a notice or by law */
	CALENDAR_MAKEUP,	/* worked, by a notice */
	CALENDAR_KINDS
};

/* For machines, and for people in English and Chinese. */
const char	*calendar_kind_name(enum calendar_kind);
const char	*calendar_kind_title(enum calendar_kind, bool zh);

struct calendar_hours {
	uint16_t from, to;	/* minutes of the day, 0..1440, from < to */
};
#define CALENDAR_HOURS_MAX	8u	/* intervals of a day */

struct calendar_day {
	int64_t day;
	enum calendar_kind kind;
	bool working, provisional;
	const char *name;		/* of the holiday, also of the one that a make-up day is for; or NULL */
	unsigned hours_count;
	const struct calendar_hours *hours;
};

/* False if the day lies outside. */
bool	calendar_day(const struct calendar *, int64_t day, struct calendar_day *);

/* The site's day of an instant: false if it lies outside. */
bool	calendar_day_of(const struct calendar *, int64_t at, int64_t *day);

/*
 * The instant at which the site's clock shows so many minutes of a day, 0..1440: 540 is nine o'clock, 1440 the end of the day.  False if
 * it lies outside.
 */
bool	calendar_clock(const struct calendar *, int64_t day, unsigned minute, int64_t *at);

/* What the calendar says of a year: its notice or NULL; is it provisional? */
const char	*calendar_notice(const struct calendar *, unsigned year);
bool		 calendar_is_provisional(const struct calendar *, unsigned year);

/* The zone as the text names it. */
const char	*calendar_zone(const struct calendar *);

/* ---- Why it is due then --------------------------------------------------------------------------------------------------------------- */

struct calendar_step {
	struct calendar_day day;
	int64_t counted;	/* EOD, SAME, DAYS: the how-manieth day of the term, 0: not counted; HOURS: nanoseconds used up on this day */
	bool start;		/* the day of the opening: never counted as a day */
	bool rolled;		/* behind the last day of the term: 民法典 203 moved it on */
};

/*
 * Walk the days from that of the opening to the last one, in order.  For CALENDAR_ELAPSED no day is counted, and none is walked.  False
 * if `opened` and the term have no due.
 */
bool	calendar_explain(const struct calendar *, const struct calendar_term *, int64_t opened,
	    void (*step)(void *user, const struct calendar_step *), void *user);

/* ---- Instants as text ------------------------------------------------------------------------------------------------------------------- */

/* RFC 3339, or "2026-11-24[( |T)05:06[:07[.5]]]" by the site's clock (the first instant at which it shows that).  False if neither. */
bool	calendar_read_instant(const struct calendar *, const char *text, size_t len, int64_t *at);

/* RFC 3339 with the site's offset.  Returns the length.  (An offset of odd seconds, which no zone in use has, is cut to minutes.) */
#define CALENDAR_INSTANT_SIZE	48
size_t	calendar_write_instant(const struct calendar *, int64_t at, char out[CALENDAR_INSTANT_SIZE]);

#endif
