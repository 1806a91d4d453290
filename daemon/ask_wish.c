/* ask: a wish becomes an ask that waits (ask.c), if it is one, and may be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "refusals.h"
#include "session.h"

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
	ask_add(d, a);
}
