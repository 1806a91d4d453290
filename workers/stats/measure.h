/*
 * measure: what is counted, as config/measures.yaml declares it.
 *
 *	measures:
 *	  - name: repair_callbacks
 *	    of: repair				a class of aspect.def
 *	    period: finished			the attribute whose month it is in
 *	    where: in_home !void		what is counted at all: the denominator
 *	    count: called			what of it: the numerator; without: all of it
 *	    by: trade building staff=caller	the dimensions; NAME=ATTRIBUTE where they differ
 *	    least: 30%				a target
 *
 * Conditions are words, all of which must hold: `called` it has that attribute, `!called` it has not, `grade=a|b`, `grade!=a`, `wait<=60000`,
 * `wait>=1`, `called<=due`.  A member of a measure is one aspect that `where` lets in.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "aspect.h"
#include "calendar.h"

#define NAME_SIZE	33u
#define TITLE_SIZE	97u
#define MEASURES_MAX	48u
#define REPORTS_MAX	32u
#define CONDITIONS_MAX	6u
#define WORDS_MAX	6u
#define DIMS_MAX	6u
#define AGES_MAX	8u
#define REPORT_PARTS_MAX	12u
#define DRAFTS_MAX	16u

enum condition_op { OP_HAS, OP_LACKS, OP_IS, OP_IS_NOT, OP_AT_MOST, OP_AT_LEAST, OP_NOT_AFTER };

struct condition {
	uint8_t attr, op, other, count;
	int64_t n;
	const char *words[WORDS_MAX];
};

enum per { PER_MONTH, PER_STOCK, PERS };
extern const char *const per_names[PERS];

struct measure {
	char name[NAME_SIZE], zh[TITLE_SIZE], en[TITLE_SIZE], rule[NAME_SIZE];
	uint32_t key;			/* of its name: what its rows begin with */
	uint8_t class, per;
	uint8_t period;			/* per month: the attribute */
	struct condition where[CONDITIONS_MAX], count[CONDITIONS_MAX];
	uint8_t where_count, count_count;
	bool timed, limited, or_due;	/* there are durations; a limit on them; the object's own due replaces it */
	uint8_t from, until, value;	/* of the duration: between two moments, or `value` (ATTRS: none), a count in ms */
	struct calendar_term limit;
	struct {
		char name[NAME_SIZE];
		uint8_t attr;
	} dims[DIMS_MAX];
	uint8_t dim_count;
	uint8_t each;			/* the target holds for each value of that dimension, too; DIMS_MAX: for none */
	int32_t least;			/* the target, in thousandths; -1: none */
	bool soft, linear;		/* 原则上; towards the year's end as the year goes on */
	int64_t lag;			/* so long it may take until one counts: younger ones say nothing of how it goes */
	int16_t ages[AGES_MAX];		/* of a stock: up to so many days … */
	uint8_t age_count;
};

struct report_kind {
	char name[NAME_SIZE], zh[TITLE_SIZE], en[TITLE_SIZE], by[NAME_SIZE], form[NAME_SIZE];
	const struct measure *parts[REPORT_PARTS_MAX];
	uint8_t count;
};

/* A report that is owed to somebody: when it is generated. */
enum every { EVERY_MONTH, EVERY_YEAR, EVERY_SURVEY, EVERIES };
struct draft_kind {
	const struct report_kind *report;
	char kind[NAME_SIZE];		/* the catalogue's: which duty it fulfils */
	uint8_t every;
};

struct measures {
	struct measure list[MEASURES_MAX];
	struct report_kind reports[REPORTS_MAX];
	struct draft_kind drafts[DRAFTS_MAX];
	unsigned count, report_count, draft_count;
	uint8_t of[CLASSES][MEASURES_MAX], of_count[CLASSES];	/* which are of a class */
	int64_t run;			/* minute of the day at which targets are looked at */
	int64_t pace_day, settle_day;	/* from which day of a month on; on which day of the next it is over */
	int64_t draft_day;		/* on which day of a month the reports of the one before are generated */
	int64_t ring;			/* a call that rang shorter is none */
	char *text;			/* what words and names lie in */
};

/* Read the file.  NULL with a sentence in `why` that begins with the line. */
struct measures	*measures_read(const char *text, char *why, size_t why_size);
void		 measures_free(struct measures *);
const struct measure	*measures_find(const struct measures *, struct text name);

/* Do all these conditions hold? */
bool	conditions_hold(const struct condition *, unsigned count, const struct aspect *);

#endif
