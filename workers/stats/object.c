#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "bytes.h"

#define OBJECT_VERSION	1u

void
object_free(struct object *o)
{
	free(o->bytes);
	free(o->facts);
	free(o->order);
}

struct object_key
object_key(char kind, struct text a, struct text b)
{
	struct object_key k = { .len = 1, .bytes = { (uint8_t)kind } };

	if (a.len > ID_CHARS_MAX)
		a.len = ID_CHARS_MAX;
	if (b.len > ID_CHARS_MAX)
		b.len = ID_CHARS_MAX;
	if (a.len > 0)
		memcpy(k.bytes + k.len, a.s, a.len);
	k.len += a.len;
	if (kind != 't')
		return (k);
	k.bytes[k.len++] = 0;
	if (b.len > 0)
		memcpy(k.bytes + k.len, b.s, b.len);
	k.len += b.len;
	return (k);
}

static void
room_for(struct object *o, size_t bytes)
{
	if (bytes <= o->size)
		return;
	o->size = 2 * bytes;
	o->bytes = alloc_or_exit(o->bytes, o->size);
}

void
object_load(struct turn *t, struct object *o, const struct object_key *k)
{
	const void *value;
	size_t len;

	o->key = *k;
	o->facts_len = o->len = OBJECT_HEADER;
	o->count = 0;
	room_for(o, OBJECT_HEADER);
	if (!worker_get(t->w, OBJECTS, k->bytes, k->len, &value, &len))
		return;
	if (len < OBJECT_HEADER || *(const uint8_t *)value != OBJECT_VERSION) {
		worker_fail(t->w, "an object of another version");
		return;
	}
	room_for(o, len);
	memcpy(o->bytes, value, len);
	o->len = len;
	o->facts_len = get_le32(o->bytes + 1);
	o->count = get_le32(o->bytes + 5);
	if (o->facts_len < OBJECT_HEADER || o->facts_len > len) {
		worker_fail(t->w, "an object whose facts are longer than it is");
		o->facts_len = OBJECT_HEADER;
		o->count = 0;
	}
}

void
object_add(struct object *o, const void *fact, size_t len)
{
	room_for(o, o->len + len);
	memmove(o->bytes + o->facts_len + len, o->bytes + o->facts_len, o->len - o->facts_len);
	memcpy(o->bytes + o->facts_len, fact, len);
	o->facts_len += len;
	o->len += len;
	o->count++;
}

void
object_note(struct object *o, const void *bytes, size_t len)
{
	room_for(o, o->facts_len + len);
	memcpy(o->bytes + o->facts_len, bytes, len);
	o->len = o->facts_len + len;
}

/* By when they happened; of one instant, in the order of the log. */
static void
put_in_order(const struct fact **order, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		const struct fact *f = order[i];
		unsigned k = i;

		for (; k > 0 && (order[k - 1]->when > f->when || (order[k - 1]->when == f->when && order[k - 1]->seq > f->seq)); k--)
			order[k] = order[k - 1];
		order[k] = f;
	}
}

/* A copy that lies with a household counts while it names that household. */
static bool
is_still_here(const struct fact *f, struct text subject)
{
	struct text household;

	return (f->via != VIA_HOUSEHOLD ||
	    (fact_text(f, KEEP_HOUSEHOLD, &household) && household.len == subject.len && memcmp(household.s, subject.s, subject.len) == 0));
}

struct history
object_history(struct object *o)
{
	return (object_history_before(o, UINT64_MAX));
}

struct history
object_history_before(struct object *o, uint64_t before)
{
	struct history h = { .count = 0 };
	const uint8_t *zero;
	size_t at = OBJECT_HEADER, n;
	uint32_t read = 0;

	if (o->count > o->room) {
		o->room = 2 * (size_t)o->count;
		o->facts = alloc_or_exit(o->facts, o->room * sizeof(*o->facts));
		o->order = alloc_or_exit(o->order, o->room * sizeof(*o->order));
	}
	for (uint32_t i = 0; i < o->count && (n = fact_read(&o->facts[read], o->bytes + at, o->facts_len - at)) > 0; i++, at += n)
		read += o->facts[read].seq < before;
	facts_correct(o->facts, read);
	zero = memchr(o->key.bytes, 0, o->key.len);
	h.subject = (struct text){ (const char *)o->key.bytes + 1, (uint32_t)((zero != NULL ? zero : o->key.bytes + o->key.len) - o->key.bytes - 1) };
	for (uint32_t i = 0; i < read; i++)
		if (o->facts[i].counts && !fact_is_correction(o->facts[i].type) && is_still_here(&o->facts[i], h.subject)) {
			o->order[h.count++] = &o->facts[i];
			h.violated |= o->facts[i].type == TAKE_VIOLATED;
		}
	put_in_order(o->order, h.count);
	h.f = o->order;
	return (h);
}

bool
object_beside(struct turn *t, char kind, struct text subject, struct history *h)
{
	struct object_key k = object_key(kind, subject, (struct text){ NULL, 0 });

	object_load(t, &t->x->beside, &k);
	*h = object_history(&t->x->beside);
	return (h->count > 0);
}

static void
store(struct turn *t, struct object *o)
{
	o->bytes[0] = OBJECT_VERSION;
	put_le32(o->bytes + 1, (uint32_t)o->facts_len);
	put_le32(o->bytes + 5, o->count);
	worker_put(t->w, OBJECTS, o->key.bytes, o->key.len, o->bytes, o->len);
}

void
object_judge(struct turn *t, struct object *o)
{
	struct history h;

	if (o->key.bytes[0] == 'e') {
		contact_judge(t, o);
		store(t, o);
		return;
	}
	members_begin(&t->x->members);
	if (t->p != NULL) {
		h = object_history(o);
		switch (o->key.bytes[0]) {
		case 't':
			aspect_ticket(t, &h, members_tell);
			break;
		case 'o':
			aspect_obligation(t, &h, members_tell);
			break;
		case 'c':
			break;
		default:
			aspect_case(t, &h, members_tell);
			aspect_callbacks(t, &h, members_tell);
			aspect_visits(t, &h, members_tell);
			aspect_checks(t, &h, members_tell);
			aspect_call(t, &h, members_tell);
			aspect_household(t, &h, members_tell);
			break;
		}
	}
	members_settle(t, o);
	store(t, o);
}

void
object_again(struct turn *t, const struct object_key *k)
{
	object_load(t, &t->x->object, k);
	if (t->x->object.count > 0)
		object_judge(t, &t->x->object);
}
