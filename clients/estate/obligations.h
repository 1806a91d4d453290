/*
 * What is owed, as the worker escalate answers its question `open`: a page of rows
 *
 *	{obligation, rule, subject, role, staff, opened, due, state, level, next: {at, role, staff, step}, term, counted, provisional, household}
 *
 * of which obligation, rule, subject, role, due and state are always there.  `estate obligations` shows them.
 */
#ifndef OBLIGATIONS_H
#define OBLIGATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "mp.h"

struct obligation_row {
	struct mp at;			/* the row itself */
	struct mp rule, subject, role, staff, state, term, household;	/* texts; empty cursors where there is none */
	struct mp next_role, next_staff, next_step;
	int64_t opened, due, next_at;	/* INT64_MIN where there is none */
	int64_t level, counted;		/* -1 where there is none */
	bool provisional;
};

/* All pages of one answer. */
struct obligations {
	struct buffer bytes;		/* the pages' values, one behind the other: what the rows lend from */
	struct obligation_row *rows;
	size_t count, room;
	uint64_t seq;			/* as of which event */
};

void	obligations_clear(struct obligations *);
void	obligations_free(struct obligations *);

/* Keep one page, the value of "answered"; its `next` goes to page[257], "" on the last.  False: unreadable. */
bool	obligations_page(struct obligations *, struct mp, char page[257]);

/* When all pages are kept: find the rows, the next deadline first.  False: unreadable. */
bool	obligations_rows(struct obligations *);

/*
 * For people: a line each, and below it the reasons; at most so many lines in all, of at most so many columns (0: no limit).  chosen: only
 * some were asked for.
 */
void	obligations_show(struct buffer *, const struct obligations *, int64_t now, bool chosen, bool zh, unsigned columns, unsigned lines);

/* {"rows":[…],"seq":…} with a newline. */
void	obligations_show_json(struct buffer *, const struct obligations *);

#endif
