/* estate-escalate: see escalate.h. */
#include "escalate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "site.h"

/* Types that mean something whatever the rules say. */
static const struct {
	const char *type;
	void (*take)(struct turn *, const struct worker_event *);
} parts[] = {
	{ "case.assigned", correct_assigned },
	{ "case.acknowledged", correct_acknowledged },
	{ "case.snoozed", correct_acknowledged },
	{ "case.linked", correct_linked },
	{ "case.closed", correct_closed },
	{ "case.reclassified", correct_reclassified },
	{ "obligation.waived", correct_waived },
	{ "staff.absent", duty_note },
	{ "duty.swapped", duty_note },
	{ "duty.started", duty_note },
};
#define PARTS	(sizeof(parts) / sizeof(*parts))

static void *
escalate_open(void)
{
	return (memset(alloc_or_exit(NULL, sizeof(struct escalate)), 0, sizeof(struct escalate)));
}

static void
escalate_close(void *user)
{
	struct escalate *x = user;

	rules_free(x->rules);
	calendar_free(x->calendar);
	roster_free(x->roster);
	free(x);
}

static int
escalate_configure(void *user, const char *kind, const char *text, char *why, size_t size)
{
	struct escalate *x = user;
	struct rules *fresh = NULL;

	if (strcmp(kind, "rules") != 0)
		return (site_configure(&x->calendar, &x->roster, kind, text, why, size));
	if (text != NULL && (fresh = rules_read(text, why, size)) == NULL)
		return (-1);
	rules_free(x->rules);
	x->rules = fresh;
	return (0);
}

static struct turn
turn(struct worker *w, uint64_t seq)
{
	return ((struct turn){ w, worker_user(w), worker_now(w), seq });
}

static int
escalate_activated(struct worker *w, const char *kind)
{
	struct turn t = turn(w, worker_cause(w));

	if (strcmp(kind, "calendar") == 0)
		activate_calendar(&t);
	else if (strcmp(kind, "rules") == 0)
		activate_rules(&t);
	else
		return (0);
	period_begin(&t);
	return (0);
}

static int
escalate_update(struct worker *w, const struct worker_event *v)
{
	struct turn t = turn(w, v->seq);
	const struct type *type = v->e->kind;

	/* A newer catalogue's: no rule can name it. */
	if (type == NULL)
		return (0);
	/* First what ends or opens, so that a handler is told as the one he is from now on. */
	for (unsigned i = 0; i < PARTS; i++)
		if (strcmp(type->name, parts[i].type) == 0)
			parts[i].take(&t, v);
	concern_update(&t, v);
	if (strcmp(type->name, "record.retracted") == 0)
		correct_record(&t, v, true);
	else if (strcmp(type->name, "record.amended") == 0)
		correct_record(&t, v, false);
	return (0);
}

static int
escalate_due(struct worker *w, const struct worker_timer *timer)
{
	struct turn t = turn(w, timer->cause);
	const char *name = timer->name;
	struct row_key key;

	if (name[0] == 'p')
		period_due(&t, (struct text){ name + 1, (uint32_t)timer->name_len - 1 });
	else if (name[0] == 'h')
		subject_tidy(&t, (struct text){ name + 1, (uint32_t)timer->name_len - 1 });
	else if (!row_key_read(&key, name + 1, timer->name_len - 1))
		return (worker_fail(w, "a timer has no name of ours"));
	else if (name[0] == 'e')
		history_expire(&t, &key);
	else
		oblige_due(&t, &key);
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "**", NULL };
	static const char *const tables[] = { "obligations", "dues", "subjects", "causes", "facts", "records", "merged", "staff", "seen", "empty", "links", NULL };
	/* The rules last: they count by the calendar, and tell by the roster. */
	static const struct worker_config configs[] = { { "calendar", "calendars/cn.yaml" }, { "roster", "roster.yaml" }, { "rules", "rules/escalate.yaml" },
	    { NULL, NULL } };
	static const struct worker_kind escalate = {
		.name = "escalate", .version = 3, .types = types, .tables = tables, .configs = configs,
		.about = "What is owed by when, and who is told when it is not done: deadlines by the rules of the department, warnings before, ladders after.",
		.open = escalate_open, .close = escalate_close, .configure = escalate_configure, .activated = escalate_activated,
		.update = escalate_update, .due = escalate_due, .queries = ask_queries,
	};

	return (worker_main(&escalate, argc, argv));
}
