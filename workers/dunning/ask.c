/* Questions about households and their bills. */
#include "dunning.h"

#include <string.h>

#include "errcode.h"
#include "rfc3339.h"

int
ask_day(struct turn *t, int64_t *day)
{
	struct text s;

	*day = t->today;
	if (!worker_asked_text(t->w, "as_of", 10, &s))
		return (0);
	if (!rfc3339_date(s.s, s.len, day))
		return (worker_refuse(t->w, E_ARGUMENT, "as_of", "a date is written 2026-11-30"));
	return (0);
}

static void
reply_day(struct worker *w, const char *name, int64_t day)
{
	char date[16];

	day_name(day, date);
	worker_reply(w, name, text_of(date));
}

static void
reply_month(struct worker *w, const char *name, int64_t month)
{
	char text[16];

	month_name(month, text);
	worker_reply(w, name, text_of(text));
}

/* ---- What is owed: a row a bill ---- */

static int
asked_kind(struct turn *t, int *kind)
{
	struct text s;

	*kind = -1;
	if (!worker_asked_text(t->w, "kind", 16, &s))
		return (0);
	if ((*kind = (int)fee_find(s.s, s.len)) == (int)FEE_KINDS)
		return (worker_refuse(t->w, E_ARGUMENT, "kind", "management, vacant, rent, water, electricity, repair_fund, parking or other"));
	return (0);
}

static void
reply_owed(struct worker *w, const char *id, const struct bill *b, int64_t billed, int64_t open, int64_t day)
{
	worker_reply_row(w);
	worker_reply(w, "household", text_of(b->household));
	worker_reply(w, "bill", text_of(id));
	worker_reply(w, "party", text_of(b->party));
	worker_reply(w, "kind", text_of(fee_name(b->kind)));
	reply_month(w, "period", b->period);
	reply_day(w, "due", b->due);
	worker_reply_int(w, "amount", billed);
	worker_reply_int(w, "open", open);
	worker_reply_int(w, "days", day - b->due);
}

int
ask_arrears(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	struct place k = { .len = 0 };
	char household[NAME_SIZE], id[NAME_SIZE];
	int64_t day, billed, open;
	struct text s;
	struct bill b;
	size_t at;
	int kind;

	if (ask_day(&t, &day) != 0 || asked_kind(&t, &kind) != 0)
		return (-1);
	if (worker_asked_text(w, "building", ID_CHARS_MAX - 1, &s)) {
		name_copy(id, s);
		place_text(place_text(&k, id), "-");
	}
	reply_day(w, "as_of", day);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, ALL, k.bytes, k.len, &walk)) {
		at = place_rest(&walk, 0, household) + 1;
		if (place_read(&walk, at) >= day)
			continue;
		place_rest(&walk, at + 8, id);
		if (!bill_load(w, id, &b) || (kind >= 0 && b.kind != kind))
			continue;
		if (day >= t.today) {
			billed = b.amount;
			open = b.open;
		} else
			open = journal_open_as_of(w, household, id, day, &billed);
		if (open > 0)
			reply_owed(w, id, &b, billed, open, day);
	}
	return (0);
}

/* ---- One household ---- */

/* What all its accounts hold as of a day: their sum is 0. */
static void
reply_accounts(struct worker *w, const char *household, int64_t day)
{
	struct worker_walk walk = { .key_len = 0 };
	int64_t sums[ACCOUNTS] = { 0 }, sum = 0;
	struct place k = { .len = 0 };
	char bill[NAME_SIZE];
	struct entry e;
	size_t at;

	place_part(&k, household);
	while (worker_each(w, ENTRIES, k.bytes, k.len, &walk)) {
		at = place_rest(&walk, k.len, bill) + 1;
		if (place_read(&walk, at) > day || !account_read(ROW_ENTRY, walk.value, walk.value_len, &e))
			continue;
		sums[e.debit] += e.amount;
		sums[e.credit] -= e.amount;
	}
	worker_reply_map(w, "accounts");
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		worker_reply_int(w, account_names[i], sums[i]);
		sum += sums[i];
	}
	worker_reply_end(w);
	worker_reply_int(w, "sum", sum);
}

/* The limitation of a claim: three years from the due date, or from what began them anew. */
static void
reply_limitation(const struct turn *t, const struct bill *b)
{
	int64_t year, from = b->interrupted > b->due ? b->interrupted : b->due, last;
	unsigned month, d;

	if (t->p == NULL)
		return;
	rfc3339_civil(from, &year, &month, &d);
	year += t->p->limitation_years;
	if (month == 2 && d == 29 && rfc3339_days((unsigned)year, 3, 1) - rfc3339_days((unsigned)year, 2, 1) == 28)
		d = 28;
	last = rfc3339_days((unsigned)year, month, d);
	reply_day(t->w, "limitation", last);
	if (b->interrupted_by != NOT_INTERRUPTED) {
		worker_reply(t->w, "interrupted_by", text_of(interruption_names[b->interrupted_by]));
		worker_reply_int(t->w, "interrupted_event", b->interrupted_seq);
	}
}

/* Why nobody is asked for it, now; and until when, where that is known. */
static void
reply_rest(const struct turn *t, const char *household, const struct bill *b)
{
	struct debtor d;
	const char *why;
	int64_t until;

	debtor_load(t->w, household, &d);
	if ((why = rest_reason(t, &d, b, &until)) == NULL)
		return;
	worker_reply(t->w, "rests", text_of(why));
	if (until != 0)
		worker_reply_instant(t->w, "rests_until", until);
}

static void
reply_bill(struct turn *t, const char *household, const char *id, int64_t day)
{
	static const char *const states[] = { "owed", "waived", "cancelled" };
	int64_t billed, open;
	struct bill b;

	if (!bill_load(t->w, id, &b) || b.issued > day)
		return;
	open = journal_open_as_of(t->w, household, id, day, &billed);
	worker_reply_row(t->w);
	worker_reply(t->w, "bill", text_of(id));
	worker_reply(t->w, "party", text_of(b.party));
	worker_reply(t->w, "kind", text_of(fee_name(b.kind)));
	reply_month(t->w, "period", b.period);
	reply_day(t->w, "due", b.due);
	worker_reply_int(t->w, "amount", billed);
	worker_reply_int(t->w, "open", open);
	worker_reply_int(t->w, "days", day - b.due);
	worker_reply(t->w, "state", text_of(b.state == BILL_OWED && open == 0 ? "paid" : states[b.state]));
	worker_reply_bool(t->w, "delivered", b.delivered);
	worker_reply_int(t->w, "event", b.seq);
	if (open > 0)
		reply_limitation(t, &b);
	if (b.open > 0 && day >= t->today)
		reply_rest(t, household, &b);
	if (b.demand_seq != 0)
		worker_reply_int(t->w, "demand_event", b.demand_seq);
}

static void
reply_money(struct turn *t, const char *household, int64_t day)
{
	struct worker_walk walk = { .key_len = 0 };
	struct place k = { .len = 0 };
	struct payment p;
	struct entry e;

	place_part(place_part(&k, household), "");
	worker_reply_list(t->w, "payments");
	while (worker_each(t->w, ENTRIES, k.bytes, k.len, &walk) && place_read(&walk, k.len) <= day) {
		if (!account_read(ROW_ENTRY, walk.value, walk.value_len, &e) || e.debit != ACCOUNT_UNMATCHED || !payment_load(t->w, e.payment, &p))
			continue;
		worker_reply_row(t->w);
		worker_reply(t->w, "payment", text_of(e.payment));
		reply_day(t->w, "received", p.received);
		worker_reply_int(t->w, "amount", p.amount);
		worker_reply_int(t->w, "left", p.rest);
		worker_reply(t->w, "party", text_of(p.party));
		worker_reply(t->w, "state", text_of(payment_names[p.state]));
		if (p.bill[0] != '\0')
			worker_reply(t->w, "bill", text_of(p.bill));
		worker_reply_int(t->w, "event", p.seq);
	}
	worker_reply_end(t->w);
}

int
ask_household(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	struct place k = { .len = 0 };
	char household[NAME_SIZE], id[NAME_SIZE];
	struct debtor d;
	struct text s;
	int64_t day;

	if (ask_day(&t, &day) != 0)
		return (-1);
	if (!worker_asked_text(w, "household", ID_CHARS_MAX, &s))
		return (worker_refuse(w, E_ARGUMENT, "household", "which household? household=3-2-1201"));
	name_copy(household, s);
	if (!debtor_load(w, household, &d))
		return (worker_refuse(w, E_NOT_FOUND, "household", "no event has told of this household"));
	worker_reply(w, "household", text_of(household));
	if (d.party[0] != '\0')
		worker_reply(w, "party", text_of(d.party));
	if (d.moved_out != 0)
		reply_day(w, "moved_out", d.moved_out);
	reply_day(w, "as_of", day);
	reply_accounts(w, household, day);
	reply_money(&t, household, day);
	place_part(&k, household);
	worker_reply_list(w, "bills");
	while (worker_each_row(w, ALL, k.bytes, k.len, &walk)) {
		place_rest(&walk, k.len + 8, id);
		reply_bill(&t, household, id, day);
	}
	return (0);
}
