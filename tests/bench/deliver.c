/*
 * deliver: how soon a reader has what a producer puts.
 *
 *	deliver ENDPOINT [--events N] [--rate N] [--window N] [--size BYTES]
 *
 * One connection puts probes, another reads them as the consumer "healthy".  Without --rate it puts as fast as acks allow; with it so many
 * a second, evenly spaced, and lag counts from the instant an event was due, so that a daemon that stalls cannot hide it.  Prints one line of
 * JSON: acked and delivered events a second, both up to the last of them, and the lags.
 */
#include <endian.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "estate.h"
#include "histogram.h"
#include "probe.h"

/* Silence after which something is wrong. */
#define PATIENCE_NS	60000000000ull

struct deliver {
	uint64_t events, rate, window, size;
	struct estate *producer, *reader;
	struct estate_subscription *sub;
	struct probe probe;
	uint64_t *since;			/* instant by number of the probe: handed over, or due */
	uint64_t began, last_ack, last_delivery;
	uint64_t handed, acked, delivered;
	bool at_end;				/* the reader is in place */
	struct histogram ack, lag, log_lag;	/* log_lag: from log time */
};

static uint64_t
clock_ns(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static void
die(const char *what)
{
	fprintf(stderr, "deliver: %s\n", what);
	exit(1);
}

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct deliver *d = user;

	d->last_ack = clock_ns(CLOCK_MONOTONIC);
	d->acked++;
	histogram_add(&d->ack, d->last_ack - d->since[a->cookie]);
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	(void)user;
	die(n->fault->name);
}

static void
on_event(void *user, const struct estate_event *v)
{
	struct deliver *d = user;
	uint64_t n, now = clock_ns(CLOCK_REALTIME);

	memcpy(&n, (const uint8_t *)v->bytes + d->probe.n_at, sizeof(n));
	if (be64toh(n) != ++d->delivered)
		die("an event was delivered out of turn");
	d->last_delivery = clock_ns(CLOCK_MONOTONIC);
	histogram_add(&d->lag, d->last_delivery - d->since[d->delivered - 1]);
	histogram_add(&d->log_lag, now > (uint64_t)v->log_time ? now - (uint64_t)v->log_time : 0);
	if (d->delivered % 1024 == 0 || d->delivered == d->events)
		estate_subscription_ack(d->sub, v->seq);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	(void)seq;
	(void)log_time;
	((struct deliver *)user)->at_end |= end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	(void)user;
	die(f->name);
}

static uint64_t
due_at(const struct deliver *d)
{
	return (d->rate == 0 ? 0 : d->began + (uint64_t)((double)d->handed * 1e9 / (double)d->rate));
}

static void
hand_over(struct deliver *d)
{
	uint64_t ms = clock_ns(CLOCK_REALTIME) / 1000000, now = clock_ns(CLOCK_MONOTONIC), due;

	for (; d->handed < d->events && (due = due_at(d)) <= now && estate_room(d->producer) > 0; d->handed++) {
		probe_next(&d->probe, ms);
		d->since[d->handed] = d->rate == 0 ? now : due;
		if (estate_put(d->producer, d->probe.bytes, d->size, d->handed) != 0)
			die("a put was not taken");
	}
}

/* Until an answer comes or the next event is due. */
static void
wait_for(struct deliver *d)
{
	struct pollfd p[2] = { { .fd = estate_fd(d->producer), .events = POLLIN }, { .fd = estate_fd(d->reader), .events = POLLIN } };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), due = due_at(d), wait = 100000000;
	struct timespec t;

	if (now > d->began + PATIENCE_NS && now > d->last_ack + PATIENCE_NS && now > d->last_delivery + PATIENCE_NS)
		die("nothing came for a minute");
	if (d->rate > 0 && d->handed < d->events && due < now + wait && estate_room(d->producer) > 0)
		wait = due > now ? due - now : 0;
	t = (struct timespec){ 0, (long)wait };
	ppoll(p, 2, &t, NULL);
}

static void
pump(struct deliver *d)
{
	int a = estate_pump(d->producer, 0), b = estate_pump(d->reader, 0);

	if (a < 0 || b < 0)
		die("the connection failed");
	if (a == 0 && b == 0)
		wait_for(d);
}

static void
open_both(struct deliver *d, const char *endpoint)
{
	static const char *const types[] = { "probe.recorded", NULL };
	struct estate_options put = { .endpoint = endpoint, .client = "producer", .window = (unsigned)d->window, .user = d, .on_ack = on_ack,
	    .on_nak = on_nak };
	struct estate_options read = { .endpoint = endpoint, .client = "healthy" };
	struct estate_subscribe_options o = { .from = ESTATE_FROM_NEW, .types = types, .window_events = 8192, .window_bytes = 1u << 20,
	    .consumer = "healthy", .user = d, .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };

	if (probe_init(&d->probe, d->size, 0) != 0 || (d->since = calloc(d->events, sizeof(*d->since))) == NULL)
		die("no memory");
	if (estate_open(&put, &d->producer) != 0 || estate_open(&read, &d->reader) != 0 || estate_subscribe(d->reader, &o, &d->sub) != 0)
		die("cannot begin");
	d->began = clock_ns(CLOCK_MONOTONIC);
	while (!d->at_end || estate_log(d->producer) == NULL)
		pump(d);
}

static void
print_lag(const char *name, const struct histogram *h)
{
	printf(",\"%s_p50_ms\":%.3f,\"%s_p99_ms\":%.3f,\"%s_max_ms\":%.3f", name, (double)histogram_at(h, 0.5) / 1e6, name,
	    (double)histogram_at(h, 0.99) / 1e6, name, (double)h->max / 1e6);
}

int
main(int argc, char **argv)
{
	static struct deliver d = { .events = 100000, .window = 1024, .size = 256 };

	for (int i = 2; i + 1 < argc; i += 2) {
		uint64_t n = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--events") == 0)
			d.events = n;
		else if (strcmp(argv[i], "--rate") == 0)
			d.rate = n;
		else if (strcmp(argv[i], "--window") == 0)
			d.window = n;
		else if (strcmp(argv[i], "--size") == 0)
			d.size = n;
		else
			argc = 0;
	}
	if (argc < 2 || argc % 2 != 0 || d.events == 0 || d.size < PROBE_BYTES_MIN) {
		fprintf(stderr, "usage: deliver ENDPOINT [--events N] [--rate N] [--window N] [--size BYTES]\n");
		return (2);
	}
	open_both(&d, argv[1]);
	d.began = clock_ns(CLOCK_MONOTONIC);
	while (d.delivered < d.events || d.acked < d.events) {
		hand_over(&d);
		pump(&d);
	}
	/* So that the daemon has the last ack too. */
	estate_pump(d.reader, 0);
	printf("{\"events\":%" PRIu64 ",\"acked_per_s\":%.0f,\"delivered_per_s\":%.0f", d.events,
	    (double)d.events * 1e9 / (double)(d.last_ack - d.began), (double)d.events * 1e9 / (double)(d.last_delivery - d.began));
	print_lag("ack", &d.ack);
	print_lag("lag", &d.lag);
	print_lag("log_lag", &d.log_lag);
	printf("}\n");
	estate_close(d.producer);
	estate_close(d.reader);
	probe_fini(&d.probe);
	free(d.since);
	return (0);
}
