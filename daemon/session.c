#include "session.h"

#include <errno.h>
#include <malloc.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admit.h"
#include "ask.h"
#include "daemon.h"
#include "bounds.h"
#include "errcode.h"
#include "usage.h"
#include "log.h"
#include "subscription.h"

/* How often silent sessions are looked for. */
#define SWEEP_S		15

uint64_t
monotonic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

static int
compare(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	if (x->id_len != y->id_len)
		return (x->id_len < y->id_len ? -1 : 1);
	return (memcmp(x->id, y->id, x->id_len));
}

struct session *
session_find(struct daemon *d, const uint8_t *id, size_t id_len, const char *peer)
{
	struct session key, **found;

	if (id_len > sizeof(key.id))
		return (NULL);
	key.id_len = (uint16_t)id_len;
	memcpy(key.id, id, id_len);
	if ((found = tfind(&key, &d->sessions, compare)) == NULL)
		return (NULL);
	if (strcmp((*found)->peer, peer) != 0) {
		session_end(d, *found);
		return (NULL);
	}
	return (*found);
}

static void
sweep_arm(struct daemon *d)
{
	struct timeval interval = { SWEEP_S, 0 };

	if (d->session_count == 0)
		event_del(d->session_sweep);
	else if (!event_pending(d->session_sweep, EV_TIMEOUT, NULL))
		event_add(d->session_sweep, &interval);
}

struct session *
session_begin(struct daemon *d, const uint8_t *id, size_t id_len, const char *peer, struct client *who, const char *client,
    size_t client_len)
{
	struct session *s;

	if (d->session_count >= SESSIONS_MAX + (client_may_operate(who) ? SESSIONS_RESERVE : 0) || id_len > sizeof(s->id))
		return (NULL);
	s = must_alloc(sizeof(*s));
	memset(s, 0, sizeof(*s));
	s->refs = 1;
	s->id_len = (uint16_t)id_len;
	memcpy(s->id, id, id_len);
	s->peer = must_strdup(peer);
	s->who = client_ref(who);
	memcpy(s->sender, who->name, sizeof(s->sender));
	snprintf(s->client, sizeof(s->client), "%.*s", (int)client_len, client);
	s->heard_ns = monotonic_now();
	STAILQ_INIT(&s->subscriptions);
	if (tsearch(s, &d->sessions, compare) == NULL)
		abort();
	d->session_count++;
	d->counters.sessions_opened++;
	sweep_arm(d);
	return (s);
}

struct session *
session_ref(struct session *s)
{
	s->refs++;
	return (s);
}

void
session_unref(struct session *s)
{
	if (--s->refs > 0)
		return;
	client_unref(s->who);
	free(s->peer);
	free(s);
}

void
session_end(struct daemon *d, struct session *s)
{
	if (s->gone)
		return;
	while (!STAILQ_EMPTY(&s->subscriptions))
		subscription_end(d, STAILQ_FIRST(&s->subscriptions));
	tdelete(s, &d->sessions, compare);
	s->gone = true;
	ask_session_gone(d, s);
	d->session_count--;
	sweep_arm(d);
	session_unref(s);
}

int
session_send(struct daemon *d, struct session *s, struct answer *a)
{
	zmq_msg_t m;
	int e;

	answer_finish(a, &m);
	if (s->gone) {
		zmq_msg_close(&m);
		return (EHOSTUNREACH);
	}
	e = zsock_send(d->zsock, s->id, s->id_len, &m);
	if (e == EAGAIN)
		d->counters.sends_blocked++;
	else if (e != 0) {
		d->counters.sends_unreachable++;
		session_end(d, s);
	}
	return (e);
}

void
session_nak(struct daemon *d, struct session *s, uint64_t number, int code, long index, const char *path, const char *detail)
{
	struct answer a;

	d->counters.naks++;
	d->counters.refused[code]++;
	answer_nak(&a, number, code, index, path, detail);
	session_send(d, s, &a);
}

/* All sessions, gathered by the walk with a reference each. */
static struct session **everyone;
static unsigned everyone_count;

static void
gather_everyone(const void *node, VISIT which, int depth)
{
	(void)depth;
	if (which == preorder || which == leaf)
		everyone[everyone_count++] = session_ref(*(struct session *const *)node);
}

/* Fills `everyone`; let_go() when done. */
static void
gather_all(struct daemon *d)
{
	everyone = must_alloc((d->session_count + 1) * sizeof(struct session *));
	everyone_count = 0;
	twalk(d->sessions, gather_everyone);
}

static void
let_go(void)
{
	while (everyone_count > 0)
		session_unref(everyone[--everyone_count]);
	free(everyone);
	everyone = NULL;
}

unsigned
session_count_of(struct daemon *d, const char *name)
{
	unsigned n = 0;

	gather_all(d);
	for (unsigned i = 0; i < everyone_count; i++)
		n += strcmp(everyone[i]->sender, name) == 0;
	let_go();
	return (n);
}

static void
readmit(struct daemon *d, struct session *s)
{
	char why[256];
	struct client *who = admit(d, s->peer, why, sizeof(why));

	if (who != NULL && strcmp(who->name, s->sender) == 0) {
		client_unref(s->who);
		s->who = who;
		return;
	}
	/* Nobody now, or somebody else: what it says next is answered accordingly. */
	while (who == NULL && !s->gone && !STAILQ_EMPTY(&s->subscriptions))
		subscription_abort(d, STAILQ_FIRST(&s->subscriptions), E_FORBIDDEN, why);
	if (who == NULL)
		services_dismiss(d, s, E_FORBIDDEN, why);
	session_end(d, s);
	client_unref(who);
}

void
session_readmit_all(struct daemon *d)
{
	gather_all(d);
	for (unsigned i = 0; i < everyone_count; i++)
		if (!everyone[i]->gone)
			readmit(d, everyone[i]);
	let_go();
}

/* Silent sessions, gathered by the walk: the tree must not change under it. */
static struct session *silent[256];
static unsigned silent_count;
static uint64_t silent_now;

static void
gather_silent(const void *node, VISIT which, int depth)
{
	struct session *s = *(struct session *const *)node;

	(void)depth;
	if ((which == preorder || which == leaf) && silent_count < 256 && silent_now - s->heard_ns > SESSION_IDLE_S * 1000000000ull)
		silent[silent_count++] = s;
}

void
session_on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	silent_now = monotonic_now();
	silent_count = 0;
	twalk(d->sessions, gather_silent);
	for (unsigned i = 0; i < silent_count; i++) {
		d->counters.sessions_expired++;
		session_end(d, silent[i]);
	}
	/* What libzmq held for peers that are gone. */
	if (d->store->applied == d->durable)
		malloc_trim(0);
	sweep_arm(d);
}

void
session_end_all(struct daemon *d)
{
	while (d->sessions != NULL)
		session_end(d, *(struct session **)d->sessions);
}
