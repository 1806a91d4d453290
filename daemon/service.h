/* service: what systemd is told: READY, STATUS, STOPPING, the watchdog, and more time while a long recovery lasts. */
#ifndef SERVICE_H
#define SERVICE_H

struct daemon;

/* During start-up: still alive, doing that; extends the start's time limit. */
void	service_tick(const char *doing);

/* Ready; begins the watchdog's timer if the unit asks for one. */
void	service_ready(struct daemon *);
void	service_status(struct daemon *);
void	service_stopping(void);

#endif
