/* opened -> (relayed) -> (automatic reply) -> assigned -> replied -> handled -> signed -> called back about -> closed or reopened. */
#include "event.h"
#include "stories.h"
#include "words.h"

enum severity { ORDINARY, MAJOR };

static const char *const severities[] = { [ORDINARY] = "ordinary", [MAJOR] = "major" };

static struct staff
on_duty(struct world *w, enum duty d)
{
	return (staff_on_duty(&w->estate, &w->rng, d, w->now));
}

/* On the proposal if the result shows only later (flag: verified later), else on the result. */
static void
complaint_signed(struct world *w, struct story *s)
{
	bool refused = rng_chance(&w->rng, 40);

	event_case(w, "complaint.signed", FROM_STAFF, s);
	if (!refused)
		data_bool(w, "satisfied", rng_chance(&w->rng, 910));
	data_bool(w, "refused", refused);
	data_text(w, "about", s->flag ? "proposal" : "result");
	data_text(w, "signer", refused ? NULL : rng_chance(&w->rng, 850) ? "resident" : "family");
	data_staff(w, "collected_by", s->by);
	event_end(w);
}

static int64_t
callback_day(struct world *w, const struct story *s)
{
	int64_t day = w->now / DAY + (s->flag ? rng_between(&w->rng, 3, 5) : rng_between(&w->rng, 1, 3));

	return (rng_chance(&w->rng, 920) ? day : day + rng_between(&w->rng, 2, 5));	/* the rest comes too late */
}

static void
complaint_handled(struct world *w, struct story *s)
{
	const struct category *c = s->matter;

	s->flag = rng_chance(&w->rng, 250);
	event_case(w, "complaint.handled", FROM_DESK, s);
	data_staff(w, "by", s->by);
	data_text(w, "verify", s->flag ? "deferred" : "onsite");
	data_text(w, "dept", c->dept);
	data_bool(w, "ongoing", s->flag && rng_chance(&w->rng, 300));
	s->cause = event_end(w);
	if (!w->plan->without[PART_RATINGS] && s->household != NOBODY)
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 20 * MINUTE, 12 * HOUR)), complaint_signed, s);
	if (s->household == NOBODY) {			/* nobody to sign or to call */
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 1 * HOUR, 20 * HOUR)), case_closed, s);
		return;
	}
	if (!w->plan->without[PART_CALLBACKS])
		world_at(w, world_on_day(w, callback_day(w, s), 9 * HOUR, 17 * HOUR), callback_begins, s);
}

static void
plan_handling(struct world *w, struct story *s)
{
	world_at(w, world_desk_hours(w, w->now + 1 * HOUR + world_about(w, 50 * HOUR)), complaint_handled, s);
}

/* The first answer by a person: mostly the same day, one in ten too late. */
static void
complaint_replied(struct world *w, struct story *s)
{
	case_replied(w, s, words_pick(&w->rng, words_replies));
	plan_handling(w, s);
}

static void
complaint_raised(struct world *w, struct story *s)
{
	event_case(w, "case.reclassified", FROM_DESK, s);
	data_text(w, "severity", severities[MAJOR]);
	data_staff(w, "by", on_duty(w, DUTY_LEAD));
	data_text(w, "reason", "影响多户");
	event_end(w);
}

static void
complaint_assigned(struct world *w, struct story *s)
{
	const struct category *c = s->matter;
	bool late = rng_chance(&w->rng, 100);

	case_assigned(w, s, s->kind == MAJOR ? DUTY_MANAGER : DUTY_ASSISTANT, DUTY_LEAD, c->dept);
	if (s->kind == ORDINARY && rng_chance(&w->rng, 25))
		world_in(w, 10 * MINUTE, 4 * HOUR, complaint_raised, s);
	if (s->household == NOBODY)
		plan_handling(w, s);
	else if (late)
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 40 * HOUR, 100 * HOUR)), complaint_replied, s);
	else
		world_at(w, world_desk_hours(w, w->now + 10 * MINUTE + world_about(w, 100 * MINUTE)), complaint_replied, s);
}

void
complaint_again(struct world *w, struct story *s)
{
	case_reopened(w, s);
	plan_handling(w, s);
}

static void
complaint_relayed(struct world *w, struct story *s)
{
	event_case(w, "complaint.relayed", "/company/hotline", s);
	data_text(w, "by", "company-1");
	data_staff(w, "to", on_duty(w, DUTY_LEAD));
	s->cause = event_end(w);
	world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 5 * MINUTE, 50 * MINUTE)), complaint_assigned, s);
}

static void
answered_by_machine(struct world *w, struct story *s)
{
	char source[SOURCE_SIZE];

	event_case(w, "case.replied", contact_source(source, s), s);
	data_text(w, "by", "auto-reply");
	data_bool(w, "automatic", true);
	data_text(w, "text", "已收到您的反映,工作人员会尽快联系您");
	event_end(w);
}

/* `again`: the same matter a second time, on another channel. */
static void
complaint_event(struct world *w, struct story *s, bool again)
{
	const struct category *c = s->matter;
	char source[SOURCE_SIZE], call[ID_SIZE];

	s->subject = world_subject(w, 'C');
	s->since = w->now;
	event_case(w, "complaint.opened", contact_source(source, s), s);
	data_household(w, s->household);
	data_text(w, "category", c->code);
	data_text(w, "severity", severities[s->kind]);
	data_text(w, "via", via_names[s->via]);
	call_id(call, s->call);
	data_text(w, "call", s->call.number != 0 ? call : NULL);
	if (s->household == NOBODY)
		data_bool(w, "anonymous", true);
	data_text(w, "text", words_pick(&w->rng, again ? words_grumbles : c->texts));
	s->cause = event_end_late(w, contact_known_at(w, s));
}

static void
duplicate_closed(struct world *w, struct story *s)
{
	event_case(w, "case.closed", FROM_DESK, s);
	data_staff(w, "by", s->by);
	data_text(w, "outcome", "duplicate");
	event_end(w);
}

static void
duplicate_linked(struct world *w, struct story *s)
{
	char first[ID_SIZE];

	s->by = on_duty(w, DUTY_LEAD);
	subject_id(first, s->parent);
	event_case(w, "case.linked", FROM_DESK, s);
	data_text(w, "to", first);
	data_text(w, "relation", "two_channels");
	data_staff(w, "by", s->by);
	s->cause = event_end(w);
	world_in(w, 10 * SECOND, 5 * MINUTE, duplicate_closed, s);
}

static void
said_again_online(struct world *w, struct story *first)
{
	struct story s = *first;

	s.parent = first->subject;
	s.cause.number = 0;
	s.call.number = 0;
	s.via = VIA_WECHAT;
	complaint_event(w, &s, true);
	world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 10 * MINUTE, 3 * HOUR)), duplicate_linked, &s);
}

void
complaint_opened(struct world *w, struct story *s)
{
	int64_t known_at = contact_known_at(w, s);

	s->matter = words_category(&w->rng);
	s->kind = rng_chance(&w->rng, s->via == VIA_COMPANY ? 350 : 70) ? MAJOR : ORDINARY;
	if (s->kind == MAJOR)
		s->urgency = URGENCY_URGENT;
	if (s->via != VIA_PHONE && rng_chance(&w->rng, 30))
		s->household = NOBODY;
	complaint_event(w, s, false);
	if (s->via == VIA_WEB || s->via == VIA_WECHAT || s->via == VIA_APP)
		world_in(w, 1 * SECOND, 6 * SECOND, answered_by_machine, s);
	else if (s->household != NOBODY && rng_chance(&w->rng, 40))
		world_at(w, known_at + rng_between(&w->rng, 1 * HOUR, 20 * HOUR), said_again_online, s);
	if (s->via == VIA_COMPANY)
		world_in(w, 10 * MINUTE, 4 * HOUR, complaint_relayed, s);
	else
		world_at(w, world_desk_hours(w, known_at + rng_between(&w->rng, 5 * MINUTE, 50 * MINUTE)), complaint_assigned, s);
}

/* Somebody went to headquarters first. */
void
complaint_at_company(struct world *w, struct story *s)
{
	s->household = estate_resident(&w->estate, &w->rng);
	s->via = VIA_COMPANY;
	complaint_opened(w, s);
}
