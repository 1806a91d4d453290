/* What an object is a member of, and what changed since it was judged last. */
#include "stats.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buffer.h"
#include "bytes.h"

/* An old member, behind the facts of its object: id length 1, id, hash 8. */

void
members_free(struct members *l)
{
	free(l->bytes);
	free(l->list);
}

void
members_begin(struct members *l)
{
	l->len = 0;
	l->count = 0;
}

static void
room_for(struct members *l, size_t more)
{
	if (l->len + more > l->size) {
		l->size = 2 * (l->len + more);
		l->bytes = alloc_or_exit(l->bytes, l->size);
	}
	if (l->count == l->room) {
		l->room = 2 * l->room + 16;
		l->list = alloc_or_exit(l->list, l->room * sizeof(*l->list));
	}
}

/* ---- Is it one? ---- */

/* What is done by its limit; an object may have a limit of its own, which replaces the general one. */
static bool
in_time(const struct turn *t, const struct measure *m, const struct aspect *a)
{
	struct calendar_due due;
	int64_t limit;

	if (m->or_due && aspect_has(a, ATTR_DUE))
		limit = a->number[ATTR_DUE];
	else if (t->x->calendar != NULL && calendar_due(t->x->calendar, &m->limit, a->number[m->from], &due))
		limit = due.at;
	else
		return (false);
	return (a->number[m->until] <= limit);
}

static void
measure_time(const struct turn *t, const struct measure *m, const struct aspect *a, struct row *r)
{
	if (m->value != ATTRS) {
		r->timed = aspect_has(a, m->value);
		r->ms = r->timed ? a->number[m->value] : 0;
		return;
	}
	r->timed = aspect_has(a, m->from) && aspect_has(a, m->until);
	/* What ended before it began took no time. */
	if (r->timed && a->number[m->until] > a->number[m->from])
		r->ms = (a->number[m->until] - a->number[m->from]) / (SECOND_NS / 1000);
	if (m->limited)
		r->counted = r->counted && r->timed && in_time(t, m, a);
}

/* The month that it lies under; false: it is of no period yet. */
static bool
month_under(const struct turn *t, const struct measure *m, const struct aspect *a, struct row *r, int64_t *month)
{
	if (m->per == PER_MONTH) {
		if (!aspect_has(a, m->period))
			return (false);
		r->at = a->number[m->period];
		*month = month_of(t, r->at);
		return (true);
	}
	r->spell = true;
	r->since = a->number[ATTR_SINCE];
	r->base = a->number[ATTR_BASE];
	r->until = aspect_has(a, ATTR_UNTIL) ? a->number[ATTR_UNTIL] : INT64_MAX;
	*month = r->until == INT64_MAX ? MONTH_OPEN : month_of(t, r->until);
	return (true);
}

static void
add(struct turn *t, const struct measure *m, const struct aspect *a, const struct row *r, int64_t month)
{
	struct members *l = &t->x->members;
	struct member *new;
	uint8_t *p;

	room_for(l, ROW_ID_MAX + ROW_BYTES_MAX);
	new = &l->list[l->count++];
	new->at = l->len;
	p = l->bytes + l->len;
	put_be32(p, m->key);
	p[4] = (uint8_t)(month >> 8);
	p[5] = (uint8_t)month;
	memcpy(p + 6, a->sub, a->sub_len);
	new->id_len = (uint16_t)(6 + a->sub_len);
	new->row_len = (uint16_t)row_write(r, m->dim_count, p + new->id_len);
	new->hash = XXH3_64bits(p + new->id_len, new->row_len);
	l->len += (size_t)new->id_len + new->row_len;
}

void
members_tell(struct turn *t, enum aspect_class class, struct aspect *a)
{
	for (unsigned i = 0; i < t->p->of_count[class]; i++) {
		const struct measure *m = &t->p->list[t->p->of[class][i]];
		struct row r;
		int64_t month;

		memset(&r, 0, sizeof(r));
		if (!conditions_hold(m->where, m->where_count, a) || !month_under(t, m, a, &r, &month) || month < 0 || month > MONTH_OPEN)
			continue;
		r.counted = conditions_hold(m->count, m->count_count, a);
		if (m->timed)
			measure_time(t, m, a, &r);
		for (unsigned d = 0; d < m->dim_count; d++)
			if (aspect_has(a, m->dims[d].attr))
				r.dims[d] = a->word[m->dims[d].attr];
		add(t, m, a, &r, month);
	}
}

/* ---- What changed ---- */

static int
compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return (c != 0 ? c : (a_len > b_len) - (a_len < b_len));
}

static int
by_id(const void *a, const void *b, void *bytes)
{
	const struct member *x = a, *y = b;

	return (compare((uint8_t *)bytes + x->at, x->id_len, (uint8_t *)bytes + y->at, y->id_len));
}

/* The key of a row from its id: the object stands between month and sub. */
static size_t
row_key(const struct object *o, const uint8_t *id, size_t id_len, uint8_t out[ROW_KEY_MAX])
{
	memcpy(out, id, 6);
	out[6] = (uint8_t)o->key.len;
	memcpy(out + 7, o->key.bytes, o->key.len);
	memcpy(out + 7 + o->key.len, id + 6, id_len - 6);
	return (7 + o->key.len + id_len - 6);
}

/* It was so up to this event.  What began with this event has been nothing. */
static void
to_past(struct turn *t, const uint8_t *key, size_t len)
{
	uint8_t bytes[PAST_HEADER + ROW_BYTES_MAX], past[ROW_KEY_MAX];
	const void *value;
	size_t value_len;

	if (!worker_get(t->w, ROWS, key, len, &value, &value_len) || value_len < ROW_HEADER || value_len > ROW_HEADER + ROW_BYTES_MAX)
		return;
	memcpy(bytes, value, ROW_HEADER);
	if (get_le64(bytes) == t->seq)
		return;
	put_le64(bytes + 16, (uint64_t)t->log_time);
	memcpy(bytes + PAST_HEADER, (const uint8_t *)value + ROW_HEADER, value_len - ROW_HEADER);
	memcpy(past, key, PAST_SEQ);
	put_be64(past + PAST_SEQ, t->seq);
	memcpy(past + PAST_SEQ + 8, key + PAST_SEQ, len - PAST_SEQ);
	worker_put(t->w, PAST, past, len + 8, bytes, value_len - ROW_HEADER + PAST_HEADER);
}

static void
no_longer(struct turn *t, const struct object *o, const uint8_t *id, size_t id_len)
{
	uint8_t key[ROW_KEY_MAX];
	size_t len = row_key(o, id, id_len, key);

	to_past(t, key, len);
	worker_delete(t->w, ROWS, key, len);
}

static void
from_now(struct turn *t, const struct object *o, const struct member *m, bool before)
{
	const uint8_t *p = t->x->members.bytes + m->at;
	uint8_t key[ROW_KEY_MAX], bytes[ROW_HEADER + ROW_BYTES_MAX];
	size_t len = row_key(o, p, m->id_len, key);

	if (before)
		to_past(t, key, len);
	put_le64(bytes, t->seq);
	put_le64(bytes + 8, (uint64_t)t->log_time);
	memcpy(bytes + ROW_HEADER, p + m->id_len, m->row_len);
	worker_put(t->w, ROWS, key, len, bytes, ROW_HEADER + m->row_len);
}

/* The old ones in their order. */
struct old {
	const uint8_t *p, *end, *id;
	size_t id_len;
	uint64_t hash;
};

static bool
next_old(struct old *o)
{
	if (o->p >= o->end || o->p + 9 + o->p[0] > o->end) {
		o->id = NULL;
		return (false);
	}
	o->id = o->p + 1;
	o->id_len = o->p[0];
	o->hash = get_le64(o->id + o->id_len);
	o->p += 9 + o->id_len;
	return (true);
}

static void
forget_twins(struct members *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++)
		if (kept == 0 || by_id(&l->list[kept - 1], &l->list[i], l->bytes) != 0)
			l->list[kept++] = l->list[i];
	l->count = kept;
}

/* Behind the facts, in the place of the old ones. */
static void
write_new(struct object *o, const struct members *l)
{
	size_t need = o->facts_len + l->count * (1 + ROW_ID_MAX + 8);
	uint8_t *p;

	if (need > o->size) {
		o->size = 2 * need;
		o->bytes = alloc_or_exit(o->bytes, o->size);
	}
	p = o->bytes + o->facts_len;
	for (size_t i = 0; i < l->count; i++) {
		const struct member *m = &l->list[i];

		*p++ = (uint8_t)m->id_len;
		memcpy(p, l->bytes + m->at, m->id_len);
		put_le64(p + m->id_len, m->hash);
		p += m->id_len + 8u;
	}
	o->len = (size_t)(p - o->bytes);
}

void
members_settle(struct turn *t, struct object *o)
{
	struct members *l = &t->x->members;
	struct old old = { .p = o->bytes + o->facts_len, .end = o->bytes + o->len };
	size_t i = 0;

	if (l->count > 1)
		qsort_r(l->list, l->count, sizeof(*l->list), by_id, l->bytes);
	forget_twins(l);
	next_old(&old);
	while (old.id != NULL || i < l->count) {
		const struct member *m = &l->list[i];
		int c = old.id == NULL ? 1 : i == l->count ? -1 : compare(old.id, old.id_len, l->bytes + m->at, m->id_len);

		if (c < 0)
			no_longer(t, o, old.id, old.id_len);
		else if (c > 0)
			from_now(t, o, m, false);
		else if (old.hash != m->hash)
			from_now(t, o, m, true);
		i += c >= 0;
		if (c <= 0)
			next_old(&old);
	}
	write_new(o, l);
}
