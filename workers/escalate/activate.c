/* Another calendar, other rules: what is open is put right. */
#include "escalate.h"

#include <stdio.h>

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
activate_calendar(struct turn *t)
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
activate_rules(struct turn *t)
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
