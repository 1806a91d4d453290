#include <string.h>

#include "event.h"
#include "stories.h"
#include "words.h"

const char *
grade_drawn(struct world *w)
{
	static const char *const grades[] = { "very_satisfied", "satisfied", "basically_satisfied", "dissatisfied", "very_dissatisfied" };
	static const uint16_t weights[] = { 330, 410, 180, 60, 20 };

	return (grades[rng_weighted(&w->rng, weights, 5)]);
}

bool
grade_unhappy(const char *grade)
{
	return (grade != NULL && strstr(grade, "dissatisfied") != NULL);
}

void
case_assigned(struct world *w, struct story *s, enum duty to, enum duty by, const char *dept)
{
	s->by = staff_on_duty(&w->estate, &w->rng, to, w->now);
	event_case(w, "case.assigned", FROM_DESK, s);
	data_staff(w, "to", s->by);
	data_text(w, "role", staff_role(to));
	data_staff(w, "by", staff_on_duty(&w->estate, &w->rng, by, w->now));
	data_text(w, "dept", dept);
	s->cause = event_end(w);
}

void
case_replied(struct world *w, struct story *s, const char *text)
{
	event_case(w, "case.replied", FROM_DESK, s);
	data_staff(w, "by", s->by);
	data_text(w, "text", text);
	event_end(w);
}

void
case_reopened(struct world *w, struct story *s)
{
	event_case(w, "case.reopened", FROM_DESK, s);
	data_staff(w, "by", staff_on_duty(&w->estate, &w->rng, DUTY_LEAD, w->now));
	s->cause = event_end(w);
	s->round++;
}

void
case_closed(struct world *w, struct story *s)
{
	s->urgency = URGENCY_NONE;
	event_case(w, "case.closed", FROM_DESK, s);
	data_staff(w, "by", staff_on_duty(&w->estate, &w->rng, DUTY_CLERK, w->now));
	data_text(w, "outcome", "done");
	event_end(w);
}

/* An issue is a matter of its own, said in a callback: noted, sent to its department, mended, told. */
static void
issue_event(struct world *w, const char *type, const struct story *s, struct staff by)
{
	char id[ID_SIZE];

	event_case(w, type, FROM_DESK, s);
	if (s->parent.letter != '\0') {
		subject_id(id, s->parent);
		data_text(w, "case", id);
	}
	data_household(w, s->household);
	data_text(w, "dept", s->matter);
	data_staff(w, "by", by);
}

static void
issue_told(struct world *w, struct story *s)
{
	issue_event(w, "issue.told", s, staff_on_duty(&w->estate, &w->rng, DUTY_ASSISTANT, w->now));
	data_bool(w, "satisfied", rng_chance(&w->rng, 880));
	event_end(w);
}

static void
issue_resolved(struct world *w, struct story *s)
{
	issue_event(w, "issue.resolved", s, staff_on_duty(&w->estate, &w->rng, DUTY_LEAD, w->now));
	s->cause = event_end(w);
	if (rng_chance(&w->rng, 920))
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 30 * MINUTE, 6 * HOUR)), issue_told, s);
	else
		world_at(w, world_office_hours(w, w->now + rng_between(&w->rng, 2 * DAY, 4 * DAY)), issue_told, s);
}

static void
issue_dispatched(struct world *w, struct story *s)
{
	issue_event(w, "issue.dispatched", s, staff_on_duty(&w->estate, &w->rng, DUTY_ASSISTANT, w->now));
	s->cause = event_end(w);
	world_at(w, world_desk_hours(w, w->now + 1 * HOUR + world_about(w, 20 * HOUR)), issue_resolved, s);
}

void
issue_opened(struct world *w, const struct story *about, const char *dept)
{
	struct story s = { .parent = about->subject, .household = about->household, .cause = about->cause, .since = w->now, .matter = dept };

	s.subject = world_subject(w, 'I');
	issue_event(w, "issue.opened", &s, about->caller);
	s.cause = event_end(w);
	world_in(w, 5 * MINUTE, 2 * HOUR, issue_dispatched, &s);
}

void
case_settled(struct world *w, struct story *s, bool satisfied)
{
	switch (s->subject.letter) {
	case 'R':
		if (!satisfied)
			issue_opened(w, s, "engineering");
		if (!satisfied && s->round == 0 && rng_chance(&w->rng, 500)) {
			world_in(w, 10 * MINUTE, 3 * HOUR, repair_again, s);
			return;
		}
		break;
	case 'C':
		if (!satisfied && s->round < 2) {
			world_in(w, 10 * MINUTE, 3 * HOUR, complaint_again, s);
			return;
		}
		break;
	default:
		return;		/* a help request is closed when the help was given; a call and a routine visit are no cases */
	}
	world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 5 * MINUTE, 8 * HOUR)), case_closed, s);
}
