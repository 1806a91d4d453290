#include "rebuild.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"
#include "log.h"
#include "outbox.h"

#define ID_BYTES	(ID_SIZE - 1)

/* Differences told one by one; the others are counted. */
#define TOLD_MAX	20u

enum side { CONCLUDED, LOGGED };

static void
tell(struct rebuild *r, const char *what, const char *id, uint64_t *count)
{
	if (r->different + r->missing + r->extra < TOLD_MAX)
		log_warn(what, "worker=%s id=%s", r->worker->kind->name, id);
	++*count;
}

/* One side tells of an event; kept if the other has not told yet. */
static void
meet(struct rebuild *r, enum side side, const char *id, const void *bytes, size_t len)
{
	struct state *s = r->worker->state;
	uint64_t digest = XXH3_64bits(bytes, len);
	uint8_t value[9];
	MDB_val v;

	if (state_get(s, DB_COMPARE, id, ID_BYTES, &v) && v.mv_size == sizeof(value) && *(uint8_t *)v.mv_data != side) {
		if (get_le64((uint8_t *)v.mv_data + 1) == digest)
			r->same++;
		else
			tell(r, "rebuild: concluded otherwise than the log holds it", id, &r->different);
		state_delete(s, DB_COMPARE, id, ID_BYTES);
		return;
	}
	value[0] = (uint8_t)side;
	put_le64(value + 1, digest);
	state_put(s, DB_COMPARE, id, ID_BYTES, value, sizeof(value));
}

void
rebuild_derived(struct rebuild *r, const struct derived *d)
{
	meet(r, CONCLUDED, d->id, d->bytes, d->len);
}

void
rebuild_own(struct rebuild *r, const struct stored *v, const struct event *e)
{
	char id[ID_SIZE];

	(void)v;
	/* An activation is put, not concluded. */
	if (e->id.len != ID_BYTES || mp_equal(e->type.s, e->type.len, "config.activated"))
		return;
	memcpy(id, e->id.s, ID_BYTES);
	id[ID_BYTES] = '\0';
	meet(r, LOGGED, id, e->bytes, e->len);
}

void
rebuild_finish(struct rebuild *r)
{
	struct state *s = r->worker->state;
	char id[ID_SIZE];
	MDB_val k, v;

	while (state_seek(s, DB_COMPARE, NULL, 0, &k, &v)) {
		enum side side = *(uint8_t *)v.mv_data == CONCLUDED ? CONCLUDED : LOGGED;

		memcpy(id, k.mv_data, ID_BYTES);
		id[ID_BYTES] = '\0';
		/* What waits in the outbox is not in the log yet. */
		if (outbox_find(s, id) != 0)
			r->same++;
		else if (side == CONCLUDED)
			tell(r, "rebuild: concluded, but the log does not hold it", id, &r->missing);
		else
			tell(r, "rebuild: the log holds it, but it is not concluded any more", id, &r->extra);
		state_delete(s, DB_COMPARE, id, ID_BYTES);
	}
	log_line(r->different + r->missing + r->extra > 0 ? LOG_WARN : LOG_INFO, "rebuild: compared with the log",
	    "worker=%s same=%" PRIu64 " different=%" PRIu64 " not_in_log=%" PRIu64 " only_in_log=%" PRIu64, r->worker->kind->name, r->same,
	    r->different, r->missing, r->extra);
}
