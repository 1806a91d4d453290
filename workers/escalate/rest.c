/* Time that does not count. */
#include "escalate.h"

void
oblige_pause(struct turn *t, struct obligation *o, int64_t when)
{
	if (o->row.paused != 0)
		return;
	o->row.paused = when < o->row.opened ? o->row.opened : when > t->now ? t->now : when;
	o->row.paused_seq = t->seq;
	oblige_save(t, o);
	oblige_caused(t, row_subject(&o->key));
}

/* Days on which it rested at midnight: those that the term counts. */
static int64_t
days_between(const struct escalate *x, const struct row *o, int64_t until)
{
	int64_t day, last, n = 0;
	struct calendar_day d;

	if (x->calendar == NULL || !calendar_day_of(x->calendar, o->paused, &day) || !calendar_day_of(x->calendar, until, &last))
		return (0);
	for (; day < last && calendar_day(x->calendar, day, &d); day++)
		n += d.working || o->term.mode == CALENDAR_DAYS;
	return (n);
}

void
oblige_credit(const struct escalate *x, struct row *r, int64_t until)
{
	if (!r->fixed && calendar_mode_counts_days(r->term.mode))
		r->credit_days += days_between(x, r, until);
	else if (!r->fixed && r->term.mode == CALENDAR_HOURS && x->calendar != NULL)
		r->credit += calendar_worked(x->calendar, r->paused, until);
	else
		r->credit += until - r->paused;
}

void
oblige_resume(struct turn *t, struct obligation *o, int64_t when)
{
	struct row *r = &o->row;
	int64_t until = when > t->now ? t->now : when;

	if (r->paused == 0)
		return;
	if (until < r->paused)
		until = r->paused;
	if (r->breached)
		r->shift += until - (r->paused > r->breach ? r->paused : r->breach);
	else
		oblige_credit(t->x, r, until);
	r->paused = 0;
	oblige_caused(t, row_subject(&o->key));
	if (r->breached)
		oblige_save(t, o);
	else
		oblige_reschedule(t, o, "resumed");
}

void
oblige_rest(struct turn *t, struct obligation *o, int64_t until)
{
	struct row *r = &o->row;

	if (until <= t->now)
		return;
	/* The ladder goes on where it was, later by as long as it rests. */
	if (r->breached && until > r->rest)
		r->shift += until - (r->rest > t->now ? r->rest : t->now);
	r->rest = until;
	r->rest_seq = t->seq;
	oblige_save(t, o);
	oblige_caused(t, row_subject(&o->key));
}

void
oblige_reschedule(struct turn *t, struct obligation *o, const char *reason)
{
	int64_t before = o->row.due;

	if (!plan_due(t->x, &o->row)) {
		worker_fail(t->w, "rule %s has no due that the calendar can tell", o->rule->id);
		return;
	}
	if (o->row.warned < t->now)
		o->row.warned = t->now;
	if (o->row.due != before)
		tell_obligation(t, o, "obligation.rescheduled", reason, false);
	oblige_save(t, o);
}

