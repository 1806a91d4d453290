#include "progress.h"

#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ceiling.h"
#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "log.h"
#include "session.h"
#include "subscription.h"

/* While nothing matches a filter, word of progress is sent this often at most. */
#define PROGRESS_NS	200000000ull

/* While nothing happens it is sent this often, so that a reader knows that it is at the end and what time it is there. */
#define HEARTBEAT_NS	10000000000ll

/* With nothing on its way to the disk, log time itself may be told: whatever is stored from now on gets a later stamp. */
static void
tell_now(struct daemon *d)
{
	uint64_t now = logclock_tell(d->clock);
	int e = now > d->told_time ? ceiling_raise(d->ceiling, now) : 0;

	if (e == 0) {
		d->told_time = now > d->told_time ? now : d->told_time;
		d->telling_failed = false;
		return;
	}
	if (!store_may_retry(e))
		store_distrust(d->store->folder, "writing how far log time was told", strerror(e));
	if (!d->telling_failed)
		log_warn("log time cannot be told: readers' timers wait for the next event", "error=\"%s\"", strerror(e));
	d->telling_failed = true;
}

/* What may be told as past to one that has looked at everything below `next`. */
static uint64_t
past(struct daemon *d, const struct subscription *sub)
{
	if (sub->next <= d->durable)
		return (sub->past);
	if (writer_idle(d->writer))
		tell_now(d);
	return (d->told_time);
}

static bool
wake_is_due(struct daemon *d, const struct subscription *sub)
{
	if (sub->wake == WAKE_NONE || logclock_wait(d->clock, sub->wake) > 0)
		return (false);
	if ((int64_t)past(d, sub) >= sub->wake)
		return (true);
	/* At the end, but a batch is on its way: as soon as that is back. */
	d->telling_wanted |= sub->next > d->durable;
	return (false);
}

void
progress_between_batches(struct daemon *d)
{
	if (!d->telling_wanted || !writer_idle(d->writer))
		return;
	d->telling_wanted = false;
	tell_now(d);
	fanout_wake(d);
}

bool
progress_is_due(struct daemon *d, struct subscription *sub, bool *later)
{
	bool at_end = sub->next > d->durable, passed = sub->next - 1 > sub->told;
	uint64_t since = monotonic_now() - sub->told_ns;

	if (subscription_waits(sub))
		return (false);
	if (wake_is_due(d, sub) || (sub->progress && at_end && (!sub->told_end || since >= HEARTBEAT_NS)))
		return (true);
	if (!sub->progress || !passed)
		return (false);
	*later |= since < PROGRESS_NS;
	return (since >= PROGRESS_NS);
}

bool
progress_send(struct daemon *d, struct subscription *sub)
{
	bool end = sub->next > d->durable;
	uint64_t time = past(d, sub);
	struct answer a;

	if (time < sub->past)
		time = sub->past;
	answer_begin(&a, "progress", sub->number, 4);
	msgpack_pack_map(&a.packer, 3);
	answer_key_uint(&a, "seq", sub->next - 1);
	answer_key_uint(&a, "log_time", time);
	answer_key_bool(&a, "end", end);
	if (!subscription_send(d, sub, &a))
		return (false);
	if (sub->blocked)
		return (true);
	sub->told = sub->next - 1;
	sub->told_ns = monotonic_now();
	sub->told_end |= end;
	sub->past = time;
	if ((int64_t)time >= sub->wake)
		sub->wake = WAKE_NONE;
	return (true);
}

/* How long until this one wants to hear something, in nanoseconds; -1: nothing by the clock alone. */
static int64_t
sleep_of(struct daemon *d, const struct subscription *sub)
{
	int64_t heartbeat = -1, wake = -1;

	if (subscription_waits(sub) || sub->next <= d->durable)
		return (-1);
	if (sub->progress)
		heartbeat = HEARTBEAT_NS - (int64_t)(monotonic_now() - sub->told_ns);
	if (sub->wake != WAKE_NONE)
		wake = logclock_wait(d->clock, sub->wake);
	if (wake <= 0)
		return (heartbeat);	/* it waits for a batch, not for the clock */
	return (heartbeat >= 0 && heartbeat < wake ? heartbeat : wake);
}

void
progress_arm(struct daemon *d)
{
	struct itimerspec at = { 0 };
	struct subscription *sub;
	int64_t least = -1;
	uint64_t now;

	STAILQ_FOREACH(sub, &d->subscriptions, link) {
		int64_t ns = sleep_of(d, sub);

		if (ns >= 0 && (least < 0 || ns < least))
			least = ns;
	}
	now = monotonic_now();
	/* Too early is harmless, it looks again: so only what comes sooner is worth a system call. */
	if (least < 0 || (d->alarm_ns != 0 && d->alarm_ns <= now + (uint64_t)least))
		return;
	if (least == 0)
		least = 1;
	d->alarm_ns = now + (uint64_t)least;
	at.it_value = (struct timespec){ least / 1000000000, least % 1000000000 };
	if (timerfd_settime(d->alarm_fd, 0, &at, NULL) != 0)
		abort();
}

static void
on_alarm(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	d->alarm_ns = 0;
	fanout_wake(d);
}

void
progress_start(struct daemon *d)
{
	/* By the clock that counts a suspended machine's time too: a timer that fell due meanwhile is due at once. */
	if ((d->alarm_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK)) < 0)
		abort();
	event_add(daemon_event(d, d->alarm_fd, EV_READ | EV_PERSIST, on_alarm), NULL);
}

void
progress_on_wake(struct daemon *d, struct request *r)
{
	struct subscription *sub = subscription_find(r->session, r->number);
	int64_t at;

	if (sub == NULL) {
		request_nak(d, r, E_SUBSCRIPTION, "[2]", NULL);
		return;
	}
	if (!mp_int(&r->m, &at) || at < 0) {
		request_nak(d, r, E_ARGUMENT, "[3]", "[1, \"wake\", s, log_time]: nanoseconds since 1970, up to 2^63 - 1");
		return;
	}
	sub->wake = at;
	fanout_wake(d);
}
