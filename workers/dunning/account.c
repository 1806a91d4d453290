/* What is remembered, as bytes. */
#include "account.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "shape.h"

#define ROW_VERSION	2u

const char *const account_names[ACCOUNTS] = { "due", "received", "unmatched", "credit", "waived", "cancelled", "billed" };
const char *const payment_names[PAYMENT_STATES] = { "unknown", "initiated", "failed", "posted", "reversed" };
const char *const interruption_names[INTERRUPTIONS] = { "", "demand", "part_payment", "promise", "filing" };

static const struct member bill_parts[] = { T(bill, household), T(bill, party), T(bill, asked), T(bill, host), B(bill, kind), B(bill, state), B(bill, delivered),
	B(bill, told), B(bill, filed), B(bill, interrupted_by), N(bill, seq), N(bill, period), N(bill, due), N(bill, issued), N(bill, amount), N(bill, open),
	N(bill, reopened), N(bill, steps), N(bill, step_day), N(bill, disputes), N(bill, dispute_until), N(bill, promises), N(bill, promise_until), N(bill, flights),
	N(bill, flight_until), N(bill, interrupted), N(bill, interrupted_seq), N(bill, demand), N(bill, demand_seq), LAST };
static const struct member payment_parts[] = { T(payment, household), T(payment, party), T(payment, bill), B(payment, state), B(payment, unmatched),
	N(payment, amount), N(payment, rest), N(payment, received), N(payment, seq), N(payment, expires), LAST };
static const struct member debtor_parts[] = { T(debtor, party), B(debtor, known), B(debtor, hardship), N(debtor, moved_out),
	N(debtor, hardship_until), N(debtor, flights), N(debtor, flight_until), N(debtor, wake), LAST };
static const struct member entry_parts[] = { T(entry, payment), T(entry, party), B(entry, debit), B(entry, credit), N(entry, amount), N(entry, when), LAST };
static const struct member figure_parts[] = { N(figure, billed), N(figure, received), N(figure, waived), N(figure, cancelled), LAST };
static const struct member balances_parts[] = { N(balances, sums[0]), N(balances, sums[1]), N(balances, sums[2]), N(balances, sums[3]), N(balances, sums[4]),
	N(balances, sums[5]), N(balances, sums[6]), LAST };
_Static_assert(ACCOUNTS == 7, "balances_parts has a row for each");
static const struct member odd_parts[] = { T(odd, bill), T(odd, payment), T(odd, household), N(odd, amount), N(odd, expected), N(odd, when), LAST };
#define NB(i)	T(notice, bills[i])
static const struct member notice_parts[] = { T(notice, household), T(notice, party), NB(0), NB(1), NB(2), NB(3), NB(4), NB(5), NB(6), NB(7), NB(8), NB(9),
	NB(10), NB(11), NB(12), NB(13), NB(14), NB(15), NB(16), NB(17), NB(18), NB(19), NB(20), NB(21), NB(22), NB(23), B(notice, count), B(notice, what),
	B(notice, state), N(notice, amount), N(notice, asked), N(notice, until), LAST };

static const struct shape_list rows_of[ROWS_OF] = {
	[ROW_BILL] = { bill_parts, sizeof(struct bill) },
	[ROW_PAYMENT] = { payment_parts, sizeof(struct payment) },
	[ROW_DEBTOR] = { debtor_parts, sizeof(struct debtor) },
	[ROW_ENTRY] = { entry_parts, sizeof(struct entry) },
	[ROW_FIGURE] = { figure_parts, sizeof(struct figure) },
	[ROW_BALANCES] = { balances_parts, sizeof(struct balances) },
	[ROW_ODD] = { odd_parts, sizeof(struct odd) },
	[ROW_NOTICE] = { notice_parts, sizeof(struct notice) },
};

bool
account_read(enum shape_of shape, const void *bytes, size_t len, void *out)
{
	return (shape_read(&rows_of[shape], ROW_VERSION, bytes, len, out));
}

size_t
account_write(enum shape_of shape, const void *in, uint8_t out[ROW_BYTES_MAX])
{
	return (shape_write(&rows_of[shape], ROW_VERSION, in, out));
}

bool
account_get(struct worker *w, unsigned table, enum shape_of shape, const void *key, size_t len, void *out)
{
	const void *v;
	size_t n;

	if (len > 0 && worker_get(w, table, key, len, &v, &n) && account_read(shape, v, n, out))
		return (true);
	memset(out, 0, rows_of[shape].size);
	return (false);
}

void
account_put(struct worker *w, unsigned table, enum shape_of shape, const void *key, size_t len, const void *in)
{
	uint8_t bytes[ROW_BYTES_MAX];

	worker_put(w, table, key, len, bytes, account_write(shape, in, bytes));
}

/* ---- Keys ---- */

struct place *
place_number(struct place *k, int64_t v)
{
	put_be64(k->bytes + k->len, (uint64_t)v ^ 1ull << 63);
	k->len += 8;
	return (k);
}

struct place *
place_text(struct place *k, const char *s)
{
	size_t n = strlen(s);

	memcpy(k->bytes + k->len, s, n);
	k->len += n;
	return (k);
}

struct place *
place_part(struct place *k, const char *s)
{
	place_text(k, s);
	k->bytes[k->len++] = 0;
	return (k);
}

int64_t
place_read(const struct worker_walk *walk, size_t from)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8 && from + i < walk->key_len; i++)
		v = v << 8 | walk->key[from + i];
	return ((int64_t)(v ^ 1ull << 63));
}

size_t
place_rest(const struct worker_walk *walk, size_t from, char out[NAME_SIZE])
{
	size_t n = from < walk->key_len ? strnlen((const char *)walk->key + from, walk->key_len - from) : 0;

	snprintf(out, NAME_SIZE, "%.*s", (int)n, (const char *)walk->key + from);
	return (from + n);
}

void
name_copy(char out[NAME_SIZE], struct text t)
{
	snprintf(out, NAME_SIZE, "%.*s", (int)t.len, t.s != NULL ? t.s : "");
}
