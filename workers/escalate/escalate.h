/*
 * escalate: the worker of obligations.  What is owed by when, who is told, and what becomes of it.
 *
 * The way of an event, file by file:
 *
 *	escalate.c	the worker: its tables, its configuration, which part an event is for
 *	concern.c	what an event means to the rules: it opens, ends, pauses, reopens
 *	correct.c	what was recorded turns out otherwise: classified anew, linked, taken back, amended, waived
 *	period.c	what is owed every day, week, month
 *	duty.c		who is told: the roster, with the absences and swaps of the log
 *	oblige.c	an obligation's life: from the opening to its end
 *	merge.c		openings that agree are one
 *	rest.c		time that does not count, and a ladder that waits
 *	act.c		what its timer does
 *	history.c	what has happened to it, so that it can be told again without one of it, or with one more
 *	record.c	events whose fields decide what they mean, so that they can be amended
 *	subject.c	how long what is known of a subject is kept
 *	activate.c	another calendar, other rules
 *	plan.c		by when, and what is next: pure functions of rule, row and calendar
 *	tell.c		the events that are derived
 *	ask.c		the questions `open` and `case`
 *	row.c, about.c, rule*.c, trigger.c	what is remembered; what the rules say
 *
 * An obligation is a row, keyed by what it is about and its rule, and has one timer, for its next instant.  Its due is never a fact of its
 * own: opening, term and the time that did not count are kept, and the due is made from them again when the calendar changes.
 *
 * Instants: at `due` is in time, a nanosecond later is late.  A timer is never set before the event that sets it: what is overdue when it
 * becomes known is breached then, and the ladder counts from then.
 */
#ifndef ESCALATE_H
#define ESCALATE_H

#include "calendar.h"
#include "roster.h"
#include "row.h"
#include "rule.h"
#include "worker.h"

/* What configure() reads: nothing else is kept in memory. */
struct escalate {
	struct rules *rules;
	struct calendar *calendar;
	struct roster *roster;
};

/* One call of the harness. */
struct turn {
	struct worker *w;
	const struct escalate *x;
	int64_t now;
	uint64_t seq;			/* the event at hand, or the one that set the timer */
};

/* ---- plan.c ---------------------------------------------------------------------------------------------------------------------------- */

enum act { ACT_NONE, ACT_WARN, ACT_BREACH, ACT_AGAIN, ACT_STEP, ACT_REPEAT, ACT_FORGET };

struct plan {
	enum act act;
	int64_t at;
	unsigned step;
};

/* The due from opening, term and credit; false if the calendar cannot say.  Changes due, last_day and provisional. */
bool		plan_due(const struct escalate *, struct row *);
/* The step that was told last; NULL for none.  Other rules may have shortened the ladder since. */
const struct step	*plan_told_last(const struct rule *, const struct row *);
/* What is next, and when. */
struct plan	plan_next(const struct escalate *, const struct rule *, const struct row *);

/* ---- tell.c ------------------------------------------------------------------------------------------------------------------------------ */

struct obligation {
	const struct rule *rule;
	struct row_key key;
	struct row row;
};

/* obligation.opened and the like; reason NULL: none. */
void	tell_obligation(struct turn *, const struct obligation *, const char *type, const char *reason, bool late_known);
/* A step of the ladder, or of what is told at the opening: whoever is on duty.  `what` makes it one of its own. */
void	tell_step(struct turn *, const struct obligation *, const struct step *, const char *template, const char *what);
/* A warning, or that an acknowledged one was forgotten, to those who owe it. */
void	tell_role(struct turn *, const struct obligation *, const char *role, const char *template, const char *what);
void	tell_escalated(struct turn *, const struct obligation *, const struct step *);
void	tell_violated(struct turn *, const struct rule *, struct text subject, const struct event *, uint64_t seq);

/* ---- duty.c ------------------------------------------------------------------------------------------------------------------------------ */

struct recipient {
	char id[ID_CHARS_MAX + 1];
};

struct recipients {
	unsigned count;
	struct recipient list[ROSTER_PEOPLE_MAX];
	bool staff;			/* people; else the role itself */
	bool empty;			/* nobody is in the role: others stand in */
	const char *role;		/* of the first: another one than asked for if nobody was there */
};

/* Who is told now?  At least one. */
void	duty_resolve(struct worker *, const struct escalate *, struct text subject, const char *role, bool everyone, int64_t at, struct recipients *);
/* staff.absent, duty.swapped, duty.started. */
void	duty_note(struct turn *, const struct worker_event *);
/* Taken back or amended: true if the event was one of these. */
bool	duty_correct(struct turn *, struct text staff, uint64_t seq, const struct event *amended);

/* ---- oblige.c ---------------------------------------------------------------------------------------------------------------------------- */

/* What opens it: fields of an event, read with event_text() and the like. */
struct opening {
	const struct rule *rule;
	struct text subject;
	const struct event *e;		/* its data; NULL for a period */
	int64_t when;
	uint64_t seq;
	bool reopened;
	bool anew;			/* what happened before does not count for it */
	bool amended;			/* it happened then, but is known only now: what others did meanwhile counts */
	int64_t fixed;			/* DUE_PERIOD: the end; else not looked at */
};

/* Load the obligation of a rule about a subject, whatever its state.  False if there is none. */
bool	oblige_load(struct turn *, const struct rule *, struct text subject, struct obligation *);
/* Open those of these rules that are owed: of a group only the most specific. */
void	oblige_open(struct turn *, struct opening *, unsigned count);
/* An end: fulfilled at `when`, or cancelled with a reason. */
void	oblige_fulfil(struct turn *, struct obligation *, int64_t when);
void	oblige_cancel(struct turn *, struct obligation *, const char *reason);
/* What ended it does not count. */
void	oblige_rearm(struct turn *, struct obligation *, const char *reason);
void	oblige_pause(struct turn *, struct obligation *, int64_t when);
void	oblige_resume(struct turn *, struct obligation *, int64_t when);
void	oblige_rest(struct turn *, struct obligation *, int64_t until);
/* The due anew, told if it is another one. */
void	oblige_reschedule(struct turn *, struct obligation *, const char *reason);
/* Time up to that instant does not count. */
void	oblige_credit(const struct escalate *, struct row *, int64_t until);
/* Store it, and set its timer. */
void	oblige_save(struct turn *, struct obligation *);
/* Its timer. */
void	oblige_due(struct turn *, const struct row_key *);
/* An event, the one at hand or another, has changed something about the subject; and that is forgotten. */
void	oblige_caused(struct turn *, struct text subject);
void	oblige_caused_by(struct turn *, uint64_t seq, struct text subject);
void	oblige_uncaused(struct turn *, uint64_t seq, struct text subject);

/* Walk the obligations about a subject.  Begin with a zeroed walk. */
struct subject_walk {
	struct worker_walk walk;
	struct obligation o;
};
bool	oblige_each(struct turn *, struct text subject, struct subject_walk *);

/* A limit that an event carries: an instant, or the end of a day of the site. */
bool	oblige_limit(const struct escalate *, const struct event *, const char *field, int64_t *at);

/* ---- merge.c ---------------------------------------------------------------------------------------------------------------------------- */

/* Its key without the subject; false if a field that it is merged by is missing: then it stands alone. */
bool	merge_name(const struct opening *, char out[ROW_MERGE_MAX + 1]);
void	merge_put(struct turn *, const struct obligation *);
/* Join an open one that agrees, if there is one. */
bool	merge_joins(struct turn *, const struct opening *, const char *merge);
/* It has ended: those that had joined are done with it, or the first of them takes its place. */
void	merge_left(struct turn *, struct obligation *, bool fulfilled);
/* It had joined, and does no longer. */
void	merge_leave(struct turn *, struct obligation *);
void	merge_forget(struct turn *, const struct obligation *);

/* ---- history.c -------------------------------------------------------------------------------------------------------------------------- */

struct fact {
	enum rule_verb verb;		/* UNTIL, CANCEL, PAUSE, RESUME, UNLESS */
	int64_t when;			/* never after it was logged */
	uint64_t seq;
};

void	history_add(struct turn *, const struct row_key *, const struct fact *);
bool	history_has(struct turn *, const struct row_key *, uint64_t seq, enum rule_verb);
bool	history_drop(struct turn *, const struct row_key *, uint64_t seq, enum rule_verb);
/* It is forgotten, or begins anew: what happened no longer matters to it. */
void	history_leave(struct turn *, const struct obligation *);
/* What did not begin in all that time will not. */
void	history_expire(struct turn *, const struct row_key *);
/* Of all that begin with the subject, also what has not begun. */
void	history_drop_subject(struct turn *, struct text subject, uint64_t seq);
void	history_clear_subject(struct turn *, struct text subject);
/* Pauses and credit anew from all that happened, up to the first end: true if there is one. */
bool	history_end(struct turn *, struct obligation *, struct fact *);
/* Newly opened, it is over already. */
void	history_meet(struct turn *, struct obligation *, const struct fact *end);
/* Something was added or dropped: is it over, by what, when due?  Told if that is not as it was. */
void	history_retell(struct turn *, struct obligation *, const char *reason);
/* As if that event had not been: what others did meanwhile counts.  False if it did nothing to this one. */
bool	history_without(struct turn *, struct obligation *, uint64_t seq);

/* ---- record.c --------------------------------------------------------------------------------------------------------------------------- */

/* An event of a type whose fields decide for some rule. */
void	record_keep(struct turn *, const struct worker_event *);
void	record_amend(struct turn *, struct text subject, uint64_t seq, const struct mp *fields);
void	record_retract(struct turn *, struct text subject, uint64_t seq);
/* Delete what is older than that; returns whether anything is left. */
bool	record_tidy(struct turn *, struct text subject, int64_t before);

/* ---- subject.c --------------------------------------------------------------------------------------------------------------------------- */

/* See to it that what is kept of a subject does not outlive it; and that: its last obligation, if it had any, is forgotten. */
void	subject_watch(struct turn *, struct text subject);
void	subject_tidy(struct turn *, struct text subject);

/* ---- concern.c, correct.c, period.c, ask.c ----------------------------------------------------------------------------------------------- */

void	concern_update(struct turn *, const struct worker_event *);
/* Is this rule's beginning met by what the subject is known as? */
const struct trigger	*concern_begins(const struct rule *, const struct about *);
/* Is nothing owed by it because of that? */
bool	concern_spares(const struct rule *, const struct about *);

/* The obligation of a rule about a subject; of a joined one whom it joined.  False if there is none. */
bool	concern_owner(struct turn *, const struct rule *, struct text subject, struct obligation *);
/* Something happened to what has not begun: it may still, or hold after all. */
void	concern_await(struct turn *, const struct concern *, struct text subject, const struct type *, const struct fact *);
/* What a rule of never asks for before. */
void	concern_seen(struct turn *, const struct row_key *, uint64_t seq, int64_t log);
bool	concern_was_seen(struct turn *, const struct row_key *);

void	correct_acknowledged(struct turn *, const struct worker_event *);
void	correct_assigned(struct turn *, const struct worker_event *);
/* What is remembered of the link goes. */
void	correct_unlink(struct turn *, struct text child, const struct about *);
void	correct_closed(struct turn *, const struct worker_event *);
void	correct_linked(struct turn *, const struct worker_event *);
void	correct_reclassified(struct turn *, const struct worker_event *);
void	correct_record(struct turn *, const struct worker_event *, bool retracted);
void	correct_waived(struct turn *, const struct worker_event *);

/* ---- activate.c: another calendar, other rules ---- */

void	activate_calendar(struct turn *);
void	activate_rules(struct turn *);

struct span_of_time {
	int64_t begin, end;		/* instants; the end is the beginning of the next */
	char name[16];			/* 2026-11-25, 2026-W48, 2026-11, 2026-Q4, 2026-H2, 2026 */
};

/* The period in which an instant lies; false if the calendar cannot say, or on a day that is no working day. */
bool	period_of(const struct calendar *, enum period, int64_t at, struct span_of_time *);
void	period_begin(struct turn *);		/* the rules were activated: set what has none */
void	period_due(struct turn *, struct text rule);
/* What is open of a rule of periods, the oldest first: fulfil it. */
void	period_fulfil(struct turn *, const struct rule *, int64_t when, uint64_t seq);
/* As if that event had not been. */
void	period_without(struct turn *, const struct rule *, int64_t when, uint64_t seq);

extern const struct worker_query ask_queries[];

#endif
