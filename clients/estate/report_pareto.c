/* 排列图: what matters most stands first. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

#define CLASS_A_PERCENT	80
#define CLASS_B_PERCENT	90

/* "Other" is no cause of its own, however often it comes. */
static bool
is_rest(const struct report_figure *f)
{
	return (f->value[0] == '\0' || strcmp(f->value, "other") == 0);
}

static int
by_weight(const void *a, const void *b)
{
	const struct report_figure *x = a, *y = b;

	if (is_rest(x) != is_rest(y))
		return (is_rest(x) ? 1 : -1);
	if (x->den != y->den)
		return (x->den < y->den ? 1 : -1);
	return (strcmp(x->value, y->value));
}

void
report_pareto(struct report_section *s)
{
	int64_t sum = 0;

	if (s->count > 0)
		qsort(s->rows, s->count, sizeof(*s->rows), by_weight);
	for (size_t i = 0; i < s->count; i++) {
		struct report_figure *f = &s->rows[i];

		sum += f->den;
		f->cumulative = sum;
		/* The first is of class A however large it is: it is where to begin. */
		if (!is_rest(f) && (i == 0 || sum * 100 <= s->total.den * CLASS_A_PERCENT))
			f->class = 'A';
		else
			f->class = !is_rest(f) && sum * 100 <= s->total.den * CLASS_B_PERCENT ? 'B' : 'C';
	}
}
