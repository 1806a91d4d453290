/* Households: who lives there, and what they want. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#include "rfc3339.h"
#include "yamltext.h"

bool
resident_load(struct worker *w, const char *household, struct household *h)
{
	return (record_get(w, HOUSEHOLDS, SHAPE_HOUSEHOLD, household, strlen(household), h));
}

void
resident_store(struct worker *w, const char *household, const struct household *h)
{
	if (household[0] != '\0')
		record_put(w, HOUSEHOLDS, SHAPE_HOUSEHOLD, household, strlen(household), h);
}

/* ---- What the log tells ---- */

static bool
date_of(const struct event *e, const char *field, int64_t *day)
{
	struct text s;

	return (event_text(e, field, &s) && rfc3339_date(s.s, s.len, day));
}

static void
subject_of(const struct worker_event *v, char out[ID_SIZE_MAX])
{
	copy_text(out, ID_SIZE_MAX, v->e->subject);
}

bool
resident_lives(const struct household *h, int64_t day)
{
	return (h->lives_here && h->moved_in <= day && (h->moved_out == 0 || h->moved_out > day || h->moved_out <= h->moved_in));
}

static void
settle_key(struct turn *t, const char *household, const struct household *h)
{
	struct callback c;

	plan_await_key(t, household, h);
	if (t->p == NULL || !book_load(t, h->routine, &c) || !(c.state == IS_OPEN || c.state == IS_PLANNED) || c.key == h->key)
		return;
	c.key = h->key;
	c.mode = (uint8_t)(h->key ? t->p->routine.key_mode : t->p->routine.mode);
	if (c.state == IS_OPEN && !c.at_lead)
		owe_reassign(t, &c, h->key ? t->p->routine.key_role : t->p->routine.role, h->key ? "V3: a key household now" : "V3: no key household any more");
	else {
		snprintf(c.role, sizeof(c.role), "%s", h->key ? t->p->routine.key_role : t->p->routine.role);
		book_store(t, &c);
	}
}

void
resident_registered(struct turn *t, const struct worker_event *v)
{
	struct household h;
	struct text kind;
	char id[ID_SIZE_MAX];
	int64_t day;
	bool key;

	subject_of(v, id);
	resident_load(t->w, id, &h);
	h.known = 1;
	h.registered_seq = (int64_t)v->seq;
	if (date_of(v->e, "moved_in", &day)) {
		h.moved_in = day;
		h.lives_here = !(event_text(v->e, "kind", &kind) && mp_equal(kind.s, kind.len, "developer"));
	}
	if (event_bool(v->e, "key", &key))
		h.key = key;
	resident_store(t->w, id, &h);
	settle_key(t, id, &h);
}

void
resident_moved(struct turn *t, const struct worker_event *v)
{
	bool in = mp_equal(v->e->type.s, v->e->type.len, "household.moved_in");
	char id[ID_SIZE_MAX];
	struct household h;
	struct callback c;
	int64_t day = clock_day(t, v->when);

	subject_of(v, id);
	resident_load(t->w, id, &h);
	h.known = 1;
	date_of(v->e, "date", &day);
	if (in) {
		h.lives_here = 1;
		h.moved_in = day;
		h.moved_out = 0;
	} else
		h.moved_out = day;
	resident_store(t->w, id, &h);
	/* Those who moved out are not always those who live there now: the word of it may come late, or on the day on which others moved in. */
	if (!in && !resident_lives(&h, clock_day(t, t->now)) && t->p != NULL && book_load(t, h.routine, &c) && owe_is_open(&c))
		owe_cancel(t, &c, "moved_out");
	plan_await_key(t, id, &h);
}

void
resident_tagged(struct turn *t, const struct worker_event *v)
{
	struct household h;
	char id[ID_SIZE_MAX];
	bool key = false;

	subject_of(v, id);
	resident_load(t->w, id, &h);
	event_bool(v->e, "key", &key);
	h.key = key;
	resident_store(t->w, id, &h);
	settle_key(t, id, &h);
}

/* "21:00-09:00"; what is not written so is no quiet time that a machine could keep. */
static void
read_quiet(const struct event *e, struct household *h)
{
	unsigned from, to;
	char hours[12];
	struct text s;

	h->quiet_from = h->quiet_to = 0;
	if (!event_text(e, "quiet", &s) || s.len != 11)
		return;
	copy_text(hours, sizeof(hours), s);
	if (yamltext_clock(hours, &from) && hours[5] == '-' && yamltext_clock(hours + 6, &to)) {
		h->quiet_from = from % 1440;
		h->quiet_to = to;
	}
}

static bool
holds(const struct event *e, const char *field, const char *value)
{
	struct mp m;
	uint32_t n, len;
	const char *s;

	if (!event_field(e, field, &m) || !mp_array(&m, &n))
		return (false);
	for (; n > 0 && mp_str(&m, &s, &len); n--)
		if (mp_equal(s, len, value))
			return (true);
	return (false);
}

void
resident_wishes(struct turn *t, const struct worker_event *v)
{
	struct household h;
	char id[ID_SIZE_MAX];
	bool no_visit = false;

	subject_of(v, id);
	resident_load(t->w, id, &h);
	event_bool(v->e, "no_visit", &no_visit);
	h.no_visit = no_visit;
	h.no_callback = holds(v->e, "opt_out", "callback");
	h.no_survey = holds(v->e, "opt_out", "survey");
	read_quiet(v->e, &h);
	resident_store(t->w, id, &h);
}

void
resident_steward(struct turn *t, const struct worker_event *v)
{
	struct household h;
	char id[ID_SIZE_MAX];
	struct text to;

	subject_of(v, id);
	resident_load(t->w, id, &h);
	if (event_text(v->e, "to", &to))
		copy_text(h.steward, sizeof(h.steward), to);
	resident_store(t->w, id, &h);
}

void
resident_contacted(struct turn *t, const struct callback *c, int64_t when)
{
	struct household h;
	bool alone;

	if (c->household[0] == '\0')
		return;
	resident_load(t->w, c->household, &h);
	/* It was to be asked in one talk with what had to be; that went another way, and this talk was for it alone. */
	alone = c->merged && h.contact != when && !budget_one_talk(t, c, when);
	if (when > h.contact)
		h.contact = when;
	/* Also one that was owed, was no longer, and was made all the same. */
	if (c->granted || alone || (c->kind == KIND_REPAIR && !c->mandatory && !c->merged))
		budget_spend(&h, when);
	if (c->kind == KIND_ROUTINE) {
		if (when > h.routine_done)
			h.routine_done = when;
		if (c->month / 12 > h.year_done)
			h.year_done = c->month / 12;
	}
	resident_store(t->w, c->household, &h);
	if (c->kind == KIND_ROUTINE)
		plan_await_key(t, c->household, &h);
}
