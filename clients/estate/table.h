/*
 * A table for people.  Columns are as wide as what stands in them; where nobody looks at a terminal nothing is cut or wrapped.  On one that is too
 * narrow nothing is cut either: columns go below their row, or the table is continued in another, each line of which begins with the first column.
 *
 *	struct table t = { .columns = paint_columns() };
 *	table_column(&t, "NAME", TABLE_LEFT, 0);
 *	table_column(&t, "SIZE", TABLE_RIGHT, 1);
 *	for each row:
 *		paint_clean(&t.text, name, len, 0), table_cell(&t, PAINT_OFF);
 *		buffer_printf(&t.text, "%u", size), table_cell(&t, PAINT_RED);
 *	table_print(&t, &out, 0);
 *	table_free(&t);
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "paint.h"

#define TABLE_COLUMNS_MAX	24u

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table {
	unsigned columns;		/* of the terminal; 0: there is none */
	unsigned indent;		/* before each line */
	bool bare;			/* no line of heads */
	bool continued;			/* too wide: continued in another below, not row by row */
	struct buffer text;		/* what is written here is the next cell, or part */
	/* table.c's own. */
	struct { const char *head; enum table_align align; unsigned fold; } heads[TABLE_COLUMNS_MAX];
	unsigned count;
	struct table_piece *pieces;	/* cells and parts in the order in which they came */
	size_t piece_count, room;
	size_t taken;			/* of text, by pieces */
};

/*
 * A column; its head lives as long as the table.  fold: where there is too little room 1 goes below its row first, then 2, …; 0 stays.  Below, a cell
 * stands behind its column's head in small letters.
 */
void	table_column(struct table *, const char *head, enum table_align, unsigned fold);

/* The text is the next cell of the row; a row ends with its last. */
void	table_cell(struct table *, enum paint);

/* The text is a part of what stands below the row that has just ended; empty, it is none. */
void	table_part(struct table *);

/* Append it, of so many lines at most (0: no limit).  How many rows that were. */
size_t	table_print(const struct table *, struct buffer *, unsigned lines);
void	table_free(struct table *);

#endif
