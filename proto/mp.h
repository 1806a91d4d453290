/*
 * mp: a reader of untrusted msgpack bytes that never copies and never allocates.
 *
 * msgpack-c builds a tree of objects before anybody may look at it, and trusts an array header that asks for 96 GB.  Whatever
 * comes from a peer is read with this cursor instead: every length is checked against the bytes that are there, and strings
 * point into the caller's buffer.  msgpack-c still does all the writing.
 *
 * An mp is a value: copy it to remember a place.  A failed read leaves the cursor where it was.
 */
#ifndef MP_H
#define MP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mp {
	const uint8_t *p;	/* next byte to read */
	const uint8_t *end;	/* one past the last */
};

enum mp_type {
	MP_END,			/* nothing left, or the header itself is cut short */
	MP_NIL,
	MP_BOOL,
	MP_UINT,		/* a non-negative integer */
	MP_INT,			/* a negative integer */
	MP_FLOAT,
	MP_STR,
	MP_BIN,
	MP_ARRAY,
	MP_MAP,
	MP_EXT,			/* timestamps included: type -1 */
	MP_BAD			/* 0xc1, the byte msgpack never uses */
};

/* Why mp_check() said no. */
enum mp_fault {
	MP_OK,
	MP_TRUNCATED,		/* a length or count asks for more bytes than are there */
	MP_UNUSED_BYTE,		/* 0xc1 */
	MP_TOO_DEEP,
	MP_TOO_MANY,		/* more elements in one container than allowed */
	MP_BAD_UTF8,
	MP_BAD_KEY,		/* a map key that is not a string */
	MP_DUPLICATE_KEY,
	MP_BAD_TIMESTAMP,	/* ext type -1 of another length than 4, 8, 12, or nanoseconds above 999999999 */
	MP_LEFT_OVER		/* bytes after the value */
};

struct mp_bounds {
	unsigned depth_max;	/* containers inside each other; 1 means a flat array or map; at most MP_DEPTH_MAX */
	uint32_t items_max;	/* elements in one array, pairs in one map */
	bool string_keys;	/* map keys must be strings, each once; then a map has at most 1024 pairs */
};
#define MP_DEPTH_MAX	32

/* A cursor over `len` bytes at `buf`, which must outlive it. */
struct mp	mp_over(const void *buf, size_t len);

/* The type of the value at the cursor. */
enum mp_type	mp_peek(const struct mp *);

/*
 * Prove that the bytes from the cursor to its end are exactly one well-formed value within the bounds: every length fits, every
 * string is UTF-8 (no surrogates, no overlong forms), keys are strings and each appears once if string_keys is set, and nothing
 * is left over.  On a fault *where receives the offset of the byte at fault from the cursor.  The cursor does not move.
 */
enum mp_fault	mp_check(const struct mp *, const struct mp_bounds *, size_t *where);

/* The same for a stream: proves the first value only; *len receives its length in bytes on MP_OK. */
enum mp_fault	mp_check_first(const struct mp *, const struct mp_bounds *, size_t *where, size_t *len);

/* One short English clause per fault, for the detail text of an answer. */
const char	*mp_fault_text(enum mp_fault);

/*
 * Readers: each takes the value at the cursor if it has that type and moves past it, else returns false and stays.
 * Integers accept every width that holds the value.  A string or bin is lent from the buffer, not terminated.
 */
bool		mp_nil(struct mp *);
bool		mp_bool(struct mp *, bool *);
static inline bool mp_uint(struct mp *, uint64_t *);
bool		mp_int(struct mp *, int64_t *);		/* also non-negative values up to INT64_MAX */
bool		mp_float(struct mp *, double *);	/* float32, float64 and integers */
static inline bool mp_str(struct mp *, const char **, uint32_t *len);
bool		mp_bin(struct mp *, const uint8_t **, uint32_t *len);
bool		mp_array(struct mp *, uint32_t *count);
bool		mp_map(struct mp *, uint32_t *pairs);
bool		mp_ext(struct mp *, int8_t *type, const uint8_t **, uint32_t *len);
/* A msgpack timestamp (ext -1).  Seconds may be negative; nanoseconds are 0..999999999. */
bool		mp_timestamp(struct mp *, int64_t *seconds, uint32_t *nanoseconds);

/* Move past one whole value, containers included.  False if it is cut short or deeper than MP_DEPTH_MAX. */
bool		mp_skip(struct mp *);

/* The bytes of the value at the cursor, which moves past it. */
bool		mp_raw(struct mp *, const uint8_t **, size_t *len);

/* True if the string at (s, len) equals the C string. */
bool		mp_equal(const char *s, uint32_t len, const char *text);

/* Are the first `len` bytes of both the same?  For names, which are short: a call of memcmp costs more than the comparison. */
static inline bool mp_same(const char *, const char *, uint32_t len);

/* True if the bytes are well-formed UTF-8; *where receives the offset of the first bad byte otherwise. */
bool		mp_utf8(const void *, size_t len, size_t *where);

/* The commonest values are read in place: a small integer, a short string. */
bool		mp_uint_any(struct mp *, uint64_t *);
bool		mp_str_any(struct mp *, const char **, uint32_t *len);

static inline bool
mp_uint(struct mp *m, uint64_t *v)
{
	if (m->p < m->end && *m->p <= 0x7f) {
		*v = *m->p++;
		return (true);
	}
	return (mp_uint_any(m, v));
}

static inline bool
mp_str(struct mp *m, const char **s, uint32_t *len)
{
	const uint8_t *p = m->p;

	if (p < m->end && (*p & 0xe0) == 0xa0 && m->end - p > (*p & 0x1f)) {
		*s = (const char *)p + 1;
		*len = *p & 0x1f;
		m->p = p + 1 + *len;
		return (true);
	}
	return (mp_str_any(m, s, len));
}

static inline bool
mp_same(const char *a, const char *b, uint32_t len)
{
	uint64_t x, y;

	for (; len >= 8; len -= 8, a += 8, b += 8) {
		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		if (x != y)
			return (false);
	}
	for (; len > 0; len--)
		if (*a++ != *b++)
			return (false);
	return (true);
}

#endif
