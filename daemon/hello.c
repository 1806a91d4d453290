/* hello: a session begins, and the client learns which log this is. */
#include <stdio.h>
#include <string.h>

#include "admit.h"
#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "ingest.h"
#include "bounds.h"
#include "refusals.h"
#include "session.h"

struct greeting {
	const char *client, *log, *software;
	uint32_t client_len, log_len, software_len;
	uint64_t epoch, cursor;
	bool has_epoch, has_cursor;
};

static int
bad(struct data_fault *f, int code, const char *path, const char *detail)
{
	f->code = code;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (code);
}

static int
read_key(struct greeting *g, const char *key, uint32_t len, struct mp *m, struct data_fault *f)
{
	if (mp_equal(key, len, "client"))
		return (mp_str(m, &g->client, &g->client_len) && id_valid(g->client, g->client_len) ? 0 :
		    bad(f, E_ARGUMENT, "client", "the program's name: 1 to 64 characters of A-Z a-z 0-9 . _ : / -"));
	if (mp_equal(key, len, "software"))
		return (mp_str(m, &g->software, &g->software_len) && g->software_len <= 64 ? 0 :
		    bad(f, E_ARGUMENT, "software", "a string of at most 64 bytes"));
	if (mp_equal(key, len, "log"))
		return (mp_str(m, &g->log, &g->log_len) ? 0 : bad(f, E_ARGUMENT, "log", "a string"));
	if (mp_equal(key, len, "epoch"))
		return ((g->has_epoch = mp_uint(m, &g->epoch)) ? 0 : bad(f, E_ARGUMENT, "epoch", "an unsigned integer"));
	if (mp_equal(key, len, "cursor"))
		return ((g->has_cursor = mp_uint(m, &g->cursor)) ? 0 : bad(f, E_ARGUMENT, "cursor", "an unsigned integer"));
	return (bad(f, E_ARGUMENT, "hello", "known keys: client software log epoch cursor"));
}

static int
check_log(const struct daemon *d, const struct greeting *g, struct data_fault *f)
{
	const struct identity *id = &d->store->identity;
	char detail[128];

	if ((g->log != NULL && !mp_equal(g->log, g->log_len, id->uuid_text)) || (g->has_epoch && g->epoch != id->epoch)) {
		snprintf(detail, sizeof(detail), "this log is %s, epoch %llu", id->uuid_text, (unsigned long long)id->epoch);
		return (bad(f, E_OTHER_LOG, "log", detail));
	}
	if (g->has_cursor && g->cursor > d->durable) {
		snprintf(detail, sizeof(detail), "the last event is %llu", (unsigned long long)d->durable);
		return (bad(f, E_BEYOND_END, "cursor", detail));
	}
	return (0);
}

static int
read_greeting(struct daemon *d, struct request *r, struct greeting *g, struct data_fault *f)
{
	uint32_t pairs, len;
	const char *key;
	int code;

	memset(g, 0, sizeof(*g));
	if (r->left != 1 || !mp_map(&r->m, &pairs))
		return (bad(f, E_ARGUMENT, "[3]", "a map with the key client"));
	for (; pairs > 0; pairs--) {
		mp_str(&r->m, &key, &len);
		if ((code = read_key(g, key, len, &r->m, f)) != 0)
			return (code);
	}
	if (g->client == NULL)
		return (bad(f, E_ARGUMENT, "client", "the program's name is missing"));
	return (check_log(d, g, f));
}

static void
pack_bounds(struct answer *a)
{
	answer_text(a, "bounds");
	msgpack_pack_map(&a->packer, 6);
	answer_key_uint(a, "event_bytes", EVENT_BYTES_MAX);
	answer_key_uint(a, "message_bytes", MESSAGE_BYTES_MAX);
	answer_key_uint(a, "put_events", PUT_EVENTS_MAX);
	answer_key_uint(a, "credit_events", CREDIT_EVENTS_MAX);
	answer_key_uint(a, "credit_bytes", CREDIT_BYTES_MAX);
	answer_key_uint(a, "session_idle_s", SESSION_IDLE_S);
}

static void
welcome(struct daemon *d, struct session *s, uint64_t number)
{
	struct answer a;

	answer_begin(&a, "welcome", number, 4);
	msgpack_pack_map(&a.packer, 12);
	answer_key_text(&a, "log", d->store->identity.uuid_text);
	answer_key_uint(&a, "epoch", d->store->identity.epoch);
	answer_key_uint(&a, "first", store_first_seq(d->store));
	answer_key_uint(&a, "last", d->durable);
	answer_key_uint(&a, "log_time", d->log_time);
	answer_key_uint(&a, "credit", client_credit(s->who));
	answer_key_text(&a, "sender", s->sender);
	answer_key_text(&a, "server", "estated " ESTATE_VERSION);
	answer_key_uint(&a, "version", PROTOCOL_VERSION);
	answer_text(&a, "versions");
	msgpack_pack_array(&a.packer, 1);
	msgpack_pack_uint64(&a.packer, PROTOCOL_VERSION);
	pack_bounds(&a);
	answer_text(&a, "rights");
	answer_rights(&a, s->who);
	session_send(d, s, &a);
}

/* The peer's client, or a code. */
static int
admit_peer(struct daemon *d, const char *peer, struct client **who, struct data_fault *f)
{
	char why[sizeof(f->detail)];

	if ((*who = admit(d, peer, why, sizeof(why))) != NULL)
		return (0);
	refusals_note_peer(d, peer);
	return (bad(f, E_FORBIDDEN, "", why));
}

void
hello_on_hello(struct daemon *d, struct request *r, const uint8_t *id, size_t id_len, const char *peer)
{
	struct session *old = session_find(d, id, id_len, peer);
	struct client *who = NULL;
	struct data_fault f = { 0 };
	struct greeting g;
	struct answer a;
	zmq_msg_t m;
	int code;

	/* First: a stranger learns nothing of the log. */
	if ((code = admit_peer(d, peer, &who, &f)) == 0 && (code = read_greeting(d, r, &g, &f)) == 0) {
		if (old != NULL)
			session_end(d, old);
		r->session = session_begin(d, id, id_len, peer, who, g.client, g.client_len);
		if (r->session == NULL)
			code = bad(&f, E_BUSY, "", "too many sessions");
	}
	client_unref(who);
	if (code == 0) {
		welcome(d, r->session, r->number);
		return;
	}
	d->counters.naks++;
	d->counters.refused[code]++;
	answer_nak(&a, r->number, code, -1, f.path, f.detail);
	answer_finish(&a, &m);
	(void)zsock_send(d->zsock, id, id_len, &m);
}
