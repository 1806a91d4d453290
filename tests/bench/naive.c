/*
 * naive: the server that anybody would write first, to be measured beside estated in the same run.
 *
 *   naive --folder DIR [--connections C] [--window W] [--batch B] [--seconds S] [--journal] [--rate N]
 *
 * One thread: takes every message that is there from a ROUTER, stores each event of 256 bytes under the next number, commits, and
 * acknowledges each message.  No validation, no de-duplication, no readers, no recovery.  Default: an LMDB value per event, one
 * transaction per turn.  --journal: one pwrite and one fdatasync per turn into a zero-filled file.  The client, a process of its own,
 * keeps W messages of B events under way on each of C connections; or, with a rate, sends so many single events a second in turn over
 * them, whatever is answered, and counts each one's time from when it was due.  Prints {"events_per_s":N,"p50_us":N,"p99_us":N,
 * "server_us_per_event":N}.
 */
#include <fcntl.h>
#include <getopt.h>
#include <lmdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "histogram.h"

#define EVENT_BYTES	256u
#define TURN_MAX	8192u
#define FILE_BYTES	(64u << 20)
#define CONNECTIONS_MAX	64u
#define UNDER_WAY_MAX	65536u

static struct {
	const char *folder;
	unsigned connections, window, batch, seconds, rate;
	bool journal;
} o = { NULL, 1, 1, 1, 2, 0, false };

static char endpoint[4096];

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

struct turn {
	zmq_msg_t id[TURN_MAX], body[TURN_MAX];
	unsigned count;
};

static void
commit_lmdb(MDB_env *env, MDB_dbi dbi, const struct turn *t, uint64_t *seq)
{
	MDB_txn *txn;

	if (mdb_txn_begin(env, NULL, 0, &txn) != 0)
		die("mdb_txn_begin");
	for (unsigned i = 0; i < t->count; i++) {
		uint8_t *p = zmq_msg_data((zmq_msg_t *)(uintptr_t)&t->body[i]);
		size_t n = zmq_msg_size(&t->body[i]) / EVENT_BYTES;

		for (size_t k = 0; k < n; k++) {
			uint64_t key = __builtin_bswap64((*seq)++);
			MDB_val kv = { sizeof(key), &key }, v = { EVENT_BYTES, p + k * EVENT_BYTES };

			if (mdb_put(txn, dbi, &kv, &v, MDB_APPEND) != 0)
				die("mdb_put");
		}
	}
	if (mdb_txn_commit(txn) != 0)
		die("mdb_txn_commit");
}

static void
commit_journal(int fd, const struct turn *t, uint8_t *buffer)
{
	static off_t at;
	size_t len = 0;

	for (unsigned i = 0; i < t->count; i++) {
		memcpy(buffer + len, zmq_msg_data((zmq_msg_t *)(uintptr_t)&t->body[i]), zmq_msg_size(&t->body[i]));
		len += zmq_msg_size(&t->body[i]);
	}
	if (at + (off_t)len > (off_t)FILE_BYTES)
		at = 0;
	if (pwrite(fd, buffer, len, at) != (ssize_t)len || fdatasync(fd) != 0)
		die("journal");
	at += (off_t)len;
}

/* Take all that is there, at least one. */
static void
gather(void *router, struct turn *t, size_t bytes_max)
{
	size_t bytes = 0;

	for (t->count = 0; t->count < TURN_MAX && bytes < bytes_max; t->count++) {
		zmq_msg_init(&t->id[t->count]);
		zmq_msg_init(&t->body[t->count]);
		if (zmq_msg_recv(&t->id[t->count], router, t->count > 0 ? ZMQ_DONTWAIT : 0) < 0)
			break;
		zmq_msg_recv(&t->body[t->count], router, 0);
		bytes += zmq_msg_size(&t->body[t->count]);
	}
}

static void
serve(void)
{
	void *context = zmq_ctx_new(), *router = zmq_socket(context, ZMQ_ROUTER);
	uint8_t *buffer = malloc(FILE_BYTES);
	static struct turn t;
	MDB_env *env = NULL;
	MDB_dbi dbi = 0;
	MDB_txn *txn;
	uint64_t seq = 1;
	char path[4200];
	int fd = -1, hwm = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	zmq_setsockopt(router, ZMQ_RCVHWM, &hwm, sizeof(hwm));
	zmq_setsockopt(router, ZMQ_SNDHWM, &hwm, sizeof(hwm));
	if (buffer == NULL)
		die("malloc");
	if (o.journal) {
		snprintf(path, sizeof(path), "%s/naive.journal", o.folder);
		if ((fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
			die(path);
		memset(buffer, 0, FILE_BYTES);
		if (pwrite(fd, buffer, FILE_BYTES, 0) != FILE_BYTES || fsync(fd) != 0)
			die(path);
	} else {
		snprintf(path, sizeof(path), "%s/naive.mdb", o.folder);
		if (mdb_env_create(&env) != 0 || mdb_env_set_mapsize(env, (size_t)64 << 30) != 0 || mdb_env_open(env, path, MDB_NOSUBDIR, 0600) != 0 ||
		    mdb_txn_begin(env, NULL, 0, &txn) != 0 || mdb_dbi_open(txn, NULL, 0, &dbi) != 0 || mdb_txn_commit(txn) != 0)
			die(path);
	}
	if (zmq_bind(router, endpoint) != 0)
		die(endpoint);
	for (;;) {
		gather(router, &t, FILE_BYTES / 8);
		if (o.journal)
			commit_journal(fd, &t, buffer);
		else
			commit_lmdb(env, dbi, &t, &seq);
		for (unsigned i = 0; i < t.count; i++) {
			zmq_msg_send(&t.id[i], router, ZMQ_SNDMORE);
			zmq_send(router, "k", 1, 0);
			zmq_msg_close(&t.body[i]);
		}
	}
}

static struct {
	void *sockets[CONNECTIONS_MAX];
	struct pollfd ready[CONNECTIONS_MAX];
	uint64_t *since[CONNECTIONS_MAX];	/* of those under way, in order: a ring */
	uint64_t sent[CONNECTIONS_MAX], acked[CONNECTIONS_MAX];
	struct histogram waits;
	uint8_t *bytes;
	double begin;
} d;

static void
connect_all(void)
{
	void *context = zmq_ctx_new();
	size_t len = (size_t)o.batch * EVENT_BYTES, fd_len = sizeof(int);
	int hwm = 0;

	if ((d.bytes = malloc(len)) == NULL)
		die("malloc");
	for (size_t i = 0; i < len; i++)
		d.bytes[i] = (uint8_t)(i * 2654435761u >> 11);
	for (unsigned c = 0; c < o.connections; c++) {
		d.sockets[c] = zmq_socket(context, ZMQ_DEALER);
		zmq_setsockopt(d.sockets[c], ZMQ_SNDHWM, &hwm, sizeof(hwm));
		zmq_setsockopt(d.sockets[c], ZMQ_RCVHWM, &hwm, sizeof(hwm));
		if (zmq_connect(d.sockets[c], endpoint) != 0 || (d.since[c] = calloc(UNDER_WAY_MAX, sizeof(uint64_t))) == NULL)
			die("connect");
		zmq_getsockopt(d.sockets[c], ZMQ_FD, &d.ready[c].fd, &fd_len);
		d.ready[c].events = POLLIN;
	}
}

static void
send_one(unsigned c, double since)
{
	d.since[c][d.sent[c]++ % UNDER_WAY_MAX] = (uint64_t)(since * 1e9);
	zmq_send(d.sockets[c], d.bytes, (size_t)o.batch * EVENT_BYTES, 0);
}

static unsigned
take_acks(void)
{
	unsigned taken = 0;
	char ack[8];

	for (unsigned c = 0; c < o.connections; c++)
		while (zmq_recv(d.sockets[c], ack, sizeof(ack), ZMQ_DONTWAIT) >= 0) {
			histogram_add(&d.waits, (uint64_t)(now() * 1e9) - d.since[c][d.acked[c]++ % UNDER_WAY_MAX]);
			taken++;
		}
	return (taken);
}

/* Acked events a second. */
static double
drive(void)
{
	uint64_t handed = 0, answered = 0;
	struct timespec patience;
	double at, due;
	unsigned taken;

	connect_all();
	/* The server fills its file before it answers for the first time. */
	send_one(0, now());
	while (take_acks() == 0)
		usleep(1000);
	memset(&d.waits, 0, sizeof(d.waits));
	for (d.begin = at = now(); at - d.begin < o.seconds; at = now()) {
		if (o.rate > 0)
			for (; (due = d.begin + (double)handed / o.rate) <= at; handed++)
				send_one((unsigned)(handed % o.connections), due);
		else
			for (unsigned c = 0; c < o.connections; c++)
				while (d.sent[c] - d.acked[c] < o.window)
					send_one(c, at);
		if ((taken = take_acks()) > 0) {
			answered += taken;
			continue;
		}
		/* A socket's descriptor tells of news since somebody looked, and take_acks() looked last. */
		due = o.rate > 0 ? d.begin + (double)handed / o.rate - now() : 0.01;
		patience = (struct timespec){ 0, due > 0 ? (long)(due * 1e9) : 0 };
		if (ppoll(d.ready, o.connections, &patience, NULL) < 0)
			die("ppoll");
	}
	return ((double)answered * o.batch / (at - d.begin));
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "folder", 1, NULL, 'f' }, { "connections", 1, NULL, 'c' }, { "window", 1, NULL, 'w' }, { "batch", 1, NULL, 'b' },
		{ "seconds", 1, NULL, 's' }, { "journal", 0, NULL, 'j' }, { "rate", 1, NULL, 'r' }, { NULL, 0, NULL, 0 },
	};
	struct rusage u;
	pid_t server;
	double rate;
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (opt) {
		case 'f': o.folder = optarg; break;
		case 'c': o.connections = (unsigned)atoi(optarg); break;
		case 'w': o.window = (unsigned)atoi(optarg); break;
		case 'b': o.batch = (unsigned)atoi(optarg); break;
		case 's': o.seconds = (unsigned)atoi(optarg); break;
		case 'j': o.journal = true; break;
		case 'r': o.rate = (unsigned)atoi(optarg); break;
		default: return (2);
		}
	if (o.folder == NULL || o.connections > CONNECTIONS_MAX || o.window > UNDER_WAY_MAX)
		return (2);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/naive.sock", o.folder);
	if ((server = fork()) == 0)
		serve();
	rate = drive();
	kill(server, SIGKILL);
	if (wait4(server, NULL, 0, &u) != server)
		die("wait4");
	printf("{\"events_per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"server_us_per_event\":%.3f}\n", rate,
	    (double)histogram_at(&d.waits, 0.5) / 1e3, (double)histogram_at(&d.waits, 0.99) / 1e3,
	    ((double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec)) / (double)(d.waits.count * o.batch));
	return (0);
}
