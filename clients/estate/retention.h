/* The parts of `estate retention`: what is due, shown before it happens, and carried out. */
#ifndef RETENTION_PLAN_H
#define RETENTION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kept.h"
#include "reach.h"
#include "sealed.h"

/* Who says in the log that a record's time is over. */
#define RETENTION_SOURCE	"/estate/operator/retention"

struct retention {
	struct common common;
	const char *rules_file, *bundles, *at_text;
	bool zh, yes;
	int64_t at;			/* judged as of then */
	struct retention_rules rules;
	struct kept kept;
	struct sealed_months sealed;
	unsigned refused;		/* events of apply that were not taken */
};

/* A person whose key is there: what keeps it longest, and until when. */
struct plan_person {
	const struct kept_subject *who;
	const struct kept_record *record;
	int64_t until;			/* INT64_MAX: open, or held */
};

/* A month, and what it waits for before it may be trimmed. */
struct plan_month {
	const struct kept_month *month;
	const struct sealed_month *bound;	/* or NULL */
	char reader[65];		/* a consumer that has yet to read of it, or "" */
	bool current;
};

struct plan {
	struct plan_person *due, *later, *held;
	size_t due_count, later_count, held_count, open_count;
	const struct kept_record **over;	/* records with an end whose time is over, and nobody said so yet */
	size_t over_count;
	struct plan_month *months;
	size_t month_count;
	int64_t trim_at;		/* when the first of them is old enough to be trimmed; INT64_MAX: no age is set, or it is the current one */
};

/* Read the log and work it out.  0, or an exit status after a sentence; free it in any case. */
int	plan_make(struct retention *, struct estate *, struct plan *);
void	plan_free(struct plan *);

void	plan_show(const struct retention *, const struct plan *, struct buffer *);
void	plan_show_json(const struct retention *, const struct plan *, struct buffer *);

/* "survey S-7, closed 2026-03-01 (event 77), is kept until 2028-03-02: clause" */
void	plan_show_reason(const struct retention_rules *, const struct kept_record *, int64_t until, bool zh, struct buffer *);

/* Say record.expired of what is over, and erase who is due.  0, or an exit status. */
int	plan_apply(struct retention *, struct estate *, const struct plan *);

#endif
