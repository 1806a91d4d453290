/*
 * callback: who must be called back, when, by whom.
 *
 * The way of an event, file by file:
 *
 *	callback.c	the worker: its tables, its configuration, which part an event is for
 *	matter.c	cases: complaints that were handled, requests that were met; reopened, closed, linked
 *	repair.c	repairs: finished, rated, looked at by the daily run
 *	calls.c		calls that nobody answered
 *	resident.c	households: who lives there, and what they want
 *	plan.c		routine calls: every household once a year, key households more often
 *	result.c	what staff report: done, tried in vain, extended, taken back
 *	visit.c		appointments and visits
 *	owe.c		a callback's life: owed, planned, handed over, ended
 *	assign.c	who has to call: the roster, with the absences of the log, by load
 *	draw.c		the daily run: which satisfied households are asked, by the pace of the month
 *	budget.c	how often a household may be asked at all
 *	audit.c		the lead's sample
 *	clock.c		the site's days, months and hours
 *	tell.c		the events that are derived
 *	agenda.c, ask.c	the questions
 *	book.c		storing a callback, with the figures and lists that it is in
 *	record.c, policy_read.c	what is remembered; what the file of rules says
 *
 * A callback is a row.  Whatever is counted or listed of it (the month's figures, somebody's load, the agenda, the gaps) is made from the row
 * as it was and the row as it is, in book.c and nowhere else, so that a figure cannot drift from what it counts.
 *
 * callback.due is said when a callback comes on the agenda, and said again when its terms change: the last one holds.
 */
#ifndef CALLBACK_H
#define CALLBACK_H

#include "calendar.h"
#include "policy.h"
#include "record.h"
#include "roster.h"
#include "worker.h"

#define DAY_NS	(86400 * SECOND_NS)

/* What configure() reads: nothing else is kept in memory. */
struct callbacks {
	struct policy *policy;
	struct calendar *calendar;
	struct roster *roster;
};

/* One call of the harness. */
struct turn {
	struct worker *w;
	const struct callbacks *x;
	const struct policy *p;		/* NULL: no rules are in force, and nothing is concluded */
	int64_t now;
	uint64_t seq;			/* the event at hand, or the one that set the timer */
};

/* ---- clock.c: the site's days ---- */

int64_t	clock_day(const struct turn *, int64_t at);
unsigned clock_minute(const struct turn *, int64_t at);
int64_t	clock_at(const struct turn *, int64_t day, unsigned minute);
/* The end of the nth day behind that of `at`. */
int64_t	clock_days_later(const struct turn *, int64_t at, int64_t n);
/* year * 12 + month - 1, and back. */
int64_t	clock_month(const struct turn *, int64_t at);
int64_t	clock_month_first(int64_t month);		/* its first day */
int64_t	clock_month_days(int64_t month);
int64_t	clock_month_end(const struct turn *, int64_t month);
void	clock_month_name(int64_t month, char out[16]);
bool	clock_working(const struct turn *, int64_t day);
/* Monday's number: weeks since 1970. */
int64_t	clock_week(const struct turn *, int64_t at);
/* The first instant from `at` on within these hours and outside the household's quiet; `after`: in a later part of the day than that instant's. */
int64_t	clock_within(const struct turn *, const struct hours_list *, const struct household *, int64_t at);
int64_t	clock_next_part(const struct turn *, const struct household *, int64_t after, int64_t not_before);
bool	clock_may_visit(const struct turn *, const struct household *, int64_t at);

/* The number that a name draws: the same for the same seed. */
uint64_t	clock_draw(const struct turn *, const char *what, const char *name);

/* ---- book.c ---- */

bool	book_load(struct turn *, const char *id, struct callback *);
/* With the figures of its month, the load of its staff, the agenda, the gaps, what is pending of its household. */
void	book_store(struct turn *, const struct callback *);
void	book_tally(struct worker *, int64_t month, unsigned kind, struct tally *);
void	book_tally_put(struct worker *, int64_t month, unsigned kind, const struct tally *);
void	book_share(struct worker *, int64_t month, char what, const char *name, struct share *);
void	book_load_of(struct worker *, int64_t month, const char *role, const char *staff, struct load *);
/* What happened to it. */
void	book_note(struct turn *, const char *id, const char *what, const char *by, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* ---- tell.c ---- */

void	tell_due(struct turn *, const struct callback *);
/* callback.cancelled, reassigned, downgraded. */
void	tell_changed(struct turn *, const struct callback *, const char *type, const char *reason);
/* `about`: the callback, or the subject itself. */
void	tell_violated(struct turn *, const char *subject, const char *about, const char *rule, const char *by);
void	tell_contact(struct turn *, const char *household, const char *type, const char *purpose, const char *ref, int64_t not_before, int64_t until);
void	tell_short(struct turn *, int64_t month, unsigned kind, int64_t done, int64_t required);
void	tell_sampled(struct turn *, const char *audit, const char *subject);

/* ---- owe.c ---- */

/* Its id: subject and tail, "C-17/1". */
void	owe_id(const char *subject, const char *tail, char out[ID_SIZE_MAX]);
/* A new one, all but its times. */
void	owe_new(struct turn *, struct callback *, unsigned kind, const char *subject, const char *tail, const char *household);
/* On the agenda: assigned and told. */
void	owe_open(struct turn *, struct callback *);
/* From a day on; book_store() and a timer. */
void	owe_plan(struct turn *, struct callback *);
/* Its timer. */
void	owe_due(struct turn *, const char *id);
/* The same person or another one, told if it is another. */
void	owe_reassign(struct turn *, struct callback *, const char *role, const char *reason);
void	owe_cancel(struct turn *, struct callback *, const char *reason);
void	owe_give_up(struct turn *, struct callback *, const char *reason);
void	owe_done(struct turn *, struct callback *, int64_t when, uint64_t seq, const char *by);
/* Is it still owed? */
bool	owe_is_open(const struct callback *);

/* ---- assign.c ---- */

/* Who calls: writes role and staff, and appends to the reason if nobody of the role is there. */
void	assign_choose(struct turn *, struct callback *, const char *role);
bool	assign_is_own(struct turn *, const struct callback *, const char *staff);
void	assign_note(struct turn *, const struct worker_event *);
/* Another roster: what those have who are no longer on it is handed over. */
void	assign_roster(struct turn *);
/* Has he, or is he, one of these roles? */
bool	assign_has_role(struct turn *, const char *staff, const struct name_list *);

/* ---- matter.c, repair.c, calls.c ---- */

void	matter_complaint_opened(struct turn *, const struct worker_event *);
void	matter_handled(struct turn *, const struct worker_event *);
void	matter_help(struct turn *, const struct worker_event *);
void	matter_assigned(struct turn *, const struct worker_event *);
void	matter_reclassified(struct turn *, const struct worker_event *);
void	matter_reopened(struct turn *, const struct worker_event *);
void	matter_closed(struct turn *, const struct worker_event *);
void	matter_replied(struct turn *, const struct worker_event *);
void	matter_linked(struct turn *, const struct worker_event *);

/* What is known of the event's subject, with its id: false, and zeros, if nothing is. */
bool	matter_load(struct turn *, const struct worker_event *, char id[ID_SIZE_MAX], struct matter *);
void	matter_store(struct turn *, const char *id, const struct matter *);
/* That event was a mistake: if it ended the case, or reopened it, it did not. */
void	matter_take_back(struct turn *, const char *id, struct matter *, int64_t seq);
/* Whoever that field names had a hand in it. */
void	matter_touch_by(struct matter *, const struct event *, const char *field);
void	matter_know_household(struct matter *, const struct event *);
bool	matter_says(const struct event *, const char *field, const char *value);
/* The next callback about it; stores the case. */
void	matter_begin(struct turn *, struct callback *, unsigned kind, const char *id, struct matter *, const struct worker_event *);
/* Was it done before we heard of it? */
bool	matter_settled_before(struct turn *, const char *id, struct matter *, struct callback *);

void	repair_requested(struct turn *, const struct worker_event *);
void	repair_finished(struct turn *, const struct worker_event *);
void	repair_rated(struct turn *, const struct worker_event *);
void	repair_forget_rating(struct matter *);
/* The run that looks at it: on the morning after it was finished, or at once if that is over. */
void	repair_await_run(struct turn *, struct callback *);
/* The daily run for one repair: mandatory, or may it be drawn? */
void	repair_run(struct turn *, const char *id);

void	calls_lost(struct turn *, const struct worker_event *);
void	calls_answered(struct turn *, const struct worker_event *);

/* ---- result.c, visit.c ---- */

void	result_done(struct turn *, const struct worker_event *);
void	result_attempted(struct turn *, const struct worker_event *);
void	result_extended(struct turn *, const struct worker_event *);
void	result_retracted(struct turn *, const struct worker_event *);
/* What ended it holds no longer.  unlinked: that was a link, of which estate-escalate has heard by callback.cancelled. */
void	result_uncancel(struct turn *, struct callback *, bool unlinked);
/* Which callback an event of staff is about: the one that it names, else the open one of its subject.  False: none. */
bool	result_find(struct turn *, const struct event *, struct callback *);

void	visit_appointment(struct turn *, const struct worker_event *);
void	visit_started(struct turn *, const struct worker_event *);
void	visit_by_telephone(struct turn *, struct callback *, const char *reason);
void	visit_no_show(struct turn *, struct callback *);
/* Done by a visit: was it agreed? */
void	visit_check(struct turn *, struct callback *, int64_t when, const char *by);

/* ---- resident.c, plan.c ---- */

bool	resident_load(struct worker *, const char *household, struct household *);
void	resident_store(struct worker *, const char *household, const struct household *);
bool	resident_lives(const struct household *, int64_t day);
void	resident_registered(struct turn *, const struct worker_event *);
void	resident_moved(struct turn *, const struct worker_event *);
void	resident_tagged(struct turn *, const struct worker_event *);
void	resident_wishes(struct turn *, const struct worker_event *);
void	resident_steward(struct turn *, const struct worker_event *);
/* They were spoken to. */
void	resident_contacted(struct turn *, const struct callback *, int64_t when);

/* Who has moved in and was not asked this year, for this month's share. */
void	plan_month(struct turn *, int64_t day);
/* A key household whose time has come, and when it comes. */
void	plan_key_due(struct turn *, const char *household);
void	plan_await_key(struct turn *, const char *household, const struct household *);
/* Is their routine call within a week from now? */
bool	plan_is_soon(struct turn *, const struct household *);
void	plan_unreached(struct turn *, const struct callback *);
/* A routine call that no plan had asked for.  False: that is no household. */
bool	plan_called(struct turn *, struct text household, int64_t when, uint64_t seq, const char *by);

/* ---- draw.c, budget.c, audit.c ---- */

/* The next daily run. */
void	draw_await(struct turn *);
void	draw_run(struct turn *);
/* What a month needs, and where it stands. */
struct forecast {
	int64_t n, required;		/* at its end, as far as can be known */
	int64_t required_now;		/* of what is finished so far */
	int64_t pace;			/* calls that should be done by today */
};
void	draw_forecast(struct turn *, int64_t month, int64_t today, struct forecast *);

/* The first instant from `at` on at which an optional contact is within the budget; INT64_MAX while another one is under way. */
int64_t	budget_clear(struct turn *, const char *household, const struct household *, int64_t at, const char *except);
/* Another contact with this household is owed anyway. */
bool	budget_merges(struct turn *, const char *household, const char *except);
/* Is something that had to be asked open beside it, for the same person on the same day?  Then the agenda has both in one talk. */
bool	budget_one_talk(struct turn *, const struct callback *, int64_t when);
void	budget_spend(struct household *, int64_t at);
void	budget_requested(struct turn *, const struct worker_event *);
void	budget_due(struct turn *, const char *name, size_t len);

void	audit_candidate(struct turn *, const struct callback *);
void	audit_run(struct turn *, int64_t day);
void	audit_done(struct turn *, const struct worker_event *);

/* ---- agenda.c, ask.c ---- */

int	agenda_answer(struct worker *);
int	ask_quota(struct worker *);
int	ask_gaps(struct worker *);
int	ask_load(struct worker *);
int	ask_household(struct worker *);
int	ask_callback(struct worker *);
int	ask_audit(struct worker *);
/* A turn of a question. */
struct turn	ask_turn(struct worker *);

#endif
