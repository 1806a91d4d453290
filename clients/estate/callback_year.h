/*
 * A year of callbacks, counted from a log alone: what `estate callback year` shows.  It asks no worker, and relies on nothing that one
 * keeps: the same figures come from a live log, from `estate tail --json`, and from a rehearsal's --log.
 */
#ifndef CALLBACK_YEAR_H
#define CALLBACK_YEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "event.h"

/* One month, by the month in which the work was finished; routine ones by the month they were planned for. */
struct year_month {
	int32_t month;			/* year * 12 + month - 1 */
	unsigned repairs, done;		/* works in homes, and how many were called back about */
	unsigned drawn, drawn_done;	/* of those that owed nobody a call: picked, and done … */
	unsigned last, after;		/* … in the last five days, and when the month was over */
	unsigned late;			/* done after their due */
	unsigned complaints, complaints_done, complaints_attempted;
	unsigned planned, talked;	/* routine */
	unsigned staff, most, all;	/* of the assistants: how many called, the busiest's callbacks, all of theirs */
};

struct year_totals {
	unsigned owed, spoken, attempted;	/* households that live there at the end: all, spoken to as a routine, tried */
	unsigned own_case, unagreed, dials;	/* breaches that were said: C4, V4, V4.dials */
	unsigned budget;			/* optional contacts of a household within a week, or a third within thirty days */
	unsigned open;				/* complaints that are neither done nor attempted */
};

struct year;

struct year	*year_new(void);
void		 year_free(struct year *);

/* An event of the log, in its order; `at` is its log time. */
void	year_take(struct year *, const struct event *, int64_t at);

/* When all are taken.  The months in order; totals. */
const struct year_month	*year_months(struct year *, size_t *count);
struct year_totals	 year_sum(struct year *);

/* 30 % of so many, rounded up; how many of them had to be drawn. */
unsigned	year_required(const struct year_month *);
unsigned	year_needed(const struct year_month *);

/* For people, and for programs. */
void	year_show(struct buffer *, struct year *, bool zh);
void	year_json(struct buffer *, struct year *);

#endif
