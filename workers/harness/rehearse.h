/*
 * rehearse: the same engine over a file: no daemon, no waiting.
 *
 * Lines as `estate tail --json` prints them carry number and log time: these are used, in their order, and what the worker itself
 * concluded is passed by, since it has to conclude it again.  Lines without are taken as a daemon would take them that got each event
 * at the time it bears: sorted by time (ties in file order; a line without time stands with the one before it), numbered from 1,
 * what comes twice once, what the catalogue refuses named and left out.
 *
 * With answers, or where a log is written, the numbers are those that a daemon would give with a worker that is never late: input,
 * answers and conclusions are numbered as they come, whatever numbers the input bears.  That log, rehearsed, leads to the same
 * conclusions.
 */
#ifndef REHEARSE_H
#define REHEARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "worker.h"

#define REHEARSE_SHARES_MAX	16u
#define REHEARSE_ASKS_MAX	1024u

struct rehearsal {
	const char *path;			/* "-" is standard input */
	bool has_until;
	int64_t until;				/* at the end, time goes on up to here */
	const struct config_files *config;	/* in force throughout; NULL: what the log activates */
	const char *asks[REHEARSE_ASKS_MAX];	/* questions at the end, NAME or NAME={…} … */
	unsigned ask_count;			/* … in this order */
	uint64_t batch;				/* events a transaction: nothing depends on it */
	const char *respond;			/* a script of answers (respond.h), or NULL … */
	const char *shares[REHEARSE_SHARES_MAX];	/* … and NAME=PERCENT in the place of what it has */
	unsigned share_count;
	const char *log;			/* where to write all of it as a log, or NULL; "-" is standard output, instead of what is derived */
};

/* Derived events on standard output, everything else on standard error.  Returns the exit status. */
int	rehearse(const struct worker_kind *, const struct rehearsal *);

#endif
