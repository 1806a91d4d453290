/*
 * respond: how staff, residents and providers answer, for a rehearsal that closes the loop (--respond FILE).
 *
 * A script of answers: on which event, with which chances what is answered, how long after, in which hours of the day.  What it plans
 * enters the rehearsal as events with a log time, beside the input, and may be answered in turn.  GUIDE.md tells how one is written;
 * config/respond has what is shipped.
 *
 * The same script, input and rules give the same answers, whatever the speed.  What is drawn depends on the seed, the answer's name,
 * what it is about, and how often that was answered before: never on numbers of events, nor on what became of others.  So two sets of
 * rules meet the same residents, and differ by what the rules make of them.
 */
#ifndef RESPOND_H
#define RESPOND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct respond;

/* Answers in a row: beyond it the script answers itself. */
#define RESPOND_CHAIN_MAX	1000u

/* Who answers, as the source and the sender of its events. */
#define RESPOND_SOURCE		"/rehearsal/answers"
#define RESPOND_SENDER		"answers"

/*
 * Read a script.  `shares` are NAME=PERCENT, each in the place of what the script has under that name.  NULL after a sentence on stderr
 * that begins with file and line.
 */
struct respond	*respond_read(const char *path, const char *const *shares, unsigned count);
void		 respond_free(struct respond *);

/* Plan what an event is answered with, and drop what it makes pointless.  `now` is its log time.  False after a sentence: a loop. */
bool	respond_to(struct respond *, const struct event *, int64_t now);

/* Does the script ask the worker at all?  Then it wants to know when the first day begins. */
void	respond_begin(struct respond *, int64_t now);

/* When the next answer is to come; INT64_MAX for never. */
int64_t	respond_next(const struct respond *);

/* What comes then: an event, lent until the next call; or a question to the worker, whose rows are handed to respond_row(). */
enum respond_what { RESPOND_NOTHING, RESPOND_EVENT, RESPOND_QUESTION };
struct respond_one {
	const uint8_t *bytes;
	size_t len;
	const char *question;
	const void *asked;		/* which question of the script it was */
};
enum respond_what	respond_take(struct respond *, struct respond_one *);
bool	respond_row(struct respond *, const void *asked, struct mp row, int64_t now);

/* How many events it has answered with. */
uint64_t	respond_count(const struct respond *);

#endif
