/* answer: what a service says to a question, shown to its asker as that may see it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "personal.h"
#include "session.h"

/* Path and detail of a service's refusal, terminated. */
#define REFUSAL_CHARS	256

static int
bad(struct data_fault *f, int code, const char *path, const char *detail)
{
	f->code = code;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (code);
}

/* What the service says: an answer, or why there is none. */
struct reply {
	const uint8_t *answer;
	uint32_t answer_len, next_len;
	const char *next;
	bool has_seq;
	uint64_t seq;
	int refused;
	char path[REFUSAL_CHARS], detail[REFUSAL_CHARS];
};

/* A code that one may answer with: to be told to say hello would end the asker's session. */
static int
code_named(const char *name, uint32_t len)
{
	for (unsigned i = 0; errcode_at(i) != 0; i++)
		if (mp_equal(name, len, errcode_name(errcode_at(i))) && errcode_retry(errcode_at(i)) != RETRY_SESSION)
			return (errcode_at(i));
	return (0);
}

static bool
read_text(struct mp *m, char out[REFUSAL_CHARS])
{
	const char *s;
	uint32_t len;

	if (!mp_str(m, &s, &len) || len >= REFUSAL_CHARS)
		return (false);
	snprintf(out, REFUSAL_CHARS, "%.*s", (int)len, s);
	return (true);
}

static int
read_reply_key(struct reply *p, const char *key, uint32_t len, struct mp *m, struct data_fault *f)
{
	const char *s;
	uint32_t n;

	if (mp_equal(key, len, "answer")) {
		if (!mp_bin(m, &p->answer, &p->answer_len))
			return (bad(f, E_BAD_ANSWER, "answer", "a bin that holds one packed map"));
		return (p->answer_len <= ASK_ANSWER_BYTES_MAX ? 0 :
		    bad(f, E_ANSWER_TOO_LARGE, "answer", "at most 1 MiB less 4 KiB: give a part, and `next` for the rest"));
	}
	if (mp_equal(key, len, "next"))
		return (mp_str(m, &p->next, &p->next_len) && p->next_len > 0 && p->next_len <= ASK_PAGE_BYTES_MAX ? 0 :
		    bad(f, E_BAD_ANSWER, "next", "a text of 1 to 256 bytes"));
	if (mp_equal(key, len, "seq"))
		return ((p->has_seq = mp_uint(m, &p->seq)) ? 0 : bad(f, E_BAD_ANSWER, "seq", "a sequence number"));
	if (mp_equal(key, len, "refused"))
		return (mp_str(m, &s, &n) && (p->refused = code_named(s, n)) != 0 ? 0 :
		    bad(f, E_BAD_ANSWER, "refused", "the name of a code of errcode.def, none that asks for a hello"));
	if (mp_equal(key, len, "path"))
		return (read_text(m, p->path) ? 0 : bad(f, E_BAD_ANSWER, "path", "a text of at most 255 bytes"));
	if (mp_equal(key, len, "detail"))
		return (read_text(m, p->detail) ? 0 : bad(f, E_BAD_ANSWER, "detail", "a text of at most 255 bytes"));
	return (bad(f, E_BAD_ANSWER, "[3]", "known keys: answer next seq, or refused path detail"));
}

static int
read_reply(struct reply *p, struct mp *m, struct data_fault *f)
{
	uint32_t pairs, len;
	const char *key;
	int code;

	memset(p, 0, sizeof(*p));
	if (!mp_map(m, &pairs))
		return (bad(f, E_BAD_ANSWER, "[3]", "a map"));
	for (; pairs > 0; pairs--) {
		mp_str(m, &key, &len);
		if ((code = read_reply_key(p, key, len, m, f)) != 0)
			return (code);
	}
	if ((p->answer == NULL) == (p->refused == 0))
		return (bad(f, E_BAD_ANSWER, "[3]", "either answer or refused"));
	return (0);
}

/* The answer as its asker may see it, malloc'ed; NULL if it is none. */
static uint8_t *
show(const struct reply *p, const struct client *asker, size_t *len, struct data_fault *f)
{
	uint8_t *shown = must_alloc(p->answer_len + 1u);

	f->detail[0] = '\0';
	*len = personal_show(p->answer, p->answer_len, client_sees_personal(asker), shown, f->detail, sizeof(f->detail));
	if (*len > 0)
		return (shown);
	free(shown);
	f->code = E_BAD_ANSWER;
	snprintf(f->path, sizeof(f->path), "answer");
	return (NULL);
}

static void
relay(struct daemon *d, struct ask *a, const struct reply *p, const uint8_t *shown, size_t len)
{
	uint64_t number = a->number;
	struct session *asker = ask_take_out(d, a);
	struct answer m;

	answer_begin(&m, "answered", number, 4);
	msgpack_pack_map(&m.packer, 1u + (p->next != NULL) + p->has_seq);
	answer_text(&m, "answer");
	msgpack_sbuffer_write(&m.buffer, (const char *)shown, len);
	if (p->next != NULL) {
		answer_text(&m, "next");
		answer_text_n(&m, p->next, p->next_len);
	}
	if (p->has_seq)
		answer_key_uint(&m, "seq", p->seq);
	session_send(d, asker, &m);
	session_unref(asker);
}

/* Whoever asked is told no more than that: what a bad answer holds is nobody's to see. */
static void
refuse_bad(struct daemon *d, struct ask *a, int code)
{
	d->counters.answers_refused++;
	ask_refuse(d, a, code == E_ANSWER_TOO_LARGE || code == E_TOO_LARGE ? E_ANSWER_TOO_LARGE : E_BAD_ANSWER, "service", a->service->name);
}

void
ask_unreadable(struct daemon *d, struct session *s, uint64_t id, int code)
{
	struct ask *a = ask_find(d, id);

	if (a != NULL && a->sent && a->service->session == s)
		refuse_bad(d, a, code);
}

static void
answer(struct daemon *d, struct session *server, struct request *r, struct ask *a)
{
	struct data_fault f = { 0 };
	uint8_t *shown = NULL;
	struct reply p;
	size_t len = 0;

	if (read_reply(&p, &r->m, &f) != 0 || (p.refused == 0 && (shown = show(&p, a->asker->who, &len, &f)) == NULL)) {
		refuse_bad(d, a, f.code);
		session_nak(d, server, r->number, f.code, -1, f.path, f.detail);
		return;
	}
	d->counters.asks_answered++;
	/* Rights may have changed while it waited. */
	if (!client_may_ask(a->asker->who, a->service->name, (uint32_t)strlen(a->service->name)))
		ask_refuse(d, a, E_FORBIDDEN, "service", "this client may not ask that service any more");
	else if (p.refused != 0)
		ask_refuse(d, a, p.refused, p.path, p.detail);
	else
		relay(d, a, &p, shown, len);
	free(shown);
}

void
ask_on_answer(struct daemon *d, struct request *r)
{
	struct ask *a = ask_find(d, r->number);
	struct session *server = session_ref(r->session);

	if (a == NULL || !a->sent || a->service->session != server) {
		d->counters.answers_refused++;
		request_nak(d, r, E_NO_ASK, "[2]", NULL);
	} else if (!client_may_answer(server->who, a->service->name, (uint32_t)strlen(a->service->name)))
		services_end(d, a->service, E_FORBIDDEN, "this client may not answer for that service any more");
	else
		answer(d, server, r, a);
	session_unref(server);
}
