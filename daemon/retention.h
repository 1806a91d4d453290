/* retention: which months are trimmed, and when; and how long until the disk is full or the oldest events are gone. */
#ifndef RETENTION_H
#define RETENTION_H

#include <stdint.h>

struct consumer;
struct daemon;

void	retention_start(struct daemon *);

/* Trim what may be trimmed: whole months from the oldest on, never the current one, never one that is not bound (bound.h), never what
 * a consumer that is not released must still read; and let keys of trimmed events expire.  Called now and then on the loop. */
void	retention_check(struct daemon *);

/* Something was applied: the next step of what takes several. */
void	retention_on_applied(struct daemon *);

/* The consumer because of whom the oldest month is still there although it could go, or NULL. */
const struct consumer *retention_held_by(struct daemon *);

/* The oldest month if it could go but is not bound, or NULL. */
const char	*retention_unbound(struct daemon *);

/* Seconds, or -1 if it cannot be told: until the disk is full as things go, until the oldest month reaches its age. */
int64_t	retention_until_full_s(struct daemon *);
int64_t	retention_until_trim_s(struct daemon *);

/* Another age or size may be in force: the timer behind it is armed, or not.  Looking at once is the caller's. */
void	retention_settings_changed(struct daemon *);

#endif
