/*
 * A histogram of durations in nanoseconds with a relative error below 1 %: 64 exponents of two, each in 128 equal parts, as HDR
 * histograms do it.  Fixed size, no allocation, up to 584 years.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PARTS	128u

struct histogram {
	uint64_t count, max;
	uint64_t bucket[58 * HISTOGRAM_PARTS];
};

void		histogram_add(struct histogram *, uint64_t ns);

/* The duration that so many of all (0 < share <= 1) did not exceed; 0 if it is empty. */
uint64_t	histogram_at(const struct histogram *, double share);

#endif
