/* Durations: see histogram.h. */
#include "histogram.h"

/* Below two rounds of parts each value has a bucket of its own; above, the seven bits after the first one count. */
static unsigned
bucket_of(uint64_t v)
{
	unsigned shift;

	if (v < 2 * HISTOGRAM_PARTS)
		return ((unsigned)v);
	shift = 63 - (unsigned)__builtin_clzll(v) - 7;
	return (shift * HISTOGRAM_PARTS + (unsigned)(v >> shift));
}

/* The largest value of a bucket. */
static uint64_t
value_of(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2 * HISTOGRAM_PARTS)
		return (bucket);
	shift = bucket / HISTOGRAM_PARTS - 1;
	return (((uint64_t)(bucket % HISTOGRAM_PARTS + HISTOGRAM_PARTS + 1) << shift) - 1);
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	h->bucket[bucket_of(ns)]++;
	if (ns > h->max)
		h->max = ns;
}

uint64_t
histogram_at(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)((double)h->count * share + 0.5), seen = 0, v;
	unsigned i;

	if (h->count == 0)
		return (0);
	if (want < 1)
		want = 1;
	for (i = 0; (seen += h->bucket[i]) < want; i++)
		;
	v = value_of(i);
	return (v < h->max ? v : h->max);
}
