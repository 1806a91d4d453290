/*
 * What is owed about one subject, from the log alone: each event of an obligation as a line that a person reads, and at the end what
 * still runs.
 */
#ifndef OWED_H
#define OWED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "event.h"

struct owed_item {
	char obligation[65], rule[65], role[65], told[65];	/* told: whom the last step of the ladder reached */
	int64_t due, level;
	bool open, breached;
};

struct owed {
	struct owed_item *items;
	size_t count, room;
};

/* Take note of an event, in the order of the log.  Others than those of obligations mean nothing to it. */
void	owed_note(struct owed *, const struct event *);
void	owed_free(struct owed *);

/*
 * An event of an obligation, or a message that is to be sent, in words; `done_at` is when that happened which it was concluded from.  False
 * if it is another event.
 */
bool	owed_line(struct buffer *, const struct event *, int64_t done_at, bool zh);

/* What still runs, the next deadline first, a line each; nothing if nothing does. */
void	owed_show(struct buffer *, const struct owed *, int64_t now, bool zh, unsigned columns);

#endif
