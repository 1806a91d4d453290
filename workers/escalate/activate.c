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
	struct fact end;

	while (each_open(t, &walk, &o)) {
		before = o.row;
		/* A breach stays: it was one by what was known then.  What was moved once lies behind its own place and is met again, unchanged. */
		if (o.rule == NULL || o.row.breached)
			continue;
		/* Of the time that did not count the days are others, too. */
		if (history_end(t, &o, &end))
			o.row = before;
		if (!plan_due(t->x, &o.row) || (o.row.due == before.due && o.row.last_day == before.last_day &&
		    o.row.provisional == before.provisional && o.row.credit == before.credit && o.row.credit_days == before.credit_days))
			continue;
		o.row.due = before.due;
		oblige_reschedule(t, &o, "calendar");
	}
}

/* A rule that was left out, by mistake perhaps, is there again: what was owed by it is, whatever the time. */
static void
come_back(struct turn *t)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation o;

	while (worker_each(t->w, OBLIGATIONS, NULL, 0, &walk)) {
		struct text rule;

		if (!row_key_read(&o.key, walk.key, walk.key_len) || !row_read(&o.row, walk.value, walk.value_len) || o.row.state != ROW_RETIRED)
			continue;
		rule = row_rule(&o.key);
		if ((o.rule = rules_find(t->x->rules, rule.s, rule.len)) == NULL)
			continue;
		o.row.state = ROW_CANCELLED;
		history_retell(t, &o, "rules");
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
		oblige_cancel(t, &o, "rules");
		o.row.state = ROW_RETIRED;
		row_store(t->w, &o.key, &o.row);
	}
	come_back(t);
}
