/* The verbs that ask once and print the answer: status, consumers, ping, backup, clock … */
#ifndef ASK_H
#define ASK_H

#include "mp.h"
#include "reach.h"

struct ask {
	const char *verb;		/* the command's, for messages */
	const char *request;		/* the wire's */
	const void *argument;		/* a packed value, or NULL */
	size_t len;
	/* The answer: its verb, and the value after the number (an empty cursor if there is none). */
	void (*on_answer)(void *user, const char *verb, struct mp body);
	void *user;
};

/* Connect, ask, print: an exit status. */
int	ask_once(const struct common *, const struct ask *);

/* The same over a handle that is there already, and is only closed if this does not return 0: an answer may still come. */
int	ask_over(struct estate *, const struct common *, const struct ask *);

#endif
