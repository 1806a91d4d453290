#include "service.h"

#include "daemon.h"
#include "notify.h"
#include "session.h"
#include "status.h"

void
service_tick(const char *doing)
{
	notify_tick(doing);
}

void
service_status(struct daemon *d)
{
	char sentence[160];

	status_sentence(d, sentence, sizeof(sentence));
	notify_status(sentence);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	/* The loop turns: that is what the watchdog wants to know.  The status line rides along. */
	notify_alive();
	service_status(arg);
}

void
service_ready(struct daemon *d)
{
	uint64_t us;

	notify_ready();
	service_status(d);
	if ((us = notify_alive_us()) > 0) {
		struct timeval half = { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) };

		event_add(daemon_event(d, -1, EV_PERSIST, on_watchdog), &half);
	}
}

void
service_stopping(void)
{
	notify_stopping("bringing the log up to date");
}
