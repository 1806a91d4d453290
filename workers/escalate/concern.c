/* What an event means to the rules. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

static const struct trigger *
met_by(const struct rule *r, enum rule_verb verb, const struct about *a)
{
	struct mp data = mp_over(a->data, a->data_len), over = mp_over(a->over, a->over_len);

	for (unsigned i = 0; a->seq != 0 && i < r->on[verb].count; i++)
		if (strcmp(r->on[verb].list[i].type->name, a->type) == 0 && trigger_matches(&r->on[verb].list[i], &over, &data, false))
			return (&r->on[verb].list[i]);
	return (NULL);
}

const struct trigger *
concern_begins(const struct rule *r, const struct about *a)
{
	return (met_by(r, ON, a));
}

bool
concern_spares(const struct rule *r, const struct about *a)
{
	return (met_by(r, UNLESS, a) != NULL);
}

/* What the subject is known as, from the first event that opens something. */
static void
know(struct turn *t, const struct worker_event *v)
{
	struct text subject = v->e->subject, household;
	struct about a;

	if (subject.len == 0 || (about_load(t->w, subject, &a) && a.seq != 0))
		return;
	a.seq = v->seq;
	a.when = v->when;
	snprintf(a.type, sizeof(a.type), "%s", v->e->kind->name);
	household = event_named_household(v->e);
	if (household.s != NULL && household.len <= ID_CHARS_MAX)
		snprintf(a.household, sizeof(a.household), "%.*s", (int)household.len, household.s);
	a.data_len = about_pack(v->e, a.data);
	about_store(t->w, subject, &a);
}

/* Can what this event is about begin what it ends? */
static bool
may_begin(const struct rule *r, const struct type *type)
{
	for (unsigned i = 0; i < r->on[ON].count; i++)
		if (r->on[ON].list[i].keys == 0 && strcmp(r->on[ON].list[i].type->subject, type->subject) == 0)
			return (true);
	return (false);
}

/* Does the rule begin with what made the subject known, so that it may hold after all when that is amended? */
static bool
begins_with(const struct rule *r, const char *type)
{
	for (unsigned i = 0; i < r->on[ON].count; i++)
		if (r->on[ON].list[i].keys == 0 && strcmp(r->on[ON].list[i].type->name, type) == 0)
			return (true);
	return (false);
}

void
concern_await(struct turn *t, const struct concern *c, struct text subject, const struct type *type, const struct fact *f)
{
	struct row_key key = row_key(subject, c->rule->id);
	char name[1 + ROW_KEY_MAX];
	struct about a;

	if (c->trigger->keys != 0 || subject.len == 0)
		return;
	if (about_load(t->w, subject, &a) && a.seq != 0) {
		if (!begins_with(c->rule, a.type))
			return;
	} else if ((c->verb != UNTIL && c->verb != CANCEL) || !may_begin(c->rule, type))
		return;
	else {
		name[0] = 'e';
		memcpy(name + 1, key.bytes, key.len);
		worker_set_timer(t->w, name, 1 + key.len, t->now + t->x->rules->keep, NULL, 0);
	}
	history_add(t, &key, f);
	oblige_caused_by(t, f->seq, subject);
}

static void
apply(struct turn *t, const struct worker_event *v, enum rule_verb verb, struct obligation *o)
{
	/* A reply before the reopening is none to it. */
	if (o->row.reopened && v->when < o->row.opened && verb == UNTIL)
		return;
	history_add(t, &o->key, &(struct fact){ verb, v->when > t->now ? t->now : v->when, v->seq });
	if (o->row.state != ROW_OPEN || (verb == PAUSE && o->row.paused != 0) || (verb == RESUME && o->row.paused == 0)) {
		/* It changes nothing, and would count if what was before it is taken back. */
		oblige_caused(t, row_subject(&o->key));
		return;
	}
	switch (verb) {
	case UNTIL:
		oblige_fulfil(t, o, v->when);
		break;
	case CANCEL:
		oblige_cancel(t, o, "closed");
		break;
	case UNLESS:
		oblige_cancel(t, o, "unless");
		break;
	case PAUSE:
		oblige_pause(t, o, v->when);
		break;
	case RESUME:
		oblige_resume(t, o, v->when);
		break;
	default:
		break;
	}
}

bool
concern_owner(struct turn *t, const struct rule *r, struct text subject, struct obligation *o)
{
	char owner[ID_CHARS_MAX + 1];

	if (!oblige_load(t, r, subject, o))
		return (false);
	if (o->row.state != ROW_JOINED)
		return (true);
	memcpy(owner, o->row.owner, sizeof(owner));
	return (oblige_load(t, r, text_of(owner), o) && o->row.state != ROW_JOINED);
}

/* Ends, pauses: of what is open.  Returns whether there was anything. */
static bool
settle(struct turn *t, const struct worker_event *v, const struct concern *c)
{
	struct text key = trigger_key(c->trigger, v->e);
	struct obligation o;

	if (c->rule->every != PERIOD_NONE) {
		if (c->verb == UNTIL)
			period_fulfil(t, c->rule, v->when, v->seq);
		return (true);
	}
	if (key.len == 0 || key.len > ID_CHARS_MAX)
		return (true);
	if (!oblige_load(t, c->rule, key, &o))
		return (false);
	if (o.row.state == ROW_JOINED && (c->verb == CANCEL || c->verb == UNLESS))
		return (true);
	if (concern_owner(t, c->rule, key, &o))
		apply(t, v, c->verb, &o);
	return (true);
}

void
concern_seen(struct turn *t, const struct row_key *at, uint64_t seq, int64_t log)
{
	uint8_t value[16];

	put_le64(value, seq);
	put_le64(value + 8, (uint64_t)log);
	worker_put(t->w, SEEN, at->bytes, at->len, value, sizeof(value));
	oblige_caused_by(t, seq, row_subject(at));
	subject_watch(t, row_subject(at));
}

bool
concern_was_seen(struct turn *t, const struct row_key *at)
{
	const void *v;
	size_t len;

	return (worker_get(t->w, SEEN, at->bytes, at->len, &v, &len));
}

static void
guard(struct turn *t, const struct worker_event *v, const struct concern *c)
{
	struct text key = trigger_key(c->trigger, v->e);
	struct row_key at;

	if (key.len == 0 || key.len > ID_CHARS_MAX)
		return;
	at = row_key(key, c->rule->id);
	if (c->verb == WITHOUT)
		concern_seen(t, &at, v->seq, t->now);
	else if (!concern_was_seen(t, &at))
		tell_violated(t, c->rule, v->e->subject.len > 0 ? v->e->subject : key, v->e, v->seq);
}

/* Reopened: what was owed of it is owed again, also what a more specific limit had replaced. */
static bool
is_reopened(struct turn *t, const struct rule *r, struct text subject, const struct about *a)
{
	struct obligation o;

	/* Its own limit is spent. */
	if (r->due == DUE_FIELD || r->every != PERIOD_NONE)
		return (false);
	if (oblige_load(t, r, subject, &o))
		return ((o.row.state == ROW_FULFILLED || o.row.state == ROW_CANCELLED) && !o.row.final);
	return (concern_begins(r, a) != NULL);
}

void
concern_update(struct turn *t, const struct worker_event *v)
{
	const struct rules *rules = t->x->rules;
	unsigned type = v->e->kind->index, count = 0, unmet = 0;
	const struct concern *c, *end, *early[RULES_MAX];
	struct mp none = mp_over(NULL, 0);
	struct opening opening[RULES_MAX];
	struct event opened_by;
	struct about about;
	bool reopens = false, of_subject = false, known;

	if (rules == NULL || rules->by_type[type].count == 0)
		return;
	c = rules->concerns + rules->by_type[type].first;
	end = c + rules->by_type[type].count;
	for (; c < end; c++) {
		struct text key;

		if (!trigger_matches(c->trigger, &none, &v->e->data, false))
			continue;
		switch (c->verb) {
		case ON:
			key = trigger_key(c->trigger, v->e);
			if (key.len > 0 && key.len <= ID_CHARS_MAX && count < RULES_MAX && (count == 0 || opening[count - 1].rule != c->rule))
				opening[count++] = (struct opening){ .rule = c->rule, .subject = key, .e = v->e, .when = v->when, .seq = v->seq };
			of_subject |= key.s == v->e->subject.s;
			break;
		case NEVER:
		case WITHOUT:
			guard(t, v, c);
			break;
		case REOPEN:
			if (!reopens)
				about_load(t->w, v->e->subject, &about);
			reopens = true;
			opened_by = (struct event){ .data = mp_over(about.data, about.data_len) };
			if (v->e->subject.len > 0 && count < RULES_MAX && is_reopened(t, c->rule, v->e->subject, &about))
				opening[count++] = (struct opening){ .rule = c->rule, .subject = v->e->subject, .e = &opened_by, .when = v->when, .seq = v->seq,
				    .reopened = true, .anew = true };
			break;
		default:
			if (!settle(t, v, c) && unmet < RULES_MAX)
				early[unmet++] = c;
		}
	}
	/* An event that opens something is no end of what it did not find: unless that may hold after all. */
	known = about_load(t->w, v->e->subject, &about) && about.seq != 0;
	for (unsigned i = 0; (known || count == 0) && i < unmet; i++)
		concern_await(t, early[i], v->e->subject, v->e->kind, &(struct fact){ early[i]->verb, v->when > t->now ? t->now : v->when, v->seq });
	if (count > 0 && of_subject)
		know(t, v);
	if (count > 0)
		oblige_open(t, opening, count);
	if (rules->by_type[type].conditional && v->e->subject.len <= ID_CHARS_MAX)
		record_keep(t, v);
}
