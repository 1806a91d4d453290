/* sealed: which months the log says are bound: its bundle.sealed events, and period.closed. */
#ifndef SEALED_H
#define SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle.h"
#include "reach.h"

struct sealed_month {
	char month[COVER_MONTH];
	char digest[128];		/* as its event has it */
	uint64_t first, last;		/* numbers of its events; 0: the event doesn't say */
	uint64_t seq;			/* of bundle.sealed; 0: closed only */
	bool closed;
};

struct sealed_months {
	struct sealed_month *items;
	size_t count, room;
	int64_t now;			/* log time that nothing to come is before */
	uint64_t end;			/* the last number then */
};

/* Read them over a session that stands.  0, or an exit status after a sentence. */
int	sealed_read(const char *verb, const struct common *, struct estate *, struct sealed_months *);
void	sealed_free(struct sealed_months *);

/* That month, or NULL if the log knows neither. */
const struct sealed_month	*sealed_find(const struct sealed_months *, const char *month);

/* The bound month that has this number, or NULL. */
const struct sealed_month	*sealed_of(const struct sealed_months *, uint64_t seq);

#endif
