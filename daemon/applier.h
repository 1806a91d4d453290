/*
 * applier: the thread that brings durable batches from the journal into LMDB, in steps large enough to be cheap, and keeps the
 * journal supplied with segments.  Nothing waits for it unless the journal is nearly full.
 */
#ifndef APPLIER_H
#define APPLIER_H

#include "batch.h"
#include "store.h"

struct applier;

/* Starts the thread.  `on_progress` is called from it after every step, when numbers were applied or room appeared; it must only
 * wake others. */
struct applier	*applier_start(struct store *, void (*on_progress)(void *), void *arg);

/* The batch is durable.  Writer's thread, in order.  Takes a reference of its own. */
void		 applier_submit(struct applier *, struct batch *);

/* The journal needs a segment now. */
void		 applier_hurry(struct applier *);

/* Apply everything submitted so far and wait for it.  0, or ENOSPC when the disk is full. */
int		 applier_drain(struct applier *);

/* Something to be done on the applier's thread between two steps, soon: it owns LMDB's writing and may wait for the disk.  Not taken any
 * more once it stops: false. */
bool		 applier_errand(struct applier *, void (*run)(void *arg), void *arg);

/* Apply what is left, if there is room, and end the thread. */
void		 applier_stop(struct applier *);

#endif
