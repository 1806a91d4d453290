/* What was recorded turns out otherwise. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

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

static size_t
link_key(struct text parent, struct text child, char out[2 * ID_CHARS_MAX + 1])
{
	memcpy(out, parent.s, parent.len);
	out[parent.len] = '\0';
	memcpy(out + parent.len + 1, child.s, child.len);
	return (parent.len + 1 + child.len);
}

void
correct_unlink(struct turn *t, struct text child, const struct about *a)
{
	char key[2 * ID_CHARS_MAX + 1];

	if (a->parent[0] != '\0')
		worker_delete(t->w, LINKS, key, link_key(text_of(a->parent), child, key));
}

static void
link_to(struct turn *t, struct text child, struct about *a, struct text parent)
{
	char key[2 * ID_CHARS_MAX + 1];

	correct_unlink(t, child, a);
	snprintf(a->parent, sizeof(a->parent), "%.*s", (int)parent.len, parent.s);
	about_store(t->w, child, a);
	worker_put(t->w, LINKS, key, link_key(parent, child, key), "", 0);
}

/* What ended with the link, and is not done by the other case either, is owed as before. */
static void
unlink_from(struct turn *t, struct text child, const struct about *a, struct text parent)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct obligation other;

	while (oblige_each(t, child, &s)) {
		struct row *r = &s.o.row;

		if (r->state != ROW_CANCELLED || !r->final || r->superseded || (r->ended_seq != a->parent_seq && r->ended_seq != r->opened_seq) ||
		    (oblige_load(t, s.o.rule, parent, &other) && other.row.state == ROW_FULFILLED))
			continue;
		r->final = false;
		history_retell(t, &s.o, "unlinked");
	}
}

/* Withdrawn and the like: the first that was linked to it answers for the others now. */
void
correct_closed(struct turn *t, const struct worker_event *v)
{
	struct worker_walk walk = { .key_len = 0 };
	struct text parent = v->e->subject, outcome, first = { NULL, 0 };
	char prefix[2 * ID_CHARS_MAX + 1], heir[ID_CHARS_MAX], child[ID_CHARS_MAX];
	struct about a, alone;
	size_t n;

	if (parent.len == 0 || parent.len > ID_CHARS_MAX || !event_text(v->e, "outcome", &outcome) ||
	    (!mp_equal(outcome.s, outcome.len, "withdrawn") && !mp_equal(outcome.s, outcome.len, "wrong_number") &&
	    !mp_equal(outcome.s, outcome.len, "duplicate")) || (about_load(t->w, parent, &a) && a.parent[0] != '\0'))
		return;
	n = link_key(parent, (struct text){ "", 0 }, prefix);
	while (worker_each(t->w, LINKS, prefix, n, &walk)) {
		struct text id = { child, (uint32_t)(walk.key_len - n) };

		memcpy(child, walk.key + n, id.len);
		worker_delete(t->w, LINKS, walk.key, walk.key_len);
		if (!about_load(t->w, id, &a) || !mp_equal(parent.s, parent.len, a.parent))
			continue;
		oblige_caused(t, id);
		if (first.s == NULL) {
			memcpy(heir, child, id.len);
			first = (struct text){ heir, id.len };
			alone = a;
			alone.parent[0] = '\0';
			alone.parent_seq = 0;
			about_store(t->w, first, &alone);
			unlink_from(t, first, &a, parent);
		} else
			link_to(t, id, &a, first);
	}
}

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
	a.parent_seq = v->seq;
	link_to(t, v->e->subject, &a, to);
	oblige_caused(t, v->e->subject);
	while (oblige_each(t, v->e->subject, &s))
		if (s.o.row.state == ROW_OPEN && oblige_load(t, s.o.rule, to, &parent) &&
		    (parent.row.state == ROW_OPEN || parent.row.state == ROW_FULFILLED)) {
			s.o.row.final = true;
			oblige_cancel(t, &s.o, "linked");
		}
}

/* ---- Of another kind ---- */

static bool
begins_with_type(const struct rule *r, const char *type)
{
	for (unsigned i = 0; i < r->on[ON].count; i++)
		if (strcmp(r->on[ON].list[i].type->name, type) == 0)
			return (true);
	return (false);
}

/* With these fields it would agree with others than it does: it leaves them, and is owed by itself or joins whom it agrees with now. */
static void
part(struct turn *t, struct obligation *o, const struct event *known, const char *reason)
{
	char merge[ROW_MERGE_MAX + 1] = "";
	const struct opening as_known = { .rule = o->rule, .e = known };

	if (o->rule->merges == 0 || (o->row.state != ROW_OPEN && o->row.state != ROW_JOINED) ||
	    strcmp(merge_name(&as_known, merge) ? merge : "", o->row.merge) == 0)
		return;
	if (o->row.state == ROW_JOINED)
		merge_leave(t, o);
	o->row.superseded = true;
	if (o->row.state == ROW_OPEN)
		oblige_cancel(t, o, reason);
	else
		oblige_save(t, o);
}

/* Which rules hold now?  Those that don't are cancelled, those that newly do begin. */
static void
reconsider(struct turn *t, struct text subject, struct about *a, const struct opening *how)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct opening opening[RULES_MAX];
	struct obligation o;
	struct event known;
	struct about flat = *a;
	unsigned count = 0;

	about_flatten(&flat);
	known = (struct event){ .data = mp_over(flat.data, flat.data_len) };
	while (oblige_each(t, subject, &s)) {
		if (!begins_with_type(s.o.rule, a->type))
			continue;
		if (s.o.row.state == ROW_OPEN && concern_begins(s.o.rule, a) == NULL) {
			s.o.row.superseded = true;
			oblige_cancel(t, &s.o, "reclassified");
		} else
			part(t, &s.o, &known, how->amended ? "amended" : "reclassified");
	}
	for (unsigned i = 0; t->x->rules != NULL && i < t->x->rules->count; i++) {
		const struct rule *r = t->x->rules->rule[i];

		if (r->on[ON].count == 0 || concern_begins(r, a) == NULL || (oblige_load(t, r, subject, &o) && !o.row.superseded))
			continue;
		opening[count] = *how;
		opening[count].rule = r;
		opening[count].subject = subject;
		opening[count++].e = &known;
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
	reconsider(t, v->e->subject, &a, &(struct opening){ .when = v->when, .seq = v->seq, .anew = true });
}

/* ---- Taken back, amended ---- */

static void
drop_seen(struct turn *t, struct text subject, uint64_t seq)
{
	struct worker_walk walk = { .key_len = 0 };
	char prefix[ID_CHARS_MAX + 1];

	memcpy(prefix, subject.s, subject.len);
	prefix[subject.len] = '\0';
	while (worker_each(t->w, SEEN, prefix, subject.len + 1, &walk))
		if (walk.value_len >= 8 && get_le64(walk.value) == seq)
			worker_delete(t->w, SEEN, walk.key, walk.key_len);
}

static void
retract_row(struct turn *t, struct obligation *o, uint64_t seq)
{
	struct row *r = &o->row;

	if (r->opened_seq == seq && (r->state == ROW_JOINED || r->state == ROW_CANCELLED)) {
		/* Nobody takes it for owed, so nothing is said; what cancelled it before has nothing left to take back. */
		r->final = r->superseded = true;
		r->state = ROW_CANCELLED;
		r->ended_seq = t->seq;
		oblige_save(t, o);
	} else if (r->opened_seq == seq) {
		r->final = r->superseded = true;
		oblige_cancel(t, o, "retracted");
	} else if (history_without(t, o, seq)) {
		return;
	} else if ((r->state == ROW_FULFILLED || r->state == ROW_CANCELLED) && r->ended_seq == seq) {
		/* What happened while it was over counts again. */
		r->final = r->superseded = false;
		history_retell(t, o, "retracted");
	} else if (r->state == ROW_OPEN && r->rest != 0 && r->rest_seq == seq) {
		r->rest = t->now;
		oblige_save(t, o);
	}
}

/* It was so from the beginning, and is known only now. */
static void
reconsider_amended(struct turn *t, struct text subject, struct about *a)
{
	reconsider(t, subject, a, &(struct opening){ .when = a->when, .seq = a->seq, .amended = true });
}

/* What made the subject known never was: nor what other fields of it opened.  Whoever enters it again, rightly, begins anew. */
static void
unknow(struct turn *t, struct text subject, struct about *a)
{
	struct subject_walk s = { .walk.key_len = 0 };

	while (oblige_each(t, subject, &s)) {
		/* Who reopened it meant it. */
		if (s.o.row.state != ROW_OPEN || s.o.row.reopened || !begins_with_type(s.o.rule, a->type))
			continue;
		s.o.row.final = s.o.row.superseded = true;
		oblige_cancel(t, &s.o, "retracted");
	}
	a->seq = a->over_seq = 0;
	a->data_len = a->over_len = 0;
	about_store(t->w, subject, a);
}

static void
retract(struct turn *t, struct text subject, uint64_t seq)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct about a;
	bool known = about_load(t->w, subject, &a);

	if (known && a.parent_seq == seq) {
		correct_unlink(t, subject, &a);
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
	drop_seen(t, subject, seq);
	record_retract(t, subject, seq);
	while (oblige_each(t, subject, &s))
		retract_row(t, &s.o, seq);
	history_drop_subject(t, subject, seq);
	if (known && a.seq == seq) {
		unknow(t, subject, &a);
	} else if (known && a.over_seq == seq) {
		a.over_len = 0;
		a.over_seq = 0;
		about_store(t->w, subject, &a);
		reconsider_amended(t, subject, &a);
	}
}

static void
amend(struct turn *t, struct text subject, uint64_t seq, struct mp fields)
{
	struct event amended = { .data = fields };
	struct about a;
	const uint8_t *raw;
	struct mp m = fields;
	size_t len;

	duty_correct(t, subject, seq, &amended);
	record_amend(t, subject, seq, &fields);
	if (!about_load(t->w, subject, &a) || (a.seq != seq && a.over_seq != seq) || !mp_raw(&m, &raw, &len))
		return;
	if (a.seq == seq)
		about_flatten(&a);
	amended.kind = catalogue_find(a.type, strlen(a.type));
	a.over_len = about_pack(&amended, a.over);
	a.over_seq = t->seq;
	about_store(t->w, subject, &a);
	oblige_caused(t, subject);
	reconsider_amended(t, subject, &a);
}

void
correct_record(struct turn *t, const struct worker_event *v, bool retracted)
{
	struct worker_walk walk = { .key_len = 0 };
	struct mp fields = mp_over("\x80", 1);
	char subject[ID_CHARS_MAX];
	uint8_t prefix[8];
	int64_t seq;

	if (!event_int(v->e, "event", &seq) || seq < 1)
		return;
	event_field(v->e, "fields", &fields);
	put_be64(prefix, (uint64_t)seq);
	while (worker_each(t->w, CAUSES, prefix, sizeof(prefix), &walk)) {
		struct text s = { subject, (uint32_t)(walk.key_len - sizeof(prefix)) };

		memcpy(subject, walk.key + sizeof(prefix), s.len);
		if (retracted)
			retract(t, s, (uint64_t)seq);
		else
			amend(t, s, (uint64_t)seq, fields);
	}
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
