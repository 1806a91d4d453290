/*
 * chart: drawings for paper, as SVG within a page: black and grey, no script, no font of their own, every value written beside its mark.
 */
#ifndef CHART_H
#define CHART_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

#define CHART_BARS_MAX	24u		/* more do not fit on a sheet: the caller adds up the rest */

/* Style of the page that has charts: numbers stand out from the lines behind them. */
#define CHART_STYLE	".c{width:100%;break-inside:avoid;margin-top:2mm}.c text{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px}.c .t{font-size:9px}"

struct bar {
	const char *label;
	uint64_t value;
	bool known;			/* false: there is nothing to show, as of a rate of nothing */
	bool strong;			/* one of the few that matter, or that missed its target */
};

/*
 * Pareto chart, 排列图: bars in the order given, the largest first, and the line of their running share of the whole, with a line at `share`
 * per cent, below which the few lie that matter.  The whole is the sum of all values.
 */
void	chart_pareto(struct buffer *, const struct bar *, unsigned count, unsigned share, bool zh);

/*
 * Rates in ten-thousandths (6627: 66.27 %), one a bar, in the order given; a line at the target, in the same, unless that is negative.  The scale ends
 * at 100 %.
 */
void	chart_rates(struct buffer *, const struct bar *, unsigned count, int64_t target, bool zh);

/* Numbers, one a bar. */
void	chart_counts(struct buffer *, const struct bar *, unsigned count);

#endif
