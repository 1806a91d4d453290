#include "service.h"

#include <systemd/sd-daemon.h>

#include "daemon.h"
#include "session.h"
#include "status.h"

/* More time asked for with each tick, and how often at most. */
#define EXTEND_US	30000000u
#define TICK_NS		1000000000ull

void
service_tick(const char *doing)
{
	static uint64_t last;
	uint64_t now = monotonic_now();

	if (last != 0 && now - last < TICK_NS)
		return;
	last = now;
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%u\nSTATUS=starting: %s", EXTEND_US, doing);
}

void
service_status(struct daemon *d)
{
	char sentence[160];

	status_sentence(d, sentence, sizeof(sentence));
	sd_notifyf(0, "STATUS=%s", sentence);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	/* The loop turns: that is what the watchdog wants to know.  The status line rides along. */
	sd_notify(0, "WATCHDOG=1");
	service_status(arg);
}

void
service_ready(struct daemon *d)
{
	uint64_t us;

	sd_notify(0, "READY=1");
	service_status(d);
	if (sd_watchdog_enabled(0, &us) > 0) {
		struct timeval half = { (time_t)(us / 2 / 1000000), (suseconds_t)(us / 2 % 1000000) };

		event_add(daemon_event(d, -1, EV_PERSIST, on_watchdog), &half);
	}
}

void
service_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=stopping: bringing the log up to date");
}
