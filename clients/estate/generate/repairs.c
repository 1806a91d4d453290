/* requested -> assigned -> acknowledged -> (suspended -> resumed) -> finished -> rated, and called back about. */
#include "event.h"
#include "stories.h"
#include "words.h"

enum rating { ON_PAPER, AT_KIOSK, BY_IVR, IN_APP };

/* Nobody's door is knocked at between eight in the evening and eight in the morning. */
static int64_t
visiting_hours(struct world *w, int64_t t)
{
	int64_t hour = t % DAY / HOUR;

	if (hour >= 8 && hour < 20)
		return (t);
	if (hour >= 20)
		t += DAY;
	return (t / DAY * DAY + 8 * HOUR + rng_between(&w->rng, 0, 3 * HOUR));
}

static void
workorder_rated(struct world *w, struct story *s)
{
	static const char *const channels[] = { "paper", "kiosk", "ivr", "app" };
	bool alone = s->kind != ON_PAPER;	/* nobody of the staff stood by */
	char source[SOURCE_SIZE];
	const char *from = FROM_STAFF;

	if (s->kind == AT_KIOSK)
		from = contact_source(source, &(struct story){ .via = VIA_KIOSK, .kiosk = s->kiosk });
	else if (s->kind == BY_IVR)
		from = FROM_PHONE;
	else if (s->kind == IN_APP)
		from = "/estate/app";
	event_case(w, "workorder.rated", from, s);
	data_text(w, "grade", s->grade);
	data_bool(w, "signed", s->flag);
	data_text(w, "channel", channels[s->kind]);
	if (s->flag)
		data_text(w, "signer", alone || rng_chance(&w->rng, 800) ? "resident" : "family");
	if (alone)
		data_bool(w, "authenticated", true);
	else
		data_staff(w, "collected_by", s->by);
	event_end_late(w, s->kind == AT_KIOSK ? kiosk_online_at(w, s->kiosk, w->now) : w->now);
}

/* Most are rated; some of them without a grade, or without a signature.  Then they owe a call, as those that were not rated do. */
static void
plan_rating(struct world *w, struct story *s)
{
	static const uint16_t weights[] = { [ON_PAPER] = 520, [AT_KIOSK] = 200, [BY_IVR] = 100, [IN_APP] = 180 };

	s->grade = NULL;
	s->flag = false;
	if (w->plan->without[PART_RATINGS] || !rng_chance(&w->rng, 740))
		return;
	s->kind = (uint8_t)rng_weighted(&w->rng, weights, 4);
	s->flag = s->kind != ON_PAPER || rng_chance(&w->rng, 940);
	if (s->kind != ON_PAPER || rng_chance(&w->rng, 930))
		s->grade = grade_drawn(w);
	switch ((enum rating)s->kind) {
	case ON_PAPER:
		world_in(w, 1 * MINUTE, 10 * MINUTE, workorder_rated, s);
		break;
	case AT_KIOSK:
		s->kiosk = kiosk_near(&w->estate, s->household == NOBODY ? 0 : s->household);
		world_at(w, rhythm_instant(&rhythm_kiosk, &w->rng, w->now / DAY + 1), workorder_rated, s);
		break;
	case BY_IVR:
	case IN_APP:
		world_in(w, 5 * MINUTE, 8 * HOUR, workorder_rated, s);
		break;
	}
}

/* The day after, when somebody must or was picked to be called; about one in eight of those calls comes too late. */
static void
plan_callback(struct world *w, struct story *s)
{
	bool owed = s->grade == NULL || !s->flag || grade_unhappy(s->grade);
	int64_t day = w->now / DAY + (rng_chance(&w->rng, 880) ? 1 : rng_between(&w->rng, 2, 4));

	if (w->plan->without[PART_CALLBACKS])
		return;
	if (s->household != NOBODY && (owed || rng_chance(&w->rng, 250)))
		world_at(w, world_on_day(w, day, 9 * HOUR, 17 * HOUR), callback_begins, s);
	else
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 12 * HOUR, 40 * HOUR)), case_closed, s);
}

static void
repair_finished(struct world *w, struct story *s)
{
	const struct trade *t = s->matter;

	event_case(w, "repair.finished", FROM_STAFF, s);
	data_staff(w, "by", s->by);
	data_bool(w, "in_home", t->in_home);
	s->cause = event_end(w);
	plan_rating(w, s);
	plan_callback(w, s);
}

static void
repair_resumed(struct world *w, struct story *s)
{
	event_case(w, "case.resumed", FROM_STAFF, s);
	data_staff(w, "by", s->by);
	data_text(w, "reason", "配件已到");
	event_end(w);
	world_in(w, 20 * MINUTE, 4 * HOUR, repair_finished, s);
}

static void
repair_suspended(struct world *w, struct story *s)
{
	event_case(w, "case.suspended", FROM_STAFF, s);
	data_staff(w, "by", s->by);
	data_text(w, "reason", "等待配件");
	event_end(w);
	world_at(w, visiting_hours(w, w->now + rng_between(&w->rng, 1 * DAY, 5 * DAY)), repair_resumed, s);
}

static void
repair_acknowledged(struct world *w, struct story *s)
{
	event_case(w, "case.acknowledged", FROM_STAFF, s);
	data_staff(w, "by", s->by);
	event_end(w);
	if (rng_chance(&w->rng, 60))
		world_at(w, visiting_hours(w, w->now + rng_between(&w->rng, 30 * MINUTE, 3 * HOUR)), repair_suspended, s);
	else
		world_at(w, visiting_hours(w, w->now + 25 * MINUTE + world_about(w, 6 * HOUR)), repair_finished, s);
}

static void
repair_assigned(struct world *w, struct story *s)
{
	case_assigned(w, s, DUTY_ENGINEER, DUTY_CLERK, "engineering");
	world_in(w, 2 * MINUTE, 30 * MINUTE, repair_acknowledged, s);
}

void
repair_again(struct world *w, struct story *s)
{
	case_reopened(w, s);
	world_in(w, 2 * MINUTE, 20 * MINUTE, repair_assigned, s);
}

void
repair_requested(struct world *w, struct story *s)
{
	const struct trade *t = s->matter != NULL ? s->matter : words_trade(&w->rng);
	bool special = t->in_home && rng_chance(&w->rng, 50);
	int64_t known_at = contact_known_at(w, s);
	char source[SOURCE_SIZE], call[ID_SIZE];

	s->subject = world_subject(w, 'R');
	s->since = w->now;
	s->matter = t;
	event_case(w, "repair.requested", contact_source(source, s), s);
	data_household(w, s->household);
	data_text(w, "service", special ? "special" : "repair");
	data_text(w, "trade", t->code);
	data_bool(w, "in_home", t->in_home);
	call_id(call, s->call);
	data_text(w, "call", s->call.number != 0 ? call : NULL);
	data_text(w, "text", words_pick(&w->rng, t->texts));
	if (t->in_home && rng_chance(&w->rng, 60)) {		/* the resident asks for a certain hour */
		int64_t day = w->now / DAY + rng_between(&w->rng, 1, 3);

		data_instant(w, "due", day * DAY + rng_between(&w->rng, 9, 19) * HOUR);
	}
	s->cause = event_end_late(w, known_at);
	world_at(w, known_at + rng_between(&w->rng, 1 * MINUTE, 12 * MINUTE), repair_assigned, s);
}
