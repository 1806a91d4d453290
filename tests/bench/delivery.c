/*
 * delivery ENDPOINT: how events come out of estated again, at a durable consumer that acknowledges them by up to 1000, as
 * peers/peerload.c does it to others.  JSON on stdout.
 *
 *   --connections N --rate N --seconds S --size BYTES	open loop: how long from when each was due to its ack, and to its delivery
 *   --connections N --events N --window N		closed loop: as fast as acks allow
 *   --replay N						no puts: N stored events from the first, as fast as they come
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "estate.h"
#include "histogram.h"
#include "probe.h"

#define CONNECTIONS_MAX	64u
#define ACK_EVERY	1000u
#define PATIENCE_MS	10000

struct reader {
	struct estate *e;
	struct estate_subscription *s;
	struct histogram delivery, since_log;
	uint64_t delivered, wanted, last, seq, acked_at;
};

static struct {
	const char *endpoint;
	uint64_t connections, size, seconds, rate, events, window, replay;
	size_t n_at;
	struct estate *all[CONNECTIONS_MAX];
	struct probe probe[CONNECTIONS_MAX];
	struct histogram ack;
	uint64_t began, handed, turn, acked, last_ack;
	struct reader reader;
	atomic_bool reading;
} d;

static uint64_t
clock_of(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static uint64_t
clock_ns(void)
{
	return (clock_of(CLOCK_MONOTONIC));
}

static void
fail(const char *what)
{
	fprintf(stderr, "delivery: %s\n", what);
	exit(1);
}

static void
on_ack(void *user, const struct estate_ack *a)
{
	(void)user;
	d.last_ack = clock_ns();
	histogram_add(&d.ack, d.last_ack - a->cookie);
	d.acked += a->count;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	(void)user;
	fail(n->fault->name);
}

/* ---- the reader: a thread with a handle of its own, as it would be a process of its own ---- */

static void
on_event(void *user, const struct estate_event *event)
{
	struct reader *r = user;
	uint64_t since;

	if (event->len != d.size)
		return;
	r->last = clock_ns();
	r->seq = event->seq;
	r->delivered++;
	if (d.replay == 0) {
		memcpy(&since, (const uint8_t *)event->bytes + d.n_at, sizeof(since));
		histogram_add(&r->delivery, r->last - __builtin_bswap64(since));
		histogram_add(&r->since_log, clock_of(CLOCK_REALTIME) - (uint64_t)event->log_time);
	}
	if (r->delivered - r->acked_at >= ACK_EVERY) {
		r->acked_at = r->delivered;
		estate_subscription_ack(r->s, r->seq);
	}
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	(void)user, (void)seq, (void)log_time;
	if (end)
		d.reading = true;
}

static void
on_ended(void *user, const struct estate_fault *fault)
{
	(void)user;
	fail(fault->name);
}

static void *
read_all(void *arg)
{
	struct reader *r = &d.reader;
	struct estate_options o = { .endpoint = d.endpoint, .client = "delivery-reader" };
	struct estate_subscribe_options s = { .from = d.replay > 0 ? ESTATE_FROM_FIRST : ESTATE_FROM_NEW, .consumer = "delivery",
	    .window_events = 8192, .window_bytes = 1 << 20, .user = r, .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };

	int e;

	if ((e = estate_open(&o, &r->e)) != 0 || (e = estate_subscribe(r->e, &s, &r->s)) != 0)
		fail(estate_error_text(e));
	while (r->delivered < r->wanted)
		if (estate_pump(r->e, PATIENCE_MS) <= 0)
			fail("nothing was delivered for ten seconds");
	estate_subscription_ack(r->s, r->seq);
	estate_pump(r->e, 0);
	estate_close(r->e);
	return (arg);
}

/* ---- the puts: each event's number is the instant that its latency counts from ---- */

/* When the next one is due; now, without a rate. */
static uint64_t
due_at(void)
{
	return (d.rate > 0 ? d.began + d.handed * 1000000000 / d.rate : clock_ns());
}

static void
send_due(void)
{
	uint64_t due, big, full = 0;

	while (full < d.connections && d.handed < d.events && (due = due_at()) <= clock_ns()) {
		unsigned i = (unsigned)(d.turn++ % d.connections);

		if (estate_room(d.all[i]) == 0) {
			full++;
			continue;
		}
		probe_next(&d.probe[i], due / 1000000);
		big = __builtin_bswap64(due);
		memcpy(d.probe[i].bytes + d.probe[i].n_at, &big, sizeof(big));
		if (estate_put(d.all[i], d.probe[i].bytes, d.size, due) != 0) {
			full++;
			continue;
		}
		full = 0;
		d.handed++;
	}
}

static void
put_all(void)
{
	struct pollfd ready[CONNECTIONS_MAX];
	struct timespec t;
	uint64_t due, now;
	bool busy;

	d.began = d.last_ack = clock_ns();
	while (d.handed < d.events || d.acked < d.handed) {
		send_due();
		busy = false;
		for (uint64_t i = 0; i < d.connections; i++)
			busy |= estate_pump(d.all[i], 0) > 0;
		if (busy)
			continue;
		for (uint64_t i = 0; i < d.connections; i++)
			ready[i] = (struct pollfd){ .fd = estate_fd(d.all[i]), .events = POLLIN };
		now = clock_ns();
		due = d.handed == d.events || d.rate == 0 ? now + 1000000 : due_at();
		if (due < now)
			due = now;
		t = (struct timespec){ (time_t)((due - now) / 1000000000), (long)((due - now) % 1000000000) };
		if (ppoll(ready, d.connections, &t, NULL) < 0)
			fail(strerror(errno));
		if (d.acked < d.handed && now > d.last_ack + PATIENCE_MS * 1000000ull)
			fail("no ack for ten seconds");
	}
}

static void
print_latency(const char *name, const struct histogram *h)
{
	printf(",\"%sp50_us\":%.1f,\"%sp99_us\":%.1f,\"%smax_us\":%.1f", name, (double)histogram_at(h, 0.5) / 1e3, name,
	    (double)histogram_at(h, 0.99) / 1e3, name, (double)h->max / 1e3);
}

static void
report(void)
{
	const struct reader *r = &d.reader;
	double seconds = (double)((d.replay > 0 ? r->last : d.last_ack) - d.began) / 1e9;
	uint64_t events = d.replay > 0 ? r->delivered : d.acked;
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("{\"events\":%" PRIu64 ",\"seconds\":%.3f,\"events_per_s\":%.0f,\"delivered_per_s\":%.0f", events, seconds,
	    (double)events / seconds, (double)r->delivered * 1e9 / (double)(r->last - d.began));
	print_latency("", &d.ack);
	print_latency("delivery_", &r->delivery);
	print_latency("since_log_", &r->since_log);
	printf(",\"client_us_per_event\":%.3f}\n",
	    ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)) / (double)events);
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = { { "connections", 1, NULL, 'c' }, { "size", 1, NULL, 's' }, { "seconds", 1, NULL, 't' },
	    { "rate", 1, NULL, 'r' }, { "events", 1, NULL, 'e' }, { "window", 1, NULL, 'w' },
	    { "replay", 1, NULL, 'p' }, { NULL, 0, NULL, 0 } };
	uint64_t n;
	int c;

	d.connections = 1, d.size = 256, d.seconds = 2, d.window = 1024;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		n = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
		switch (c) {
		case 'c': d.connections = n; break;
		case 's': d.size = n; break;
		case 't': d.seconds = n; break;
		case 'r': d.rate = n; break;
		case 'e': d.events = n; break;
		case 'w': d.window = n; break;
		case 'p': d.replay = n; break;
		default: exit(2);
		}
	}
	if (d.rate > 0) {
		d.events = d.rate * d.seconds;
		d.window = 1u << 20;
	}
	if (optind + 1 != argc || d.connections < 1 || d.connections > CONNECTIONS_MAX || d.events + d.replay == 0 || d.size < PROBE_BYTES_MIN) {
		fprintf(stderr, "usage: delivery ENDPOINT [OPTION...]: see the head of delivery.c\n");
		exit(2);
	}
	d.endpoint = argv[optind];
}

static void
producer_open(unsigned i)
{
	struct estate_options o = { .endpoint = d.endpoint, .client = "delivery", .window = (unsigned)d.window, .on_ack = on_ack, .on_nak = on_nak };

	if (probe_init(&d.probe[i], d.size, i) != 0 || estate_open(&o, &d.all[i]) != 0)
		fail("cannot open a connection");
	d.n_at = d.probe[i].n_at;
	while (estate_log(d.all[i]) == NULL)
		if (estate_pump(d.all[i], PATIENCE_MS) <= 0)
			fail("no daemon answers");
}

int
main(int argc, char **argv)
{
	pthread_t thread;

	parse(argc, argv);
	d.reader.wanted = d.replay > 0 ? d.replay : d.events;
	for (unsigned i = 0; d.replay == 0 && i < d.connections; i++)
		producer_open(i);
	d.began = clock_ns();
	pthread_create(&thread, NULL, read_all, NULL);
	if (d.replay == 0) {
		while (!d.reading)		/* until it stands at the end, nothing is put */
			poll(NULL, 0, 1);
		put_all();
	}
	pthread_join(thread, NULL);
	report();
	for (unsigned i = 0; d.replay == 0 && i < d.connections; i++) {
		estate_close(d.all[i]);
		probe_fini(&d.probe[i]);
	}
	return (0);
}
