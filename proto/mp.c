/* The msgpack cursor: see mp.h.  Format facts: msgpack specification, github.com/msgpack/msgpack/blob/master/spec.md. */
#include "mp.h"

#include <string.h>
#include <xxhash.h>

#define EXT_TIMESTAMP	(-1)

/* Keys up to this many pairs are compared pairwise; every map of the catalogue is smaller.  More are hashed, or a peer could make
 * us spend the square of what it sends. */
#define PAIRWISE_MAX	16
#define HASHED_MAX	1024

/* What the first bytes of a value say, before anything they promise is believed. */
struct head {
	enum mp_type type;
	uint32_t size;		/* header bytes, payload of scalars included */
	uint32_t length;	/* str, bin, ext: bytes; array: elements; map: pairs */
	int8_t ext;
	uint64_t bits;		/* the scalar's value */
};

static inline uint16_t
be16(const uint8_t *p)
{
	return ((uint16_t)(p[0] << 8 | p[1]));
}

static inline uint32_t
be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return (__builtin_bswap32(v));
}

static inline uint64_t
be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return (__builtin_bswap64(v));
}

/* Bytes the header takes, by its first byte from 0xc0 on; scalars count whole. */
static const uint8_t header_size[32] = {
	1, 1, 1, 1,  2, 3, 5,  3, 4, 6,  5, 9,  2, 3, 5, 9,	/* nil - false true bin ext float uint */
	2, 3, 5, 9,  2, 2, 2, 2, 2,  2, 3, 5,  3, 5,  3, 5,	/* int fixext str array map */
};

static inline bool
signed_head(struct head *h, int64_t v)
{
	h->type = v < 0 ? MP_INT : MP_UINT;
	h->bits = (uint64_t)v;
	return (true);
}

/* Read the header at the cursor.  False (type MP_END) if it is cut short. */
static inline bool
read_head(const struct mp *m, struct head *h)
{
	const uint8_t *p = m->p;
	size_t left = (size_t)(m->end - p);
	uint8_t b;

	h->type = MP_END;
	h->length = 0;
	if (left == 0)
		return (false);
	b = *p;
	h->size = 1;
	if (b <= 0x7f) {
		h->type = MP_UINT;
		h->bits = b;
		return (true);
	}
	if (b >= 0xe0)
		return (signed_head(h, (int8_t)b));
	if (b <= 0x9f) {
		h->type = b <= 0x8f ? MP_MAP : MP_ARRAY;
		h->length = b & 0x0f;
		return (true);
	}
	if (b <= 0xbf) {
		h->type = MP_STR;
		h->length = b & 0x1f;
		return (true);
	}
	h->size = header_size[b - 0xc0];
	if (left < h->size)
		return (false);
	switch (b) {
	case 0xc0: h->type = MP_NIL; break;
	case 0xc1: h->type = MP_BAD; break;
	case 0xc2: case 0xc3: h->type = MP_BOOL; h->bits = b & 1; break;
	case 0xc4: h->type = MP_BIN; h->length = p[1]; break;
	case 0xc5: h->type = MP_BIN; h->length = be16(p + 1); break;
	case 0xc6: h->type = MP_BIN; h->length = be32(p + 1); break;
	case 0xc7: h->type = MP_EXT; h->length = p[1]; h->ext = (int8_t)p[2]; break;
	case 0xc8: h->type = MP_EXT; h->length = be16(p + 1); h->ext = (int8_t)p[3]; break;
	case 0xc9: h->type = MP_EXT; h->length = be32(p + 1); h->ext = (int8_t)p[5]; break;
	case 0xca: h->type = MP_FLOAT; h->bits = be32(p + 1); break;
	case 0xcb: h->type = MP_FLOAT; h->bits = be64(p + 1); break;
	case 0xcc: h->type = MP_UINT; h->bits = p[1]; break;
	case 0xcd: h->type = MP_UINT; h->bits = be16(p + 1); break;
	case 0xce: h->type = MP_UINT; h->bits = be32(p + 1); break;
	case 0xcf: h->type = MP_UINT; h->bits = be64(p + 1); break;
	case 0xd0: return (signed_head(h, (int8_t)p[1]));
	case 0xd1: return (signed_head(h, (int16_t)be16(p + 1)));
	case 0xd2: return (signed_head(h, (int32_t)be32(p + 1)));
	case 0xd3: return (signed_head(h, (int64_t)be64(p + 1)));
	case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8:
		h->type = MP_EXT;
		h->length = 1u << (b - 0xd4);
		h->ext = (int8_t)p[1];
		break;
	case 0xd9: h->type = MP_STR; h->length = p[1]; break;
	case 0xda: h->type = MP_STR; h->length = be16(p + 1); break;
	case 0xdb: h->type = MP_STR; h->length = be32(p + 1); break;
	case 0xdc: h->type = MP_ARRAY; h->length = be16(p + 1); break;
	case 0xdd: h->type = MP_ARRAY; h->length = be32(p + 1); break;
	case 0xde: h->type = MP_MAP; h->length = be16(p + 1); break;
	case 0xdf: h->type = MP_MAP; h->length = be32(p + 1); break;
	default:
		return (false);
	}
	return (true);
}

static inline bool
has_bytes(enum mp_type t)
{
	return (t == MP_STR || t == MP_BIN || t == MP_EXT);
}

struct mp
mp_over(const void *buf, size_t len)
{
	struct mp m = { buf, (const uint8_t *)buf + len };

	return (m);
}

enum mp_type
mp_peek(const struct mp *m)
{
	struct head h;

	read_head(m, &h);
	return (h.type);
}

/* Past the plain characters: eight at a time, then one by one, up to the first byte that is none. */
static inline const uint8_t *
skip_ascii(const uint8_t *p, const uint8_t *end)
{
	uint64_t w;

	while (end - p >= 8 && (memcpy(&w, p, 8), (w & 0x8080808080808080ull) == 0))
		p += 8;
	while (p < end && *p < 0x80)
		p++;
	return (p);
}

bool
mp_utf8(const void *buf, size_t len, size_t *where)
{
	const uint8_t *s = buf, *p = s, *end = s + len;

	while (p < end) {
		uint8_t b = *p;
		unsigned n, i;
		uint32_t c;

		if (b < 0x80) {
			p = skip_ascii(p, end);
			continue;
		}
		n = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
		if (b < 0xc2 || b > 0xf4 || (size_t)(end - p) <= n)
			break;
		c = b & (0x3fu >> n);
		for (i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				break;
			c = c << 6 | (p[i] & 0x3fu);
		}
		if (i <= n)
			break;
		/* Overlong three- and four-byte forms, surrogates, beyond U+10FFFF. */
		if ((n == 2 && c < 0x800) || (n == 3 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c <= 0xdfff))
			break;
		p += n + 1;
	}
	*where = (size_t)(p - s);
	return (p == end);
}

static bool
timestamp_ok(const uint8_t *p, uint32_t len)
{
	switch (len) {
	case 4:
		return (true);
	case 8:
		return (be64(p) >> 34 <= 999999999);
	case 12:
		return (be32(p) <= 999999999);
	default:
		return (false);
	}
}

/* Keys of one large map: places in it by hash, open addressing, never more than half full. */
struct key_table {
	uint32_t offset[2 * HASHED_MAX];	/* of the key's string header from the map's first key, plus 1 */
};

/* Remember the key whose header is at `at`; false if its like was there already. */
static bool
key_table_add(struct key_table *t, const uint8_t *first, const uint8_t *at, const uint8_t *end)
{
	static const char seed;		/* its address differs from run to run */
	struct mp m = { at, end }, other;
	const char *s, *o;
	uint32_t len, olen;
	uint64_t i;

	if (!mp_str(&m, &s, &len))
		return (false);
	for (i = XXH3_64bits_withSeed(s, len, (uintptr_t)&seed);; i++) {
		uint32_t *slot = &t->offset[i % (2 * HASHED_MAX)];

		if (*slot == 0) {
			*slot = (uint32_t)(at - first) + 1;
			return (true);
		}
		other.p = first + *slot - 1;
		other.end = end;
		if (mp_str(&other, &o, &olen) && olen == len && memcmp(o, s, len) == 0)
			return (false);
	}
}

struct check {
	struct mp m;
	const struct mp_bounds *b;
	const uint8_t *where;		/* the byte at fault */
};

static enum mp_fault	check_value(struct check *, unsigned depth);

/* One map key: a string.  `where` stays on it.  Nearly every key is short and plain, and is read here in one go. */
static inline enum mp_fault
check_key(struct check *c, const char **s, uint32_t *len)
{
	const uint8_t *p = c->m.p;
	size_t left = (size_t)(c->m.end - p);
	enum mp_fault f;
	struct mp k;

	c->where = p;
	if (left > 0 && (*p & 0xe0) == 0xa0 && left > (*len = *p & 0x1fu) && skip_ascii(p + 1, p + 1 + *len) == p + 1 + *len) {
		*s = (const char *)p + 1;
		c->m.p = p + 1 + *len;
		return (MP_OK);
	}
	k = c->m;
	if (mp_peek(&k) != MP_STR)
		return (mp_peek(&k) == MP_END ? MP_TRUNCATED : MP_BAD_KEY);
	if ((f = check_value(c, 0)) != MP_OK)
		return (f);
	return (mp_str(&k, s, len) ? MP_OK : MP_TRUNCATED);
}

/* A map with string keys, few enough to compare each with each. */
static enum mp_fault
check_small_map(struct check *c, uint32_t pairs, unsigned depth)
{
	const char *keys[PAIRWISE_MAX];
	uint32_t lens[PAIRWISE_MAX];
	enum mp_fault f;

	for (uint32_t i = 0; i < pairs; i++) {
		const uint8_t *at = c->m.p;

		if ((f = check_key(c, &keys[i], &lens[i])) != MP_OK)
			return (f);
		for (uint32_t j = 0; j < i; j++)
			if (lens[j] == lens[i] && memcmp(keys[j], keys[i], lens[i]) == 0) {
				c->where = at;
				return (MP_DUPLICATE_KEY);
			}
		if ((f = check_value(c, depth)) != MP_OK)
			return (f);
	}
	return (MP_OK);
}

static enum mp_fault
check_large_map(struct check *c, uint32_t pairs, unsigned depth)
{
	const uint8_t *first = c->m.p;
	struct key_table seen = { { 0 } };
	enum mp_fault f;
	const char *s;
	uint32_t len;

	for (uint32_t i = 0; i < pairs; i++) {
		const uint8_t *at = c->m.p;

		if ((f = check_key(c, &s, &len)) != MP_OK)
			return (f);
		if (!key_table_add(&seen, first, at, c->m.end)) {
			c->where = at;
			return (MP_DUPLICATE_KEY);
		}
		if ((f = check_value(c, depth)) != MP_OK)
			return (f);
	}
	return (MP_OK);
}

static enum mp_fault
check_map(struct check *c, uint32_t pairs, unsigned depth)
{
	enum mp_fault f;

	if (c->b->string_keys) {
		if (pairs > HASHED_MAX)
			return (MP_TOO_MANY);
		return (pairs <= PAIRWISE_MAX ? check_small_map(c, pairs, depth) : check_large_map(c, pairs, depth));
	}
	for (uint64_t i = 0; i < 2ull * pairs; i++)
		if ((f = check_value(c, depth)) != MP_OK)
			return (f);
	return (MP_OK);
}

/* `depth`: how many more containers may open here. */
static enum mp_fault
check_value(struct check *c, unsigned depth)
{
	struct head h;
	size_t left, bad;
	enum mp_fault f;

	c->where = c->m.p;
	/* The two commonest values, without ceremony: a small integer, a short plain string. */
	if (c->m.p < c->m.end) {
		const uint8_t *p = c->m.p, b = *p;

		if (b <= 0x7f || b >= 0xe0) {
			c->m.p++;
			return (MP_OK);
		}
		if ((b & 0xe0) == 0xa0 && (size_t)(c->m.end - p) > (b & 0x1fu) && skip_ascii(p + 1, p + 1 + (b & 0x1f)) == p + 1 + (b & 0x1f)) {
			c->m.p = p + 1 + (b & 0x1f);
			return (MP_OK);
		}
	}
	if (!read_head(&c->m, &h))
		return (MP_TRUNCATED);
	left = (size_t)(c->m.end - c->m.p) - h.size;
	if (has_bytes(h.type)) {
		const uint8_t *payload = c->m.p + h.size;

		if (h.length > left)
			return (MP_TRUNCATED);
		if (h.type == MP_STR && !mp_utf8(payload, h.length, &bad)) {
			c->where = payload + bad;
			return (MP_BAD_UTF8);
		}
		if (h.type == MP_EXT && h.ext == EXT_TIMESTAMP && !timestamp_ok(payload, h.length))
			return (MP_BAD_TIMESTAMP);
		c->m.p = payload + h.length;
		return (MP_OK);
	}
	switch (h.type) {
	case MP_BAD:
		return (MP_UNUSED_BYTE);
	case MP_ARRAY:
	case MP_MAP:
		/* Each element takes a byte at least, each pair two. */
		if (h.length > left || (h.type == MP_MAP && h.length > left / 2))
			return (MP_TRUNCATED);
		if (depth == 0)
			return (MP_TOO_DEEP);
		if (h.length > c->b->items_max)
			return (MP_TOO_MANY);
		c->m.p += h.size;
		if (h.type == MP_MAP)
			return (check_map(c, h.length, depth - 1));
		for (uint32_t i = 0; i < h.length; i++)
			if ((f = check_value(c, depth - 1)) != MP_OK)
				return (f);
		return (MP_OK);
	default:
		c->m.p += h.size;
		return (MP_OK);
	}
}

enum mp_fault
mp_check_first(const struct mp *m, const struct mp_bounds *b, size_t *where, size_t *len)
{
	struct check c = { *m, b, m->p };
	enum mp_fault f;

	f = check_value(&c, b->depth_max < MP_DEPTH_MAX ? b->depth_max : MP_DEPTH_MAX);
	*where = (size_t)(c.where - m->p);
	*len = (size_t)(c.m.p - m->p);
	return (f);
}

enum mp_fault
mp_check(const struct mp *m, const struct mp_bounds *b, size_t *where)
{
	enum mp_fault f;
	size_t len;

	if ((f = mp_check_first(m, b, where, &len)) != MP_OK)
		return (f);
	if (m->p + len != m->end) {
		*where = len;
		return (MP_LEFT_OVER);
	}
	return (MP_OK);
}

const char *
mp_fault_text(enum mp_fault f)
{
	static const char *const text[] = {
		[MP_OK] = "well-formed",
		[MP_TRUNCATED] = "a length or count asks for more bytes than are there",
		[MP_UNUSED_BYTE] = "0xc1 is no msgpack value",
		[MP_TOO_DEEP] = "containers nested too deep",
		[MP_TOO_MANY] = "too many elements in one container",
		[MP_BAD_UTF8] = "a string is not UTF-8",
		[MP_BAD_KEY] = "a map key is not a string",
		[MP_DUPLICATE_KEY] = "a key appears twice in one map",
		[MP_BAD_TIMESTAMP] = "a timestamp of impossible length or nanoseconds",
		[MP_LEFT_OVER] = "bytes are left over after the value",
	};

	return (text[f]);
}

static inline bool
take(struct mp *m, enum mp_type want, struct head *h)
{
	if (!read_head(m, h) || h->type != want)
		return (false);
	if (has_bytes(want) && h->length > (size_t)(m->end - m->p) - h->size)
		return (false);
	m->p += h->size;
	return (true);
}

bool
mp_nil(struct mp *m)
{
	struct head h;

	return (take(m, MP_NIL, &h));
}

bool
mp_bool(struct mp *m, bool *v)
{
	struct head h;

	if (!take(m, MP_BOOL, &h))
		return (false);
	*v = h.bits != 0;
	return (true);
}

bool
mp_uint_any(struct mp *m, uint64_t *v)
{
	struct head h;

	if (!take(m, MP_UINT, &h))
		return (false);
	*v = h.bits;
	return (true);
}

bool
mp_int(struct mp *m, int64_t *v)
{
	struct head h;

	if (!read_head(m, &h) || (h.type != MP_INT && (h.type != MP_UINT || h.bits > INT64_MAX)))
		return (false);
	m->p += h.size;
	*v = (int64_t)h.bits;
	return (true);
}

bool
mp_float(struct mp *m, double *v)
{
	struct head h;

	if (!read_head(m, &h))
		return (false);
	switch (h.type) {
	case MP_UINT:
		*v = (double)h.bits;
		break;
	case MP_INT:
		*v = (double)(int64_t)h.bits;
		break;
	case MP_FLOAT:
		if (h.size == 5) {
			uint32_t w = (uint32_t)h.bits;
			float f;

			memcpy(&f, &w, sizeof(f));
			*v = f;
		} else
			memcpy(v, &h.bits, sizeof(*v));
		break;
	default:
		return (false);
	}
	m->p += h.size;
	return (true);
}

/* A header of that type and the bytes behind it. */
static inline bool
take_bytes(struct mp *m, enum mp_type want, struct head *h, const uint8_t **p, uint32_t *len)
{
	if (!take(m, want, h))
		return (false);
	*p = m->p;
	*len = h->length;
	m->p += h->length;
	return (true);
}

bool
mp_str_any(struct mp *m, const char **s, uint32_t *len)
{
	struct head h;
	const uint8_t *p;

	if (!take_bytes(m, MP_STR, &h, &p, len))
		return (false);
	*s = (const char *)p;
	return (true);
}

bool
mp_bin(struct mp *m, const uint8_t **p, uint32_t *len)
{
	struct head h;

	return (take_bytes(m, MP_BIN, &h, p, len));
}

bool
mp_array(struct mp *m, uint32_t *count)
{
	struct head h;

	if (!take(m, MP_ARRAY, &h))
		return (false);
	*count = h.length;
	return (true);
}

bool
mp_map(struct mp *m, uint32_t *pairs)
{
	struct head h;

	if (!take(m, MP_MAP, &h))
		return (false);
	*pairs = h.length;
	return (true);
}

bool
mp_ext(struct mp *m, int8_t *type, const uint8_t **p, uint32_t *len)
{
	struct head h;

	if (!take_bytes(m, MP_EXT, &h, p, len))
		return (false);
	*type = h.ext;
	return (true);
}

bool
mp_timestamp(struct mp *m, int64_t *seconds, uint32_t *nanoseconds)
{
	struct mp at = *m;
	const uint8_t *p;
	uint32_t len;
	int8_t type;

	if (!mp_ext(&at, &type, &p, &len) || type != EXT_TIMESTAMP || !timestamp_ok(p, len))
		return (false);
	switch (len) {
	case 4:
		*seconds = be32(p);
		*nanoseconds = 0;
		break;
	case 8:
		*seconds = (int64_t)(be64(p) & 0x3ffffffffull);
		*nanoseconds = (uint32_t)(be64(p) >> 34);
		break;
	default:
		*nanoseconds = be32(p);
		*seconds = (int64_t)be64(p + 4);
		break;
	}
	*m = at;
	return (true);
}

static bool
skip_value(struct mp *m, unsigned depth)
{
	struct head h;
	size_t left;
	uint64_t n;

	if (!read_head(m, &h) || h.type == MP_BAD)
		return (false);
	left = (size_t)(m->end - m->p) - h.size;
	if (has_bytes(h.type)) {
		if (h.length > left)
			return (false);
		m->p += h.size + h.length;
		return (true);
	}
	m->p += h.size;
	if (h.type != MP_ARRAY && h.type != MP_MAP)
		return (true);
	if (depth == 0)
		return (false);
	for (n = h.type == MP_MAP ? 2ull * h.length : h.length; n > 0; n--)
		if (!skip_value(m, depth - 1))
			return (false);
	return (true);
}

bool
mp_skip(struct mp *m)
{
	struct mp at = *m;

	if (!skip_value(&at, MP_DEPTH_MAX))
		return (false);
	*m = at;
	return (true);
}

bool
mp_raw(struct mp *m, const uint8_t **p, size_t *len)
{
	const uint8_t *from = m->p;

	if (!mp_skip(m))
		return (false);
	*p = from;
	*len = (size_t)(m->p - from);
	return (true);
}

bool
mp_equal(const char *s, uint32_t len, const char *text)
{
	return (strlen(text) == len && memcmp(s, text, len) == 0);
}
