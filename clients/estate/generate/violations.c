/* observed on a round -> stopped -> rechecked, or not stopped and reported. */
#include "event.h"
#include "stories.h"

static const char *const kinds[] = { "illegal_build", "unsafe_facility", "other" };

static void
violation_event(struct world *w, const char *type, struct story *s)
{
	event_case(w, type, FROM_STAFF, s);
	data_staff(w, "by", s->by);
	data_text(w, "kind", kinds[s->kind]);
	data_household(w, s->household);
	s->cause = event_end(w);
}

static void
violation_rechecked(struct world *w, struct story *s)
{
	violation_event(w, "violation.rechecked", s);
	world_in(w, 1 * MINUTE, 2 * HOUR, case_closed, s);
}

static void
plan_recheck(struct world *w, struct story *s)
{
	int64_t day = w->now / DAY + (rng_chance(&w->rng, 920) ? 1 : rng_between(&w->rng, 2, 4));

	world_at(w, world_on_day(w, day, 8 * HOUR, 18 * HOUR), violation_rechecked, s);
}

static void
violation_stopped(struct world *w, struct story *s)
{
	violation_event(w, "violation.stopped", s);
	plan_recheck(w, s);
}

static void
violation_reported(struct world *w, struct story *s)
{
	violation_event(w, "violation.reported", s);
	plan_recheck(w, s);
}

void
violation_observed(struct world *w, struct story *s)
{
	static const uint16_t weights[] = { 250, 350, 400 };

	s->kind = (uint8_t)rng_weighted(&w->rng, weights, 3);
	s->household = s->kind == 1 ? NOBODY : estate_resident(&w->estate, &w->rng);
	s->by = staff_on_duty(&w->estate, &w->rng, DUTY_GUARD, w->now);
	s->subject = world_subject(w, 'V');
	violation_event(w, "violation.observed", s);
	if (rng_chance(&w->rng, 750))
		world_in(w, 5 * MINUTE, 3 * HOUR, violation_stopped, s);
	else
		world_in(w, 1 * HOUR, 8 * HOUR, violation_reported, s);
}
