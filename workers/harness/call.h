/* call: one callback of the worker: all of what it did, or nothing. */
#ifndef CALL_H
#define CALL_H

#include "engine.h"
#include "timers.h"

/* Call update(); false: everything is taken back and w->reason says why. */
bool	call_update(struct worker *, const struct cause *, const struct worker_event *);
/* Call due(); the timer itself is gone already. */
bool	call_due(struct worker *, const struct cause *, const struct timer *, bool replayed);
/* Call activated(). */
bool	call_activated(struct worker *, const struct cause *, const char *kind);

/* Not within a query: it fails then. */
bool	call_may_change(struct worker *);

#endif
