/*
 * record: what is remembered of callbacks, cases and households, and where it lies.
 *
 * CALLBACKS	callback			->  struct callback
 * HISTORY	callback, 0, seq, now, what	->  struct entry: what happened to it
 * AGENDA	due, callback			->  struct line: what is open or planned, the next deadline first
 * CASES	case or call			->  struct matter
 * HOUSEHOLDS	household			->  struct household
 * PENDING	household, 0, callback		->  nothing: what is open or planned of a household
 * MONTHS	month, kind			->  struct tally
 * SHARES	month, t or s, trade or repairer ->  struct share: for drawing fairly
 * POOL		month, draw, callback		->  the day of the finish: satisfied households that may be drawn
 * LOADS	month, role, 0, staff		->  struct load
 * STAFF	staff, 0, seq			->  absences and swaps
 * GAPS		month, kind, callback		->  nothing: what is owed and not done
 * WAITING	household, 0, for, 0, ref	->  struct wish: contacts that others asked for and that must wait
 * WEEKS	week, draw, callback		->  nothing: done, and may be drawn for an audit
 * AUDITS	audit				->  struct audit
 * COVERED	event, callback			->  nothing: done by a result of another case
 * LINKED	case, 0, case			->  nothing: the second was linked to the first, whose callback answers for both
 *
 * A value is a version byte and its members in the order of record.c; a further member goes to the end, with the version raised, and
 * worker_kind.version with it (the tables are then made again from the log).  Months are year * 12 + month - 1.  Nothing personal is kept:
 * the number of the event that bears a telephone number, never the number.  Nothing is forgotten: a year of 3,000 households is some 10 MB.
 */
#ifndef RECORD_H
#define RECORD_H

#include "bounds.h"
#include "policy.h"
#include "worker.h"

enum { CALLBACKS, HISTORY, AGENDA, CASES, HOUSEHOLDS, PENDING, MONTHS, SHARES, POOL, LOADS, STAFF, GAPS, WAITING, WEEKS, AUDITS, COVERED, LINKED };

#define ID_SIZE_MAX	(ID_CHARS_MAX + 1)
#define REASON_SIZE	160u
#define HANDLERS_MAX	16u	/* of those who had a hand in a case; of more the first are forgotten */
#define RING_MAX	8u

enum kind { KIND_COMPLAINT, KIND_REPAIR, KIND_ROUTINE, KIND_CALL, KIND_HELP, KINDS_COUNT };
extern const char *const kind_names[KINDS_COUNT];

enum mode { MODE_PHONE, MODE_VISIT, MODES };
extern const char *const mode_names[MODES];

enum standing {
	IS_PLANNED,		/* comes on the agenda on its day: nobody was told yet */
	IS_RATING,		/* a repair that waits for the daily run: mandatory or not? */
	IS_CANDIDATE,	/* satisfied: may be drawn */
	IS_OPEN,
	IS_DONE,
	IS_ATTEMPTED,	/* given up: never counted as done */
	IS_CANCELLED,
	STANDINGS
};
extern const char *const standing_names[STANDINGS];

enum appointment { APPOINTMENT_NONE, APPOINTMENT_REQUESTED, APPOINTMENT_AGREED, APPOINTMENT_REFUSED, APPOINTMENT_NO_SHOW, APPOINTMENTS };
extern const char *const appointment_names[APPOINTMENTS];

struct callback {
	char id[ID_SIZE_MAX], subject[ID_SIZE_MAX], household[ID_SIZE_MAX];
	char role[ROLE_SIZE], staff[ID_SIZE_MAX];
	char trade[ROLE_SIZE], repairer[ID_SIZE_MAX];
	char reason[REASON_SIZE];
	char done_by[ID_SIZE_MAX];
	uint8_t kind, state, mode, mandatory;
	uint8_t told;			/* callback.due was said */
	uint8_t deferred;		/* C6 */
	uint8_t drawn;			/* by lot, for the quota */
	uint8_t topped_up;		/* Z7: outside the time of Z1 */
	uint8_t merged;			/* rides along with another contact: no budget is used */
	uint8_t granted;		/* a contact of its own, out of the budget */
	uint8_t at_lead;		/* tried so often that it is the lead's */
	uint8_t key;			/* V3 */
	uint8_t appointment, visited, flagged;	/* flagged: V4 was said */
	int64_t began;			/* when what it is about happened */
	int64_t began_seq, contact_seq;	/* its event; the event that bears the telephone number */
	int64_t opens, due, plan;
	int64_t month, load_month;	/* whose figures it is in; whose load */
	int64_t attempts, lead_attempts, last_attempt, day_attempts, attempt_day, not_before;
	int64_t extensions, no_shows, at;	/* at: of the appointment */
	int64_t done, done_seq, repeated;	/* done_seq: the event that ended it, however it ended; repeated: further results */
	int64_t last_days;		/* it was done in the last days of its month: 1; after it: 2 */
	int64_t draw;			/* the number it was drawn by */
};

struct matter {
	char household[ID_SIZE_MAX], trade[ROLE_SIZE], help_kind[ROLE_SIZE];
	char callback[ID_SIZE_MAX];	/* the last one */
	char handlers[HANDLERS_MAX][ID_SIZE_MAX];	/* who had a hand in it, the last ones */
	char early_by[ID_SIZE_MAX];
	char linked[ID_SIZE_MAX];	/* the case whose callback answers for it */
	uint8_t complaint, repair, help;
	uint8_t major, company, anonymous, special, over;	/* over: withdrawn, a wrong number, another case's */
	uint8_t rated, satisfied, graded, signed_, authenticated;
	uint8_t redone;			/* reopened, and not finished again yet */
	uint8_t opened, reclassified;	/* a complaint that was told of; whose severity was changed since */
	int64_t handler_count, rounds, reopened, contact_seq;
	int64_t early, early_seq;	/* a result before what it is about */
	int64_t agreed;			/* a visit without a callback: agreed for then */
	int64_t over_seq;		/* the event that said so */
};

struct household {
	char steward[ID_SIZE_MAX], routine[ID_SIZE_MAX];	/* routine: the last callback of that kind */
	uint8_t known, lives_here, key, no_visit, no_callback, no_survey;
	int64_t moved_in, moved_out;	/* days */
	int64_t quiet_from, quiet_to;	/* minutes of the day; equal: none */
	int64_t registered_seq;
	int64_t contact, routine_done;	/* when they were last spoken to; and last on this year's account */
	int64_t year, in_year;		/* of the last routine callback, and how many that year had */
	int64_t year_done;		/* the last year in which one was done */
	int64_t ring_count, ring[RING_MAX];	/* optional contacts */
	int64_t blocked;		/* a contact that another worker was granted may take place until */
};

/* Members as they count in a month; all sums over its callbacks. */
struct tally {
	int64_t n, mandatory, done, attempted, open;
	int64_t classified, mandatory_done, mandatory_ended, mandatory_open;
	int64_t picked, optional_done, optional_ended, optional_open, drawn_done, drawn_last, drawn_after;
	int64_t short_said, unmatched, planned;	/* not sums: how often quota.short was said; results that belonged to nothing; the plan was made */
};

struct share {
	int64_t finished, called;
};

struct load {
	int64_t assigned, done, attempted;
};

struct line {
	char role[ROLE_SIZE], staff[ID_SIZE_MAX];
	uint8_t kind;
	int64_t plan, opens;
};

struct wish {
	int64_t not_before, until, asked;
};

struct audit {
	char callback[ID_SIZE_MAX], subject[ID_SIZE_MAX], by[ID_SIZE_MAX];
	int64_t drawn, done, seq;
};

struct entry {
	char what[24], by[ID_SIZE_MAX], detail[REASON_SIZE];
	int64_t when;
};

/* How each of them is written. */
enum shape { SHAPE_CALLBACK, SHAPE_MATTER, SHAPE_HOUSEHOLD, SHAPE_TALLY, SHAPE_SHARE, SHAPE_LOAD, SHAPE_LINE, SHAPE_WISH, SHAPE_AUDIT, SHAPE_ENTRY, SHAPES };

#define RECORD_BYTES_MAX	2048u

/* False if there is none; then the struct is all zeros. */
bool	record_get(struct worker *, unsigned table, enum shape, const void *key, size_t len, void *out);
void	record_put(struct worker *, unsigned table, enum shape, const void *key, size_t len, const void *);
bool	record_read(enum shape, const void *bytes, size_t len, void *out);
size_t	record_write(enum shape, const void *, uint8_t out[RECORD_BYTES_MAX]);

/* Keys of several parts: number, text, text. */
struct key {
	size_t len;
	uint8_t bytes[STATE_KEY_MAX];
};
struct key	*key_number(struct key *, uint64_t);		/* eight bytes that sort as it does */
struct key	*key_instant(struct key *, int64_t);
struct key	*key_text(struct key *, const char *);		/* without a zero … */
struct key	*key_part(struct key *, const char *);		/* … and with one behind it */
/* What stands behind so many bytes of a key, up to a zero or its end. */
void		 key_rest(const struct worker_walk *, size_t from, char out[ID_SIZE_MAX]);

/* Copy a text that is not terminated; what is longer than an id may be is cut, and was refused at the door. */
void	copy_text(char *out, size_t size, struct text);

#endif
