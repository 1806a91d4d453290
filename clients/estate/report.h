/*
 * report: what a report says, before it is a table, a file or a page.
 *
 *	struct report r = { .name = "callbacks", .period = "2026-10" };
 *	if ((n = report_collect(&r, &common, e)) == 0)
 *		report_table(&out, &r);
 *	report_free(&r);
 *
 * A report is made of sections, one a measure; a section of figures, one a value of the dimension.  A figure is two whole numbers.  What is
 * printed of a share is cut to two decimals and never rounded: 29.997 % is not 30.
 */
#ifndef REPORT_H
#define REPORT_H

#include "buffer.h"
#include "event.h"
#include "question.h"

#define REPORT_NAME_SIZE	33u
#define REPORT_TITLE_SIZE	97u
#define REPORT_VALUE_SIZE	201u
#define REPORT_SECTIONS_MAX	12u
#define REPORT_AGES_MAX		9u

struct report_figure {
	char value[REPORT_VALUE_SIZE];	/* of the dimension, as events have it; empty: unknown, or there is no dimension */
	char month[8];			/* where months stand apart; else empty */
	int64_t num, den;		/* den 0: n/a */
	int64_t timed_count;		/* how many took a time that is known … */
	int64_t p50, p90, p95, p99, max;	/* … and the times, milliseconds */
	int64_t ages[REPORT_AGES_MAX];	/* of a stock: how many are up to report_section.age_days old; the last: older */
	/* report_pareto(): */
	int64_t cumulative;
	char class;			/* A, B or C */
};

struct report_section {
	char name[REPORT_NAME_SIZE], zh[REPORT_TITLE_SIZE], en[REPORT_TITLE_SIZE], rule[REPORT_NAME_SIZE];
	char by[REPORT_NAME_SIZE];	/* the dimension; empty: none */
	char dims[REPORT_TITLE_SIZE];	/* which there are */
	char from[8], until[8];		/* months */
	int64_t at;			/* of a stock: as at; 0: it is none */
	bool rate;			/* num of den; else only how many */
	bool timed, fen;		/* fen: amounts of money, not numbers */
	bool recounting;		/* the figures change for a moment: the measures were exchanged */
	int64_t least;			/* the target in thousandths; -1: none */
	bool soft;
	struct report_figure *rows, total;
	size_t count;
	int64_t age_days[REPORT_AGES_MAX];
	unsigned age_count;		/* limits; one more age is above them all */
};

struct report {
	/* Wanted. */
	const char *name, *period, *by, *as_of;	/* NULL: as usual */
	int64_t seq;			/* as of this event; 0: all */
	bool split;			/* months apart */
	/* Found. */
	char zh[REPORT_TITLE_SIZE], en[REPORT_TITLE_SIZE], form[REPORT_NAME_SIZE];
	uint64_t known;			/* the log had been read so far */
	struct report_section sections[REPORT_SECTIONS_MAX];
	unsigned count;
	char usual_by[REPORT_NAME_SIZE];	/* what `by` points at where none was wanted */
};

/* Ask for all of it.  0, or an exit status after a sentence. */
int	report_collect(struct report *, const struct common *, struct estate *);
void	report_free(struct report *);
/* The names of all reports and measures, as the worker has them. */
int	report_list(const struct common *, struct estate *, struct buffer *, bool zh);

/* What is asked of a worker as of the same time and event. */
void	report_as_of(struct question *, const struct report *);
/* Of the ledger, which another worker keeps: F5. */
#define REPORT_FEES	"collection"
/* The registers of numbered papers, which the log alone tells: serials.h. */
#define REPORT_SERIALS	"serials"
int	report_fees(struct report *, const struct common *, struct estate *);
void	report_section_begin(struct report *, const char *name, const char *zh, const char *en);
struct report_figure	*report_row(struct report_section *);

/* By how many there are, the most first, names where they are equal, what is "other" or unknown last; cumulative sums and classes: A up to 80 % of all. */
void	report_pareto(struct report_section *);

/* A list of names, what they mean, and what else is to be told of each. */
struct table;
void	report_list_begin(struct table *);
void	report_list_line(struct table *, const char *name, const char *title, const char *more);
void	report_table(struct buffer *, struct report *, bool zh);
/* The form check_sheet: a line a value, a column a month. */
void	report_sheet(struct buffer *, const struct report_section *, bool zh);
void	report_sheet_html(struct buffer *, const struct report_section *, bool zh);
bool	report_is_sheet(const struct report *, const struct report_section *);
void	report_csv(struct buffer *, const struct report *, bool zh);
void	report_json(struct buffer *, const struct report *);
/* A page to print.  Of a version, or NULL; `since` are the figures as they are known now, or NULL. */
struct report_version;
void	report_html(struct buffer *, struct report *, const struct report_version *, struct report *since, bool zh);

/* What differs, a line each with that at its end: "complaints 噪音 54 → 55".  How many there are. */
unsigned	report_changes(struct buffer *, const struct report *was, const struct report *is, const char *end, bool zh);
/* All rows of an answer behind each other, after that text. */
void	report_rows_json(struct buffer *, const char *before, struct answers *);

/* What is behind each figure, or behind those of one value. */
int	report_explain(struct report *, const char *value, const struct common *, struct estate *, struct buffer *, bool zh);

/* ---- Words ---- */

/* What a dimension is called, and one of its values. */
const char	*report_dim(const char *dim, bool zh);
void		 report_value(struct buffer *, const char *dim, const char *value, bool zh);
/* "29.99", or "n/a". */
#define REPORT_SHARE_SIZE	32u
void		 report_share(int64_t num, int64_t den, char out[REPORT_SHARE_SIZE]);
/* A number, or an amount in yuan: "1234.50". */
void		 report_number(int64_t, bool fen, char out[REPORT_SHARE_SIZE]);
/* Is a target reached? */
bool		 report_reached(const struct report_section *, const struct report_figure *);

#endif
