/* estate-stats: see stats.h. */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "draft.h"
#include "site.h"

static void *
stats_open(void)
{
	return (memset(alloc_or_exit(NULL, sizeof(struct stats)), 0, sizeof(struct stats)));
}

static void
stats_close(void *user)
{
	struct stats *x = user;

	measures_free(x->measures);
	calendar_free(x->calendar);
	object_free(&x->object);
	object_free(&x->beside);
	members_free(&x->members);
	free(x);
}

static int
stats_configure(void *user, const char *kind, const char *content, char *why, size_t size)
{
	struct stats *x = user;
	struct measures *fresh;

	if (strcmp(kind, "rules") != 0)
		return (site_configure(&x->calendar, NULL, kind, content, why, size));
	fresh = content != NULL ? measures_read(content, why, size) : NULL;
	if (content != NULL && fresh == NULL)
		return (-1);
	measures_free(x->measures);
	x->measures = fresh;
	return (0);
}

struct turn
turn_of(struct worker *w, uint64_t seq, int64_t log_time)
{
	struct stats *x = worker_user(w);

	/* Without a calendar nobody knows which month it is. */
	return ((struct turn){ .w = w, .x = x, .p = x->calendar != NULL ? x->measures : NULL, .now = worker_now(w), .seq = seq, .log_time = log_time });
}

static int
stats_activated(struct worker *w, const char *kind)
{
	struct turn t = turn_of(w, worker_cause(w), worker_now(w));

	(void)kind;
	recount_begin(&t);
	target_begin(&t);
	return (0);
}

static int
stats_update(struct worker *w, const struct worker_event *v)
{
	struct turn t = turn_of(w, v->seq, v->log_time);
	unsigned type = fact_type(v->e->kind);

	if (type < TAKES)
		object_take(&t, type, v);
	draft_take(&t, v);
	return (0);
}

static int
stats_due(struct worker *w, const struct worker_timer *timer)
{
	struct turn t = turn_of(w, timer->cause, timer->due);

	if (((const char *)timer->name)[0] == 'r')
		recount_go_on(&t, timer);
	else {
		target_look(&t);
		draft_look(&t);
	}
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "household.registered", "household.moved_in", "household.moved_out", "contact.received", "call.queued",
	    "call.answered", "call.abandoned", "voicemail.left", "help.requested", "complaint.*", "repair.*", "case.*", "supervisor.consulted",
	    "workorder.rated", "callback.*", "visit.started", "visit.signed", "rule.violated", "survey.*", "inspection.done", "evaluation.done", "attendance.recorded", "obligation.*", "record.amended", "record.retracted", "report.submitted",
	    "report.reviewed", "report.approved", "report.rejected", "report.distributed", NULL };
	static const char *const tables[] = { "objects", "spread", "rows", "past", "alarms", "contacts", "drafts", NULL };
	/* The measures last: they count by the calendar. */
	static const struct worker_config configs[] = { { "calendar", "calendars/cn.yaml" }, { "rules", "measures.yaml" }, { NULL, NULL } };
	static const struct worker_query queries[] = {
		{ "measures", NULL, "what is counted: of what, by what, with which target", ask_measures },
		{ "reports", NULL, "which measures stand together in a report", ask_reports },
		{ "figures", "measure period by split as_of seq", "a measure in a period: numerator and denominator, by a dimension, by month; as of a time or event", ask_figures },
		{ "explain", "measure period by value as_of seq past", "the objects and events behind a figure; past=1: those that held then and no longer do", ask_explain },
		{ "versions", "report", "reports that are owed, their versions, as of when, and what became of each", ask_versions },
		{ NULL, NULL, NULL, NULL },
	};
	static const struct worker_kind stats = {
		.name = "stats", .version = 2, .types = types, .tables = tables, .configs = configs,
		.about = "Rates, times and stocks of the department, and the events behind every figure.",
		.open = stats_open, .close = stats_close, .configure = stats_configure, .activated = stats_activated,
		.update = stats_update, .due = stats_due, .queries = queries,
	};

	return (worker_main(&stats, argc, argv));
}
