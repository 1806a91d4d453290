/* lag: how far a consumer is behind, and what becomes of one that is too far: told, then released, so that nothing is kept for it. */
#ifndef LAG_H
#define LAG_H

#include <stdbool.h>
#include <stdint.h>

struct consumer;
struct daemon;

#define LAG_NEVER	(-1)

struct lag {
	uint64_t events;		/* stored and not acked */
	uint64_t bytes;			/* of them, roughly: by the average of their month */
	int64_t age_ns;			/* since the log time of the oldest of them; 0: there is none */
	int64_t loss_ns;		/* until its limit of age or bytes is reached if it does nothing; LAG_NEVER: there is no limit, or no lag */
};

void	lag_measure(struct daemon *, struct consumer *, struct lag *);

/* How old and how much an event may be before nobody waits for its reader any more; 0: no limit.  Its own setting, else that of
 * retention. */
uint64_t lag_age_max_ns(const struct daemon *);
uint64_t lag_bytes_max(const struct daemon *);

/* Look at all of them: alarm, release. */
void	lag_check(struct daemon *);

/* Something was applied: look, unless that was done just now.  A slow timer of its own looks while somebody lags. */
void	lag_on_applied(struct daemon *);
void	lag_start(struct daemon *);

#endif
