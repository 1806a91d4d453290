/*
 * rule: what the department owes, as config/rules/escalate.yaml says it.  The file's own head is the manual of the language.
 *
 *	rule_read.c	the file: maps and lists, what is missing, what contradicts
 *	rule_trigger.c	what stands in one value: triggers
 *	rule_parts.c	terms, warnings, steps
 *	trigger.c	does an event meet a trigger?
 *
 * Rules are read only, and made anew with each activation: nobody keeps a pointer into them from one call to the next.
 */
#ifndef RULE_H
#define RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calendar.h"
#include "catalogue.h"
#include "event.h"

#define RULES_MAX		160u
#define RULE_ID_MAX		24u	/* characters of a rule's id: with a subject it becomes an obligation's */
#define CONDITIONS_MAX		6u	/* of a trigger */
#define VALUES_MAX		8u	/* of a condition */
#define TRIGGERS_MAX		8u	/* of a key */
#define KEYS_MAX		2u	/* fields that may name what the obligation is about */
#define WARNS_MAX		4u
#define STEPS_MAX		8u
#define TELLS_MAX		3u
#define MERGES_MAX		3u
#define REPEATS_MAX		100u

/* kind=medical|security, kind!=…, wait_s>=5, household, !household */
struct condition {
	const struct field *field;
	enum { IS_ONE_OF, IS_NONE_OF, IS_AT_LEAST, IS_AT_MOST, IS_GIVEN, IS_MISSING } how;
	unsigned count;
	const char *values[VALUES_MAX];
	int64_t number;
};

/* complaint.opened anonymous!=true @household */
struct trigger {
	const struct type *type;
	unsigned conditions, keys;
	struct condition condition[CONDITIONS_MAX];
	const char *key[KEYS_MAX];	/* fields that name what the obligation is about, the first that is there; none: the subject */
	bool or_subject;		/* and if none is there, the subject */
};

struct triggers {
	unsigned count;
	struct trigger *list;
};

/* What an event may mean to a rule: a key of the file each. */
enum rule_verb { ON, UNTIL, CANCEL, PAUSE, RESUME, UNLESS, REOPEN, NEVER, WITHOUT, RULE_VERBS };

enum due_kind {
	DUE_TERM,		/* a term of the calendar, from the opening */
	DUE_FIELD,		/* the event's own limit */
	DUE_PERIOD		/* the end of the period */
};

/* When to warn: a part of the time, a time of the day on which it is due, or so long before. */
struct warn {
	enum { WARN_PART, WARN_CLOCK, WARN_BEFORE } kind;
	int64_t n;		/* millionths, minutes of the day, nanoseconds */
};

/* Who is told, and when. */
struct step {
	bool is_term;			/* after a term from the opening; else so long after the due */
	int64_t after;
	struct calendar_term term;
	const char *role;		/* a role's code, or HANDLER */
	const char *urgency, *channel;
	bool everyone;			/* all who are on duty, not only the first */
	int64_t repeat;			/* 0: once */
	unsigned times;
};
#define HANDLER		"handler"	/* whoever the case is assigned to; before that the rule's role */

enum period { PERIOD_NONE, PERIOD_WORKDAY, PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_HALF, PERIOD_YEAR, PERIODS };

struct rule {
	const char *id, *clause, *quote;
	const char *role;		/* who owes it */
	struct triggers on[RULE_VERBS];
	enum due_kind due;
	struct calendar_term term;
	const char *due_field;
	unsigned warns, steps, tells, merges;
	struct warn warn[WARNS_MAX];
	struct step *step;		/* after the breach: the ladder */
	struct step tell[TELLS_MAX];	/* at the opening */
	const char *merge[MERGES_MAX];	/* an opening that agrees in these fields with an open one joins it */
	const char *group;
	int64_t priority;
	int64_t ack;			/* how long the ladder rests after an acknowledgement */
	enum period every;
	enum period once;		/* at most one in a period */
	bool again;			/* a further opening after the end opens it again */
};

/* An entry of the index: what an event of a type may mean. */
struct concern {
	struct rule *rule;
	enum rule_verb verb;
	const struct trigger *trigger;
};

struct rules {
	unsigned count;
	struct rule *rule[RULES_MAX];
	int64_t keep;			/* how long an ended obligation is remembered, so that it can be reopened or taken back */
	/* By catalogue index of the type: which rules it concerns, in the order of the file. */
	struct { unsigned first, count; bool conditional; } *by_type;	/* conditional: its fields decide what it means */
	struct concern *concerns;
	struct block *blocks;		/* memory of all of it */
};

/* Read them.  NULL with a sentence in `why` that begins with the line.  The text is not kept. */
struct rules	*rules_read(const char *text, char *why, size_t why_size);
void		 rules_free(struct rules *);

/* The rule of that id, or NULL; also of one that forbids, by which nothing is owed. */
const struct rule	*rules_find(const struct rules *, const char *id, size_t len);

/* How a term reads: "eod 1".  Returns out. */
#define TERM_TEXT_SIZE	64
const char	*term_text(const struct rule *, char out[TERM_TEXT_SIZE]);

/*
 * Does data meet the trigger's conditions?  `over` are fields that replace those of data, or an empty cursor.  With `partial` a field that
 * neither has is taken to meet its condition: only what is known to have changed decides.
 */
bool	trigger_matches(const struct trigger *, const struct mp *over, const struct mp *data, bool partial);

/* What the obligation of this event is about: its subject, or what its fields name. */
struct text	trigger_key(const struct trigger *, const struct event *);

#endif
