#include "ask.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "personal.h"
#include "refusals.h"
#include "session.h"

_Static_assert((ASKS_MAX & (ASKS_MAX - 1)) == 0, "slots are found by the low bits");
_Static_assert(SERVICE_WINDOW < SEND_HWM, "what a service is asked at once fits beside its events");

/* A service that did not read is tried again after so long. */
#define BLOCKED_NS	5000000ull

/* libzmq tells of a connection's end a moment before it refuses to send there. */
#define PROBE_US	10000

/* A timer that fires a little early is not sent to sleep again. */
#define SLACK_NS	1000000ull

/* Path, detail or name of a service's refusal, beyond which it is cut. */
#define REFUSAL_CHARS	256

static struct ask *
find(struct daemon *d, uint64_t id)
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

/* Out of everything but its asker's hands; the reference is the caller's now. */
static struct session *
take_out(struct daemon *d, struct ask *a)
{
	struct service *s = a->service;
	struct session *asker = a->asker;

	TAILQ_REMOVE(a->sent ? &s->asked : &s->waiting, a, link);
	s->asked_count -= a->sent;
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
ask_drop(struct daemon *d, struct ask *a)
{
	session_unref(take_out(d, a));
}

void
ask_refuse(struct daemon *d, struct ask *a, int code, const char *path, const char *detail)
{
	uint64_t number = a->number;
	struct session *asker = take_out(d, a);

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

/* False: its session has ended, and the service with it. */
static bool
tell_more(struct daemon *d, struct service *s)
{
	struct ask *a;
	int e;

	while (!s->blocked && s->asked_count < SERVICE_WINDOW && (a = TAILQ_FIRST(&s->waiting)) != NULL) {
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

/* ---- ask ---- */

/* An ask as its message says it; texts and bytes are lent from that. */
struct wish {
	const char *service, *page;
	uint32_t service_len, page_len;
	const uint8_t *question;
	size_t question_len;
	uint64_t at_least, timeout_ms;
};

static int
bad(struct data_fault *f, int code, const char *path, const char *detail)
{
	f->code = code;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (code);
}

/* A map with a name; the arguments beside it are the service's. */
static bool
question_valid(struct mp m)
{
	uint32_t pairs, len, n;
	const char *key, *name;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
		if (mp_equal(key, len, "name"))
			return (mp_str(&m, &name, &n) && id_valid(name, n));
		mp_skip(&m);
	}
	return (false);
}

static int
read_key(struct wish *w, const char *key, uint32_t len, struct mp *m, struct data_fault *f)
{
	struct mp at = *m;

	if (mp_equal(key, len, "service"))
		return (mp_str(m, &w->service, &w->service_len) && id_valid(w->service, w->service_len) ? 0 :
		    bad(f, E_ARGUMENT, "service", "a name: 1 to 64 characters of A-Z a-z 0-9 . _ : / -"));
	if (mp_equal(key, len, "question")) {
		mp_raw(m, &w->question, &w->question_len);
		if (w->question_len > ASK_QUESTION_BYTES_MAX)
			return (bad(f, E_TOO_LARGE, "question", "at most 16 KiB a question"));
		return (question_valid(at) ? 0 : bad(f, E_ARGUMENT, "question", "a map with a name, an id, and arguments beside it"));
	}
	if (mp_equal(key, len, "at_least"))
		return (mp_uint(m, &w->at_least) ? 0 : bad(f, E_ARGUMENT, "at_least", "a sequence number"));
	if (mp_equal(key, len, "timeout_ms"))
		return (mp_uint(m, &w->timeout_ms) && w->timeout_ms > 0 && w->timeout_ms <= ASK_TIMEOUT_MS_MAX ? 0 :
		    bad(f, E_ARGUMENT, "timeout_ms", "1 to 60000 milliseconds"));
	if (mp_equal(key, len, "page"))
		return (mp_str(m, &w->page, &w->page_len) && w->page_len > 0 && w->page_len <= ASK_PAGE_BYTES_MAX ? 0 :
		    bad(f, E_ARGUMENT, "page", "the `next` of an answer, as it was: 1 to 256 bytes"));
	return (bad(f, E_ARGUMENT, "ask", "known keys: service question at_least timeout_ms page"));
}

static int
read_wish(struct wish *w, struct mp *m, struct data_fault *f)
{
	uint32_t pairs, len;
	const char *key;
	int code;

	memset(w, 0, sizeof(*w));
	w->timeout_ms = ASK_TIMEOUT_MS;
	if (!mp_map(m, &pairs))
		return (bad(f, E_ARGUMENT, "[3]", "a map of arguments"));
	for (; pairs > 0; pairs--) {
		mp_str(m, &key, &len);
		if ((code = read_key(w, key, len, m, f)) != 0)
			return (code);
	}
	if (w->service == NULL || w->question == NULL)
		return (bad(f, E_ARGUMENT, w->service == NULL ? "service" : "question", "is missing"));
	return (0);
}

/* Who answers; one whose right to do so was taken away does not any more. */
static struct service *
find_service(struct daemon *d, const struct wish *w)
{
	struct service *s = services_find(d, w->service, w->service_len);

	if (s == NULL || client_may_answer(s->session->who, w->service, w->service_len))
		return (s);
	services_end(d, s, E_FORBIDDEN, "this client may not answer for that service any more");
	return (NULL);
}

/* May this be asked now, and of whom?  The ask counts as its asker's when this is 0. */
static int
check_wish(struct daemon *d, struct client *who, const struct wish *w, struct service **s, struct data_fault *f)
{
	if (!client_may_ask(who, w->service, w->service_len)) {
		refusals_note(d, who->name, REFUSED_ASK);
		return (bad(f, E_FORBIDDEN, "service", "this client may not ask that service"));
	}
	if (w->at_least > d->durable) {
		bad(f, E_BEYOND_END, "at_least", "");
		snprintf(f->detail, sizeof(f->detail), "the log ends with %llu", (unsigned long long)d->durable);
		return (f->code);
	}
	if ((*s = find_service(d, w)) == NULL)
		return (bad(f, E_NO_SERVICE, "service", "the request `services` lists those there are"));
	if ((*s)->count >= ASKS_PER_SERVICE_MAX || (*s)->bytes + w->question_len > ASK_BYTES_PER_SERVICE_MAX || d->asks->count >= ASKS_MAX)
		return (bad(f, E_BUSY, "service", "too many asks wait for an answer of that service"));
	if (!client_ask_on(who, w->question_len))
		return (bad(f, E_BUSY, "", "too many asks of this client wait for an answer"));
	return (0);
}

void
ask_on_ask(struct daemon *d, struct request *r)
{
	struct session *asker = session_ref(r->session);
	struct service *s = NULL;
	struct data_fault f = { 0 };
	struct wish w;
	struct ask *a;

	if (read_wish(&w, &r->m, &f) != 0 || check_wish(d, asker->who, &w, &s, &f) != 0) {
		d->counters.asks_refused++;
		session_nak(d, asker, r->number, f.code, -1, f.path, f.detail);
		session_unref(asker);
		return;
	}
	d->counters.asks++;
	a = must_alloc(sizeof(*a) + w.question_len);
	memset(a, 0, sizeof(*a));
	a->service = s;
	a->asker = asker;
	a->number = r->number;
	a->at_least = w.at_least;
	a->deadline_ns = monotonic_now() + w.timeout_ms * 1000000u;
	if (w.page != NULL)
		memcpy(a->page, w.page, a->page_len = w.page_len);
	memcpy(a->question, w.question, w.question_len);
	a->question_len = (uint32_t)w.question_len;
	while (d->asks->slots[d->asks->next_id % ASKS_MAX] != NULL)
		d->asks->next_id++;
	a->id = d->asks->next_id++;
	d->asks->slots[a->id % ASKS_MAX] = a;
	d->asks->count++;
	s->count++;
	s->bytes += w.question_len;
	TAILQ_INSERT_TAIL(&s->waiting, a, link);
	arm(d, a->deadline_ns);
	event_active(d->asks->turn, EV_TIMEOUT, 0);
}

/* ---- answer ---- */

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
	struct session *asker = take_out(d, a);
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
	struct ask *a = find(d, id);

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
	struct ask *a = find(d, r->number);
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
