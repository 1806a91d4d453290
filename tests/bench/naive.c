/*
 * naive: the server that anybody would write first, to be measured beside estated in the same run.
 *
 *   naive --folder DIR [--connections C] [--window W] [--batch B] [--seconds S] [--journal]
 *
 * One thread: takes every message that is there from a ROUTER, stores each event of 256 bytes under the next number, commits, and
 * acknowledges each message.  No validation, no de-duplication, no readers, no recovery.  Default: an LMDB value per event, one
 * transaction per turn.  --journal: one pwrite and one fdatasync per turn into a zero-filled file.  The client, a process of its own,
 * keeps W messages of B events under way on each of C connections.  Prints {"events_per_s":N}.
 */
#include <fcntl.h>
#include <getopt.h>
#include <lmdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define EVENT_BYTES	256u
#define TURN_MAX	8192u
#define FILE_BYTES	(64u << 20)

static struct {
	const char *folder;
	unsigned connections, window, batch, seconds;
	bool journal;
} o = { NULL, 1, 1, 1, 2, false };

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

static double
drive(void)
{
	void *context = zmq_ctx_new(), *sockets[64];
	zmq_pollitem_t items[64];
	unsigned under_way[64] = { 0 };
	size_t len = (size_t)o.batch * EVENT_BYTES;
	uint8_t *bytes = malloc(len);
	uint64_t acked = 0;
	double begin, at;
	int hwm = 0;

	if (bytes == NULL)
		die("malloc");
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 11);
	for (unsigned c = 0; c < o.connections; c++) {
		sockets[c] = zmq_socket(context, ZMQ_DEALER);
		zmq_setsockopt(sockets[c], ZMQ_SNDHWM, &hwm, sizeof(hwm));
		zmq_setsockopt(sockets[c], ZMQ_RCVHWM, &hwm, sizeof(hwm));
		if (zmq_connect(sockets[c], endpoint) != 0)
			die("connect");
		items[c] = (zmq_pollitem_t){ .socket = sockets[c], .events = ZMQ_POLLIN };
	}
	for (begin = at = now(); at - begin < o.seconds; at = now()) {
		char ack[8];

		for (unsigned c = 0; c < o.connections; c++) {
			for (; under_way[c] < o.window; under_way[c]++)
				zmq_send(sockets[c], bytes, len, 0);
			while (zmq_recv(sockets[c], ack, sizeof(ack), ZMQ_DONTWAIT) >= 0) {
				under_way[c]--;
				acked += o.batch;
			}
		}
		zmq_poll(items, (int)o.connections, under_way[0] == o.window ? 10 : 0);
	}
	return ((double)acked / (at - begin));
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "folder", 1, NULL, 'f' }, { "connections", 1, NULL, 'c' }, { "window", 1, NULL, 'w' }, { "batch", 1, NULL, 'b' },
		{ "seconds", 1, NULL, 's' }, { "journal", 0, NULL, 'j' }, { NULL, 0, NULL, 0 },
	};
	pid_t server;
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (opt) {
		case 'f': o.folder = optarg; break;
		case 'c': o.connections = (unsigned)atoi(optarg); break;
		case 'w': o.window = (unsigned)atoi(optarg); break;
		case 'b': o.batch = (unsigned)atoi(optarg); break;
		case 's': o.seconds = (unsigned)atoi(optarg); break;
		case 'j': o.journal = true; break;
		default: return (2);
		}
	if (o.folder == NULL || o.connections > 64)
		return (2);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/naive.sock", o.folder);
	if ((server = fork()) == 0)
		serve();
	printf("{\"events_per_s\":%.1f}\n", drive());
	kill(server, SIGKILL);
	return (0);
}
