/* What it can be asked: what is open, and all about one case. */
#include "escalate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfc3339.h"

#define SUBJECT_ROWS_MAX	RULES_MAX

struct filter {
	struct text role, rule, subject;
	bool has_before;
	int64_t before;
};

static const char *
state_name(const struct row *r)
{
	switch (r->state) {
	case ROW_FULFILLED:
		return ("fulfilled");
	case ROW_CANCELLED:
		return ("cancelled");
	case ROW_JOINED:
		return ("merged");
	default:
		return (r->paused != 0 ? "paused" : r->rest != 0 ? "acknowledged" : r->breached ? "breached" : "running");
	}
}

static bool
read_instant(const struct escalate *x, struct text t, int64_t *at)
{
	int64_t seconds;
	uint32_t nanos;

	if (x->calendar != NULL)
		return (calendar_read_instant(x->calendar, t.s, t.len, at));
	if (!rfc3339_parse(t.s, t.len, &seconds, &nanos))
		return (false);
	*at = seconds * SECOND_NS + nanos;
	return (true);
}

static int
refuse_role(struct worker *w, const char *role)
{
	const char *near = roster_role_nearest(role);

	if (near != NULL)
		return (worker_refuse(w, E_ARGUMENT, "role", "there is no such role; did you mean %s?", near));
	return (worker_refuse(w, E_ARGUMENT, "role", "there is no such role; `estate types case.assigned` lists them"));
}

static int
read_filter(struct worker *w, struct filter *f)
{
	const struct escalate *x = worker_user(w);
	char role[64];
	struct text t;

	memset(f, 0, sizeof(*f));
	worker_asked_text(w, "rule", RULE_ID_MAX, &f->rule);
	worker_asked_text(w, "subject", ID_CHARS_MAX, &f->subject);
	if (worker_asked_text(w, "role", sizeof(role) - 1, &t)) {
		snprintf(role, sizeof(role), "%.*s", (int)t.len, t.s);
		if (roster_role(role) == NULL)
			return (refuse_role(w, role));
		f->role = text_of(roster_role(role));
	}
	if ((f->has_before = worker_asked_text(w, "due_before", 64, &t)) && !read_instant(x, t, &f->before))
		return (worker_refuse(w, E_ARGUMENT, "due_before", "an instant is written 2026-11-25T18:00:00+08:00"));
	return (0);
}

static bool
passes(const struct filter *f, const struct obligation *o)
{
	return ((f->role.len == 0 || mp_equal(f->role.s, f->role.len, o->rule->role)) &&
	    (f->rule.len == 0 || mp_equal(f->rule.s, f->rule.len, o->rule->id)) && (!f->has_before || o->row.due < f->before));
}

/* What comes next, and who will hear of it if it comes to that. */
static void
reply_next(struct worker *w, const struct obligation *o)
{
	const struct escalate *x = worker_user(w);
	struct plan p = plan_next(x, o->rule, &o->row);
	const char *role = o->rule->role;
	struct recipients to;
	struct about a;
	char step[32];

	if (o->row.state != ROW_OPEN || p.act == ACT_NONE || p.act == ACT_FORGET)
		return;
	snprintf(step, sizeof(step), "%s", p.act == ACT_WARN ? "warn" : p.act == ACT_BREACH ? "breach" : "again");
	if (p.act == ACT_STEP || p.act == ACT_REPEAT) {
		role = o->rule->step[p.step].role;
		snprintf(step, sizeof(step), "step %u", p.step + 1);
	} else if (p.act == ACT_BREACH && o->rule->steps > 0)
		role = o->rule->step[0].role;
	else if (p.act == ACT_AGAIN && plan_told_last(o->rule, &o->row) != NULL)
		role = plan_told_last(o->rule, &o->row)->role;
	else if (p.act == ACT_WARN)
		role = HANDLER;
	if (strcmp(role, HANDLER) == 0 && !(about_load(w, row_subject(&o->key), &a) && a.handler[0] != '\0'))
		role = o->rule->role;
	duty_resolve(w, x, row_subject(&o->key), role, false, p.at, &to);
	worker_reply_map(w, "next");
	worker_reply_instant(w, "at", p.at);
	worker_reply(w, "step", text_of(step));
	worker_reply(w, "role", text_of(strcmp(to.role, HANDLER) == 0 ? a.handler_role : to.role));
	if (to.staff)
		worker_reply(w, "staff", text_of(to.list[0].id));
	worker_reply_end(w);
}

/* Who has it now: the handler of the case, else whoever is on duty in the role. */
static void
reply_staff(struct worker *w, const struct obligation *o)
{
	struct recipients to;
	struct about a;

	if (about_load(w, row_subject(&o->key), &a) && a.handler[0] != '\0') {
		worker_reply(w, "staff", text_of(a.handler));
		return;
	}
	duty_resolve(w, worker_user(w), row_subject(&o->key), o->rule->role, false, worker_now(w), &to);
	if (to.staff)
		worker_reply(w, "staff", text_of(to.list[0].id));
}

static void
reply_obligation(struct worker *w, const struct obligation *o)
{
	char id[OBLIGATION_SIZE], term[TERM_TEXT_SIZE];

	obligation_id(&o->key, id);
	worker_reply(w, "obligation", text_of(id));
	worker_reply(w, "rule", text_of(o->rule->id));
	worker_reply(w, "subject", row_subject(&o->key));
	worker_reply(w, "role", text_of(o->rule->role));
	reply_staff(w, o);
	worker_reply_instant(w, "opened", o->row.opened);
	worker_reply_instant(w, "due", o->row.due);
	worker_reply(w, "state", text_of(state_name(&o->row)));
	worker_reply_bool(w, "breached", o->row.breached);
	worker_reply_int(w, "level", o->row.level);
	reply_next(w, o);
	worker_reply_bool(w, "provisional", o->row.provisional);
	if (o->row.household[0] != '\0')
		worker_reply(w, "household", text_of(o->row.household));
	worker_reply(w, "term", text_of(term_text(o->rule, term)));
}

static int
by_due(const void *a, const void *b)
{
	const struct obligation *x = a, *y = b;

	if (x->row.due != y->row.due)
		return (x->row.due < y->row.due ? -1 : 1);
	return (strcmp(x->rule->id, y->rule->id));
}

/* All of a subject, by due; ended ones too if wanted.  Returns how many; free what it gives. */
static unsigned
of_subject(struct worker *w, struct text subject, bool ended, struct obligation **list)
{
	struct turn t = { w, worker_user(w), worker_now(w), 0 };
	struct subject_walk s = { .walk.key_len = 0 };
	unsigned n = 0;

	*list = calloc(SUBJECT_ROWS_MAX, sizeof(**list));
	while (*list != NULL && n < SUBJECT_ROWS_MAX && oblige_each(&t, subject, &s))
		if (ended || s.o.row.state == ROW_OPEN)
			(*list)[n++] = s.o;
	if (n > 0)
		qsort(*list, n, sizeof(**list), by_due);
	return (n);
}

static int
ask_open(struct worker *w)
{
	const struct escalate *x = worker_user(w);
	struct worker_walk walk = { .key_len = 0 };
	struct obligation o, *list;
	struct filter f;

	if (read_filter(w, &f) != 0)
		return (-1);
	worker_reply_list(w, "rows");
	if (f.subject.len > 0) {
		unsigned n = of_subject(w, f.subject, false, &list);

		for (unsigned i = 0; i < n; i++)
			if (passes(&f, &list[i])) {
				worker_reply_row(w);
				reply_obligation(w, &list[i]);
			}
		free(list);
		return (0);
	}
	while (worker_each_row(w, DUES, NULL, 0, &walk)) {
		struct text rule;

		if (walk.key_len <= 8 || !row_key_read(&o.key, walk.key + 8, walk.key_len - 8) || !row_load(w, &o.key, &o.row))
			continue;
		rule = row_rule(&o.key);
		if ((o.rule = rules_find(x->rules, rule.s, rule.len)) == NULL || !passes(&f, &o))
			continue;
		worker_reply_row(w);
		reply_obligation(w, &o);
	}
	return (0);
}

static void
reply_day(void *user, const struct calendar_step *s)
{
	struct worker *w = user;
	int64_t year;
	unsigned month, day;
	char date[32];

	rfc3339_civil(s->day.day, &year, &month, &day);
	snprintf(date, sizeof(date), "%04d-%02u-%02u", (int)year, month, day);
	worker_reply_row(w);
	worker_reply(w, "date", text_of(date));
	worker_reply(w, "kind", text_of(calendar_kind_name(s->day.kind)));
	if (s->day.name != NULL)
		worker_reply(w, "name", text_of(s->day.name));
	worker_reply_int(w, "counted", s->counted);
	if (s->start)
		worker_reply_bool(w, "start", true);
	if (s->day.provisional)
		worker_reply_bool(w, "provisional", true);
}

/* Why it is due then. */
static void
reply_why(struct worker *w, const struct obligation *o)
{
	const struct escalate *x = worker_user(w);
	struct calendar_term t = o->row.term;

	if (o->rule->clause != NULL)
		worker_reply(w, "clause", text_of(o->rule->clause));
	if (o->rule->quote != NULL)
		worker_reply(w, "quote", text_of(o->rule->quote));
	worker_reply_int(w, "event", (int64_t)o->row.opened_seq);
	if (o->row.state == ROW_JOINED) {
		worker_reply(w, "joined", text_of(o->row.owner));
		return;
	}
	if (o->row.ended_seq != 0)
		worker_reply_int(w, "ended_by", (int64_t)o->row.ended_seq);
	if (o->row.credit != 0)
		worker_reply_int(w, "credit_s", o->row.credit / SECOND_NS);
	if (o->row.credit_days != 0)
		worker_reply_int(w, "credit_days", o->row.credit_days);
	if (o->row.fixed || x->calendar == NULL || t.mode == CALENDAR_ELAPSED)
		return;
	t.n += calendar_mode_counts_days(t.mode) ? o->row.credit_days : o->row.credit;
	worker_reply_list(w, "days");
	calendar_explain(x->calendar, &t, o->row.opened, reply_day, w);
	worker_reply_end(w);
}

static int
ask_case(struct worker *w)
{
	struct obligation *list;
	struct text subject;
	struct about a;
	unsigned n;

	if (!worker_asked_text(w, "subject", ID_CHARS_MAX, &subject))
		return (worker_refuse(w, E_ARGUMENT, "subject", "which case? subject=C-17"));
	if (about_load(w, subject, &a)) {
		if (a.handler[0] != '\0')
			worker_reply(w, "handler", text_of(a.handler));
		if (a.parent[0] != '\0')
			worker_reply(w, "linked_to", text_of(a.parent));
		if (a.household[0] != '\0')
			worker_reply(w, "household", text_of(a.household));
	}
	n = of_subject(w, subject, true, &list);
	worker_reply_list(w, "rows");
	for (unsigned i = 0; i < n; i++) {
		worker_reply_row(w);
		reply_obligation(w, &list[i]);
		reply_why(w, &list[i]);
	}
	free(list);
	return (0);
}

const struct worker_query ask_queries[] = {
	{ "open", "role subject rule due_before", "what is owed, the next deadline first: who has it, and who hears of it next", ask_open },
	{ "case", "subject", "all that was and is owed of one case, and why: rule, quote, the days that were counted", ask_case },
	{ NULL, NULL, NULL, NULL },
};
