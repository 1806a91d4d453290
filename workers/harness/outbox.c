#include "outbox.h"

#include <string.h>

#include "buffer.h"
#include "bytes.h"

#define ID_BYTES	(ID_SIZE - 1)

static bool
read_entry(struct outbox_entry *e, const MDB_val *k, const MDB_val *v)
{
	if (k->mv_size != 8 || v->mv_size < ID_BYTES)
		return (false);
	e->number = get_be64(k->mv_data);
	memcpy(e->id, v->mv_data, ID_BYTES);
	e->id[ID_BYTES] = '\0';
	e->bytes = (const uint8_t *)v->mv_data + ID_BYTES;
	e->len = v->mv_size - ID_BYTES;
	return (true);
}

uint64_t
outbox_find(struct state *s, const char *id)
{
	MDB_val v;

	return (state_get(s, DB_OUTBOX_IDS, id, ID_BYTES, &v) && v.mv_size == 8 ? get_be64(v.mv_data) : 0);
}

/* Does the entry of that number hold these bytes? */
static bool
holds(struct state *s, uint64_t number, const void *bytes, size_t len)
{
	struct outbox_entry e;

	return (outbox_next(s, number - 1, &e) && e.number == number && e.len == len && memcmp(e.bytes, bytes, len) == 0);
}

void
outbox_confirm(struct state *s, const char *id, const void *bytes, size_t len)
{
	uint64_t number = outbox_find(s, id);

	if (number != 0 && holds(s, number, bytes, len))
		outbox_remove(s, number);
}

bool
outbox_add(struct state *s, const struct derived *d)
{
	uint64_t number = outbox_find(s, d->id);
	struct buffer b = { NULL, 0, 0 };
	uint8_t key[8];

	if (number != 0)
		return (holds(s, number, d->bytes, d->len));
	put_be64(key, ++s->outbox_last);
	buffer_add(&b, d->id, ID_BYTES);
	buffer_add(&b, d->bytes, d->len);
	state_put(s, DB_OUTBOX, key, sizeof(key), b.data, b.len);
	state_put(s, DB_OUTBOX_IDS, d->id, ID_BYTES, key, sizeof(key));
	buffer_free(&b);
	return (true);
}

bool
outbox_next(struct state *s, uint64_t after, struct outbox_entry *e)
{
	uint8_t key[8];
	MDB_val k, v;

	put_be64(key, after + 1);
	return (state_seek(s, DB_OUTBOX, key, sizeof(key), &k, &v) && read_entry(e, &k, &v));
}

void
outbox_remove(struct state *s, uint64_t number)
{
	struct outbox_entry e;

	if (outbox_next(s, number - 1, &e) && e.number == number) {
		uint8_t key[8];

		put_be64(key, number);
		state_delete(s, DB_OUTBOX_IDS, e.id, ID_BYTES);
		state_delete(s, DB_OUTBOX, key, sizeof(key));
	}
}
