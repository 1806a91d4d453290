/*
 * logclock: log time, which rises from batch to batch and never jumps.
 *
 * It follows the wall clock while that agrees with CLOCK_BOOTTIME to 120 s.  When somebody sets the wall clock further than that,
 * log time goes on by CLOCK_BOOTTIME and the jump is reported, until an operator accepts the new time.  After a start log time is
 * above the last stored one and above what was told of as past.  Safe from any thread.
 */
#ifndef LOGCLOCK_H
#define LOGCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_MAX_S	120

struct logclock;

/*
 * `last`: no stamp will be at or below it: the log time of the last stored event or the last one told, 0 for none.  `jump`: by how many seconds the wall clock was known to be off when the
 * daemon last ran, 0 if it was not: a restart accepts nothing.  If it still is (log time goes on more plausibly without the jump than
 * with it), the jump is reported again.
 */
struct logclock	*logclock_new(uint64_t last, int64_t jump);
void		 logclock_free(struct logclock *);

/* The log time of a new batch, in nanoseconds since 1970: above every stamp and every time told before. */
uint64_t	 logclock_stamp(struct logclock *);

/* The log time of now, told as past: every later stamp is above it. */
uint64_t	 logclock_tell(struct logclock *);

/* The log time of now, with no promise. */
uint64_t	 logclock_now(struct logclock *);

/* How many nanoseconds will pass until log time reaches `at`, as the clocks stand; 0 or below: it has. */
int64_t		 logclock_wait(struct logclock *, int64_t at);

/* How far the wall clock stands from log time, in seconds; 0 unless it jumped. */
int64_t		 logclock_jump(struct logclock *);

/* Has a jump begun that was not reported yet?  True once per jump. */
bool		 logclock_take_report(struct logclock *);

/* The wall clock is right: go on by it.  While it is below the last stamp, log time all but stands still: a nanosecond a batch. */
void		 logclock_accept(struct logclock *);

#endif
