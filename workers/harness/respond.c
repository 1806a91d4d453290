/* Following the script: which answers an event has, when they come, and which came to nothing. */
#include "respond_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "buffer.h"

#define MARKS_FIRST	1024u

/* ---- Numbers by what they are about ---- */

static size_t
mark_place(const struct marks *m, const uint64_t key[2])
{
	size_t i = key[1] & (m->room - 1);

	while ((m->list[i].key[0] | m->list[i].key[1]) != 0 && (m->list[i].key[0] != key[0] || m->list[i].key[1] != key[1]))
		i = (i + 1) & (m->room - 1);
	return (i);
}

static void
marks_grow(struct marks *m)
{
	struct marks larger = { NULL, m->count, m->room == 0 ? MARKS_FIRST : 2 * m->room };

	larger.list = alloc_or_exit(NULL, larger.room * sizeof(*larger.list));
	memset(larger.list, 0, larger.room * sizeof(*larger.list));
	for (size_t i = 0; i < m->room; i++)
		if ((m->list[i].key[0] | m->list[i].key[1]) != 0)
			larger.list[mark_place(&larger, m->list[i].key)] = m->list[i];
	free(m->list);
	*m = larger;
}

uint64_t *
respond_mark(struct marks *m, const uint64_t key[2])
{
	size_t i;

	if (2 * (m->count + 1) > m->room)
		marks_grow(m);
	i = mark_place(m, key);
	if ((m->list[i].key[0] | m->list[i].key[1]) == 0) {
		memcpy(m->list[i].key, key, sizeof(m->list[i].key));
		m->count++;
	}
	return (&m->list[i].value);
}

/* What an answer is about, as a key: the seed, its name, and the text behind. */
static void
key_of(const struct respond *r, const char *name, char part, const char *text, size_t len, uint64_t n, uint64_t key[2])
{
	char room[256];
	XXH128_hash_t h;
	int at = snprintf(room, sizeof(room), "%" PRIu64 " %s %c %" PRIu64 " ", r->seed, name, part, n);

	if (len > sizeof(room) - (size_t)at)
		len = sizeof(room) - (size_t)at;
	if (len > 0)
		memcpy(room + at, text, len);
	h = XXH3_128bits(room, (size_t)at + len);
	key[0] = h.high64;
	key[1] = h.low64 | 1;		/* never the free place */
}

/* ---- Does it fit? ---- */

bool
respond_field(const struct event *e, const char *name, struct mp *value)
{
	const char *dot;
	struct event inner = *e;
	char outer[64];

	for (; (dot = strchr(name, '.')) != NULL; name = dot + 1) {
		snprintf(outer, sizeof(outer), "%.*s", (int)(dot - name), name);
		if (!event_field(&inner, outer, &inner.data))
			return (false);
	}
	return (event_field(&inner, name, value));
}

const char *
respond_text(const struct event *e, const char *name, char *room, size_t size)
{
	struct text t = strcmp(name, "subject") == 0 ? e->subject : (struct text){ NULL, 0 };
	struct mp m;
	int64_t n;
	bool yes;

	if (t.s == NULL && (!respond_field(e, name, &m) || (!mp_str(&m, &t.s, &t.len) && mp_peek(&m) != MP_BOOL && mp_peek(&m) != MP_UINT &&
	    mp_peek(&m) != MP_INT)))
		return (NULL);
	if (t.s != NULL && t.len == 0)
		return (NULL);
	if (t.s != NULL)
		snprintf(room, size, "%.*s", (int)t.len, t.s);
	else if (mp_bool(&m, &yes))
		snprintf(room, size, "%s", yes ? "true" : "false");
	else if (mp_int(&m, &n))
		snprintf(room, size, "%" PRId64, n);
	return (room);
}

static bool
says(const char *text, const char *value)
{
	size_t len = strlen(value);

	return (len > 0 && value[len - 1] == '*' ? strncmp(text, value, len - 1) == 0 : strcmp(text, value) == 0);
}

static bool
condition_met(const struct condition *c, const struct event *e)
{
	char room[512];
	const char *text = respond_text(e, c->field, room, sizeof(room));
	struct mp m;
	bool given = text != NULL || (respond_field(e, c->field, &m) && mp_peek(&m) != MP_STR), one = false;

	for (unsigned i = 0; i < c->count && text != NULL; i++)
		one |= says(text, c->values[i]);
	switch (c->how) {
	case IS_GIVEN:
		return (given);
	case IS_MISSING:
		return (!given);
	case IS_ONE_OF:
		return (one);
	case IS_NONE_OF:
		return (!one);
	}
	return (false);
}

static bool
trigger_met(const struct trigger *t, const struct event *e)
{
	if (!mp_equal(e->type.s, e->type.len, t->type))
		return (false);
	for (unsigned i = 0; i < t->conditions; i++)
		if (!condition_met(&t->condition[i], e))
			return (false);
	return (true);
}

/* ---- What is past ---- */

/* The key under which an event makes answers pointless that wait for its like; false if it names nothing. */
static bool
past_key(const struct respond *r, const struct answer *a, unsigned i, const struct event *e, uint64_t key[2])
{
	char room[ID_CHARS_MAX + 64];
	const char *text = respond_text(e, a->unless[i].same, room, sizeof(room));

	if (text != NULL)
		key_of(r, a->name, 'u', text, strlen(text), i, key);
	return (text != NULL);
}

static void
note_past(struct respond *r, const struct event *e)
{
	uint64_t key[2];

	for (unsigned n = 0; n < r->count; n++)
		for (unsigned i = 0; i < r->list[n]->unlesses; i++)
			if (trigger_met(&r->list[n]->unless[i], e) && past_key(r, r->list[n], i, e, key))
				*respond_mark(&r->past, key) = r->events;
}

static bool
is_pointless(struct respond *r, const struct planned *p)
{
	for (unsigned i = 0; i < p->answer->unlesses; i++)
		if ((p->about[i][0] | p->about[i][1]) != 0 && *respond_mark(&r->past, p->about[i]) > p->since)
			return (true);
	return (false);
}

/* ---- What is to come ---- */

/* The next instant at which clocks show this minute. */
static int64_t
daily(unsigned minute, int64_t after)
{
	time_t second = (time_t)(after / SECOND_NS);
	struct tm tm;

	localtime_r(&second, &tm);
	tm.tm_hour = (int)(minute / 60);
	tm.tm_min = (int)(minute % 60);
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	if ((int64_t)(second = mktime(&tm)) * SECOND_NS <= after) {
		tm.tm_mday++;
		second = mktime(&tm);
	}
	return ((int64_t)second * SECOND_NS);
}

static void
plan_question(struct respond *r, const struct answer *a, int64_t after)
{
	struct planned p = { .answer = a };

	p.key.at = daily(a->minute, after);
	heap_add(&r->heap, &p);
}

static const struct choice *
choose(const struct answer *a, struct rng *rng)
{
	uint64_t draw = rng_below(rng, 1000), below = 0;

	for (unsigned i = 0; i < a->choices; i++)
		if (draw < (below += a->choice[i].permille))
			return (&a->choice[i]);
	return (NULL);
}

/* Whether, what and when, drawn from what only this answer about this subject for the how-manieth time sees. */
static bool
plan(struct respond *r, const struct answer *a, const struct event *e, int64_t now)
{
	struct planned p = { .answer = a, .since = r->events, .chain = r->chain + 1 };
	const struct text *about = e->subject.len > 0 ? &e->subject : &e->id;
	const struct choice *c;
	uint64_t key[2], nth;
	struct rng rng;

	key_of(r, a->name, 's', about->s, about->len, 0, key);
	nth = ++*respond_mark(&r->times, key);
	if (a->times > 0 && nth > a->times)
		return (true);
	key_of(r, a->name, 'n', about->s, about->len, nth, key);
	rng_seed(&rng, key[0]);
	if ((c = choose(a, &rng)) == NULL)
		return (true);
	if (p.chain > RESPOND_CHAIN_MAX) {
		fprintf(stderr, "%s: %s: more than %u answers in a row: the script answers itself; give one of them `times`\n", r->path, a->name,
		    RESPOND_CHAIN_MAX);
		return (false);
	}
	/* Nothing is answered before it was known. */
	if ((p.key.at = respond_when(&c->time, e, now, &rng)) <= now)
		p.key.at = now + SECOND_NS;
	if (p.key.at == INT64_MAX || c->type == NULL)
		return (true);
	for (unsigned i = 0; i < a->unlesses; i++)
		if (!past_key(r, a, i, e, p.about[i]))
			memset(p.about[i], 0, sizeof(p.about[i]));
	if (!respond_pack(r, a, c, e, p.key.at, key, &rng, &p.bytes, &p.len))
		return (false);
	heap_add(&r->heap, &p);
	return (true);
}

bool
respond_to(struct respond *r, const struct event *e, int64_t now)
{
	r->events++;
	note_past(r, e);
	for (unsigned i = 0; i < r->count; i++)
		if (!r->list[i]->asks && trigger_met(&r->list[i]->on, e) && !plan(r, r->list[i], e, now))
			return (false);
	r->chain = 0;
	return (true);
}

bool
respond_row(struct respond *r, const void *asked, struct mp row, int64_t now)
{
	const struct answer *a = asked;
	struct event e = { .type = text_of(a->on.type), .data = row };

	if (!event_text(&e, "subject", &e.subject))
		e.subject = (struct text){ NULL, 0 };
	r->chain = 0;
	return (!trigger_met(&a->on, &e) || plan(r, a, &e, now));
}

void
respond_begin(struct respond *r, int64_t now)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->list[i]->asks)
			plan_question(r, r->list[i], now);
}

int64_t
respond_next(const struct respond *r)
{
	const struct heap_key *k = heap_first(&r->heap);

	return (k != NULL ? k->at : INT64_MAX);
}

enum respond_what
respond_take(struct respond *r, struct respond_one *out)
{
	free(r->taken.bytes);
	r->taken.bytes = NULL;
	if (heap_first(&r->heap) == NULL)
		return (RESPOND_NOTHING);
	heap_take(&r->heap, &r->taken);
	if (r->taken.bytes == NULL) {
		*out = (struct respond_one){ .question = r->taken.answer->on.type, .asked = r->taken.answer };
		plan_question(r, r->taken.answer, r->taken.key.at);
		return (RESPOND_QUESTION);
	}
	if (is_pointless(r, &r->taken))
		return (RESPOND_NOTHING);
	*out = (struct respond_one){ .bytes = r->taken.bytes, .len = r->taken.len };
	r->chain = r->taken.chain;
	r->answers++;
	return (RESPOND_EVENT);
}

uint64_t
respond_count(const struct respond *r)
{
	return (r->answers);
}
