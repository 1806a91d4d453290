/*
 * figures: how a worker stands, as the answer to the question `status` and as a page for Prometheus.  One table for both: what a
 * person is told is what is graphed.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "buffer.h"
#include "engine.h"

#define FIGURES_MAX	32u

enum figure_kind {
	FIGURE_GAUGE,
	FIGURE_COUNTER,		/* since the start; the name ends in _total */
	FIGURE_INSTANT		/* nanoseconds since 1970; on the page NAME_timestamp_seconds */
};

struct figure {
	const char *name;	/* "timers_pending" */
	enum figure_kind kind;
	const char *help;
	int64_t value;
};

/* The answer to `status`; within a query. */
int	figures_answer(struct worker *);

/* The page, in the text format 0.0.4; within a transaction. */
void	figures_page(struct worker *, struct buffer *);

#endif
