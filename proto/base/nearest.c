/* Edit distance with swaps of neighbours (optimal string alignment), by bytes. */
#include "nearest.h"

#include <limits.h>
#include <string.h>

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return (m < c ? m : c);
}

/* The distance, or anything above `limit` as soon as it must be more than that. */
static unsigned
distance(const char *a, size_t alen, const char *b, size_t blen, unsigned limit)
{
	unsigned rows[3][NEAREST_LEN_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= blen; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= alen; i++) {
		unsigned *spare = before, least = (unsigned)i;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= blen; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
			if (row[j] < least)
				least = row[j];
		}
		if (least > limit)
			return (least);
		before = above;
		above = row;
		row = spare;
	}
	return (above[blen]);
}

void
nearest_begin(struct nearest *n, const char *name, size_t len)
{
	n->name = name;
	n->len = len;
	n->best = NULL;
	n->distance = UINT_MAX;
}

void
nearest_offer(struct nearest *n, const char *candidate)
{
	size_t len = strlen(candidate), longer = len > n->len ? len : n->len, shorter = len > n->len ? n->len : len;
	unsigned d, limit = (unsigned)longer / 3;

	if (n->len == 0 || longer > NEAREST_LEN_MAX || longer - shorter > limit)
		return;
	d = distance(n->name, n->len, candidate, len, limit);
	if (d < n->distance && d <= limit) {
		n->best = candidate;
		n->distance = d;
	}
}
