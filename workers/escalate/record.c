/*
 * Events whose fields decide what they mean, kept so that they can be amended: also those that meant nothing.  With other fields an event is
 * judged again, rule by rule; what it does no longer is undone, and what it does now counts from when it happened.
 */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define RECORD_VERSION	1u
#define RECORD_KEY_MAX	(ID_CHARS_MAX + 1 + 8)

struct record {
	uint64_t seq;
	uint64_t of;			/* an amendment: of which event; else 0 */
	int64_t when, log;
	const struct type *type;	/* of the event, also in an amendment */
	struct text subject;
	size_t len;
	uint8_t data[ABOUT_DATA_MAX];	/* its fields; of an amendment: those of the event before it */
};

static size_t
record_key(struct text subject, uint64_t seq, uint8_t out[RECORD_KEY_MAX])
{
	memcpy(out, subject.s, subject.len);
	out[subject.len] = '\0';
	put_be64(out + subject.len + 1, seq);
	return (subject.len + 9);
}

static void
store(struct turn *t, const struct record *r)
{
	uint8_t key[RECORD_KEY_MAX], value[1 + 3 * 8 + 1 + TYPE_CHARS_MAX + ABOUT_DATA_MAX];
	size_t name = strlen(r->type->name);

	value[0] = RECORD_VERSION;
	put_le64(value + 1, r->of);
	put_le64(value + 9, (uint64_t)r->when);
	put_le64(value + 17, (uint64_t)r->log);
	value[25] = (uint8_t)name;
	memcpy(value + 26, r->type->name, name);
	memcpy(value + 26 + name, r->data, r->len);
	worker_put(t->w, RECORDS, key, record_key(r->subject, r->seq, key), value, 26 + name + r->len);
}

static bool
load(struct turn *t, struct text subject, uint64_t seq, struct record *r)
{
	uint8_t key[RECORD_KEY_MAX];
	const uint8_t *v;
	const void *value;
	size_t len;

	if (!worker_get(t->w, RECORDS, key, record_key(subject, seq, key), &value, &len))
		return (false);
	v = value;
	if (len < 26 || v[0] != RECORD_VERSION || len < 26u + v[25] || len - 26 - v[25] > sizeof(r->data))
		return (false);
	*r = (struct record){ .seq = seq, .of = get_le64(v + 1), .when = (int64_t)get_le64(v + 9), .log = (int64_t)get_le64(v + 17),
	    .type = catalogue_find((const char *)v + 26, v[25]), .subject = subject, .len = len - 26 - v[25] };
	memcpy(r->data, v + 26 + v[25], r->len);
	return (r->type != NULL);
}

void
record_keep(struct turn *t, const struct worker_event *v)
{
	struct record r = { .seq = v->seq, .when = v->when, .log = t->now, .type = v->e->kind,
	    .subject = v->e->subject.len > 0 ? v->e->subject : text_of("") };

	r.len = about_pack(v->e, r.data);
	store(t, &r);
	oblige_caused(t, r.subject);
	subject_watch(t, r.subject);
}

/* ---- What it means with other fields ---- */

struct judged {
	struct event e;
	struct mp data;
};

static struct judged
judge(const struct record *r)
{
	struct judged j = { .data = mp_over(r->data, r->len) };

	j.e = (struct event){ .subject = r->subject, .kind = r->type, .data = j.data };
	return (j);
}

/* What the event is about to this trigger; of no length if it does not meet it. */
static struct text
meant(const struct trigger *trigger, const struct judged *j)
{
	struct mp none = mp_over(NULL, 0);
	struct text key = { NULL, 0 };

	if (trigger_matches(trigger, &none, &j->data, false))
		key = trigger_key(trigger, &j->e);
	return (key.len <= ID_CHARS_MAX ? key : (struct text){ NULL, 0 });
}

static bool
same(struct text a, struct text b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0));
}

/* Does it, by whichever trigger, still mean the same to the rule about the same subject? */
static bool
still_means(const struct rules *rules, const struct concern *c, struct text key, const struct judged *now)
{
	unsigned type = c->trigger->type->index;

	for (unsigned i = 0; i < rules->by_type[type].count; i++) {
		const struct concern *other = &rules->concerns[rules->by_type[type].first + i];

		if (other->rule == c->rule && other->verb == c->verb && same(meant(other->trigger, now), key))
			return (true);
	}
	return (false);
}

static void
undo(struct turn *t, const struct record *r, const struct concern *c, struct text key)
{
	struct row_key at = row_key(key, c->rule->id);
	struct obligation o;

	switch (c->verb) {
	case UNTIL:
	case CANCEL:
	case PAUSE:
	case RESUME:
	case UNLESS:
		if (c->rule->every != PERIOD_NONE)
			period_without(t, c->rule, r->when, r->seq);
		else if (concern_owner(t, c->rule, key, &o) && history_drop(t, &o.key, r->seq, c->verb))
			history_retell(t, &o, "amended");
		else
			history_drop(t, &at, r->seq, c->verb);
		break;
	case ON:
	case REOPEN:
		if (oblige_load(t, c->rule, key, &o) && o.row.opened_seq == r->seq && o.row.state == ROW_OPEN) {
			o.row.superseded = true;
			oblige_cancel(t, &o, "amended");
		}
		break;
	case WITHOUT:
		if (worker_get_number(t->w, SEEN, at.bytes, at.len) == r->seq)
			worker_delete(t->w, SEEN, at.bytes, at.len);
		break;
	default:
		/* What was told of a forbidden order stays told; the amendment stands beside it. */
		break;
	}
}

/* May what happened then count for what is open, or was? */
static bool
counts(struct turn *t, const struct record *r, const struct concern *c, const struct obligation *o)
{
	struct about a;

	if (c->verb == UNTIL && o->row.reopened && r->when < o->row.opened)
		return (false);
	/* What came before the beginning counts if nothing was known of the subject then; what spares it always does. */
	return (c->verb == UNLESS || r->seq > o->row.opened_seq ||
	    (!o->row.reopened && c->trigger->keys == 0 && about_load(t->w, r->subject, &a) && a.seq == o->row.opened_seq));
}

static void
count_after_all(struct turn *t, const struct record *r, const struct concern *c, struct text key)
{
	struct fact f = { c->verb, r->when < r->log ? r->when : r->log, r->seq };
	struct obligation o;

	if (c->rule->every != PERIOD_NONE) {
		if (c->verb == UNTIL)
			period_fulfil(t, c->rule, r->when, r->seq);
	} else if (!oblige_load(t, c->rule, key, &o))
		concern_await(t, c, r->subject, r->type, &f);
	else if (concern_owner(t, c->rule, key, &o) && !history_has(t, &o.key, r->seq, c->verb) && counts(t, r, c, &o)) {
		history_add(t, &o.key, &f);
		oblige_caused_by(t, r->seq, row_subject(&o.key));
		history_retell(t, &o, "amended");
	}
}

/* The limit that the event carried was another one. */
static void
limit_again(struct turn *t, const struct concern *c, struct text key, const struct judged *was, const struct judged *now)
{
	struct obligation o;
	int64_t before, limit;

	if (c->rule->due != DUE_FIELD || !oblige_load(t, c->rule, key, &o) || o.row.state != ROW_OPEN || o.row.breached ||
	    !oblige_limit(t->x, &was->e, c->rule->due_field, &before) || !oblige_limit(t->x, &now->e, c->rule->due_field, &limit) ||
	    before == limit || o.row.term.n != before)
		return;
	o.row.term.n = limit;
	oblige_reschedule(t, &o, "amended");
}

/* It means this now, and did not before.  True if it opens something: that is for the caller to do, with all that it opens. */
static bool
redo(struct turn *t, const struct record *r, const struct concern *c, struct text key, const struct event *now)
{
	struct row_key at = row_key(key, c->rule->id);
	struct obligation o;

	switch (c->verb) {
	case ON:
		return (!oblige_load(t, c->rule, key, &o) || o.row.opened_seq != r->seq || o.row.superseded);
	case UNTIL:
	case CANCEL:
	case PAUSE:
	case RESUME:
	case UNLESS:
		count_after_all(t, r, c, key);
		break;
	case WITHOUT:
		if (worker_get_number(t->w, SEEN, at.bytes, at.len) == 0)
			concern_seen(t, &at, r->seq, r->log);
		break;
	case NEVER:
		if (!concern_was_seen(t, &at))
			tell_violated(t, c->rule, r->subject.len > 0 ? r->subject : key, now, r->seq);
		break;
	default:
		break;
	}
	return (false);
}

static void
judge_again(struct turn *t, const struct record *before, const struct record *after)
{
	const struct rules *rules = t->x->rules;
	struct judged was = judge(before), now = judge(after);
	struct opening opening[RULES_MAX];
	unsigned count = 0, type = after->type->index;
	struct about a;
	/* What made the subject known is reconsidered as a whole. */
	bool of_about = about_load(t->w, after->subject, &a) && a.seq == after->seq;

	for (unsigned i = 0; rules != NULL && i < rules->by_type[type].count; i++) {
		const struct concern *c = &rules->concerns[rules->by_type[type].first + i];
		struct text old = meant(c->trigger, &was), new = meant(c->trigger, &now);
		bool about = of_about && c->verb == ON;

		if (about && same(old, new) && new.len > 0)
			limit_again(t, c, new, &was, &now);
		if (old.len > 0 && !(about && same(old, after->subject)) && !still_means(rules, c, old, &now))
			undo(t, after, c, old);
		if (new.len > 0 && !same(old, new) && !(about && same(new, after->subject)) && redo(t, after, c, new, &now.e) && count < RULES_MAX &&
		    (count == 0 || opening[count - 1].rule != c->rule))
			opening[count++] = (struct opening){ .rule = c->rule, .subject = new, .e = &now.e, .when = after->when, .seq = after->seq, .amended = true };
		if (!about && new.len > 0 && same(old, new))
			limit_again(t, c, new, &was, &now);
	}
	if (count > 0)
		oblige_open(t, opening, count);
}

void
record_amend(struct turn *t, struct text subject, uint64_t seq, const struct mp *fields)
{
	struct record before, after;
	struct about merged = { .data_len = 0 };

	if (!load(t, subject, seq, &before) || before.of != 0)
		return;
	memcpy(merged.data, before.data, before.len);
	merged.data_len = before.len;
	merged.over_len = about_pack(&(struct event){ .kind = before.type, .data = *fields }, merged.over);
	about_flatten(&merged);
	after = before;
	memcpy(after.data, merged.data, merged.data_len);
	after.len = merged.data_len;
	store(t, &after);
	judge_again(t, &before, &after);
	before.of = seq;
	before.seq = t->seq;
	before.log = t->now;
	store(t, &before);
	oblige_caused(t, subject);
}

void
record_retract(struct turn *t, struct text subject, uint64_t seq)
{
	uint8_t key[RECORD_KEY_MAX];
	struct record gone, before, after;

	if (!load(t, subject, seq, &gone))
		return;
	worker_delete(t->w, RECORDS, key, record_key(subject, seq, key));
	/* An amendment taken back: the event is again what it was before it. */
	if (gone.of == 0 || !load(t, subject, gone.of, &before))
		return;
	after = before;
	memcpy(after.data, gone.data, gone.len);
	after.len = gone.len;
	store(t, &after);
	judge_again(t, &before, &after);
}

bool
record_tidy(struct turn *t, struct text subject, int64_t before)
{
	uint8_t prefix[RECORD_KEY_MAX];
	size_t n = record_key(subject, 0, prefix) - 8;
	struct worker_walk walk = { .key_len = 0 };
	bool left = false;

	while (worker_each(t->w, RECORDS, prefix, n, &walk)) {
		if (walk.value_len >= 26 && (int64_t)get_le64((const uint8_t *)walk.value + 17) > before) {
			left = true;
			continue;
		}
		oblige_uncaused(t, get_be64(walk.key + n), subject);
		worker_delete(t->w, RECORDS, walk.key, walk.key_len);
	}
	return (left);
}
