#include "member.h"

#include <string.h>

#include "bytes.h"

enum { ROW_COUNTED = 1, ROW_TIMED = 2, ROW_SPELL = 4 };

size_t
member_write(const struct row *r, unsigned dims, uint8_t out[ROW_BYTES_MAX])
{
	size_t n = 1;

	out[0] = (uint8_t)((r->counted ? ROW_COUNTED : 0) | (r->timed ? ROW_TIMED : 0) | (r->spell ? ROW_SPELL : 0));
	if (r->timed) {
		put_le64(out + n, (uint64_t)r->ms);
		n += 8;
	}
	if (r->spell) {
		put_le64(out + n, (uint64_t)r->since);
		put_le64(out + n + 8, (uint64_t)r->until);
		put_le64(out + n + 16, (uint64_t)r->base);
		n += 24;
	} else {
		put_le64(out + n, (uint64_t)r->at);
		n += 8;
	}
	for (unsigned i = 0; i < dims; i++) {
		out[n++] = (uint8_t)r->dims[i].len;
		if (r->dims[i].len > 0)
			memcpy(out + n, r->dims[i].s, r->dims[i].len);
		n += r->dims[i].len;
	}
	return (n);
}

bool
member_read(struct row *r, const uint8_t *p, size_t len)
{
	size_t n = 1;

	memset(r, 0, sizeof(*r));
	if (len < 1)
		return (false);
	r->counted = (p[0] & ROW_COUNTED) != 0;
	r->timed = (p[0] & ROW_TIMED) != 0;
	r->spell = (p[0] & ROW_SPELL) != 0;
	if (len < n + (r->timed ? 8u : 0u) + (r->spell ? 24u : 8u))
		return (false);
	if (r->timed) {
		r->ms = (int64_t)get_le64(p + n);
		n += 8;
	}
	if (r->spell) {
		r->since = (int64_t)get_le64(p + n);
		r->until = (int64_t)get_le64(p + n + 8);
		r->base = (int64_t)get_le64(p + n + 16);
		n += 24;
	} else {
		r->at = (int64_t)get_le64(p + n);
		n += 8;
	}
	for (unsigned i = 0; i < DIMS_MAX && n < len; i++) {
		r->dims[i] = (struct text){ (const char *)p + n + 1, p[n] };
		n += 1u + p[n];
	}
	return (n == len);
}

/* ---- Keys: measure 4, month 2, in PAST a number 8, length of the object's key 1, the object's key, sub ---- */

struct text
member_object(const uint8_t *key, size_t len, bool past)
{
	size_t at = past ? PAST_SEQ + 8 : PAST_SEQ;

	if (len <= at || len < at + 1 + key[at])
		return ((struct text){ NULL, 0 });
	return ((struct text){ (const char *)key + at + 1, key[at] });
}

uint32_t
member_month(const uint8_t *key)
{
	return ((uint32_t)key[4] << 8 | key[5]);
}
