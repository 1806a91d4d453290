/*
 * The run: a clock that jumps from step to step, the steps still to come, and the hand that writes events.
 *
 * A story (a call, a case, a bill) is a small value that travels with its next step; when a step has happened it adds the steps
 * that follow from it.  Memory therefore holds what is open now, whatever the number of days.
 */
#ifndef GENERATE_WORLD_H
#define GENERATE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "arrival.h"
#include "civil.h"
#include "estate.h"
#include "heap.h"
#include "rhythm.h"
#include "rng.h"

#define ID_SIZE		65		/* 64 characters, as EVENTS.md bounds them */

/* An event already written, kept small: its id follows from these. */
struct ref {
	int64_t at;
	uint64_t number;		/* 1 ..; 0: none */
};

enum via { VIA_PHONE, VIA_VISIT, VIA_KIOSK, VIA_MAILBOX, VIA_WEB, VIA_WECHAT, VIA_APP, VIA_COMPANY, VIA_CALLBACK };
enum urgency { URGENCY_NONE, URGENCY_URGENT, URGENCY_EMERGENCY };

/* The case, bill or payment a story is about, and a call: both are rendered when an event is written. */
struct subject {
	char letter;			/* R repair, C complaint, H help, V violation, I issue, P payment; 0: none */
	uint32_t day;
	uint32_t ordinal;		/* of that letter on that day */
};

struct call {
	int64_t second;			/* since 1970, UTC */
	uint32_t number;		/* 1 ..; 0: the story did not come by phone */
};

struct story {
	struct ref cause;		/* what led to the next step */
	struct subject subject;
	struct subject parent;		/* of an issue: the case it came from */
	struct call call;
	int64_t since;			/* when it began */
	uint32_t household;		/* or NOBODY */
	int32_t amount_fen;		/* fees: what is owed or paid */
	int32_t rest_fen;		/* fees: what a partial payment leaves */
	const void *matter;		/* struct trade, category or incident of words.h; of an issue, its department */
	const char *grade;		/* repair: as rated, NULL: not rated */
	struct staff by;		/* whoever has it in hand */
	struct staff caller;		/* whoever calls back about it: somebody else */
	uint32_t receipt;		/* payments: its serial number */
	uint8_t method;			/* payments: how it is paid */
	uint8_t via;
	uint8_t urgency;
	uint8_t kind;			/* of the module that owns the story */
	uint8_t kiosk;			/* 1 ..; 0: none */
	uint8_t round;			/* reopened so many times */
	uint8_t attempts;		/* to call back */
	bool flag;			/* of the module that owns the story */
};

/* What is left out, for others to tell: a rehearsal with answers (--respond) has its own callbacks and ratings. */
enum part { PART_REGISTRY, PART_BILLS, PART_CONTACTS, PART_CALLBACKS, PART_RATINGS, PARTS };

/* What the run is about. */
struct plan {
	uint32_t households;
	int64_t first_day;
	uint64_t days, seed;
	bool without[PARTS];
	uint32_t in_home, complaints;	/* so many a month, by themselves; 0: as the contacts bring them */
	const struct calendar *calendar;	/* the office's days off; NULL: weekends only */
};

struct world;

typedef void	step_fn(struct world *, struct story *);

struct event_writer {
	char line[ARRIVAL_LINE_MAX];
	size_t len;
	bool first_field;
};

struct world {
	const struct plan *plan;
	struct estate estate;
	struct rng rng;
	uint64_t seed;
	int64_t now, begin, end;	/* site time; begin <= now < end */
	int64_t opens;			/* when life begins: the register has been imported */
	struct heap agenda;
	struct arrival arrival;
	struct event_writer event;
	uint64_t events;		/* written, retries not counted */
	uint32_t calls;
	uint32_t receipts;
	uint32_t ordinals[26];		/* per letter, of the day below */
	int64_t ordinals_day;
};

/* An estate on the morning of its first day, with nothing planned yet.  `out` stays the caller's. */
void	 world_open(struct world *, const struct plan *, FILE *out);

/* What is under way arrives; the memory is given back. */
void	 world_close(struct world *);

/* Plans a step; one at or after the end of the run never happens and is not kept.  A step in the past happens now. */
void	 world_at(struct world *, int64_t at, step_fn *, const struct story *);

/* … after a delay between lo and hi, in milliseconds from now. */
void	 world_in(struct world *, int64_t lo, int64_t hi, step_fn *, const struct story *);

/* The next number of that letter today. */
struct subject	world_subject(struct world *, char letter);

/* Does the office work on that day? */
bool	 world_is_workday(const struct world *, int64_t day);

/* The earliest instant not before t when the desk is staffed (08:30 to 18:00, every day), or on working days only. */
int64_t	 world_desk_hours(struct world *, int64_t t);
int64_t	 world_office_hours(struct world *, int64_t t);

/* An instant of that day between lo and hi, in milliseconds from midnight. */
int64_t	 world_on_day(struct world *, int64_t day, int64_t lo, int64_t hi);

/* A delay with that mean, most of them shorter, none above six times it. */
int64_t	 world_about(struct world *, int64_t mean);

/* Runs everything planned until the end. */
void	 world_run(struct world *);

/* The modules that begin stories of their own. */
void	 registry_begin(struct world *);
void	 shifts_begin(struct world *);
void	 fees_begin(struct world *);
void	 arrivals_begin(struct world *);	/* calls, kiosk entries, visits …: what comes at random */

#endif
