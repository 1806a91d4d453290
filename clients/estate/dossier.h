/*
 * dossier: the events about one case or household as they stand today, in the order they happened.  What was retracted is not in it, and what was
 * amended has its right values.
 */
#ifndef DOSSIER_H
#define DOSSIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "event.h"
#include "reach.h"

struct fact {
	int64_t when;			/* when it happened */
	uint64_t seq;
	struct event e;			/* over bytes of the dossier */
};

/* What was said of an earlier fact, and not taken back. */
struct correction {
	uint64_t target, seq;
	bool retracts;			/* else it amends */
	struct mp data;
};

struct dossier {
	struct fact *facts;
	size_t count, room;
	struct correction *corrections;
	size_t correction_count;
	uint64_t seq;			/* as of this event of the log */
	unsigned amended, retracted;	/* how many of its facts were, for a note at the foot */
};

/*
 * Read, over a session that stands, all events of these subjects and of types that match one of these patterns; either list may be NULL: any.
 * Called once or several times, then dossier_settle().  0, or an exit status after a sentence.
 */
int	dossier_read(struct dossier *, const char *verb, const struct common *, struct estate *, const char *const *subjects, const char *const *types);
void	dossier_settle(struct dossier *);
void	dossier_free(struct dossier *);

/* The first, the last, the next after `behind` (NULL: the first) of a type; NULL if there is none. */
const struct fact	*dossier_first(const struct dossier *, const char *type);
const struct fact	*dossier_last(const struct dossier *, const char *type);
const struct fact	*dossier_next(const struct dossier *, const char *type, const struct fact *behind);

bool	fact_is(const struct fact *, const char *type);

/* A field, amended if it was.  NULL facts have none. */
bool	fact_field(const struct dossier *, const struct fact *, const char *name, struct mp *);
bool	fact_text(const struct dossier *, const struct fact *, const char *name, struct text *);
/* Is it that text? */
bool	fact_says(const struct dossier *, const struct fact *, const char *name, const char *value);
bool	fact_true(const struct dossier *, const struct fact *, const char *name);

#endif
