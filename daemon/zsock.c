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

#include "batch.h"
#include "bounds.h"
#include "endpoint.h"
#include "log.h"

/* What is read in one turn before timers and other descriptors get theirs: half a millisecond of events. */
#define TURN_MESSAGES	256u
#define TURN_BYTES	(256u << 10)

/* A peer that connected must finish the handshake in this time. */
#define HANDSHAKE_MS	5000

#define LISTENERS_MAX	16u

/* Declared by libzmq's header for drafts only; 4.3 has it all the same: a listener with a ZAP domain lets nobody in unasked. */
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN	93
#endif

/*
 * Two sockets, so that nobody can pass for a local peer: what a connection says of itself in its handshake becomes a property of its
 * messages wherever libzmq found none, the address of a TCP peer that was gone before its turn for one.  ipc names by uid, TCP never.
 */
enum { DOOR_IPC, DOOR_TCP, DOORS };

struct door {
	struct zsock *z;
	void *socket;
	struct event *readable;		/* the edge */
	struct event *again;		/* activated by hand: look once more */
	void *monitor;			/* tells of connections that end */
	struct event *ended;
};

struct zsock {
	void *context;
	struct event_base *base;
	struct door doors[DOORS];
	zsock_on_message *on_message;
	zsock_on_turn *on_turn;
	zsock_on_gone *on_gone;
	void *arg;
	int locks[LISTENERS_MAX];	/* beside ipc sockets */
	unsigned lock_count;
	struct zap *zap;		/* NULL without keys */
	struct event *zap_readable, *zap_again;
};

static void
look_again(const struct door *door)
{
	event_active(door->again, EV_TIMEOUT, 0);
}

/* Who it is, as zsock.h says.  A User-Id is believed only where our handler gave it: without keys a peer may say one of itself. */
static void
tell_peer(const struct door *door, zmq_msg_t *body, char out[PEER_SIZE])
{
	const char *address = zmq_msg_gets(body, "Peer-Address"), *user;

	if (address == NULL)
		address = "";
	if (door == &door->z->doors[DOOR_IPC])
		snprintf(out, PEER_SIZE, PEER_IPC "%.100s", address);
	else if (door->z->zap == NULL)
		snprintf(out, PEER_SIZE, PEER_TCP "%.100s", address);
	else {
		user = zmq_msg_gets(body, "User-Id");
		snprintf(out, PEER_SIZE, PEER_CURVE "%.*s:%.100s", (int)CURVEKEY_CHARS, user != NULL ? user : "", address);
	}
}

/* The frames behind the routing id: the first to the callee, the rest counted and dropped. */
static void
read_frames(const struct door *door, zmq_msg_t *routing_id, zmq_msg_t *body)
{
	uint8_t id[ROUTING_ID_MAX] = { (uint8_t)(door - door->z->doors) };
	bool more = zmq_msg_more(body);
	size_t len = zmq_msg_size(routing_id);
	char peer[PEER_SIZE];
	unsigned frames = 1;
	zmq_msg_t extra;

	while (more) {
		zmq_msg_init(&extra);
		more = zmq_msg_recv(&extra, door->socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&extra);
		zmq_msg_close(&extra);
		frames++;
	}
	assert(len < ROUTING_ID_MAX);
	memcpy(id + 1, zmq_msg_data(routing_id), len);
	tell_peer(door, body, peer);
	door->z->on_message(door->z->arg, id, len + 1, peer, body, frames);
}

/* Its bytes, at least 1; 0: there is none. */
static size_t
read_message(const struct door *door)
{
	zmq_msg_t id, body;
	size_t bytes = 1;

	zmq_msg_init(&id);
	if (zmq_msg_recv(&id, door->socket, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&id);
		return (0);
	}
	zmq_msg_init(&body);
	if (zmq_msg_more(&id) && zmq_msg_recv(&body, door->socket, ZMQ_DONTWAIT) >= 0) {
		bytes += zmq_msg_size(&body);
		read_frames(door, &id, &body);
	}
	zmq_msg_close(&body);
	zmq_msg_close(&id);
	return (bytes);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;
	size_t bytes = 0, one;
	unsigned n = 0;

	(void)fd;
	(void)what;
	while ((one = read_message(door)) > 0) {
		bytes += one;
		if (++n == TURN_MESSAGES || bytes >= TURN_BYTES) {
			look_again(door);
			break;
		}
	}
	if (n > 0)
		door->z->on_turn(door->z->arg);
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

static int
fd_of(void *socket)
{
	size_t len = sizeof(int);
	int fd = -1;

	zmq_getsockopt(socket, ZMQ_FD, &fd, &len);
	return (fd);
}

static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;
	bool some = false;
	zmq_msg_t m;

	(void)fd;
	(void)what;
	/* Two frames each: which event, and the endpoint.  That there was one is all they say that is of use. */
	zmq_msg_init(&m);
	while (zmq_msg_recv(&m, door->monitor, ZMQ_DONTWAIT) >= 0)
		some = true;
	zmq_msg_close(&m);
	if (some)
		door->z->on_gone(door->z->arg);
}

static int
watch_door(struct zsock *z, struct door *door)
{
	char name[32];

	snprintf(name, sizeof(name), "inproc://ended-%d", (int)(door - z->doors));
	if (zmq_socket_monitor(door->socket, name, ZMQ_EVENT_DISCONNECTED) != 0 || (door->monitor = zmq_socket(z->context, ZMQ_PAIR)) == NULL)
		return (-1);
	/* Unbounded: else libzmq's I/O thread waits here for room, holding the lock that the end of the monitor needs, and thousands of
	 * connections that end while we stop keep us from stopping.  There is one word for each connection that ended. */
	set_int(door->monitor, ZMQ_RCVHWM, 0);
	if (zmq_connect(door->monitor, name) != 0)
		return (-1);
	door->ended = event_new(z->base, fd_of(door->monitor), EV_READ | EV_PERSIST, on_ended, door);
	return (0);
}

static int
open_door(struct zsock *z, struct door *door)
{
	int64_t max = MESSAGE_BYTES_HARD;

	door->z = z;
	if ((door->socket = zmq_socket(z->context, ZMQ_ROUTER)) == NULL)
		return (-1);
	set_int(door->socket, ZMQ_ROUTER_MANDATORY, 1);
	set_int(door->socket, ZMQ_SNDHWM, SEND_HWM);
	set_int(door->socket, ZMQ_RCVHWM, RECEIVE_HWM);
	set_int(door->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	set_int(door->socket, ZMQ_BACKLOG, 4096);
	set_int(door->socket, ZMQ_TCP_KEEPALIVE, 1);
	set_int(door->socket, ZMQ_LINGER, 0);
	zmq_setsockopt(door->socket, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	door->readable = event_new(z->base, fd_of(door->socket), EV_READ | EV_PERSIST, on_readable, door);
	door->again = event_new(z->base, -1, 0, on_readable, door);
	return (watch_door(z, door));
}

static void
close_door(struct door *door, int linger_ms)
{
	if (door->socket == NULL)
		return;
	event_free(door->readable);
	event_free(door->again);
	if (door->ended != NULL)
		event_free(door->ended);
	zmq_socket_monitor(door->socket, NULL, 0);
	if (door->monitor != NULL) {
		set_int(door->monitor, ZMQ_LINGER, 0);
		zmq_close(door->monitor);
	}
	set_int(door->socket, ZMQ_LINGER, linger_ms);
	zmq_close(door->socket);
}

struct zsock *
zsock_new(struct event_base *base, zsock_on_message *on_message, zsock_on_turn *on_turn, zsock_on_gone *on_gone, void *arg)
{
	struct zsock *z = must_alloc(sizeof(*z));
	int saved;

	memset(z, 0, sizeof(*z));
	z->on_message = on_message;
	z->on_turn = on_turn;
	z->on_gone = on_gone;
	z->arg = arg;
	z->base = base;
	if ((z->context = zmq_ctx_new()) != NULL && open_door(z, &z->doors[DOOR_IPC]) == 0 && open_door(z, &z->doors[DOOR_TCP]) == 0)
		return (z);
	saved = errno;
	if (z->context != NULL)
		zsock_free(z, 0);
	else
		free(z);
	errno = saved;
	return (NULL);
}

int
zsock_use_keys(struct zsock *z, const char *secret_key, zap_may_connect *may_connect)
{
	void *tcp = z->doors[DOOR_TCP].socket;

	if ((z->zap = zap_new(z->context, may_connect, z->arg)) == NULL)
		return (-1);
	z->zap_readable = event_new(z->base, fd_of(zap_socket(z->zap)), EV_READ | EV_PERSIST, on_zap_readable, z);
	z->zap_again = event_new(z->base, -1, 0, on_zap_readable, z);
	set_int(tcp, ZMQ_CURVE_SERVER, 1);
	set_int(tcp, ZMQ_ZAP_ENFORCE_DOMAIN, 1);
	if (zmq_setsockopt(tcp, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) != 0)
		return (-1);
	return (zmq_setsockopt(tcp, ZMQ_CURVE_SECRETKEY, secret_key, CURVEKEY_CHARS));
}

/* libzmq unlinks and re-makes an ipc path that another process listens on: a lock beside it tells the living from the left over. */
static int
lock_ipc_path(struct zsock *z, const char *path, char *why, size_t why_len)
{
	char lock[4096];
	struct stat st;
	int fd, n = snprintf(lock, sizeof(lock), "%s.lock", path);

	if (n < 0 || (size_t)n >= sizeof(lock) || z->lock_count == LISTENERS_MAX) {
		snprintf(why, why_len, "too many endpoints, or too long a path: %.80s", path);
		return (-1);
	}
	/* A socket left over gives way; libzmq says of anything else that the address is in use. */
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		snprintf(why, why_len, "cannot listen on ipc://%.200s: there is %s of that name; name a path that is free, such as ipc://%.200s%s",
		    path, S_ISDIR(st.st_mode) ? "a folder" : "something else than a socket", path,
		    S_ISDIR(st.st_mode) ? "/estated.sock" : ".sock");
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

int
zsock_listen(struct zsock *z, const char *endpoint, char *bound, size_t bound_len, char *why, size_t why_len)
{
	bool tcp = endpoint_is_tcp(endpoint);
	void *socket = z->doors[tcp ? DOOR_TCP : DOOR_IPC].socket;
	char wildcard[256];
	size_t n = strlen(endpoint);
	mode_t mask;
	int rc;

	if (endpoint_check(endpoint, z->zap != NULL, why, why_len) != 0 ||
	    (!tcp && lock_ipc_path(z, endpoint + strlen("ipc://"), why, why_len) != 0))
		return (-1);
	if (tcp && n < sizeof(wildcard) && strcmp(endpoint + n - 2, ":0") == 0) {
		snprintf(wildcard, sizeof(wildcard), "%.*s*", (int)n - 1, endpoint);
		endpoint = wildcard;
	}
	if (strncmp(endpoint, "tcp://[", 7) == 0)
		set_int(socket, ZMQ_IPV6, 1);
	/* The socket's file: owner and group may connect. */
	mask = umask(0117);
	rc = zmq_bind(socket, endpoint);
	umask(mask);
	if (rc != 0) {
		snprintf(why, why_len, "cannot listen on %.200s: %s", endpoint, zmq_strerror(errno));
		return (-1);
	}
	return (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &bound_len));
}

void
zsock_start(struct zsock *z)
{
	for (unsigned i = 0; i < DOORS; i++) {
		event_add(z->doors[i].readable, NULL);
		event_add(z->doors[i].ended, NULL);
		event_active(z->doors[i].ended, EV_TIMEOUT, 0);
		look_again(&z->doors[i]);
	}
	if (z->zap != NULL) {
		event_add(z->zap_readable, NULL);
		event_active(z->zap_again, EV_TIMEOUT, 0);
	}
}

int
zsock_send(struct zsock *z, const uint8_t *id, size_t id_len, zmq_msg_t *m)
{
	struct door *door = &z->doors[id[0]];
	int e = 0;

	if (zmq_send(door->socket, id + 1, id_len - 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 || zmq_msg_send(m, door->socket, ZMQ_DONTWAIT) < 0) {
		e = errno;
		zmq_msg_close(m);
	}
	/* Sending processes commands and may have swallowed the edge. */
	look_again(door);
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
	if (z->zap_readable != NULL) {
		event_free(z->zap_readable);
		event_free(z->zap_again);
	}
	signal(SIGABRT, on_abort);
	for (unsigned i = 0; i < DOORS; i++)
		close_door(&z->doors[i], linger_ms);
	zap_free(z->zap);
	zmq_ctx_term(z->context);
	signal(SIGABRT, SIG_DFL);
	for (unsigned i = 0; i < z->lock_count; i++)
		close(z->locks[i]);
	free(z);
}
