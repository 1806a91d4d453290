/* What state.c and state_open.c share. */
#ifndef STATE_INTERNAL_H
#define STATE_INTERNAL_H

#include "state.h"

void	state_failed(struct state *, int error, const char *step);
/* Cursor, outbox number and rebuild marks into DB_META, within the transaction. */
void	state_put_meta(struct state *);

#endif
