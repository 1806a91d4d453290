/*
 * peerload PEER ADDRESS: what `estate bench put` and delivery.c do to estated, done to another durable queue: the same events, as many
 * connections, as many puts under way, closed or open loop.  JSON on stdout.
 *
 *   --connections N --window N --size BYTES --seconds S --rate N	puts; with a rate the latency counts from when each was due
 *   --deliver		and one reader of a durable group beside them: how long from due to delivered
 *   --events N		put as many instead of S seconds
 *   --replay N		no puts: one reader, N events
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "peer.h"
#include "probe.h"

#define IN_BYTES	(256u << 10)
#define CONNECTIONS_MAX	64u
#define PATIENCE_NS	10000000000u

struct connection {
	struct peer_conn c;
	struct probe probe;
	uint8_t *out, in[IN_BYTES];
	size_t out_at, out_len, out_max, in_len;
	uint64_t *since;		/* of the puts under way: a ring of `window` */
	uint64_t sent, acked;
};

static const struct peer *const peers[] = { &peer_redis, &peer_jetstream, &peer_beanstalkd, &peer_rabbitmq };

static struct {
	const struct peer *peer;
	const char *address;
	uint64_t connections, window, size, seconds, events, rate, replay;
	bool deliver;
	struct connection *all[CONNECTIONS_MAX];
	struct histogram ack, delivery;
	uint64_t began, handed, acked, last_ack, turn;
	/* the reader's */
	size_t n_at;
	uint64_t delivered, wanted, last_delivery;
} l;

static uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

static void
fail(const char *what)
{
	fprintf(stderr, "peerload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
room(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (p == NULL)
		fail("memory");
	return (p);
}

static bool
more_to_send(void)
{
	if (l.events > 0)
		return (l.handed < l.events);
	return (clock_ns() < l.began + l.seconds * 1000000000);
}

/* The event's number is the instant that its latency counts from, so that its reader knows it too. */
static bool
hand_over(struct connection *c, uint64_t since)
{
	uint64_t big = __builtin_bswap64(since);

	if (c->sent - c->acked >= l.window || c->out_len + l.size + PEER_HEAD_MAX > c->out_max)
		return (false);
	probe_next(&c->probe, since / 1000000);
	memcpy(c->probe.bytes + c->probe.n_at, &big, sizeof(big));
	c->out_len += l.peer->encode(&c->c, c->out + c->out_len, c->probe.bytes, l.size);
	c->since[c->sent++ % l.window] = since;
	l.handed++;
	return (true);
}

static void
fill(void)
{
	uint64_t now = clock_ns(), due, tried = 0;

	if (l.rate == 0) {
		for (uint64_t i = 0; i < l.connections && more_to_send(); i++)
			while ((l.events == 0 || l.handed < l.events) && hand_over(l.all[i], now))
				continue;
		return;
	}
	while (tried < l.connections && more_to_send() && (due = l.began + l.handed * 1000000000 / l.rate) <= now)
		tried = hand_over(l.all[l.turn++ % l.connections], due) ? 0 : tried + 1;
}

static void
write_some(struct connection *c)
{
	ssize_t n = write(c->c.fd, c->out + c->out_at, c->out_len - c->out_at);

	if (n < 0 && errno != EAGAIN)
		fail("write");
	if (n > 0 && (c->out_at += (size_t)n) == c->out_len)
		c->out_at = c->out_len = 0;
}

static void
read_some(struct connection *c)
{
	ssize_t n = read(c->c.fd, c->in + c->in_len, IN_BYTES - c->in_len);
	uint64_t acks = 0, now = clock_ns();
	long used;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		fail("the peer went away");
	c->in_len += (size_t)n;
	if ((used = l.peer->acks(&c->c, c->in, c->in_len, &acks)) < 0)
		exit(1);
	memmove(c->in, c->in + used, c->in_len -= (size_t)used);
	for (l.acked += acks; acks > 0; acks--)
		histogram_add(&l.ack, now - c->since[c->acked++ % l.window]);
	l.last_ack = now;
}

/* Until the next put is due: to the nanosecond, or the open loop would not be one. */
static struct timespec
patience(void)
{
	uint64_t due = l.began + l.handed * 1000000000 / (l.rate > 0 ? l.rate : 1), now = clock_ns();

	if (l.rate == 0 || !more_to_send() || due <= now)
		due = now + 1000000;
	return ((struct timespec){ (time_t)((due - now) / 1000000000), (long)((due - now) % 1000000000) });
}

static void
put_all(void)
{
	struct pollfd ready[CONNECTIONS_MAX];
	struct timespec t;

	l.began = l.last_ack = clock_ns();
	while (more_to_send() || l.acked < l.handed) {
		fill();
		for (uint64_t i = 0; i < l.connections; i++) {
			if (l.all[i]->out_len > 0)
				write_some(l.all[i]);
			ready[i] = (struct pollfd){ .fd = l.all[i]->c.fd, .events = (short)(POLLIN | (l.all[i]->out_len > 0 ? POLLOUT : 0)) };
		}
		t = patience();
		if (ppoll(ready, l.connections, &t, NULL) < 0)
			fail("poll");
		for (uint64_t i = 0; i < l.connections; i++)
			if (ready[i].revents & (POLLIN | POLLHUP | POLLERR))
				read_some(l.all[i]);
		if (l.acked < l.handed && clock_ns() > l.last_ack + PATIENCE_NS)
			fail("no ack for ten seconds");
	}
}

static bool
on_event(void *user, const uint8_t *event, size_t len)
{
	uint64_t since;

	(void)user;
	if (len == l.size) {
		memcpy(&since, event + l.n_at, sizeof(since));
		l.last_delivery = clock_ns();
		histogram_add(&l.delivery, l.last_delivery - __builtin_bswap64(since));
	}
	return (++l.delivered < l.wanted);
}

static void *
reader(void *arg)
{
	(void)arg;
	if (l.peer->consume(l.address, on_event, NULL) != 0)
		exit(1);
	return (NULL);
}

static void
report(void)
{
	double seconds = (double)((l.replay > 0 ? l.last_delivery : l.last_ack) - l.began) / 1e9;
	uint64_t events = l.replay > 0 ? l.delivered : l.acked;
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("{\"events\":%" PRIu64 ",\"seconds\":%.3f,\"events_per_s\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"delivery_p50_us\":%.1f,"
	    "\"delivery_p99_us\":%.1f,\"client_us_per_event\":%.3f}\n", events, seconds, (double)events / seconds,
	    (double)histogram_at(&l.ack, 0.5) / 1e3, (double)histogram_at(&l.ack, 0.99) / 1e3, (double)histogram_at(&l.delivery, 0.5) / 1e3,
	    (double)histogram_at(&l.delivery, 0.99) / 1e3,
	    ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)) / (double)events);
}

static void
parse(int argc, char **argv)
{
	static const struct option options[] = { { "connections", 1, NULL, 'c' }, { "window", 1, NULL, 'w' }, { "size", 1, NULL, 's' },
	    { "seconds", 1, NULL, 't' }, { "events", 1, NULL, 'e' },
	    { "rate", 1, NULL, 'r' }, { "deliver", 0, NULL, 'd' }, { "replay", 1, NULL, 'p' }, { NULL, 0, NULL, 0 } };
	uint64_t n;
	int c;

	l.connections = 1, l.window = 1, l.size = 256, l.seconds = 2;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		n = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
		switch (c) {
		case 'c': l.connections = n; break;
		case 'w': l.window = n; break;
		case 's': l.size = n; break;
		case 't': l.seconds = n; break;
		case 'e': l.events = n; break;
		case 'r': l.rate = n; break;
		case 'd': l.deliver = true; break;
		case 'p': l.replay = n; break;
		default: exit(2);
		}
	}
	for (size_t i = 0; argc - optind == 2 && i < sizeof(peers) / sizeof(peers[0]); i++)
		if (strcmp(peers[i]->name, argv[optind]) == 0)
			l.peer = peers[i], l.address = argv[optind + 1];
	if (l.peer == NULL || l.connections < 1 || l.connections > CONNECTIONS_MAX || l.window < 1) {
		fprintf(stderr, "usage: peerload redis|jetstream|beanstalkd|rabbitmq ADDRESS [OPTION...]: see the head of peerload.c\n");
		exit(2);
	}
}

static struct connection *
connection_open(unsigned number)
{
	struct connection *c = room(sizeof(*c));

	if (probe_init(&c->probe, l.size, number) != 0 || l.peer->open(&c->c, l.address) != 0)
		exit(1);
	l.n_at = c->probe.n_at;
	c->out_max = (l.window < 4096 ? l.window : 4096) * (l.size + PEER_HEAD_MAX);
	c->out = room(c->out_max);
	c->since = room(l.window * sizeof(*c->since));
	fcntl(c->c.fd, F_SETFL, O_NONBLOCK);
	return (c);
}

int
main(int argc, char **argv)
{
	pthread_t thread;

	parse(argc, argv);
	for (uint64_t i = 0; i < l.connections; i++)
		l.all[i] = connection_open((unsigned)i);
	if (l.rate > 0)
		l.events = l.rate * l.seconds;
	l.wanted = l.replay > 0 ? l.replay : l.events;
	l.began = clock_ns();
	if (!l.deliver && l.replay == 0)
		put_all();
	else {
		if (pthread_create(&thread, NULL, reader, NULL) != 0)
			fail("thread");
		if (l.replay == 0)
			put_all();
		pthread_join(thread, NULL);
	}
	report();
	return (0);
}
