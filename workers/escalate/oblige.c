/* An obligation's life, from the opening to its end. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "yamltext.h"

#define TIMER_NAME_MAX	(1 + ROW_KEY_MAX)

/* ---- Stored ---- */

void
oblige_save(struct turn *t, struct obligation *o)
{
	struct plan p = plan_next(t->x, o->rule, &o->row);
	char name[TIMER_NAME_MAX];

	row_store(t->w, &o->key, &o->row);
	name[0] = 'o';
	memcpy(name + 1, o->key.bytes, o->key.len);
	/* What is overdue when it becomes known is overdue from then. */
	if (p.act != ACT_NONE)
		worker_set_timer(t->w, name, 1 + o->key.len, p.at > t->now ? p.at : t->now, NULL, 0);
	else
		worker_cancel_timer(t->w, name, 1 + o->key.len);
}

bool
oblige_load(struct turn *t, const struct rule *r, struct text subject, struct obligation *o)
{
	o->rule = r;
	o->key = row_key(subject, r->id);
	o->row = (struct row){ .state = ROW_NONE };
	return (row_load(t->w, &o->key, &o->row));
}

void
oblige_caused(struct turn *t, struct text subject)
{
	oblige_caused_by(t, t->seq, subject);
}

void
oblige_caused_by(struct turn *t, uint64_t seq, struct text subject)
{
	uint8_t key[8 + ID_CHARS_MAX];

	put_be64(key, seq);
	memcpy(key + 8, subject.s, subject.len);
	worker_put(t->w, CAUSES, key, 8 + subject.len, "", 0);
}

void
oblige_uncaused(struct turn *t, uint64_t seq, struct text subject)
{
	uint8_t key[8 + ID_CHARS_MAX];

	put_be64(key, seq);
	memcpy(key + 8, subject.s, subject.len);
	worker_delete(t->w, CAUSES, key, 8 + subject.len);
}

bool
oblige_each(struct turn *t, struct text subject, struct subject_walk *s)
{
	char prefix[ID_CHARS_MAX + 1];

	memcpy(prefix, subject.s, subject.len);
	prefix[subject.len] = '\0';
	while (worker_each(t->w, OBLIGATIONS, prefix, subject.len + 1, &s->walk)) {
		struct text rule;

		if (!row_key_read(&s->o.key, s->walk.key, s->walk.key_len) || !row_read(&s->o.row, s->walk.value, s->walk.value_len))
			continue;
		rule = row_rule(&s->o.key);
		/* A rule that is no more owes nothing. */
		if ((s->o.rule = rules_find(t->x->rules, rule.s, rule.len)) != NULL)
			return (true);
	}
	return (false);
}

/* ---- Opened ---- */

bool
oblige_limit(const struct escalate *x, const struct event *e, const char *field, int64_t *at)
{
	struct text date;
	const char *behind;
	int64_t day;
	char text[16];

	/* Beyond all calendars is no limit at all: then the general one holds. */
	if (event_instant(e, field, at))
		return (x->calendar == NULL || calendar_day_of(x->calendar, *at - 1, &day));
	if (!event_text(e, field, &date) || date.len != 10 || x->calendar == NULL)
		return (false);
	snprintf(text, sizeof(text), "%.10s", date.s);
	return ((behind = yamltext_date(text, 0, &day)) != NULL && *behind == '\0' && calendar_clock(x->calendar, day, 1440, at));
}

static bool
first_due(struct turn *t, const struct opening *p, struct row *o)
{
	struct span_of_time period;

	o->fixed = p->rule->due != DUE_TERM;
	o->term = p->rule->term;
	if (p->rule->due == DUE_PERIOD && p->rule->once != PERIOD_NONE && period_of(t->x->calendar, p->rule->once, p->when, &period))
		o->term.n = period.end;
	else if (p->rule->due == DUE_PERIOD)
		o->term.n = p->fixed;
	else if (p->rule->due == DUE_FIELD && !oblige_limit(t->x, p->e, p->rule->due_field, &o->term.n))
		return (false);
	return (plan_due(t->x, o));
}

/* It belongs to another case that has the same obligation. */
static void
meet_parent(struct turn *t, struct obligation *o, const struct about *a)
{
	struct obligation parent;

	if (o->row.state == ROW_OPEN && a->parent[0] != '\0' && oblige_load(t, o->rule, text_of(a->parent), &parent) &&
	    (parent.row.state == ROW_OPEN || parent.row.state == ROW_FULFILLED)) {
		o->row.final = true;
		oblige_cancel(t, o, "linked");
	}
}

static void
open_one(struct turn *t, const struct opening *p)
{
	struct obligation o = { .rule = p->rule, .key = row_key(p->subject, p->rule->id) };
	struct about a;
	struct fact end;
	struct text household;
	char merge[ROW_MERGE_MAX + 1], what[32];
	bool known = about_load(t->w, p->subject, &a), over = false;

	row_load(t->w, &o.key, &o.row);
	/* An end that came before the beginning counts: a kiosk was late, the desk was not.  Of one that begins again it does not. */
	if (p->anew || (!p->amended && (o.row.state != ROW_NONE || (known && a.seq != 0 && a.seq != p->seq))))
		history_leave(t, &o);
	/* Known to be owed to nobody: an end of it, so that it counts no longer when that is amended or taken back. */
	if (known && concern_spares(p->rule, &a))
		history_add(t, &o.key, &(struct fact){ UNLESS, a.when, a.seq });
	/* Taken back and entered again is a beginning anew, too. */
	o.row = (struct row){ .was_open = o.row.was_open, .was_due = o.row.was_due, .state = ROW_OPEN, .opened = p->when, .opened_seq = p->seq,
	    .reopened = p->reopened || (o.row.final && o.row.superseded) };
	if (!first_due(t, p, &o.row)) {
		worker_fail(t->w, "rule %s has no due that the calendar can tell", p->rule->id);
		return;
	}
	over = history_end(t, &o, &end);
	if (o.row.credit != 0 || o.row.credit_days != 0)
		plan_due(t->x, &o.row);
	if (known)
		memcpy(o.row.household, a.household, sizeof(a.household));
	else if (p->e != NULL && event_text(p->e, "household", &household) && household.len <= ID_CHARS_MAX)
		memcpy(o.row.household, household.s, household.len);
	/* A warning for which it is too late is none. */
	o.row.warned = t->now;
	if (merge_name(p, merge)) {
		snprintf(o.row.merge, sizeof(o.row.merge), "%s", merge);
		merge_put(t, &o);
	}
	tell_obligation(t, &o, "obligation.opened", p->reopened ? "reopened" : p->amended ? "amended" : NULL, false);
	for (unsigned i = 0; i < p->rule->tells; i++) {
		o.row.told = t->now;
		snprintf(what, sizeof(what), "opened.%u", i);
		tell_step(t, &o, &p->rule->tell[i], "obligation-opened", what);
	}
	oblige_save(t, &o);
	oblige_caused_by(t, p->seq, p->subject);
	if (over)
		history_meet(t, &o, &end);
	if (known)
		meet_parent(t, &o, &a);
}

/* Is it open already, or was it, and is that enough? */
static bool
is_wanted(struct turn *t, const struct opening *p)
{
	struct span_of_time before, now;
	struct obligation o;
	int64_t limit;

	if (!oblige_load(t, p->rule, p->subject, &o))
		return (true);
	if (o.row.state == ROW_OPEN && p->rule->due == DUE_FIELD && p->rule->again && oblige_limit(t->x, p->e, p->rule->due_field, &limit)) {
		/* Another limit for what is owed already. */
		o.row.term.n = limit;
		if (!o.row.breached)
			oblige_reschedule(t, &o, "extended");
		return (false);
	}
	if (o.row.state == ROW_OPEN || o.row.state == ROW_JOINED)
		return (o.row.state == ROW_JOINED && p->rule->again);
	if (p->reopened || o.row.superseded)
		return (true);
	if (p->rule->once != PERIOD_NONE && period_of(t->x->calendar, p->rule->once, o.row.opened, &before) &&
	    period_of(t->x->calendar, p->rule->once, p->when, &now))
		return (before.begin != now.begin);
	return (p->rule->again);
}

static bool
same_group(const struct rule *a, const struct rule *b)
{
	return (a->group != NULL && b->group != NULL && strcmp(a->group, b->group) == 0);
}

/* A more specific rule takes the place of this one: among those to open, or among those that are open. */
static bool
is_replaced(struct turn *t, const struct opening *p, const struct opening *all, unsigned count)
{
	struct subject_walk s = { .walk.key_len = 0 };

	if (p->rule->group == NULL)
		return (false);
	for (unsigned i = 0; i < count; i++)
		if (same_group(p->rule, all[i].rule) && all[i].rule->priority > p->rule->priority)
			return (true);
	while (oblige_each(t, p->subject, &s))
		if (s.o.row.state == ROW_OPEN && same_group(p->rule, s.o.rule) && s.o.rule->priority > p->rule->priority)
			return (true);
	return (false);
}

static void
replace_others(struct turn *t, const struct opening *p)
{
	struct subject_walk s = { .walk.key_len = 0 };

	if (p->rule->group == NULL)
		return;
	while (oblige_each(t, p->subject, &s))
		if (s.o.row.state == ROW_OPEN && same_group(p->rule, s.o.rule) && s.o.rule->priority < p->rule->priority) {
			s.o.row.superseded = true;
			oblige_cancel(t, &s.o, "replaced");
		}
}

void
oblige_open(struct turn *t, struct opening *all, unsigned count)
{
	char merge[ROW_MERGE_MAX + 1];
	unsigned wanted = 0;
	int64_t limit;

	for (unsigned i = 0; i < count; i++)
		if (is_wanted(t, &all[i]) && (all[i].rule->due != DUE_FIELD || oblige_limit(t->x, all[i].e, all[i].rule->due_field, &limit)))
			all[wanted++] = all[i];
	for (unsigned i = 0; i < wanted; i++) {
		if (is_replaced(t, &all[i], all, wanted))
			continue;
		if (merge_name(&all[i], merge) && merge_joins(t, &all[i], merge))
			continue;
		open_one(t, &all[i]);
		replace_others(t, &all[i]);
	}
}

/* ---- Ended ---- */

static void
end(struct turn *t, struct obligation *o, enum row_state state)
{
	o->row.state = state;
	o->row.ended = t->now;
	o->row.ended_seq = t->seq;
	o->row.paused = 0;
	o->row.rest = 0;
	oblige_save(t, o);
	oblige_caused(t, row_subject(&o->key));
	merge_left(t, o, state == ROW_FULFILLED);
}

void
oblige_fulfil(struct turn *t, struct obligation *o, int64_t when)
{
	tell_obligation(t, o, "obligation.fulfilled", NULL, o->row.breached && when <= o->row.due);
	end(t, o, ROW_FULFILLED);
}

void
oblige_cancel(struct turn *t, struct obligation *o, const char *reason)
{
	tell_obligation(t, o, "obligation.cancelled", reason, false);
	end(t, o, ROW_CANCELLED);
}

void
oblige_rearm(struct turn *t, struct obligation *o, const char *reason)
{
	o->row.state = ROW_OPEN;
	o->row.ended = 0;
	o->row.ended_seq = 0;
	o->row.final = o->row.superseded = false;
	plan_due(t->x, &o->row);
	if (o->row.warned < t->now)
		o->row.warned = t->now;
	if (o->row.merge[0] != '\0')
		merge_put(t, o);
	tell_obligation(t, o, "obligation.opened", reason, false);
	oblige_save(t, o);
}

