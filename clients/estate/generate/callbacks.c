/* due -> (no answer -> later) -> done on the phone, or appointment -> visit -> signed -> done. */
#include "event.h"
#include "stories.h"
#include "words.h"

#define ATTEMPTS_MAX	5

/* What it is about decides the kind and the subject. */
static const char *
callback_kind(const struct story *s)
{
	switch (s->subject.letter) {
	case 'C':
		return ("complaint");
	case 'R':
		return ("repair");
	case 'H':
		return ("help");
	}
	return (s->call.number != 0 ? "call" : "routine");
}

static void
callback_event(struct world *w, const char *type, const char *source, const struct story *s)
{
	char id[ID_SIZE];

	if (s->subject.letter != '\0')
		subject_id(id, s->subject);
	else if (s->call.number != 0)
		call_id(id, s->call);
	else
		household_id(id, s->household);
	event_begin(w, type, source, id, s);
}

static bool
is_routine(const struct story *s)
{
	return (s->subject.letter == '\0' && s->call.number == 0);
}

/* A low rating is mostly repeated, and now and then somebody who had been content no longer is. */
static const char *
grade_now(struct world *w, const struct story *s)
{
	return (grade_unhappy(s->grade) && rng_chance(&w->rng, 600) ? s->grade : grade_drawn(w));
}

static void
callback_done(struct world *w, struct story *s)
{
	bool case_of_ours = s->subject.letter != '\0';
	const char *grade = case_of_ours || is_routine(s) ? grade_now(w, s) : NULL;
	bool unhappy = grade_unhappy(grade);

	callback_event(w, "callback.done", FROM_DESK, s);
	data_text(w, "kind", callback_kind(s));
	data_household(w, s->household);
	data_staff(w, "by", s->caller);
	data_text(w, "mode", s->flag ? "visit" : "phone");
	data_text(w, "grade", grade);
	if (s->subject.letter == 'R' || s->subject.letter == 'C')
		data_bool(w, "conforms", !unhappy);
	data_text(w, "effect", unhappy ? words_pick(&w->rng, words_grumbles) : grade != NULL ? words_pick(&w->rng, words_praises) : NULL);
	if (is_routine(s)) {
		data_text(w, "attitude", unhappy ? "一般" : "好");
		data_text(w, "shortcomings", unhappy ? words_pick(&w->rng, words_grumbles) : "无");
		data_text(w, "suggestions", rng_chance(&w->rng, 400) ? words_pick(&w->rng, words_suggestions) : NULL);
	}
	s->cause = event_end(w);
	s->grade = grade;
	if (is_routine(s) && unhappy)
		issue_opened(w, s, "customer_service");
	case_settled(w, s, !unhappy);
}

static void
visit_signed(struct world *w, struct story *s)
{
	callback_event(w, "visit.signed", FROM_STAFF, s);
	data_staff(w, "by", s->caller);
	data_text(w, "signer", rng_chance(&w->rng, 850) ? "resident" : "family");
	event_end(w);
	world_in(w, 2 * MINUTE, 30 * MINUTE, callback_done, s);
}

static void
visit_started(struct world *w, struct story *s)
{
	callback_event(w, "visit.started", FROM_STAFF, s);
	data_staff(w, "by", s->caller);
	event_end(w);
	if (rng_chance(&w->rng, 950))
		world_in(w, 10 * MINUTE, 35 * MINUTE, visit_signed, s);
	else
		world_in(w, 15 * MINUTE, 60 * MINUTE, callback_done, s);	/* not signed */
}

static void
appointment_event(struct world *w, const char *type, struct story *s)
{
	callback_event(w, type, FROM_DESK, s);
	data_instant(w, "at", s->since);
	data_staff(w, "by", s->caller);
	event_end(w);
}

static void
appointment_agreed(struct world *w, struct story *s)
{
	appointment_event(w, "appointment.agreed", s);
	world_at(w, s->since + rng_between(&w->rng, -5 * MINUTE, 10 * MINUTE), visit_started, s);
}

static step_fn callback_dialled;

static void
appointment_refused(struct world *w, struct story *s)
{
	appointment_event(w, "appointment.refused", s);
	s->flag = false;
	world_in(w, 2 * MINUTE, 10 * MINUTE, callback_dialled, s);
}

/* A visit is asked for, for the next day; a few go without having asked, against the rule. */
static void
appointment_requested(struct world *w, struct story *s)
{
	s->since = (w->now / DAY + 1) * DAY + rng_between(&w->rng, 14, 19) * HOUR;
	if (rng_chance(&w->rng, 30)) {
		world_in(w, 10 * MINUTE, 2 * HOUR, visit_started, s);
		return;
	}
	appointment_event(w, "appointment.requested", s);
	world_in(w, 1 * MINUTE, 90 * MINUTE, rng_chance(&w->rng, 880) ? appointment_agreed : appointment_refused, s);
}

static void
callback_attempted(struct world *w, struct story *s)
{
	static const char *const results[] = { "unreachable", "busy", "refused", "wrong_number" };
	static const uint16_t weights[] = { 700, 220, 60, 20 };

	callback_event(w, "callback.attempted", FROM_DESK, s);
	data_staff(w, "by", s->caller);
	data_text(w, "result", results[rng_weighted(&w->rng, weights, 4)]);
	event_end(w);
	if (++s->attempts < ATTEMPTS_MAX)
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 2 * HOUR, 6 * HOUR)), callback_dialled, s);
}

static void
callback_dialled(struct world *w, struct story *s)
{
	if (rng_chance(&w->rng, 240))
		callback_attempted(w, s);
	else
		world_in(w, 1 * MINUTE, 6 * MINUTE, callback_done, s);
}

/* The one who handled a case doesn't call back about it. */
static struct staff
somebody_else(struct world *w, const struct story *s)
{
	struct staff c;

	if (s->subject.letter == '\0' && s->call.number != 0)
		return (staff_on_duty(&w->estate, &w->rng, DUTY_CLERK, w->now));
	if (s->urgency == URGENCY_EMERGENCY || (is_routine(s) && household_is_key(&w->estate, s->household)))
		return (staff_on_duty(&w->estate, &w->rng, DUTY_MANAGER, w->now));
	if (s->urgency == URGENCY_URGENT)
		return (staff_on_duty(&w->estate, &w->rng, DUTY_LEAD, w->now));
	c = staff_on_duty(&w->estate, &w->rng, DUTY_ASSISTANT, w->now);
	if (c.duty == s->by.duty && c.number == s->by.number)
		c.number = (uint8_t)(c.number % staff_count(&w->estate, DUTY_ASSISTANT) + 1);
	return (c);
}

void
callback_begins(struct world *w, struct story *s)
{
	unsigned visits = s->subject.letter == 'C' ? 300 : is_routine(s) ? 400 : 0;

	if (w->plan->without[PART_CALLBACKS])
		return;
	s->caller = somebody_else(w, s);
	s->urgency = URGENCY_NONE;	/* the alarm is over */
	s->flag = rng_chance(&w->rng, visits);
	s->attempts = 0;
	if (s->flag)
		appointment_requested(w, s);
	else
		callback_dialled(w, s);
}

void
callback_routine(struct world *w, struct story *s)
{
	if ((s->household = estate_resident(&w->estate, &w->rng)) != NOBODY)
		callback_begins(w, s);
}
