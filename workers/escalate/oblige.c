/* An obligation's life. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "yamltext.h"

#define TIMER_NAME_MAX	(1 + ROW_KEY_MAX)
#define MERGED_KEY_MAX	(ROW_MERGE_MAX + 1 + ID_CHARS_MAX)

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
	uint8_t key[8 + ID_CHARS_MAX];

	put_be64(key, t->seq);
	memcpy(key + 8, subject.s, subject.len);
	worker_put(t->w, CAUSES, key, 8 + subject.len, "", 0);
}

static void
forget_cause(struct turn *t, uint64_t seq, struct text subject)
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

/* ---- Merged ---- */

/* Its key without the subject; false if a field that it is merged by is missing: then it stands alone. */
static bool
merge_name(const struct opening *p, char out[ROW_MERGE_MAX + 1])
{
	size_t n;
	struct text v;

	if (p->rule->merges == 0 || p->e == NULL)
		return (false);
	n = (size_t)snprintf(out, ROW_MERGE_MAX + 1, "%s", p->rule->id);
	for (unsigned i = 0; i < p->rule->merges; i++) {
		if (!event_text(p->e, p->rule->merge[i], &v) || v.len > ID_CHARS_MAX)
			return (false);
		n += (size_t)snprintf(out + n, ROW_MERGE_MAX + 1 - n, " %.*s", (int)v.len, v.s);
	}
	return (true);
}

static size_t
merge_key(const char *merge, struct text subject, char out[MERGED_KEY_MAX])
{
	size_t n = strlen(merge) + 1;

	memcpy(out, merge, n);
	memcpy(out + n, subject.s, subject.len);
	return (n + subject.len);
}

static void
put_member(struct turn *t, const struct obligation *o)
{
	char key[MERGED_KEY_MAX];

	worker_put(t->w, MERGED, key, merge_key(o->row.merge, row_subject(&o->key), key), "", 0);
}

/* The next member of a merged obligation. */
static bool
each_member(struct turn *t, const char *merge, const struct rule *r, struct worker_walk *walk, struct obligation *o)
{
	size_t n = strlen(merge) + 1;

	while (worker_each(t->w, MERGED, merge, n, walk)) {
		struct text subject = { (const char *)walk->key + n, (uint32_t)(walk->key_len - n) };

		if (oblige_load(t, r, subject, o))
			return (true);
	}
	return (false);
}

/* An open one that this would join. */
static bool
joins(struct turn *t, const struct opening *p, const char *merge)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation owner, o = { .rule = p->rule, .key = row_key(p->subject, p->rule->id) };

	while (each_member(t, merge, p->rule, &walk, &owner))
		if (owner.row.state == ROW_OPEN) {
			struct text subject = row_subject(&owner.key);

			o.row = (struct row){ .state = ROW_JOINED, .opened = p->when, .opened_seq = p->seq, .ended = t->now };
			memcpy(o.row.owner, subject.s, subject.len);
			snprintf(o.row.merge, sizeof(o.row.merge), "%s", merge);
			snprintf(o.row.household, sizeof(o.row.household), "%s", owner.row.household);
			put_member(t, &o);
			oblige_save(t, &o);
			oblige_caused(t, p->subject);
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

/* An end that came before the beginning: a kiosk was late, the desk was not; or it was written down after it was dealt with. */
static void
meet_early(struct turn *t, struct obligation *o)
{
	const void *v;
	size_t len;
	int64_t when;
	uint64_t seq;
	bool cancels;

	if (!worker_get(t->w, EARLY, o->key.bytes, o->key.len, &v, &len) || len != 17)
		return;
	when = (int64_t)get_le64(v);
	seq = get_le64((const uint8_t *)v + 8);
	cancels = ((const uint8_t *)v)[16] != 0;
	worker_delete(t->w, EARLY, o->key.bytes, o->key.len);
	oblige_remember(t, o, cancels ? CANCEL : UNTIL, when, seq);
	if (cancels)
		oblige_cancel(t, o, "closed");
	else
		oblige_fulfil(t, o, when);
	o->row.ended_seq = seq;
	row_store(t->w, &o->key, &o->row);
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
	struct text household;
	char merge[ROW_MERGE_MAX + 1], what[32];
	bool known;

	row_load(t->w, &o.key, &o.row);
	o.row = (struct row){ .was_open = o.row.was_open, .was_due = o.row.was_due, .state = ROW_OPEN, .opened = p->when, .opened_seq = p->seq,
	    .reopened = p->reopened };
	if (!first_due(t, p, &o.row)) {
		worker_fail(t->w, "rule %s has no due that the calendar can tell", p->rule->id);
		return;
	}
	if ((known = about_load(t->w, p->subject, &a)))
		memcpy(o.row.household, a.household, sizeof(a.household));
	else if (p->e != NULL && event_text(p->e, "household", &household) && household.len <= ID_CHARS_MAX)
		memcpy(o.row.household, household.s, household.len);
	/* A warning for which it is too late is none. */
	o.row.warned = t->now;
	if (merge_name(p, merge)) {
		snprintf(o.row.merge, sizeof(o.row.merge), "%s", merge);
		put_member(t, &o);
	}
	tell_obligation(t, &o, "obligation.opened", p->reopened ? "reopened" : NULL, false);
	for (unsigned i = 0; i < p->rule->tells; i++) {
		o.row.told = t->now;
		snprintf(what, sizeof(what), "opened.%u", i);
		tell_step(t, &o, &p->rule->tell[i], "obligation-opened", what);
	}
	oblige_save(t, &o);
	oblige_caused(t, p->subject);
	if (!p->reopened)
		meet_early(t, &o);
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
		if (merge_name(&all[i], merge) && joins(t, &all[i], merge))
			continue;
		open_one(t, &all[i]);
		replace_others(t, &all[i]);
	}
}

/* ---- Ended ---- */

/* Those that had joined: they are done with it, or the first of them takes its place. */
static void
leave_members(struct turn *t, struct obligation *o, bool fulfilled)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation member, heir;
	bool inherited = false;

	if (o->row.merge[0] == '\0')
		return;
	while (each_member(t, o->row.merge, o->rule, &walk, &member)) {
		if (fulfilled || (member.key.len == o->key.len && memcmp(member.key.bytes, o->key.bytes, o->key.len) == 0)) {
			worker_delete(t->w, MERGED, walk.key, walk.key_len);
		} else if (member.row.state == ROW_JOINED && !inherited) {
			heir = member;
			heir.row = (struct row){ .state = ROW_OPEN, .opened = member.row.opened, .opened_seq = member.row.opened_seq, .term = o->row.term,
			    .fixed = o->row.fixed, .warned = t->now };
			memcpy(heir.row.household, member.row.household, sizeof(heir.row.household));
			memcpy(heir.row.merge, member.row.merge, sizeof(heir.row.merge));
			plan_due(t->x, &heir.row);
			tell_obligation(t, &heir, "obligation.opened", NULL, false);
			oblige_save(t, &heir);
			inherited = true;
		} else if (member.row.state == ROW_JOINED) {
			struct text owner = row_subject(&heir.key);

			snprintf(member.row.owner, sizeof(member.row.owner), "%.*s", (int)owner.len, owner.s);
			oblige_save(t, &member);
		}
	}
}

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
	leave_members(t, o, state == ROW_FULFILLED);
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
oblige_rearm(struct turn *t, struct obligation *o)
{
	o->row.state = ROW_OPEN;
	o->row.ended = 0;
	o->row.ended_seq = 0;
	o->row.final = o->row.superseded = false;
	plan_due(t->x, &o->row);
	if (o->row.warned < t->now)
		o->row.warned = t->now;
	if (o->row.merge[0] != '\0')
		put_member(t, o);
	tell_obligation(t, o, "obligation.opened", "retracted", false);
	oblige_save(t, o);
}

/* ---- What happened, and what would have without one of it ---- */

void
oblige_remember(struct turn *t, struct obligation *o, enum rule_verb verb, int64_t when, uint64_t seq)
{
	struct row *r = &o->row;

	if (r->facts < FACTS_MAX)
		r->fact[r->facts++] = (struct fact){ verb, when > t->now ? t->now : when, seq };
}

static bool
drop_fact(struct row *r, uint64_t seq)
{
	for (unsigned i = 0; i < r->facts; i++)
		if (r->fact[i].seq == seq) {
			r->facts--;
			memmove(&r->fact[i], &r->fact[i + 1], (r->facts - i) * sizeof(r->fact[0]));
			return (true);
		}
	return (false);
}

static void	credit(const struct escalate *, struct row *, int64_t until);

/* Pauses anew, up to the first end that is left: returned, or NULL. */
static const struct fact *
first_end(const struct escalate *x, struct row *r)
{
	r->paused = r->credit = r->credit_days = 0;
	for (unsigned i = 0; i < r->facts; i++) {
		const struct fact *f = &r->fact[i];

		if (f->verb == UNTIL || f->verb == CANCEL)
			return (f);
		if (f->verb == PAUSE && r->paused == 0) {
			r->paused = f->when < r->opened ? r->opened : f->when;
			r->paused_seq = f->seq;
		} else if (f->verb == RESUME && r->paused != 0) {
			/* After the breach it was the ladder that waited. */
			if (!r->breached || r->paused < r->breach)
				credit(x, r, f->when < r->paused ? r->paused : f->when);
			r->paused = 0;
		}
	}
	return (NULL);
}

/* It was over, and is so by another event. */
static void
end_by(struct turn *t, struct obligation *o, const struct fact *by)
{
	const struct fact f = *by;

	oblige_rearm(t, o);
	if (!o->row.breached && f.when > o->row.due) {
		o->row.breached = true;
		o->row.breach = t->now;
		tell_obligation(t, o, "obligation.breached", NULL, false);
	}
	if (f.verb == UNTIL)
		oblige_fulfil(t, o, f.when);
	else
		oblige_cancel(t, o, "closed");
	o->row.ended_seq = f.seq;
	row_store(t->w, &o->key, &o->row);
}

bool
oblige_without(struct turn *t, struct obligation *o, uint64_t seq)
{
	struct row *r = &o->row;
	const struct fact *f;
	int64_t due = r->due;

	if (!drop_fact(r, seq))
		return (false);
	/* Waived, linked or taken back: what happened before no longer matters. */
	if (r->final || r->superseded) {
		row_store(t->w, &o->key, r);
		return (true);
	}
	f = first_end(t->x, r);
	if (r->state == ROW_OPEN) {
		if (r->breached)
			oblige_save(t, o);
		else
			oblige_reschedule(t, o, "retracted");
	} else if (f == NULL) {
		oblige_rearm(t, o);
	} else {
		r->paused = 0;
		plan_due(t->x, r);
		/* The end is the same one, and was it in time either way, nobody need hear of it. */
		if (f->seq == r->ended_seq && (r->breached || f->when <= r->due || due == r->due))
			row_store(t->w, &o->key, r);
		else
			end_by(t, o, f);
	}
	return (true);
}

/* ---- Time that does not count ---- */

void
oblige_pause(struct turn *t, struct obligation *o, int64_t when)
{
	if (o->row.paused != 0)
		return;
	o->row.paused = when < o->row.opened ? o->row.opened : when > t->now ? t->now : when;
	o->row.paused_seq = t->seq;
	oblige_save(t, o);
	oblige_caused(t, row_subject(&o->key));
}

/* Days on which it rested at midnight: those that the term counts. */
static int64_t
days_between(const struct escalate *x, const struct row *o, int64_t until)
{
	int64_t day, last, n = 0;
	struct calendar_day d;

	if (x->calendar == NULL || !calendar_day_of(x->calendar, o->paused, &day) || !calendar_day_of(x->calendar, until, &last))
		return (0);
	for (; day < last && calendar_day(x->calendar, day, &d); day++)
		n += d.working || o->term.mode == CALENDAR_DAYS;
	return (n);
}

static void
credit(const struct escalate *x, struct row *r, int64_t until)
{
	if (!r->fixed && calendar_mode_counts_days(r->term.mode))
		r->credit_days += days_between(x, r, until);
	else if (!r->fixed && r->term.mode == CALENDAR_HOURS && x->calendar != NULL)
		r->credit += calendar_worked(x->calendar, r->paused, until);
	else
		r->credit += until - r->paused;
}

void
oblige_resume(struct turn *t, struct obligation *o, int64_t when)
{
	struct row *r = &o->row;
	int64_t until = when > t->now ? t->now : when;

	if (r->paused == 0)
		return;
	if (until < r->paused)
		until = r->paused;
	if (r->breached)
		r->shift += until - (r->paused > r->breach ? r->paused : r->breach);
	else
		credit(t->x, r, until);
	r->paused = 0;
	oblige_caused(t, row_subject(&o->key));
	if (r->breached)
		oblige_save(t, o);
	else
		oblige_reschedule(t, o, "resumed");
}

void
oblige_rest(struct turn *t, struct obligation *o, int64_t until)
{
	struct row *r = &o->row;

	if (until <= t->now)
		return;
	/* The ladder goes on where it was, later by as long as it rests. */
	if (r->breached && until > r->rest)
		r->shift += until - (r->rest > t->now ? r->rest : t->now);
	r->rest = until;
	r->rest_seq = t->seq;
	oblige_save(t, o);
	oblige_caused(t, row_subject(&o->key));
}

void
oblige_reschedule(struct turn *t, struct obligation *o, const char *reason)
{
	int64_t before = o->row.due;

	if (!plan_due(t->x, &o->row)) {
		worker_fail(t->w, "rule %s has no due that the calendar can tell", o->rule->id);
		return;
	}
	if (o->row.warned < t->now)
		o->row.warned = t->now;
	if (o->row.due != before)
		tell_obligation(t, o, "obligation.rescheduled", reason, false);
	oblige_save(t, o);
}

/* ---- Its timer ---- */

static void
step(struct turn *t, struct obligation *o, unsigned n, bool repeated)
{
	const struct step *s = &o->rule->step[n];
	char what[32];

	if (repeated) {
		o->row.repeats++;
	} else {
		o->row.level = n + 1;
		o->row.repeats = 0;
		tell_escalated(t, o, s);
	}
	o->row.told = t->now;
	snprintf(what, sizeof(what), "step.%u.%u", n + 1, o->row.repeats);
	tell_step(t, o, s, "obligation-breached", what);
}

static void
again(struct turn *t, struct obligation *o)
{
	struct row *r = &o->row;

	r->rest = 0;
	r->told = t->now;
	/* It was seen, and then forgotten: whoever was told last hears it again. */
	tell_role(t, o, r->level > 0 ? o->rule->step[r->level - 1].role : o->rule->role, "obligation-forgotten", "again");
}

static void
perform(struct turn *t, struct obligation *o, const struct plan *p)
{
	struct row *r = &o->row;

	switch (p->act) {
	case ACT_WARN:
		r->warned = p->at;
		r->told = t->now;
		tell_obligation(t, o, "obligation.warned", NULL, false);
		tell_role(t, o, HANDLER, "obligation-warned", "warned");
		break;
	case ACT_BREACH:
		r->breached = true;
		r->breach = t->now;
		if (r->rest > t->now)
			r->shift += r->rest - t->now;
		tell_obligation(t, o, "obligation.breached", NULL, false);
		break;
	case ACT_AGAIN:
		again(t, o);
		break;
	case ACT_STEP:
		step(t, o, p->step, false);
		break;
	case ACT_REPEAT:
		step(t, o, p->step, true);
		break;
	case ACT_FORGET:
	case ACT_NONE:
		break;
	}
}

/* It has been over for long: nobody will take it back any more. */
static void
forget(struct turn *t, struct obligation *o)
{
	struct text subject = row_subject(&o->key);
	struct subject_walk s = { .walk.key_len = 0 };
	char key[MERGED_KEY_MAX];
	struct about a;

	if (o->row.merge[0] != '\0')
		worker_delete(t->w, MERGED, key, merge_key(o->row.merge, subject, key));
	forget_cause(t, o->row.opened_seq, subject);
	forget_cause(t, o->row.ended_seq, subject);
	forget_cause(t, o->row.rest_seq, subject);
	for (unsigned i = 0; i < o->row.facts; i++)
		forget_cause(t, o->row.fact[i].seq, subject);
	row_delete(t->w, &o->key, &o->row);
	if (oblige_each(t, subject, &s))
		return;
	if (about_load(t->w, subject, &a)) {
		forget_cause(t, a.over_seq, subject);
		forget_cause(t, a.parent_seq, subject);
		forget_cause(t, a.handler_seq, subject);
		worker_delete(t->w, SUBJECTS, subject.s, subject.len);
	}
}

void
oblige_due(struct turn *t, const struct row_key *key)
{
	struct obligation o = { .key = *key };
	struct text rule = row_rule(key);
	struct plan p;

	if (!row_load(t->w, key, &o.row))
		return;
	/* The rule has gone meanwhile: nothing is owed. */
	if ((o.rule = rules_find(t->x->rules, rule.s, rule.len)) == NULL) {
		row_delete(t->w, key, &o.row);
		return;
	}
	while ((p = plan_next(t->x, o.rule, &o.row)).act != ACT_NONE && p.at <= t->now) {
		if (p.act == ACT_FORGET) {
			forget(t, &o);
			return;
		}
		perform(t, &o, &p);
	}
	oblige_save(t, &o);
}
