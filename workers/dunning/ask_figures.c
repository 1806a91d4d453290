/* Questions about all of it: how old it is, how much came in, what does not fit. */
#include "dunning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "errcode.h"
#include "rfc3339.h"

#define REPLY_DAY(w, name, day)	do { char date_[16]; day_name(day, date_); worker_reply(w, name, text_of(date_)); } while (0)

/* ---- Aging ---- */

static const struct {
	const char *name;
	int64_t most;
} buckets[] = { { "not_due", 0 }, { "1-30", 30 }, { "31-60", 60 }, { "61-90", 90 }, { "91-180", 180 }, { "181-365", 365 }, { "over_365", INT64_MAX } };
#define BUCKETS	(sizeof(buckets) / sizeof(*buckets))

int
ask_aging(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	int64_t sums[FEE_KINDS][BUCKETS] = { { 0 } }, all[BUCKETS] = { 0 }, day;
	struct turn t = ask_turn(w);
	struct figure f;

	if (ask_day(&t, &day) != 0)
		return (-1);
	while (worker_each(w, FIGURES, NULL, 0, &walk)) {
		int64_t late = day - place_read(&walk, 9);
		unsigned kind = walk.key[0], i = 0;

		if (kind >= FEE_KINDS || place_read(&walk, 17) > day || !account_read(ROW_FIGURE, walk.value, walk.value_len, &f))
			continue;
		while (late > buckets[i].most)
			i++;
		sums[kind][i] += f.billed - f.received - f.waived - f.cancelled;
	}
	REPLY_DAY(w, "as_of", day);
	worker_reply_list(w, "rows");
	for (unsigned kind = 0; kind <= FEE_KINDS; kind++) {
		int64_t total = 0;

		worker_reply_row(w);
		worker_reply(w, "kind", text_of(kind < FEE_KINDS ? fee_name(kind) : "all"));
		for (unsigned i = 0; i < BUCKETS; i++) {
			int64_t v = kind < FEE_KINDS ? sums[kind][i] : all[i];

			worker_reply_int(w, buckets[i].name, v);
			total += v;
			all[i] += kind < FEE_KINDS ? v : 0;
		}
		worker_reply_int(w, "open", total);
	}
	return (0);
}

/* ---- Collection (F5) ---- */

/* The period asked for: a year or a month; its first month and the one behind it. */
static int
asked_period(struct turn *t, int64_t *first, int64_t *behind)
{
	struct text s;
	int64_t year;
	unsigned month, d;
	char text[16];

	rfc3339_civil(t->today, &year, &month, &d);
	*first = year * 12;
	*behind = *first + 12;
	if (!worker_asked_text(t->w, "period", 7, &s))
		return (0);
	if (s.len == 7 && month_read(s.s, s.len, first)) {
		*behind = *first + 1;
		return (0);
	}
	if (s.len == 4) {
		memcpy(text, s.s, 4);
		memcpy(text + 4, "-01", 4);
		if (month_read(text, 7, first)) {
			*behind = *first + 12;
			return (0);
		}
	}
	return (worker_refuse(t->w, E_ARGUMENT, "period", "a year or a month: 2026, 2026-11"));
}

static void
reply_rate(struct worker *w, const char *name, int64_t part, int64_t whole)
{
	if (whole > 0)
		worker_reply_int(w, name, (int64_t)((__int128)part * 1000 / whole));
	else
		worker_reply(w, name, text_of("n/a"));
}

/* Four sums of a kind: this period's due and collected, what was owed of the time before when it began, and what came in of that since. */
struct collected {
	int64_t due, collected, prior_due, prior_recovered;
};

static void
collect(struct collected *c, const struct figure *f, bool current, bool since)
{
	int64_t due = f->billed - f->waived - f->cancelled;

	if (current) {
		c->due += due;
		c->collected += f->received;
	} else {
		/* Before it began, what came in made the arrears smaller; since then it is recovered. */
		c->prior_due += since ? due : due - f->received;
		c->prior_recovered += since ? f->received : 0;
	}
}

#define BUILDINGS_MAX	1000u

struct building {
	char name[NAME_SIZE];
	struct collected sums;
};

/* They come in no order, and a site has tens of them. */
static struct building *
building_find(struct building **list, unsigned *count, const char *name)
{
	for (unsigned i = *count; i-- > 0;)
		if (strcmp((*list)[i].name, name) == 0)
			return (&(*list)[i]);
	if (*count == BUILDINGS_MAX)
		return (NULL);
	*list = alloc_or_exit(*list, (*count + 1) * sizeof(**list));
	memset(&(*list)[*count], 0, sizeof(**list));
	snprintf((*list)[*count].name, NAME_SIZE, "%s", name);
	return (&(*list)[(*count)++]);
}

static int
by_name(const void *a, const void *b)
{
	return (strcmp(((const struct building *)a)->name, ((const struct building *)b)->name));
}

static void
reply_collected(struct worker *w, const char *dim, const char *name, const struct collected *c)
{
	worker_reply_row(w);
	worker_reply(w, dim, text_of(name));
	worker_reply_int(w, "due", c->due);
	worker_reply_int(w, "collected", c->collected);
	reply_rate(w, "rate", c->collected, c->due);
	worker_reply_int(w, "prior_due", c->prior_due);
	worker_reply_int(w, "prior_recovered", c->prior_recovered);
	reply_rate(w, "prior_rate", c->prior_recovered, c->prior_due);
}

/* Of which building is asked, and is it a row each?  -1: neither. */
static int
asked_buildings(struct worker *w, bool *each, char only[NAME_SIZE])
{
	struct text s;

	*each = false;
	only[0] = '\0';
	if (worker_asked_text(w, "by", NAME_SIZE, &s)) {
		*each = mp_equal(s.s, s.len, "building");
		if (!*each && !mp_equal(s.s, s.len, "kind"))
			return (worker_refuse(w, E_ARGUMENT, "by", "kind or building"));
	}
	if (worker_asked_text(w, "building", ID_CHARS_MAX - 1, &s))
		name_copy(only, s);
	return (0);
}

int
ask_collection(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct collected kinds[FEE_KINDS + 1] = { { 0, 0, 0, 0 } };
	struct building *buildings = NULL, *of;
	int64_t first, behind, day, period, begins;
	struct turn t = ask_turn(w);
	unsigned count = 0;
	struct figure f;
	char name[16], only[NAME_SIZE], building[NAME_SIZE];
	bool each, full = false;

	if (asked_period(&t, &first, &behind) != 0 || ask_day(&t, &day) != 0 || asked_buildings(w, &each, only) != 0)
		return (-1);
	begins = rfc3339_days((unsigned)(first / 12), (unsigned)(first % 12 + 1), 1);
	while (worker_each(w, FIGURES, NULL, 0, &walk)) {
		unsigned kind = walk.key[0];
		int64_t at = place_read(&walk, 17);

		period = place_read(&walk, 1);
		place_rest(&walk, 25, building);
		if (kind >= FEE_KINDS || period >= behind || at > day || !account_read(ROW_FIGURE, walk.value, walk.value_len, &f) ||
		    (only[0] != '\0' && strcmp(only, building) != 0))
			continue;
		collect(&kinds[kind], &f, period >= first, at >= begins);
		collect(&kinds[FEE_KINDS], &f, period >= first, at >= begins);
		if (each && (of = building_find(&buildings, &count, building)) != NULL)
			collect(&of->sums, &f, period >= first, at >= begins);
		else if (each)
			full = true;
	}
	month_name(first, name);
	worker_reply(w, "from", text_of(name));
	month_name(behind - 1, name);
	worker_reply(w, "until", text_of(name));
	REPLY_DAY(w, "as_of", day);
	if (full)
		worker_reply_bool(w, "truncated", true);
	worker_reply_list(w, "rows");
	if (count > 0)
		qsort(buildings, count, sizeof(*buildings), by_name);
	for (unsigned i = 0; i < count; i++)
		reply_collected(w, "building", buildings[i].name, &buildings[i].sums);
	free(buildings);
	for (unsigned kind = 0; kind < FEE_KINDS && !each; kind++)
		reply_collected(w, "kind", fee_name(kind), &kinds[kind]);
	reply_collected(w, each ? "building" : "kind", "all", &kinds[FEE_KINDS]);
	return (0);
}

/* ---- What is behind it ---- */

#define EVENTS_MAX	64u

/* A bill, what its entries up to a day are in the four sums, and their events. */
struct behind {
	char id[NAME_SIZE];
	struct bill bill;
	struct collected sums;
	int64_t events[EVENTS_MAX];
	unsigned count;
};

static void
add_entries(struct turn *t, struct behind *b, int64_t first, int64_t begins, int64_t day)
{
	struct worker_walk walk = { .key_len = 0 };
	struct place k = { .len = 0 };
	struct entry e;

	place_part(place_part(&k, b->bill.household), b->id);
	while (worker_each(t->w, ENTRIES, k.bytes, k.len, &walk)) {
		struct figure f = { .billed = 0 };
		int64_t at = place_read(&walk, k.len), seq = place_read(&walk, k.len + 8);

		if (at > day || !account_read(ROW_ENTRY, walk.value, walk.value_len, &e) || (e.debit != ACCOUNT_DUE && e.credit != ACCOUNT_DUE))
			continue;
		journal_figure(t, &f, e.debit, e.credit, e.amount);
		collect(&b->sums, &f, b->bill.period >= first, at >= begins);
		if (b->count < EVENTS_MAX && (b->count == 0 || b->events[b->count - 1] != seq))
			b->events[b->count++] = seq;
	}
}

static void
reply_behind(struct worker *w, const struct behind *b)
{
	worker_reply_row(w);
	worker_reply(w, "bill", text_of(b->id));
	worker_reply(w, "household", text_of(b->bill.household));
	worker_reply(w, "kind", text_of(fee_name(b->bill.kind)));
	worker_reply_int(w, "due", b->sums.due);
	worker_reply_int(w, "collected", b->sums.collected);
	worker_reply_int(w, "prior_due", b->sums.prior_due);
	worker_reply_int(w, "prior_recovered", b->sums.prior_recovered);
	worker_reply_list(w, "events");
	for (unsigned i = 0; i < b->count; i++)
		worker_reply_int(w, "", b->events[i]);
	worker_reply_end(w);
}

int
ask_behind(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	int64_t first, behind, day, begins;
	struct turn t = ask_turn(w);
	unsigned kind = FEE_KINDS;
	char only[NAME_SIZE] = "", building[NAME_SIZE];
	struct text s;

	if (asked_period(&t, &first, &behind) != 0 || ask_day(&t, &day) != 0)
		return (-1);
	if (worker_asked_text(w, "kind", NAME_SIZE, &s) && (kind = fee_find(s.s, s.len)) == FEE_KINDS)
		return (worker_refuse(w, E_ARGUMENT, "kind", "a kind of fee, such as management"));
	if (worker_asked_text(w, "building", ID_CHARS_MAX - 1, &s))
		name_copy(only, s);
	begins = rfc3339_days((unsigned)(first / 12), (unsigned)(first % 12 + 1), 1);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, BILLS, NULL, 0, &walk)) {
		struct behind b = { .count = 0 };

		if (!account_read(ROW_BILL, walk.value, walk.value_len, &b.bill) || b.bill.seq == 0 || b.bill.period >= behind ||
		    (kind != FEE_KINDS && b.bill.kind != kind) || walk.key_len >= NAME_SIZE)
			continue;
		building_of(b.bill.household, building);
		if (only[0] != '\0' && strcmp(only, building) != 0)
			continue;
		memcpy(b.id, walk.key, walk.key_len);
		add_entries(&t, &b, first, begins, day);
		if (b.sums.due != 0 || b.sums.collected != 0 || b.sums.prior_due != 0 || b.sums.prior_recovered != 0)
			reply_behind(w, &b);
	}
	return (0);
}

/* ---- Reconciliation ---- */

int
ask_reconcile(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct balances all;
	int64_t sum = 0;
	struct odd o;
	char what[NAME_SIZE];
	size_t at;

	balances_load(w, &all);
	worker_reply_map(w, "accounts");
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		worker_reply_int(w, account_names[i], all.sums[i]);
		sum += all.sums[i];
	}
	worker_reply_end(w);
	worker_reply_int(w, "sum", sum);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, ODDS, NULL, 0, &walk)) {
		if (!account_read(ROW_ODD, walk.value, walk.value_len, &o))
			continue;
		at = place_rest(&walk, 0, what) + 1;
		worker_reply_row(w);
		worker_reply(w, "what", text_of(what));
		if (o.bill[0] != '\0')
			worker_reply(w, "bill", text_of(o.bill));
		if (o.payment[0] != '\0')
			worker_reply(w, "payment", text_of(o.payment));
		if (o.household[0] != '\0')
			worker_reply(w, "household", text_of(o.household));
		worker_reply_int(w, "amount", o.amount);
		worker_reply_int(w, "expected", o.expected);
		worker_reply_instant(w, "when", o.when);
		worker_reply_int(w, "event", place_read(&walk, at));
	}
	return (0);
}
