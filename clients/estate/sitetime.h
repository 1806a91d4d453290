/*
 * Time as people of the site read and write it.  Instants are nanoseconds since 1970 in UTC; the site's zone is the environment's
 * ESTATE_TZ, else Asia/Shanghai, and is shown with its
 * offset wherever there is room for it.
 */
#ifndef SITETIME_H
#define SITETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

#define SITETIME_TEXT	48

/* Take the zone from the environment.  False, with a sentence on stderr, if there is no such zone.  Called by whoever needs it. */
bool	sitetime_init(void);

int64_t	sitetime_now(void);

/* "2026-11-24 05:06:03 +08:00", with `decimals` 0, 3, 6 or 9 of the second. */
void	sitetime_local(int64_t ns, unsigned decimals, char out[SITETIME_TEXT]);

/* "11-24 05:06:03", for terminals that have no room for more. */
void	sitetime_brief(int64_t ns, char out[SITETIME_TEXT]);

/*
 * A deadline: "11-25 18:00"; midnight belongs to the day that it ends, "11-25 24:00".  Of another year than that of `now` the year stands
 * before it.
 */
void	sitetime_due(int64_t ns, int64_t now, char out[SITETIME_TEXT]);

/* "2026-11-23T21:06:03.123456789Z"; nanoseconds are left out if 0. */
void	sitetime_utc(int64_t seconds, uint32_t nanoseconds, char out[SITETIME_TEXT]);
/* The same, always with nine decimals. */
void	sitetime_utc_ns(int64_t ns, char out[SITETIME_TEXT]);

/*
 * Read what a person would write: RFC 3339, "2026-11-24", "2026-11-24 05:06[:07]" (site time), "now", "today", "yesterday",
 * "2 hours ago", "90s ago", "15min".  False if it is none of these.
 */
bool	sitetime_parse(const char *text, int64_t now, int64_t *ns);
/* If that is a date of a day that its month does not have, "2026-02-31": the last one that it has; else 0. */
unsigned sitetime_last_day(const char *text);

/* Whole seconds: "5 s", and from a minute on as below. */
void	sitetime_seconds(struct buffer *, int64_t s, bool zh);

/* "850 ms", "4 min 10 s", "3 h 05 min", "2 d 4 h", in Chinese if asked; a minus sign before a negative one. */
void	sitetime_span(struct buffer *, int64_t ns, bool zh);

#endif
