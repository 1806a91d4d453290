/*
 * An event of the log: to which objects it goes, which others depend on it; and what a correction changes.
 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "bytes.h"

/* ---- Where it belongs ---- */

#define HOMES_MAX	68u	/* its own, a household, and 64 cases that a talk covers */

struct homes {
	struct object_key keys[HOMES_MAX];
	uint8_t via[HOMES_MAX];
	unsigned count;
	bool plain;			/* nobody looks for them by the event's number */
};

static void
home_add(struct homes *h, struct object_key k, enum via via)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->keys[i].len == k.len && memcmp(h->keys[i].bytes, k.bytes, k.len) == 0)
			return;
	if (h->count == HOMES_MAX || k.len < 2)
		return;
	h->via[h->count] = (uint8_t)via;
	h->keys[h->count++] = k;
}

/* Whose copy lies with the household … */
static bool
is_contact(unsigned type)
{
	return (type == TAKE_DONE);
}

/* … and with its calls: one may settle another. */
static bool
is_call(unsigned type, bool about_call)
{
	return (type == TAKE_ANSWERED || type == TAKE_ABANDONED || type == TAKE_VOICEMAIL || (type == TAKE_DONE && about_call));
}

static void
add_households(struct homes *h, unsigned type, bool about_call, struct text household)
{
	struct text nothing = { NULL, 0 };

	if (is_contact(type))
		home_add(h, object_key('s', household, nothing), VIA_HOUSEHOLD);
	if (is_call(type, about_call))
		home_add(h, object_key('c', household, nothing), VIA_HOUSEHOLD);
}

static bool
about_call(const struct event *e)
{
	struct text kind;

	return (event_text(e, "kind", &kind) && mp_equal(kind.s, kind.len, "call"));
}

static struct object_key
event_object(uint64_t seq)
{
	struct object_key k = { .len = 9, .bytes = { 'e' } };

	put_be64(k.bytes + 1, seq);
	return (k);
}

static void
find_homes(const struct worker_event *v, unsigned type, struct homes *h)
{
	struct text nothing = { NULL, 0 }, t;
	struct mp m;
	uint32_t n;

	h->count = 0;
	h->plain = false;
	switch (fact_home(type)) {
	case HOME_SUBJECT:
		home_add(h, object_key('s', v->e->subject, nothing), VIA_OWN);
		break;
	case HOME_TICKET:
		if (event_text(v->e, "ticket", &t))
			home_add(h, object_key('t', v->e->subject, t), VIA_OWN);
		break;
	case HOME_OBLIGATION:
		h->plain = true;	/* what a worker concludes nobody corrects */
		if (event_text(v->e, "obligation", &t))
			home_add(h, object_key('o', t, nothing), VIA_OWN);
		break;
	case HOME_ITSELF:
		home_add(h, event_object(v->seq), VIA_OWN);
		h->plain = true;	/* it is found by its number */
		break;
	case HOME_NOBODY:
		break;
	}
	if (event_text(v->e, "household", &t))
		add_households(h, type, about_call(v->e), t);
	if (type == TAKE_DONE && event_field(v->e, "covers", &m) && mp_array(&m, &n))
		for (; n > 0 && mp_str(&m, &t.s, &t.len); n--)
			home_add(h, object_key('s', t, nothing), VIA_COVERED);
	h->plain = h->plain && h->count <= 1;
}

static void
spread_store(struct turn *t, uint64_t seq, const struct homes *h)
{
	uint8_t key[8], bytes[HOMES_MAX * (OBJECT_KEY_MAX + 1)];
	size_t len = 0;

	if (h->plain || h->count == 0)
		return;
	put_be64(key, seq);
	for (unsigned i = 0; i < h->count; i++) {
		bytes[len++] = (uint8_t)h->keys[i].len;
		memcpy(bytes + len, h->keys[i].bytes, h->keys[i].len);
		len += h->keys[i].len;
	}
	worker_put(t->w, SPREAD, key, sizeof(key), bytes, len);
}

/* The objects that have an event, whatever the correction itself is about: it names the number. */
static void
spread_load(struct turn *t, uint64_t seq, struct text subject, struct homes *h)
{
	const uint8_t *p;
	const void *value;
	uint8_t key[8];
	size_t len;

	h->count = 0;
	h->plain = true;
	put_be64(key, seq);
	if (!worker_get(t->w, SPREAD, key, sizeof(key), &value, &len)) {
		struct object_key itself = event_object(seq);

		h->plain = !worker_get(t->w, OBJECTS, itself.bytes, itself.len, &value, &len);
		if (!h->plain) {
			home_add(h, itself, VIA_OWN);
			return;
		}
		home_add(h, object_key('s', subject, (struct text){ NULL, 0 }), VIA_OWN);
		return;
	}
	h->plain = false;
	for (p = value; len > 1 && len > p[0]; len -= 1u + p[0], p += 1u + p[0]) {
		struct object_key k = { .len = p[0] };

		if (k.len > OBJECT_KEY_MAX)
			return;
		memcpy(k.bytes, p + 1, k.len);
		home_add(h, k, VIA_OWN);
	}
}

/* ---- What depends on it ---- */

/* Lost calls of a household may be settled, or no longer be, by what has become known of then. */
static void
lost_calls_again(struct turn *t, const struct object_key *house, int64_t when)
{
	struct object_key *calls = NULL;
	size_t count = 0, room = 0;
	struct history h;
	struct text call;
	int64_t since;

	object_load(t, &t->x->object, house);
	h = object_history(&t->x->object);
	since = aspect_lost_since(&h, when);
	for (uint32_t i = 0; i < t->x->object.count; i++) {
		const struct fact *f = &t->x->object.facts[i];

		if (f->via != VIA_HOUSEHOLD || (f->type != TAKE_ABANDONED && f->type != TAKE_VOICEMAIL) || f->when < since || f->when > when ||
		    !fact_text(f, KEEP_SUBJECT, &call))
			continue;
		if (count == room) {
			room = 2 * room + 8;
			calls = alloc_or_exit(calls, room * sizeof(*calls));
		}
		calls[count++] = object_key('s', call, (struct text){ NULL, 0 });
	}
	for (size_t i = 0; i < count; i++)
		object_again(t, &calls[i]);
	free(calls);
}

static void
tickets_again(struct turn *t, const struct object_key *survey)
{
	struct object_key prefix = *survey;
	struct worker_walk walk = { .key_len = 0 };

	prefix.bytes[0] = 't';
	prefix.bytes[prefix.len++] = 0;
	while (worker_each(t->w, OBJECTS, prefix.bytes, prefix.len, &walk)) {
		struct object_key k = { .len = walk.key_len };

		if (k.len > OBJECT_KEY_MAX)
			continue;
		memcpy(k.bytes, walk.key, k.len);
		object_again(t, &k);
	}
}

int64_t
object_survey_began(struct turn *t, struct text survey, int64_t at)
{
	struct object_key prefix = object_key('t', survey, (struct text){ "", 0 });
	struct worker_walk walk = { .key_len = 0 };
	int64_t opened = INT64_MAX;
	struct history own;

	while (worker_each(t->w, OBJECTS, prefix.bytes, prefix.len, &walk)) {
		struct object_key k = { .len = walk.key_len };
		struct history h;

		if (k.len > OBJECT_KEY_MAX)
			continue;
		memcpy(k.bytes, walk.key, k.len);
		object_load(t, &t->x->beside, &k);
		h = object_history(&t->x->beside);
		if (h.count > 0 && h.f[0]->when < at)
			at = h.f[0]->when;
	}
	if (object_beside(t, 's', survey, &own))
		for (unsigned i = 0; i < own.count; i++)
			if (own.f[i]->type == TAKE_SURVEY_OPENED && own.f[i]->when < opened)
				opened = own.f[i]->when;
	/* The year is that of the opening, whatever went out before it. */
	return (opened == INT64_MAX || period_month(t, opened) / 12 == period_month(t, at) / 12 ? at : opened);
}

static void
others_again(struct turn *t, const struct object_key *k, unsigned type, int64_t when)
{
	if (t->p == NULL)
		return;
	if (k->bytes[0] == 's' && (type == TAKE_SURVEY_CLOSED || type == TAKE_SURVEY_OPENED))
		tickets_again(t, k);
	if (k->bytes[0] == 'c' && (type == TAKE_ANSWERED || type == TAKE_DONE))
		lost_calls_again(t, k, when);
}

/* ---- Taking ---- */

static void
take_plain(struct turn *t, unsigned type, const struct worker_event *v)
{
	uint8_t bytes[FACT_BYTES_MAX];
	struct homes h;

	find_homes(v, type, &h);
	for (unsigned i = 0; i < h.count; i++) {
		object_load(t, &t->x->object, &h.keys[i]);
		object_add(&t->x->object, bytes, fact_write(bytes, type, (enum via)h.via[i], v));
		object_judge(t, &t->x->object);
		others_again(t, &h.keys[i], type, v->when);
	}
	spread_store(t, v->seq, &h);
}

/* ---- Corrections ---- */

/* The fact of that event, and what corrects it, as they lie with an object; then the same go to another one. */
static void
copy_to(struct turn *t, const struct object_key *from, const struct object_key *to, uint64_t seq, struct text subject)
{
	uint8_t *bytes = NULL;
	size_t at = OBJECT_HEADER, n, len = 0;
	struct object *o = &t->x->object;
	struct fact f;

	object_load(t, o, from);
	bytes = alloc_or_exit(NULL, o->facts_len + KEEP_BYTES_MAX + 2);
	for (uint32_t i = 0; i < o->count && (n = fact_read(&f, o->bytes + at, o->facts_len - at)) > 0; i++, at += n) {
		if (f.seq != seq && f.target != seq)
			continue;
		memcpy(bytes + len, o->bytes + at, n);
		if (f.seq == seq && f.via == VIA_OWN && subject.len <= KEEP_BYTES_MAX) {
			bytes[len + 1] = VIA_HOUSEHOLD;
			put_le32(bytes + len + 18, f.len + 2 + subject.len);
			bytes[len + n] = KEEP_SUBJECT;
			bytes[len + n + 1] = (uint8_t)subject.len;
			memcpy(bytes + len + n + 2, subject.s, subject.len);
			n += 2 + subject.len;
			at -= 2 + subject.len;
		}
		len += n;
	}
	object_load(t, o, to);
	for (at = 0; at < len && (n = fact_read(&f, bytes + at, len - at)) > 0; at += n)
		object_add(o, bytes + at, n);
	object_judge(t, o);
	free(bytes);
}

/* What type of fact an object has of that event; TAKES: none. */
static unsigned
type_of(struct turn *t, const struct object_key *k, uint64_t seq)
{
	struct object *o = &t->x->object;
	struct fact f;
	size_t at = OBJECT_HEADER, n;

	object_load(t, o, k);
	for (uint32_t i = 0; i < o->count && (n = fact_read(&f, o->bytes + at, o->facts_len - at)) > 0; i++, at += n)
		if (f.seq == seq)
			return (f.type);
	return (TAKES);
}

/* The event that a chain of corrections is about in the end: its type, and when it happened. */
static unsigned
root_of(struct turn *t, const struct object_key *k, uint64_t seq, int64_t *when)
{
	struct object *o = &t->x->object;
	unsigned type = TAKES;

	object_load(t, o, k);
	object_history(o);
	/* A correction stands behind what it corrects. */
	for (uint32_t i = o->count; i-- > 0 && (type == TAKES || fact_is_correction(type));)
		if (o->facts[i].seq == seq) {
			type = o->facts[i].type;
			*when = o->facts[i].when;
			seq = o->facts[i].target;
		}
	return (type);
}

/* A talk, or a call, was another household's. */
static void
move_house(struct turn *t, struct homes *h, const struct worker_event *v, uint64_t seq, unsigned type)
{
	struct text household;
	struct mp m;
	struct event fields = *v->e;
	unsigned before = h->count;

	if (h->count == 0 || !event_field(v->e, "fields", &m))
		return;
	fields.data = m;
	if (!event_text(&fields, "household", &household))
		return;
	/* A talk about a call that has no calls of a household beside it is looked for there in vain, and found nowhere: so it is put there. */
	add_households(h, type, type == TAKE_DONE, household);
	if (h->count == before)
		return;
	h->plain = false;
	for (unsigned i = before; i < h->count; i++)
		copy_to(t, &h->keys[0], &h->keys[i], seq, (struct text){ (const char *)h->keys[0].bytes + 1, (uint32_t)h->keys[0].len - 1 });
	spread_store(t, seq, h);
}

static void
take_correction(struct turn *t, unsigned type, const struct worker_event *v)
{
	uint8_t bytes[FACT_BYTES_MAX];
	size_t len = fact_write(bytes, type, VIA_OWN, v);
	unsigned meant, root = TAKES;
	struct homes h;
	int64_t event, when = v->when;

	if (!event_int(v->e, "event", &event))
		return;
	spread_load(t, (uint64_t)event, v->e->subject, &h);
	if (h.count == 0 || (meant = type_of(t, &h.keys[0], (uint64_t)event)) == TAKES)
		return;		/* of nothing that is counted */
	root = root_of(t, &h.keys[0], (uint64_t)event, &when);
	for (unsigned i = 0; i < h.count; i++) {
		object_load(t, &t->x->object, &h.keys[i]);
		object_add(&t->x->object, bytes, len);
		object_judge(t, &t->x->object);
	}
	if (type == TAKE_AMENDED)
		move_house(t, &h, v, (uint64_t)event, meant);
	for (unsigned i = 0; i < h.count; i++)
		others_again(t, &h.keys[i], root, when);
	spread_store(t, v->seq, &h);
}

void
object_take(struct turn *t, unsigned type, const struct worker_event *v)
{
	if (fact_is_correction(type))
		take_correction(t, type, v);
	else
		take_plain(t, type, v);
}
