/*
 * What has happened to an obligation: ends, pauses and resumptions, in the order of the log.  All of it is kept, also what changed nothing,
 * what came before the beginning, and what would have ended a rule that did not hold: so one of them can be taken back, or counted after
 * all, and the rest means what it then means.
 */
#include "escalate.h"

#include <string.h>

#include "bytes.h"

#define PLACE_MAX	(ROW_KEY_MAX + 1)
#define FACT_KEY_MAX	(PLACE_MAX + 8 + 1)

/* The obligation, and a zero. */
static size_t
place(const struct row_key *k, uint8_t out[PLACE_MAX])
{
	memcpy(out, k->bytes, k->len);
	out[k->len] = '\0';
	return (k->len + 1);
}

static size_t
fact_key(const struct row_key *k, uint64_t seq, enum rule_verb verb, uint8_t out[FACT_KEY_MAX])
{
	size_t n = place(k, out);

	put_be64(out + n, seq);
	out[n + 8] = (uint8_t)verb;
	return (n + 9);
}

static bool
next_fact(struct turn *t, const struct row_key *k, struct worker_walk *walk, struct fact *f)
{
	uint8_t prefix[PLACE_MAX];
	size_t n = place(k, prefix);

	while (worker_each(t->w, FACTS, prefix, n, walk))
		if (walk->key_len == n + 9 && walk->value_len == 8) {
			*f = (struct fact){ (enum rule_verb)walk->key[n + 8], (int64_t)get_le64(walk->value), get_be64(walk->key + n) };
			return (true);
		}
	return (false);
}

void
history_add(struct turn *t, const struct row_key *k, const struct fact *f)
{
	uint8_t key[FACT_KEY_MAX], when[8];

	put_le64(when, (uint64_t)f->when);
	worker_put(t->w, FACTS, key, fact_key(k, f->seq, f->verb, key), when, sizeof(when));
}

bool
history_has(struct turn *t, const struct row_key *k, uint64_t seq, enum rule_verb verb)
{
	uint8_t key[FACT_KEY_MAX];
	const void *v;
	size_t len;

	return (worker_get(t->w, FACTS, key, fact_key(k, seq, verb, key), &v, &len));
}

bool
history_drop(struct turn *t, const struct row_key *k, uint64_t seq, enum rule_verb verb)
{
	uint8_t key[FACT_KEY_MAX];

	return (worker_delete(t->w, FACTS, key, fact_key(k, seq, verb, key)));
}

/* Does an obligation about the subject still rest on that event? */
static bool
is_in_use(struct turn *t, struct text subject, uint64_t seq)
{
	struct subject_walk s = { .walk.key_len = 0 };
	struct worker_walk walk;
	uint8_t prefix[FACT_KEY_MAX];

	while (oblige_each(t, subject, &s)) {
		size_t n = fact_key(&s.o.key, seq, ON, prefix) - 1;

		walk = (struct worker_walk){ .key_len = 0 };
		if (s.o.row.opened_seq == seq || s.o.row.ended_seq == seq || s.o.row.rest_seq == seq || worker_each(t->w, FACTS, prefix, n, &walk))
			return (true);
	}
	return (false);
}

/*
 * That event has nothing more to do with this obligation.  Others about the subject may rest on it: its place among the causes is left until
 * the last of them is forgotten, or, where one begins again and again, until none rests on it any more.
 */
static void
leave_cause(struct turn *t, struct text subject, uint64_t seq)
{
	struct row_key none = row_key(subject, "");
	struct worker_walk walk = { .key_len = 0 };
	struct fact oldest;

	if (seq == 0)
		return;
	history_add(t, &none, &(struct fact){ ON, t->now, seq });
	if (next_fact(t, &none, &walk, &oldest) && oldest.when < t->now - t->x->rules->keep && !is_in_use(t, subject, oldest.seq)) {
		worker_delete(t->w, FACTS, walk.key, walk.key_len);
		oblige_uncaused(t, oldest.seq, subject);
	}
}

void
history_leave(struct turn *t, const struct obligation *o)
{
	struct worker_walk walk = { .key_len = 0 };
	struct text subject = row_subject(&o->key);
	struct fact f;

	while (next_fact(t, &o->key, &walk, &f)) {
		worker_delete(t->w, FACTS, walk.key, walk.key_len);
		leave_cause(t, subject, f.seq);
	}
	leave_cause(t, subject, o->row.opened_seq);
	leave_cause(t, subject, o->row.ended_seq);
	leave_cause(t, subject, o->row.rest_seq);
}

void
history_expire(struct turn *t, const struct row_key *k)
{
	struct obligation o = { .key = *k };

	if (!row_load(t->w, k, &o.row))
		history_leave(t, &o);
	subject_tidy(t, row_subject(k));
}

void
history_clear_subject(struct turn *t, struct text subject)
{
	struct worker_walk walk = { .key_len = 0 };
	char prefix[ID_CHARS_MAX + 1];

	memcpy(prefix, subject.s, subject.len);
	prefix[subject.len] = '\0';
	while (worker_each(t->w, FACTS, prefix, subject.len + 1, &walk)) {
		if (walk.key_len > subject.len + 10)
			oblige_uncaused(t, get_be64(walk.key + walk.key_len - 9), subject);
		worker_delete(t->w, FACTS, walk.key, walk.key_len);
	}
}

void
history_drop_subject(struct turn *t, struct text subject, uint64_t seq)
{
	struct worker_walk walk = { .key_len = 0 };
	char prefix[ID_CHARS_MAX + 1];

	memcpy(prefix, subject.s, subject.len);
	prefix[subject.len] = '\0';
	while (worker_each(t->w, FACTS, prefix, subject.len + 1, &walk))
		if (walk.key_len > subject.len + 10 && get_be64(walk.key + walk.key_len - 9) == seq)
			worker_delete(t->w, FACTS, walk.key, walk.key_len);
}

bool
history_end(struct turn *t, struct obligation *o, struct fact *f)
{
	struct worker_walk walk = { .key_len = 0 };
	struct row *r = &o->row;

	r->paused = r->credit = r->credit_days = 0;
	while (next_fact(t, &o->key, &walk, f)) {
		if (f->verb == UNTIL || f->verb == CANCEL || f->verb == UNLESS)
			return (true);
		if (f->verb == PAUSE && r->paused == 0) {
			r->paused = f->when < r->opened ? r->opened : f->when;
			r->paused_seq = f->seq;
		} else if (f->verb == RESUME && r->paused != 0) {
			/* After the breach it was the ladder that waited. */
			if (!r->breached || r->paused < r->breach)
				oblige_credit(t->x, r, f->when < r->paused ? r->paused : f->when);
			r->paused = 0;
		}
	}
	return (false);
}

/* It is over by this event, in time or too late. */
static void
end_by(struct turn *t, struct obligation *o, const struct fact *f)
{
	if (!o->row.breached && f->when > o->row.due) {
		o->row.breached = true;
		o->row.breach = t->now;
		tell_obligation(t, o, "obligation.breached", NULL, false);
	}
	if (f->verb == UNTIL)
		oblige_fulfil(t, o, f->when);
	else
		oblige_cancel(t, o, f->verb == UNLESS ? "unless" : "closed");
	o->row.ended_seq = f->seq;
	row_store(t->w, &o->key, &o->row);
}

void
history_meet(struct turn *t, struct obligation *o, const struct fact *f)
{
	o->row.paused = 0;
	end_by(t, o, f);
}

void
history_retell(struct turn *t, struct obligation *o, const char *reason)
{
	struct row *r = &o->row;
	int64_t due = r->due;
	struct fact f;
	bool over;

	/* Waived, linked or taken back: what happened before no longer matters. */
	if (r->final || r->superseded || (r->state != ROW_OPEN && r->state != ROW_FULFILLED && r->state != ROW_CANCELLED))
		return;
	over = history_end(t, o, &f);
	if (r->state == ROW_OPEN && !over) {
		if (r->breached)
			oblige_save(t, o);
		else
			oblige_reschedule(t, o, reason);
		return;
	}
	if (!over) {
		oblige_rearm(t, o, reason);
		return;
	}
	r->paused = 0;
	if (!r->breached || r->state != ROW_OPEN)
		plan_due(t->x, r);
	if (r->state == ROW_OPEN)
		end_by(t, o, &f);
	else if (f.seq == r->ended_seq && (r->breached || f.when <= r->due || due == r->due))
		/* The end is the same one, and was it in time either way, nobody need hear of it. */
		row_store(t->w, &o->key, r);
	else {
		oblige_rearm(t, o, reason);
		end_by(t, o, &f);
	}
}

bool
history_without(struct turn *t, struct obligation *o, uint64_t seq)
{
	bool had = false;

	for (enum rule_verb v = UNTIL; v <= UNLESS; v++)
		had |= history_drop(t, &o->key, seq, v);
	if (had)
		history_retell(t, o, "retracted");
	return (had);
}
