/*
 * What residents say and staff write: short lists of our own.
 */
#ifndef GENERATE_WORDS_H
#define GENERATE_WORDS_H

#include "rng.h"

/* A trade of the repair shop with what is reported for it. */
struct trade {
	const char *code;
	bool in_home;
	const char *const *texts;	/* ends with NULL */
};

/* A category of complaint, the department that has to mend it, and what is said. */
struct category {
	const char *code;
	const char *dept;
	const char *const *texts;
};

/* An incident of a help request. */
struct incident {
	const char *kind;		/* medical, security, disaster */
	const char *code;		/* fire …, or NULL */
	const char *send_to;		/* 110, 119, 120, guards */
	const char *const *texts;
};

const struct trade	*words_trade(struct rng *);
const struct category	*words_category(struct rng *);
const struct incident	*words_incident(struct rng *);

/* One of a list that ends with NULL. */
const char		*words_pick(struct rng *, const char *const *texts);

extern const char *const words_inquiries[];	/* asked at the desk or by phone */
extern const char *const words_replies[];	/* a first reply to a complaint */
extern const char *const words_praises[];	/* said in a callback, by the satisfied */
extern const char *const words_grumbles[];	/* and by the others */
extern const char *const words_suggestions[];

#endif
