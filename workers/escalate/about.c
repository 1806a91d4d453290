/* Fields of events, packed: what a subject is known as. */
#include "row.h"

#include <stdio.h>
#include <string.h>

/* A packed map of at most 15 pairs that grows at its end. */
static size_t
add_pair(uint8_t *out, size_t len, const char *name, uint32_t name_len, struct mp value)
{
	const uint8_t *raw;
	size_t raw_len;

	if (!mp_raw(&value, &raw, &raw_len) || name_len > 31 || (out[0] & 15) == 15 || len + 1 + name_len + raw_len > ABOUT_DATA_MAX)
		return (len);
	out[0]++;
	out[len++] = (uint8_t)(0xa0 | name_len);
	memcpy(out + len, name, name_len);
	memcpy(out + len + name_len, raw, raw_len);
	return (len + name_len + raw_len);
}

/* What a rule may ask of a field: what it says, or only whether it is given. */
static bool
may_ask(const struct type *t, const char *name, uint32_t len)
{
	const struct field *f = t != NULL ? catalogue_field(t, name, len) : NULL;

	return (f != NULL && !f->personal && f->kind != FIELD_TEXT && f->kind != FIELD_ITEMS && f->kind != FIELD_MAP && f->kind != FIELD_IDS);
}

size_t
about_pack(const struct event *e, uint8_t out[ABOUT_DATA_MAX])
{
	struct mp m = e->data;
	uint32_t pairs, len;
	const char *name;
	size_t n = 1;

	out[0] = 0x80;
	if (!mp_map(&m, &pairs))
		return (1);
	for (; pairs > 0 && mp_str(&m, &name, &len); pairs--) {
		n = add_pair(out, n, name, len, may_ask(e->kind, name, len) ? m : mp_over("\xc0", 1));
		if (!mp_skip(&m))
			break;
	}
	return (n);
}

void
about_flatten(struct about *a)
{
	struct event over = { .data = mp_over(a->over, a->over_len) };
	struct mp m = mp_over(a->data, a->data_len), value;
	uint8_t out[ABOUT_DATA_MAX];
	uint32_t pairs, len;
	const char *name;
	size_t n;

	if (a->over_len == 0)
		return;
	memcpy(out, a->over, a->over_len);
	n = a->over_len;
	if (a->data_len > 0 && mp_map(&m, &pairs))
		for (; pairs > 0 && mp_str(&m, &name, &len); pairs--) {
			char text[64];

			snprintf(text, sizeof(text), "%.*s", (int)len, name);
			if (!event_field(&over, text, &value))
				n = add_pair(out, n, name, len, m);
			if (!mp_skip(&m))
				break;
		}
	memcpy(a->data, out, n);
	a->data_len = n;
	a->over_len = 0;
	a->over_seq = 0;
}
