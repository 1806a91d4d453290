/* estate bench put: how many events a second the daemon makes durable, and how long each waits for its ack. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "buffer.h"
#include "command.h"
#include "histogram.h"
#include "bounds.h"
#include "language.h"
#include "probe.h"
#include "reach.h"

#define CONNECTIONS_MAX	1024u

static const char help[] =
"Usage: estate bench put [OPTION...]\n"
"Put probe.recorded events as fast as acks allow, or at a given rate, and report events a second and the time from\n"
"hand-over to ack. The events stay in the log: use a daemon of its own.\n"
"\n"
"      --connections N      connections, all driven by one thread (default 1)\n"
"      --window N           puts unanswered per connection (default 256)\n"
"      --batch N            events per put, stored together or not at all (default 1)\n"
"      --size BYTES         of each event as packed (default 256)\n"
"      --seconds S          how long (default 10)\n"
"      --events N           or so many events\n"
"      --rate N             events a second over all connections, evenly spaced. Latency then counts from the\n"
"                           instant an event was due, so that a daemon that stalls cannot hide it\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate bench put --window 1                        one kiosk: the latency of a flush\n"
"  estate bench put --connections 8 --window 1024     a busy estate\n"
"  estate bench put --rate 50000 --seconds 60 --json  does it keep up?\n"
"Exit status: 0 done, 1 some refused or interrupted, 2 wrong usage, 3 daemon not reached\n";

struct bench;

struct connection {
	struct bench *b;
	struct estate *e;
	struct probe probe;
	struct estate_bytes *events;	/* of one batch … */
	uint8_t *bytes;			/* … and their bytes */
	bool serve;			/* there is something to do for it */
};

struct bench {
	struct common common;
	uint64_t connections, window, batch, size, seconds, events, rate;
	struct connection *all;
	void *context;
	int epoll, timer;
	struct histogram latency;
	uint64_t handed, acked, refused, duplicates, lost;	/* events; lost: connections */
	uint64_t began, last_ack, now;		/* nanoseconds, monotonic; `now` of the answers being read */
	uint64_t ms;				/* since 1970, for ids */
	uint64_t turn;				/* whose the next due put is */
	unsigned since;				/* acks since `now` was looked at */
	bool stopped;				/* the daemon refused a connection for good */
	char first_fault[256];
	char put_off[128];			/* why the daemon said "later" the last time */
};

static uint64_t
clock_ns(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

/* The cookie of a put is the instant it was handed over, or due. */
static void
on_ack(void *user, const struct estate_ack *a)
{
	struct bench *b = ((struct connection *)user)->b;

	if (b->since++ % 64 == 0)
		b->now = clock_ns(CLOCK_MONOTONIC);
	histogram_add(&b->latency, b->now - a->cookie);
	b->acked += a->count;
	b->duplicates += a->duplicate;
	b->last_ack = b->now;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct bench *b = ((struct connection *)user)->b;
	struct buffer text = { NULL, 0, 0 };

	b->refused += n->count;
	if (b->first_fault[0] == '\0') {
		reach_fault_text(&text, n->fault);
		snprintf(b->first_fault, sizeof(b->first_fault), "%s", text.data);
		buffer_free(&text);
	}
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct connection *c = user;

	if (n->kind == ESTATE_DISCONNECTED)
		c->b->lost++;
	if (n->kind == ESTATE_HELLO_REFUSED)
		c->b->stopped = true;
	if (n->kind == ESTATE_PUT_OFF)
		snprintf(c->b->put_off, sizeof(c->b->put_off), "%s", n->reason);
}

static bool
more_to_send(const struct bench *b)
{
	if (b->events > 0)
		return (b->handed < b->events);
	return (clock_ns(CLOCK_MONOTONIC) < b->began + b->seconds * 1000000000);
}

/* Hand over one put dated `since`.  False if the connection takes none now. */
static bool
hand_over(struct bench *b, struct connection *c, uint64_t since)
{
	if (estate_room(c->e) == 0)
		return (false);
	if (b->batch == 1) {
		probe_next(&c->probe, b->ms);
		if (estate_put(c->e, c->probe.bytes, b->size, since) != 0)
			return (false);
	} else {
		for (uint64_t i = 0; i < b->batch; i++) {
			probe_next(&c->probe, b->ms);
			memcpy(c->bytes + i * b->size, c->probe.bytes, b->size);
		}
		if (estate_put_batch(c->e, c->events, b->batch, since) != 0)
			return (false);
	}
	b->handed += b->batch;
	return (true);
}

/* Closed loop: each connection as full as its window. */
static void
refill(struct bench *b, struct connection *c)
{
	uint64_t since = clock_ns(CLOCK_MONOTONIC);

	while (more_to_send(b))
		for (unsigned i = 0; i < 64; i++)
			if ((b->events > 0 && b->handed >= b->events) || !hand_over(b, c, since))
				return;
}

/* When the next put is due. */
static uint64_t
due_at(const struct bench *b)
{
	return (b->began + (uint64_t)((double)b->handed * 1e9 / (double)b->rate));
}

/* Open loop: everything that is due by now, round the connections; what finds no room stays due since then. */
static void
send_due(struct bench *b)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), due, tried = 0;
	struct connection *c;

	while (tried < b->connections && (due = due_at(b)) <= now && more_to_send(b)) {
		c = &b->all[b->turn++ % b->connections];
		if (hand_over(b, c, due)) {
			c->serve = true;
			tried = 0;
		} else
			tried++;
	}
}

/* Wake when the next event is due; when one is overdue, a window is full and its answers wake us. */
static void
arm(struct bench *b)
{
	uint64_t due = due_at(b), now = clock_ns(CLOCK_MONOTONIC);
	struct itimerspec t = { { 0, 0 }, { 0, 0 } };

	if (due <= now)
		due = now + 1000000;
	t.it_value.tv_sec = (time_t)(due / 1000000000);
	t.it_value.tv_nsec = (long)(due % 1000000000);
	timerfd_settime(b->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static uint64_t
unanswered(const struct bench *b)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < b->connections; i++)
		n += estate_unacked(b->all[i].e);
	return (n);
}

/* Serve every connection that has something to do.  True if one of them should be served again before anybody sleeps. */
static bool
serve(struct bench *b)
{
	bool again = false;

	for (uint64_t i = 0; i < b->connections; i++) {
		struct connection *c = &b->all[i];

		if (!c->serve)
			continue;
		if (b->rate == 0)
			refill(b, c);
		b->since = 0;
		/* What it answered makes room, and nobody else will tell us so. */
		c->serve = estate_pump(c->e, 0) > 0;
		again |= c->serve;
	}
	return (again);
}

/* Wait for answers, or for the next event to be due.  False if nothing came for too long. */
static bool
sleep_until_ready(struct bench *b, bool busy)
{
	struct epoll_event ready[64];
	uint64_t fired;
	int n;

	if (b->rate > 0 && more_to_send(b))
		arm(b);
	n = epoll_wait(b->epoll, ready, 64, busy ? 0 : 100);
	for (int i = 0; i < n; i++) {
		struct connection *c = ready[i].data.ptr;

		if (c != NULL)
			c->serve = true;
		else if (read(b->timer, &fired, sizeof(fired)) < 0)
			continue;
	}
	if (clock_ns(CLOCK_MONOTONIC) > b->last_ack + (uint64_t)b->common.timeout_ms * 1000000 && unanswered(b) > 0)
		return (false);
	return (true);
}

static int
run(struct bench *b)
{
	bool again;

	b->began = b->last_ack = clock_ns(CLOCK_MONOTONIC);
	for (;;) {
		b->ms = clock_ns(CLOCK_REALTIME) / 1000000;
		if (b->rate > 0)
			send_due(b);
		again = serve(b);
		if (reach_stop || b->stopped)
			return (EXIT_PART);
		if (unanswered(b) == 0 && !more_to_send(b))
			return (b->refused > 0 ? EXIT_PART : 0);
		if (!sleep_until_ready(b, again)) {
			if (b->put_off[0] != '\0')
				complain("bench", "nothing was taken for %d s: %s", b->common.timeout_ms / 1000, b->put_off);
			else
				reach_failed("bench", &b->common);
			return (EXIT_UNREACHED);
		}
	}
}

/* ---- Before and after ---- */

static int
connection_init(struct bench *b, struct connection *c, unsigned number)
{
	struct estate_options o = { .window = (unsigned)b->window, .zmq_context = b->context, .user = c, .on_ack = on_ack,
	    .on_nak = on_nak, .on_notice = on_notice };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int r;

	c->b = b;
	c->serve = true;
	if (probe_init(&c->probe, b->size, number) != 0)
		return (EXIT_UNREACHED);
	if (b->batch > 1) {
		c->bytes = alloc_or_exit(NULL, b->batch * b->size);
		c->events = alloc_or_exit(NULL, b->batch * sizeof(*c->events));
		for (uint64_t i = 0; i < b->batch; i++)
			c->events[i] = (struct estate_bytes){ c->bytes + i * b->size, b->size };
	}
	if ((c->e = reach_open("bench", &b->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((r = reach_wait("bench", &b->common, c->e)) != 0)
		return (r);
	return (epoll_ctl(b->epoll, EPOLL_CTL_ADD, estate_fd(c->e), &ev) == 0 ? 0 : EXIT_UNREACHED);
}

static int
open_all(struct bench *b)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	int r = 0;

	b->all = memset(alloc_or_exit(NULL, b->connections * sizeof(*b->all)), 0, b->connections * sizeof(*b->all));
	if ((b->context = zmq_ctx_new()) == NULL || zmq_ctx_set(b->context, ZMQ_MAX_SOCKETS, 4096) != 0 ||
	    (b->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0 || (b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) < 0 ||
	    epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->timer, &ev) != 0) {
		complain("bench", "cannot begin: %s", phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	for (uint64_t i = 0; r == 0 && i < b->connections; i++)
		r = connection_init(b, &b->all[i], (unsigned)i);
	return (r);
}

static void
close_all(struct bench *b)
{
	for (uint64_t i = 0; i < b->connections; i++) {
		estate_close(b->all[i].e);
		probe_fini(&b->all[i].probe);
		free(b->all[i].events);
		free(b->all[i].bytes);
	}
	free(b->all);
	if (b->context != NULL)
		zmq_ctx_term(b->context);
	close(b->timer);
	close(b->epoll);
}

static double
us(const struct bench *b, double share)
{
	return ((double)histogram_at(&b->latency, share) / 1e3);
}

static void
report(const struct bench *b)
{
	double seconds = (double)(b->last_ack - b->began) / 1e9;
	double rate = seconds > 0 ? (double)b->acked / seconds : 0, cpu;
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	cpu = b->acked > 0 ? cpu / (double)b->acked : 0;
	if (b->common.json) {
		printf("{\"connections\":%" PRIu64 ",\"window\":%" PRIu64 ",\"batch\":%" PRIu64 ",\"size\":%" PRIu64 ",\"rate\":%" PRIu64
		    ",\"events\":%" PRIu64 ",\"seconds\":%.3f,\"events_per_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
		    "\"max_us\":%.1f,\"errors\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"disconnects\":%" PRIu64 ",\"client_us_per_event\":%.3f}\n",
		    b->connections, b->window, b->batch, b->size, b->rate, b->acked, seconds, rate, us(b, 0.5), us(b, 0.99), us(b, 0.999),
		    (double)b->latency.max / 1e3, b->refused, b->duplicates, b->lost, cpu);
		return;
	}
	printf(phrase("%" PRIu64 " events of %" PRIu64 " bytes in %.2f s: %.0f events/s, %.1f MB/s\n"), b->acked, b->size, seconds, rate,
	    rate * (double)b->size / 1e6);
	printf(phrase("%s to ack: p50 %.0f us, p99 %.0f us, p99.9 %.0f us, max %.0f us\n"), b->rate > 0 ? phrase("due") : phrase("put"), us(b, 0.5), us(b, 0.99),
	    us(b, 0.999), (double)b->latency.max / 1e3);
	printf(phrase("%" PRIu64 " refused, %" PRIu64 " duplicates, %" PRIu64 " disconnects; client CPU %.3f us an event\n"), b->refused,
	    b->duplicates, b->lost, cpu);
	if (b->first_fault[0] != '\0')
		printf(phrase("the first refusal: %s\n"), b->first_fault);
}

static int
parse(struct bench *b, int argc, char **argv)
{
	enum { CONNECTIONS = OPTION_OWN, WINDOW, BATCH, SIZE, SECONDS, EVENTS, RATE };
	static const struct option options[] = {
		{ "connections", required_argument, NULL, CONNECTIONS },
		{ "window", required_argument, NULL, WINDOW },
		{ "batch", required_argument, NULL, BATCH },
		{ "size", required_argument, NULL, SIZE },
		{ "seconds", required_argument, NULL, SECONDS },
		{ "events", required_argument, NULL, EVENTS },
		{ "rate", required_argument, NULL, RATE },
		COMMON_OPTIONS
	};
	int c, r;
	bool ok = true;

	common_init(&b->common);
	while (ok && (c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&b->common, c, "bench", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r == 0 ? -1 : r);
		switch (c) {
		case CONNECTIONS:
			ok = argument_number("bench", "--connections", optarg, 1, CONNECTIONS_MAX, &b->connections);
			break;
		case WINDOW:
			ok = argument_number("bench", "--window", optarg, 1, 1u << 20, &b->window);
			break;
		case BATCH:
			ok = argument_number("bench", "--batch", optarg, 1, PUT_EVENTS_MAX, &b->batch);
			break;
		case SIZE:
			ok = argument_number("bench", "--size", optarg, PROBE_BYTES_MIN, EVENT_BYTES_MAX, &b->size);
			break;
		case SECONDS:
			ok = argument_number("bench", "--seconds", optarg, 1, 86400, &b->seconds);
			break;
		case EVENTS:
			ok = argument_number("bench", "--events", optarg, 1, UINT64_MAX / 2, &b->events);
			break;
		default:
			ok = argument_number("bench", "--rate", optarg, 1, 100000000, &b->rate);
		}
	}
	if (!ok)
		return (EXIT_USAGE);
	if (optind + 1 != argc || strcmp(argv[optind], "put") != 0)
		return (usage_error("bench", "the one thing it measures is put"));
	if (b->batch * (b->size + 5) + 64 > MESSAGE_BYTES_MAX)
		return (usage_error("bench", "a batch of %" PRIu64 " events of %" PRIu64 " bytes is above 1 MiB", b->batch, b->size));
	return (0);
}

int
cmd_bench(int argc, char **argv)
{
	static struct bench b = { .connections = 1, .window = 256, .batch = 1, .size = 256, .seconds = 10, .epoll = -1, .timer = -1 };
	int r;

	if ((r = parse(&b, argc, argv)) != 0)
		return (r < 0 ? 0 : r);
	if ((r = open_all(&b)) == 0) {
		r = run(&b);
		report(&b);
	}
	close_all(&b);
	return (r);
}
