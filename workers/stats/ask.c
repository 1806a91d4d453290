/* What questions have in common; what is counted. */
#include "stats.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "errcode.h"

/* ---- What it is about ---- */

static int
no_measures(struct worker *w)
{
	return (worker_refuse(w, E_NOT_FOUND, NULL, "no measures are in force: estate-stats --config FOLDER with measures.yaml and calendars/cn.yaml"));
}

static int
ask_as_of(struct turn *t, struct moment *as_of)
{
	struct text s;

	as_of->log_time = INT64_MAX;
	as_of->seq = (uint64_t)worker_asked_int(t->w, "seq", INT64_MAX, 0, INT64_MAX);
	if (!worker_asked_text(t->w, "as_of", CALENDAR_INSTANT_SIZE, &s))
		return (0);
	if (!calendar_read_instant(t->x->calendar, s.s, s.len, &as_of->log_time))
		return (worker_refuse(t->w, E_ARGUMENT, "as_of", "a date, to its end, or an instant: 2026-10-31, 2026-10-31T18:00:00+08:00"));
	if (s.len == 10)
		as_of->log_time = period_day_begins(t, period_day(t, as_of->log_time) + 1) - 1;
	return (0);
}

static int
ask_dim(struct turn *t, struct question_period *q)
{
	struct text by;
	char names[DIMS_MAX * (NAME_SIZE + 1)] = "";
	size_t n = 0;

	q->dim = DIMS_MAX;
	if (!worker_asked_text(t->w, "by", NAME_SIZE, &by) || by.len == 0)
		return (0);
	for (unsigned i = 0; i < q->m->dim_count; i++) {
		if (mp_equal(by.s, by.len, q->m->dims[i].name))
			q->dim = i;
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i > 0 ? " " : "", q->m->dims[i].name);
	}
	if (q->dim == DIMS_MAX)
		return (worker_refuse(t->w, E_ARGUMENT, "by", "%s goes by: %s", q->m->name, names));
	return (0);
}

int
ask_period(struct turn *t, struct question_period *q)
{
	struct text s;
	char now[MONTH_SIZE];
	int64_t end;

	if (t->p == NULL)
		return (no_measures(t->w));
	if (!worker_asked_text(t->w, "measure", NAME_SIZE, &s) || (q->m = measures_find(t->p, s)) == NULL)
		return (worker_refuse(t->w, E_NOT_FOUND, "measure", "there is no such measure; estate ask stats measures lists them"));
	period_name(period_month(t, t->now), now);
	if (!worker_asked_text(t->w, "period", 16, &s))
		s = text_of(now);
	if (!period_read(s, &q->first, &q->last))
		return (worker_refuse(t->w, E_ARGUMENT, "period", "a month, quarter, half-year or year of 1970 to 2199: 2026-10, 2026-Q4, 2026-H2, 2026"));
	if (ask_as_of(t, &q->as_of) != 0 || ask_dim(t, q) != 0)
		return (-1);
	/* A stock as at the end of the period, or of what is known if it still runs. */
	end = period_month_begins(t, q->last + 1) - 1;
	q->at = t->now < end ? t->now : end;
	if (q->as_of.log_time < q->at)
		q->at = q->as_of.log_time;
	return (0);
}

/* ---- Walking ---- */

/* The months of a spell are those in which it ends: what ends before that instant is over by then. */
static int64_t
month_from(struct turn *t, const struct question_period *q)
{
	return (q->m->per == PER_STOCK ? period_month(t, q->at) : q->first);
}

bool
ask_held(const struct question_period *q, const struct worker_walk *walk, bool past)
{
	const uint8_t *p = walk->value;

	if (walk->value_len < (past ? PAST_HEADER : ROW_HEADER))
		return (false);
	if (get_le64(p) > q->as_of.seq || (int64_t)get_le64(p + 8) > q->as_of.log_time)
		return (false);
	return (!past || get_be64(walk->key + PAST_SEQ) > q->as_of.seq || (int64_t)get_le64(p + 16) > q->as_of.log_time);
}

/* What was past by then lies before it: of each month it is passed over. */
static bool
pass_over(const struct question_period *q, struct row_walk *r)
{
	if (!r->past || q->as_of.log_time != INT64_MAX || get_be64(r->walk.key + PAST_SEQ) > q->as_of.seq)
		return (false);
	put_be64(r->walk.key + PAST_SEQ, q->as_of.seq + 1);
	r->walk.key_len = PAST_SEQ + 8;
	return (true);
}

static bool
read_walk(const struct row_walk *r, struct row *row)
{
	size_t header = r->past ? PAST_HEADER : ROW_HEADER;

	return (member_read(row, (const uint8_t *)r->walk.value + header, r->walk.value_len - header));
}

bool
ask_counts(const struct question_period *q, const struct row *row)
{
	return (q->m->per != PER_STOCK || (row->since <= q->at && q->at < row->until));
}

uint64_t
ask_contact(struct turn *t, const struct question_period *q, struct text object, struct row *row)
{
	uint64_t event;
	int64_t when;

	if (q->m->class != CLASS_LIVING || object.len < 2 ||
	    !contact_last(t->w, (struct text){ object.s + 1, object.len - 1 }, row->base, q->at, &q->as_of, &when, &event))
		return (0);
	row->base = when;
	row->counted = true;
	return (event);
}

static bool
is_now(const struct question_period *q)
{
	return (q->as_of.seq == INT64_MAX && q->as_of.log_time == INT64_MAX);
}

bool
ask_each(struct turn *t, const struct question_period *q, struct row_walk *r, struct row *row)
{
	int64_t last = q->m->per == PER_STOCK ? MONTH_OPEN : q->last, from = month_from(t, q);
	uint8_t prefix[4];

	put_be32(prefix, q->m->key);
	for (;;) {
		if (r->walk.key_len == 0) {
			/* Behind no key of that month: those are longer. */
			memcpy(r->walk.key, prefix, 4);
			r->walk.key[4] = (uint8_t)(from >> 8);
			r->walk.key[5] = (uint8_t)from;
			r->walk.key_len = 6;
		}
		while (worker_each(t->w, r->past ? PAST : ROWS, prefix, 4, &r->walk)) {
			if (member_month(r->walk.key) > last)
				break;
			if (!pass_over(q, r) && ask_held(q, &r->walk, r->past) && read_walk(r, row) && ask_counts(q, row)) {
				ask_contact(t, q, member_object(r->walk.key, r->walk.key_len, r->past), row);
				return (true);
			}
		}
		if (r->past || is_now(q))
			return (false);
		*r = (struct row_walk){ .past = true };
	}
}

void
ask_sum(struct turn *t, const struct measure *m, int64_t month, int64_t at, int64_t *num, int64_t *den)
{
	struct question_period q = { .m = m, .first = month, .last = month, .at = at, .dim = DIMS_MAX, .as_of = { INT64_MAX, INT64_MAX } };
	struct row_walk r = { .past = false };
	struct row row;

	*num = *den = 0;
	while (ask_each(t, &q, &r, &row)) {
		if (!row.spell && row.at > at)
			continue;
		*num += row.counted;
		(*den)++;
	}
}

/* ---- What is counted ---- */

static void
reply_by(struct worker *w, const struct measure *m)
{
	char names[DIMS_MAX * (NAME_SIZE + 1)] = "";
	size_t n = 0;

	for (unsigned i = 0; i < m->dim_count; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i > 0 ? " " : "", m->dims[i].name);
	worker_reply(w, "by", text_of(names));
}

void
ask_measure_reply(struct worker *w, const struct measure *m)
{
	worker_reply(w, "name", text_of(m->name));
	worker_reply(w, "zh", text_of(m->zh));
	worker_reply(w, "en", text_of(m->en));
	if (m->rule[0] != '\0')
		worker_reply(w, "rule", text_of(m->rule));
	worker_reply(w, "of", text_of(class_names[m->class]));
	worker_reply(w, "per", text_of(per_names[m->per]));
	reply_by(w, m);
	worker_reply_bool(w, "timed", m->timed);
	/* Of what has no numerator only the number is of interest. */
	worker_reply_bool(w, "rate", m->count_count > 0 || m->limited);
	if (m->least >= 0) {
		worker_reply_int(w, "least", m->least);
		worker_reply_bool(w, "soft", m->soft);
	}
}

int
ask_measures(struct worker *w)
{
	struct turn t = turn_of(w, 0, 0);

	if (t.p == NULL)
		return (no_measures(w));
	worker_reply_list(w, "rows");
	for (unsigned i = 0; i < t.p->count; i++) {
		worker_reply_row(w);
		ask_measure_reply(w, &t.p->list[i]);
	}
	return (0);
}

int
ask_reports(struct worker *w)
{
	struct turn t = turn_of(w, 0, 0);

	if (t.p == NULL)
		return (no_measures(w));
	worker_reply_list(w, "rows");
	for (unsigned i = 0; i < t.p->report_count; i++) {
		const struct report_kind *k = &t.p->reports[i];
		char names[REPORT_PARTS_MAX * (NAME_SIZE + 1)] = "";
		size_t n = 0;

		for (unsigned p = 0; p < k->count; p++)
			n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", p > 0 ? " " : "", k->parts[p]->name);
		worker_reply_row(w);
		worker_reply(w, "name", text_of(k->name));
		worker_reply(w, "zh", text_of(k->zh));
		worker_reply(w, "en", text_of(k->en));
		worker_reply(w, "form", text_of(k->form));
		if (k->by[0] != '\0')
			worker_reply(w, "by", text_of(k->by));
		worker_reply(w, "measures", text_of(names));
	}
	return (0);
}
