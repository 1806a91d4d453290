/* Bills: issued, delivered, waived, cancelled. */
#include "dunning.h"

#include <string.h>

void
bill_settle(struct turn *t, const char *id, struct bill *b)
{
	if (b->open > 0 && b->state != BILL_OWED) {
		journal_enter(t, b->state == BILL_WAIVED ? ACCOUNT_WAIVED : ACCOUNT_CANCELLED, ACCOUNT_DUE, b->open, t->today, b->household, b->party, id, b, "");
		b->open = 0;
	}
	bill_store(t, id, b);
}

/* The same bill again is the monthly run made twice; another amount under its name is somebody's mistake, and the first stands. */
static void
issued_again(struct turn *t, const char *id, const struct bill *b, const struct bill *again)
{
	if (again->amount != b->amount)
		odd_note(t, "reissued", id, "", b->household, again->amount, b->amount);
	else if (again->due != b->due || again->kind != b->kind || strcmp(again->household, b->household) != 0)
		odd_note(t, "changed", id, "", b->household, again->amount, b->amount);
}

void
bill_issued(struct turn *t, const struct worker_event *v)
{
	struct bill b, before;
	struct debtor d;
	char id[NAME_SIZE];
	struct place k = { .len = 0 };
	struct text s;

	name_copy(id, v->e->subject);
	bill_load(t->w, id, &before);
	b = before;			/* what was said of it before it came */
	if (!event_text(v->e, "household", &s))
		return;
	name_copy(b.household, s);
	event_int(v->e, "amount", &b.amount);
	day_field(v->e, "due", &b.due);
	if (event_text(v->e, "period", &s))
		month_read(s.s, s.len, &b.period);
	if (event_text(v->e, "fee_kind", &s))
		b.kind = (uint8_t)fee_find(s.s, s.len);
	if (before.seq != 0) {
		issued_again(t, id, &before, &b);
		return;
	}
	debtor_load(t->w, b.household, &d);
	memcpy(b.party, d.party[0] != '\0' ? d.party : b.household, NAME_SIZE);
	if (event_text(v->e, "payer", &s) && !mp_equal(s.s, s.len, b.party)) {
		/* By agreement, as a tenant does, and the owner is liable beside him (物业管理条例 41); but not what a former owner is billed at last. */
		memcpy(b.host, b.party, NAME_SIZE);
		name_copy(b.party, s);
		if (debtor_was(t->w, b.household, b.party))
			b.host[0] = '\0';
	}
	if (!d.known) {
		d.known = 1;
		debtor_store(t->w, b.household, &d);
		odd_note(t, "unregistered", id, "", b.household, b.amount, 0);
	}
	if (t->p != NULL && b.amount > t->p->absurd)
		odd_note(t, "absurd", id, "", b.household, b.amount, t->p->absurd);
	b.seq = (int64_t)v->seq;
	b.issued = t->today;
	b.open = b.amount;
	place_text(place_number(place_part(&k, b.household), b.due), id);
	worker_put(t->w, ALL, k.bytes, k.len, "", 0);
	journal_enter(t, ACCOUNT_DUE, ACCOUNT_BILLED, b.amount, t->today, b.household, b.party, id, &b, "");
	bill_settle(t, id, &b);
	payments_match(t, 'b', id);
	payments_match(t, 'h', b.household);
	payments_spend(t, b.household, b.party);
	if (bill_load(t->w, id, &b))
		steps_await(t, &b);
}

/* A bill that was a mistake: who had paid it has a credit. */
static void
cancel(struct turn *t, const char *id, struct bill *b)
{
	struct worker_walk walk = { .key_len = 0 };
	struct place k = { .len = 0 };
	struct payment p;
	struct entry e;
	char payment[NAME_SIZE];

	b->state = BILL_CANCELLED;
	place_part(place_part(&k, b->household), id);
	while (worker_each(t->w, ENTRIES, k.bytes, k.len, &walk)) {
		if (!account_read(ROW_ENTRY, walk.value, walk.value_len, &e) || e.payment[0] == '\0')
			continue;
		memcpy(payment, e.payment, sizeof(payment));
		if (payment_load(t->w, payment, &p))
			payment_undo(t, payment, &p, id, b);
	}
	bill_settle(t, id, b);
	payments_spend(t, b->household, b->party);
}

void
bill_fate(struct turn *t, const struct worker_event *v)
{
	struct bill b;
	char id[NAME_SIZE];

	name_copy(id, v->e->subject);
	bill_load(t->w, id, &b);
	if (mp_equal(v->e->type.s, v->e->type.len, "bill.delivered")) {
		b.delivered = 1;
		bill_store(t, id, &b);
	} else if (b.seq == 0) {
		b.state = mp_equal(v->e->type.s, v->e->type.len, "bill.waived") ? BILL_WAIVED : BILL_CANCELLED;
		bill_store(t, id, &b);
		odd_note(t, "unknown_bill", id, "", "", 0, 0);
	} else if (b.state == BILL_CANCELLED) {
		return;
	} else if (mp_equal(v->e->type.s, v->e->type.len, "bill.cancelled")) {
		cancel(t, id, &b);
	} else {
		b.state = BILL_WAIVED;
		bill_settle(t, id, &b);
	}
}
