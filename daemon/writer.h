/*
 * writer: the thread that decides what is new, numbers it, writes it to the journal and flushes.  Step 5 to 7 of an event's way:
 * duplicate?, append, flush.  It has one job at a time; while it flushes, the loop gathers the next, so group commit adapts itself.
 * What was gathered lies ready for it, and the loop takes it back to add to it as long as the writer has not begun.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "applier.h"
#include "job.h"
#include "logclock.h"
#include "store.h"

struct writer;

/* Starts the thread.  `on_done` is called from it when a job's outcome is ready to be taken; it must only wake the loop.
 * Events found in the journal (store->unapplied) are known to it from the start. */
struct writer	*writer_start(struct store *, struct applier *, struct logclock *, void (*on_done)(void *), void *arg);

/* Loop: hand over a job.  Only when none lies ready. */
void		 writer_submit(struct writer *, struct job *);
bool		 writer_has_ready(struct writer *);

/* Loop: take back the job that was handed over last, if the writer has not begun with it; else NULL. */
struct job	*writer_recall(struct writer *);

/* Loop: nothing was handed over that was not taken again. */
bool		 writer_idle(const struct writer *);

/* Loop: the next finished job, all answers filled in, or NULL.  After one that tells somebody to come again later (job->put_off) the
 * writer begins with no other before writer_go_on(): what else that sender put must be recalled and refused first. */
struct job	*writer_take(struct writer *);
void		 writer_go_on(struct writer *);

/* The applier made progress: room may have appeared, memory may be given back. */
void		 writer_wake(struct writer *);

/* Finish the job at hand and end the thread; free what is left once nobody can wake it any more. */
void		 writer_stop(struct writer *);
void		 writer_free(struct writer *);

/* Counters, readable from any thread. */
struct writer_counters {
	_Atomic uint64_t batches, events, bytes, duplicates, conflicts, refused_full, flush_ns;
};
const struct writer_counters *writer_counters(const struct writer *);

#endif
