/* What a bill rests for: a dispute, a promise, a payment on its way, hardship, a debt of who is not there any more. */
#include "dunning.h"

#include <string.h>

#define DAYS_USUAL	30	/* before any rules are in force */
#define EXTENSION_DAYS_MAX	366	/* a year that was typed wrongly is not for ever */
#define FLIGHT_DAYS_MAX	15	/* no bank needs longer, over the longest holidays */

const char *
rest_reason(const struct turn *t, const struct debtor *d, const struct bill *b, int64_t *until)
{
	int64_t day = 0;
	const char *why = NULL;

	*until = 0;
	if (b->state != BILL_OWED || b->open <= 0)
		return ("settled");
	if (b->filed)
		return ("filed");
	if (t->p != NULL && b->amount > t->p->absurd)
		return ("absurd");
	/* A debt stays with who made it: nobody else is asked for it.  Who pays by agreement is, as long as the flat is that of who was there then. */
	if (d->party[0] != '\0' && strcmp(b->party, d->party) != 0 && strcmp(b->host, d->party) != 0)
		return ("former_party");
	if (d->moved_out != 0 && d->moved_out <= t->today)
		return ("moved_out");
	if (d->hardship && (d->hardship_until == 0 || d->hardship_until >= t->today)) {
		why = "hardship";
		day = d->hardship_until;
	} else if (b->dispute_until >= t->today) {
		why = "dispute";
		day = b->dispute_until;
	} else if (b->promise_until >= t->today) {
		why = "promise";
		day = b->promise_until;
	} else if ((b->flights > 0 && t->now < b->flight_until) || (d->flights > 0 && t->now < d->flight_until)) {
		*until = b->flight_until > d->flight_until ? b->flight_until : d->flight_until;
		return ("payment_in_flight");
	}
	if (day != 0)
		*until = day_at(t, day + 1, 0);
	return (why);
}

/* ---- What the log tells ---- */

/* Of a bill, or of a household with all that it owes now. */
static void
each_bill(struct turn *t, const struct worker_event *v, void (*of)(struct turn *, const struct worker_event *, const char *id, struct bill *))
{
	struct worker_walk walk = { .key_len = 0 };
	struct debtor d;
	struct bill b;
	struct place k;
	char id[NAME_SIZE], bill[NAME_SIZE];

	name_copy(id, v->e->subject);
	bill_load(t->w, id, &b);
	/* Also before it is issued: events overtake each other.  What was said of a household before it was known is no bill. */
	if (b.seq != 0 || !debtor_load(t->w, id, &d)) {
		of(t, v, id, &b);
		return;
	}
	open_place(&k, id, d.party[0] != '\0' ? d.party : id);
	while (worker_each(t->w, OPEN, k.bytes, k.len, &walk)) {
		place_rest(&walk, k.len + 8, bill);
		if (bill_load(t->w, bill, &b))
			of(t, v, bill, &b);
	}
}

void
rest_interrupt(struct bill *b, int64_t day, enum interruption by, uint64_t seq)
{
	/* What is told late began them sooner than what is known: the later one stands. */
	if (b->interrupted_by != NOT_INTERRUPTED && day < b->interrupted)
		return;
	b->interrupted = day;
	b->interrupted_by = (uint8_t)by;
	b->interrupted_seq = (int64_t)seq;
}

/* Somebody who may allow what the rules do not. */
static bool
is_allowed(const struct event *e)
{
	static const char *const leads[] = { "cs_lead", "supervisor", "site_manager" };
	struct text role;

	for (size_t i = 0; event_text(e, "role", &role) && i < sizeof(leads) / sizeof(*leads); i++)
		if (mp_equal(role.s, role.len, leads[i]))
			return (true);
	return (false);
}

/* One more begins the three years anew, as each does; whether it lets the bill rest once more is another matter. */
static void
promised(struct turn *t, const struct worker_event *v, const char *id, struct bill *b)
{
	int64_t until = 0, most = t->today + (t->p != NULL ? t->p->promise_days : 2 * DAYS_USUAL);
	bool allowed = is_allowed(v->e);

	day_field(v->e, "until", &until);
	until = until < most ? until : most;
	rest_interrupt(b, day_of(t, v->when), BY_PROMISE, v->seq);
	if (until > b->promise_until && t->p != NULL && b->promises >= t->p->promises && !allowed) {
		odd_note(t, "promised_again", id, "", b->household, b->open, 0);
	} else {
		b->promises += until > b->promise_until && !allowed;
		b->promise_until = until;
	}
	bill_store(t, id, b);
}

void
rest_promise(struct turn *t, const struct worker_event *v)
{
	each_bill(t, v, promised);
}

void
rest_undisputed(struct turn *t, const char *id, struct bill *b)
{
	b->dispute_until = -b->dispute_until;
	bill_store(t, id, b);
	payments_spend(t, b->household, b->party);
}

/* The lead gives it more time: of a dispute that there is or was, and not for ever. */
static void
extended(struct turn *t, const struct worker_event *v, const char *id, struct bill *b)
{
	int64_t until = 0, most = t->today + EXTENSION_DAYS_MAX;

	day_field(v->e, "until", &until);
	if (b->disputes == 0) {
		odd_note(t, "extended_undisputed", id, "", b->household, b->open, 0);
		return;
	}
	if (until < t->today || until <= b->dispute_until)
		return;
	b->dispute_until = until < most ? until : most;
	bill_store(t, id, b);
	steps_await(t, b);
}

static void
disputed(struct turn *t, const struct worker_event *v, const char *id, struct bill *b)
{
	if (mp_equal(v->e->type.s, v->e->type.len, "dispute.closed")) {
		if (b->dispute_until > 0)
			b->dispute_until = -(b->dispute_until < t->today ? b->dispute_until : t->today - 1);
		bill_store(t, id, b);
		steps_await(t, b);
		return;
	}
	if (mp_equal(v->e->type.s, v->e->type.len, "dispute.extended")) {
		extended(t, v, id, b);
		return;
	}
	if (b->disputes >= (t->p != NULL ? t->p->disputes : 1)) {
		odd_note(t, "disputed_again", id, "", b->household, b->open, 0);
		return;
	}
	b->disputes++;
	b->dispute_until = t->today + (t->p != NULL ? t->p->dispute_days : DAYS_USUAL);
	bill_store(t, id, b);
	steps_await(t, b);
}

void
rest_dispute(struct turn *t, const struct worker_event *v)
{
	struct debtor d;
	struct bill b;
	char id[NAME_SIZE];

	each_bill(t, v, disputed);
	/* Several that are closed at once are paid in their order. */
	name_copy(id, v->e->subject);
	if (!mp_equal(v->e->type.s, v->e->type.len, "dispute.closed"))
		return;
	bill_load(t->w, id, &b);
	if (b.seq != 0)
		payments_spend(t, b.household, b.party);
	else if (debtor_load(t->w, id, &d))
		payments_spend(t, id, d.party[0] != '\0' ? d.party : id);
}

void
rest_hardship(struct turn *t, const struct worker_event *v)
{
	struct debtor d;
	char id[NAME_SIZE];
	int64_t at;

	name_copy(id, v->e->subject);
	debtor_load(t->w, id, &d);
	d.hardship = mp_equal(v->e->type.s, v->e->type.len, "hardship.granted");
	d.hardship_until = 0;
	if (d.hardship && !day_field(v->e, "until", &d.hardship_until) && event_instant(v->e, "until", &at))
		d.hardship_until = day_of(t, at);
	debtor_store(t->w, id, &d);
	if (!d.hardship)
		steps_wake(t, id, steps_next_run(t));
}

/* ---- Payments on their way ---- */

/* One more is on its way, or one less, for the bill that it names or for the household. */
static void
fly(struct turn *t, const struct payment *p, int64_t by)
{
	struct debtor d;
	struct bill b;

	if (p->bill[0] != '\0') {
		bill_load(t->w, p->bill, &b);
		b.flights += by;
		b.flight_until = b.flights <= 0 ? 0 : p->expires > b.flight_until ? p->expires : b.flight_until;
		bill_store(t, p->bill, &b);
		steps_await(t, &b);
		return;
	}
	debtor_load(t->w, p->household, &d);
	d.flights += by;
	d.flight_until = d.flights <= 0 ? 0 : p->expires > d.flight_until ? p->expires : d.flight_until;
	debtor_store(t->w, p->household, &d);
	if (by < 0)
		steps_wake(t, p->household, steps_next_run(t));
}

void
rest_landed(struct turn *t, const struct payment *before)
{
	if (before->state == PAYMENT_INITIATED)
		fly(t, before, -1);
}

void
rest_flight(struct turn *t, const struct worker_event *v)
{
	struct payment p;
	char id[NAME_SIZE];
	struct text s;

	name_copy(id, v->e->subject);
	payment_load(t->w, id, &p);
	if (p.state == PAYMENT_POSTED || p.state == PAYMENT_REVERSED)
		return;			/* told late */
	rest_landed(t, &p);
	if (!event_text(v->e, "household", &s))
		return;
	name_copy(p.household, s);
	p.bill[0] = '\0';
	if (event_text(v->e, "bill", &s))
		name_copy(p.bill, s);
	event_int(v->e, "amount", &p.amount);
	p.seq = (int64_t)v->seq;
	if (mp_equal(v->e->type.s, v->e->type.len, "payment.failed")) {
		p.state = PAYMENT_FAILED;
	} else {
		p.state = PAYMENT_INITIATED;
		if (!event_instant(v->e, "expires", &p.expires))
			p.expires = v->when + (t->p != NULL ? t->p->flight : 60) * 60 * SECOND_NS;
		if (p.expires > t->now + FLIGHT_DAYS_MAX * DAY_NS)
			p.expires = t->now + FLIGHT_DAYS_MAX * DAY_NS;
		fly(t, &p, 1);
	}
	payment_store(t, id, &p);
}

/* ---- Evidence ---- */

void
rest_demand(struct turn *t, const struct worker_event *v)
{
	struct bill b;
	char id[NAME_SIZE];

	name_copy(id, v->e->subject);
	bill_load(t->w, id, &b);
	if (mp_equal(v->e->type.s, v->e->type.len, "legal.filed")) {
		b.filed = 1;
		rest_interrupt(&b, day_of(t, v->when), BY_FILING, v->seq);
	} else {
		b.demand = day_of(t, v->when);
		b.demand_seq = (int64_t)v->seq;
		rest_interrupt(&b, day_of(t, v->when), BY_DEMAND, v->seq);
	}
	bill_store(t, id, &b);
}
