/* What is due by the rules of retention: retention.h. */
#include <stdlib.h>
#include <string.h>

#include "retention.h"

static void
append(struct plan_person **l, size_t *count, struct plan_person p)
{
	/* Doubled at each power of two. */
	if ((*count & (*count - 1)) == 0)
		*l = alloc_or_exit(*l, (*count == 0 ? 1 : *count * 2) * sizeof(**l));
	(*l)[(*count)++] = p;
}

static void
sort_person(struct plan *p, const struct retention *r, const struct kept_subject *s)
{
	struct plan_person one = { .who = s };

	one.record = kept_longest(&r->kept, s, false, &one.until);
	if (one.record == NULL)
		return;
	if (one.record->held_by != 0)
		append(&p->held, &p->held_count, one);
	else if (one.until == INT64_MAX)
		p->open_count++;
	else if (one.until <= r->at)
		append(&p->due, &p->due_count, one);
	else
		append(&p->later, &p->later_count, one);
}

static int
by_time(const void *a, const void *b)
{
	const struct plan_person *x = a, *y = b;

	return (x->until != y->until ? (x->until > y->until) - (x->until < y->until) : strcmp(x->who->id, y->who->id));
}

static void
note_over(struct plan *p, const struct retention *r, const struct kept_subject *s)
{
	for (const struct kept_record *k = s->records; k != NULL; k = k->next) {
		if (r->rules.kinds[k->kind].closed_by.count == 0 || k->expired || kept_until(&r->kept, k) > r->at)
			continue;
		if ((p->over_count & (p->over_count - 1)) == 0)
			p->over = alloc_or_exit(p->over, (p->over_count == 0 ? 1 : p->over_count * 2) * sizeof(*p->over));
		p->over[p->over_count++] = k;
	}
}

/* ---- Months ---- */

static void
read_consumer(struct plan *p, struct mp *m)
{
	const char *key, *name = "";
	uint32_t pairs, len, name_len = 0;
	uint64_t cursor = 0;
	bool released = false;

	if (!mp_map(m, &pairs))
		return;
	for (; pairs > 0 && mp_str(m, &key, &len); pairs--)
		if (!((mp_equal(key, len, "name") && mp_str(m, &name, &name_len)) || (mp_equal(key, len, "cursor") && mp_uint(m, &cursor)) ||
		    (mp_equal(key, len, "released") && mp_bool(m, &released)) || mp_skip(m)))
			return;
	for (size_t i = 0; i < p->month_count && !released; i++)
		if (cursor < p->months[i].month->last && p->months[i].reader[0] == '\0' && name_len < sizeof(p->months[i].reader))
			memcpy(p->months[i].reader, name, name_len);
}

static void
on_consumers(void *user, const struct estate_answer *a)
{
	struct mp m = mp_over(a->body, a->len);
	struct plan *p = user;
	uint32_t n;

	if (a->error == 0 && mp_array(&m, &n))
		while (n-- > 0)
			read_consumer(p, &m);
}

/* How long until the oldest month is old enough, if it is to go by age. */
static void
on_status(void *user, const struct estate_answer *a)
{
	struct mp m = mp_over(a->body, a->len);
	struct plan *p = user;
	uint32_t pairs, len;
	const char *key;
	int64_t s;

	if (a->error != 0 || !mp_map(&m, &pairs))
		return;
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--)
		if (mp_equal(key, len, "runway_trim_seconds") && mp_int(&m, &s))
			p->trim_at = s;
		else if (!mp_skip(&m))
			break;
}

static int
make_months(struct retention *r, struct estate *e, struct plan *p)
{
	int n;

	p->months = memset(alloc_or_exit(NULL, (r->kept.month_count + 1) * sizeof(*p->months)), 0, (r->kept.month_count + 1) * sizeof(*p->months));
	p->month_count = r->kept.month_count;
	for (size_t i = 0; i < p->month_count; i++) {
		const struct sealed_month *s = sealed_find(&r->sealed, r->kept.months[i].name);

		p->months[i].month = &r->kept.months[i];
		p->months[i].current = i + 1 == p->month_count;
		p->months[i].bound = s != NULL && s->seq != 0 ? s : NULL;
	}
	p->trim_at = INT64_MAX;
	if ((n = estate_call(e, "consumers", NULL, 0, r->common.timeout_ms, on_consumers, p)) != 0 ||
	    (n = estate_call(e, "status", NULL, 0, r->common.timeout_ms, on_status, p)) != 0)
		return (reach_refused("retention", &r->common, n, NULL));
	if (p->trim_at != INT64_MAX)
		p->trim_at = r->kept.now + p->trim_at * INT64_C(1000000000);
	return (0);
}

int
plan_make(struct retention *r, struct estate *e, struct plan *p)
{
	int n;

	memset(p, 0, sizeof(*p));
	if ((n = kept_read("retention", &r->common, e, &r->rules, r->bundles, &r->kept)) != 0 ||
	    (n = sealed_read("retention", &r->common, e, &r->sealed)) != 0)
		return (n);
	if (r->at_text == NULL)
		r->at = r->kept.now;
	for (size_t i = 0; i < r->kept.subject_count; i++) {
		if (r->kept.subjects[i]->keyed)
			sort_person(p, r, r->kept.subjects[i]);
		note_over(p, r, r->kept.subjects[i]);
	}
	if (p->due_count > 0)
		qsort(p->due, p->due_count, sizeof(*p->due), by_time);
	if (p->later_count > 0)
		qsort(p->later, p->later_count, sizeof(*p->later), by_time);
	return (make_months(r, e, p));
}

void
plan_free(struct plan *p)
{
	free(p->due);
	free(p->later);
	free(p->held);
	free(p->over);
	free(p->months);
}
