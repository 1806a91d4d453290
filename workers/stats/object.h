/* object: a case, a household, a ticket, an obligation, with its facts. */
#ifndef OBJECT_H
#define OBJECT_H

#include "fact.h"

struct turn;
struct history;

#define OBJECT_KEY_MAX	(2 * ID_CHARS_MAX + 2u)

/* As bytes: version 1, length of the facts 4, how many 4; then the facts, then what it is a member of. */
#define OBJECT_HEADER	9u

struct object_key {
	size_t len;
	uint8_t bytes[OBJECT_KEY_MAX];
};

/* One that is being worked on.  Zero before the first use; object_free() once at the end. */
struct object {
	struct object_key key;
	uint8_t *bytes;			/* facts, then what it is a member of */
	size_t size, facts_len, len;
	uint32_t count;			/* facts */
	struct fact *facts;
	const struct fact **order;
	size_t room;			/* of both */
};

void	object_free(struct object *);

struct object_key	object_key(char kind, struct text, struct text);

void	object_load(struct turn *, struct object *, const struct object_key *);
void	object_add(struct object *, const void *fact, size_t len);
/* Its facts that count, by when they happened. */
struct history	object_history(struct object *);
/* The same as it stood before that event, which corrects nothing yet. */
struct history	object_history_before(struct object *, uint64_t seq);

/* What stands behind its facts instead of members. */
void	object_note(struct object *, const void *, size_t);

/* What it is a member of now; and it is stored. */
void	object_judge(struct turn *, struct object *);

/* Another object's facts, while one is judged: false if there are none. */
bool	object_beside(struct turn *, char kind, struct text subject, struct history *);

/*
 * When the first of a survey's forms was handed out, came back or was answered; that instant, if none of it was earlier.  If the survey was opened
 * in another year, when it was opened: all of it counts there.
 */
int64_t	object_survey_began(struct turn *, struct text survey, int64_t at);

/* It is judged again, as it stands. */
void	object_again(struct turn *, const struct object_key *);

/* ---- take.c ---- */

/* An event of the log: for its objects, and for what depends on them. */
void	object_take(struct turn *, unsigned type, const struct worker_event *);

#endif
