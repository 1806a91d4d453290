/* Entries between accounts, and the indexes and figures that follow from them. */
#include "dunning.h"

#include <string.h>

#include "bytes.h"

static void
add(struct turn *t, int64_t *sum, int64_t amount)
{
	if (__builtin_add_overflow(*sum, amount, sum))
		worker_fail(t->w, "an account would hold more fen than there are numbers");
}

void
balances_load(struct worker *w, struct balances *b)
{
	account_get(w, BALANCES, ROW_BALANCES, "all", 3, b);
}

void
journal_figure(struct turn *t, struct figure *f, enum account debit, enum account credit, int64_t amount)
{
	enum account other = debit == ACCOUNT_DUE ? credit : debit;

	add(t, other == ACCOUNT_BILLED ? &f->billed : other == ACCOUNT_CREDIT ? &f->received : other == ACCOUNT_WAIVED ? &f->waived : &f->cancelled,
	    other == ACCOUNT_BILLED || debit != ACCOUNT_DUE ? amount : -amount);
}

void
building_of(const char *household, char out[NAME_SIZE])
{
	size_t len = strcspn(household, "-");

	memcpy(out, household, len);
	out[len] = '\0';
}

/* What an entry does to the bill's kind, in its building. */
static void
figure(struct turn *t, const struct bill *b, enum account debit, enum account credit, int64_t amount, int64_t day)
{
	struct figure f;
	struct place k = { .len = 0 };
	char building[NAME_SIZE];

	k.bytes[k.len++] = b->kind;
	place_number(place_number(place_number(&k, b->period), b->due), day);
	building_of(b->household, building);
	place_text(&k, building);
	account_get(t->w, FIGURES, ROW_FIGURE, k.bytes, k.len, &f);
	journal_figure(t, &f, debit, credit, amount);
	account_put(t->w, FIGURES, ROW_FIGURE, k.bytes, k.len, &f);
}

void
journal_enter(struct turn *t, enum account debit, enum account credit, int64_t amount, int64_t day, const char *household, const char *party,
    const char *bill_id, const struct bill *b, const char *payment)
{
	struct entry e = { .debit = (uint8_t)debit, .credit = (uint8_t)credit, .amount = amount, .when = t->now };
	struct place k = { .len = 0 };
	struct balances all;

	if (amount == 0)
		return;
	memcpy(e.payment, payment, strlen(payment) + 1);
	memcpy(e.party, party, strlen(party) + 1);
	place_number(place_number(place_part(place_part(&k, household), bill_id), day), (int64_t)t->seq);
	put_be32(k.bytes + k.len, t->line++);
	k.len += 4;
	account_put(t->w, ENTRIES, ROW_ENTRY, k.bytes, k.len, &e);
	balances_load(t->w, &all);
	add(t, &all.sums[debit], amount);
	add(t, &all.sums[credit], -amount);
	account_put(t->w, BALANCES, ROW_BALANCES, "all", 3, &all);
	if (b != NULL && (debit == ACCOUNT_DUE || credit == ACCOUNT_DUE))
		figure(t, b, debit, credit, amount, day);
}

bool
bill_load(struct worker *w, const char *id, struct bill *b)
{
	return (account_get(w, BILLS, ROW_BILL, id, strlen(id), b));
}

void
open_place(struct place *k, const char *household, const char *party)
{
	k->len = 0;
	place_part(place_part(k, household), party);
}

void
bill_store(struct turn *t, const char *id, struct bill *b)
{
	const void *there;
	struct place k;
	size_t len;

	if (b->told && b->open == 0) {
		b->told = 0;
		tell_arrears(t, "arrears.cleared", id, b, 0);
	}
	account_put(t->w, BILLS, ROW_BILL, id, strlen(id), b);
	if (b->seq == 0)
		return;
	open_place(&k, b->household, b->party);
	place_text(place_number(&k, b->due), id);
	if (b->open <= 0)
		worker_delete(t->w, OPEN, k.bytes, k.len);
	else if (!worker_get(t->w, OPEN, k.bytes, k.len, &there, &len))
		worker_put(t->w, OPEN, k.bytes, k.len, "", 0);
}

bool
payment_load(struct worker *w, const char *id, struct payment *p)
{
	return (account_get(w, PAYMENTS, ROW_PAYMENT, id, strlen(id), p));
}

static void
unmatched_place(struct place *k, const struct payment *p, const char *id)
{
	k->len = 0;
	k->bytes[k->len++] = p->bill[0] != '\0' ? 'b' : 'h';
	place_text(place_part(k, p->bill[0] != '\0' ? p->bill : p->household), id);
}

void
payment_store(struct turn *t, const char *id, const struct payment *p)
{
	bool posted = p->state == PAYMENT_POSTED;
	struct place k;

	account_put(t->w, PAYMENTS, ROW_PAYMENT, id, strlen(id), p);
	if (!posted && p->state != PAYMENT_REVERSED)
		return;
	open_place(&k, p->household, p->party);
	place_text(place_number(&k, p->received), id);
	if (posted && !p->unmatched && p->rest > 0)
		worker_put(t->w, CREDITS, k.bytes, k.len, "", 0);
	else
		worker_delete(t->w, CREDITS, k.bytes, k.len);
	unmatched_place(&k, p, id);
	if (posted && p->unmatched)
		worker_put(t->w, UNMATCHED, k.bytes, k.len, "", 0);
	else
		worker_delete(t->w, UNMATCHED, k.bytes, k.len);
}

void
odd_note(struct turn *t, const char *what, const char *bill, const char *payment, const char *household, int64_t amount, int64_t expected)
{
	struct odd o = { .amount = amount, .expected = expected, .when = t->now };
	struct place k = { .len = 0 };

	memcpy(o.bill, bill, strlen(bill) + 1);
	memcpy(o.payment, payment, strlen(payment) + 1);
	memcpy(o.household, household, strlen(household) + 1);
	place_number(place_part(&k, what), (int64_t)t->seq);
	/* One event may be odd in several ways, of several bills. */
	put_be32(k.bytes + k.len, t->line++);
	k.len += 4;
	account_put(t->w, ODDS, ROW_ODD, k.bytes, k.len, &o);
}

int64_t
journal_open_as_of(struct worker *w, const char *household, const char *bill, int64_t day, int64_t *billed)
{
	struct worker_walk walk = { .key_len = 0 };
	struct place k = { .len = 0 };
	struct entry e;
	int64_t open = 0;

	*billed = 0;
	place_part(place_part(&k, household), bill);
	while (worker_each(w, ENTRIES, k.bytes, k.len, &walk) && place_read(&walk, k.len) <= day) {
		if (!account_read(ROW_ENTRY, walk.value, walk.value_len, &e))
			continue;
		open += e.debit == ACCOUNT_DUE ? e.amount : e.credit == ACCOUNT_DUE ? -e.amount : 0;
		*billed += e.credit == ACCOUNT_BILLED ? e.amount : 0;
	}
	return (open);
}
