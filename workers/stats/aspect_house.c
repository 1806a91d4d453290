/* Households: from when until when they live here, when they were last spoken to, and whether this year's routine callback was made. */
#include "stats.h"

#include <string.h>

#include "rfc3339.h"

/* One time that they lived here; until INT64_MAX: they still do. */
struct stay {
	int64_t from, until;
};

/* The last instant by which a stay begins or ends; 0, false: that fact says nothing of it. */
static bool
move_of(struct turn *t, const struct fact *f, bool *in, int64_t *at)
{
	struct text date;
	int64_t day;

	if (f->type != TAKE_REGISTERED && f->type != TAKE_MOVED_IN && f->type != TAKE_MOVED_OUT)
		return (false);
	*in = f->type != TAKE_MOVED_OUT;
	if (!fact_text(f, f->type == TAKE_REGISTERED ? KEEP_MOVED_IN : KEEP_DATE, &date) || !rfc3339_date(date.s, date.len, &day))
		return (false);
	*at = period_day_begins(t, day);
	return (true);
}

/* Of several entries in the register the last one counts. */
static bool
is_replaced(const struct history *h, unsigned i)
{
	for (unsigned k = i + 1; h->f[i]->type == TAKE_REGISTERED && k < h->count; k++)
		if (h->f[k]->type == TAKE_REGISTERED)
			return (true);
	return (false);
}

/* The first move at or after that, in or out, whichever is wanted; INT64_MAX: none. */
static int64_t
next_move(struct turn *t, const struct history *h, bool wanted, int64_t from)
{
	int64_t next = INT64_MAX, at;
	bool in;

	for (unsigned i = 0; i < h->count; i++)
		if (move_of(t, h->f[i], &in, &at) && in == wanted && at >= from && at < next && !is_replaced(h, i))
			next = at;
	return (next);
}

/* The next stay after one that has ended; false behind the last. */
static bool
next_stay(struct turn *t, const struct history *h, struct stay *s)
{
	do {
		if (s->until == INT64_MAX || (s->from = next_move(t, h, true, s->until)) == INT64_MAX)
			return (false);
		s->until = next_move(t, h, false, s->from);
	} while (s->until == s->from && (s->until = s->from + 1) != 0);
	return (true);
}

/* That they turned to us is found by contact.c when somebody asks. */
static bool
is_contact(const struct fact *f)
{
	return (f->type == TAKE_DONE || f->type == TAKE_VISIT);
}

static void
spell(struct turn *t, enum aspect_class class, struct aspect *a, int64_t since, int64_t until, aspect_fn *tell)
{
	if (since >= until)
		return;
	aspect_spell(a, since, until);
	tell(t, class, a);
}

/* From each contact to the next; their age is counted from it, or else from the day they moved in. */
static void
contacts(struct turn *t, const struct history *h, const struct stay *s, struct aspect *a, aspect_fn *tell)
{
	int64_t since = s->from;

	aspect_at(a, ATTR_BASE, s->from);
	aspect_drop(a, ATTR_DONE);
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (!is_contact(f) || f->when >= s->until)
			continue;
		if (f->when > since) {
			spell(t, CLASS_LIVING, a, since, f->when, tell);
			since = f->when;
		}
		if (f->when >= s->from) {
			aspect_at(a, ATTR_BASE, f->when);
			aspect_flag(a, ATTR_DONE, true);
		}
	}
	spell(t, CLASS_LIVING, a, since, s->until, tell);
}

/* Not called this year; from the call to the year's end: called. */
static void
routine(struct turn *t, const struct history *h, const struct stay *s, struct aspect *a, aspect_fn *tell)
{
	int64_t since = s->from;

	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];
		int64_t end;

		if (f->type != TAKE_DONE || !fact_says(f, KEEP_KIND, "routine") || f->when < since || f->when >= s->until ||
		    !history_counts_done(h, f))
			continue;
		end = period_year_ends(t, f->when);
		if (end > s->until)
			end = s->until;
		aspect_drop(a, ATTR_DONE);
		aspect_drop(a, ATTR_CALLER);
		spell(t, CLASS_ROUTINE, a, since, f->when, tell);
		aspect_flag(a, ATTR_DONE, true);
		aspect_field(a, ATTR_CALLER, f, KEEP_BY);
		spell(t, CLASS_ROUTINE, a, f->when, end, tell);
		since = end;
	}
	aspect_drop(a, ATTR_DONE);
	aspect_drop(a, ATTR_CALLER);
	spell(t, CLASS_ROUTINE, a, since, s->until, tell);
}

void
aspect_household(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	struct stay s = { INT64_MIN, INT64_MIN };

	aspect_home(&a, h->subject);
	while (next_stay(t, h, &s)) {
		contacts(t, h, &s, &a, tell);
		routine(t, h, &s, &a, tell);
	}
}
