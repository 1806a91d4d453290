/* What the parts of `estate calendar` share. */
#ifndef CALENDAR_VERBS_H
#define CALENDAR_VERBS_H

#include <stdbool.h>

#include "buffer.h"
#include "calendar.h"

#define CALENDAR_FILE_DEFAULT	"/etc/estated/calendars/cn.yaml"

/* "2026-11-25" */
void	calendar_add_date(struct buffer *, int64_t day);

/* "Wed", "周三" */
const char	*calendar_weekday(int64_t day, bool zh);

/* A year as a grid, or as JSON. */
void	calendar_show(struct buffer *, const struct calendar *, unsigned year, bool zh, unsigned columns);
void	calendar_show_json(struct buffer *, const struct calendar *, unsigned year);

/* Where a term comes from, day by day. */
void	calendar_show_steps(struct buffer *, const struct calendar *, const struct calendar_term *, int64_t opened, bool zh);
void	calendar_add_steps_json(struct buffer *, const struct calendar *, const struct calendar_term *, int64_t opened);

/* Published days in JSON as a calendar's text.  Returns the exit status, after a sentence on stderr if it isn't 0. */
int	calendar_import(struct buffer *, char **files, int count);

/* Read a calendar's file.  0, or an exit status after a sentence for that verb. */
int	calendar_load(const char *verb, const char *file, struct calendar **);

#endif
