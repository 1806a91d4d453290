#include "shape.h"

#include <string.h>

#include "bytes.h"

bool
shape_read(const struct shape_list *list, uint8_t version, const void *bytes, size_t len, void *out)
{
	const uint8_t *p = bytes, *end = p + len;
	size_t n;
	int64_t v;

	memset(out, 0, list->size);
	if (len < 1 || *p++ != version)
		return (false);
	for (const struct member *m = list->members; m->kind != MEMBER_END; m++) {
		char *at = (char *)out + m->offset;

		if (p >= end)
			return (false);
		switch (m->kind) {
		case MEMBER_BYTE:
			*(uint8_t *)at = *p++;
			break;
		case MEMBER_NUMBER:
			if (end - p < 8)
				return (false);
			v = (int64_t)get_le64(p);
			memcpy(at, &v, sizeof(v));
			p += 8;
			break;
		default:
			n = *p++;
			if ((size_t)(end - p) < n || n >= m->size)
				return (false);
			memcpy(at, p, n);
			p += n;
		}
	}
	return (true);
}

size_t
shape_write(const struct shape_list *list, uint8_t version, const void *in, uint8_t *out)
{
	uint8_t *p = out;
	size_t n;
	int64_t v;

	*p++ = version;
	for (const struct member *m = list->members; m->kind != MEMBER_END; m++) {
		const char *at = (const char *)in + m->offset;

		switch (m->kind) {
		case MEMBER_BYTE:
			*p++ = *(const uint8_t *)at;
			break;
		case MEMBER_NUMBER:
			memcpy(&v, at, sizeof(v));
			put_le64(p, (uint64_t)v);
			p += 8;
			break;
		default:
			n = strnlen(at, m->size - 1);
			*p++ = (uint8_t)n;
			memcpy(p, at, n);
			p += n;
		}
	}
	return ((size_t)(p - out));
}
