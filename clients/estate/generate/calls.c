#include <string.h>

#include "event.h"
#include "stories.h"
#include "words.h"

#define SERVICE_NUMBER	"000-0000-0001"
#define QUEUE		"service"

#define WAIT_MEAN	(11 * SECOND)	/* at the load of an average hour */
#define PATIENCE_MEAN	(150 * SECOND)
#define TALK_MEAN	(110 * SECOND)

static void
call_event(struct world *w, const char *type, const struct story *s)
{
	char id[ID_SIZE];

	call_id(id, s->call);
	event_begin(w, type, FROM_PHONE, id, NULL);
}

/* An alarm is answered out of turn. */
static bool
is_alarm(const struct story *s)
{
	return (s->urgency == URGENCY_EMERGENCY);
}

static void
left_a_message(struct world *w, struct story *s)
{
	char phone[HOUSEHOLD_TEXT_SIZE];

	call_event(w, "voicemail.left", s);
	household_phone(phone, s->household);
	data_text(w, "from", phone);
	data_text(w, "to", SERVICE_NUMBER);
	data_household(w, s->household);
	s->cause = event_end(w);
}

/* Some call again before anybody called back; the others are owed a call. */
static void
call_abandoned(struct world *w, struct story *s)
{
	int64_t waited = w->now - s->since;
	struct story again = { .household = s->household, .matter = s->matter, .urgency = s->urgency };

	call_event(w, "call.abandoned", s);
	data_text(w, "queue", s->flag ? QUEUE : NULL);
	data_int(w, "wait_s", waited / SECOND);
	data_text(w, "reason", waited > 4 * PATIENCE_MEAN ? "timeout" : "caller_hangup");
	data_household(w, s->household);
	s->cause = event_end(w);
	if (is_alarm(s)) {
		world_in(w, 5 * SECOND, 30 * SECOND, call_rings, &again);
		return;
	}
	if (s->household == NOBODY)
		return;
	if (rng_chance(&w->rng, 200))
		world_in(w, 20 * SECOND, 50 * SECOND, left_a_message, s);
	if (rng_chance(&w->rng, 400))
		world_in(w, 2 * MINUTE, 15 * MINUTE, call_rings, &again);
	else if (rng_chance(&w->rng, 900))
		world_in(w, 1 * MINUTE, 9 * MINUTE, callback_begins, s);
	else
		world_in(w, 12 * MINUTE, 3 * HOUR, callback_begins, s);	/* late: it was owed within ten minutes */
}

static void
call_ended(struct world *w, struct story *s)
{
	char id[ID_SIZE];
	bool opened = s->subject.letter != '\0';
	const char *text = opened || s->flag ? NULL : words_pick(&w->rng, words_inquiries);

	call_event(w, "call.ended", s);
	data_staff(w, "agent", s->by);
	data_int(w, "talk_s", (w->now - s->since) / SECOND);
	data_text(w, "reason", rng_chance(&w->rng, 800) ? "caller_hangup" : "agent_hangup");
	data_household(w, s->household);
	event_end(w);

	subject_id(id, s->subject);
	event_begin(w, "contact.received", FROM_DESK, opened ? id : NULL, s);
	data_text(w, "via", via_names[VIA_PHONE]);
	data_household(w, s->household);
	call_id(id, s->call);
	data_text(w, "call", id);
	data_text(w, "text", text);
	data_text(w, "outcome", opened ? "case" : s->flag ? "wrong_number" : "info");
	event_end(w);
}

/* The caller said what it is about. */
static void
call_understood(struct world *w, struct story *s)
{
	struct story opened = *s;
	struct story ends = *s;
	int64_t ends_at = w->now + world_about(w, TALK_MEAN) + 5 * SECOND;

	if (is_alarm(s))
		help_requested(w, &opened);
	else
		ends.flag = strcmp(contact_served(w, &opened), "wrong_number") == 0;
	ends.subject = opened.subject;
	ends.cause = opened.cause;
	ends.by = s->by;
	world_at(w, ends_at, call_ended, &ends);
}

static void
call_answered(struct world *w, struct story *s)
{
	s->by = staff_on_duty(&w->estate, &w->rng, DUTY_CLERK, w->now);
	call_event(w, "call.answered", s);
	data_text(w, "queue", QUEUE);
	data_staff(w, "agent", s->by);
	data_int(w, "wait_s", (w->now - s->since) / SECOND);
	data_household(w, s->household);
	s->cause = event_end(w);
	s->since = w->now;
	s->flag = false;
	if (is_alarm(s))
		world_in(w, 6 * SECOND, 20 * SECOND, call_understood, s);
	else
		world_in(w, 12 * SECOND, 70 * SECOND, call_understood, s);
}

static void
call_queued(struct world *w, struct story *s)
{
	int64_t load = rhythm_load(&rhythm_phone, w->now);
	int64_t wait = 2 * SECOND + (is_alarm(s) ? world_about(w, 3 * SECOND) : world_about(w, WAIT_MEAN * (load + 50) / 150));
	int64_t patience = 8 * SECOND + world_about(w, PATIENCE_MEAN);

	call_event(w, "call.queued", s);
	data_text(w, "queue", QUEUE);
	data_household(w, s->household);
	event_end(w);
	s->flag = true;		/* it got as far as the queue */
	if (wait <= patience)
		world_at(w, w->now + wait, call_answered, s);
	else
		world_at(w, w->now + patience, call_abandoned, s);
}

/* A new call; the household is drawn unless it is known already. */
void
call_rings(struct world *w, struct story *s)
{
	char phone[HOUSEHOLD_TEXT_SIZE];

	if (s->household == NOBODY && rng_chance(&w->rng, 960))
		s->household = estate_resident(&w->estate, &w->rng);
	s->via = VIA_PHONE;
	s->since = w->now;
	s->call = (struct call){ (w->now - SITE_OFFSET) / SECOND, ++w->calls };
	call_event(w, "call.started", s);
	/* A stranger's number is beyond every building's. */
	if (s->household == NOBODY)
		household_phone(phone, HOUSEHOLDS_MAX + (uint32_t)rng_below(&w->rng, 10000));
	else
		household_phone(phone, s->household);
	data_text(w, "from", phone);
	data_text(w, "to", SERVICE_NUMBER);
	data_household(w, s->household);
	event_end(w);
	if (!is_alarm(s) && rng_chance(&w->rng, 15))
		world_in(w, 1 * SECOND, 4500, call_abandoned, s);	/* rang for a moment */
	else
		world_in(w, 1 * SECOND, 4 * SECOND, call_queued, s);
}
