/*
 * The order in which lines reach the output: the network between the clients and the daemon, with its faults.
 *
 * Events are handed over in the order they happen.  Most lines leave at once; some arrive later than they happened (a kiosk was
 * offline), some are overtaken by the next few lines, some are sent again by a client that missed the answer.
 */
#ifndef GENERATE_ARRIVAL_H
#define GENERATE_ARRIVAL_H

#include <stdbool.h>
#include <stdio.h>

#include "heap.h"
#include "rng.h"

/* Shares in permille of the lines. */
#define ARRIVAL_RETRIES		10	/* sent again, the same bytes */
#define ARRIVAL_STRAGGLERS	10	/* overtaken by one to four lines, at most a minute late */

#define ARRIVAL_LINE_MAX	4096

struct arrival {
	FILE *out;
	struct rng rng;			/* its own: faults don't change the story */
	struct heap held;		/* lines that arrive later */
	uint64_t lines;			/* written so far */
	uint64_t retries, late, stragglers;
	unsigned owed;			/* stragglers drawn while another one was under way or the next line was too far */
	unsigned overtakers;		/* lines that may still overtake the straggler */
	bool overtaken;			/* one has */
	int64_t straggler_at;
	size_t straggler_len;		/* 0: none */
	char straggler[ARRIVAL_LINE_MAX];
};

void	 arrival_init(struct arrival *, FILE *out, uint64_t seed);

/* A line (with its newline) of an event that happened at `at` and reaches the daemon at `arrives` >= at.  `at` never decreases. */
void	 arrival_hand_over(struct arrival *, int64_t at, int64_t arrives, const char *line, size_t len);

/* Everything still under way arrives; the memory is given back. */
void	 arrival_finish(struct arrival *);

#endif
