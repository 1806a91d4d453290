#include "zsock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admit.h"
#include "batch.h"
#include "bounds.h"
#include "log.h"

/* Messages read in one turn before timers and other descriptors get theirs. */
#define TURN_MESSAGES	256u

/* A peer that connected must finish the handshake in this time. */
#define HANDSHAKE_MS	5000

#define LISTENERS_MAX	16u

/* Declared by libzmq's header for drafts only; 4.3 has it all the same: a listener with a ZAP domain lets nobody in unasked. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN	93
#endif

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
	struct event_base *base;
	char secret_key[CURVEKEY_CHARS + 1];	/* "" without keys */
	struct zap *zap;			/* NULL without keys */
	bool keys_demanded;			/* what listens from now on demands them */
	struct event *zap_readable, *zap_again;
};

static void
look_again(struct zsock *z)
{
	event_active(z->again, EV_TIMEOUT, 0);
}

/*
 * Who it is.  A User-Id is believed only where a handler gave it: any peer without keys may say one of itself in its handshake,
 * while the address is always libzmq's own finding.  With keys every TCP listener has them; ipc never has.
 */
static const char *
peer_of(const struct zsock *z, zmq_msg_t *body, char out[256])
{
	const char *address = zmq_msg_gets(body, "Peer-Address"), *user;

	if (address == NULL)
		address = "";
	if (z->zap == NULL || strncmp(address, "localhost:", 10) == 0)
		return (address);
	user = zmq_msg_gets(body, "User-Id");
	snprintf(out, 256, "%s%.*s:%.100s", PEER_CURVE, (int)CURVEKEY_CHARS, user != NULL ? user : "", address);
	return (out);
}

/* One whole message: the routing id, the first frame to the callee, the rest counted and dropped. */
static bool
read_message(struct zsock *z)
{
	zmq_msg_t id, body, extra;
	char peer[256];
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
		z->on_message(z->arg, zmq_msg_data(&id), zmq_msg_size(&id), peer_of(z, &body, peer), &body, frames);
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

/* Questions of libzmq about keys: the same edge on another socket. */
static void
on_zap_readable(evutil_socket_t fd, short what, void *arg)
{
	struct zsock *z = arg;

	(void)fd;
	(void)what;
	/* One at a time: after each the loop has its turn, and looks again. */
	if (zap_answer(z->zap))
		event_active(z->zap_again, EV_TIMEOUT, 0);
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
	z->base = base;
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

int
zsock_use_keys(struct zsock *z, const char *secret_key, zap_may_connect *may_connect)
{
	size_t len = sizeof(int);
	int fd;

	if ((z->zap = zap_new(z->context, may_connect, z->arg)) == NULL)
		return (-1);
	snprintf(z->secret_key, sizeof(z->secret_key), "%s", secret_key);
	zmq_getsockopt(zap_socket(z->zap), ZMQ_FD, &fd, &len);
	z->zap_readable = event_new(z->base, fd, EV_READ | EV_PERSIST, on_zap_readable, z);
	z->zap_again = event_new(z->base, -1, 0, on_zap_readable, z);
	return (0);
}

/* A listener has the options its socket had when it was bound, and a ZAP domain cannot be taken back: so ipc goes before. */
static int
demand_keys(struct zsock *z)
{
	z->keys_demanded = true;
	set_int(z->socket, ZMQ_CURVE_SERVER, 1);
	set_int(z->socket, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
	if (zmq_setsockopt(z->socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) != 0)
		return (-1);
	return (zmq_setsockopt(z->socket, ZMQ_CURVE_SECRETKEY, z->secret_key, CURVEKEY_CHARS));
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
	const char *colon = strrchr(endpoint + 6, ':');
	unsigned long port;
	char *end;

	if (colon == NULL)
		return (false);
	port = strtoul(colon + 1, &end, 10);
	return (colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port <= 65535);
}

int
zsock_check_endpoint(const char *endpoint, bool keys, char *why, size_t why_len)
{
	if (strncmp(endpoint, "ipc://", 6) == 0) {
		if (strlen(endpoint + 6) > 0 && strlen(endpoint + 6) <= IPC_PATH_MAX)
			return (0);
		snprintf(why, why_len, "%.200s: the path of a socket has 1 to %u characters", endpoint, IPC_PATH_MAX);
	} else if (strncmp(endpoint, "tcp://", 6) != 0)
		snprintf(why, why_len, "\"%.200s\" is no endpoint: use ipc:///path or tcp://127.0.0.1:port", endpoint);
	else if (!keys && !is_loopback(endpoint + 6))
		snprintf(why, why_len, "%.200s is beyond this machine: without keys (setting server_key) estated listens on loopback only, "
		    "such as tcp://127.0.0.1:7400", endpoint);
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
	bool tcp = strncmp(endpoint, "tcp://", 6) == 0;
	mode_t mask;
	int rc = 0;

	if (zsock_check_endpoint(endpoint, z->zap != NULL, why, why_len) != 0 ||
	    (strncmp(endpoint, "ipc://", 6) == 0 && lock_ipc_path(z, endpoint + 6, why, why_len) != 0))
		return (-1);
	if (tcp && n < sizeof(wildcard) && strcmp(endpoint + n - 2, ":0") == 0) {
		snprintf(wildcard, sizeof(wildcard), "%.*s*", (int)n - 1, endpoint);
		endpoint = wildcard;
	}
	if (strncmp(endpoint, "tcp://[", 7) == 0)
		set_int(z->socket, ZMQ_IPV6, 1);
	/* The socket's file: owner and group may connect. */
	mask = umask(0117);
	assert(tcp || !z->keys_demanded);
	if (tcp && z->zap != NULL && !z->keys_demanded)
		rc = demand_keys(z);
	if (rc == 0)
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
	if (z->zap != NULL) {
		event_add(z->zap_readable, NULL);
		event_active(z->zap_again, EV_TIMEOUT, 0);
	}
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
	if (z->zap != NULL) {
		event_free(z->zap_readable);
		event_free(z->zap_again);
	}
	set_int(z->socket, ZMQ_LINGER, linger_ms);
	signal(SIGABRT, on_abort);
	zmq_close(z->socket);
	zap_free(z->zap);
	zmq_ctx_term(z->context);
	signal(SIGABRT, SIG_DFL);
	explicit_bzero(z->secret_key, sizeof(z->secret_key));
	for (unsigned i = 0; i < z->lock_count; i++)
		close(z->locks[i]);
	free(z);
}
