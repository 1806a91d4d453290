/* consumers, consumer: what operators see of the readers with names, and do to them.  An order is an event in the log before it is
 * carried out, and on the disk before it is answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "ingest.h"
#include "lag.h"
#include "log.h"
#include "place.h"
#include "session.h"
#include "subscription.h"

#define REASON_BYTES_MAX	1000u

enum deed { DEED_NONE, DEED_PAUSE, DEED_RESUME, DEED_RESET, DEED_DELETE };

static const struct {
	const char *name, *event;
} deeds[] = {
	[DEED_PAUSE] = { "pause", "consumer.paused" },
	[DEED_RESUME] = { "resume", "consumer.resumed" },
	[DEED_RESET] = { "reset", "consumer.reset" },
	[DEED_DELETE] = { "delete", "consumer.deleted" },
};

/* An order, from its request until its event is durable. */
struct order {
	struct session *session;	/* a reference */
	uint64_t number;
	enum deed deed;
	char name[ID_CHARS_MAX + 1];
	struct place to;
	uint64_t cursor;		/* of a reset: the new one */
	char reason[REASON_BYTES_MAX + 1];
};

static int
bad(struct data_fault *f, int code, const char *path, const char *detail)
{
	f->code = code;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (code);
}

static enum deed
read_deed(const char *s, uint32_t len)
{
	for (unsigned i = DEED_PAUSE; i <= DEED_DELETE; i++)
		if (mp_equal(s, len, deeds[i].name))
			return ((enum deed)i);
	return (DEED_NONE);
}

static int
read_key(struct order *o, const char *key, uint32_t len, struct mp *m, struct data_fault *f)
{
	const char *s;
	uint32_t n;

	if (mp_equal(key, len, "to"))
		return (place_read(&o->to, m) ? 0 : bad(f, E_ARGUMENT, "to", PLACE_FORMS));
	if (mp_equal(key, len, "name")) {
		if (!mp_str(m, &s, &n) || !id_valid(s, n))
			return (bad(f, E_ARGUMENT, "name", "a name: 1 to 64 characters of A-Z a-z 0-9 . _ : / -"));
		snprintf(o->name, sizeof(o->name), "%.*s", (int)n, s);
		return (0);
	}
	if (mp_equal(key, len, "do"))
		return (mp_str(m, &s, &n) && (o->deed = read_deed(s, n)) != DEED_NONE ? 0 :
		    bad(f, E_ARGUMENT, "do", "pause, resume, reset or delete"));
	if (mp_equal(key, len, "reason")) {
		if (!mp_str(m, &s, &n) || n > REASON_BYTES_MAX)
			return (bad(f, E_ARGUMENT, "reason", "a text of at most 1000 bytes"));
		snprintf(o->reason, sizeof(o->reason), "%.*s", (int)n, s);
		return (0);
	}
	return (bad(f, E_ARGUMENT, "consumer", "known keys: name do to reason"));
}

static int
read_order(struct daemon *d, struct order *o, struct mp *m, struct data_fault *f)
{
	uint32_t pairs, len;
	const char *key;
	uint64_t next;
	int code;

	if (!mp_map(m, &pairs))
		return (bad(f, E_ARGUMENT, "[3]", "a map of arguments"));
	for (; pairs > 0; pairs--) {
		mp_str(m, &key, &len);
		if ((code = read_key(o, key, len, m, f)) != 0)
			return (code);
	}
	if (o->name[0] == '\0' || o->deed == DEED_NONE)
		return (bad(f, E_ARGUMENT, o->name[0] == '\0' ? "name" : "do", "is missing"));
	if ((o->deed == DEED_RESET) != (o->to.kind != PLACE_UNSAID))
		return (bad(f, E_ARGUMENT, "to", "reset needs it, nothing else has it"));
	if (consumer_find(d, o->name, strlen(o->name)) == NULL)
		return (bad(f, E_NO_CONSUMER, "name", "estate consumers lists those there are"));
	if (o->deed == DEED_RESET && (code = place_find(d, &o->to, &next, "to", f)) != 0)
		return (code);
	o->cursor = o->deed == DEED_RESET ? next - 1 : 0;
	return (0);
}

static void
carry_out(struct daemon *d, const struct order *o, struct consumer *c)
{
	switch (o->deed) {
	case DEED_PAUSE:
		c->paused = true;
		break;
	case DEED_RESUME:
		c->paused = false;
		fanout_wake(d);
		break;
	case DEED_RESET:
		c->cursor = o->cursor;
		c->released = c->alarmed = false;
		c->moved = true;	/* who is away now and comes back as itself must not undo it */
		consumer_dismiss(d, c, E_RESET, "an operator moved it: subscribe again");
		break;
	case DEED_DELETE:
		consumer_delete(d, c);
		break;
	case DEED_NONE:
		break;
	}
}

static void
on_stored(struct daemon *d, void *arg, int code)
{
	struct order *o = arg;
	struct consumer *c = consumer_find(d, o->name, strlen(o->name));
	const char *detail = NULL;
	struct answer a;

	if (code == 0 && c == NULL)
		code = E_NO_CONSUMER;	/* deleted by the order before this one */
	if (code == 0) {
		log_info("an operator's order to a consumer", "name=%s do=%s by=%s", o->name, deeds[o->deed].name, o->session->sender);
		carry_out(d, o, c);
		if (consumer_save(d) != 0) {
			code = E_DISK_FULL;
			detail = "done, but a restart would not know of it until there is room";
		}
	}
	if (code != 0)
		session_nak(d, o->session, o->number, code, -1, NULL, detail);
	else {
		answer_begin(&a, "done", o->number, 4);
		msgpack_pack_map(&a.packer, 0);
		session_send(d, o->session, &a);
	}
	session_unref(o->session);
	free(o);
}

void
operate_on_consumer(struct daemon *d, struct request *r)
{
	struct own_consumer_event e = { .on_stored = on_stored };
	struct order *o = must_alloc(sizeof(*o));
	struct data_fault f;
	int code;

	memset(o, 0, sizeof(*o));
	if (control_refuse_stranger(d, r)) {
		free(o);
		return;
	}
	if ((code = read_order(d, o, &r->m, &f)) != 0) {
		free(o);
		request_nak(d, r, code, f.path, f.detail);
		return;
	}
	o->session = session_ref(r->session);
	o->number = r->number;
	e.type = deeds[o->deed].event;
	e.name = o->name;
	e.by = r->session->sender;
	e.from = consumer_find(d, o->name, strlen(o->name))->cursor;
	e.to = o->deed == DEED_RESET ? o->cursor : OWN_EVENT_NONE;
	e.reason = o->reason[0] != '\0' ? o->reason : NULL;
	e.arg = o;
	own_event_consumer(d, &e);
	intake_turn(d);
}

static void
pack_row(struct daemon *d, struct answer *a, struct consumer *c)
{
	const struct session *s = c->member != NULL ? c->member->session : NULL;
	struct lag lag;

	lag_measure(d, c, &lag);
	msgpack_pack_map(&a->packer, (s != NULL ? 12 : 10) + (lag.loss_ns != LAG_NEVER));
	answer_key_text(a, "name", c->name);
	answer_key_uint(a, "cursor", c->cursor);
	answer_key_uint(a, "lag_events", lag.events);
	answer_key_uint(a, "lag_bytes", lag.bytes);
	answer_key_int(a, "lag_ns", lag.age_ns);
	if (lag.loss_ns != LAG_NEVER)
		answer_key_int(a, "loss_ns", lag.loss_ns);
	answer_key_uint(a, "member", c->epoch);
	answer_key_bool(a, "connected", s != NULL);
	if (s != NULL) {
		answer_key_text(a, "client", s->client);
		answer_key_text(a, "sender", s->sender);
	}
	answer_key_bool(a, "paused", c->paused);
	answer_key_bool(a, "released", c->released);
	answer_key_text(a, "owner", c->owner);
}

void
operate_on_consumers(struct daemon *d, struct request *r)
{
	struct consumer *c;
	struct answer a;

	answer_begin(&a, "consumers", r->number, 4);
	msgpack_pack_array(&a.packer, d->consumer_count);
	STAILQ_FOREACH(c, &d->consumers, link)
		pack_row(d, &a, c);
	session_send(d, r->session, &a);
}
