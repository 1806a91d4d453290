/* Routine callbacks: every household once a year, key households more often. */
#include "callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

#define NEVER		INT64_MIN
#define DAYS_OF_MONTH	31

static void
routine_new(struct turn *t, struct callback *c, const char *id, struct household *h, int64_t month)
{
	char tail[32];

	if (h->year != month / 12) {
		h->year = month / 12;
		h->in_year = 0;
	}
	h->in_year++;
	snprintf(tail, sizeof(tail), h->in_year == 1 ? "%d" : "%d.%d", (int)h->year, (int)h->in_year);
	owe_new(t, c, KIND_ROUTINE, id, tail, id);
	c->began = t->now;
	c->month = month;
	c->key = h->key;
	c->mode = (uint8_t)(h->key ? t->p->routine.key_mode : t->p->routine.mode);
	snprintf(c->role, sizeof(c->role), "%s", h->key ? t->p->routine.key_role : t->p->routine.role);
	memcpy(h->routine, c->id, sizeof(h->routine));
	resident_store(t->w, id, h);
}

bool
plan_called(struct turn *t, struct text household, int64_t when, uint64_t seq, const char *by)
{
	struct household h;
	struct callback c;
	char id[ID_SIZE_MAX];

	copy_text(id, sizeof(id), household);
	if (!resident_load(t->w, id, &h) || !h.known)
		return (false);		/* no household */
	if (t->p == NULL) {
		/* No rules yet: only what the plan will have to know. */
		h.contact = when > h.contact ? when : h.contact;
		h.routine_done = when > h.routine_done ? when : h.routine_done;
		h.year_done = clock_month(t, when) / 12 > h.year_done ? clock_month(t, when) / 12 : h.year_done;
		budget_spend(&h, when);
		resident_store(t->w, id, &h);
		return (true);
	}
	routine_new(t, &c, id, &h, clock_month(t, when));
	c.began = c.opens = c.plan = when;
	c.due = clock_month_end(t, c.month);
	c.granted = 1;			/* nobody was asked, and they were spoken to */
	snprintf(c.reason, sizeof(c.reason), "V1: called without a plan");
	owe_done(t, &c, when, seq, by);
	return (true);
}

/* They said that they do not want to be called: that is known, and is not asked again. */
static void
refused_before(struct turn *t, struct callback *c)
{
	c->due = clock_month_end(t, c->month);
	snprintf(c->reason, sizeof(c->reason), "attempted: refused in advance");
	book_note(t, c->id, "attempted", "", "the household does not want to be called");
	c->state = IS_ATTEMPTED;
	book_store(t, c);
}

/* ---- Key households: at most so many days between two ---- */

void
plan_await_key(struct turn *t, const char *household, const struct household *h)
{
	struct key k = { .len = 1, .bytes = { 'k' } };
	int64_t start = t->now, base, at, today = clock_day(t, start), year, latest;

	key_text(&k, household);
	/* Told of before they move in: the time runs from that day. */
	if (h->lives_here && h->moved_in > today) {
		today = h->moved_in;
		start = clock_at(t, today, (unsigned)(t->p != NULL ? t->p->run : 0));
	}
	if (t->p == NULL || !h->key || !resident_lives(h, today)) {
		worker_cancel_timer(t->w, k.bytes, k.len);
		return;
	}
	/* Of one that nobody has spoken to yet the time runs from now. */
	year = clock_month(t, start) / 12;
	base = h->contact != 0 && start == t->now ? h->contact : start;
	if (h->contact == 0 && start == t->now && worker_timer_due(t->w, k.bytes, k.len, &at))
		return;
	at = clock_at(t, clock_day(t, base) + t->p->routine.key_days - t->p->routine.key_ahead_days, (unsigned)t->p->run);
	/* Also what the year owes to every household. */
	latest = clock_month_first(12 * (year + 1)) - 1 - t->p->routine.key_ahead_days;
	if (h->year_done < year && clock_day(t, at) > latest)
		at = clock_at(t, latest > today ? latest : today, (unsigned)t->p->run);
	worker_set_timer(t->w, k.bytes, k.len, at > t->now ? at : t->now, NULL, 0);
}

bool
plan_is_soon(struct turn *t, const struct household *h)
{
	struct callback c;

	return (book_load(t, h->routine, &c) && c.state == IS_PLANNED && c.plan < t->now + t->p->contact.week);
}

/* Nobody could be spoken to: once more, after a while. */
void
plan_unreached(struct turn *t, const struct callback *c)
{
	struct key k = { .len = 1, .bytes = { 'k' } };
	struct household h;

	if (!c->key || !resident_load(t->w, c->household, &h) || !h.key || h.no_callback)
		return;
	key_text(&k, c->household);
	worker_set_timer(t->w, k.bytes, k.len, clock_at(t, clock_day(t, t->now) + t->p->routine.key_ahead_days + 1, (unsigned)t->p->run), NULL, 0);
}

void
plan_key_due(struct turn *t, const char *household)
{
	struct household h;
	struct callback c;

	if (!resident_load(t->w, household, &h) || !h.key || !resident_lives(&h, clock_day(t, t->now)))
		return;
	/* One is under way: its end sets the next time. */
	if (book_load(t, h.routine, &c) && owe_is_open(&c))
		return;
	routine_new(t, &c, household, &h, clock_month(t, t->now));
	if (h.no_callback) {
		refused_before(t, &c);
		return;
	}
	c.opens = c.plan = t->now;
	c.due = clock_at(t, clock_day(t, t->now) + t->p->routine.key_ahead_days, 1440);
	snprintf(c.reason, sizeof(c.reason), "V3: key household, at most %d days apart", (int)t->p->routine.key_days);
	owe_plan(t, &c);
}

/* ---- The year ---- */

struct waiting {
	int64_t last;			/* when they were last asked */
	uint64_t lot;
	char id[ID_SIZE_MAX];
};

static int
by_patience(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->last != y->last)
		return (x->last < y->last ? -1 : 1);
	if (x->lot != y->lot)
		return (x->lot < y->lot ? -1 : 1);
	return (strcmp(x->id, y->id));
}

/* Has this year its callback, or an attempt that is not to be repeated? */
static bool
is_asked(struct turn *t, const struct household *h, int64_t month)
{
	struct callback c;

	if (h->year_done >= month / 12)
		return (true);
	if (h->year < month / 12)
		return (false);
	if (!book_load(t, h->routine, &c) || c.state == IS_CANCELLED)
		return (false);
	/* Nobody answered: once more, two months later. */
	return (!(c.state == IS_ATTEMPTED && h->in_year < 2 && month >= c.month + 2 && !h->no_callback));
}

/* malloc'ed; who has moved in and was not asked this year, the longest unasked first. */
static struct waiting *
unasked(struct turn *t, int64_t day, int64_t month, size_t *count)
{
	struct worker_walk walk = { .key_len = 0 };
	struct waiting *list = NULL;
	struct household h;
	size_t room = 0;

	*count = 0;
	while (worker_each(t->w, HOUSEHOLDS, NULL, 0, &walk)) {
		char id[ID_SIZE_MAX];

		if (!record_read(SHAPE_HOUSEHOLD, walk.value, walk.value_len, &h) || !resident_lives(&h, day) || h.key || is_asked(t, &h, month))
			continue;
		if (*count == room)
			list = alloc_or_exit(list, (room = room == 0 ? 256 : 2 * room) * sizeof(*list));
		key_rest(&walk, 0, id);
		memset(&list[*count], 0, sizeof(*list));
		list[*count].last = h.routine_done != 0 ? h.routine_done : NEVER;
		list[*count].lot = clock_draw(t, "routine", id);
		memcpy(list[*count].id, id, sizeof(id));
		(*count)++;
	}
	if (*count > 1)
		qsort(list, *count, sizeof(*list), by_patience);
	return (list);
}

/* The working days from today on, without those that are kept free; today, if none is left. */
static unsigned
days_left(struct turn *t, int64_t day, int64_t month, int64_t out[DAYS_OF_MONTH])
{
	int64_t end = clock_month_first(month + 1);
	unsigned n = 0;

	for (int64_t d = day; d < end && n < DAYS_OF_MONTH; d++)
		if (clock_working(t, d))
			out[n++] = d;
	n = n > (unsigned)t->p->routine.spare_days ? n - (unsigned)t->p->routine.spare_days : 0;
	if (n == 0)
		out[n++] = day;
	return (n);
}

static bool
plan_one(struct turn *t, const struct waiting *who, int64_t day, int64_t month, bool must)
{
	int64_t at = clock_at(t, day, (unsigned)t->p->run), clear, end = clock_month_end(t, month);
	struct household h;
	struct callback c;
	char name[16];

	resident_load(t->w, who->id, &h);
	clear = at > t->now ? at : t->now;
	if (!h.no_callback && !budget_merges(t, who->id, "")) {
		clear = budget_clear(t, who->id, &h, clear, "");
		/* Others were asked less lately. */
		if (clear > end - DAY_NS && !must)
			return (false);
		if (clear > end - DAY_NS)
			clear = at > t->now ? at : t->now;
	}
	routine_new(t, &c, who->id, &h, month);
	if (h.no_callback) {
		refused_before(t, &c);
		return (true);
	}
	clock_month_name(month, name);
	c.opens = c.plan = clear;
	c.due = end;
	snprintf(c.reason, sizeof(c.reason), "V1: plan of %s", name);
	if (c.plan <= t->now)
		owe_open(t, &c);
	else
		owe_plan(t, &c);
	return (true);
}

void
plan_month(struct turn *t, int64_t day)
{
	int64_t month = clock_month(t, t->now), left = 12 - month % 12, days[DAYS_OF_MONTH] = { day };
	struct waiting *list;
	struct tally m;
	size_t count, share, planned = 0;
	unsigned n;

	book_tally(t->w, month, KIND_ROUTINE, &m);
	/* Once a month; in the last one every day, for who moves in as the year ends. */
	if (m.planned && left > 1)
		return;
	m.planned = 1;
	book_tally_put(t->w, month, KIND_ROUTINE, &m);
	list = unasked(t, day, month, &count);
	share = (count + (size_t)left - 1) / (size_t)left;
	n = days_left(t, day, month, days);
	for (size_t i = 0; i < count && planned < share; i++)
		planned += plan_one(t, &list[i], days[planned * n / (share > 0 ? share : 1)], month, left == 1);
	free(list);
}
