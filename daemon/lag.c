#include "lag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "log.h"
#include "retention.h"
#include "session.h"
#include "settings.h"

/* An alarm at this part of the limit, so that somebody can look before it is reached. */
#define ALARM_PERCENT	80

/* While events come, lags are looked at this often … */
#define CHECK_NS	1000000000ull

/* … and this often in any case while somebody lags: time alone makes it worse. */
#define CHECK_S		60

/* Bytes of a moment are no rate: a lag younger than this counts as so old. */
#define RATE_SPAN_NS_MIN	60000000000ll

/* A loss beyond a century is none. */
#define LOSS_NS_MAX		(100ll * 366 * 86400 * 1000000000)

uint64_t
lag_age_max_ns(const struct daemon *d)
{
	const struct settings *s = d->settings;

	return ((s->consumer_lag_age != 0 ? s->consumer_lag_age : s->retention_age) * 1000000000ull);
}

uint64_t
lag_bytes_max(const struct daemon *d)
{
	const struct settings *s = d->settings;

	return (s->consumer_lag_bytes != 0 ? s->consumer_lag_bytes : s->retention_bytes);
}

/* The log time of a stored event, from memory or from LMDB; 0 if it cannot be read: its reader will report it. */
static uint64_t
log_time_of(struct daemon *d, uint64_t seq)
{
	const struct batch *recent = recent_find(&d->recent, seq);
	struct record r;
	struct block b;
	uint64_t at = 0, time = 0;
	char why[512];

	if (recent != NULL)
		return (recent->log_time);
	if (store_read_block(d->reader, seq, &b, why, sizeof(why)) == 0)
		while (at < seq && block_next(&b, &r, &at))
			time = r.log_time;
	store_read_end(d->reader);
	return (time);
}

static uint64_t
oldest_time(struct daemon *d, struct consumer *c)
{
	uint64_t first = store_first_seq(d->store), seq = c->cursor + 1 > first ? c->cursor + 1 : first;

	if (c->oldest_seq != seq) {
		c->oldest_seq = seq;
		c->oldest_time = log_time_of(d, seq);
	}
	return (c->oldest_time);
}

/*
 * Until its limit of bytes is reached, if they go on coming as they did since its oldest unread event; LAG_NEVER: no limit, or nothing
 * is known of its bytes.
 */
static int64_t
bytes_loss_ns(const struct daemon *d, const struct lag *lag)
{
	uint64_t limit = lag_bytes_max(d);
	double span = (double)(lag->age_ns > RATE_SPAN_NS_MIN ? lag->age_ns : RATE_SPAN_NS_MIN), left;

	if (limit == 0 || lag->bytes == 0)
		return (LAG_NEVER);
	if (lag->bytes >= limit)
		return (0);
	left = span * ((double)(limit - lag->bytes) / (double)lag->bytes);
	return (left < (double)LOSS_NS_MAX ? (int64_t)left : LAG_NEVER);
}

void
lag_measure(struct daemon *d, struct consumer *c, struct lag *lag)
{
	uint64_t limit = lag_age_max_ns(d), oldest, now;
	int64_t by_bytes;

	memset(lag, 0, sizeof(*lag));
	lag->loss_ns = LAG_NEVER;
	if (c->cursor >= d->durable)
		return;
	lag->events = d->durable - c->cursor;
	lag->bytes = store_bytes_behind(d->store, c->cursor, d->durable);
	now = logclock_now(d->clock);
	if ((oldest = oldest_time(d, c)) == 0)
		return;
	lag->age_ns = now > oldest ? (int64_t)(now - oldest) : 0;
	if (c->released)
		return;
	if (limit != 0)
		lag->loss_ns = (uint64_t)lag->age_ns < limit ? (int64_t)(limit - (uint64_t)lag->age_ns) : 0;
	by_bytes = bytes_loss_ns(d, lag);
	if (by_bytes != LAG_NEVER && (lag->loss_ns == LAG_NEVER || by_bytes < lag->loss_ns))
		lag->loss_ns = by_bytes;
}

/* How much of its limit it uses, in percent. */
static uint64_t
used(const struct daemon *d, const struct lag *lag)
{
	uint64_t age_max = lag_age_max_ns(d), bytes_max = lag_bytes_max(d);
	uint64_t age = age_max != 0 ? (uint64_t)((double)lag->age_ns * 100 / (double)age_max) : 0;
	uint64_t bytes = bytes_max != 0 ? (uint64_t)((double)lag->bytes * 100 / (double)bytes_max) : 0;

	return (age > bytes ? age : bytes);
}

static void
alarm_of(struct daemon *d, struct consumer *c, const struct lag *lag, uint64_t percent)
{
	char reason[160];

	snprintf(reason, sizeof(reason), "%" PRIu64 " events, about %" PRIu64 " bytes, the oldest %" PRId64 " s old: %" PRIu64
	    " %% of its limit", lag->events, lag->bytes, lag->age_ns / 1000000000, percent);
	log_warn("a consumer lags: beyond its limit it will be released", "name=%s cursor=%" PRIu64 " last=%" PRIu64 " lag=\"%s\"", c->name,
	    c->cursor, d->durable, reason);
	own_event_consumer(d, &(struct own_consumer_event){ .type = "consumer.lagging", .name = c->name, .by = "estated", .from = c->cursor,
	    .to = d->durable, .reason = reason });
	c->alarmed = true;
}

/* The event is durable, or there was no room for it: a dead reader must not keep a full disk full. */
static void
on_released(struct daemon *d, void *arg, int code)
{
	char name[ID_CHARS_MAX + 1], detail[128];
	struct consumer *c;

	snprintf(name, sizeof(name), "%s", (char *)arg);
	free(arg);
	if ((c = consumer_find(d, name, strlen(name))) == NULL)
		return;
	c->releasing = c->alarmed = false;
	c->released = true;
	log_error("a consumer was released: nothing is kept for it any more", "name=%s cursor=%" PRIu64 " last=%" PRIu64 "%s", c->name,
	    c->cursor, d->durable, code != 0 ? " event=refused" : "");
	snprintf(detail, sizeof(detail), "it lagged beyond its limit; the last number it acked is %" PRIu64, c->cursor);
	consumer_dismiss(d, c, E_RELEASED, detail);
	(void)consumer_save(d);		/* it said so, and tries again */
	retention_check(d);
}

static void
release(struct daemon *d, struct consumer *c, const struct lag *lag)
{
	char reason[96];

	c->releasing = true;
	snprintf(reason, sizeof(reason), "lag of %" PRIu64 " events, the oldest %" PRId64 " s old", lag->events, lag->age_ns / 1000000000);
	own_event_consumer(d, &(struct own_consumer_event){ .type = "consumer.released", .name = c->name, .by = "estated", .from = c->cursor,
	    .to = d->durable, .reason = reason, .on_stored = on_released, .arg = must_strdup(c->name) });
}

static void
check(struct daemon *d, struct consumer *c)
{
	struct lag lag;
	uint64_t percent;

	lag_measure(d, c, &lag);
	percent = used(d, &lag);
	if (percent < ALARM_PERCENT)
		c->alarmed = false;
	else if (!c->alarmed)
		alarm_of(d, c, &lag, percent);
	else if (percent >= 100)
		release(d, c, &lag);
}

void
lag_check(struct daemon *d)
{
	struct timeval interval = { CHECK_S, 0 };
	struct consumer *c;
	bool lagging = false;

	if (d->stopping || (lag_age_max_ns(d) == 0 && lag_bytes_max(d) == 0))
		return;
	STAILQ_FOREACH(c, &d->consumers, link)
		if (!c->released && !c->releasing && c->cursor < d->durable) {
			lagging = true;
			check(d, c);
		}
	intake_turn(d);
	if (lagging)
		event_add(d->lag_timer, &interval);
}

static void
look(struct daemon *d)
{
	d->lag_checked_ns = monotonic_now();
	lag_check(d);
	retention_check(d);
}

void
lag_on_applied(struct daemon *d)
{
	struct timeval soon = { CHECK_NS / 1000000000, CHECK_NS % 1000000000 / 1000 };

	if (lag_age_max_ns(d) == 0 && lag_bytes_max(d) == 0 && d->store->trimmed.key_count == 0)
		return;
	if (monotonic_now() - d->lag_checked_ns < CHECK_NS) {
		event_add(d->lag_timer, &soon);
		return;
	}
	look(d);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

void
lag_start(struct daemon *d)
{
	d->lag_timer = daemon_event(d, -1, 0, on_timer);
}
