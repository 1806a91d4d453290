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

static void
hash_bytes(XXH3_state_t *h, const uint8_t *from, const uint8_t *to)
{
	XXH3_64bits_update(h, from, (size_t)(to - from));
}

/*
 * A digest of the event with a mask in the place of each personal value: the same for who may see them and who may not, and after
 * their key was erased.
 */
static uint64_t
digest_masked(const struct event *e)
{
	static XXH3_state_t *h;		/* one thread; it wants an alignment that the stack may lack */
	const uint8_t *from = e->bytes;
	struct mp m = e->data;
	uint32_t pairs = 0, len;
	const char *name;

	if (h == NULL)
		h = XXH3_createState();
	XXH3_64bits_reset(h);
	if (e->kind != NULL && m.p != NULL)
		mp_map(&m, &pairs);
	for (; pairs > 0 && mp_str(&m, &name, &len); pairs--) {
		const struct field *f = catalogue_field(e->kind, name, len);
		const uint8_t *value = m.p;

		if (!mp_skip(&m))
			break;
		if (f == NULL || !f->personal)
			continue;
		hash_bytes(h, from, value);
		XXH3_64bits_update(h, SEAL_MASK, sizeof(SEAL_MASK) - 1);
		from = m.p;
	}
	hash_bytes(h, from, e->bytes + e->len);
	return (XXH3_64bits_digest(h));
}

/* What one side tells of an event. */
struct told {
	uint8_t side;
	bool masked;		/* this copy lacks personal values */
	uint64_t digest, without;	/* of its bytes; of those beside its personal values */
};

#define TOLD_BYTES	18u

static struct told
told_get(const uint8_t *p)
{
	return ((struct told){ p[0], p[1] != 0, get_le64(p + 2), get_le64(p + 10) });
}

/* One side tells of an event; kept if the other has not told yet. */
static void
meet(struct rebuild *r, const char *id, const struct told *t)
{
	struct state *s = r->worker->state;
	struct told other;
	uint8_t value[TOLD_BYTES];
	bool masked;
	MDB_val v;

	if (state_get(s, DB_COMPARE, id, ID_BYTES, &v) && v.mv_size == TOLD_BYTES && *(uint8_t *)v.mv_data != t->side) {
		other = told_get(v.mv_data);
		masked = t->masked || other.masked;
		r->without_personal += masked;
		if (masked ? other.without == t->without : other.digest == t->digest)
			r->same++;
		else
			tell(r, "rebuild: concluded otherwise than the log holds it", id, &r->different);
		state_delete(s, DB_COMPARE, id, ID_BYTES);
		return;
	}
	value[0] = t->side;
	value[1] = t->masked;
	put_le64(value + 2, t->digest);
	put_le64(value + 10, t->without);
	state_put(s, DB_COMPARE, id, ID_BYTES, value, sizeof(value));
}

void
rebuild_derived(struct rebuild *r, const struct derived *d)
{
	struct told t = { .side = CONCLUDED, .digest = XXH3_64bits(d->bytes, d->len) };
	struct event e;

	t.without = event_peek(&e, d->bytes, d->len) ? digest_masked(&e) : t.digest;
	meet(r, d->id, &t);
}

void
rebuild_own(struct rebuild *r, const struct stored *v, const struct event *e)
{
	struct told t = { LOGGED, (v->flags & EVENT_SEALED) != 0, XXH3_64bits(e->bytes, e->len), digest_masked(e) };
	char id[ID_SIZE];

	/* An activation is put, not concluded. */
	if (e->id.len != ID_BYTES || mp_equal(e->type.s, e->type.len, "config.activated"))
		return;
	memcpy(id, e->id.s, ID_BYTES);
	id[ID_BYTES] = '\0';
	meet(r, id, &t);
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
	    "worker=%s same=%" PRIu64 " different=%" PRIu64 " not_in_log=%" PRIu64 " only_in_log=%" PRIu64 " without_personal=%" PRIu64, r->worker->kind->name,
	    r->same, r->different, r->missing, r->extra, r->without_personal);
}
