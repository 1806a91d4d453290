/*
 * Instants and dates as text: RFC 3339, section 5.6, and nothing more lenient.
 *
 *	2026-11-03T08:30:00+08:00   2026-11-03T00:30:00.125Z   2016-12-31T23:59:60Z
 *
 * An instant is seconds since 1970-01-01T00:00:00Z without leap seconds, and nanoseconds 0..999999999 that count forwards from it,
 * also before 1970.
 */
#ifndef RFC3339_H
#define RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Read an instant; `s` need not be terminated.  The date and the time stand apart by T or t, never by a space; the offset is Z, z
 * or ±hh:mm and must be there.  A leap second (60 at the end of a UTC day) is the second after it.  Digits of the fraction beyond
 * the ninth are dropped.  False, and nothing written, if it is anything else.
 */
bool	rfc3339_parse(const char *s, size_t len, int64_t *seconds, uint32_t *nanoseconds);

/* Read YYYY-MM-DD, years 0000 to 9999, as days since 1970-01-01.  False if there is no such day; `days` may be NULL. */
bool	rfc3339_date(const char *s, size_t len, int64_t *days);

/* Days since 1970-01-01 of a date that exists, years from 0. */
int64_t	rfc3339_days(unsigned year, unsigned month, unsigned day);

/* The day after so many days since 1970-01-01, in the Gregorian calendar carried back. */
void	rfc3339_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day);

/*
 * Write an instant as it reads at so many minutes east of UTC (-1439..1439): Z for 0, else ±hh:mm; a fraction of 3, 6 or 9 digits if
 * there is one.  Returns the length, or 0 and an empty string if the year would not have four digits.
 */
#define RFC3339_SIZE	36
size_t	rfc3339_format(int64_t seconds, uint32_t nanoseconds, int offset_minutes, char out[RFC3339_SIZE]);

#endif
