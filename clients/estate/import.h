/*
 * What `estate import` knows of tables: which kinds there are, which column is which field of the catalogue, and what a cell means.
 * Field names, their Chinese labels and the values of lists come from the catalogue; this adds what such columns are called elsewhere.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "catalogue.h"
#include "csv.h"

struct import_kind {
	const char *name;		/* "bills" */
	const char *type;		/* "bill.issued" */
	const char *subject;		/* what the column that names the subject is called, | between */
	const char *sum, *group;	/* fields: what is added up in the end, by what; NULL: nothing is */
	bool replaces;			/* a changed line is another event about the same subject, not a contradiction */
	bool needs_household;		/* one that is registered */
	bool composed;			/* without a number of its own it is HOUSEHOLD/FEE/MONTH */
};

/* By name, or NULL. */
const struct import_kind	*import_kind(const char *name);
const struct import_kind	*import_kind_at(unsigned i);		/* NULL behind the last */

#define IMPORT_FIELDS_MAX	16u

struct import_map {
	const struct import_kind *kind;
	const struct type *type;
	const struct field *fields[CSV_FIELDS_MAX];	/* by column; NULL: not used … */
	int subject;					/* … or this is the subject's column, -1: none */
	bool in_fen[CSV_FIELDS_MAX];			/* the heading says that amounts are in fen */
	char *headings[CSV_FIELDS_MAX];
	unsigned count;
};

/*
 * Read the headings.  `given` are "HEADING=FIELD" of the command line, NULL at the end.  False with a sentence in `why`: a column that
 * is missing, two for one field, a field that is none.  import_map_free() in either case.
 */
bool	import_map_headings(struct import_map *, const struct import_kind *, const struct csv *, const char *const *given, struct buffer *why, bool zh);
void	import_map_free(struct import_map *);

/* One line's values, in the catalogue's order, as they go into the event. */
struct import_value {
	const struct field *field;
	const char *text;	/* lent from the record or from `made`; NULL: it is `number`, `real` or `yes` */
	int64_t number;
	double real;
	bool yes;
	char made[24];
};

struct import_row {
	char subject[65];
	struct import_value values[IMPORT_FIELDS_MAX];
	unsigned count;
};

/* Why a cell cannot be taken. */
struct import_fault {
	int column;		/* -1: none of them */
	struct buffer why;	/* what would be right */
};

struct import_bounds {
	int64_t amount_max;	/* fen */
};

/* False with a fault. */
bool	import_row_read(struct import_row *, const struct import_map *, const struct csv *, const struct import_bounds *, struct import_fault *, bool zh);

/* Of a line that cannot be taken: what is added up and by what, if they can be read; the row has no more than these. */
void	import_row_peek(struct import_row *, const struct import_map *, const struct csv *, const struct import_bounds *);

/* NULL if the row has none of that name. */
const struct import_value	*import_row_value(const struct import_row *, const char *field);

/*
 * The whole event; the same line always makes the same bytes.  `last` is the id of the last entry about the subject and `entries` how many
 * there are, or NULL and 0: an entry that says the same as the last one is that one, and one that says again what an earlier one said
 * is another.
 */
void	import_row_pack(const struct import_row *, const struct import_map *, const char *last, unsigned entries, msgpack_sbuffer *);

#endif
