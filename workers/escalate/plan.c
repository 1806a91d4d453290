/* By when, and what is next. */
#include "escalate.h"

#define MILLION	1000000

bool
plan_due(const struct escalate *x, struct row *o)
{
	struct calendar_term t = o->term;
	struct calendar_due due;

	if (o->fixed || t.mode == CALENDAR_ELAPSED) {
		/* No calendar is needed for what no working day moves. */
		o->due = (o->fixed ? t.n : o->opened + t.n) + o->credit;
		o->provisional = false;
		o->last_day = 0;
		/* The end of a day is the midnight behind it. */
		return (x->calendar == NULL || calendar_day_of(x->calendar, o->due - 1, &o->last_day));
	}
	t.n += calendar_mode_counts_days(t.mode) ? o->credit_days : o->credit;
	if (x->calendar == NULL || !calendar_due(x->calendar, &t, o->opened, &due))
		return (false);
	o->due = due.at;
	o->last_day = due.last_day;
	o->provisional = due.provisional;
	return (true);
}

static int64_t
warn_at(const struct escalate *x, const struct row *o, const struct warn *w)
{
	int64_t at;

	switch (w->kind) {
	case WARN_PART:
		return (o->opened + (int64_t)((__int128)(o->due - o->opened) * w->n / MILLION));
	case WARN_BEFORE:
		return (o->due - w->n);
	case WARN_CLOCK:
		return (x->calendar != NULL && calendar_clock(x->calendar, o->last_day, (unsigned)w->n, &at) ? at : INT64_MIN);
	}
	return (INT64_MIN);
}

static int64_t
step_at(const struct escalate *x, const struct row *o, const struct step *s)
{
	struct row later = *o;

	if (!s->is_term)
		return (o->breach + s->after + o->shift);
	later.fixed = false;
	later.term = s->term;
	if (!plan_due(x, &later) || later.due < o->breach)
		return (o->breach + o->shift);
	return (later.due + o->shift);
}

/* The earlier of two; of those at one instant the first offered. */
static void
offer(struct plan *p, enum act act, int64_t at, unsigned step)
{
	if (p->act == ACT_NONE || at < p->at)
		*p = (struct plan){ act, at, step };
}

const struct step *
plan_told_last(const struct rule *r, const struct row *o)
{
	unsigned level = o->level < r->steps ? o->level : r->steps;

	return (level > 0 ? &r->step[level - 1] : NULL);
}

struct plan
plan_next(const struct escalate *x, const struct rule *r, const struct row *o)
{
	struct plan p = { ACT_NONE, 0, 0 };

	if (o->state != ROW_OPEN) {
		offer(&p, ACT_FORGET, o->ended + (x->rules != NULL ? x->rules->keep : 0), 0);
		return (p);
	}
	if (o->paused != 0) {
		/* What was overdue before it was suspended is overdue. */
		if (!o->breached && o->paused > o->due)
			offer(&p, ACT_BREACH, o->due, 0);
		return (p);
	}
	if (!o->breached) {
		for (unsigned i = 0; i < r->warns; i++) {
			int64_t at = warn_at(x, o, &r->warn[i]);

			/* Resting, it is not said; at the due it is too late for a warning. */
			if (at > o->warned && at >= o->rest && at < o->due)
				offer(&p, ACT_WARN, at, i);
		}
		offer(&p, ACT_BREACH, o->due, 0);
	}
	if (o->rest != 0)
		offer(&p, ACT_AGAIN, o->rest, 0);
	if (!o->breached)
		return (p);
	if (o->level < r->steps)
		offer(&p, ACT_STEP, step_at(x, o, &r->step[o->level]), o->level);
	if (o->level > 0 && o->level <= r->steps && o->repeats < r->step[o->level - 1].times - 1 && r->step[o->level - 1].repeat > 0 && o->rest == 0)
		offer(&p, ACT_REPEAT, o->told + r->step[o->level - 1].repeat, o->level - 1);
	return (p);
}
