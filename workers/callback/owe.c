/* A callback's life. */
#include "callback.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define DRAW_MASK	0x7fffffffffffffffu

bool
owe_is_open(const struct callback *c)
{
	return (c->state == IS_OPEN || c->state == IS_PLANNED || c->state == IS_RATING || c->state == IS_CANDIDATE);
}

void
owe_id(const char *subject, const char *tail, char out[ID_SIZE_MAX])
{
	size_t room = ID_CHARS_MAX - strlen(tail) - 1;

	if (strlen(subject) <= room)
		snprintf(out, ID_SIZE_MAX, "%s/%s", subject, tail);
	else		/* a subject that is too long for that: its beginning and a hash */
		snprintf(out, ID_SIZE_MAX, "%.*s:%016llx/%s", (int)(room - 17), subject, (unsigned long long)XXH64(subject, strlen(subject), 0), tail);
}

void
owe_new(struct turn *t, struct callback *c, unsigned kind, const char *subject, const char *tail, const char *household)
{
	struct household h;

	memset(c, 0, sizeof(*c));
	owe_id(subject, tail, c->id);
	snprintf(c->subject, sizeof(c->subject), "%s", subject);
	snprintf(c->household, sizeof(c->household), "%s", household);
	c->kind = (uint8_t)kind;
	c->mandatory = 1;
	c->began_seq = (int64_t)t->seq;
	c->draw = (int64_t)(clock_draw(t, "draw", c->id) & DRAW_MASK);
	if (household[0] != '\0' && resident_load(t->w, household, &h))
		c->contact_seq = h.registered_seq;
}

static void
timer_name(struct key *k, char what, const char *id)
{
	k->len = 1;
	k->bytes[0] = (uint8_t)what;
	key_text(k, id);
}

static void
no_timers(struct turn *t, const struct callback *c)
{
	struct key k;

	timer_name(&k, 'o', c->id);
	worker_cancel_timer(t->w, k.bytes, k.len);
	timer_name(&k, 'r', c->id);
	worker_cancel_timer(t->w, k.bytes, k.len);
}

/* A visit where none is wanted is a telephone call. */
static void
settle_mode(struct turn *t, struct callback *c)
{
	struct household h;

	if (c->mode == MODE_VISIT && c->household[0] != '\0' && resident_load(t->w, c->household, &h) && h.no_visit)
		c->mode = MODE_PHONE;
}

/* Routine and drawn ones are the household's to be spared; what is mandatory is not asked for. */
static bool
is_budgeted(const struct callback *c)
{
	return (c->household[0] != '\0' && (c->kind == KIND_ROUTINE || !c->mandatory));
}

void
owe_open(struct turn *t, struct callback *c)
{
	bool again = c->told;

	c->state = IS_OPEN;
	c->told = 1;
	c->load_month = clock_month(t, t->now);
	settle_mode(t, c);
	if (!again || c->staff[0] == '\0' || assign_is_own(t, c, c->staff))
		assign_choose(t, c, c->role);
	if (is_budgeted(c) && !c->granted && !(c->merged = (uint8_t)budget_merges(t, c->household, c->id))) {
		c->granted = 1;
		tell_contact(t, c->household, "contact.granted", "callback", c->id, c->opens > t->now ? c->opens : 0, c->due);
	}
	tell_due(t, c);
	book_note(t, c->id, again ? "due_again" : "due", c->staff, "%s", c->reason);
	book_store(t, c);
}

void
owe_plan(struct turn *t, struct callback *c)
{
	struct key k;

	c->state = IS_PLANNED;
	book_store(t, c);
	timer_name(&k, 'o', c->id);
	worker_set_timer(t->w, k.bytes, k.len, c->plan, NULL, 0);
}

/* The day has come.  Is the household to be spared for a while?  Within the time that is left. */
void
owe_due(struct turn *t, const char *id)
{
	struct household h;
	struct callback c;
	int64_t clear;

	if (!book_load(t, id, &c) || c.state != IS_PLANNED)
		return;
	/* They were said to leave on a day that is over now. */
	if (resident_load(t->w, c.household, &h) && c.kind == KIND_ROUTINE && !resident_lives(&h, clock_day(t, t->now))) {
		owe_cancel(t, &c, "moved_out");
		return;
	}
	clear = budget_merges(t, c.household, c.id) ? t->now : budget_clear(t, c.household, &h, t->now, c.id);
	if (clear == INT64_MAX)
		clear = t->now + DAY_NS;
	/* The first morning that is not before it. */
	if (clear > t->now)
		clear = clock_at(t, clock_day(t, clear) + (clock_minute(t, clear) > (unsigned)t->p->run), (unsigned)t->p->run);
	/* Beyond its month if it must be, but not beyond its year. */
	if (clear > t->now && clock_month(t, clear) / 12 == c.month / 12) {
		c.plan = c.opens = clear;
		if (c.due < clock_days_later(t, clear, 1))
			c.due = clock_days_later(t, clear, 1);
		owe_plan(t, &c);
		return;
	}
	owe_open(t, &c);
}

void
owe_reassign(struct turn *t, struct callback *c, const char *role, const char *reason)
{
	char before[ID_SIZE_MAX], before_role[ROLE_SIZE];

	memcpy(before, c->staff, sizeof(before));
	memcpy(before_role, c->role, sizeof(before_role));
	assign_choose(t, c, role);
	if (strcmp(before, c->staff) == 0 && strcmp(before_role, c->role) == 0)
		return;
	tell_changed(t, c, "callback.reassigned", reason);
	book_note(t, c->id, "reassigned", c->staff, "%s: %s", c->role, reason);
	book_store(t, c);
}

void
owe_cancel(struct turn *t, struct callback *c, const char *reason)
{
	no_timers(t, c);
	if (c->state == IS_OPEN)
		tell_changed(t, c, "callback.cancelled", reason);
	book_note(t, c->id, "cancelled", "", "%s", reason);
	c->state = IS_CANCELLED;
	c->done_seq = (int64_t)t->seq;
	book_store(t, c);
}

void
owe_give_up(struct turn *t, struct callback *c, const char *reason)
{
	char said[REASON_SIZE];

	snprintf(said, sizeof(said), "attempted: %s", reason);
	tell_changed(t, c, "callback.cancelled", said);
	book_note(t, c->id, "attempted", "", "%s", reason);
	c->state = IS_ATTEMPTED;
	c->done_seq = (int64_t)t->seq;
	snprintf(c->reason, sizeof(c->reason), "%s", said);
	book_store(t, c);
	if (c->kind == KIND_ROUTINE)
		plan_unreached(t, c);
}

void
owe_done(struct turn *t, struct callback *c, int64_t when, uint64_t seq, const char *by)
{
	bool was_told = c->told;

	no_timers(t, c);
	c->state = IS_DONE;
	c->done = when;
	c->done_seq = (int64_t)seq;
	snprintf(c->done_by, sizeof(c->done_by), "%s", by);
	/* Whose load it is: of who did it. */
	snprintf(c->staff, sizeof(c->staff), "%s", by);
	if (c->load_month == 0)
		c->load_month = clock_month(t, when);
	/* Nobody had drawn it, and they called all the same. */
	if (!was_told && (c->kind == KIND_REPAIR))
		c->mandatory = 0;
	if (t->p != NULL)
		c->last_days = when >= clock_month_end(t, c->month) ? 2 : when >= clock_at(t, clock_month_first(c->month + 1) - t->p->repair.last_days, 0);
	book_note(t, c->id, "done", by, "%s", was_told ? "" : "before it was asked for");
	book_store(t, c);
	resident_contacted(t, c, when);
	audit_candidate(t, c);
}
