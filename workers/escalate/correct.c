/* What was recorded turns out otherwise. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define SUBJECTS_MAX	32u	/* that one event has changed something about */

/* ---- Seen by somebody ---- */

/* Of the obligation that an event names, wherever it belongs: what it is about, as its id says; else the event's own subject. */
static struct text
subject_meant(const struct worker_event *v, struct text meant)
{
	const char *stroke = meant.len > 0 ? memchr(meant.s, '/', meant.len) : NULL;

	/* Of a long one the id has only the beginning. */
	if (stroke == NULL || meant.len == ID_CHARS_MAX)
		return (v->e->subject);
	return ((struct text){ stroke + 1, (uint32_t)(meant.s + meant.len - stroke - 1) });
}

/* Has anybody been told of it, so that there is something to acknowledge?  A job that is accepted is acknowledged too, days before its due. */
static bool
was_heard_of(const struct obligation *o)
{
	return (o->row.breached || o->row.told != 0);
}

void
correct_acknowledged(struct turn *t, const struct worker_event *v)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct text meant = { NULL, 0 }, subject;
	char id[OBLIGATION_SIZE];
	int64_t until;

	event_text(v->e, "obligation", &meant);
	subject = subject_meant(v, meant);
	while (subject.len > 0 && oblige_each(t, subject, &s)) {
		struct obligation o = s.o;
		char owner[ID_CHARS_MAX + 1];

		if (o.row.state == ROW_JOINED) {
			memcpy(owner, o.row.owner, sizeof(owner));
			if (!oblige_load(t, s.o.rule, text_of(owner), &o))
				continue;
		}
		obligation_id(&s.o.key, id);
		/* Too late is nothing: what has ended has ended. */
		if (o.row.state != ROW_OPEN || (meant.len > 0 && !mp_equal(meant.s, meant.len, id)))
			continue;
		if (event_instant(v->e, "until", &until))
			oblige_rest(t, &o, until);
		else if (meant.len > 0 || was_heard_of(&o))
			oblige_rest(t, &o, t->now + o.rule->ack);
	}
}

static void
take_text(const struct event *e, const char *field, char *out, size_t size)
{
	struct text v;

	if (event_text(e, field, &v) && v.len < size)
		snprintf(out, size, "%.*s", (int)v.len, v.s);
}

void
correct_assigned(struct turn *t, const struct worker_event *v)
{
	struct about a;

	/* Of a case of which nothing is owed nobody is told. */
	if (v->e->subject.len == 0 || !about_load(t->w, v->e->subject, &a))
		return;
	take_text(v->e, "to", a.handler, sizeof(a.handler));
	take_text(v->e, "role", a.handler_role, sizeof(a.handler_role));
	a.handler_seq = v->seq;
	about_store(t->w, v->e->subject, &a);
	oblige_caused(t, v->e->subject);
}

/* ---- Belongs to another case ---- */

void
correct_linked(struct turn *t, const struct worker_event *v)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct text to, relation;
	struct obligation parent;
	struct about a;

	if (!event_text(v->e, "to", &to) || !event_text(v->e, "relation", &relation) || to.len > ID_CHARS_MAX ||
	    mp_equal(relation.s, relation.len, "recurrence") ||
	    (to.len == v->e->subject.len && memcmp(to.s, v->e->subject.s, to.len) == 0))
		return;
	about_load(t->w, v->e->subject, &a);
	snprintf(a.parent, sizeof(a.parent), "%.*s", (int)to.len, to.s);
	a.parent_seq = v->seq;
	about_store(t->w, v->e->subject, &a);
	oblige_caused(t, v->e->subject);
	while (oblige_each(t, v->e->subject, &s))
		if (s.o.row.state == ROW_OPEN && oblige_load(t, s.o.rule, to, &parent) &&
		    (parent.row.state == ROW_OPEN || parent.row.state == ROW_FULFILLED)) {
			s.o.row.final = true;
			oblige_cancel(t, &s.o, "linked");
		}
}

/* ---- Of another kind ---- */

/* Which rules hold now?  Those that don't are cancelled, those that newly do begin. */
static void
reconsider(struct turn *t, struct text subject, struct about *a, int64_t when)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct opening opening[RULES_MAX];
	struct obligation o;
	struct event known;
	struct about flat = *a;
	unsigned count = 0;

	while (oblige_each(t, subject, &s)) {
		bool of_this = false;

		for (unsigned i = 0; i < s.o.rule->on[ON].count; i++)
			of_this |= strcmp(s.o.rule->on[ON].list[i].type->name, a->type) == 0;
		if (s.o.row.state == ROW_OPEN && of_this && concern_begins(s.o.rule, a) == NULL) {
			s.o.row.superseded = true;
			oblige_cancel(t, &s.o, "reclassified");
		}
	}
	about_flatten(&flat);
	known = (struct event){ .data = mp_over(flat.data, flat.data_len) };
	for (unsigned i = 0; t->x->rules != NULL && i < t->x->rules->count; i++) {
		const struct rule *r = t->x->rules->rule[i];

		if (r->on[ON].count == 0 || concern_begins(r, a) == NULL || (oblige_load(t, r, subject, &o) && !o.row.superseded))
			continue;
		opening[count++] = (struct opening){ .rule = r, .subject = subject, .e = &known, .when = when, .seq = t->seq };
	}
	if (count > 0)
		oblige_open(t, opening, count);
}

void
correct_reclassified(struct turn *t, const struct worker_event *v)
{
	struct about a;

	if (!about_load(t->w, v->e->subject, &a) || a.seq == 0)
		return;
	/* The one before has become what it is. */
	about_flatten(&a);
	a.over_len = about_pack(v->e, a.over);
	a.over_seq = v->seq;
	about_store(t->w, v->e->subject, &a);
	oblige_caused(t, v->e->subject);
	reconsider(t, v->e->subject, &a, v->when);
}

/* ---- Taken back, amended ---- */

static void
drop_seen(struct turn *t, unsigned table, struct text subject, uint64_t seq, size_t at)
{
	struct worker_walk walk = { .key_len = 0 };
	char prefix[ID_CHARS_MAX + 1];

	memcpy(prefix, subject.s, subject.len);
	prefix[subject.len] = '\0';
	while (worker_each(t->w, table, prefix, subject.len + 1, &walk))
		if (walk.value_len >= at + 8 && get_le64((const uint8_t *)walk.value + at) == seq)
			worker_delete(t->w, table, walk.key, walk.key_len);
}

static void
retract_row(struct turn *t, struct obligation *o, uint64_t seq)
{
	struct row *r = &o->row;

	if (r->opened_seq == seq && (r->state == ROW_JOINED || r->state == ROW_CANCELLED)) {
		/* Nobody takes it for owed, so nothing is said; what cancelled it before has nothing left to take back. */
		r->final = true;
		r->state = ROW_CANCELLED;
		r->ended_seq = t->seq;
		oblige_save(t, o);
	} else if (r->opened_seq == seq) {
		r->final = true;
		oblige_cancel(t, o, "retracted");
	} else if (oblige_without(t, o, seq)) {
		return;
	} else if ((r->state == ROW_FULFILLED || r->state == ROW_CANCELLED) && r->ended_seq == seq) {
		oblige_rearm(t, o);
	} else if (r->state == ROW_OPEN && r->rest != 0 && r->rest_seq == seq) {
		r->rest = t->now;
		oblige_save(t, o);
	}
}

static void
retract(struct turn *t, struct text subject, uint64_t seq)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct about a;
	bool known = about_load(t->w, subject, &a);

	if (known && a.parent_seq == seq) {
		a.parent[0] = '\0';
		a.parent_seq = 0;
		about_store(t->w, subject, &a);
	}
	if (known && a.handler_seq == seq) {
		a.handler[0] = a.handler_role[0] = '\0';
		a.handler_seq = 0;
		about_store(t->w, subject, &a);
	}
	duty_correct(t, subject, seq, NULL);
	drop_seen(t, SEEN, subject, seq, 0);
	drop_seen(t, EARLY, subject, seq, 8);
	while (oblige_each(t, subject, &s))
		retract_row(t, &s.o, seq);
	if (known && a.over_seq == seq) {
		a.over_len = 0;
		a.over_seq = 0;
		about_store(t->w, subject, &a);
		reconsider(t, subject, &a, t->now);
	}
}

/* What happened was recorded wrongly: does it still mean to the rule what it did? */
static bool
still_means(const struct rule *r, const struct row *o, uint64_t seq, const struct mp *fields)
{
	struct mp none = mp_over(NULL, 0);

	for (unsigned f = 0; f < o->facts; f++) {
		const struct triggers *means = &r->on[o->fact[f].verb];

		if (o->fact[f].seq != seq)
			continue;
		for (unsigned i = 0; i < means->count; i++)
			if (trigger_matches(&means->list[i], fields, &none, true))
				return (true);
		return (false);
	}
	return (true);
}

static void
amend(struct turn *t, struct text subject, uint64_t seq, struct mp fields)
{
	struct event amended = { .data = fields };
	struct subject_walk s = { .walk.key_len = 0 };
	struct about a;
	const uint8_t *raw;
	struct mp m = fields;
	size_t len;

	duty_correct(t, subject, seq, &amended);
	while (oblige_each(t, subject, &s))
		if (s.o.row.opened_seq != seq && !still_means(s.o.rule, &s.o.row, seq, &fields))
			oblige_without(t, &s.o, seq);
	if (!about_load(t->w, subject, &a) || (a.seq != seq && a.over_seq != seq) || !mp_raw(&m, &raw, &len))
		return;
	if (a.seq == seq)
		about_flatten(&a);
	amended.kind = catalogue_find(a.type, strlen(a.type));
	a.over_len = about_pack(&amended, a.over);
	a.over_seq = t->seq;
	about_store(t->w, subject, &a);
	oblige_caused(t, subject);
	reconsider(t, subject, &a, t->now);
}

void
correct_record(struct turn *t, const struct worker_event *v, bool retracted)
{
	char subjects[SUBJECTS_MAX][ID_CHARS_MAX + 1];
	struct worker_walk walk = { .key_len = 0 };
	struct mp fields = mp_over("\x80", 1);
	unsigned count = 0;
	uint8_t prefix[8];
	int64_t seq;

	if (!event_int(v->e, "event", &seq) || seq < 1)
		return;
	event_field(v->e, "fields", &fields);
	put_be64(prefix, (uint64_t)seq);
	while (count < SUBJECTS_MAX && worker_each(t->w, CAUSES, prefix, sizeof(prefix), &walk))
		snprintf(subjects[count++], sizeof(subjects[0]), "%.*s", (int)(walk.key_len - 8), (const char *)walk.key + 8);
	for (unsigned i = 0; i < count; i++)
		if (retracted)
			retract(t, text_of(subjects[i]), (uint64_t)seq);
		else
			amend(t, text_of(subjects[i]), (uint64_t)seq, fields);
}

void
correct_waived(struct turn *t, const struct worker_event *v)
{
	struct subject_walk s = { .walk.key_len = 0 };
	char id[OBLIGATION_SIZE];
	struct text meant, subject;

	if (!event_text(v->e, "obligation", &meant))
		return;
	subject = subject_meant(v, meant);
	while (subject.len > 0 && oblige_each(t, subject, &s)) {
		obligation_id(&s.o.key, id);
		if (s.o.row.state == ROW_OPEN && mp_equal(meant.s, meant.len, id)) {
			s.o.row.final = true;
			oblige_cancel(t, &s.o, "waived");
		}
	}
}

/* ---- Another calendar, other rules ---- */

static bool
each_open(struct turn *t, struct worker_walk *walk, struct obligation *o)
{
	while (worker_each(t->w, DUES, NULL, 0, walk)) {
		struct text rule;

		if (walk->key_len <= 8 || !row_key_read(&o->key, walk->key + 8, walk->key_len - 8) || !row_load(t->w, &o->key, &o->row))
			continue;
		rule = row_rule(&o->key);
		o->rule = rules_find(t->x->rules, rule.s, rule.len);
		return (true);
	}
	return (false);
}

void
correct_calendar(struct turn *t)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation o;
	struct row before;

	while (each_open(t, &walk, &o)) {
		before = o.row;
		/* A breach stays: it was one by what was known then.  What was moved once lies behind its own place and is met again, unchanged. */
		if (o.rule == NULL || o.row.breached || !plan_due(t->x, &o.row) ||
		    (o.row.due == before.due && o.row.last_day == before.last_day && o.row.provisional == before.provisional))
			continue;
		o.row.due = before.due;
		oblige_reschedule(t, &o, "calendar");
	}
}

/* What no rule asks for any more is not owed.  Its role is no longer known: whoever asks finds it in the opening. */
void
correct_rules(struct turn *t)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation o;

	while (each_open(t, &walk, &o)) {
		struct text rule = row_rule(&o.key);
		char id[RULE_ID_MAX + 1];
		struct rule gone = { .id = id, .role = "cs_lead" };

		if (o.rule != NULL) {
			oblige_save(t, &o);
			continue;
		}
		snprintf(id, sizeof(id), "%.*s", (int)rule.len, rule.s);
		o.rule = &gone;
		o.row.final = true;
		oblige_cancel(t, &o, "rules");
	}
}
