/* Its timer: what is said when nothing happened in time, and when it is forgotten. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

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
	const struct step *last = plan_told_last(o->rule, &o->row);
	struct row *r = &o->row;

	r->rest = 0;
	r->told = t->now;
	/* It was seen, and then forgotten: whoever was told last hears it again. */
	tell_role(t, o, last != NULL ? last->role : o->rule->role, "obligation-forgotten", "again");
}

static void
perform(struct turn *t, struct obligation *o, const struct plan *p)
{
	struct row *r = &o->row;

	switch (p->act) {
	case ACT_WARN:
		/* Those whose time came while it rested are one. */
		r->warned = t->now;
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

	merge_forget(t, o);
	history_leave(t, o);
	row_delete(t->w, &o->key, &o->row);
	subject_tidy(t, subject);
}

void
oblige_due(struct turn *t, const struct row_key *key)
{
	struct obligation o = { .key = *key };
	struct text rule = row_rule(key);
	struct plan p;

	if (!row_load(t->w, key, &o.row))
		return;
	/* The rule has gone, and did not come back in all that time. */
	if ((o.rule = rules_find(t->x->rules, rule.s, rule.len)) == NULL) {
		forget(t, &o);
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
