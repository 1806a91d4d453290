/* Requests that are asked once and answered once: get, status, backup, ping, clock-accept. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static struct request *
request_find(struct estate *e, uint64_t number)
{
	for (struct request *r = e->requests; r != NULL; r = r->next)
		if (r->number == number && r->sent)
			return (r);
	return (NULL);
}

/* Off the list, so that a callback may ask for more, or for the same again. */
static void
request_take(struct estate *e, const struct request *r)
{
	struct request **at = &e->requests;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
}

static void
request_free(struct request *r)
{
	msgpack_sbuffer_destroy(&r->frame);
	free(r);
}

static int
request_new(struct estate *e, const char *verb, const void *argument, size_t len,
    void (*on_answer)(void *, const struct estate_answer *), void *user, uint64_t *number)
{
	struct request *r, **at = &e->requests;
	msgpack_packer p;

	if (verb == NULL || strlen(verb) > 32 || len > MESSAGE_BYTES_MAX / 2 || on_answer == NULL)
		return (ESTATE_INVALID);
	if (e->s.state == ESTATE_STOPPED)
		return (ESTATE_REFUSED);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (ESTATE_SYSTEM);
	r->number = *number = es_next_number(e);
	r->on_answer = on_answer;
	r->user = user;
	msgpack_sbuffer_init(&r->frame);
	msgpack_packer_init(&p, &r->frame, msgpack_sbuffer_write);
	pack_head(&p, verb, r->number, argument != NULL);
	if (argument != NULL)
		msgpack_sbuffer_write(&r->frame, argument, len);
	while (*at != NULL)
		at = &(*at)->next;
	*at = r;
	return (0);
}

int
estate_request(struct estate *e, const char *verb, const void *argument, size_t len,
    void (*on_answer)(void *, const struct estate_answer *), void *user)
{
	uint64_t number;

	return (request_new(e, verb, argument, len, on_answer, user, &number));
}

void
es_request_flush(struct estate *e)
{
	if (e->s.state != ESTATE_LIVE && e->s.state != ESTATE_HELD)
		return;
	for (struct request *r = e->requests; r != NULL; r = r->next)
		if (!r->sent && !(r->sent = es_transport_send(e, r->frame.data, r->frame.size)))
			return;
}

/* The last answer: r is gone before the callback runs. */
static void
request_end(struct estate *e, struct request *r, const struct estate_answer *a)
{
	request_take(e, r);
	r->on_answer(r->user, a);
	request_free(r);
}

/* Those on their way are lost; when the daemon refused us for good, so are those that wait. */
void
es_request_session_lost(struct estate *e, bool refused)
{
	struct estate_answer a = { .verb = "", .error = refused ? ESTATE_REFUSED : ESTATE_LOST, .final = true };
	struct request *r;

	do {
		for (r = e->requests; r != NULL && !r->sent && !refused; r = r->next)
			;
		if (r != NULL)
			request_end(e, r, &a);
	} while (r != NULL);
}

bool
es_request_on_answer(struct estate *e, uint64_t number, const char *verb, uint32_t verb_len, struct mp body, uint32_t elements)
{
	struct request *r = request_find(e, number);
	char name[33];
	struct estate_answer a = { .verb = name, .body = body.p, .len = (size_t)(body.end - body.p), .elements = elements };

	if (r == NULL)
		return (false);
	es_copy_text(name, sizeof(name), verb, verb_len);
	a.final = strcmp(name, "accepted") != 0;
	if (a.final)
		request_end(e, r, &a);
	else
		r->on_answer(r->user, &a);
	return (true);
}

bool
es_request_on_nak(struct estate *e, uint64_t number, const struct estate_fault *f)
{
	struct request *r = request_find(e, number);
	struct estate_answer a = { .verb = "", .error = f->code, .fault = f, .final = true };

	if (r == NULL)
		return (false);
	if (f->retry == ESTATE_SESSION) {
		/* It was not carried out: it is due again in the next session. */
		r->sent = false;
		es_session_event(e, S_NO_SESSION, f);
	} else
		request_end(e, r, &a);
	return (true);
}

void
es_request_free_all(struct estate *e)
{
	struct request *r;

	while ((r = e->requests) != NULL) {
		e->requests = r->next;
		request_free(r);
	}
}

/* What estate_call() waits for. */
struct call {
	void (*on_answer)(void *, const struct estate_answer *);
	void *user;
	bool done;
	int error;
};

static void
call_answered(void *user, const struct estate_answer *a)
{
	struct call *c = user;

	c->done = a->final;
	c->error = a->error;
	if (c->on_answer != NULL)
		c->on_answer(c->user, a);
}

int
estate_call(struct estate *e, const char *verb, const void *argument, size_t len, int timeout_ms,
    void (*on_answer)(void *, const struct estate_answer *), void *user)
{
	struct call c = { on_answer, user, false, 0 };
	struct request *r;
	int64_t until = es_monotonic_ms() + timeout_ms, left = -1;
	uint64_t number;
	int n;

	if (e->inside)
		return (ESTATE_INSIDE);
	if ((n = request_new(e, verb, argument, len, call_answered, &c, &number)) != 0)
		return (n);
	while (!c.done) {
		if (timeout_ms >= 0 && (left = until - es_monotonic_ms()) <= 0) {
			n = ESTATE_TIMEOUT;
			break;
		}
		if ((n = estate_pump(e, (int)left)) < 0)
			break;
	}
	if (c.done)
		return (c.error);
	for (r = e->requests; r != NULL && r->number != number; r = r->next)
		;
	if (r != NULL) {
		request_take(e, r);
		request_free(r);
	}
	return (n);
}
