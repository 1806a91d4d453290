/*
 * live: the engine between a subscription and a put.
 *
 * A turn: what came is taken into one transaction and committed; then it is acknowledged to the daemon.  What is concluded is put as
 * soon as it is, before the commit: it is a function of the log, so if the commit is lost it is concluded again, the same, and the
 * daemon recognises it.  An entry leaves the outbox when the daemon has acknowledged it; after a restart everything left is put again.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>

#include "config.h"
#include "worker.h"

struct live_options {
	const char *endpoint;
	const char *state;			/* folder */
	const struct config_files *config;	/* what should be in force; NULL: what is */
	const char *folder;			/* where they lie, for effects; NULL with them */
	const char *metrics;			/* a file of its figures for Prometheus, or NULL */
	bool rebuild;
};

/* Run until told to stop.  Returns the exit status. */
int	live(const struct worker_kind *, const struct live_options *);

#endif
