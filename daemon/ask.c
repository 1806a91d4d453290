#include "ask.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "session.h"

_Static_assert((ASKS_MAX & (ASKS_MAX - 1)) == 0, "slots are found by the low bits");
_Static_assert(SERVICE_WINDOW < SEND_HWM, "what a service is asked at once fits beside its events");

/* A service that did not read is tried again after so long. */
#define BLOCKED_NS	5000000ull

/* libzmq tells of a connection's end a moment before it refuses to send there. */
#define PROBE_US	10000

/* A timer that fires a little early is not sent to sleep again. */
#define SLACK_NS	1000000ull

struct ask *
ask_find(struct daemon *d, uint64_t id)
{
	struct ask *a = d->asks->slots[id % ASKS_MAX];

	return (a != NULL && a->id == id ? a : NULL);
}

static void
arm(struct daemon *d, uint64_t at_ns)
{
	struct asks *all = d->asks;
	uint64_t now = monotonic_now(), left = at_ns > now ? at_ns - now : 0;
	struct timeval in = { (time_t)(left / 1000000000u), (suseconds_t)(left % 1000000000u / 1000u) };

	if (all->timer_ns != 0 && all->timer_ns <= at_ns)
		return;
	all->timer_ns = at_ns;
	event_add(all->timer, &in);
}

struct session *
ask_take_out(struct daemon *d, struct ask *a)
{
	struct service *s = a->service;
	struct session *asker = a->asker;

	TAILQ_REMOVE(a->sent ? &s->asked : &s->waiting, a, link);
	s->asked_count -= a->sent;
	s->patient_count -= a->sent && a->at_least != 0;
	s->count--;
	s->bytes -= a->question_len;
	d->asks->slots[a->id % ASKS_MAX] = NULL;
	d->asks->count--;
	client_ask_off(asker->who, a->question_len);
	/* In a turn of its own: sending may end sessions, and who calls has one in its hands. */
	event_active(d->asks->turn, EV_TIMEOUT, 0);
	free(a);
	return (asker);
}

void
ask_add(struct daemon *d, struct ask *a)
{
	struct asks *all = d->asks;
	struct service *s = a->service;

	while (all->slots[all->next_id % ASKS_MAX] != NULL)
		all->next_id++;
	a->id = all->next_id++;
	all->slots[a->id % ASKS_MAX] = a;
	all->count++;
	s->count++;
	s->bytes += a->question_len;
	TAILQ_INSERT_TAIL(&s->waiting, a, link);
	arm(d, a->deadline_ns);
	event_active(all->turn, EV_TIMEOUT, 0);
}

void
ask_drop(struct daemon *d, struct ask *a)
{
	session_unref(ask_take_out(d, a));
}

void
ask_refuse(struct daemon *d, struct ask *a, int code, const char *path, const char *detail)
{
	uint64_t number = a->number;
	struct session *asker = ask_take_out(d, a);

	session_nak(d, asker, number, code, -1, path, detail);
	session_unref(asker);
}

/* ---- asked: what the service has room for ---- */

static int
tell_service(struct daemon *d, const struct ask *a)
{
	uint64_t now = monotonic_now();
	struct answer m;

	answer_begin(&m, "asked", a->service->number, 6);
	msgpack_pack_uint64(&m.packer, a->id);
	msgpack_sbuffer_write(&m.buffer, (const char *)a->question, a->question_len);
	msgpack_pack_map(&m.packer, 3u + (a->at_least != 0) + (a->page_len != 0));
	answer_key_text(&m, "asker", a->asker->sender);
	answer_key_bool(&m, "personal", client_sees_personal(a->asker->who));
	answer_key_uint(&m, "deadline_ms", a->deadline_ns > now ? (a->deadline_ns - now) / 1000000u : 0);
	if (a->at_least != 0)
		answer_key_uint(&m, "at_least", a->at_least);
	if (a->page_len != 0) {
		answer_text(&m, "page");
		answer_text_n(&m, a->page, a->page_len);
	}
	return (session_send(d, a->service->session, &m));
}

/* The next one it may be sent, or NULL. */
static struct ask *
next_ask(const struct service *s)
{
	struct ask *a;

	if (s->blocked || s->asked_count >= SERVICE_WINDOW)
		return (NULL);
	TAILQ_FOREACH(a, &s->waiting, link)
		if (a->at_least == 0 || s->patient_count < SERVICE_PATIENT_MAX)
			return (a);
	return (NULL);
}

/* False: its session has ended, and the service with it. */
static bool
tell_more(struct daemon *d, struct service *s)
{
	struct ask *a;
	int e;

	while ((a = next_ask(s)) != NULL) {
		if ((e = tell_service(d, a)) == EAGAIN) {
			s->blocked = true;
			arm(d, monotonic_now() + BLOCKED_NS);
		} else if (e != 0)
			return (false);
		else {
			TAILQ_REMOVE(&s->waiting, a, link);
			TAILQ_INSERT_TAIL(&s->asked, a, link);
			a->sent = true;
			s->asked_count++;
			s->patient_count += a->at_least != 0;
		}
	}
	return (true);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct service *s, *after;

	(void)fd;
	(void)what;
	for (s = TAILQ_FIRST(&d->asks->services); s != NULL; s = after) {
		after = TAILQ_NEXT(s, link);
		if (!tell_more(d, s))
			after = TAILQ_FIRST(&d->asks->services);	/* what was next may have ended too */
	}
}

/* ---- services that are gone ---- */

static void
on_probe(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct service *s, *after;
	struct answer a;
	int e;

	(void)fd;
	(void)what;
	for (s = TAILQ_FIRST(&d->asks->services); s != NULL; s = after) {
		after = TAILQ_NEXT(s, link);
		if (s->count == 0)
			continue;
		answer_begin(&a, "waiting", s->number, 4);
		msgpack_pack_map(&a.packer, 1);
		answer_key_uint(&a, "asks", s->count);
		if ((e = session_send(d, s->session, &a)) != 0 && e != EAGAIN)
			after = TAILQ_FIRST(&d->asks->services);	/* it took its services along */
	}
}

void
ask_connection_gone(void *arg)
{
	struct daemon *d = arg;
	struct timeval soon = { 0, PROBE_US };

	if (d->asks->count > 0 && !event_pending(d->asks->probe, EV_TIMEOUT, NULL))
		event_add(d->asks->probe, &soon);
}

/* ---- deadlines ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct asks *all = d->asks;
	uint64_t now = monotonic_now(), least = UINT64_MAX;
	struct service *s;

	(void)fd;
	(void)what;
	all->timer_ns = 0;
	TAILQ_FOREACH(s, &all->services, link)
		s->blocked = false;
	event_active(all->turn, EV_TIMEOUT, 0);
	/* By slots: what else ends with a session that is found gone leaves an empty one. */
	for (unsigned i = 0; i < ASKS_MAX && all->count > 0; i++) {
		struct ask *a = all->slots[i];

		if (a == NULL)
			continue;
		if (a->deadline_ns > now + SLACK_NS) {
			least = a->deadline_ns < least ? a->deadline_ns : least;
			continue;
		}
		d->counters.asks_timed_out++;
		ask_refuse(d, a, E_DEADLINE, "timeout_ms", a->sent ? "the service did not answer" : "the service has too much to do");
	}
	if (least != UINT64_MAX)
		arm(d, least);
}

void
ask_start(struct daemon *d)
{
	d->asks = must_alloc(sizeof(*d->asks));
	memset(d->asks, 0, sizeof(*d->asks));
	TAILQ_INIT(&d->asks->services);
	/* An answer to a question of the daemon before this one must not meet another question. */
	d->asks->next_id = ASK_ID_FIRST + ((uint64_t)randombytes_random() << 16);
	d->asks->turn = daemon_event(d, -1, 0, on_turn);
	d->asks->probe = daemon_event(d, -1, 0, on_probe);
	d->asks->timer = daemon_event(d, -1, 0, on_timer);
}

void
ask_stop(struct daemon *d)
{
	for (unsigned i = 0; i < ASKS_MAX; i++)
		if (d->asks->slots[i] != NULL)
			ask_refuse(d, d->asks->slots[i], E_STOPPING, NULL, NULL);
}

void
ask_session_gone(struct daemon *d, struct session *session)
{
	struct asks *all = d->asks;

	services_dismiss(d, session, 0, NULL);
	for (unsigned i = 0; i < ASKS_MAX && all->count > 0; i++)
		if (all->slots[i] != NULL && all->slots[i]->asker == session)
			ask_drop(d, all->slots[i]);
}
