#include "ingest.h"

#include <stdio.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "bounds.h"
#include "session.h"

/* Requests are flat: an array, a map of arguments, lists in it.  Events travel as bin and are looked into by event_decode. */
static const struct mp_bounds bounds = { 4, PUT_EVENTS_MAX, true };

static const struct verb {
	const char *name;
	void (*handler)(struct daemon *, struct request *);
	uint32_t arguments;
} verbs[] = {
	{ "puts", put_on_puts, 1 },
	{ "put", put_on_put, 1 },
	{ "credit", subscription_on_credit, 2 },
	{ "ack", consumer_on_ack, 1 },
	{ "wake", progress_on_wake, 1 },
	{ "ping", control_on_ping, 0 },
	{ "get", control_on_get, 1 },
	{ "subscribe", subscription_on_subscribe, 1 },
	{ "unsubscribe", subscription_on_unsubscribe, 0 },
	{ "resume", put_on_resume, 0 },
	{ "status", control_on_status, 0 },
	{ "consumers", operate_on_consumers, 0 },
	{ "consumer", operate_on_consumer, 1 },
	{ "bye", control_on_bye, 0 },
	{ "backup", control_on_backup, 1 },
	{ "clock-accept", control_on_clock_accept, 0 },
};

/* Answer a peer that may have no session. */
static void
nak_stranger(struct daemon *d, const uint8_t *id, size_t id_len, uint64_t number, int code, const char *path, const char *detail)
{
	struct answer a;
	zmq_msg_t m;

	d->counters.naks++;
	d->counters.refused[code]++;
	answer_nak(&a, number, code, -1, path, detail);
	answer_finish(&a, &m);
	(void)zsock_send(d->zsock, id, id_len, &m);
}

void
request_nak(struct daemon *d, const struct request *r, int code, const char *path, const char *detail)
{
	session_nak(d, r->session, r->number, code, -1, path, detail);
}

/* The request's number, if the message gets that far: so that every refusal can carry it, whatever else is wrong. */
static uint64_t
glean_number(struct mp m)
{
	uint64_t number = 0;
	uint32_t elements;

	if (mp_array(&m, &elements) && elements >= 3 && mp_skip(&m) && mp_skip(&m))
		mp_uint(&m, &number);
	return (number);
}

/* What is wrong with the message as a whole: a code, with path and detail. */
static int
check_message(const struct mp *m, unsigned frames, char *path, size_t path_len, const char **detail)
{
	enum mp_fault f;
	size_t where;

	if (frames != 1) {
		snprintf(path, path_len, "frame 2");
		*detail = "a message is one frame";
		return (E_MALFORMED);
	}
	if ((size_t)(m->end - m->p) > MESSAGE_BYTES_MAX) {
		snprintf(path, path_len, "message");
		*detail = "at most 1 MiB a message";
		return (E_TOO_LARGE);
	}
	if ((f = mp_check(m, &bounds, &where)) == MP_OK)
		return (0);
	snprintf(path, path_len, "byte %zu", where);
	*detail = mp_fault_text(f);
	return (f == MP_TOO_DEEP ? E_TOO_DEEP : f == MP_TOO_MANY ? E_TOO_MANY : f == MP_BAD_UTF8 ? E_UTF8 :
	    f == MP_DUPLICATE_KEY ? E_DUPLICATE_KEY : E_MALFORMED);
}

/* [version, verb, number, …]: 0, or a code with the path of what is wrong. */
static int
read_head(struct mp *m, const char **verb, uint32_t *verb_len, struct request *r, const char **path, const char **detail)
{
	uint64_t version;
	uint32_t elements;

	*path = "message";
	*detail = "[1, verb, number, …]";
	if (!mp_array(m, &elements) || elements < 3)
		return (E_MALFORMED);
	*path = "[0]";
	if (!mp_uint(m, &version))
		return (E_MALFORMED);
	if (version != PROTOCOL_VERSION) {
		*detail = "versions spoken here: 1";
		return (E_VERSION);
	}
	*path = "[1]";
	*detail = "the verb is a string";
	if (!mp_str(m, verb, verb_len))
		return (E_MALFORMED);
	*path = "[2]";
	*detail = "the number is an unsigned integer";
	if (!mp_uint(m, &r->number))
		return (E_MALFORMED);
	r->left = elements - 3;
	return (0);
}

static const struct verb *
find_verb(const char *s, uint32_t len)
{
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (mp_equal(s, len, verbs[i].name))
			return (&verbs[i]);
	return (NULL);
}

void
ingest_on_message(void *arg, const uint8_t *id, size_t id_len, const char *peer, zmq_msg_t *body, unsigned frames)
{
	struct daemon *d = arg;
	struct request r = { .body = body, .bytes = zmq_msg_size(body) };
	const char *name = NULL, *path, *detail;
	const struct verb *verb;
	uint32_t name_len = 0;
	char place[32];
	int code;

	d->counters.messages++;
	r.m = mp_over(zmq_msg_data(body), r.bytes);
	r.number = glean_number(r.m);
	if ((code = check_message(&r.m, frames, place, sizeof(place), &detail)) != 0)
		path = place;
	else
		code = read_head(&r.m, &name, &name_len, &r, &path, &detail);
	if (code != 0) {
		d->counters.malformed++;
		nak_stranger(d, id, id_len, r.number, code, path, detail);
		return;
	}
	if (mp_equal(name, name_len, "hello")) {
		hello_on_hello(d, &r, id, id_len, peer);
		return;
	}
	if ((r.session = session_find(d, id, id_len, peer)) == NULL) {
		d->counters.no_session++;
		nak_stranger(d, id, id_len, r.number, E_NO_SESSION, NULL, NULL);
		return;
	}
	r.session->heard_ns = monotonic_now();
	if ((verb = find_verb(name, name_len)) == NULL)
		request_nak(d, &r, E_VERB, "[1]",
		    "hello put puts resume subscribe credit ack wake unsubscribe get status consumers consumer ping backup clock-accept bye");
	else if (r.left != verb->arguments)
		request_nak(d, &r, E_ARGUMENT, "[3]", r.left < verb->arguments ? "an argument is missing" : "an argument too many");
	else
		verb->handler(d, &r);
}
