/*
 * What providers tell later: a small HTTP door on loopback.
 *
 *	GET  /kannel?reference=KEY&type=N		1 delivered, 2 and 16 failed, others only passed by
 *	POST /json  {"reference": KEY, "status": "delivered"}	or "failed"; or {"provider_id": ID, "status": …} of what the provider called it
 *
 * KEY is the idempotency key that the message left with: the notification and how often an answer had ended it before.  200 is said when
 * the event is durable; so whoever hears nothing tells again, and what is told twice is one event.
 */
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "log.h"
#include "sender.h"

#define HEADER_BYTES_MAX	8192
#define BODY_BYTES_MAX		16384
#define PATIENCE_S		10
#define PENDING_MAX		1024u

struct receipts {
	struct evhttp *http;
	struct sender *sender;
	uint64_t unknown;		/* of messages that we do not know, since the start */
};

/* One whose event is being put. */
struct receipt {
	struct receipt *next;
	struct sender *sender;
	struct evhttp_request *request;	/* NULL: whoever told it has left */
};

/* What was told, and of what. */
struct told {
	struct sender *sender;
	char key[ID_TEXT_SIZE + 12], provider[100];
	bool failed, found, stale;
	char id[ID_TEXT_SIZE];
	struct row row;
};

static void
reply(struct evhttp_request *r, int code, const char *reason)
{
	evhttp_send_reply(r, code, reason, NULL);
}

static void
on_left(struct evhttp_connection *c, void *user)
{
	(void)c;
	((struct receipt *)user)->request = NULL;
}

static void
on_stored(void *user, uint64_t seq, bool duplicate, const char *refusal)
{
	struct receipt *p = user, **at = &p->sender->receipts_pending;
	char quoted[300];

	(void)seq;
	(void)duplicate;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (refusal != NULL)
		log_warn("a receipt was refused by the daemon", "reason=%s", log_quote(quoted, sizeof(quoted), refusal));
	if (p->request != NULL) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(p->request), NULL, NULL);
		reply(p->request, refusal == NULL ? HTTP_OK : HTTP_INTERNAL, refusal == NULL ? "OK" : "Refused");
	}
	free(p);
}

/* ---- Which message ---- */

static void
find_key(struct told *t, struct worker *w)
{
	const char *dot = strrchr(t->key, '.');
	size_t len = dot != NULL ? (size_t)(dot - t->key) : strlen(t->key);
	char *end = NULL;
	unsigned long lap = dot != NULL ? strtoul(dot + 1, &end, 10) : 0;

	if (len >= sizeof(t->id) || (dot != NULL && (*end != '\0' || end == dot + 1)))
		return;
	memcpy(t->id, t->key, len);
	t->id[len] = '\0';
	t->found = row_load(w, text_of(t->id), &t->row);
	t->stale = t->found && lap != t->row.f.laps;
}

static void
find_provider(struct told *t, struct worker *w)
{
	const struct settings *s = t->sender->settings;
	char key[STATE_KEY_MAX];
	const void *v;
	size_t n;

	for (unsigned i = 0; s != NULL && i < s->channel_count && !t->found; i++) {
		int len = snprintf(key, sizeof(key), "%s %s", s->channels[i].name, t->provider);

		if (!worker_get(w, PROVIDERS, key, (size_t)len, &v, &n) || n >= sizeof(t->id))
			continue;
		memcpy(t->id, v, n);
		t->id[n] = '\0';
		t->found = row_load(w, text_of(t->id), &t->row);
		t->stale = t->found && strcmp(t->row.provider, t->provider) != 0;
	}
}

static void
look_for(struct worker *w, void *user)
{
	struct told *t = user;

	if (t->key[0] != '\0')
		find_key(t, w);
	else
		find_provider(t, w);
}

/* ---- Taking it ---- */

static void
take(struct receipts *x, struct evhttp_request *r, const struct told *t)
{
	struct sender *s = x->sender;
	struct receipt *p;
	msgpack_sbuffer b;
	char id[ID_TEXT_SIZE];
	const char *by = t->key[0] != '\0' ? t->key : t->provider;

	p = alloc_or_exit(NULL, sizeof(*p));
	*p = (struct receipt){ s->receipts_pending, s, r };
	snprintf(id, sizeof(id), "%016" PRIx64 "-%c-%016llx", t->row.f.requested, t->failed ? 'f' : 'd', (unsigned long long)XXH64(by, strlen(by), 0));
	msgpack_sbuffer_init(&b);
	say(&b, &(struct said){ .type = t->failed ? "notification.failed" : "notification.delivered", .subject = t->row.subject, .id = id,
	    .notification = t->id, .urgency = urgency_names[t->row.f.urgency], .provider = t->provider, .reason = t->failed ? "the provider's receipt" : "",
	    .permanent = t->failed ? 1 : -1 });
	if (effects_put(s->effects, b.data, b.size, on_stored, p)) {
		s->receipts_pending = p;
		evhttp_connection_set_closecb(evhttp_request_get_connection(r), on_left, p);
	} else {
		free(p);
		reply(r, HTTP_SERVUNAVAIL, "Later");
	}
	msgpack_sbuffer_destroy(&b);
}

static void
judge(struct receipts *x, struct evhttp_request *r, struct told *t)
{
	unsigned pending = 0;

	for (const struct receipt *p = x->sender->receipts_pending; p != NULL; p = p->next)
		pending++;
	t->sender = x->sender;
	if (!effects_settled(x->sender->effects) || pending >= PENDING_MAX) {
		reply(r, HTTP_SERVUNAVAIL, "Later");
		return;
	}
	effects_look(x->sender->effects, look_for, t);
	if (t->found && t->stale && t->failed)
		reply(r, HTTP_OK, "Known");		/* what failed then was tried again since */
	else if (t->found)
		take(x, r, t);
	else if (x->sender->count > 0)
		reply(r, HTTP_SERVUNAVAIL, "Later");	/* faster than the answer that names it */
	else {
		x->unknown++;
		log_info("a receipt of a message that is not known", "count=%" PRIu64, x->unknown);
		reply(r, HTTP_NOTFOUND, "Unknown");
	}
}

static void
on_kannel(struct evhttp_request *r, void *user)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(r)), *key, *type;
	struct told t = { .failed = false };
	struct evkeyvalq q;

	if (query == NULL || evhttp_parse_query_str(query, &q) != 0) {
		reply(r, HTTP_BADREQUEST, "reference and type are expected");
		return;
	}
	key = evhttp_find_header(&q, "reference");
	type = evhttp_find_header(&q, "type");
	if (key == NULL || type == NULL || (size_t)snprintf(t.key, sizeof(t.key), "%s", key) >= sizeof(t.key) || t.key[0] == '\0')
		reply(r, HTTP_BADREQUEST, "reference and type are expected");
	else if (strcmp(type, "1") != 0 && strcmp(type, "2") != 0 && strcmp(type, "16") != 0)
		reply(r, HTTP_OK, "Passed by");
	else {
		t.failed = strcmp(type, "1") != 0;
		judge(user, r, &t);
	}
	evhttp_clear_headers(&q);
}

static bool
read_json(const json_t *o, struct told *t)
{
	const char *status = json_string_value(json_object_get(o, "status")), *key = json_string_value(json_object_get(o, "reference"));
	const char *provider = json_string_value(json_object_get(o, "provider_id"));

	if (status == NULL || (key == NULL && provider == NULL) || (strcmp(status, "delivered") != 0 && strcmp(status, "failed") != 0))
		return (false);
	t->failed = strcmp(status, "failed") == 0;
	return ((size_t)snprintf(t->key, sizeof(t->key), "%s", key != NULL ? key : "") < sizeof(t->key) &&
	    (size_t)snprintf(t->provider, sizeof(t->provider), "%s", provider != NULL ? provider : "") < sizeof(t->provider) &&
	    (t->key[0] != '\0' || t->provider[0] != '\0'));
}

static void
on_json(struct evhttp_request *r, void *user)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r);
	size_t len = evbuffer_get_length(in);
	struct told t = { .failed = false };
	json_t *o = json_loadb((const char *)evbuffer_pullup(in, -1), len, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(o) || !read_json(o, &t))
		reply(r, HTTP_BADREQUEST, "{\"reference\" or \"provider_id\", \"status\": \"delivered\" or \"failed\"} is expected");
	else
		judge(user, r, &t);
	json_decref(o);
}

static void
on_other(struct evhttp_request *r, void *user)
{
	(void)user;
	reply(r, HTTP_NOTFOUND, "/kannel or /json");
}

struct receipts *
receipts_open(struct sender *s, const char *listen, char *why, size_t size)
{
	struct receipts *x = memset(alloc_or_exit(NULL, sizeof(*x)), 0, sizeof(*x));
	const char *colon = strrchr(listen, ':');
	char host[64];

	x->sender = s;
	if ((x->http = evhttp_new(effects_base(s->effects))) == NULL)
		abort();
	/* Unlimited unless said. */
	evhttp_set_max_headers_size(x->http, HEADER_BYTES_MAX);
	evhttp_set_max_body_size(x->http, BODY_BYTES_MAX);
	evhttp_set_timeout(x->http, PATIENCE_S);
	evhttp_set_allowed_methods(x->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_cb(x->http, "/kannel", on_kannel, x);
	evhttp_set_cb(x->http, "/json", on_json, x);
	evhttp_set_gencb(x->http, on_other, x);
	snprintf(host, sizeof(host), "%.*s", colon != NULL ? (int)(colon - listen) : 0, listen);
	if (colon != NULL && evhttp_bind_socket(x->http, host, (uint16_t)strtoul(colon + 1, NULL, 10)) == 0)
		return (x);
	snprintf(why, size, "cannot listen on %s", listen);
	receipts_close(x);
	return (NULL);
}

void
receipts_close(struct receipts *x)
{
	if (x == NULL)
		return;
	evhttp_free(x->http);
	free(x);
}

void
receipts_forget(struct sender *s)
{
	while (s->receipts_pending != NULL) {
		struct receipt *p = s->receipts_pending;

		s->receipts_pending = p->next;
		free(p);
	}
}
