/*
 * The only file that knows ZeroMQ: the DEALER socket, its monitor, and one descriptor to wait on for both and for time.
 *
 * The edge: ZMQ_FD becomes readable when the socket *may* have news and stays so until ZMQ_EVENTS is looked at; after that it is
 * silent although messages may be waiting.  Any call on the socket, a send too, can swallow the signal.  So a turn of the loop
 * ends by looking at ZMQ_EVENTS again (es_transport_readable) and, if there is more, by arming the timer for at once: then the epoll
 * descriptor is truly level-triggered for whoever waits on it.
 *
 * The monitor tells when a connection stands or fell, without which a daemon's restart would show only at the next ping.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "internal.h"

/* What the daemon may send us at most; its deliveries stay far below. */
#define RECEIVE_BYTES_MAX	(16ll << 20)

/* libzmq retries a failed connect by itself, from the first pause up to the second, with es_jitter. */
#define RECONNECT_MS_FIRST	50
#define RECONNECT_MS_MAX	2000
#define HANDSHAKE_MS		5000

#define MONITORED	(ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | \
			ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

int64_t
es_monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

int
es_transport_init(struct transport *t, void *context)
{
	struct epoll_event ev = { .events = EPOLLIN };

	memset(t, 0, sizeof(*t));
	t->epoll = t->timer = -1;
	t->armed_ms = NEVER_MS;
	t->own_context = context == NULL;
	if ((t->context = context != NULL ? context : zmq_ctx_new()) == NULL)
		return (-1);
	if ((t->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		return (-1);
	if ((t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0)
		return (-1);
	return (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->timer, &ev));
}

void
es_transport_fini(struct transport *t)
{
	if (t->timer >= 0)
		close(t->timer);
	if (t->epoll >= 0)
		close(t->epoll);
	if (t->own_context && t->context != NULL)
		while (zmq_ctx_term(t->context) != 0 && errno == EINTR)
			;
}

static int
watch(struct transport *t, void *socket)
{
	struct epoll_event ev = { .events = EPOLLIN };
	size_t size = sizeof(int);
	int fd;

	if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0)
		return (-1);
	return (epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &ev));
}

static void
set_int(void *socket, int option, int value)
{
	zmq_setsockopt(socket, option, &value, sizeof(value));
}

static bool
copy_key(char to[CURVE_KEY_SIZE], const char *from)
{
	uint8_t bytes[32];

	if (strlen(from) != CURVE_KEY_SIZE - 1 || zmq_z85_decode(bytes, from) == NULL)
		return (false);
	memcpy(to, from, CURVE_KEY_SIZE);
	return (true);
}

bool
es_transport_keys(struct keys *k, const struct estate_options *o)
{
	memset(k, 0, sizeof(*k));
	if (o->secret_key == NULL && o->server_key == NULL && o->public_key == NULL)
		return (true);
	return (o->secret_key != NULL && o->server_key != NULL && copy_key(k->secret, o->secret_key) && copy_key(k->server, o->server_key) &&
	    (o->public_key != NULL ? copy_key(k->public, o->public_key) : zmq_curve_public(k->public, k->secret) == 0));
}

static int
use_keys(void *socket, const struct keys *k)
{
	if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, k->server, CURVE_KEY_SIZE - 1) != 0 ||
	    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, k->public, CURVE_KEY_SIZE - 1) != 0)
		return (-1);
	return (zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, k->secret, CURVE_KEY_SIZE - 1));
}

int
es_transport_connect(struct transport *t, const char *endpoint, const struct keys *keys)
{
	int64_t bytes_max = RECEIVE_BYTES_MAX;
	char name[64];

	if ((t->socket = zmq_socket(t->context, ZMQ_DEALER)) == NULL)
		return (-1);
	set_int(t->socket, ZMQ_LINGER, 0);
	set_int(t->socket, ZMQ_SNDHWM, 0);	/* bounded by credit, in bytes */
	set_int(t->socket, ZMQ_RCVHWM, 0);	/* bounded by the credit we grant */
	set_int(t->socket, ZMQ_IMMEDIATE, 1);	/* nothing waits for a connection but in our own window */
	set_int(t->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS_FIRST);
	set_int(t->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MS_MAX);
	set_int(t->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	zmq_setsockopt(t->socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof(bytes_max));

	t->keyed = keys->secret[0] != '\0' && strncmp(endpoint, "tcp://", 6) == 0;
	if (t->keyed && use_keys(t->socket, keys) != 0)
		goto err;
	snprintf(name, sizeof(name), "inproc://estate-monitor-%p", t->socket);
	if (zmq_socket_monitor(t->socket, name, MONITORED) != 0)
		goto err;
	if ((t->monitor = zmq_socket(t->context, ZMQ_PAIR)) == NULL)
		goto err;
	set_int(t->monitor, ZMQ_LINGER, 0);
	if (zmq_connect(t->monitor, name) != 0 || watch(t, t->monitor) != 0 || watch(t, t->socket) != 0)
		goto err;
	if (zmq_connect(t->socket, endpoint) != 0)
		goto err;
	return (0);

err:
	es_transport_disconnect(t, 0);
	return (-1);
}

void
es_transport_disconnect(struct transport *t, int linger_ms)
{
	int saved = errno;

	if (t->socket != NULL) {
		set_int(t->socket, ZMQ_LINGER, linger_ms);
		zmq_socket_monitor(t->socket, NULL, 0);
		zmq_close(t->socket);
	}
	if (t->monitor != NULL)
		zmq_close(t->monitor);
	t->socket = t->monitor = NULL;
	errno = saved;
}

bool
es_transport_send_message(struct estate *e, void *zmq_message)
{
	if (e->full || e->t.socket == NULL)
		return (false);
	if (zmq_msg_send(zmq_message, e->t.socket, ZMQ_DONTWAIT) < 0) {
		e->full = true;
		return (false);
	}
	e->s.ping_at_ms = e->now_ms + e->s.idle_ms;
	return (true);
}

bool
es_transport_send(struct estate *e, const void *bytes, size_t len)
{
	zmq_msg_t m;

	if (e->full || zmq_msg_init_size(&m, len) != 0)
		return (false);
	memcpy(zmq_msg_data(&m), bytes, len);
	if (es_transport_send_message(e, &m))
		return (true);
	zmq_msg_close(&m);
	return (false);
}

bool
es_transport_say(struct estate *e, const char *verb, uint64_t number)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	bool sent;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	pack_head(&p, verb, number, 0);
	sent = es_transport_send(e, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	return (sent);
}

bool
es_transport_readable(struct transport *t)
{
	size_t size = sizeof(int);
	int events = 0;

	return (t->socket != NULL && zmq_getsockopt(t->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0);
}

/*
 * A handshake that failed: what that usually means.  libzmq sees the other side's mechanism only if the other side, which refuses it
 * as soon as it sees ours, has not yet torn the connection down: so what we use ourselves tells more than the kind of failure.
 */
static const char *
trouble_of(const struct transport *t, uint16_t event, uint32_t value)
{
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
		return ("the daemon does not let this key in");
	if (!t->keyed)
		return ("the handshake failed: does the daemon at this endpoint ask for keys?");
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL && value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
		return ("the handshake failed: the daemon at this endpoint uses no keys");
	return ("the handshake failed: is the server key that of the daemon at this endpoint?");
}

/* One event of the monitor: a frame with its 16-bit number and a 32-bit value, and one with the endpoint. */
enum es_transport_event
es_transport_event(struct transport *t, const char **trouble)
{
	uint8_t frame[1024];
	uint16_t event;
	uint32_t value = 0;
	int n;

	if (t->monitor == NULL || (n = zmq_recv(t->monitor, frame, sizeof(frame), ZMQ_DONTWAIT)) < (int)sizeof(event))
		return (TRANSPORT_NOTHING);
	memcpy(&event, frame, sizeof(event));
	if (n >= (int)(sizeof(event) + sizeof(value)))
		memcpy(&value, frame + sizeof(event), sizeof(value));
	zmq_recv(t->monitor, frame, sizeof(frame), ZMQ_DONTWAIT);
	if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
		return (TRANSPORT_UP);
	if (event == ZMQ_EVENT_DISCONNECTED)
		return (TRANSPORT_GONE);
	*trouble = trouble_of(t, event, value);
	return (TRANSPORT_REFUSED);
}

void
es_transport_arm(struct transport *t, int64_t at_ms, int64_t now_ms)
{
	struct itimerspec when = { { 0, 0 }, { 0, 1 } };

	/* One that will fire sooner than needed is left alone: the turn it causes arms it anew.  Setting it also unfires it. */
	if (t->armed_ms > now_ms && t->armed_ms <= at_ms)
		return;
	if (at_ms > now_ms) {
		when.it_value.tv_sec = at_ms / 1000;
		when.it_value.tv_nsec = at_ms % 1000 * 1000000 + 1;
	}
	if (at_ms == NEVER_MS)
		memset(&when, 0, sizeof(when));
	t->armed_ms = at_ms;
	timerfd_settime(t->timer, TFD_TIMER_ABSTIME, &when, NULL);
}
