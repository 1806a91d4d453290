#include "notify.h"

#include <systemd/sd-daemon.h>
#include <time.h>

/* More time asked for with each tick, and how often at most. */
#define EXTEND_US	30000000u
#define TICK_NS		1000000000ull

void
notify_tick(const char *doing)
{
	static uint64_t last;
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (last != 0 && now - last < TICK_NS)
		return;
	last = now;
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%u\nSTATUS=starting: %s", EXTEND_US, doing);
}

void
notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void
notify_status(const char *sentence)
{
	sd_notifyf(0, "STATUS=%s", sentence);
}

void
notify_stopping(const char *doing)
{
	sd_notifyf(0, "STOPPING=1\nSTATUS=stopping: %s", doing);
}

void
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

uint64_t
notify_alive_us(void)
{
	uint64_t us;

	return (sd_watchdog_enabled(0, &us) > 0 ? us / 2 : 0);
}
