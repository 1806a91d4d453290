/*
 * account: what is remembered of bills, payments and households, and where it lies.
 *
 * BILLS	bill				->  struct bill
 * PAYMENTS	payment				->  struct payment
 * HOUSEHOLDS	household			->  struct debtor
 * ENTRIES	household, 0, bill, 0, day, seq, line ->  struct entry: the journal; without a bill: money that came in or went back
 * OPEN		household, 0, party, 0, due, bill  ->  nothing: what is owed
 * ALL		household, 0, due, bill		->  nothing: every bill there ever was
 * CREDITS	household, 0, party, 0, received, payment ->  nothing: payments of which something is left
 * PAID		payment, 0, bill		->  how much of that bill it pays
 * UNMATCHED	b, bill, 0, payment; or h, household, 0, payment ->  nothing: money that waits to be told what it is for
 * BALANCES	"all"				->  struct balances: all households together
 * FIGURES	kind, period, due, day, building	->  struct figure: what that day did to the bills of that kind, period, due date and building
 * ODDS		what, 0, seq, line		->  struct odd: what does not fit, for the reconciliation
 * NOTICES	notification			->  struct notice: a message that was asked for
 * FORMERS	household, 0, party		->  nothing: it had the flat once
 *
 * Days are days since 1970 of the site's clock; an entry's is its value date: the day on which the money came in, else the day of the log.  So a
 * figure as of a date is a sum over the days up to it, and a payment that is posted late counts from when it was received.  Months are
 * year * 12 + month - 1.  A value is a version byte and its members in the order of account.c.  Nothing personal is kept.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include "bounds.h"
#include "worker.h"

enum { BILLS, PAYMENTS, HOUSEHOLDS, ENTRIES, OPEN, ALL, CREDITS, PAID, UNMATCHED, BALANCES, FIGURES, ODDS, NOTICES, FORMERS };

#define NAME_SIZE	(ID_CHARS_MAX + 1)
#define FEE_KINDS	8u

/* Debits are positive: all of them together are 0 at all times. */
enum account { ACCOUNT_DUE, ACCOUNT_RECEIVED, ACCOUNT_UNMATCHED, ACCOUNT_CREDIT, ACCOUNT_WAIVED, ACCOUNT_CANCELLED, ACCOUNT_BILLED, ACCOUNTS };
extern const char *const account_names[ACCOUNTS];

enum bill_state { BILL_OWED, BILL_WAIVED, BILL_CANCELLED };
enum payment_state { PAYMENT_NONE, PAYMENT_INITIATED, PAYMENT_FAILED, PAYMENT_POSTED, PAYMENT_REVERSED, PAYMENT_STATES };
extern const char *const payment_names[PAYMENT_STATES];

/* What began the three years anew (民法典 195). */
enum interruption { NOT_INTERRUPTED, BY_DEMAND, BY_PART, BY_PROMISE, BY_FILING, INTERRUPTIONS };
extern const char *const interruption_names[INTERRUPTIONS];

struct bill {
	char household[NAME_SIZE], party[NAME_SIZE];
	char asked[NAME_SIZE];			/* the message that waits for the household's budget */
	char host[NAME_SIZE];			/* who had the flat when it was issued, if another party pays by agreement; else nothing */
	uint8_t kind, state, delivered, told, filed, interrupted_by;	/* told: arrears.opened was said, and not taken back */
	int64_t seq;				/* of its issue; 0: something was said of it before it was issued */
	int64_t period, due, issued, amount, open;
	int64_t reopened;			/* the last day on which it was owed again */
	int64_t steps, step_day;		/* of the ladder: how many are behind it, and when the last was */
	int64_t disputes, dispute_until, promises, promise_until;		/* days, inclusive; dispute_until < 0: it is over, and what waited for it is spent */
	int64_t flights, flight_until;		/* payments on their way; an instant */
	int64_t interrupted, interrupted_seq, demand, demand_seq;
};

struct payment {
	char household[NAME_SIZE], party[NAME_SIZE], bill[NAME_SIZE];
	uint8_t state, unmatched;
	int64_t amount, rest, received, seq, expires;
};

struct debtor {
	char party[NAME_SIZE];
	uint8_t known, hardship;
	int64_t moved_out, hardship_until;	/* days; 0: no end is known */
	int64_t flights, flight_until;
	int64_t wake;				/* when its timer is set for; 0: it is not */
};

struct entry {
	char payment[NAME_SIZE], party[NAME_SIZE];
	uint8_t debit, credit;
	int64_t amount, when;
};

struct figure {
	int64_t billed, received, waived, cancelled;
};

struct balances {
	int64_t sums[ACCOUNTS];
};

struct odd {
	char bill[NAME_SIZE], payment[NAME_SIZE], household[NAME_SIZE];
	int64_t amount, expected, when;
};

#define NOTICE_BILLS_MAX	24u

struct notice {
	char household[NAME_SIZE], party[NAME_SIZE];
	char bills[NOTICE_BILLS_MAX][NAME_SIZE];
	uint8_t count, what, state;
	int64_t amount, asked, until;
};

enum shape_of { ROW_BILL, ROW_PAYMENT, ROW_DEBTOR, ROW_ENTRY, ROW_FIGURE, ROW_BALANCES, ROW_ODD, ROW_NOTICE, ROWS_OF };

#define ROW_BYTES_MAX	2048u

/* False if there is none; then the struct is all zeros. */
bool	account_get(struct worker *, unsigned table, enum shape_of, const void *key, size_t len, void *out);
void	account_put(struct worker *, unsigned table, enum shape_of, const void *key, size_t len, const void *);
bool	account_read(enum shape_of, const void *bytes, size_t len, void *out);
size_t	account_write(enum shape_of, const void *, uint8_t out[ROW_BYTES_MAX]);

/* Keys of several parts. */
struct place {
	size_t len;
	uint8_t bytes[STATE_KEY_MAX];
};
struct place	*place_number(struct place *, int64_t);		/* eight bytes that sort as it does */
struct place	*place_text(struct place *, const char *);	/* without a zero … */
struct place	*place_part(struct place *, const char *);	/* … and with one behind it */
int64_t		 place_read(const struct worker_walk *, size_t from);
/* What stands behind so many bytes of a key, up to a zero or its end; returns where that was. */
size_t		 place_rest(const struct worker_walk *, size_t from, char out[NAME_SIZE]);

void	name_copy(char out[NAME_SIZE], struct text);

#endif
