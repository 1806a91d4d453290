/*
 * Services: registered in each session anew, questions in, answers out.
 *
 * A question belongs to the session it came in: when that is lost its asker was told, so what is not yet sent of its answers is
 * dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static struct estate_service *
service_find(struct estate *e, uint64_t number)
{
	for (struct estate_service *s = e->services; s != NULL; s = s->next)
		if (s->number == number && s->asked)
			return (s);
	return (NULL);
}

static void
service_free(struct estate_service *s)
{
	struct estate_service **at = &s->e->services;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free(s);
}

int
estate_serve(struct estate *e, const struct estate_serve_options *o, struct estate_service **out)
{
	struct estate_service *s, **at = &e->services;

	if (out != NULL)
		*out = NULL;
	if (!es_name_valid(o->service) || o->on_ask == NULL)
		return (ESTATE_INVALID);
	if (e->s.state == ESTATE_STOPPED)
		return (ESTATE_REFUSED);
	for (; *at != NULL; at = &(*at)->next)
		if (strcmp((*at)->name, o->service) == 0)
			return (E_EXISTS);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (ESTATE_SYSTEM);
	s->e = e;
	s->o = *o;
	es_copy_text(s->name, sizeof(s->name), o->service, strlen(o->service));
	s->o.service = s->name;
	*at = s;
	if (out != NULL)
		*out = s;
	return (0);
}

void
estate_unserve(struct estate_service *s)
{
	if (s == NULL)
		return;
	/* If this is not taken now, the daemon goes on asking, and each question's deadline answers it. */
	if (s->asked)
		es_transport_say(s->e, "unserve", s->number);
	service_free(s);
}

/* An answer in the making, due at the next turn; NULL with *error when there can be none. */
static struct reply *
reply_new(struct estate *e, uint64_t id, unsigned pairs, msgpack_packer *p, int *error)
{
	struct reply *r;

	*error = id < ASK_ID_FIRST ? ESTATE_INVALID : e->s.state != ESTATE_LIVE && e->s.state != ESTATE_HELD ? ESTATE_LOST : 0;
	if (*error != 0)
		return (NULL);
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		*error = ESTATE_SYSTEM;
		return (NULL);
	}
	msgpack_sbuffer_init(&r->frame);
	msgpack_packer_init(p, &r->frame, msgpack_sbuffer_write);
	pack_head(p, "answer", id, 1);
	msgpack_pack_map(p, pairs);
	return (r);
}

static void
reply_add(struct estate *e, struct reply *r)
{
	struct reply **at = &e->replies;

	while (*at != NULL)
		at = &(*at)->next;
	*at = r;
}

int
estate_answer(struct estate *e, uint64_t id, const struct estate_reply *o)
{
	size_t next_len = o->next != NULL ? strlen(o->next) : 0;
	msgpack_packer p;
	struct reply *r;
	int error;

	if (o->bytes == NULL || next_len > ASK_PAGE_BYTES_MAX)
		return (ESTATE_INVALID);
	if (o->len > ASK_ANSWER_BYTES_MAX)
		return (E_ANSWER_TOO_LARGE);
	if ((r = reply_new(e, id, 1u + (next_len > 0) + (o->seq > 0), &p, &error)) == NULL)
		return (error);
	pack_text(&p, "answer");
	msgpack_pack_bin_with_body(&p, o->bytes, o->len);
	if (next_len > 0) {
		pack_text(&p, "next");
		pack_text(&p, o->next);
	}
	if (o->seq > 0) {
		pack_text(&p, "seq");
		msgpack_pack_uint64(&p, o->seq);
	}
	reply_add(e, r);
	return (0);
}

int
estate_refuse(struct estate *e, uint64_t id, int code, const char *path, const char *detail)
{
	const char *const pairs[][2] = { { "path", path }, { "detail", detail } };
	msgpack_packer p;
	struct reply *r;
	char text[256];
	int error;

	if (code <= 0)
		return (ESTATE_INVALID);
	if ((r = reply_new(e, id, 1u + (path != NULL) + (detail != NULL), &p, &error)) == NULL)
		return (error);
	pack_text(&p, "refused");
	pack_text(&p, errcode_name(code));
	for (unsigned i = 0; i < 2; i++)
		if (pairs[i][1] != NULL) {
			es_copy_text(text, sizeof(text), pairs[i][1], strlen(pairs[i][1]));
			pack_text(&p, pairs[i][0]);
			pack_text(&p, text);
		}
	reply_add(e, r);
	return (0);
}

static bool
send_serve(struct estate *e, struct estate_service *s)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	bool sent;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	s->number = es_next_number(e);
	pack_head(&p, "serve", s->number, 1);
	msgpack_pack_map(&p, 1);
	pack_text(&p, "service");
	pack_text(&p, s->name);
	sent = es_transport_send(e, b.data, b.size);
	msgpack_sbuffer_destroy(&b);
	return (sent);
}

void
es_serve_flush(struct estate *e)
{
	struct reply *r;

	if (e->s.state != ESTATE_LIVE && e->s.state != ESTATE_HELD)
		return;
	for (struct estate_service *s = e->services; s != NULL; s = s->next)
		if (!s->asked && !(s->asked = send_serve(e, s)))
			return;
	while ((r = e->replies) != NULL && es_transport_send(e, r->frame.data, r->frame.size)) {
		e->replies = r->next;
		msgpack_sbuffer_destroy(&r->frame);
		free(r);
	}
}

void
es_serve_session_lost(struct estate *e)
{
	struct reply *r;

	for (struct estate_service *s = e->services; s != NULL; s = s->next)
		s->asked = false;
	while ((r = e->replies) != NULL) {
		e->replies = r->next;
		msgpack_sbuffer_destroy(&r->frame);
		free(r);
	}
}

/* [id, question, {"asker": …}] */
static bool
question_read(struct mp *m, struct estate_question *q)
{
	const uint8_t *bytes;
	const char *key, *s;
	uint32_t pairs, len, n;
	uint64_t ms = 0;

	if (!mp_uint(m, &q->id) || !mp_raw(m, &bytes, &q->len) || !mp_map(m, &pairs))
		return (false);
	q->bytes = bytes;
	while (pairs-- > 0) {
		if (!mp_str(m, &key, &len))
			return (false);
		if (mp_equal(key, len, "asker") && mp_str(m, &s, &n))
			es_copy_text(q->asker, sizeof(q->asker), s, n);
		else if (mp_equal(key, len, "page") && mp_str(m, &s, &n))
			es_copy_text(q->page, sizeof(q->page), s, n);
		else if (!((mp_equal(key, len, "personal") && mp_bool(m, &q->sees_personal)) ||
		    (mp_equal(key, len, "at_least") && mp_uint(m, &q->at_least)) ||
		    (mp_equal(key, len, "deadline_ms") && mp_uint(m, &ms)) || mp_skip(m)))
			return (false);
	}
	q->deadline_ms = ms < ASK_TIMEOUT_MS_MAX ? (unsigned)ms : ASK_TIMEOUT_MS_MAX;
	return (true);
}

bool
es_serve_on_asked(struct estate *e, uint64_t number, struct mp body, uint32_t elements)
{
	struct estate_service *s = service_find(e, number);
	struct estate_question q = { 0 };

	if (s == NULL)
		return (true);
	if (elements < 3 || !question_read(&body, &q))
		return (false);
	q.service = s->name;
	s->o.on_ask(s->o.user, &q);
	return (true);
}

bool
es_serve_on_fault(struct estate *e, uint64_t number, const struct estate_fault *f)
{
	struct estate_service *s = service_find(e, number);
	void (*on_ended)(void *, const struct estate_fault *);
	void *user;

	if (number >= ASK_ID_FIRST) {
		if (f->retry == ESTATE_SESSION)
			es_session_event(e, S_NO_SESSION, f);
		else
			es_notify(e, ESTATE_ANSWER_REFUSED, f->text, f);
		return (true);
	}
	if (s == NULL)
		return (false);
	if (f->retry == ESTATE_SESSION) {
		es_session_event(e, S_NO_SESSION, f);
		return (true);
	}
	on_ended = s->o.on_ended;
	user = s->o.user;
	service_free(s);
	if (on_ended != NULL)
		on_ended(user, f);
	return (true);
}

void
es_serve_free_all(struct estate *e)
{
	es_serve_session_lost(e);
	while (e->services != NULL)
		service_free(e->services);
}
