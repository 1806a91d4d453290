/* A question: which query it is for, what it takes, and the pages of its rows. */
#include "query.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "errcode.h"
#include "figures.h"
#include "log.h"
#include "personal.h"
#include "state.h"
#include "timers.h"

#define WITH_PAGES	"limit"

/* ---- Refusals ---- */

int
worker_refuse(struct worker *w, int code, const char *argument, const char *fmt, ...)
{
	struct query *q = w->query;
	va_list ap;

	if (q == NULL)
		return (worker_fail(w, "only a query refuses"));
	/* The first reason is the reason. */
	if (q->code != 0)
		return (-1);
	q->code = code;
	snprintf(q->path, sizeof(q->path), argument != NULL ? "question.%s" : "%s", argument != NULL ? argument : "");
	va_start(ap, fmt);
	vsnprintf(q->detail, sizeof(q->detail), fmt, ap);
	va_end(ap);
	return (-1);
}

static void
refuse_page(struct query *q, const char *detail)
{
	if (q->code != 0)
		return;
	q->code = E_ARGUMENT;
	snprintf(q->path, sizeof(q->path), "page");
	snprintf(q->detail, sizeof(q->detail), "%s", detail);
}

/* ---- Arguments ---- */

bool
query_argument(const struct query *q, const char *name, struct mp *value)
{
	struct mp m = q->question;
	uint32_t pairs, len;
	const char *key;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
		if (mp_equal(key, len, name)) {
			*value = m;
			return (true);
		}
		if (!mp_skip(&m))
			break;
	}
	return (false);
}

const char *
worker_asker(const struct worker *w)
{
	return (w->query != NULL ? w->query->asker : "");
}

bool
worker_asked_text(struct worker *w, const char *name, size_t len_max, struct text *t)
{
	struct mp m;

	*t = (struct text){ "", 0 };
	if (w->query == NULL || !query_argument(w->query, name, &m))
		return (false);
	if (mp_str(&m, &t->s, &t->len) && t->len <= len_max)
		return (true);
	*t = (struct text){ "", 0 };
	worker_refuse(w, E_ARGUMENT, name, "a text of at most %zu bytes", len_max);
	return (false);
}

int64_t
worker_asked_int(struct worker *w, const char *name, int64_t usual, int64_t min, int64_t max)
{
	struct mp m;
	int64_t n;

	if (w->query == NULL || !query_argument(w->query, name, &m))
		return (usual);
	if (mp_int(&m, &n) && n >= min && n <= max)
		return (n);
	worker_refuse(w, E_ARGUMENT, name, "a whole number from %" PRId64 " to %" PRId64, min, max);
	return (usual);
}

static bool
names(const char *words, const char *word, uint32_t len)
{
	while (words != NULL && *words != '\0') {
		size_t n = strcspn(words, " ");

		if (n == len && memcmp(words, word, n) == 0)
			return (true);
		words += n + (words[n] == ' ');
	}
	return (false);
}

/* A misspelt argument is not to pass for none. */
static bool
arguments_known(struct worker *w, const struct worker_query *k)
{
	struct mp m = w->query->question;
	uint32_t pairs, len;
	const char *key;
	char name[65];

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &key, &len) && mp_skip(&m); pairs--) {
		if (mp_equal(key, len, "name") || mp_equal(key, len, WITH_PAGES) || names(k->takes, key, len))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)len, key);
		worker_refuse(w, E_ARGUMENT, name, "no argument of %s; it takes: %s%s" WITH_PAGES, k->name, k->takes != NULL ? k->takes : "",
		    k->takes != NULL ? " " : "");
		return (false);
	}
	return (true);
}

/* ---- Pages ---- */

/* The first key that is looked at is behind this one. */
static bool
begin_walk(struct worker *w, uint8_t *key, size_t *len, size_t room)
{
	struct query *q = w->query;

	q->walking = true;
	q->limit = worker_asked_int(w, WITH_PAGES, QUERY_ROWS_USUAL, 1, QUERY_ROWS_MAX);
	if (q->page[0] == '\0' || (sodium_base642bin(key, room, q->page, strlen(q->page), NULL, len, NULL,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 && *len > 0))
		return (q->code == 0);
	*len = 0;
	refuse_page(q, "the `next` of an answer to this question, as it was");
	return (false);
}

static bool
page_full(const struct query *q)
{
	return (q->rows >= q->limit || q->steps >= QUERY_STEPS_MAX || q->answer.size >= QUERY_PAGE_BYTES);
}

/* There is more behind this key. */
static void
turn_page(struct worker *w, const uint8_t *key, size_t len)
{
	struct query *q = w->query;

	if (sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING) > sizeof(q->next))
		worker_fail(w, "a key of %zu bytes stands where a page ends: at most %u", len, QUERY_KEY_MAX);
	else
		sodium_bin2base64(q->next, sizeof(q->next), key, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static bool
may_walk(struct worker *w)
{
	if (w->query == NULL)
		worker_fail(w, "only a query has rows");
	return (w->query != NULL && w->query->code == 0);
}

bool
worker_each_row(struct worker *w, unsigned table, const void *prefix, size_t len, struct worker_walk *walk)
{
	struct worker_walk ahead;

	if (!may_walk(w) || (!w->query->walking && !begin_walk(w, walk->key, &walk->key_len, QUERY_KEY_MAX)))
		return (false);
	ahead = *walk;
	if (!worker_each(w, table, prefix, len, &ahead))
		return (false);
	if (page_full(w->query)) {
		turn_page(w, walk->key, walk->key_len);
		return (false);
	}
	w->query->steps++;
	*walk = ahead;
	return (true);
}

bool
worker_each_timer(struct worker *w, struct worker_timer_walk *walk)
{
	uint8_t place[sizeof(walk->key)];
	size_t len = 0;
	struct timer t;

	if (!may_walk(w) || (!w->query->walking && !begin_walk(w, walk->key, &walk->key_len, QUERY_KEY_MAX + 8)))
		return (false);
	if (!timers_behind(w->state, walk->key, walk->key_len, place, &len, &t))
		return (false);
	if (page_full(w->query)) {
		turn_page(w, walk->key, walk->key_len);
		return (false);
	}
	w->query->steps++;
	memcpy(walk->key, place, len);
	walk->key_len = len;
	walk->t = (struct worker_timer){ t.name, t.name_len, t.due, t.cause, t.payload, t.len, false };
	return (true);
}

/* ---- Which query ---- */

static int
help(struct worker *w)
{
	const struct worker_query *k = w->kind->queries;

	worker_reply(w, "about", text_of(w->kind->about));
	worker_reply_list(w, "questions");
	for (; k != NULL && k->name != NULL; k++) {
		worker_reply_row(w);
		worker_reply(w, "name", text_of(k->name));
		worker_reply(w, "takes", text_of(k->takes != NULL ? k->takes : ""));
		worker_reply(w, "about", text_of(k->about));
	}
	return (0);
}

/* Of every worker, and answered while the state is being made again, too. */
static const struct worker_query own[] = {
	{ "status", NULL, "how it stands", figures_answer },
	{ "help", NULL, "what it can be asked", help },
	{ NULL, NULL, NULL, NULL },
};

static const struct worker_query *
query_find(const struct worker_query *k, const char *name, uint32_t len)
{
	for (; k != NULL && k->name != NULL; k++)
		if (mp_equal(name, len, k->name))
			return (k);
	return (NULL);
}

/* The query of the question; NULL: refused. */
static const struct worker_query *
choose(struct worker *w)
{
	const struct worker_query *k = NULL;
	const char *name = "";
	uint32_t len = 0;
	struct mp m;

	if (query_argument(w->query, "name", &m) && mp_str(&m, &name, &len) && (k = query_find(own, name, len)) == NULL) {
		k = query_find(w->kind->queries, name, len);
		if (k != NULL && w->state->mute.seq > 0) {
			worker_refuse(w, E_NO_SERVICE, NULL, "its state is being made again from the log: event %" PRIu64 " of %" PRIu64,
			    w->state->cursor.seq, w->state->mute.seq);
			return (NULL);
		}
	}
	if (k == NULL)
		worker_refuse(w, E_ARGUMENT, "name", "estate ask %s help says what %s can be asked", w->kind->name, w->kind->name);
	return (k != NULL && arguments_known(w, k) ? k : NULL);
}

/* The author's mistakes. */
static void
prove(struct worker *w, const struct worker_query *k)
{
	struct query *q = w->query;
	char why[sizeof(w->reason)], quoted[600];
	uint8_t *shown;

	if (q->code != 0)
		return;
	if (w->failed)
		snprintf(why, sizeof(why), "%s", w->reason);
	else if (q->answer.size > ASK_ANSWER_BYTES_MAX)
		snprintf(why, sizeof(why), "an answer of %zu bytes", q->answer.size);
	else {
		shown = alloc_or_exit(NULL, q->answer.size);
		if (personal_show((const uint8_t *)q->answer.data, q->answer.size, true, shown, why, sizeof(why)) > 0)
			why[0] = '\0';
		free(shown);
	}
	if (why[0] == '\0')
		return;
	log_error("a query failed", "worker=%s query=%s reason=%s", w->kind->name, k->name, log_quote(quoted, sizeof(quoted), why));
	worker_refuse(w, E_INTERNAL, NULL, "the query %s failed: the log of the worker says why", k->name);
}

void
query_answer(struct worker *w, struct query *q)
{
	const struct worker_query *k;
	struct mp m;

	q->code = 0;
	q->path[0] = q->detail[0] = q->next[0] = '\0';
	q->walking = false;
	q->rows = q->steps = 0;
	w->query = q;
	w->failed = false;
	w->cause.now = w->state->cursor.log_time;
	reply_begin(q);
	if ((k = choose(w)) != NULL) {
		if (k->answer(w) != 0 && q->code == 0 && !w->failed)
			worker_fail(w, "it failed without saying why");
		if (!q->walking && q->page[0] != '\0')
			refuse_page(q, "this question has no pages");
		if (!q->walking && query_argument(q, WITH_PAGES, &m))
			worker_refuse(w, E_ARGUMENT, WITH_PAGES, "this question has no pages");
		reply_close(q);
		prove(w, k);
	}
	w->failed = false;
	w->query = NULL;
}

void
query_free(struct query *q)
{
	msgpack_sbuffer_destroy(&q->answer);
}
