/* estate-callback: see callback.h. */
#include "callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "site.h"

/* Which part a type is for. */
static const struct {
	const char *type;
	void (*take)(struct turn *, const struct worker_event *);
} parts[] = {
	{ "household.registered", resident_registered },
	{ "household.moved_in", resident_moved },
	{ "household.moved_out", resident_moved },
	{ "household.tagged_key", resident_tagged },
	{ "household.contact_rule_set", resident_wishes },
	{ "household.steward_assigned", resident_steward },
	{ "complaint.opened", matter_complaint_opened },
	{ "complaint.handled", matter_handled },
	{ "repair.requested", repair_requested },
	{ "repair.finished", repair_finished },
	{ "workorder.rated", repair_rated },
	{ "help.requested", matter_help },
	{ "case.assigned", matter_assigned },
	{ "case.replied", matter_replied },
	{ "case.reclassified", matter_reclassified },
	{ "case.reopened", matter_reopened },
	{ "case.closed", matter_closed },
	{ "case.linked", matter_linked },
	{ "call.abandoned", calls_lost },
	{ "voicemail.left", calls_lost },
	{ "call.answered", calls_answered },
	{ "callback.done", result_done },
	{ "callback.attempted", result_attempted },
	{ "callback.extended", result_extended },
	{ "record.retracted", result_retracted },
	{ "appointment.requested", visit_appointment },
	{ "appointment.agreed", visit_appointment },
	{ "appointment.refused", visit_appointment },
	{ "appointment.no_show", visit_appointment },
	{ "visit.started", visit_started },
	{ "contact.requested", budget_requested },
	{ "audit.done", audit_done },
	{ "staff.absent", assign_note },
	{ "duty.swapped", assign_note },
	{ "duty.started", assign_note },
};
#define PARTS	(sizeof(parts) / sizeof(*parts))

static void *
callback_open(void)
{
	return (memset(alloc_or_exit(NULL, sizeof(struct callbacks)), 0, sizeof(struct callbacks)));
}

static void
callback_close(void *user)
{
	struct callbacks *x = user;

	free(x->policy);
	calendar_free(x->calendar);
	roster_free(x->roster);
	free(x);
}

static int
callback_configure(void *user, const char *kind, const char *text, char *why, size_t size)
{
	struct callbacks *x = user;
	struct policy *fresh = NULL;

	if (strcmp(kind, "rules") != 0)
		return (site_configure(&x->calendar, &x->roster, kind, text, why, size));
	if (text != NULL && (fresh = policy_read(text, why, size)) == NULL)
		return (-1);
	free(x->policy);
	x->policy = fresh;
	return (0);
}

/* Without a calendar there are no days, and nothing is concluded. */
static struct turn
turn(struct worker *w, uint64_t seq)
{
	const struct callbacks *x = worker_user(w);

	return ((struct turn){ w, x, x->calendar != NULL ? x->policy : NULL, worker_now(w), seq });
}

struct turn
ask_turn(struct worker *w)
{
	return (turn(w, 0));
}

static int
callback_activated(struct worker *w, const char *kind)
{
	struct turn t = turn(w, worker_cause(w));

	if (t.p == NULL)
		return (0);
	/* The first run is on the next morning; from then on each sets the next. */
	if (strcmp(kind, "roster") == 0)
		assign_roster(&t);
	else
		draw_await(&t);
	return (0);
}

static int
callback_update(struct worker *w, const struct worker_event *v)
{
	struct turn t = turn(w, v->seq);
	const struct type *type = v->e->kind;

	if (type == NULL || v->e->subject.len == 0)
		return (0);
	for (unsigned i = 0; i < PARTS; i++)
		if (strcmp(type->name, parts[i].type) == 0)
			parts[i].take(&t, v);
	return (0);
}

static int
callback_due(struct worker *w, const struct worker_timer *timer)
{
	struct turn t = turn(w, timer->cause);
	const char *name = timer->name;
	char id[ID_SIZE_MAX];

	if (t.p == NULL)
		return (0);		/* the rules have gone: nothing is owed any more */
	copy_text(id, sizeof(id), (struct text){ name + 1, (uint32_t)timer->name_len - 1 });
	switch (name[0]) {
	case 'k':
		plan_key_due(&t, id);
		break;
	case 'o':
		owe_due(&t, id);
		break;
	case 'r':
		repair_run(&t, id);
		break;
	case 's':
		draw_run(&t);
		break;
	case 'w':
		budget_due(&t, name + 1, timer->name_len - 1);
		break;
	default:
		return (worker_fail(w, "a timer has no name of ours"));
	}
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "household.*", "complaint.*", "repair.*", "workorder.rated", "help.requested", "case.*", "call.*", "voicemail.left",
	    "callback.*", "appointment.*", "visit.started", "contact.requested", "audit.done", "staff.absent", "duty.*", "record.retracted", NULL };
	static const char *const tables[] = { "callbacks", "history", "agenda", "cases", "households", "pending", "months", "shares", "pool", "loads", "staff",
	    "gaps", "waiting", "weeks", "audits", "covered", "linked", NULL };
	/* The rules last: they count by the calendar, and name people of the roster. */
	static const struct worker_config configs[] = { { "calendar", "calendars/cn.yaml" }, { "roster", "roster.yaml" }, { "rules", "rules/callback.yaml" },
	    { NULL, NULL } };
	static const struct worker_query queries[] = {
		{ "agenda", "date staff role kind", "what may or must be done on a day, the next deadline first", agenda_answer },
		{ "quota", "month", "of each kind how many were finished, are required, done, and will be", ask_quota },
		{ "gaps", "month kind", "what is owed and not done, and why", ask_gaps },
		{ "load", "month", "how many each has to do and has done, and how evenly", ask_load },
		{ "household", "household", "when they were last spoken to, what they want, what is open", ask_household },
		{ "callback", "callback", "all that happened to one", ask_callback },
		{ "audit", NULL, "the lead's sample; not for those whose work it is", ask_audit },
		{ NULL, NULL, NULL, NULL },
	};
	static const struct worker_kind callback = {
		.name = "callback", .version = 3, .types = types, .tables = tables, .configs = configs,
		.about = "Who must be called back, when and by whom: every complaint, the quota of repairs by its pace, every household once a year; and how often\n"
		    "a household may be asked at all.",
		.open = callback_open, .close = callback_close, .configure = callback_configure, .activated = callback_activated,
		.update = callback_update, .due = callback_due, .queries = queries,
	};

	return (worker_main(&callback, argc, argv));
}
