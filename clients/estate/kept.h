/*
 * kept: what the log keeps of whom, and until when by the rules of retention: every record (a kind of events about one subject) with when it
 * was closed, and every person (a household, or a subject that names none) whose key is still there.
 *
 * All of the log is read, twice where records are held: which ones are held is known first. Numbers and times are remembered, nothing personal.
 */
#ifndef KEPT_H
#define KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cover.h"
#include "reach.h"
#include "retention_rules.h"

struct kept_record {
	struct kept_subject *subject;
	struct kept_record *next;	/* of the same subject */
	unsigned kind;
	uint64_t seq;			/* the event that its time begins with; while it is open, its last one */
	int64_t from;			/* when that happened */
	bool open;			/* its kind has an end, and it has not come */
	bool expired;			/* record.expired was said of it */
	uint64_t held_by;		/* the record.held that keeps it; 0: none */
};

struct kept_subject {
	char id[65];
	struct kept_subject *chain;	/* of the table */
	struct kept_record *records;
	struct kept_subject *household;	/* the first that it was linked with; most have no other */
	/* As a household: what was ever linked with it, and goes with it. */
	struct kept_subject **linked;
	size_t linked_count, linked_room;
	bool keyed;			/* personal data is sealed under this id, and its key was not erased since */
};

/* A hold that was not lifted. */
struct kept_hold {
	uint64_t event, seq;		/* what is held, and record.held itself */
	char subject[65];		/* of record.held */
	bool found;			/* the event is still in the log */
};

/* A month of the log, as the daemon delivers it. */
struct kept_month {
	char name[COVER_MONTH];
	uint64_t first, last;
};

struct kept {
	const struct retention_rules *rules;
	struct kept_subject **table;
	size_t table_size, subject_count;
	struct kept_subject **subjects;	/* in the order of the log */
	size_t subjects_room;
	struct kept_hold *holds;
	size_t hold_count, hold_room;
	struct kept_month *months;
	size_t month_count, month_room;
	int64_t month_end;
	uint64_t first, last;		/* numbers read */
	int64_t now;			/* log time behind the last */
};

/*
 * Read all of it over a session that stands: what was trimmed from the bundles in the folder `bundles`, without which (NULL) a log that was
 * trimmed is refused: a household whose entry is gone would look like one that moved out.  0, or an exit status after a sentence.  The rules
 * stay the caller's.
 */
int	kept_read(const char *verb, const struct common *, struct estate *, const struct retention_rules *, const char *bundles, struct kept *);
void	kept_free(struct kept *);

/* A subject, or NULL. */
struct kept_subject	*kept_find(const struct kept *, const char *id, size_t len);

/* Of a record: the instant from which on it need not be kept; INT64_MAX while it is open or held. */
int64_t	kept_until(const struct kept *, const struct kept_record *);

/* Of a person: the record, of its own and of all that is linked with it, that keeps the key longest, and until when; NULL if there is none.
 * `blocking`: of those only that forbid to erase it early, and those that are held. */
const struct kept_record	*kept_longest(const struct kept *, const struct kept_subject *, bool blocking, int64_t *until);

#endif
