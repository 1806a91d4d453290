/*
 * bound: is a month bound?  Only then may it be trimmed: an event bundle.sealed of the month, whose figures cover all of its numbers, stands in
 * the log (estate archive puts it there once the bundle is on the disk).  Looked for behind the month by the filters of the blocks, a piece at
 * a time; what was looked at is not looked at again.
 */
#ifndef BOUND_H
#define BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "month.h"

struct daemon;

struct bound {
	char month[MONTH_NAME];		/* which month was looked for */
	uint64_t next;			/* from here on it was not */
	bool found;
};

/* Loop thread.  False may become true when more was looked at, or bound: ask again when something was applied. */
bool	bound_look(struct daemon *, struct bound *, const struct month *);

#endif
