/* estate-dunning: see dunning.h. */
#include "notices.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "site.h"

/* Which part a type is for. */
static const struct {
	const char *type;
	void (*take)(struct turn *, const struct worker_event *);
} parts[] = {
	{ "bill.issued", bill_issued },
	{ "bill.delivered", bill_fate },
	{ "bill.waived", bill_fate },
	{ "bill.cancelled", bill_fate },
	{ "payment.posted", payment_posted },
	{ "payment.reversed", payment_reversed },
	{ "payment.initiated", rest_flight },
	{ "payment.failed", rest_flight },
	{ "promise.made", rest_promise },
	{ "dispute.opened", rest_dispute },
	{ "dispute.closed", rest_dispute },
	{ "dispute.extended", rest_dispute },
	{ "hardship.granted", rest_hardship },
	{ "hardship.ended", rest_hardship },
	{ "demand.served", rest_demand },
	{ "legal.filed", rest_demand },
	{ "contact.granted", notice_granted },
	{ "contact.deferred", notice_deferred },
	{ "notification.sent", notice_fate },
	{ "notification.failed", notice_fate },
	{ "notification.suppressed", notice_fate },
	{ "notification.withdrawn", notice_fate },
	{ "household.registered", debtor_registered },
	{ "household.handed_over", debtor_handed },
	{ "household.transferred", debtor_handed },
	{ "household.moved_in", debtor_moved },
	{ "household.moved_out", debtor_moved },
};
#define PARTS	(sizeof(parts) / sizeof(*parts))

static void *
dunning_open(void)
{
	return (memset(alloc_or_exit(NULL, sizeof(struct dunning)), 0, sizeof(struct dunning)));
}

static void
dunning_close(void *user)
{
	struct dunning *x = user;

	free(x->terms);
	calendar_free(x->calendar);
	free(x);
}

static int
dunning_configure(void *user, const char *kind, const char *content, char *why, size_t size)
{
	struct dunning *x = user;
	struct terms *fresh;

	if (strcmp(kind, "rules") != 0)
		return (site_configure(&x->calendar, NULL, kind, content, why, size));
	fresh = content != NULL ? terms_read(content, why, size) : NULL;
	if (content != NULL && fresh == NULL)
		return (-1);
	free(x->terms);
	x->terms = fresh;
	return (0);
}

static struct turn
turn(struct worker *w, uint64_t seq)
{
	const struct dunning *x = worker_user(w);
	struct turn t = { .w = w, .x = x, .p = x->calendar != NULL ? x->terms : NULL, .now = worker_now(w), .seq = seq };

	t.today = day_of(&t, t.now);
	return (t);
}

struct turn
ask_turn(struct worker *w)
{
	return (turn(w, 0));
}

static int
dunning_activated(struct worker *w, const char *kind)
{
	struct turn t = turn(w, worker_cause(w));

	(void)kind;
	if (t.p != NULL)
		steps_begin(&t);
	return (0);
}

static int
dunning_update(struct worker *w, const struct worker_event *v)
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
dunning_due(struct worker *w, const struct worker_timer *timer)
{
	struct turn t = turn(w, timer->cause);
	const char *name = timer->name;
	char id[NAME_SIZE];

	if (t.p == NULL)
		return (0);		/* the rules have gone: nobody is asked any more */
	/* One event may have set the timers of many days: their entries are not those of the event, nor one another's. */
	t.line = 1u << 31 | (unsigned)t.today << 12;
	name_copy(id, (struct text){ name + 1, (uint32_t)timer->name_len - 1 });
	if (name[0] == 'h')
		steps_run(&t, id);
	else if (name[0] == 'n')
		notice_waited(&t, id);
	else
		return (worker_fail(w, "a timer has no name of ours"));
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "bill.*", "payment.*", "household.*", "promise.made", "dispute.*", "hardship.*", "demand.served",
	    "legal.filed", "contact.granted", "contact.deferred", "notification.sent", "notification.failed", "notification.suppressed",
	    "notification.withdrawn", NULL };
	static const char *const tables[] = { "bills", "payments", "households", "entries", "open", "all", "credits", "paid", "unmatched", "balances",
	    "figures", "odds", "notices", "formers", NULL };
	/* The rules last: they count by the calendar. */
	static const struct worker_config configs[] = { { "calendar", "calendars/cn.yaml" }, { "rules", "rules/dunning.yaml" }, { NULL, NULL } };
	static const struct worker_query queries[] = {
		{ "arrears", "as_of building kind", "what is overdue, a row a bill; of a building, of a kind of fee, as of a date", ask_arrears },
		{ "household", "household as_of", "a household's account: every bill and payment, and what is left", ask_household },
		{ "aging", "as_of", "of each kind what is open, by how long it is overdue", ask_aging },
		{ "collection", "period as_of by building", "F5: of each kind, or by=building of each, what was due and came in, and what was recovered of earlier arrears", ask_collection },
		{ "behind", "kind period as_of building", "what is behind collection: each bill that is in it, with the events that made it so", ask_behind },
		{ "reconcile", NULL, "all accounts, whose sum is 0, and what does not fit: unmatched, duplicate, issued again", ask_reconcile },
		{ "holds", "notification", "does a message that was asked for still say what is so; notify asks before it sends", ask_holds },
		{ NULL, NULL, NULL, NULL },
	};
	static const struct worker_kind dunning = {
		.name = "dunning", .version = 4, .types = types, .tables = tables, .configs = configs,
		.about = "What every household owes, to the fen and as of any date; and how it is asked for it.",
		.open = dunning_open, .close = dunning_close, .configure = dunning_configure, .activated = dunning_activated,
		.update = dunning_update, .due = dunning_due, .queries = queries,
	};

	return (worker_main(&dunning, argc, argv));
}
