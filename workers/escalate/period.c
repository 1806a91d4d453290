/* What is owed every day, week, month … */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "rfc3339.h"

#define BACK_MAX	12u	/* so many periods back what is still open is fulfilled, too */
#define AHEAD_MAX	400	/* days to look for the next working day */

static int64_t
months_later(int64_t year, unsigned month, unsigned n)
{
	unsigned m = month - 1 + n;

	return (rfc3339_days((unsigned)year + m / 12, m % 12 + 1, 1));
}

bool
period_of(const struct calendar *c, enum period p, int64_t at, struct span_of_time *s)
{
	int64_t day, first, next, year, thursday, week_year;
	struct calendar_day d;
	unsigned month, dom, n;

	if (c == NULL || !calendar_day_of(c, at, &day))
		return (false);
	rfc3339_civil(day, &year, &month, &dom);
	switch (p) {
	case PERIOD_WORKDAY:
		if (!calendar_day(c, day, &d) || !d.working)
			return (false);
		/* FALLTHROUGH */
	case PERIOD_DAY:
		first = day;
		next = day + 1;
		snprintf(s->name, sizeof(s->name), "%04d-%02u-%02u", (int)year % 10000, month % 100, dom % 100);
		break;
	case PERIOD_WEEK:
		/* 1970-01-01 was a Thursday; a week belongs to the year of its Thursday (ISO 8601). */
		first = day - (day + 3) % 7;
		next = first + 7;
		thursday = first + 3;
		rfc3339_civil(thursday, &week_year, &month, &dom);
		snprintf(s->name, sizeof(s->name), "%04d-W%02d", (int)week_year % 10000, (int)((thursday - rfc3339_days((unsigned)week_year, 1, 1)) / 7 + 1) % 100);
		break;
	case PERIOD_MONTH:
		first = months_later(year, month, 0);
		next = months_later(year, month, 1);
		snprintf(s->name, sizeof(s->name), "%04d-%02u", (int)year % 10000, month % 100);
		break;
	case PERIOD_QUARTER:
	case PERIOD_HALF:
		n = p == PERIOD_QUARTER ? 3 : 6;
		first = months_later(year, (month - 1) / n * n + 1, 0);
		next = months_later(year, (month - 1) / n * n + 1, n);
		snprintf(s->name, sizeof(s->name), "%04d-%c%u", (int)year % 10000, n == 3 ? 'Q' : 'H', ((month - 1) / n + 1) % 10);
		break;
	case PERIOD_YEAR:
		first = rfc3339_days((unsigned)year, 1, 1);
		next = rfc3339_days((unsigned)year + 1, 1, 1);
		snprintf(s->name, sizeof(s->name), "%04d", (int)year % 10000);
		break;
	default:
		return (false);
	}
	return (calendar_clock(c, first, 0, &s->begin) && calendar_clock(c, next, 0, &s->end));
}

/* The period that begins behind an instant. */
static bool
period_next(const struct calendar *c, enum period p, int64_t at, struct span_of_time *s)
{
	for (int i = 0; i < AHEAD_MAX; i++) {
		int64_t day;

		if (period_of(c, p, at, s) && s->begin > at)
			return (true);
		if (p != PERIOD_WORKDAY && period_of(c, p, at, s))
			return (period_of(c, p, s->end, s));
		if (!calendar_day_of(c, at, &day) || !calendar_clock(c, day + 1, 0, &at))
			return (false);
		if (period_of(c, p, at, s))
			return (true);
	}
	return (false);
}

static void
await(struct turn *t, const struct rule *r)
{
	struct span_of_time s;
	char name[1 + RULE_ID_MAX + 1];
	int len = snprintf(name, sizeof(name), "p%s", r->id);

	if (period_next(t->x->calendar, r->every, t->now, &s))
		worker_set_timer(t->w, name, (size_t)len, s.begin, NULL, 0);
	else if (t->x->calendar != NULL)
		worker_cancel_timer(t->w, name, (size_t)len);
}

void
period_begin(struct turn *t)
{
	for (unsigned i = 0; t->x->rules != NULL && i < t->x->rules->count; i++)
		if (t->x->rules->rule[i]->every != PERIOD_NONE)
			await(t, t->x->rules->rule[i]);
}

void
period_due(struct turn *t, struct text id)
{
	const struct rule *r = rules_find(t->x->rules, id.s, id.len);
	struct span_of_time s;

	if (r == NULL || r->every == PERIOD_NONE)
		return;
	if (period_of(t->x->calendar, r->every, t->now, &s))
		oblige_open(t, &(struct opening){ .rule = r, .subject = text_of(s.name), .when = s.begin, .seq = t->seq, .fixed = s.end }, 1);
	await(t, r);
}

/* The obligation of the period that holds an instant, or of the one before it, and so on: the next one that there is. */
static bool
each_back(struct turn *t, const struct rule *r, int64_t *at, unsigned *back, struct obligation *o)
{
	struct span_of_time s;

	for (int i = 0; i < AHEAD_MAX && *back < BACK_MAX; i++) {
		if (!period_of(t->x->calendar, r->every, *at, &s)) {
			*at -= 86400 * SECOND_NS;
			continue;
		}
		++*back;
		*at = s.begin - 1;
		if (oblige_load(t, r, text_of(s.name), o))
			return (true);
	}
	return (false);
}

void
period_fulfil(struct turn *t, const struct rule *r, int64_t when, uint64_t seq)
{
	struct fact f = { UNTIL, when > t->now ? t->now : when, seq };
	struct obligation o;
	unsigned back = 0;
	int64_t at = when;

	while (each_back(t, r, &at, &back, &o)) {
		/* The one in which it lies remembers it in any case: it counts if what ended it before is taken back. */
		if (o.row.state != ROW_OPEN && back > 1)
			continue;
		history_add(t, &o.key, &f);
		oblige_caused_by(t, seq, row_subject(&o.key));
		if (o.row.state == ROW_OPEN) {
			oblige_fulfil(t, &o, when);
			o.row.ended_seq = seq;
			row_store(t->w, &o.key, &o.row);
		}
	}
}

void
period_without(struct turn *t, const struct rule *r, int64_t when, uint64_t seq)
{
	struct obligation o;
	unsigned back = 0;
	int64_t at = when;

	while (each_back(t, r, &at, &back, &o))
		if (history_drop(t, &o.key, seq, UNTIL))
			history_retell(t, &o, "amended");
}
