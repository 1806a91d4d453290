/*
 * progress: word of how far a subscription's past is complete, in numbers and in log time.
 *
 * The promise of a progress {seq, log_time}: every event numbered above seq has a log time strictly above log_time.  It stands on
 * three legs: stamps rise from batch to batch (logclock.c), a time that is told raises the log clock while no batch is on its way, and
 * what was told beyond the last stored event is on the disk before (ceiling.c), so that it holds after any stop.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct subscription;

/* No wake wanted. */
#define WAKE_NONE	INT64_MAX

void	progress_start(struct daemon *);

/* The writer has handed back a batch and not got the next one yet: the one moment under load when the time of now may be told. */
void	progress_between_batches(struct daemon *);

/* Is it time for word of progress?  *later: not yet, but the fan-out must look again soon. */
bool	progress_is_due(struct daemon *, struct subscription *, bool *later);

/* Send it.  False: the peer is gone, and the subscription with it. */
bool	progress_send(struct daemon *, struct subscription *);

/* After a round of the fan-out: sleep until the first subscription wants to be woken or to hear that all is well. */
void	progress_arm(struct daemon *);

#endif
