/* Figures: numerator and denominator, times, ages; of a period, by a dimension, by month. */
#include "stats.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buffer.h"
#include "errcode.h"

#define VALUES_MAX	1000u	/* of a dimension in one answer */

struct figure {
	char value[KEEP_BYTES_MAX];
	uint32_t value_len, month;
	int64_t num, den;
	int64_t *ms;			/* how long each took */
	size_t ms_count, ms_room;
	int64_t ages[AGES_MAX + 1];
};

struct figures {
	struct figure *list[VALUES_MAX];
	unsigned count;
	uint16_t slots[4096];		/* by a hash of month and value: 1 + which */
	struct figure total;
	bool full;
};

static bool
is_it(const struct figure *f, struct text value, uint32_t month)
{
	return (f->month == month && f->value_len == value.len && (value.len == 0 || memcmp(f->value, value.s, value.len) == 0));
}

static struct figure *
figure_of(struct figures *all, struct text value, uint32_t month)
{
	size_t slot = XXH3_64bits_withSeed(value.s, value.len, month) % 4096;
	struct figure *f;

	for (; all->slots[slot] != 0; slot = (slot + 1) % 4096)
		if (is_it(all->list[all->slots[slot] - 1], value, month))
			return (all->list[all->slots[slot] - 1]);
	if (all->count == VALUES_MAX) {
		all->full = true;
		return (NULL);
	}
	f = memset(alloc_or_exit(NULL, sizeof(*f)), 0, sizeof(*f));
	if (value.len > 0)
		memcpy(f->value, value.s, value.len);
	f->value_len = value.len;
	f->month = month;
	all->list[all->count++] = f;
	all->slots[slot] = (uint16_t)all->count;
	return (f);
}

static void
count(struct figure *f, const struct question_period *q, const struct row *row)
{
	unsigned i = 0;

	f->num += row->counted;
	f->den++;
	if (row->spell) {
		while (i < q->m->age_count && q->at - row->base > q->m->ages[i] * DAY_NS)
			i++;
		f->ages[i]++;
	}
	if (!row->timed)
		return;
	if (f->ms_count == f->ms_room) {
		f->ms_room = 2 * f->ms_room + 64;
		f->ms = alloc_or_exit(f->ms, f->ms_room * sizeof(*f->ms));
	}
	f->ms[f->ms_count++] = row->ms;
}

/* ---- The answer ---- */

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return ((x > y) - (x < y));
}

static int
by_value(const void *a, const void *b)
{
	const struct figure *x = *(struct figure *const *)a, *y = *(struct figure *const *)b;
	uint32_t len = x->value_len < y->value_len ? x->value_len : y->value_len;
	int c = memcmp(x->value, y->value, len);

	if (c != 0)
		return (c);
	if (x->value_len != y->value_len)
		return (x->value_len > y->value_len ? 1 : -1);
	return ((x->month > y->month) - (x->month < y->month));
}

/* Nearest rank: the smallest of them that at least so many per cent of them do not exceed. */
static int64_t
percentile(const int64_t *sorted, size_t n, unsigned p)
{
	return (sorted[(n * p + 99) / 100 - 1]);
}

static void
reply_times(struct worker *w, struct figure *f)
{
	worker_reply_int(w, "n", (int64_t)f->ms_count);
	if (f->ms_count == 0)
		return;
	qsort(f->ms, f->ms_count, sizeof(*f->ms), by_size);
	worker_reply_int(w, "p50", percentile(f->ms, f->ms_count, 50));
	worker_reply_int(w, "p90", percentile(f->ms, f->ms_count, 90));
	worker_reply_int(w, "p95", percentile(f->ms, f->ms_count, 95));
	worker_reply_int(w, "p99", percentile(f->ms, f->ms_count, 99));
	worker_reply_int(w, "max", f->ms[f->ms_count - 1]);
}

static void
reply_figure(struct worker *w, const struct question_period *q, struct figure *f)
{
	worker_reply_int(w, "num", f->num);
	worker_reply_int(w, "den", f->den);
	if (q->m->timed)
		reply_times(w, f);
	if (q->m->age_count == 0)
		return;
	worker_reply_list(w, "ages");
	for (unsigned i = 0; i <= q->m->age_count; i++) {
		worker_reply_row(w);
		if (i < q->m->age_count)
			worker_reply_int(w, "days", q->m->ages[i]);
		worker_reply_int(w, "num", f->ages[i]);
	}
	worker_reply_end(w);
}

static void
reply_head(struct turn *t, const struct question_period *q)
{
	char month[MONTH_SIZE];

	worker_reply_map(t->w, "measure");
	ask_measure_reply(t->w, q->m);
	worker_reply_end(t->w);
	period_name(q->first, month);
	worker_reply(t->w, "from", text_of(month));
	period_name(q->last, month);
	worker_reply(t->w, "until", text_of(month));
	if (q->m->per == PER_STOCK)
		worker_reply_instant(t->w, "at", q->at);
	if (q->dim < DIMS_MAX)
		worker_reply(t->w, "by", text_of(q->m->dims[q->dim].name));
	worker_reply_instant(t->w, "known", t->now);
	worker_reply_bool(t->w, "recounting", recount_is_under_way(t->w));
}

static void
reply_rows(struct turn *t, const struct question_period *q, struct figures *all, bool split)
{
	char month[MONTH_SIZE];

	qsort(all->list, all->count, sizeof(*all->list), by_value);
	worker_reply_list(t->w, "rows");
	for (unsigned i = 0; i < all->count; i++) {
		struct figure *f = all->list[i];

		worker_reply_row(t->w);
		if (q->dim < DIMS_MAX)
			worker_reply(t->w, "value", (struct text){ f->value, f->value_len });
		if (split) {
			period_name(f->month, month);
			worker_reply(t->w, "month", text_of(month));
		}
		reply_figure(t->w, q, f);
	}
	worker_reply_end(t->w);
	worker_reply_map(t->w, "total");
	reply_figure(t->w, q, &all->total);
	worker_reply_end(t->w);
}

static void
figures_free(struct figures *all)
{
	for (unsigned i = 0; i < all->count; i++) {
		free(all->list[i]->ms);
		free(all->list[i]);
	}
	free(all->total.ms);
	free(all);
}

int
ask_figures(struct worker *w)
{
	struct turn t = turn_of(w, 0, 0);
	struct question_period q;
	struct figures *all;
	struct row_walk r = { .past = false };
	struct row row;
	struct text s;
	bool split;
	int rc = 0;

	if (ask_period(&t, &q) != 0)
		return (-1);
	split = worker_asked_text(w, "split", 8, &s) && q.m->per == PER_MONTH;
	if (split && !mp_equal(s.s, s.len, "month"))
		return (worker_refuse(w, E_ARGUMENT, "split", "month, or nothing"));
	all = memset(alloc_or_exit(NULL, sizeof(*all)), 0, sizeof(*all));
	while (ask_each(&t, &q, &r, &row)) {
		struct text value = q.dim < DIMS_MAX ? row.dims[q.dim] : (struct text){ "", 0 };
		struct figure *f = q.dim < DIMS_MAX || split ? figure_of(all, value, split ? member_month(r.walk.key) : 0) : NULL;

		if (f != NULL)
			count(f, &q, &row);
		count(&all->total, &q, &row);
	}
	if (all->full)
		rc = worker_refuse(w, E_ARGUMENT, "by", "more than %u values: a shorter period, or another dimension", VALUES_MAX);
	else {
		reply_head(&t, &q);
		reply_rows(&t, &q, all, split);
	}
	figures_free(all);
	return (rc);
}
