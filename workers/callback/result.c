/* What staff report. */
#include "callback.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a case or call the last callback that is open, of the kind that is named if one is; else the last. */
static bool
of_case(struct turn *t, const char *subject, const struct text *kind, struct callback *c)
{
	char tail[24], id[ID_SIZE_MAX];
	struct matter m;

	if (!record_get(t->w, CASES, SHAPE_MATTER, subject, strlen(subject), &m))
		return (false);
	for (int64_t round = m.rounds; round > 0; round--) {
		snprintf(tail, sizeof(tail), "%d", (int)round);
		owe_id(subject, tail, id);
		if (book_load(t, id, c) && owe_is_open(c) && (kind->len == 0 || mp_equal(kind->s, kind->len, kind_names[c->kind])))
			return (true);
	}
	return (book_load(t, m.callback, c));
}

static bool
of_subject(struct turn *t, const char *subject, const struct text *kind, struct callback *c)
{
	struct household h;

	return (of_case(t, subject, kind, c) || (resident_load(t->w, subject, &h) && book_load(t, h.routine, c)));
}

bool
result_find(struct turn *t, const struct event *e, struct callback *c)
{
	char id[ID_SIZE_MAX];
	struct text named, kind = { NULL, 0 };

	if (event_text(e, "callback", &named) && named.len <= ID_CHARS_MAX) {
		copy_text(id, sizeof(id), named);
		if (book_load(t, id, c))
			return (true);
	}
	event_text(e, "kind", &kind);
	copy_text(id, sizeof(id), e->subject);
	return (of_subject(t, id, &kind, c));
}

static void
who(const struct event *e, char by[ID_SIZE_MAX])
{
	struct text s = { NULL, 0 };

	event_text(e, "by", &s);
	copy_text(by, ID_SIZE_MAX, s);
}

/* It belongs to nothing that is known: it may still come, and is counted. */
static void
unmatched(struct turn *t, const struct worker_event *v, const char *by)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	struct tally tally;
	struct text kind;
	unsigned k = KIND_COMPLAINT;

	copy_text(id, sizeof(id), v->e->subject);
	if (id[0] == '\0')
		return;
	record_get(t->w, CASES, SHAPE_MATTER, id, strlen(id), &m);
	m.early = v->when;
	m.early_seq = (int64_t)v->seq;
	memcpy(m.early_by, by, sizeof(m.early_by));
	record_put(t->w, CASES, SHAPE_MATTER, id, strlen(id), &m);
	if (event_text(v->e, "kind", &kind))
		for (k = 0; k + 1 < KINDS_COUNT && !mp_equal(kind.s, kind.len, kind_names[k]); k++)
			;
	book_tally(t->w, clock_month(t, v->when), k, &tally);
	tally.unmatched++;
	book_tally_put(t->w, clock_month(t, v->when), k, &tally);
}

/* ---- Done ---- */

/* It is still owed, and its terms are said again: the reason is what estate-escalate listens to. */
static void
owe_again(struct turn *t, struct callback *c, const char *reason)
{
	if (c->state != IS_OPEN)
		return;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	owe_open(t, c);
}

/* Of his own case: recorded, a breach, and somebody else has to call. */
static bool
is_own(struct turn *t, struct callback *c, const char *by)
{
	if (!assign_is_own(t, c, by))
		return (false);
	tell_violated(t, c->subject, c->id, "C4", by);
	book_note(t, c->id, "own_case", by, "called about his own case: it does not count");
	owe_again(t, c, "C4.again");
	return (true);
}

/* Before the window of C6 nobody can say whether it lasts. */
static bool
is_early(struct turn *t, struct callback *c, int64_t when, const char *by)
{
	if (!c->deferred || when >= c->opens)
		return (false);
	tell_violated(t, c->subject, c->id, "C6.early", by);
	book_note(t, c->id, "early", by, "before it could be verified: it does not count");
	owe_again(t, c, "C6.early");
	return (true);
}

static void
settle(struct turn *t, struct callback *c, const struct worker_event *v, const char *by)
{
	struct text mode;

	if (c->state == IS_DONE) {
		c->repeated++;
		book_note(t, c->id, "repeated", by, "a further result");
		book_store(t, c);
		return;
	}
	if (c->state == IS_CANCELLED) {
		book_note(t, c->id, "unasked", by, "called although it was cancelled");
		return;
	}
	if (is_own(t, c, by) || is_early(t, c, v->when, by))
		return;
	/* It was reported before what it is about has happened: that is another call. */
	if (v->when < c->began) {
		book_note(t, c->id, "earlier", by, "a call from before it was owed");
		return;
	}
	if (event_text(v->e, "mode", &mode) && mp_equal(mode.s, mode.len, "visit"))
		visit_check(t, c, v->when, by);
	owe_done(t, c, v->when, v->seq, by);
}

/* Its own event names another case: that it is settled is said, and kept for when that event is taken back. */
static void
settle_one_more(struct turn *t, struct callback *c, const struct worker_event *v, const char *by)
{
	struct key k = { .len = 0 };

	settle(t, c, v, by);
	if (c->state != IS_DONE)
		return;
	if (c->told)
		tell_changed(t, c, "callback.cancelled", "covered");
	key_text(key_number(&k, v->seq), c->id);
	worker_put(t->w, COVERED, k.bytes, k.len, "", 1);
}

/* Further cases, and other flats, that this talk settled. */
static void
settle_covered(struct turn *t, const struct worker_event *v, const char *first, const char *by)
{
	struct text any = { NULL, 0 };
	struct callback c;
	struct mp m;
	uint32_t n, len;
	const char *s;
	char id[ID_SIZE_MAX];

	if (!event_field(v->e, "covers", &m) || !mp_array(&m, &n))
		return;
	for (; n > 0 && mp_str(&m, &s, &len); n--) {
		copy_text(id, sizeof(id), (struct text){ s, len });
		if (len <= ID_CHARS_MAX && !mp_equal(v->e->subject.s, v->e->subject.len, id) && (of_subject(t, id, &any, &c) || book_load(t, id, &c)) && strcmp(c.id, first) != 0 && owe_is_open(&c))
			settle_one_more(t, &c, v, by);
	}
}

static bool
is_routine(const struct event *e)
{
	struct text kind;

	return (event_text(e, "kind", &kind) && mp_equal(kind.s, kind.len, "routine"));
}

static bool
is_last_years(struct turn *t, const struct callback *c, int64_t when)
{
	return (c->kind == KIND_ROUTINE && !owe_is_open(c) && c->month / 12 < clock_month(t, when) / 12);
}

void
result_done(struct turn *t, const struct worker_event *v)
{
	char by[ID_SIZE_MAX];
	struct callback c = { .id = "" };
	bool found;

	who(v->e, by);
	found = result_find(t, v->e, &c);
	/* A routine call that no plan had asked for, as those of the time before there were rules: it is this year's. */
	if ((!found || is_last_years(t, &c, v->when)) && is_routine(v->e) && plan_called(t, v->e->subject, v->when, v->seq, by))
		c.id[0] = '\0';
	else if (found)
		settle(t, &c, v, by);
	else
		unmatched(t, v, by);
	settle_covered(t, v, c.id, by);
}

/* ---- In vain ---- */

/* They do not want it. */
static void
refused(struct turn *t, struct callback *c, const char *by)
{
	if (c->mode == MODE_VISIT) {
		visit_by_telephone(t, c, "V4: the visit was refused: by telephone");
		return;
	}
	book_note(t, c->id, "refused", by, "%s", "");
	owe_give_up(t, c, "refused");
}

static void
to_the_lead(struct turn *t, struct callback *c, const char *reason)
{
	c->at_lead = 1;
	c->not_before = 0;
	owe_reassign(t, c, t->p->contact.lead_role, reason);
	book_store(t, c);
}

static bool
too_often(struct turn *t, const struct callback *c, int64_t when)
{
	return (c->attempts > 0 && ((clock_day(t, when) == c->attempt_day && c->day_attempts >= t->p->contact.dials_a_day) ||
	    (when >= c->last_attempt && when - c->last_attempt < t->p->contact.dial_gap)));
}

/* Optional ones are given up soon, and another one is drawn; the others when the lead has tried, too. */
static bool
is_enough(const struct policy *p, const struct callback *c)
{
	return (c->mandatory ? c->at_lead && c->lead_attempts >= p->contact.lead_dials : c->attempts >= p->repair.attempts);
}

void
result_attempted(struct turn *t, const struct worker_event *v)
{
	char by[ID_SIZE_MAX], said[64];
	struct text result = { "", 0 };
	struct household h;
	struct callback c;

	who(v->e, by);
	event_text(v->e, "result", &result);
	if (t->p == NULL || !result_find(t, v->e, &c) || c.state == IS_DONE || c.state == IS_CANCELLED || c.state == IS_ATTEMPTED)
		return;
	if (too_often(t, &c, v->when))
		tell_violated(t, c.subject, c.id, "V4.dials", by);
	c.day_attempts = c.attempts > 0 && clock_day(t, v->when) == c.attempt_day ? c.day_attempts + 1 : 1;
	c.attempt_day = clock_day(t, v->when);
	c.last_attempt = v->when;
	c.attempts++;
	c.lead_attempts += c.at_lead;
	book_note(t, c.id, "tried", by, "%.*s", (int)result.len, result.s);
	if (mp_equal(result.s, result.len, "refused")) {
		refused(t, &c, by);
		return;
	}
	if (mp_equal(result.s, result.len, "no_show") && c.mode == MODE_VISIT && c.appointment == APPOINTMENT_AGREED && c.state == IS_OPEN) {
		visit_no_show(t, &c);
		return;
	}
	/* Nobody was there, or the line was busy: later, at another time of the day. */
	resident_load(t->w, c.household, &h);
	c.not_before = c.kind == KIND_CALL ? v->when + t->p->contact.dial_gap : clock_next_part(t, &h, v->when, v->when + t->p->contact.dial_gap);
	if (c.day_attempts >= t->p->contact.dials_a_day)
		c.not_before = clock_within(t, &t->p->contact.hours, &h, clock_at(t, c.attempt_day + 1, 0));
	snprintf(said, sizeof(said), "nobody answered, %d times", (int)c.attempts);
	if (c.state == IS_OPEN && is_enough(t->p, &c))
		owe_give_up(t, &c, said);
	else if (c.state == IS_OPEN && !c.at_lead && mp_equal(result.s, result.len, "wrong_number"))
		to_the_lead(t, &c, "V4: a wrong number: find the right one");
	else if (c.state == IS_OPEN && !c.at_lead && c.attempts >= t->p->contact.dials)
		to_the_lead(t, &c, said);
	else
		book_store(t, &c);	/* tried again later, or nobody had asked for it */
}

void
result_extended(struct turn *t, const struct worker_event *v)
{
	char by[ID_SIZE_MAX];
	struct callback c;
	int64_t until;

	who(v->e, by);
	if (t->p == NULL || !result_find(t, v->e, &c) || c.state != IS_OPEN || !event_instant(v->e, "until", &until))
		return;
	if (c.extensions >= t->p->complaint.extensions) {
		tell_violated(t, c.subject, c.id, "C6.cap", by);
		book_note(t, c.id, "not_extended", by, "after %d extensions", (int)c.extensions);
		return;
	}
	if (until <= c.due) {
		book_note(t, c.id, "not_extended", by, "no later than it is due");
		return;
	}
	c.extensions++;
	c.due = until;
	c.plan = clock_at(t, clock_day(t, until - 1), 0);
	/* Its terms are said again: estate-escalate takes the limit from there, so that one that was refused moves nothing. */
	snprintf(c.reason, sizeof(c.reason), "C6.extended");
	book_note(t, c.id, "extended", by, "%d of %d", (int)c.extensions, (int)t->p->complaint.extensions);
	owe_open(t, &c);
}

/* ---- Taken back ---- */

/* Given up by mistake: that attempt was none. */
static void
owed_after_all(struct turn *t, struct callback *c)
{
	book_note(t, c->id, "taken_back", "", "the result was a mistake");
	c->attempts -= c->attempts > 0;
	c->day_attempts -= c->day_attempts > 0;
	c->lead_attempts -= c->at_lead && c->lead_attempts > 0;
	c->done_seq = 0;
	snprintf(c->reason, sizeof(c->reason), "the result was taken back");
	owe_open(t, c);
}

/* What ended it was a mistake: it is owed as before, unless a later one is owed in its place. */
void
result_uncancel(struct turn *t, struct callback *c, bool unlinked)
{
	struct matter m;

	record_get(t->w, CASES, SHAPE_MATTER, c->subject, strlen(c->subject), &m);
	if (m.over || strcmp(m.callback, c->id) != 0)
		return;
	book_note(t, c->id, "taken_back", "", unlinked ? "the link is no more" : "its end was a mistake");
	c->done_seq = 0;
	if (unlinked && c->kind == KIND_COMPLAINT)
		snprintf(c->reason, sizeof(c->reason), "C2.unlinked");
	if (!c->told && (c->kind == KIND_REPAIR || c->kind == KIND_HELP)) {
		repair_await_run(t, c);
		return;
	}
	owe_open(t, c);
}

/* As if that event had not been: a result that it was, or the beginning of what is owed. */
static bool
take_back(struct turn *t, struct callback *c, int64_t seq, bool elsewhere)
{
	if (c->state == IS_DONE && c->done_seq == seq) {
		book_note(t, c->id, "taken_back", "", "the result was a mistake");
		c->done = c->done_seq = c->last_days = 0;
		c->done_by[0] = c->staff[0] = '\0';
		/* Of a complaint estate-escalate may have heard of its end by another event, which stands: that word is for it. */
		snprintf(c->reason, sizeof(c->reason), "%s", c->kind == KIND_COMPLAINT && elsewhere ? "C2.again" : "the result was taken back");
		owe_open(t, c);
		return (true);
	}
	if (c->began_seq == seq && owe_is_open(c)) {
		owe_cancel(t, c, "retracted");
		return (true);
	}
	if (c->done_seq != seq)
		return (false);
	if (c->state == IS_ATTEMPTED)
		owed_after_all(t, c);
	else if (c->state == IS_CANCELLED && c->began_seq != seq && c->kind != KIND_ROUTINE)
		result_uncancel(t, c, elsewhere);
	else
		return (false);
	return (true);
}

/* True: it was that. */
static bool
take_back_routine(struct turn *t, struct callback *c, int64_t seq)
{
	struct household h;
	bool was_done = c->state == IS_DONE;

	if (!take_back(t, c, seq, false))
		return (false);
	if (was_done && resident_load(t->w, c->household, &h)) {
		h.year_done = h.year_done == c->month / 12 ? h.year_done - 1 : h.year_done;
		resident_store(t->w, c->household, &h);
	}
	return (true);
}

/* What that talk settled besides. */
static void
take_back_covered(struct turn *t, int64_t seq)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	char id[ID_SIZE_MAX];

	key_number(&k, (uint64_t)seq);
	while (worker_each(t->w, COVERED, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, id);
		if (!book_load(t, id, &c))
			continue;
		if (c.kind == KIND_ROUTINE)
			take_back_routine(t, &c, seq);
		else
			take_back(t, &c, seq, true);
		worker_delete(t->w, COVERED, walk.key, walk.key_len);
	}
}

void
result_retracted(struct turn *t, const struct worker_event *v)
{
	char subject[ID_SIZE_MAX], id[ID_SIZE_MAX], tail[24];
	struct household h;
	struct callback c;
	struct matter m;
	int64_t seq;
	bool linked;

	copy_text(subject, sizeof(subject), v->e->subject);
	if (t->p == NULL || !event_int(v->e, "event", &seq))
		return;
	take_back_covered(t, seq);
	record_get(t->w, CASES, SHAPE_MATTER, subject, strlen(subject), &m);
	linked = m.linked[0] != '\0' && m.over_seq == seq;
	matter_take_back(t, subject, &m, seq);
	for (int64_t round = m.rounds; round > 0; round--) {
		snprintf(tail, sizeof(tail), "%d", (int)round);
		owe_id(subject, tail, id);
		if (book_load(t, id, &c) && take_back(t, &c, seq, linked))
			return;
	}
	if (resident_load(t->w, subject, &h) && book_load(t, h.routine, &c))
		take_back_routine(t, &c, seq);
}
