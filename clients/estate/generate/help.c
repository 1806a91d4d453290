/* Help: what can't wait (somebody ill, a fire, a thief), and questions the desk can't answer by itself. */
#include <string.h>

#include "event.h"
#include "stories.h"
#include "words.h"

static struct staff
on_duty(struct world *w, enum duty d)
{
	return (staff_on_duty(&w->estate, &w->rng, d, w->now));
}

static void
event_where(struct world *w, uint32_t household)
{
	char address[HOUSEHOLD_ADDRESS_SIZE], phone[HOUSEHOLD_TEXT_SIZE];

	if (household == NOBODY)
		return;
	household_address(address, household);
	data_text(w, "address", address);
	household_phone(phone, household);
	data_text(w, "phone", phone);
}

static void
help_replied(struct world *w, struct story *s)
{
	const struct incident *i = s->matter;

	case_replied(w, s, i != NULL ? "人员已到现场" : "已请示主管并答复");
}

static void
plan_callback(struct world *w, struct story *s)
{
	if (s->household != NOBODY)
		world_at(w, world_on_day(w, w->now / DAY + rng_between(&w->rng, 1, 3), 9 * HOUR, 17 * HOUR), callback_begins, s);
}

/* Whoever is told first; a manager who is slow to answer is one of the breaches. */
static void
alarm_assigned(struct world *w, struct story *s)
{
	case_assigned(w, s, DUTY_MANAGER, DUTY_CLERK, NULL);
	plan_callback(w, s);
	world_in(w, 40 * MINUTE, 6 * HOUR, case_closed, s);
}

static void
alarm_dispatched(struct world *w, struct story *s)
{
	const struct incident *i = s->matter;

	event_case(w, "emergency.dispatched", FROM_DESK, s);
	data_staff(w, "by", s->by);
	data_text(w, "to", i->send_to);
	event_end(w);
}

static void
medical_chosen(struct world *w, struct story *s)
{
	static const char *const choices[] = { "ambulance", "hospital", "nursing" };
	static const uint16_t weights[] = { 640, 210, 150 };
	unsigned choice = rng_weighted(&w->rng, weights, 3);

	event_case(w, "emergency.chosen", FROM_DESK, s);
	data_staff(w, "by", s->by);
	data_text(w, "choice", choices[choice]);
	event_end(w);
	if (choice == 0)
		world_in(w, 8 * SECOND, 50 * SECOND, alarm_dispatched, s);
}

static void
medical_recorded(struct world *w, struct story *s)
{
	event_case(w, "emergency.recorded", FROM_DESK, s);
	data_staff(w, "by", s->by);
	event_where(w, s->household);
	event_end(w);
	world_in(w, 10 * SECOND, 45 * SECOND, medical_chosen, s);
}

static void
plan_alarm(struct world *w, struct story *s)
{
	const struct incident *i = s->matter;

	if (strcmp(i->kind, "medical") == 0)
		world_in(w, 10 * SECOND, 50 * SECOND, medical_recorded, s);
	else
		world_in(w, 15 * SECOND, 80 * SECOND, alarm_dispatched, s);
	if (rng_chance(&w->rng, 900))
		world_in(w, 30 * SECOND, 115 * SECOND, alarm_assigned, s);
	else
		world_in(w, 130 * SECOND, 8 * MINUTE, alarm_assigned, s);
	if (rng_chance(&w->rng, 940))
		world_in(w, 60 * SECOND, 280 * SECOND, help_replied, s);
	else
		world_in(w, 310 * SECOND, 15 * MINUTE, help_replied, s);
}

/* The question goes to the lead; the answer is owed within five minutes. */
static void
supervisor_consulted(struct world *w, struct story *s)
{
	event_case(w, "supervisor.consulted", FROM_DESK, s);
	data_staff(w, "by", s->by);
	s->cause = event_end(w);
	if (rng_chance(&w->rng, 920))
		world_in(w, 50 * SECOND, 200 * SECOND, help_replied, s);
	else
		world_in(w, 310 * SECOND, 25 * MINUTE, help_replied, s);
	plan_callback(w, s);
	world_in(w, 26 * MINUTE, 3 * HOUR, case_closed, s);
}

void
help_requested(struct world *w, struct story *s)
{
	const struct incident *i = s->matter;
	char source[SOURCE_SIZE], call[ID_SIZE];

	s->subject = world_subject(w, 'H');
	s->since = w->now;
	event_case(w, "help.requested", contact_source(source, s), s);
	data_household(w, s->household);
	data_text(w, "kind", i != NULL ? i->kind : rng_chance(&w->rng, 800) ? "inquiry" : "other");
	data_text(w, "incident", i != NULL ? i->code : NULL);
	call_id(call, s->call);
	data_text(w, "call", s->call.number != 0 ? call : NULL);
	if (i != NULL)
		event_where(w, s->household);
	data_text(w, "text", words_pick(&w->rng, i != NULL ? i->texts : words_inquiries));
	s->cause = event_end(w);
	if (s->by.number == 0)
		s->by = on_duty(w, DUTY_CLERK);
	if (i != NULL)
		plan_alarm(w, s);
	else
		world_in(w, 20 * SECOND, 80 * SECOND, supervisor_consulted, s);
}

/* The button of a kiosk without a line shows the telephone number instead: an alarm is never kept for later. */
void
help_alarm(struct world *w, struct story *s)
{
	s->household = estate_resident(&w->estate, &w->rng);
	s->matter = words_incident(&w->rng);
	s->urgency = URGENCY_EMERGENCY;
	if (s->household != NOBODY && rng_chance(&w->rng, 120)) {
		s->via = VIA_KIOSK;
		s->kiosk = kiosk_near(&w->estate, s->household);
		if (contact_known_at(w, s) == w->now) {
			help_requested(w, s);
			return;
		}
	}
	call_rings(w, s);
}
