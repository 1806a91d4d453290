/* Event decoding: the envelope.  The data map is catalogue_check's. */
#include "event.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "bounds.h"
#include "rfc3339.h"

static const struct mp_bounds bounds = { EVENT_DEPTH_MAX, EVENT_ITEMS_MAX, true };

static int
fault_set(struct data_fault *f, int code, const char *path, const char *detail)
{
	f->code = code;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (code);
}

/* 1 for the characters of ids. */
static const uint8_t id_char[256] = {
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['.'] = 1, ['_'] = 1, [':'] = 1, ['/'] = 1, ['-'] = 1,
};

bool
id_valid(const char *s, size_t len)
{
	if (len == 0 || len > ID_CHARS_MAX)
		return (false);
	for (size_t i = 0; i < len; i++)
		if (!id_char[(uint8_t)s[i]])
			return (false);
	return (true);
}

static bool
printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return (false);
	return (true);
}

/* Attributes: how each known one is read.  Everything else is an extension. */
enum attribute {
	A_SPECVERSION, A_ID, A_SOURCE, A_TYPE, A_TIME, A_SUBJECT, A_DATA, A_SITE, A_CAUSATION, A_CORRELATION, A_URGENCY,
	A_TRACEPARENT, A_HOPS, A_DATACONTENTTYPE, A_DATASCHEMA, A_OTHER
};

static const struct {
	const char *name;
	uint8_t len;
} attributes[A_OTHER] = {
#define NAME(a, s) [a] = { s, sizeof(s) - 1 }
	NAME(A_SPECVERSION, "specversion"), NAME(A_ID, "id"), NAME(A_SOURCE, "source"), NAME(A_TYPE, "type"),
	NAME(A_TIME, "time"), NAME(A_SUBJECT, "subject"), NAME(A_DATA, "data"), NAME(A_SITE, "site"),
	NAME(A_CAUSATION, "causation"), NAME(A_CORRELATION, "correlation"), NAME(A_URGENCY, "urgency"),
	NAME(A_TRACEPARENT, "traceparent"), NAME(A_HOPS, "hops"), NAME(A_DATACONTENTTYPE, "datacontenttype"), NAME(A_DATASCHEMA, "dataschema"),
#undef NAME
};

/* `hint` is where the last one was found: senders keep to the order of the table more often than not. */
static enum attribute
attribute_find(const char *s, uint32_t len, unsigned hint)
{
	for (unsigned i = 0; i < A_OTHER; i++) {
		unsigned a = (hint + i) % A_OTHER;

		if (attributes[a].len == len && mp_same(attributes[a].name, s, len))
			return ((enum attribute)a);
	}
	return (A_OTHER);
}

static bool
read_time(struct mp *m, int64_t *ns)
{
	const char *s;
	uint32_t len, nanos;
	int64_t seconds;

	if (mp_str(m, &s, &len)) {
		if (!rfc3339_parse(s, len, &seconds, &nanos))
			return (false);
	} else if (!mp_timestamp(m, &seconds, &nanos))
		return (false);
	/* What 64 bits of nanoseconds hold: the years 1678 to 2261. */
	if (seconds < -9223372036LL || seconds > 9223372035LL)
		return (false);
	*ns = seconds * 1000000000LL + nanos;
	return (true);
}

static int
read_id(struct mp *m, struct text *t, const char *path, struct data_fault *f)
{
	if (!mp_str(m, &t->s, &t->len))
		return (fault_set(f, E_KIND, path, "must be a string"));
	if (!id_valid(t->s, t->len))
		return (fault_set(f, E_ID, path, "1 to 64 characters of A-Z a-z 0-9 . _ : / -"));
	return (0);
}

static int
read_text(struct mp *m, struct text *t, uint32_t max, const char *path, struct data_fault *f)
{
	size_t where;

	if (!mp_str(m, &t->s, &t->len))
		return (fault_set(f, E_KIND, path, "must be a string"));
	if (!mp_utf8(t->s, t->len, &where))
		return (fault_set(f, E_UTF8, path, "a string is not UTF-8"));
	if (t->len > max) {
		char detail[64];

		snprintf(detail, sizeof(detail), "%u bytes, at most %u", (unsigned)t->len, (unsigned)max);
		return (fault_set(f, E_RANGE, path, detail));
	}
	return (0);
}

static void
odd_set(struct event *e, const char *path, const char *detail)
{
	if (e->unknown++ == 0)
		fault_set(&e->odd, E_UNKNOWN_FIELD, path, detail);
}

static int
read_other(struct event *e, const char *name, uint32_t len, struct mp *m, struct data_fault *f)
{
	char path[32];
	enum mp_type t = mp_peek(m);

	snprintf(path, sizeof(path), "%.*s", (int)(len < 24 ? len : 24), name);
	if (len == 0 || len > 20)
		return (fault_set(f, E_ATTRIBUTE, path, "an extension's name is 1 to 20 of a-z 0-9"));
	for (uint32_t i = 0; i < len; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9'))
			return (fault_set(f, E_ATTRIBUTE, path, "an extension's name is 1 to 20 of a-z 0-9"));
	if (t == MP_ARRAY || t == MP_MAP || t == MP_NIL)
		return (fault_set(f, E_KIND, path, "an extension's value is a string, number, boolean, binary or timestamp"));
	odd_set(e, path, "an attribute the catalogue does not know");
	mp_skip(m);
	return (0);
}

static int
read_urgency(struct mp *m, struct text *t, struct data_fault *f)
{
	if (!mp_str(m, &t->s, &t->len))
		return (fault_set(f, E_KIND, "urgency", "must be a string"));
	if (!mp_equal(t->s, t->len, "routine") && !mp_equal(t->s, t->len, "urgent") && !mp_equal(t->s, t->len, "emergency"))
		return (fault_set(f, E_VALUE, "urgency", "one of routine, urgent, emergency"));
	return (0);
}

static int
read_source(struct mp *m, struct text *t, struct data_fault *f)
{
	if (!mp_str(m, &t->s, &t->len))
		return (fault_set(f, E_KIND, "source", "must be a string"));
	if (t->len == 0 || t->len > SOURCE_CHARS_MAX || !printable(t->s, t->len))
		return (fault_set(f, E_RANGE, "source", "1 to 128 printable ASCII characters without space"));
	return (0);
}

static int
read_type(struct event *e, struct mp *m, struct data_fault *f)
{
	const char *near;
	char detail[160];

	if (!mp_str(m, &e->type.s, &e->type.len))
		return (fault_set(f, E_KIND, "type", "must be a string"));
	if ((e->kind = catalogue_find(e->type.s, e->type.len)) != NULL)
		return (0);
	near = e->type.len <= TYPE_CHARS_MAX ? catalogue_nearest(e->type.s, e->type.len) : NULL;
	snprintf(detail, sizeof(detail), "\"%.*s\" is not in the catalogue%s%s%s", (int)(e->type.len < 64 ? e->type.len : 64),
	    e->type.s, near != NULL ? "; the nearest is \"" : "", near != NULL ? near : "", near != NULL ? "\"" : "");
	return (fault_set(f, E_TYPE, "type", detail));
}

static int
read_attribute(struct event *e, enum attribute a, const char *name, uint32_t len, struct mp *m, struct data_fault *f)
{
	struct text t;

	switch (a) {
	case A_SPECVERSION:
		if (!mp_str(m, &t.s, &t.len) || !mp_equal(t.s, t.len, "1.0"))
			return (fault_set(f, E_SPECVERSION, "specversion", "must be the string \"1.0\""));
		return (0);
	case A_ID:
		return (read_id(m, &e->id, "id", f));
	case A_SOURCE:
		return (read_source(m, &e->source, f));
	case A_TYPE:
		return (read_type(e, m, f));
	case A_TIME:
		if (!read_time(m, &e->time_ns))
			return (fault_set(f, E_TIME, "time", "RFC 3339 with offset, such as 2026-11-23T08:00:00+08:00"));
		e->has_time = true;
		return (0);
	case A_SUBJECT:
		return (read_id(m, &e->subject, "subject", f));
	case A_DATA:
		e->data = *m;
		if (mp_peek(m) != MP_MAP)
			return (fault_set(f, E_KIND, "data", "must be a map"));
		if (!mp_skip(m))
			return (fault_set(f, E_MALFORMED, "data", "cut short"));
		e->data.end = m->p;
		return (0);
	case A_SITE:
		return (read_id(m, &e->site, "site", f));
	case A_CAUSATION:
		return (read_id(m, &e->causation, "causation", f));
	case A_CORRELATION:
		return (read_id(m, &e->correlation, "correlation", f));
	case A_URGENCY:
		return (read_urgency(m, &e->urgency, f));
	case A_TRACEPARENT:
		return (read_text(m, &t, TRACEPARENT_CHARS_MAX, "traceparent", f));
	case A_HOPS:
		if (!mp_uint(m, &e->hops) || e->hops > HOPS_MAX)
			return (fault_set(f, E_RANGE, "hops", "how many derived events in a row led to this one: 0 to 255"));
		return (0);
	case A_DATACONTENTTYPE:
		return (read_text(m, &t, 128, "datacontenttype", f));
	case A_DATASCHEMA:
		return (read_text(m, &t, 1024, "dataschema", f));
	case A_OTHER:
		break;
	}
	return (read_other(e, name, len, m, f));
}

static int
bytes_check(const struct mp *m, struct data_fault *f)
{
	static const int code[] = {
		[MP_TRUNCATED] = E_MALFORMED, [MP_UNUSED_BYTE] = E_MALFORMED, [MP_TOO_DEEP] = E_TOO_DEEP,
		[MP_TOO_MANY] = E_TOO_MANY, [MP_BAD_UTF8] = E_UTF8, [MP_BAD_KEY] = E_MALFORMED,
		[MP_DUPLICATE_KEY] = E_DUPLICATE_KEY, [MP_BAD_TIMESTAMP] = E_TIME, [MP_LEFT_OVER] = E_MALFORMED,
	};
	enum mp_fault fault;
	size_t where;
	char path[32];

	if ((fault = mp_check(m, &bounds, &where)) != MP_OK) {
		snprintf(path, sizeof(path), "byte %zu", where);
		return (fault_set(f, code[fault], path, mp_fault_text(fault)));
	}
	if (mp_peek(m) != MP_MAP)
		return (fault_set(f, E_MALFORMED, "byte 0", "an event is a map"));
	return (0);
}

static int
check_required(const struct event *e, bool has_specversion, struct data_fault *f)
{
	if (!has_specversion)
		return (fault_set(f, E_MISSING, "specversion", "must be the string \"1.0\""));
	if (e->id.s == NULL)
		return (fault_set(f, E_MISSING, "id", "the sender's own id for this event"));
	if (e->source.s == NULL)
		return (fault_set(f, E_MISSING, "source", "who sends it, such as /estate/kiosk/3"));
	if (e->kind == NULL)
		return (fault_set(f, E_MISSING, "type", "a type of the catalogue; estate types lists them"));
	if (e->subject.s == NULL && e->kind->subject_required) {
		char detail[96];

		snprintf(detail, sizeof(detail), "%s needs the id of: %s", e->kind->name, e->kind->subject);
		return (fault_set(f, E_MISSING, "subject", detail));
	}
	return (0);
}

/* The first of them by name; one within an item is told as "data". */
static void
note_unknown_fields(struct event *e, unsigned count)
{
	struct mp m = e->data;
	char path[80] = "data";
	uint32_t pairs, len;
	const char *name;

	for (mp_map(&m, &pairs); pairs > 0 && mp_str(&m, &name, &len); pairs--) {
		if (catalogue_field(e->kind, name, len) == NULL) {
			snprintf(path, sizeof(path), "data.%.*s", (int)(len < 64 ? len : 64), name);
			break;
		}
		mp_skip(&m);
	}
	odd_set(e, path, "a field the catalogue does not know");
	e->unknown += count - 1;
}

/*
 * One event being read.  Nearly every event is flat and holds nothing unknown: then reading it proves it, byte for byte, and
 * mp_check() need not walk it a second time.  Whatever this one walk cannot vouch for is noted as unproven.
 */
struct reading {
	struct event *e;
	bool unproven;
	uint32_t seen;			/* attributes, by their bit */
	bool data_checked;
	int data_code;
	struct data_findings found;
	struct data_fault data_fault;
};

static void
check_data(struct reading *r, struct mp *m)
{
	r->data_checked = true;
	r->data_code = catalogue_check(r->e->kind, m, &r->found, &r->data_fault);
	r->unproven |= r->found.unproven;
}

/* The data map under the cursor, if its type is known by now: checked on the way past it. */
static bool
take_data(struct reading *r, struct mp *m)
{
	if (r->e->kind == NULL || mp_peek(m) != MP_MAP)
		return (false);
	r->e->data = *m;
	check_data(r, m);
	if (r->data_code != 0) {
		/* Wherever the fault was: what other attributes have to say comes first. */
		*m = r->e->data;
		return (false);
	}
	r->e->data.end = m->p;
	return (true);
}

static int
read_attributes(struct reading *r, struct mp m, struct data_fault *f)
{
	uint32_t pairs, len;
	unsigned hint = 0;
	const char *name;
	int code;

	if (!mp_map(&m, &pairs))
		return (fault_set(f, E_MALFORMED, "byte 0", "an event is a map"));
	if (pairs > EVENT_ATTRIBUTES_MAX)
		return (fault_set(f, E_TOO_MANY, "event", "at most 32 attributes"));
	for (; pairs > 0; pairs--) {
		enum attribute a;

		if (!mp_str(&m, &name, &len))
			return (fault_set(f, E_MALFORMED, "event", "a map key is not a string"));
		a = attribute_find(name, len, hint);
		hint = (unsigned)a + 1;
		r->unproven |= a == A_OTHER || (r->seen & 1u << a) != 0;
		r->seen |= 1u << a;
		if (a == A_DATA && take_data(r, &m))
			continue;
		if ((code = read_attribute(r->e, a, name, len, &m, f)) != 0)
			return (code);
	}
	r->unproven |= m.p != m.end;
	return (check_required(r->e, (r->seen & 1u << A_SPECVERSION) != 0, f));
}

static int
read_event(struct reading *r, struct mp m, struct data_fault *f)
{
	static const uint8_t no_fields[1] = { 0x80 };
	struct event *e = r->e;
	int code;

	if ((code = read_attributes(r, m, f)) != 0)
		return (code);
	/* No data is as good as empty data: a type with required fields says which is missing. */
	if (e->data.p == NULL)
		e->data = mp_over(no_fields, sizeof(no_fields));
	if (!r->data_checked) {
		struct mp data = e->data;

		check_data(r, &data);
	}
	if (r->data_code != 0) {
		*f = r->data_fault;
		return (r->data_code);
	}
	if (r->found.unknown > 0)
		note_unknown_fields(e, r->found.unknown);
	e->personal = r->found.personal;
	memcpy(e->spans, r->found.spans, e->personal * sizeof(e->spans[0]));
	return (0);
}

int
event_decode(struct event *e, const void *bytes, size_t len, struct data_fault *f)
{
	struct reading r;
	struct mp m = mp_over(bytes, len);
	struct data_fault malformed;
	int code;

	if (len > EVENT_BYTES_MAX) {
		char detail[64];

		snprintf(detail, sizeof(detail), "%zu bytes, at most %u", len, EVENT_BYTES_MAX);
		return (fault_set(f, E_TOO_LARGE, "event", detail));
	}
	memset(e, 0, offsetof(struct event, odd));
	e->bytes = bytes;
	e->len = (uint32_t)len;
	memset(&r, 0, offsetof(struct reading, found.spans));
	r.e = e;
	code = read_event(&r, m, f);
	/* What is not well-formed is told as that, whatever else there is to say of it. */
	if ((code != 0 || r.unproven) && bytes_check(&m, &malformed) != 0) {
		*f = malformed;
		code = malformed.code;
	}
	return (code);
}

bool
event_peek(struct event *e, const void *bytes, size_t len)
{
	struct mp m = mp_over(bytes, len);
	uint32_t pairs, nlen;
	unsigned hint = 0;
	const char *name;

	memset(e, 0, offsetof(struct event, odd));
	e->bytes = bytes;
	e->len = (uint32_t)len;
	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0; pairs--) {
		struct data_fault ignored;
		enum attribute a;
		struct mp value;

		if (!mp_str(&m, &name, &nlen))
			return (false);
		a = attribute_find(name, nlen, hint);
		hint = (unsigned)a + 1;
		value = m;
		if (!mp_skip(&m))
			return (false);
		if (a != A_OTHER)
			(void)read_attribute(e, a, name, nlen, &value, &ignored);
	}
	/* What never passed the door, damage or forgery, is no event: others rely on these bounds. */
	return (e->type.s != NULL && e->id.s != NULL && e->source.s != NULL && e->id.len <= ID_CHARS_MAX &&
	    e->source.len <= SOURCE_CHARS_MAX && e->site.len <= ID_CHARS_MAX);
}

struct text
event_named_household(const struct event *e)
{
	struct mp m = e->data;
	struct text t = { NULL, 0 };
	uint32_t pairs, len;
	const char *name;

	if (m.p == NULL || !mp_map(&m, &pairs))
		return (t);
	for (; pairs > 0 && mp_str(&m, &name, &len); pairs--) {
		if (mp_equal(name, len, "household")) {
			mp_str(&m, &t.s, &t.len);
			return (t);
		}
		if (!mp_skip(&m))
			break;
	}
	return (t);
}

bool
event_holds_personal(const struct event *e)
{
	struct mp m = e->data;
	uint32_t pairs, len;
	const char *name;

	if (e->kind == NULL || m.p == NULL || !mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &name, &len); pairs--) {
		const struct field *f = catalogue_field(e->kind, name, len);

		if (f != NULL && f->personal)
			return (true);
		if (!mp_skip(&m))
			break;
	}
	return (false);
}

/* The rank of an id's character: digits, letters without case, then punctuation, so that ULIDs, hex and base 32 sort by time. */
static const uint8_t rank[256] = {
	['-'] = 1, ['.'] = 2, ['/'] = 3,
	['0'] = 4, ['1'] = 5, ['2'] = 6, ['3'] = 7, ['4'] = 8, ['5'] = 9, ['6'] = 10, ['7'] = 11, ['8'] = 12, ['9'] = 13,
	[':'] = 14, ['_'] = 15,
	['A'] = 16, ['B'] = 17, ['C'] = 18, ['D'] = 19, ['E'] = 20, ['F'] = 21, ['G'] = 22, ['H'] = 23, ['I'] = 24,
	['J'] = 25, ['K'] = 26, ['L'] = 27, ['M'] = 28, ['N'] = 29, ['O'] = 30, ['P'] = 31, ['Q'] = 32, ['R'] = 33,
	['S'] = 34, ['T'] = 35, ['U'] = 36, ['V'] = 37, ['W'] = 38, ['X'] = 39, ['Y'] = 40, ['Z'] = 41,
	['a'] = 16, ['b'] = 17, ['c'] = 18, ['d'] = 19, ['e'] = 20, ['f'] = 21, ['g'] = 22, ['h'] = 23, ['i'] = 24,
	['j'] = 25, ['k'] = 26, ['l'] = 27, ['m'] = 28, ['n'] = 29, ['o'] = 30, ['p'] = 31, ['q'] = 32, ['r'] = 33,
	['s'] = 34, ['t'] = 35, ['u'] = 36, ['v'] = 37, ['w'] = 38, ['x'] = 39, ['y'] = 40, ['z'] = 41,
};
#define ORDER_BASE	42	/* 41 characters and "nothing" */
#define ORDER_CHARS	11	/* 42^11 < 2^60 */

void
event_key(const struct event *e, uint64_t secret, uint8_t key[EVENT_KEY_BYTES])
{
	uint8_t named[3 + 2 * ID_CHARS_MAX + SOURCE_CHARS_MAX];
	uint64_t order = 0, hash;
	size_t n = 0;

	for (unsigned i = 0; i < ORDER_CHARS; i++)
		order = order * ORDER_BASE + (i < e->id.len ? rank[(uint8_t)e->id.s[i]] : 0);
	/* Lengths first, so that no two identities run together into the same bytes. */
	named[n++] = (uint8_t)e->id.len;
	named[n++] = (uint8_t)e->source.len;
	named[n++] = (uint8_t)e->site.len;
	memcpy(named + n, e->id.s, e->id.len);
	n += e->id.len;
	memcpy(named + n, e->source.s, e->source.len);
	n += e->source.len;
	if (e->site.len > 0)
		memcpy(named + n, e->site.s, e->site.len);
	n += e->site.len;
	hash = XXH3_64bits_withSeed(named, n, secret);
	order = __builtin_bswap64(order);
	memcpy(key, &order, 8);
	memcpy(key + 8, &hash, 8);
}

uint64_t
event_digest(const struct event *e, uint64_t secret)
{
	return (XXH3_64bits_withSeed(e->bytes, e->len, secret) & 0xffffffffffffull);
}
