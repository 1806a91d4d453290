/*
 * The daily run: which satisfied households are asked, so that the month's quota is reached by its pace.
 *
 * At the end of day e of a month, with last the day from which on a call may come to lie in its last days (Z2):
 *
 *	n	the repairs of the month, forecast: those finished, and for the days to come what a day has brought so far, in the first days
 *		mixed with the month before
 *	M	of these the calls that must be made and will be done: done, and of those open or to come the share that usually succeeds
 *	need	ceil(percent · n) - M: what must be drawn in the whole month
 *
 * need is known with an error: the deviation of the mandatory ones still to come; s that of the last days, r that of all days to come.  Whoever
 * draws too few must make up for it when the month is over; whoever draws too many asks people for nothing, margin_percent of n at most.
 * What is drawn by the day `last` is the middle of two:
 *
 *	low = (1 - last_percent) · (need - s)        high = max(0, need - 3 s) + margin_percent · n
 *
 * A draw cannot be taken back, so what is sure is drawn evenly, and what is not is left for later: by day e
 *
 *	sure · e / last + (middle - sure) · (e / last)^3        sure = max(0, need - 2 r)
 *
 * In the last days nothing is drawn (Z2).  When the month is over n and need are facts, and until close_day the quota is topped up (Z7), which
 * quota.short says; what is under way then counts for less each day, so that nothing is open when it closes.  The weights were found by
 * trying: of 108 generated months of 250 repairs in which 20 to 30 % must be called (the hardest shares), none missed its quota, drew beyond
 * the margin, or had too many in its last days; of 8.5 calls drawn in such a month 2.5 were topped up after it.  With s / 2 in the place of s
 * that is 2.2, and one month drew beyond the margin.
 *
 * All figures are whole numbers, in thousandths of a call.
 */
#include "callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "rfc3339.h"

#define MILLI		1000
#define PRIOR_DAYS	10		/* so many days the month before weighs as much as */
#define PRIOR_CALLS	20		/* so many calls a usual share weighs as much as */
#define RETRY_DAYS	2		/* so long until somebody who was not at home has been reached */
#define USUAL_SUCCESS	950		/* thousandths of calls that are answered in the end, before there is experience */

static const char timer[] = "s";

void
draw_await(struct turn *t)
{
	int64_t day = clock_day(t, t->now), at = clock_at(t, day, (unsigned)t->p->run);

	if (at <= t->now)
		at = clock_at(t, day + 1, (unsigned)t->p->run);
	worker_set_timer(t->w, timer, 1, at, NULL, 0);
}

/* ---- How many ---- */

static int64_t
root(int64_t v)
{
	int64_t r = 0;

	for (int64_t bit = INT64_C(1) << 30; bit > 0; bit >>= 1)
		if ((r + bit) * (r + bit) <= v)
			r += bit;
	return (r);
}

static int64_t
ceiling(int64_t milli)
{
	return (milli <= 0 ? 0 : (milli + MILLI - 1) / MILLI);
}

/* Thousandths of what was tried that succeeded, with what is usual as far as there is little experience. */
static int64_t
success(int64_t done, int64_t ended)
{
	return ((done * MILLI + USUAL_SUCCESS * PRIOR_CALLS) / (ended + PRIOR_CALLS));
}

/* Thousandths of the month's repairs that must be called. */
static int64_t
mandatory_share(const struct tally *m, const struct tally *before)
{
	int64_t prior = before->classified > 0 ? PRIOR_CALLS : 0, share = prior > 0 ? before->mandatory * MILLI / before->classified : 0;

	return (m->classified + prior > 0 ? (m->mandatory * MILLI + share * prior) / (m->classified + prior) : 0);
}

struct figures {
	int64_t days, elapsed, last;
	int64_t n, mandatory, need;	/* thousandths, at the end of the month */
	int64_t spread, rest;		/* the deviations s and r */
	int64_t optional;		/* thousandths that will be done of what was drawn */
};

static void
figure(struct turn *t, int64_t month, int64_t today, const struct tally *m, struct figures *f)
{
	const struct policy *p = t->p;
	struct tally before;
	int64_t per_day, q, s, prior, tail, open;

	f->days = clock_month_days(month);
	f->elapsed = today - clock_month_first(month);
	f->elapsed = f->elapsed < 0 ? 0 : f->elapsed > f->days ? f->days : f->elapsed;
	f->last = f->days - p->repair.last_days - RETRY_DAYS;
	book_tally(t->w, month - 1, KIND_REPAIR, &before);
	prior = before.n > 0 ? PRIOR_DAYS : 0;
	per_day = f->elapsed + prior > 0 ? (m->n * MILLI + before.n * MILLI * prior / clock_month_days(month - 1)) / (f->elapsed + prior) : 0;
	f->n = m->n * MILLI + per_day * (f->days - f->elapsed);
	q = mandatory_share(m, &before);
	s = success(m->mandatory_done, m->mandatory_ended);
	/* Finished and not looked at yet, and to come. */
	f->mandatory = m->mandatory_done * MILLI + m->mandatory_open * s + (f->n - m->classified * MILLI) * q / MILLI * s / MILLI;
	f->need = ceiling(f->n * p->repair.percent / 100) * MILLI - f->mandatory;
	tail = per_day * (f->elapsed < f->last ? f->days - f->last : f->days - f->elapsed);
	f->spread = root(tail * q / MILLI * (MILLI - q));
	f->rest = root(per_day * (f->days - f->elapsed) * q / MILLI * (MILLI - q));
	open = m->optional_open * success(m->optional_done, m->optional_ended);
	if (today > clock_month_first(month + 1))
		open = open * (p->repair.close_day - 1 - (today - clock_month_first(month + 1))) / p->repair.close_day;
	f->optional = m->optional_done * MILLI + open;
}

/* Thousandths of optional calls that should have been drawn by today. */
static int64_t
wanted(const struct policy *p, const struct figures *f)
{
	int64_t low, high, middle, sure, part = f->elapsed, whole = f->last > 0 ? f->last : 1;

	if (f->elapsed >= f->days)
		return (f->need);
	if (f->elapsed > f->last)
		return (0);
	low = (f->need - f->spread) * (100 - p->repair.last_percent) / 100;
	if (low <= 0)
		return (0);
	high = (f->need > 3 * f->spread ? f->need - 3 * f->spread : 0) + f->n * p->repair.margin_percent / 100;
	middle = (low + high) / 2;
	sure = f->need > 2 * f->rest ? f->need - 2 * f->rest : 0;
	if (sure > middle)
		sure = middle;
	return (sure * part / whole + (middle - sure) * (part * part * part) / (whole * whole * whole));
}

void
draw_forecast(struct turn *t, int64_t month, int64_t today, struct forecast *out)
{
	struct figures f;
	struct tally m;

	book_tally(t->w, month, KIND_REPAIR, &m);
	figure(t, month, today, &m, &f);
	out->n = (f.n + MILLI / 2) / MILLI;
	out->required = ceiling(f.n * t->p->repair.percent / 100);
	out->required_now = ceiling(m.n * MILLI * t->p->repair.percent / 100);
	out->pace = out->required * f.elapsed / f.days;
}

/* ---- Which ---- */

struct candidate {
	bool late;			/* Z1: yesterday's come first */
	int64_t unfair;			/* how much its trade and its repairer were asked about already */
	uint64_t lot;
	char id[ID_SIZE_MAX], trade[ROLE_SIZE], repairer[ID_SIZE_MAX];
};

static int64_t
asked_share(struct turn *t, int64_t month, char what, const char *name)
{
	struct share s;

	if (name[0] == '\0')
		return (0);
	book_share(t->w, month, what, name, &s);
	return (s.finished > 0 ? s.called * MILLI / s.finished : 0);
}

static bool
may_be_asked(struct turn *t, const struct callback *c)
{
	struct household h;

	if (c->household[0] == '\0')
		return (true);
	resident_load(t->w, c->household, &h);
	if (h.no_callback)
		return (false);
	if (budget_merges(t, c->household, c->id))
		return (true);
	return (budget_clear(t, c->household, &h, t->now, c->id) == t->now && !plan_is_soon(t, &h));
}

/* malloc'ed */
static struct candidate *
gather(struct turn *t, int64_t month, int64_t today, size_t *count)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct candidate *list = NULL;
	struct callback c;
	size_t room = 0;

	*count = 0;
	key_number(&k, (uint64_t)month);
	while (worker_each(t->w, POOL, k.bytes, k.len, &walk)) {
		char id[ID_SIZE_MAX];

		key_rest(&walk, 16, id);
		if (!book_load(t, id, &c) || !may_be_asked(t, &c))
			continue;
		if (*count == room)
			list = alloc_or_exit(list, (room = room == 0 ? 64 : 2 * room) * sizeof(*list));
		memset(&list[*count], 0, sizeof(*list));
		list[*count].late = clock_day(t, c.began) + t->p->repair.due_days < today;
		list[*count].lot = (uint64_t)c.draw;
		memcpy(list[*count].id, c.id, sizeof(c.id));
		memcpy(list[*count].trade, c.trade, sizeof(c.trade));
		memcpy(list[*count].repairer, c.repairer, sizeof(c.repairer));
		(*count)++;
	}
	return (list);
}

static bool
goes_before(const struct candidate *a, const struct candidate *b)
{
	if (a->late != b->late)
		return (!a->late);
	if (a->unfair != b->unfair)
		return (a->unfair < b->unfair);
	return (a->lot != b->lot ? a->lot < b->lot : strcmp(a->id, b->id) < 0);
}

static void
ask(struct turn *t, const struct candidate *who)
{
	struct callback c;

	/* A neighbour's draw may have used the budget since: one owner, two orders. */
	if (!book_load(t, who->id, &c) || c.state != IS_CANDIDATE || !may_be_asked(t, &c))
		return;
	c.mandatory = 0;
	c.opens = c.plan = t->now;
	c.due = who->late ? clock_days_later(t, t->now, 0) : clock_days_later(t, c.began, t->p->repair.due_days);
	c.drawn = 1;
	c.topped_up = who->late;
	snprintf(c.reason, sizeof(c.reason), "%s, draw %016llx", who->late ? "Z7: topped up" : "Z3: drawn", (unsigned long long)who->lot);
	owe_open(t, &c);
}

static void
pick(struct turn *t, int64_t month, int64_t today, int64_t how_many)
{
	size_t count;
	struct candidate *list = gather(t, month, today, &count);

	for (; how_many > 0 && count > 0; how_many--) {
		size_t best = 0;

		for (size_t i = 0; i < count; i++)
			list[i].unfair = asked_share(t, month, 't', list[i].trade) + asked_share(t, month, 's', list[i].repairer);
		for (size_t i = 1; i < count; i++)
			if (goes_before(&list[i], &list[best]))
				best = i;
		ask(t, &list[best]);
		list[best] = list[--count];
	}
	free(list);
}

/* ---- The month ---- */

static void
say_short(struct turn *t, int64_t month, struct tally *m)
{
	int64_t required = ceiling(m->n * MILLI * t->p->repair.percent / 100);

	m->short_said++;
	book_tally_put(t->w, month, KIND_REPAIR, m);
	tell_short(t, month, KIND_REPAIR, m->done, required);
}

static void
draw_month(struct turn *t, int64_t month, int64_t today)
{
	struct figures f;
	struct tally m;
	int64_t missing;

	book_tally(t->w, month, KIND_REPAIR, &m);
	figure(t, month, today, &m, &f);
	missing = wanted(t->p, &f) - f.optional;
	/* Half a call is not drawn while there is time. */
	missing = f.elapsed <= f.last ? missing / MILLI : ceiling(missing);
	if (missing <= 0)
		return;
	/* The forecast has failed: it must be topped up. */
	if (f.elapsed >= f.days && m.short_said == 0)
		say_short(t, month, &m);
	pick(t, month, today, missing);
}

/* What was drawn and not reached is let go; the figures stand. */
static void
close_month(struct turn *t, int64_t month)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	struct tally m;

	key_number(&k, (uint64_t)month);
	k.bytes[k.len++] = KIND_REPAIR;
	while (worker_each(t->w, GAPS, k.bytes, k.len, &walk)) {
		char id[ID_SIZE_MAX];

		key_rest(&walk, k.len, id);
		if (book_load(t, id, &c) && c.state == IS_OPEN && !c.mandatory)
			owe_give_up(t, &c, "the month is closed");
	}
	for (walk.key_len = 0, k.len = 8; worker_each(t->w, POOL, k.bytes, k.len, &walk);)
		worker_delete(t->w, POOL, walk.key, walk.key_len);
	book_tally(t->w, month, KIND_REPAIR, &m);
	if (m.done < ceiling(m.n * MILLI * t->p->repair.percent / 100))
		say_short(t, month, &m);
}

void
draw_run(struct turn *t)
{
	int64_t today = clock_day(t, t->now), month = clock_month(t, t->now), dom = today - clock_month_first(month) + 1;

	if (dom < t->p->repair.close_day)
		draw_month(t, month - 1, today);
	else if (dom == t->p->repair.close_day)
		close_month(t, month - 1);
	draw_month(t, month, today);
	plan_month(t, today);
	audit_run(t, today);
	draw_await(t);
}
