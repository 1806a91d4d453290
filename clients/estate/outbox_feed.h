/* estate outbox put and send: lines into an outbox, and from there to the daemon. */
#ifndef OUTBOX_FEED_H
#define OUTBOX_FEED_H

#include <stdbool.h>

#include "arguments.h"
#include "estate_outbox.h"

struct outbox_feed {
	const struct common *common;
	const char *path;		/* of the outbox */
	bool put, send;			/* read lines; reach the daemon */
	int fd;				/* of the lines … */
	const char *name;		/* … and their file */
};

/* Do it until the lines have ended and, with send, nothing is pending.  An exit status. */
int	outbox_feed(const struct outbox_feed *);

/* Say why an outbox could not be opened.  EXIT_UNREACHED. */
int	outbox_unopened(const struct common *, int error, const char *why);

#endif
