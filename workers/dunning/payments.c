/* Money: on its way, posted, reversed; and what it is for. */
#include "dunning.h"

#include <string.h>

static void
paid_place(struct place *k, const char *payment, const char *bill)
{
	k->len = 0;
	place_text(place_part(k, payment), bill);
}

static int64_t
latest(int64_t a, int64_t b)
{
	return (a > b ? a : b);
}

/* From when money may pay a bill: money that does not name it, when no dispute about it runs any more. */
static int64_t
payable(const char *bill_id, const struct bill *b, const struct payment *p)
{
	int64_t day = latest(latest(p->received, b->issued), b->reopened), over = b->dispute_until < 0 ? -b->dispute_until : b->dispute_until;

	return (b->disputes > 0 && strcmp(p->bill, bill_id) != 0 ? latest(day, over + 1) : day);
}

/* What is left of a payment pays what is open of a bill; both are stored.  Of value from when both were there. */
static void
apply(struct turn *t, const char *bill_id, struct bill *b, const char *payment_id, struct payment *p)
{
	int64_t x = p->rest < b->open ? p->rest : b->open, day = payable(bill_id, b, p);
	struct place k;

	if (x <= 0)
		return;
	journal_enter(t, ACCOUNT_CREDIT, ACCOUNT_DUE, x, day, b->household, b->party, bill_id, b, payment_id);
	p->rest -= x;
	b->open -= x;
	if (b->open > 0)
		rest_interrupt(b, day, BY_PART, t->seq);
	paid_place(&k, payment_id, bill_id);
	worker_put_number(t->w, PAID, k.bytes, k.len, worker_get_number(t->w, PAID, k.bytes, k.len) + (uint64_t)x);
	bill_store(t, bill_id, b);
	payment_store(t, payment_id, p);
}

void
payment_undo(struct turn *t, const char *payment_id, struct payment *p, const char *bill_id, struct bill *b)
{
	struct place k;
	int64_t x;

	paid_place(&k, payment_id, bill_id);
	if ((x = (int64_t)worker_get_number(t->w, PAID, k.bytes, k.len)) == 0)
		return;			/* undone already */
	worker_delete(t->w, PAID, k.bytes, k.len);
	journal_enter(t, ACCOUNT_DUE, ACCOUNT_CREDIT, x, t->today, b->household, b->party, bill_id, b, payment_id);
	p->rest += x;
	b->open += x;
	b->reopened = t->today;
	payment_store(t, payment_id, p);
	bill_settle(t, bill_id, b);
	steps_await(t, b);
}

/* What a payment without a name pays first: the oldest due, and of those the first kind of the order. */
static bool
first_open(struct turn *t, const char *household, const char *party, char id[NAME_SIZE], struct bill *out)
{
	struct worker_walk walk = { .key_len = 0 };
	int64_t due = 0, rank = 0, best = 0;
	bool found = false;
	struct bill b;
	struct place k;
	char other[NAME_SIZE];

	open_place(&k, household, party);
	while (worker_each(t->w, OPEN, k.bytes, k.len, &walk) && (!found || place_read(&walk, k.len) == due)) {
		place_rest(&walk, k.len + 8, other);
		/* What is disputed is paid by who names it. */
		if (!bill_load(t->w, other, &b) || b.dispute_until >= t->today)
			continue;
		rank = t->p != NULL ? t->p->rank[b.kind] : b.kind;
		if (!found || rank < best) {
			memcpy(id, other, NAME_SIZE);
			*out = b;
			best = rank;
		}
		due = b.due;
		found = true;
	}
	return (found);
}

void
payments_spend(struct turn *t, const char *household, const char *party)
{
	struct worker_walk walk = { .key_len = 0 };
	char payment[NAME_SIZE], bill[NAME_SIZE];
	struct payment p;
	struct bill b;
	struct place k;

	open_place(&k, household, party);
	while (worker_each(t->w, CREDITS, k.bytes, k.len, &walk)) {
		place_rest(&walk, k.len + 8, payment);
		if (!payment_load(t->w, payment, &p))
			continue;
		while (p.rest > 0 && first_open(t, household, party, bill, &b))
			apply(t, bill, &b, payment, &p);
		if (p.rest > 0)
			return;
	}
}

/* The money has an owner now: credit of a party, which pays the bill that it names.  False, and nothing is stored: it has none yet. */
static bool
match(struct turn *t, const char *id, struct payment *p)
{
	bool named = p->bill[0] != '\0';
	struct debtor d;
	struct bill b;

	if (named && (!bill_load(t->w, p->bill, &b) || b.seq == 0))
		return (false);
	debtor_load(t->w, p->household, &d);
	if (!named && !d.known)
		return (false);
	if (named && strcmp(b.household, p->household) != 0)
		odd_note(t, "other_household", p->bill, id, p->household, p->amount, 0);
	if (named && b.open == 0)
		odd_note(t, b.state == BILL_CANCELLED ? "cancelled_bill" : b.state == BILL_WAIVED ? "waived_bill" : "duplicate", p->bill, id, b.household, p->amount, 0);
	else if (named && p->amount > b.open)
		odd_note(t, "overpaid", p->bill, id, b.household, p->amount, b.open);
	if (named)
		memcpy(p->household, b.household, NAME_SIZE);
	memcpy(p->party, named ? b.party : d.party[0] != '\0' ? d.party : p->household, NAME_SIZE);
	journal_enter(t, ACCOUNT_UNMATCHED, ACCOUNT_CREDIT, p->amount, p->received, p->household, p->party, "", NULL, id);
	p->unmatched = 0;
	if (named && b.open > 0 && p->rest > 0)
		apply(t, p->bill, &b, id, p);
	else
		payment_store(t, id, p);
	payments_spend(t, p->household, p->party);
	return (true);
}

void
payments_match(struct turn *t, char which, const char *id)
{
	struct worker_walk walk = { .key_len = 0 };
	struct place k = { .len = 0 };
	char payment[NAME_SIZE];
	struct payment p;

	k.bytes[k.len++] = (uint8_t)which;
	place_part(&k, id);
	while (worker_each(t->w, UNMATCHED, k.bytes, k.len, &walk)) {
		place_rest(&walk, k.len, payment);
		if (payment_load(t->w, payment, &p))
			match(t, payment, &p);
	}
}

void
payment_posted(struct turn *t, const struct worker_event *v)
{
	struct payment p, before;
	char id[NAME_SIZE];
	struct text s;

	name_copy(id, v->e->subject);
	payment_load(t->w, id, &before);
	memset(&p, 0, sizeof(p));
	if (!event_text(v->e, "household", &s))
		return;
	name_copy(p.household, s);
	if (event_text(v->e, "bill", &s))
		name_copy(p.bill, s);
	event_int(v->e, "amount", &p.amount);
	if (before.state == PAYMENT_POSTED || before.state == PAYMENT_REVERSED) {
		if (before.amount != p.amount || before.state == PAYMENT_REVERSED)
			odd_note(t, "posted_again", p.bill, id, p.household, p.amount, before.amount);
		return;
	}
	rest_landed(t, &before);
	if (!day_field(v->e, "received", &p.received) || p.received > t->today) {
		odd_note(t, "received_later", p.bill, id, p.household, p.amount, 0);
		p.received = t->today;
	}
	p.state = PAYMENT_POSTED;
	p.unmatched = 1;
	p.seq = (int64_t)v->seq;
	p.rest = p.amount;
	journal_enter(t, ACCOUNT_RECEIVED, ACCOUNT_UNMATCHED, p.amount, p.received, p.household, "", "", NULL, id);
	if (!match(t, id, &p))
		payment_store(t, id, &p);
}

void
payment_reversed(struct turn *t, const struct worker_event *v)
{
	struct worker_walk walk = { .key_len = 0 };
	struct place k = { .len = 0 };
	char id[NAME_SIZE], bill[NAME_SIZE];
	struct payment p;
	struct bill b;

	name_copy(id, v->e->subject);
	payment_load(t->w, id, &p);
	if (p.state != PAYMENT_POSTED) {
		odd_note(t, "reversed_unposted", "", id, p.household, p.amount, 0);
		/* Events overtake each other: whatever posts it later, the money is not there. */
		rest_landed(t, &p);
		p.state = PAYMENT_REVERSED;
		payment_store(t, id, &p);
		return;
	}
	/* It gives up what it paid before other money may pay that. */
	place_part(&k, id);
	while (worker_each(t->w, PAID, k.bytes, k.len, &walk)) {
		place_rest(&walk, k.len, bill);
		if (bill_load(t->w, bill, &b))
			payment_undo(t, id, &p, bill, &b);
	}
	journal_enter(t, p.unmatched ? ACCOUNT_UNMATCHED : ACCOUNT_CREDIT, ACCOUNT_RECEIVED, p.amount, t->today, p.household, p.party, "", NULL, id);
	p.state = PAYMENT_REVERSED;
	p.rest = 0;
	payment_store(t, id, &p);
	payments_spend(t, p.household, p.party);
}
