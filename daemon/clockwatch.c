#include "clockwatch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "files.h"
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

#define JUMP_FILE	"clock"

long long
clockwatch_known_jump(const char *folder)
{
	char path[4096];
	long long jump = 0;
	FILE *f;

	if ((f = fopen(path_join(path, sizeof(path), folder, JUMP_FILE), "re")) == NULL)
		return (0);
	if (fscanf(f, "jump: %lld", &jump) != 1)
		jump = 0;
	fclose(f);
	return (jump);
}

/* For the next start.  A disk without room for it has louder troubles. */
static void
remember(struct daemon *d, int64_t seconds)
{
	char text[48];
	int e, n = snprintf(text, sizeof(text), "jump: %lld\n", (long long)seconds);

	if ((e = file_replace(d->store->folder, JUMP_FILE, text, (size_t)n)) != 0)
		log_warn("the jump of the clock could not be noted for the next start", "error=\"%s\"", strerror(e));
}

void
clockwatch_accepted(struct daemon *d)
{
	char path[4096];

	if (unlink(path_join(path, sizeof(path), d->store->folder, JUMP_FILE)) == 0)
		folder_sync(d->store->folder);
}

void
clockwatch_check(struct daemon *d)
{
	int64_t seconds;

	if (!logclock_take_report(d->clock))
		return;
	seconds = logclock_jump(d->clock);
	log_error("the wall clock jumped: log time goes on by itself", "seconds=%lld next=\"estate clock accept\"", (long long)seconds);
	remember(d, seconds);
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
	logclock_now(d->clock);
	clockwatch_check(d);
	fanout_wake(d);		/* timers go by the new time */
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
