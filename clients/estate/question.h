/*
 * question: what a worker answers, all pages of it; for verbs that show an answer in their own way.
 *
 *	struct question q = { .verb = "agenda", .service = "callback", .name = "agenda", .unit = "estate-callback" };
 *	question_text(&q, "date", "2026-11-25");
 *	if ((r = question_ask(&q, &common, e, &a)) == 0)
 *		while (answers_row(&a, "rows", &row)) ...
 */
#ifndef QUESTION_H
#define QUESTION_H

#include "buffer.h"
#include "event.h"
#include "reach.h"

#define QUESTION_ARGUMENTS_MAX	8u

struct question {
	const char *verb;		/* the command's, for messages */
	const char *service, *name;	/* who is asked, and what */
	uint64_t at_least;		/* it must have read so far; 0: whatever it has */
	struct {
		const char *key, *value;	/* value NULL: a number */
		int64_t number;
	} arguments[QUESTION_ARGUMENTS_MAX];
	unsigned count;
};

/* Add an argument unless its value is NULL. */
void	question_text(struct question *, const char *key, const char *value);

void	question_number(struct question *, const char *key, int64_t value);

/* The pages of one answer, one behind the other, and as of which event they are. */
struct answers {
	struct buffer bytes;
	uint64_t seq;
	struct mp at;			/* answers_row(): the page at hand … */
	uint32_t left;			/* … and how many rows of it are to come */
	struct mp rows;
};

/* Ask it over a session that stands.  0, or an exit status after a sentence. */
int	question_ask(const struct question *, const struct common *, struct estate *, struct answers *);
void	answers_free(struct answers *);

/* A member of the first page; false if there is none. */
bool	answers_member(const struct answers *, const char *name, struct mp *);

/* The next row of that list, through all pages, as an event's data: event_text(), event_instant() … read it.  False behind the last. */
bool	answers_row(struct answers *, const char *list, struct event *row);

/* Begin again with the first row. */
void	answers_rewind(struct answers *);

#endif
