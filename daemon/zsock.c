#include "zsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch.h"
#include "bounds.h"
#include "log.h"

/* Messages read in one turn before timers and other descriptors get theirs. */
#define TURN_MESSAGES	256u

/* A peer that connected must finish the handshake in this time. */
#define HANDSHAKE_MS	5000

#define LISTENERS_MAX	16u

/* What the kernel takes for the path of a socket, less the zero at its end. */
#define IPC_PATH_MAX	107u

struct zsock {
	void *context, *socket;
	struct event *readable;		/* the edge */
	struct event *again;		/* activated by hand: look once more */
	zsock_on_message *on_message;
	zsock_on_turn *on_turn;
	void *arg;
	int locks[LISTENERS_MAX];	/* beside ipc sockets */
	unsigned lock_count;
};

static void
look_again(struct zsock *z)
{
	event_active(z->again, EV_TIMEOUT, 0);
}

/* One whole message: the routing id, the first frame to the callee, the rest counted and dropped. */
static bool
read_message(struct zsock *z)
{
	zmq_msg_t id, body, extra;
	const char *peer;
	unsigned frames = 1;

	zmq_msg_init(&id);
	if (zmq_msg_recv(&id, z->socket, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&id);
		return (false);
	}
	zmq_msg_init(&body);
	if (zmq_msg_more(&id) && zmq_msg_recv(&body, z->socket, ZMQ_DONTWAIT) >= 0) {
		bool more = zmq_msg_more(&body);

		while (more) {
			zmq_msg_init(&extra);
			more = zmq_msg_recv(&extra, z->socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&extra);
			zmq_msg_close(&extra);
			frames++;
		}
		peer = zmq_msg_gets(&body, "Peer-Address");
		z->on_message(z->arg, zmq_msg_data(&id), zmq_msg_size(&id), peer != NULL ? peer : "", &body, frames);
	}
	zmq_msg_close(&body);
	zmq_msg_close(&id);
	return (true);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct zsock *z = arg;
	unsigned n = 0;

	(void)fd;
	(void)what;
	while (n < TURN_MESSAGES && read_message(z))
		n++;
	if (n == TURN_MESSAGES)
		look_again(z);
	if (n > 0)
		z->on_turn(z->arg);
}

static void
set_int(void *socket, int option, int value)
{
	if (zmq_setsockopt(socket, option, &value, sizeof(value)) != 0)
		log_error("libzmq refused a socket option", "option=%d value=%d error=\"%s\"", option, value, zmq_strerror(errno));
}

struct zsock *
zsock_new(struct event_base *base, zsock_on_message *on_message, zsock_on_turn *on_turn, void *arg)
{
	struct zsock *z = must_alloc(sizeof(*z));
	size_t len = sizeof(int);
	int64_t max = MESSAGE_BYTES_HARD;
	int fd;

	memset(z, 0, sizeof(*z));
	z->on_message = on_message;
	z->on_turn = on_turn;
	z->arg = arg;
	if ((z->context = zmq_ctx_new()) == NULL || (z->socket = zmq_socket(z->context, ZMQ_ROUTER)) == NULL) {
		if (z->context != NULL)
			zmq_ctx_term(z->context);
		free(z);
		return (NULL);
	}
	set_int(z->socket, ZMQ_ROUTER_MANDATORY, 1);
	set_int(z->socket, ZMQ_SNDHWM, SEND_HWM);
	set_int(z->socket, ZMQ_RCVHWM, RECEIVE_HWM);
	set_int(z->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	set_int(z->socket, ZMQ_BACKLOG, 4096);
	set_int(z->socket, ZMQ_TCP_KEEPALIVE, 1);
	set_int(z->socket, ZMQ_LINGER, 0);
	zmq_setsockopt(z->socket, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	zmq_getsockopt(z->socket, ZMQ_FD, &fd, &len);
	z->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, z);
	z->again = event_new(base, -1, 0, on_readable, z);
	return (z);
}

/* libzmq unlinks and re-makes an ipc path that another process listens on: a lock beside it tells the living from the left over. */
static int
lock_ipc_path(struct zsock *z, const char *path, char *why, size_t why_len)
{
	char lock[4096];
	int fd, n = snprintf(lock, sizeof(lock), "%s.lock", path);

	if (n < 0 || (size_t)n >= sizeof(lock) || z->lock_count == LISTENERS_MAX) {
		snprintf(why, why_len, "too many endpoints, or too long a path: %.80s", path);
		return (-1);
	}
	if ((fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640)) < 0) {
		snprintf(why, why_len, "cannot listen on ipc://%.200s: %s; make its folder and give it to this user", path, strerror(errno));
		return (-1);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(why, why_len, "ipc://%.200s is in use by another estated: stop that one, or name another with --listen", path);
		close(fd);
		return (-1);
	}
	z->locks[z->lock_count++] = fd;
	return (0);
}

/* Without keys nobody beyond this machine may be let in. */
static bool
is_loopback(const char *address)
{
	return (strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0 || strncmp(address, "[::1]:", 6) == 0);
}

/* libzmq takes 70000 for 4464. */
static bool
port_fits(const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');
	unsigned long port;
	char *end;

	port = strtoul(colon + 1, &end, 10);
	return (colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port <= 65535);
}

int
zsock_check_endpoint(const char *endpoint, char *why, size_t why_len)
{
	if (strncmp(endpoint, "ipc://", 6) == 0) {
		if (strlen(endpoint + 6) > 0 && strlen(endpoint + 6) <= IPC_PATH_MAX)
			return (0);
		snprintf(why, why_len, "%.200s: the path of a socket has 1 to %u characters", endpoint, IPC_PATH_MAX);
	} else if (strncmp(endpoint, "tcp://", 6) != 0)
		snprintf(why, why_len, "\"%.200s\" is no endpoint: use ipc:///path or tcp://127.0.0.1:port", endpoint);
	else if (!is_loopback(endpoint + 6))
		snprintf(why, why_len, "%.200s is beyond this machine: without keys estated listens on loopback only, such as "
		    "tcp://127.0.0.1:7400", endpoint);
	else if (port_fits(endpoint))
		return (0);
	else
		snprintf(why, why_len, "%.200s has no port from 0 to 65535: name one such as tcp://127.0.0.1:7400", endpoint);
	return (-1);
}

int
zsock_listen(struct zsock *z, const char *endpoint, char *bound, size_t bound_len, char *why, size_t why_len)
{
	char wildcard[256];
	size_t n = strlen(endpoint);
	mode_t mask;
	int rc;

	if (zsock_check_endpoint(endpoint, why, why_len) != 0 ||
	    (strncmp(endpoint, "ipc://", 6) == 0 && lock_ipc_path(z, endpoint + 6, why, why_len) != 0))
		return (-1);
	if (strncmp(endpoint, "tcp://", 6) == 0 && n < sizeof(wildcard) && strcmp(endpoint + n - 2, ":0") == 0) {
		snprintf(wildcard, sizeof(wildcard), "%.*s*", (int)n - 1, endpoint);
		endpoint = wildcard;
	}
	if (strncmp(endpoint, "tcp://[", 7) == 0)
		set_int(z->socket, ZMQ_IPV6, 1);
	/* The socket's file: owner and group may connect. */
	mask = umask(0117);
	rc = zmq_bind(z->socket, endpoint);
	umask(mask);
	if (rc != 0) {
		snprintf(why, why_len, "cannot listen on %.200s: %s", endpoint, zmq_strerror(errno));
		return (-1);
	}
	return (zmq_getsockopt(z->socket, ZMQ_LAST_ENDPOINT, bound, &bound_len));
}

void
zsock_start(struct zsock *z)
{
	event_add(z->readable, NULL);
	look_again(z);
}

int
zsock_send(struct zsock *z, const uint8_t *id, size_t id_len, zmq_msg_t *m)
{
	int e = 0;

	if (zmq_send(z->socket, id, id_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 || zmq_msg_send(m, z->socket, ZMQ_DONTWAIT) < 0) {
		e = errno;
		zmq_msg_close(m);
	}
	/* Sending processes commands and may have swallowed the edge. */
	look_again(z);
	return (e);
}

static void
on_abort(int number)
{
	(void)number;
	_exit(0);
}

void
zsock_free(struct zsock *z, int linger_ms)
{
	if (z == NULL)
		return;
	event_free(z->readable);
	event_free(z->again);
	set_int(z->socket, ZMQ_LINGER, linger_ms);
	signal(SIGABRT, on_abort);
	zmq_close(z->socket);
	zmq_ctx_term(z->context);
	signal(SIGABRT, SIG_DFL);
	for (unsigned i = 0; i < z->lock_count; i++)
		close(z->locks[i]);
	free(z);
}
