/* Derived events: who they are, and their bytes. */
#include "emit.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buffer.h"
#include "bytes.h"
#include "call.h"

struct one {
	char id[ID_SIZE];
	size_t at, len;			/* in `done` */
};

struct emission {
	/* The one being built. */
	bool open;
	char id[ID_SIZE];
	char type[TYPE_CHARS_MAX + 1], subject[ID_CHARS_MAX + 1], urgency[16];
	msgpack_sbuffer fields;
	msgpack_packer packer;
	uint32_t field_count, outer_count;
	/* Those of this callback. */
	msgpack_sbuffer done;
	struct one *list;
	size_t count, room;
};

struct emission *
emission_new(void)
{
	struct emission *m = alloc_or_exit(NULL, sizeof(*m));

	memset(m, 0, sizeof(*m));
	msgpack_sbuffer_init(&m->fields);
	msgpack_sbuffer_init(&m->done);
	msgpack_packer_init(&m->packer, &m->fields, msgpack_sbuffer_write);
	return (m);
}

void
emission_free(struct emission *m)
{
	if (m == NULL)
		return;
	msgpack_sbuffer_destroy(&m->fields);
	msgpack_sbuffer_destroy(&m->done);
	free(m->list);
	free(m);
}

void
emission_clear(struct worker *w)
{
	w->emission->open = false;
	w->emission->done.size = 0;
	w->emission->count = 0;
}

void
emission_deliver(struct worker *w)
{
	struct emission *m = w->emission;
	struct derived d;

	for (size_t i = 0; i < m->count; i++) {
		memcpy(d.id, m->list[i].id, sizeof(d.id));
		d.bytes = m->done.data + m->list[i].at;
		d.len = m->list[i].len;
		d.muted = w->cause.muted;
		w->emitted++;
		w->ends.derived(w->ends.end, &d);
	}
	emission_clear(w);
}

/* Length first, so that no two identities run together into the same bytes. */
static void
hash_text(XXH3_state_t *h, struct text t)
{
	uint8_t len[4];

	put_le32(len, t.len);
	XXH3_128bits_update(h, len, sizeof(len));
	XXH3_128bits_update(h, t.s, t.len);
}

void
derived_id(const char *worker, uint64_t cause, const struct worker_identity *i, char out[ID_SIZE])
{
	static XXH3_state_t *h;		/* one thread; its 576 bytes want an alignment that the stack may lack */
	uint8_t occurrence[8];
	XXH128_hash_t hash;

	if (h == NULL)
		h = XXH3_createState();
	XXH3_128bits_reset(h);
	hash_text(h, text_of(worker));
	hash_text(h, text_of(i->rule));
	hash_text(h, i->object);
	hash_text(h, text_of(i->step));
	put_le64(occurrence, i->occurrence);
	XXH3_128bits_update(h, occurrence, sizeof(occurrence));
	hash = XXH3_128bits_digest(h);
	snprintf(out, ID_SIZE, "%016" PRIx64 "%016" PRIx64 "%016" PRIx64, cause, (uint64_t)hash.high64, (uint64_t)hash.low64);
}

void
emission_begin(struct worker *w, const char *type, struct text subject, const struct worker_identity *identity)
{
	struct emission *m = w->emission;

	if (subject.len > ID_CHARS_MAX)
		worker_fail(w, "it concludes an event %s about a subject of %u characters", type, (unsigned)subject.len);
	m->open = true;
	m->fields.size = 0;
	m->field_count = 0;
	m->urgency[0] = '\0';
	snprintf(m->type, sizeof(m->type), "%s", type);
	snprintf(m->subject, sizeof(m->subject), "%.*s", (int)subject.len, subject.s != NULL ? subject.s : "");
	derived_id(w->kind->name, w->cause.seq, identity, m->id);
}

void
worker_derive(struct worker *w, const char *type, struct text subject, const struct worker_identity *identity)
{
	if (!call_may_change(w))
		return;
	if (w->cause.depth >= CAUSATION_DEPTH_MAX)
		worker_fail(w, "it would be derived event number %u in a row: a loop", CAUSATION_DEPTH_MAX + 1);
	emission_begin(w, type, subject, identity);
}

void
worker_urgency(struct worker *w, const char *level)
{
	snprintf(w->emission->urgency, sizeof(w->emission->urgency), "%s", level);
}

static void
pack_str(msgpack_packer *p, const char *s, size_t len)
{
	msgpack_pack_str_with_body(p, s, len);
}

static msgpack_packer *
field(struct worker *w, const char *name)
{
	struct emission *m = w->emission;

	pack_str(&m->packer, name, strlen(name));
	m->field_count++;
	return (&m->packer);
}

void
worker_field(struct worker *w, const char *name, struct text value)
{
	pack_str(field(w, name), value.s != NULL ? value.s : "", value.len);
}

void
worker_field_int(struct worker *w, const char *name, int64_t value)
{
	msgpack_pack_int64(field(w, name), value);
}

void
worker_field_bool(struct worker *w, const char *name, bool value)
{
	msgpack_packer *p = field(w, name);

	if (value)
		msgpack_pack_true(p);
	else
		msgpack_pack_false(p);
}

static void
pack_instant(msgpack_packer *p, int64_t ns)
{
	int64_t seconds = ns / SECOND_NS, rest = ns % SECOND_NS;

	if (rest < 0) {
		rest += SECOND_NS;
		seconds--;
	}
	msgpack_pack_timestamp(p, &(msgpack_timestamp){ seconds, (uint32_t)rest });
}

void
worker_field_instant(struct worker *w, const char *name, int64_t ns)
{
	pack_instant(field(w, name), ns);
}

void
worker_field_map(struct worker *w, const char *name, unsigned pairs)
{
	struct emission *m = w->emission;

	msgpack_pack_map(field(w, name), pairs);
	m->outer_count = m->field_count;
}

void
worker_field_map_end(struct worker *w)
{
	w->emission->field_count = w->emission->outer_count;
}

static void
pack_pair(msgpack_packer *p, const char *key, const char *value)
{
	pack_str(p, key, strlen(key));
	pack_str(p, value, strlen(value));
}

/* Envelope and data behind what is done already. */
static void
pack_event(struct worker *w)
{
	struct emission *m = w->emission;
	char causation[24];
	msgpack_packer p;

	msgpack_packer_init(&p, &m->done, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 8 + (m->subject[0] != '\0') + (m->urgency[0] != '\0'));
	pack_pair(&p, "specversion", "1.0");
	pack_pair(&p, "id", m->id);
	pack_pair(&p, "source", w->source);
	pack_pair(&p, "type", m->type);
	pack_str(&p, "time", 4);
	pack_instant(&p, w->cause.now);
	if (m->subject[0] != '\0')
		pack_pair(&p, "subject", m->subject);
	snprintf(causation, sizeof(causation), "%" PRIu64, w->cause.seq);
	pack_pair(&p, "causation", causation);
	if (m->urgency[0] != '\0')
		pack_pair(&p, "urgency", m->urgency);
	pack_str(&p, "hops", 4);
	msgpack_pack_uint32(&p, w->cause.depth + 1);
	pack_str(&p, "data", 4);
	msgpack_pack_map(&p, m->field_count);
	msgpack_sbuffer_write(&m->done, m->fields.data != NULL ? m->fields.data : "", m->fields.size);
}

static bool
known(const struct emission *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->list[i].id, m->id) == 0)
			return (true);
	return (false);
}

void
worker_emit(struct worker *w)
{
	struct emission *m = w->emission;
	struct data_fault f;
	struct event e;
	size_t at = m->done.size;

	if (!call_may_change(w))
		return;
	if (!m->open) {
		worker_fail(w, "it emits without having begun: worker_derive() comes first");
		return;
	}
	m->open = false;
	if (known(m)) {
		worker_fail(w, "it concludes two events %s with the same rule, object, step and occurrence", m->type);
		return;
	}
	pack_event(w);
	if (event_decode(&e, m->done.data + at, m->done.size - at, &f) != 0) {
		worker_fail(w, "it concludes an event %s that the catalogue refuses: %s: %s", m->type, f.path, f.detail);
		return;
	}
	if (m->count == m->room) {
		m->room = m->room == 0 ? 16 : 2 * m->room;
		m->list = alloc_or_exit(m->list, m->room * sizeof(*m->list));
	}
	memcpy(m->list[m->count].id, m->id, sizeof(m->id));
	m->list[m->count].at = at;
	m->list[m->count++].len = m->done.size - at;
}
