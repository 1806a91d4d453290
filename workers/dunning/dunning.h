/*
 * dunning: what every household owes, and how it is asked for it.
 *
 * The way of an event, file by file:
 *
 *	dunning.c	the worker: its tables, its configuration, which part an event is for
 *	journal.c	entries between accounts, with the figures and indexes that they are in
 *	bills.c		bills: issued, delivered, waived, cancelled
 *	payments.c	money: on its way, posted, reversed; what it is for
 *	debtors.c	households: who pays for it now
 *	rest.c		what a bill rests for: disputes, promises, payments on their way, hardship; demands
 *	steps.c		the ladder: which step of which bill is due on a day
 *	notices.c	a message on its way: the household's budget, the ledger looked at again, withdrawn
 *	tell.c		the events that are derived
 *	days.c		the site's days
 *	ask.c, ask_figures.c	the questions
 *	account.c, ladder_read.c	what is remembered; what the file of rules says
 *
 * Every fen moves by journal_enter(), from one account to another: the sum of all accounts is 0 whatever happens, and what a bill has open is
 * what the journal says of it.  Money that comes in is first credit of who pays, then pays bills: the one that it names, else and with what is
 * left the oldest due first, by the order of kinds in the rules.
 */
#ifndef DUNNING_H
#define DUNNING_H

#include "account.h"
#include "calendar.h"
#include "ladder.h"
#include "worker.h"

#define DAY_NS	(86400 * SECOND_NS)

/* What configure() reads: nothing else is kept in memory. */
struct dunning {
	struct terms *terms;
	struct calendar *calendar;
};

/* One call of the harness. */
struct turn {
	struct worker *w;
	const struct dunning *x;
	const struct terms *p;		/* NULL: no rules are in force, and nothing is concluded; the ledger is kept all the same */
	int64_t now, today;
	uint64_t seq;			/* the event at hand, or the one that set the timer */
	unsigned line;			/* entries so far */
};

/* ---- days.c ---- */

int64_t	day_of(const struct turn *, int64_t at);
int64_t	day_at(const struct turn *, int64_t day, int64_t minute);
bool	day_field(const struct event *, const char *field, int64_t *day);
bool	month_read(const char *, size_t len, int64_t *month);
void	day_name(int64_t day, char out[16]);
void	month_name(int64_t month, char out[16]);

/* ---- journal.c ---- */

/* Move an amount from one account to another, for a bill (NULL: none) of that id. */
void	journal_enter(struct turn *, enum account debit, enum account credit, int64_t amount, int64_t day, const char *household, const char *party,
	    const char *bill_id, const struct bill *, const char *payment);
/* What an entry does to a figure: `due` moves against the account on the other side. */
void	journal_figure(struct turn *, struct figure *, enum account debit, enum account credit, int64_t amount);
void	balances_load(struct worker *, struct balances *);
/* 3-2-1201 is in 3. */
void	building_of(const char *household, char out[NAME_SIZE]);
bool	bill_load(struct worker *, const char *id, struct bill *);
/* With its place among what is owed; arrears that are settled are told. */
void	bill_store(struct turn *, const char *id, struct bill *);
bool	payment_load(struct worker *, const char *id, struct payment *);
/* With its place among the credits and what is unmatched. */
void	payment_store(struct turn *, const char *id, const struct payment *);
void	open_place(struct place *, const char *household, const char *party);
/* "duplicate": something that somebody must look at. */
void	odd_note(struct turn *, const char *what, const char *bill, const char *payment, const char *household, int64_t amount, int64_t expected);
/* What a bill had open at the end of a day; what was billed. */
int64_t	journal_open_as_of(struct worker *, const char *household, const char *bill, int64_t day, int64_t *billed);

/* ---- bills.c, payments.c, debtors.c ---- */

void	bill_issued(struct turn *, const struct worker_event *);
void	bill_fate(struct turn *, const struct worker_event *);
/* It changed: a waived one owes nothing, whatever was given back. */
void	bill_settle(struct turn *, const char *id, struct bill *);

void	payment_posted(struct turn *, const struct worker_event *);
void	payment_reversed(struct turn *, const struct worker_event *);
/* Take back what a payment did for a bill. */
void	payment_undo(struct turn *, const char *payment_id, struct payment *, const char *bill_id, struct bill *);
/* Let what is left of payments pay what is owed. */
void	payments_spend(struct turn *, const char *household, const char *party);
/* Money that waits for this bill, or for this household. */
void	payments_match(struct turn *, char which, const char *id);

bool	debtor_load(struct worker *, const char *household, struct debtor *);
/* Had that party the flat before? */
bool	debtor_was(struct worker *, const char *household, const char *party);
void	debtor_store(struct worker *, const char *household, const struct debtor *);
void	debtor_registered(struct turn *, const struct worker_event *);
void	debtor_handed(struct turn *, const struct worker_event *);
void	debtor_moved(struct turn *, const struct worker_event *);

/* ---- rest.c ---- */

/* Why nobody is asked for a bill, and until which instant (0: it is not known); NULL: it may be asked for. */
const char	*rest_reason(const struct turn *, const struct debtor *, const struct bill *, int64_t *until);
void	rest_promise(struct turn *, const struct worker_event *);
void	rest_dispute(struct turn *, const struct worker_event *);
/* The three years of limitation begin anew on that day (民法典 195). */
void	rest_interrupt(struct bill *, int64_t day, enum interruption, uint64_t seq);
/* Its dispute has run out: money that does not name it may pay it again, of value from the day behind. */
void	rest_undisputed(struct turn *, const char *id, struct bill *);
void	rest_hardship(struct turn *, const struct worker_event *);
void	rest_flight(struct turn *, const struct worker_event *);
void	rest_demand(struct turn *, const struct worker_event *);
/* The payment that it was is no longer on its way. */
void	rest_landed(struct turn *, const struct payment *before);

/* ---- steps.c ---- */

int64_t	steps_next_run(const struct turn *);
/* Look at a household at that instant, unless it is looked at before; 0: never. */
void	steps_wake(struct turn *, const char *household, int64_t at);
void	steps_await(struct turn *, const struct bill *);
void	steps_run(struct turn *, const char *household);
void	steps_begin(struct turn *);
/* The next step of a bill; false: there is none.  It is taken, and told; it is behind the bill. */
bool	steps_due(struct turn *, const struct bill *, struct step *);
void	steps_taken(struct turn *, const char *id, struct bill *);
void	steps_passed(struct turn *, const char *id, struct bill *);
void	steps_name(const struct turn *, const struct notice *, char out[NAME_SIZE]);

/* ---- tell.c ---- */

void	tell_arrears(struct turn *, const char *type, const char *id, const struct bill *, int64_t amount);
void	tell_step(struct turn *, const char *id, const struct bill *, const struct step *);
void	tell_wish(struct turn *, const char *id, const struct notice *);
void	tell_notice(struct turn *, const char *id, const struct notice *, const struct step *, int64_t due, int64_t not_before, int64_t expires);

/* ---- ask.c, ask_figures.c, notices.c ---- */

int	ask_holds(struct worker *);

struct turn	ask_turn(struct worker *);
int	ask_arrears(struct worker *);
int	ask_household(struct worker *);
int	ask_aging(struct worker *);
int	ask_collection(struct worker *);
int	ask_behind(struct worker *);
int	ask_reconcile(struct worker *);
/* The date asked for, or today. */
int	ask_day(struct turn *, int64_t *day);

#endif
