#include "clockwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"
#include "service.h"

static void
arm(int fd)
{
	/* Far beyond any start and any step: only the cancellation is of interest. */
	struct itimerspec never = { .it_value = { .tv_sec = (time_t)1 << 40 } };

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) != 0 && errno != ECANCELED)
		log_warn("the clock cannot be watched; a step is noticed with the next event", "errno=%d", errno);
}

void
clockwatch_check(struct daemon *d)
{
	int64_t seconds;

	if (!logclock_take_report(d->clock))
		return;
	seconds = logclock_jump(d->clock);
	log_error("the wall clock jumped: log time goes on by itself", "seconds=%lld next=\"estate clock accept\"", (long long)seconds);
	own_event_clock(d, "clock.jumped", seconds, NULL);
	service_status(d);
	intake_turn(d);
}

static void
on_set(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0 && errno != ECANCELED)
		return;
	arm(fd);
	logclock_stamp(d->clock);
	clockwatch_check(d);
}

void
clockwatch_start(struct daemon *d)
{
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		abort();
	arm(fd);
	event_add(daemon_event(d, fd, EV_READ | EV_PERSIST, on_set), NULL);
}
