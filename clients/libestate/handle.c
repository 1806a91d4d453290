/* The handle: open, close, and the turn of the loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <zmq.h>

#include "internal.h"

#define WINDOW_PUTS		1024u
#define WINDOW_PUTS_MAX		(1u << 20)
#define PATIENCE_MS		5000u
#define BACKOFF_MS_MAX		10000u
#define GOODBYE_MS		200

bool
es_name_valid(const char *s)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-";
	size_t len;

	return (s != NULL && (len = strlen(s)) >= 1 && len <= CLIENT_NAME_CHARS_MAX && strspn(s, good) == len);
}

/* A setting of 0 means its usual value; else it must lie within its bounds. */
static bool
setting(unsigned *value, unsigned usual, unsigned min, unsigned max)
{
	if (*value == 0)
		*value = usual;
	return (*value >= min && *value <= max);
}

static bool
options_valid(struct estate_options *o)
{
	return (o->endpoint != NULL && es_name_valid(o->client) && (o->software == NULL || strlen(o->software) <= 64) &&
	    setting(&o->window, WINDOW_PUTS, 1, WINDOW_PUTS_MAX) && setting(&o->patience_ms, PATIENCE_MS, 100, 600000) &&
	    setting(&o->backoff_ms_max, BACKOFF_MS_MAX, 100, 600000));
}

static char *
copy(const char *s, bool *failed)
{
	char *c = NULL;

	if (s != NULL && (c = strdup(s)) == NULL)
		*failed = true;
	return (c);
}

/* Everything but the goodbye. */
static void
handle_free(struct estate *e)
{
	int saved = errno;

	es_subscribe_free_all(e);
	es_request_free_all(e);
	es_serve_free_all(e);
	es_transport_fini(&e->t);
	es_window_fini(&e->w);
	free(e->scratch);
	free(e->runs);
	free(e->warnings);
	free(e->endpoint);
	free(e->client);
	free(e->software);
	free(e->log_wanted);
	explicit_bzero(&e->keys, sizeof(e->keys));
	free(e);
	errno = saved;
}

int
estate_open(const struct estate_options *options, struct estate **out)
{
	struct estate *e;
	bool failed = false;
	int error = ESTATE_SYSTEM;

	*out = NULL;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (ESTATE_SYSTEM);
	e->t.epoll = e->t.timer = -1;
	e->o = *options;
	if (!options_valid(&e->o) || !es_transport_keys(&e->keys, options)) {
		error = ESTATE_INVALID;
		goto err;
	}
	e->o.endpoint = e->endpoint = copy(options->endpoint, &failed);
	e->o.client = e->client = copy(options->client, &failed);
	e->o.software = e->software = copy(options->software, &failed);
	e->o.secret_key = e->o.public_key = e->o.server_key = NULL;
	e->o.log = e->log_wanted = copy(options->log, &failed);
	e->number = REQUEST_NUMBER_FIRST;
	e->now_ms = es_monotonic_ms();
	if (getrandom(&e->random, sizeof(e->random), 0) < 0 || e->random == 0)
		e->random = (uint64_t)e->now_ms | 1;
	if (failed || es_window_init(&e->w, e->o.window) != 0 || es_transport_init(&e->t, e->o.zmq_context) != 0)
		goto err;
	es_session_init(e);
	es_put_session_lost(e);
	if (es_transport_connect(&e->t, e->endpoint, &e->keys) != 0) {
		if (errno != EMFILE && errno != ENOMEM)
			error = ESTATE_INVALID;
		goto err;
	}
	*out = e;
	return (0);

err:
	handle_free(e);
	return (error);
}

void
estate_close(struct estate *e)
{
	if (e == NULL)
		return;
	if (e->s.state == ESTATE_LIVE || e->s.state == ESTATE_HELD) {
		e->full = false;
		es_transport_say(e, "bye", es_next_number(e));
	}
	es_transport_disconnect(&e->t, GOODBYE_MS);
	handle_free(e);
}

/* What the connection told about itself. */
static int
read_events(struct estate *e)
{
	enum es_transport_event event;
	int n = 0;

	for (; (event = es_transport_event(&e->t, &e->trouble)) != TRANSPORT_NOTHING; n++) {
		if (event == TRANSPORT_UP)
			e->trouble = NULL;
		es_session_event(e, event == TRANSPORT_UP ? S_UP : S_GONE, NULL);
	}
	return (n);
}

static int
read_messages(struct estate *e)
{
	zmq_msg_t m;
	int n = 0;

	zmq_msg_init(&m);
	while (n < TURN_MESSAGES_MAX && e->t.socket != NULL && zmq_msg_recv(&m, e->t.socket, ZMQ_DONTWAIT) >= 0) {
		n++;
		if (zmq_msg_more(&m) || !es_answer_dispatch(e, zmq_msg_data(&m), zmq_msg_size(&m)))
			es_session_event(e, S_GARBLED, NULL);
	}
	zmq_msg_close(&m);
	return (n);
}

static int64_t
deadline(const struct estate *e)
{
	int64_t a = es_session_deadline(e), b = es_put_deadline(e);

	return (a < b ? a : b);
}

/* One turn: what came, what time it is, what is due.  *more: do not sleep, there is more to read. */
static int
turn(struct estate *e, bool *more)
{
	int n;

	e->inside = true;
	e->full = false;
	e->now_ms = es_monotonic_ms();
	/* While messages come the connection stands; looking at the monitor too would cost as much again. */
	if ((n = read_messages(e)) == 0)
		n = read_events(e);
	es_session_timers(e);
	es_put_timers(e);
	es_session_flush(e);
	es_subscribe_flush(e);
	es_request_flush(e);
	es_serve_flush(e);
	es_put_flush(e);
	*more = es_transport_readable(&e->t);
	es_transport_arm(&e->t, *more ? e->now_ms : deadline(e), e->now_ms);
	e->inside = false;
	return (n);
}

int
estate_pump(struct estate *e, int timeout_ms)
{
	struct epoll_event ev;
	int64_t until, left;
	bool more;
	int n;

	if (e->inside)
		return (ESTATE_INSIDE);
	until = timeout_ms > 0 ? es_monotonic_ms() + timeout_ms : 0;
	for (;;) {
		n = turn(e, &more);
		if (n > 0 || timeout_ms == 0)
			return (n);
		if (more)
			continue;
		left = -1;
		if (timeout_ms > 0 && (left = until - es_monotonic_ms()) <= 0)
			return (0);
		if ((n = epoll_wait(e->t.epoll, &ev, 1, (int)left)) < 0)
			return (errno == EINTR ? 0 : ESTATE_SYSTEM);
	}
}

int
estate_fd(const struct estate *e)
{
	return (e->t.epoll);
}

enum estate_state
estate_state(const struct estate *e)
{
	return (e->s.state);
}

const struct estate_log *
estate_log(const struct estate *e)
{
	return (e->s.welcomed ? &e->s.log : NULL);
}

const char *
estate_trouble(const struct estate *e)
{
	return (e->trouble);
}

const struct estate_fault *
estate_refusal(const struct estate *e)
{
	return (e->s.state == ESTATE_STOPPED ? &e->s.refusal : NULL);
}
