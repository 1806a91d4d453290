/*
 * row: what is remembered of an obligation and of what it is about.
 *
 * OBLIGATIONS	subject, 0, rule	 ->  struct row
 * DUES		due, subject, 0, rule	 ->  nothing: what is open, the next deadline first
 * SUBJECTS	subject			 ->  struct about: the event that opened it, who has it, where it belongs
 * CAUSES	seq, subject		 ->  nothing: what an event has changed, so that it can be taken back
 * FACTS		subject, 0, rule, 0, seq, verb ->  when: what has happened to it, be it over, or not yet begun
 * RECORDS	subject, 0, seq		 ->  struct record: an event whose fields decide what it means, so that it can be amended
 * MERGED	rule, values, 0, subject ->  nothing: the members of a merged obligation, while it is open; without subject: the one that is open
 * STAFF	staff, 0, seq		 ->  from, until, swapped, deputy: absences and swaps
 * SEEN		subject, 0, rule	 ->  seq, log time: what a rule of never had to wait for
 * LINKS	case, 0, case		 ->  nothing: the second was linked to the first
 * EMPTY	role			 ->  the day on which the operator was last told that nobody is there
 *
 * Values begin with a version; a further field goes to the end, with ROW_VERSION raised, and worker_kind.version with it (the tables are then
 * made again from the log).  Nothing personal is kept.
 */
#ifndef ROW_H
#define ROW_H

#include "bounds.h"
#include "rule.h"
#include "worker.h"

enum { OBLIGATIONS, DUES, SUBJECTS, CAUSES, FACTS, RECORDS, MERGED, STAFF, SEEN, EMPTY, LINKS };

enum row_state {
	ROW_NONE, ROW_OPEN, ROW_FULFILLED, ROW_CANCELLED, ROW_JOINED,
	ROW_RETIRED		/* cancelled with its rule: owed again if that comes back */
};

#define ROW_KEY_MAX	(ID_CHARS_MAX + 1 + RULE_ID_MAX)
#define ROW_MERGE_MAX	(RULE_ID_MAX + (MERGES_MAX) * (ID_CHARS_MAX + 1u))

struct row {
	enum row_state state;
	bool breached, reopened;
	bool final;			/* ended for good: waived, taken back, linked to another case */
	bool superseded;		/* ended by a more specific rule or by another classification: may come back */
	bool provisional;		/* the due relies on a year without a notice */
	bool fixed;			/* the due was given, not counted: n is it */
	struct calendar_term term;
	int64_t opened, due, last_day;
	int64_t breach;			/* when the breach was known: the ladder counts from here */
	uint64_t opened_seq, ended_seq;
	int64_t ended;
	int64_t paused;			/* since when; 0: it runs */
	uint64_t paused_seq;
	int64_t credit;			/* nanoseconds not counted: worked ones if working hours are */
	int64_t credit_days;
	int64_t warned;			/* warnings up to this instant are done with */
	unsigned level, repeats;	/* steps told, and how often the last one was repeated */
	int64_t told;			/* when somebody was last told */
	int64_t rest;			/* the ladder rests until; 0: it doesn't */
	uint64_t rest_seq;
	int64_t shift;			/* by how much the ladder is later for resting and pausing */
	char household[ID_CHARS_MAX + 1];
	char merge[ROW_MERGE_MAX + 1];	/* its key in MERGED without the subject, blanks for zeros; or empty */
	char owner[ID_CHARS_MAX + 1];	/* ROW_JOINED: the subject whose obligation this one joined */
	/* As it was loaded: what the indexes hold. */
	bool was_open;
	int64_t was_due;
};

/* Where a row lies. */
struct row_key {
	size_t len;
	char bytes[ROW_KEY_MAX];
};

struct row_key	row_key(struct text subject, const char *rule);
struct text	row_subject(const struct row_key *);
struct text	row_rule(const struct row_key *);
/* From the bytes of a key; false if they are none. */
bool		row_key_read(struct row_key *, const void *, size_t len);

/* False if there is none. */
bool	row_load(struct worker *, const struct row_key *, struct row *);
bool	row_read(struct row *, const void *, size_t len);
/* With its place among the dues. */
void	row_store(struct worker *, const struct row_key *, struct row *);
void	row_delete(struct worker *, const struct row_key *, struct row *);

#define DUE_KEY_MAX	(8 + ROW_KEY_MAX)

/* The obligation's id: "C1/C-17"; of a subject that is too long for that, its beginning and a hash. */
#define OBLIGATION_SIZE	(ID_CHARS_MAX + 1)
void	obligation_id(const struct row_key *, char out[OBLIGATION_SIZE]);

/* ---- What an obligation is about ---- */

#define ABOUT_DATA_MAX	600u

struct about {
	uint64_t seq;			/* the event that opened it; 0: not yet */
	int64_t when;
	uint64_t over_seq;		/* what replaced fields of it last */
	char type[TYPE_CHARS_MAX + 1];
	char household[ID_CHARS_MAX + 1];
	char handler[ID_CHARS_MAX + 1], handler_role[32];
	uint64_t handler_seq;
	char parent[ID_CHARS_MAX + 1];	/* the case it was linked to */
	uint64_t parent_seq;
	size_t data_len, over_len;
	uint8_t data[ABOUT_DATA_MAX], over[ABOUT_DATA_MAX];	/* packed maps: its fields, none personal; what replaces some of them */
};

bool	about_load(struct worker *, struct text subject, struct about *);
void	about_store(struct worker *, struct text subject, const struct about *);

/* The fields of an event that rules may ask for, packed: of personal and long ones only that they are given.  Those that do not fit are left out. */
size_t	about_pack(const struct event *, uint8_t out[ABOUT_DATA_MAX]);
/* `over` over `data`, into data. */
void	about_flatten(struct about *);

#endif
