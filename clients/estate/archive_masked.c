/*
 * A record whose personal data cannot be opened any more, as another log takes it: a mask is a text, and where a telephone number is expected
 * a door refuses it.  So what is optional and is no text is left out, and parameters are none.  The record itself, its id and all its
 * other fields stay.
 */
#include "archive.h"
#include "event.h"
#include "view.h"

static bool
is_mask(struct mp m)
{
	const char *s;
	uint32_t len;

	return (mp_str(&m, &s, &len) && (mp_equal(s, len, SEAL_MASK) || mp_equal(s, len, SEAL_ERASED)));
}

/* The data map at the cursor, field by field; false if a mask stands nowhere where it will not do. */
static bool
write_data(const struct type *type, struct mp m, msgpack_sbuffer *out)
{
	uint32_t pairs, kept = 0, len;
	msgpack_sbuffer fields;
	bool changed = false;
	msgpack_packer p;
	const char *key;

	if (!mp_map(&m, &pairs))
		return (false);
	msgpack_sbuffer_init(&fields);
	for (; pairs > 0; pairs--) {
		const uint8_t *begin = m.p, *value;
		const struct field *f;

		if (!mp_str(&m, &key, &len))
			break;
		f = catalogue_field(type, key, len);
		value = m.p;
		if (f == NULL || !f->personal || f->kind == FIELD_TEXT || !is_mask(m))
			value = NULL;
		if (!mp_skip(&m))
			break;
		changed |= value != NULL;
		if (value != NULL && f->kind != FIELD_MAP)
			continue;
		msgpack_sbuffer_write(&fields, (const char *)begin, (size_t)((value != NULL ? value : m.p) - begin));
		if (value != NULL)
			msgpack_sbuffer_write(&fields, "\x80", 1);	/* a map of nothing */
		kept++;
	}
	msgpack_packer_init(&p, out, msgpack_sbuffer_write);
	msgpack_pack_map(&p, kept);
	msgpack_sbuffer_write(out, fields.data != NULL ? fields.data : "", fields.size);
	msgpack_sbuffer_destroy(&fields);
	return (changed && pairs == 0);
}

void
masked_fit(msgpack_sbuffer *out, struct estate_event *v)
{
	const uint8_t *bytes = v->bytes, *begin;
	struct event e;
	struct mp rest;

	if (!view_read(&e, v) || e.kind == NULL || e.data.p == NULL)
		return;
	begin = e.data.p;
	rest = e.data;
	/* Without data the cursor is over a map of nothing, elsewhere. */
	if (begin < bytes || begin >= bytes + v->len || !mp_skip(&rest))
		return;
	msgpack_sbuffer_clear(out);
	msgpack_sbuffer_write(out, v->bytes, (size_t)(begin - bytes));
	if (!write_data(e.kind, e.data, out))
		return;
	msgpack_sbuffer_write(out, (const char *)rest.p, (size_t)(bytes + v->len - rest.p));
	v->bytes = out->data;
	v->len = out->size;
}
