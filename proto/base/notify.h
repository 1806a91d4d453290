/* notify: what systemd is told, if it asked: ready, status, stopping, alive, and more time while a start takes long. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

/* During start-up: still alive, doing that; extends the start's time limit.  At most once a second, so call it as often as you like. */
void	notify_tick(const char *doing);

void	notify_ready(void);
void	notify_status(const char *sentence);
void	notify_stopping(const char *doing);

/* The loop turns.  It wants to be told this often, in microseconds; 0: never. */
void		notify_alive(void);
uint64_t	notify_alive_us(void);

#endif
