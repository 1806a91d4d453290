/* A message on its way. */
#include "notices.h"

#include <string.h>

#include "errcode.h"

const char *const notice_names[NOTICE_STATES] = { "asked", "requested", "dropped", "withdrawn", "sent", "failed" };

bool
notice_load(struct worker *w, const char *id, struct notice *n)
{
	return (account_get(w, NOTICES, ROW_NOTICE, id, strlen(id), n));
}

static void
notice_store(struct turn *t, const char *id, const struct notice *n)
{
	account_put(t->w, NOTICES, ROW_NOTICE, id, strlen(id), n);
}

static void
await(struct turn *t, const char *id, int64_t at)
{
	char name[1 + NAME_SIZE];

	name[0] = 'n';
	memcpy(name + 1, id, strlen(id));
	if (at != 0)
		worker_set_timer(t->w, name, strlen(id) + 1, at, NULL, 0);
	else
		worker_cancel_timer(t->w, name, strlen(id) + 1);
}

/* The ledger is looked at again at the moment of sending: what is settled or rests is left out, and what is owed is what is owed now. */
static void
hand_over(struct turn *t, const char *id, struct notice *n, int64_t not_before, int64_t until)
{
	struct notice still = *n;
	struct step s, strongest = { .day = 0 };
	int64_t due = INT64_MAX, ignored, expires = t->now + t->p->expires_days * DAY_NS;
	struct debtor d;
	struct bill b;

	debtor_load(t->w, n->household, &d);
	still.count = 0;
	still.amount = 0;
	for (unsigned i = 0; i < n->count; i++) {
		if (!bill_load(t->w, n->bills[i], &b) || (b.asked[0] != '\0' && strcmp(b.asked, id) != 0))
			continue;
		if (rest_reason(t, &d, &b, &ignored) != NULL || !steps_due(t, &b, &s)) {
			b.asked[0] = '\0';
			bill_store(t, n->bills[i], &b);
			continue;
		}
		if (still.count == 0 || s.act > strongest.act)
			strongest = s;
		memmove(still.bills[still.count++], n->bills[i], NAME_SIZE);
		still.amount += b.open;
		due = b.due < due ? b.due : due;
		steps_taken(t, n->bills[i], &b);
	}
	still.state = still.count > 0 ? NOTICE_REQUESTED : NOTICE_DROPPED;
	still.asked = t->today;
	notice_store(t, id, &still);
	if (still.count > 0)
		tell_notice(t, id, &still, &strongest, due, not_before, until != 0 && until < expires ? until : expires);
	steps_wake(t, n->household, steps_next_run(t));
}

void
notice_begin(struct turn *t, struct notice *n)
{
	struct bill b;
	char id[NAME_SIZE];

	steps_name(t, n, id);
	n->asked = t->today;
	n->until = day_at(t, t->today + t->p->wait_days, 1440);
	if (n->what == ACT_LETTER) {
		hand_over(t, id, n, 0, 0);
		return;
	}
	n->state = NOTICE_ASKED;
	for (unsigned i = 0; i < n->count; i++)
		if (bill_load(t->w, n->bills[i], &b)) {
			memcpy(b.asked, id, NAME_SIZE);
			bill_store(t, n->bills[i], &b);
		}
	notice_store(t, id, n);
	await(t, id, n->until + SECOND_NS);
	tell_wish(t, id, n);
}

/* Nothing came of it: its bills are free for the next step, which this one was or was not. */
static void
give_up(struct turn *t, const char *id, struct notice *n, bool passed)
{
	struct bill b;

	n->state = NOTICE_DROPPED;
	notice_store(t, id, n);
	for (unsigned i = 0; i < n->count; i++) {
		if (!bill_load(t->w, n->bills[i], &b) || strcmp(b.asked, id) != 0)
			continue;
		if (passed)
			steps_passed(t, n->bills[i], &b);
		else {
			b.asked[0] = '\0';
			bill_store(t, n->bills[i], &b);
		}
	}
	steps_wake(t, n->household, steps_next_run(t));
}

static bool
asked(struct turn *t, const struct worker_event *v, char id[NAME_SIZE], struct notice *n)
{
	struct text s;

	if (t->p == NULL || !event_text(v->e, "for", &s) || !mp_equal(s.s, s.len, "dunning") || !event_text(v->e, "ref", &s))
		return (false);
	name_copy(id, s);
	return (notice_load(t->w, id, n) && n->state == NOTICE_ASKED);
}

void
notice_granted(struct turn *t, const struct worker_event *v)
{
	int64_t not_before = 0, until = 0;
	struct notice n;
	char id[NAME_SIZE];

	if (!asked(t, v, id, &n))
		return;
	event_instant(v->e, "not_before", &not_before);
	event_instant(v->e, "until", &until);
	await(t, id, 0);
	hand_over(t, id, &n, not_before, until);
}

void
notice_deferred(struct turn *t, const struct worker_event *v)
{
	int64_t not_before;
	struct notice n;
	char id[NAME_SIZE];

	/* With an instant within its time it waits there, and will be granted. */
	if (!asked(t, v, id, &n) || (event_instant(v->e, "not_before", &not_before) && not_before <= n.until))
		return;
	await(t, id, 0);
	give_up(t, id, &n, true);
}

void
notice_waited(struct turn *t, const char *id)
{
	struct notice n;

	if (notice_load(t->w, id, &n) && n.state == NOTICE_ASKED)
		give_up(t, id, &n, false);
}

/* Withdrawn: it was not sent, since it was no longer so.  What is still owed is asked for anew, as it is now. */
void
notice_fate(struct turn *t, const struct worker_event *v)
{
	struct notice n;
	struct bill b;
	char id[NAME_SIZE];
	struct text s;

	if (t->p == NULL || !event_text(v->e, "notification", &s))
		return;
	name_copy(id, s);
	if (!notice_load(t->w, id, &n) || n.state != NOTICE_REQUESTED)
		return;
	if (mp_equal(v->e->type.s, v->e->type.len, "notification.sent"))
		n.state = NOTICE_SENT;
	else if (!mp_equal(v->e->type.s, v->e->type.len, "notification.withdrawn"))
		n.state = NOTICE_FAILED;
	else
		n.state = NOTICE_WITHDRAWN;
	notice_store(t, id, &n);
	for (unsigned i = 0; n.state == NOTICE_WITHDRAWN && i < n.count; i++)
		if (bill_load(t->w, n.bills[i], &b) && b.open > 0 && b.steps > 0 && b.step_day == n.asked) {
			b.steps--;
			b.step_day = 0;
			bill_store(t, n.bills[i], &b);
			steps_await(t, &b);
		}
}

const char *
notice_holds(struct turn *t, const struct notice *n)
{
	int64_t ignored, amount = 0;
	const char *why;
	struct debtor d;
	struct bill b;

	if (n->state == NOTICE_WITHDRAWN || n->state == NOTICE_DROPPED)
		return ("withdrawn");
	debtor_load(t->w, n->household, &d);
	for (unsigned i = 0; i < n->count; i++) {
		bill_load(t->w, n->bills[i], &b);
		if ((why = rest_reason(t, &d, &b, &ignored)) != NULL)
			return (why);
		amount += b.open;
	}
	return (amount == n->amount ? "" : "amount_changed");
}

int
ask_holds(struct worker *w)
{
	struct turn t = ask_turn(w);
	struct notice n;
	const char *why;
	char id[NAME_SIZE];
	struct text s;

	if (t.p == NULL)
		return (worker_refuse(w, E_NOT_FOUND, NULL, "no rules are in force yet"));
	if (!worker_asked_text(w, "notification", ID_CHARS_MAX, &s))
		return (worker_refuse(w, E_ARGUMENT, "notification", "which message? notification=dunning-reminder-2026-11-25-…"));
	name_copy(id, s);
	if (!notice_load(w, id, &n))
		return (worker_refuse(w, E_NOT_FOUND, "notification", "this worker asked for no such message"));
	why = notice_holds(&t, &n);
	worker_reply_bool(w, "holds", why[0] == '\0');
	worker_reply(w, "reason", text_of(why));
	worker_reply(w, "household", text_of(n.household));
	worker_reply_int(w, "amount", n.amount);
	worker_reply(w, "state", text_of(notice_names[n.state]));
	return (0);
}
