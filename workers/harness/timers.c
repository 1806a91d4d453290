#include "timers.h"

#include <string.h>

#include "bytes.h"

#define DUE_BYTES	8u
#define HEAD_BYTES	11u

static void
put_due(uint8_t *p, int64_t due)
{
	put_be64(p, (uint64_t)due ^ 1ull << 63);
}

static int64_t
get_due(const uint8_t *p)
{
	return ((int64_t)(get_be64(p) ^ 1ull << 63));
}

static bool
read_timer(const MDB_val *k, const MDB_val *v, struct timer *t)
{
	const uint8_t *p = k->mv_data;

	if (k->mv_size < DUE_BYTES || k->mv_size > TIMER_PLACE_MAX || v->mv_size < HEAD_BYTES)
		return (false);
	t->due = get_due(p);
	t->name = p + DUE_BYTES;
	t->name_len = k->mv_size - DUE_BYTES;
	p = v->mv_data;
	t->cause = get_le64(p);
	t->depth = p[8];
	t->steps = p[9];
	t->flags = p[10];
	t->payload = p + HEAD_BYTES;
	t->len = v->mv_size - HEAD_BYTES;
	return (true);
}

bool
timers_first(struct state *s, struct timer *t)
{
	MDB_val k, v;

	return (state_seek(s, DB_TIMERS, NULL, 0, &k, &v) && read_timer(&k, &v, t));
}

bool
timers_behind(struct state *s, const uint8_t *place, size_t place_len, uint8_t found[TIMER_PLACE_MAX], size_t *found_len, struct timer *t)
{
	uint8_t from[TIMER_PLACE_MAX + 1];
	MDB_val k, v;

	/* The least key behind it. */
	memcpy(from, place, place_len);
	from[place_len] = 0;
	if (!state_seek(s, DB_TIMERS, from, place_len > 0 ? place_len + 1 : 0, &k, &v) || !read_timer(&k, &v, t))
		return (false);
	memcpy(found, k.mv_data, k.mv_size);
	*found_len = k.mv_size;
	return (true);
}

bool
timers_due(struct state *s, const void *name, size_t len, int64_t *due)
{
	MDB_val v;

	if (!state_get(s, DB_NAMES, name, len, &v) || v.mv_size != DUE_BYTES)
		return (false);
	*due = get_due(v.mv_data);
	return (true);
}

void
timers_remove(struct state *s, const void *name, size_t len, int64_t due)
{
	uint8_t key[DUE_BYTES + STATE_KEY_MAX];

	put_due(key, due);
	memcpy(key + DUE_BYTES, name, len);
	state_delete(s, DB_TIMERS, key, DUE_BYTES + len);
	state_delete(s, DB_NAMES, name, len);
}

void
timers_set(struct state *s, const struct timer *t)
{
	uint8_t key[DUE_BYTES + STATE_KEY_MAX], value[HEAD_BYTES + TIMER_PAYLOAD_MAX];
	int64_t before;

	if (timers_due(s, t->name, t->name_len, &before) && before != t->due)
		timers_remove(s, t->name, t->name_len, before);
	put_due(key, t->due);
	memcpy(key + DUE_BYTES, t->name, t->name_len);
	put_le64(value, t->cause);
	value[8] = t->depth;
	value[9] = t->steps;
	value[10] = t->flags;
	if (t->len > 0)
		memcpy(value + HEAD_BYTES, t->payload, t->len);
	state_put(s, DB_NAMES, t->name, t->name_len, key, DUE_BYTES);
	state_put(s, DB_TIMERS, key, DUE_BYTES + t->name_len, value, HEAD_BYTES + t->len);
}
