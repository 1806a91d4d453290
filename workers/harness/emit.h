/* emit: derived events of one callback, gathered until it is known to have succeeded. */
#ifndef EMIT_H
#define EMIT_H

#include "engine.h"

struct emission	*emission_new(void);
void		 emission_free(struct emission *);

/* Forget what was gathered. */
void	emission_clear(struct worker *);
/* Hand it all to the engine's end, in its order. */
void	emission_deliver(struct worker *);

/* The id of a derived event. */
void	derived_id(const char *worker, uint64_t cause, const struct worker_identity *, char out[ID_SIZE]);

/* worker_derive() without the guard against loops: for worker.parked, which must be told in any case. */
void	emission_begin(struct worker *, const char *type, struct text subject, const struct worker_identity *);

#endif
