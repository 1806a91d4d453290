/*
 * stats: every figure the department is measured on, and the events behind it.
 *
 * The way of an event, file by file:
 *
 *	stats.c		the worker: its tables, its configuration, which objects an event is for
 *	fact.c		what of an event is remembered
 *	take.c		to which objects an event goes, which others depend on it, what a correction changes
 *	object.c	an object's facts, and their being judged
 *	aspect.c, aspect_case.c, aspect_rest.c, aspect_house.c	what its facts say of it
 *	contact.c	who turned to the desk, when
 *	measure.c, measure_read.c	what is counted: config/measures.yaml
 *	member.c	of which measures it is a member, in which period; what changed since
 *	member_bytes.c	a member as bytes
 *	period.c	the site's days, months and years
 *	target.c	what is going to be missed, and what was
 *	draft.c		reports that are owed to somebody: their versions, and what became of them
 *	recount.c	other measures, or another calendar: every object is judged anew
 *	ask.c, ask_figures.c, ask_explain.c	the questions
 *
 * A figure is no counter that is raised and lowered: it is the sum of the members that lie under its measure and period.  Members are a function
 * of an object's facts.  So an event that is late, comes twice, or is corrected changes what its object is a member of, and nothing else can
 * go wrong; and what is behind a figure is there to be listed.
 *
 * Nothing is overwritten: a member that changes leaves what it was in PAST, from which event until which.  A figure as of then is the sum of
 * those that held then.
 *
 * OBJECTS	s, subject | c, household: its calls | t, survey, 0, ticket | o, obligation | e, number of the event	->  facts, and what it is a member of
 * SPREAD	number of an event	->  the objects that have it: corrections name the number
 * ROWS		measure, month, object, sub	->  since which event and when it is so; the member
 * PAST		measure, month, until which event, object, sub	->  from which event and when until when; the member
 * CONTACTS	contact.c
 * ALARMS	measure, period, what		->  nothing: it was told; "since"	->  when the first measures were activated; "closed", 0, survey	->  nothing:
 *		it was closed before that
 * DRAFTS	report, version	->  as of when its figures are, what became of it
 */
#ifndef STATS_H
#define STATS_H

#include "calendar.h"
#include "measure.h"
#include "object.h"
#include "member.h"
#include "worker.h"

#define DAY_NS	(86400 * SECOND_NS)

enum { OBJECTS, SPREAD, ROWS, PAST, ALARMS, CONTACTS, DRAFTS };

/* What configure() reads, and memory to work in: nothing is remembered there. */
struct stats {
	struct measures *measures;
	struct calendar *calendar;
	struct object object, beside;
	struct members members;
};

/* One call of the harness. */
struct turn {
	struct worker *w;
	struct stats *x;
	const struct measures *p;	/* NULL: none are in force, and only facts are kept */
	int64_t now;
	uint64_t seq;			/* of the event that changes what is counted … */
	int64_t log_time;		/* … and when it was stored */
};

struct turn	turn_of(struct worker *, uint64_t seq, int64_t log_time);

/* ---- period.c: months count from January of the year 0 ---- */

#define MONTH_OPEN	0xffffu		/* of a spell that lasts */
int64_t	period_day(const struct turn *, int64_t at);
int64_t	period_day_begins(const struct turn *, int64_t day);
int64_t	period_month(const struct turn *, int64_t at);
int64_t	period_month_begins(const struct turn *, int64_t month);
int64_t	period_year_ends(const struct turn *, int64_t at);
/* "2026-10", "2026-Q4", "2026-H2", "2026": its first month, and the last one. */
bool	period_read(struct text, int64_t *first, int64_t *last);
#define MONTH_SIZE	16u
void	period_name(int64_t month, char out[MONTH_SIZE]);

/* ---- contact.c ---- */

void	contact_judge(struct turn *, struct object *);
/* The last contact of a household within that time, as it was known then; false: none. */
bool	contact_last(struct worker *, struct text household, int64_t since, int64_t at, const struct moment *as_of, int64_t *when, uint64_t *event);

/* ---- target.c, recount.c ---- */

/* Measures are in force from now on. */
void	target_begin(struct turn *);
void	target_look(struct turn *);
/* More is known of a month that is over: what was missed in it and is not told yet. */
void	target_settled_again(struct turn *, int64_t month);
/* Was anything counted yet when that ended?  Nobody is told of what was over before. */
bool	target_was_counted(struct turn *, int64_t end);
void	recount_begin(struct turn *);
void	recount_go_on(struct turn *, const struct worker_timer *);
bool	recount_is_under_way(struct worker *);

/* ---- ask.c, ask_figures.c, ask_explain.c ---- */

/* What a question is about. */
struct question_period {
	const struct measure *m;
	int64_t first, last;		/* months */
	int64_t at;			/* of a stock: the instant */
	unsigned dim;			/* DIMS_MAX: none */
	struct moment as_of;
};
int	ask_period(struct turn *, struct question_period *);
/* Walk the members of a measure in some months: those of now, then those of the past that held then.  False behind the last. */
struct row_walk {
	struct worker_walk walk;
	bool past;
};
bool	ask_each(struct turn *, const struct question_period *, struct row_walk *, struct row *);
/* Of a household: when it was in contact last, if that was later than its row knows; the event, or 0. */
uint64_t	ask_contact(struct turn *, const struct question_period *, struct text object, struct row *);
bool	ask_counts(const struct question_period *, const struct row *);
/* Did it hold as of what is asked? */
bool	ask_held(const struct question_period *, const struct worker_walk *, bool past);

void	ask_measure_reply(struct worker *, const struct measure *);
int	ask_measures(struct worker *);
int	ask_reports(struct worker *);
int	ask_figures(struct worker *);
int	ask_explain(struct worker *);

/* The sum of a measure over what of a month lies at or before an instant, or of a stock at it. */
void	ask_sum(struct turn *, const struct measure *, int64_t month, int64_t at, int64_t *num, int64_t *den);

#endif
