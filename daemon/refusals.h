/*
 * refusals: who tried what without the right, as events in the log (client.refused).  The first of a name and reason is an event at
 * once; what follows within a minute is counted and becomes one more.  So a stranger can neither fill the log nor hide.
 */
#ifndef REFUSALS_H
#define REFUSALS_H

#define REFUSALS_WINDOW_S	60

/* Names and reasons told apart within a window; beyond them all are "others". */
#define REFUSALS_MAX		64u

struct daemon;
struct refusals;

/* Reasons: the text of each is refusals.c's. */
enum refusal {
	REFUSED_STRANGER,	/* no client of the list */
	REFUSED_KEY,		/* a key that no client has */
	REFUSED_REVOKED,
	REFUSED_TYPE,		/* put a type */
	REFUSED_SOURCE,		/* put in somebody else's name */
	REFUSED_READ,
	REFUSED_OPERATE,
	REFUSED_ASK,		/* a service */
	REFUSED_ANSWER,		/* be a service */
	REFUSED_CONSUMER	/* read under somebody else's name */
};

void	refusals_start(struct daemon *);

/* Somebody was refused.  `name` is the client's, or "uid:N", "tcp:ADDRESS" of who has none. */
void	refusals_note(struct daemon *, const char *name, enum refusal);

/* The same of a peer whom admit() refused. */
void	refusals_note_peer(struct daemon *, const char *peer);

/* The daemon stops: what was counted is told. */
void	refusals_finish(struct daemon *);

#endif
