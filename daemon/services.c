/* serve, unserve, services: who answers under which name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "log.h"
#include "refusals.h"
#include "session.h"

struct service *
services_find(struct daemon *d, const char *name, uint32_t len)
{
	struct service *s;

	TAILQ_FOREACH(s, &d->asks->services, link)
		if (mp_equal(name, len, s->name))
			return (s);
	return (NULL);
}

static struct service *
find_number(struct daemon *d, const struct session *session, uint64_t number)
{
	struct service *s;

	TAILQ_FOREACH(s, &d->asks->services, link)
		if (s->session == session && s->number == number)
			return (s);
	return (NULL);
}

static void
refuse_all(struct daemon *d, struct ask_queue *q)
{
	struct ask *a;

	while ((a = TAILQ_FIRST(q)) != NULL) {
		d->counters.asks_lost++;
		ask_refuse(d, a, E_SERVICE_LOST, "service", a->service->name);
	}
}

void
services_end(struct daemon *d, struct service *s, int code, const char *detail)
{
	struct answer a;

	/* Off the list first: telling may end sessions, and with them what is on it. */
	TAILQ_REMOVE(&d->asks->services, s, link);
	d->asks->service_count--;
	log_info("a service ended", "service=%s client=%s sender=%s asks=%u", s->name, s->session->client, s->session->sender, s->count);
	if (code != 0) {
		answer_begin(&a, "unserved", s->number, 4);
		answer_fault(&a, code, -1, "service", detail);
		session_send(d, s->session, &a);
	}
	refuse_all(d, &s->asked);
	refuse_all(d, &s->waiting);
	free(s);
}

void
services_dismiss(struct daemon *d, struct session *session, int code, const char *detail)
{
	struct service *s, *after;

	for (s = TAILQ_FIRST(&d->asks->services); s != NULL; s = after) {
		after = TAILQ_NEXT(s, link);
		if (s->session != session)
			continue;
		services_end(d, s, code, detail);
		after = TAILQ_FIRST(&d->asks->services);	/* what was next may have ended too */
	}
}

static int64_t
wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

static void
begin(struct daemon *d, struct request *r, const char *name, uint32_t len)
{
	struct service *s = must_alloc(sizeof(*s));
	struct answer a;

	memset(s, 0, sizeof(*s));
	s->session = r->session;
	s->number = r->number;
	memcpy(s->name, name, len);
	s->since_ns = wall_clock();
	TAILQ_INIT(&s->waiting);
	TAILQ_INIT(&s->asked);
	TAILQ_INSERT_TAIL(&d->asks->services, s, link);
	d->asks->service_count++;
	log_info("a service is there", "service=%s client=%s sender=%s", s->name, r->session->client, r->session->sender);
	answer_begin(&a, "serving", r->number, 4);
	msgpack_pack_map(&a.packer, 1);
	answer_key_text(&a, "service", s->name);
	session_send(d, r->session, &a);
}

/* {"service": NAME} */
static bool
read_service(struct mp *m, const char **name, uint32_t *len)
{
	uint32_t pairs, key_len;
	const char *key;

	return (mp_map(m, &pairs) && pairs == 1 && mp_str(m, &key, &key_len) && mp_equal(key, key_len, "service") &&
	    mp_str(m, name, len) && id_valid(*name, *len));
}

/* Another one has the name: it is told, and what it was asked is answered.  False: that took this session along. */
static bool
take_over(struct daemon *d, struct request *r, struct service *old)
{
	struct session *s = session_ref(r->session);
	bool there;

	services_end(d, old, E_TAKEN_OVER, s->client);
	there = !s->gone;
	session_unref(s);
	return (there);
}

void
services_on_serve(struct daemon *d, struct request *r)
{
	struct service *old;
	const char *name;
	uint32_t len;

	if (!read_service(&r->m, &name, &len))
		request_nak(d, r, E_ARGUMENT, "service", "{\"service\": NAME}: 1 to 64 characters of A-Z a-z 0-9 . _ : / -");
	else if (!client_may_answer(r->session->who, name, len)) {
		refusals_note(d, r->session->sender, REFUSED_ANSWER);
		request_nak(d, r, E_FORBIDDEN, "service", "this client may not answer for that service");
	} else if (find_number(d, r->session, r->number) != NULL ||
	    ((old = services_find(d, name, len)) != NULL && old->session == r->session))
		request_nak(d, r, E_EXISTS, NULL, "this session serves under that number, or that name, already");
	else if (old == NULL && d->asks->service_count >= SERVICES_MAX)
		request_nak(d, r, E_TOO_MANY, "service", "no more services at once");
	else if (old == NULL || take_over(d, r, old))
		begin(d, r, name, len);
}

void
services_on_unserve(struct daemon *d, struct request *r)
{
	struct service *s = find_number(d, r->session, r->number);
	struct session *session = session_ref(r->session);
	struct answer a;

	if (s == NULL)
		request_nak(d, r, E_NO_SERVICE, "[2]", "this session serves nothing under that number");
	else {
		services_end(d, s, 0, NULL);
		answer_begin(&a, "unserved", r->number, 3);
		session_send(d, session, &a);
	}
	session_unref(session);
}

static bool
may_know(const struct client *c, const struct service *s)
{
	return (client_may_operate(c) || client_may_ask(c, s->name, (uint32_t)strlen(s->name)));
}

void
services_on_services(struct daemon *d, struct request *r)
{
	struct service *s;
	struct answer a;
	unsigned n = 0;

	TAILQ_FOREACH(s, &d->asks->services, link)
		n += may_know(r->session->who, s);
	answer_begin(&a, "services", r->number, 4);
	msgpack_pack_array(&a.packer, n);
	TAILQ_FOREACH(s, &d->asks->services, link) {
		if (!may_know(r->session->who, s))
			continue;
		msgpack_pack_map(&a.packer, 5);
		answer_key_text(&a, "service", s->name);
		answer_key_text(&a, "client", s->session->client);
		answer_key_text(&a, "sender", s->session->sender);
		answer_key_int(&a, "since", s->since_ns);
		answer_key_uint(&a, "pending", s->count);
	}
	session_send(d, r->session, &a);
}
