#include "fact.h"

#include <string.h>

#include "bytes.h"
#include "rfc3339.h"

#define HEADER	22u

enum kept { KEPT_TEXT, KEPT_NUMBER, KEPT_MOMENT };

static const struct {
	const char *name;
	enum home home;
} takes[] = {
#define TAKE(code, type, home)	[TAKE_##code] = { type, HOME_##home },
#define KEEP(code, field, kind)
#include "fact.def"
#undef TAKE
#undef KEEP
};

static const struct {
	const char *name;
	enum kept kind;
} keeps[] = {
#define TAKE(code, type, home)
#define KEEP(code, field, kind)	[KEEP_##code] = { field, KEPT_##kind },
#include "fact.def"
#undef TAKE
#undef KEEP
};

unsigned
fact_type(const struct type *type)
{
	for (unsigned i = 0; type != NULL && i < TAKES; i++)
		if (takes[i].name[0] == type->name[0] && strcmp(takes[i].name, type->name) == 0)
			return (i);
	return (TAKES);
}

enum home
fact_home(unsigned type)
{
	return (takes[type].home);
}

bool
fact_is_correction(unsigned type)
{
	return (type == TAKE_AMENDED || type == TAKE_RETRACTED);
}

/* ---- Writing ---- */

struct writing {
	uint8_t *out;
	size_t len;
};

static void
add_field(struct writing *w, enum keep code, const void *bytes, size_t len)
{
	if (w->len + 2 + len > FACT_BYTES_MAX)
		return;		/* as many fields as no event of the catalogue has */
	w->out[w->len++] = (uint8_t)code;
	w->out[w->len++] = (uint8_t)len;
	if (len > 0)
		memcpy(w->out + w->len, bytes, len);
	w->len += len;
}

static void
add_number(struct writing *w, enum keep code, int64_t v)
{
	uint8_t b[8];

	put_le64(b, (uint64_t)v);
	add_field(w, code, b, 8);
}

static bool
instant_of(struct mp m, int64_t *at)
{
	int64_t seconds;
	uint32_t ns, len;
	const char *s;

	if (!mp_timestamp(&m, &seconds, &ns) && !(mp_str(&m, &s, &len) && rfc3339_parse(s, len, &seconds, &ns)))
		return (false);
	if (seconds < INT64_MIN / SECOND_NS + 1 || seconds > INT64_MAX / SECOND_NS - 1)
		return (false);
	*at = seconds * SECOND_NS + ns;
	return (true);
}

static void
keep_value(struct writing *w, enum keep code, struct mp m)
{
	const char *s;
	uint32_t len;
	int64_t v;
	bool is;

	if (keeps[code].kind == KEPT_TEXT) {
		if (mp_str(&m, &s, &len) && len <= KEEP_BYTES_MAX)
			add_field(w, code, s, len);
	} else if (keeps[code].kind == KEPT_MOMENT) {
		if (instant_of(m, &v))
			add_number(w, code, v);
	} else if (mp_int(&m, &v))
		add_number(w, code, v);
	else if (mp_bool(&m, &is))
		add_number(w, code, is);
}

static unsigned
keep_find(const char *key, uint32_t len)
{
	for (unsigned i = KEEP_HOUSEHOLD; i < KEEPS; i++)
		if (keeps[i].name[0] == key[0] && mp_equal(key, len, keeps[i].name))
			return (i);
	return (KEEPS);
}

/* A map's fields that are kept; of an amendment what it sets right stands one map deeper. */
static void
keep_map(struct writing *w, struct mp m)
{
	const char *key;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return;
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
		unsigned code = len > 0 ? keep_find(key, len) : KEEPS;

		if (code < KEEPS)
			keep_value(w, code, m);
		if (!mp_skip(&m))
			return;
	}
}

size_t
fact_write(uint8_t out[FACT_BYTES_MAX], unsigned type, enum via via, const struct worker_event *v)
{
	struct writing w = { out, HEADER };
	struct mp fields;
	int64_t event;

	out[0] = (uint8_t)type;
	out[1] = (uint8_t)via;
	put_le64(out + 2, v->seq);
	put_le64(out + 10, (uint64_t)v->when);
	if (via == VIA_HOUSEHOLD && v->e->subject.len <= KEEP_BYTES_MAX)
		add_field(&w, KEEP_SUBJECT, v->e->subject.s, v->e->subject.len);
	if (!fact_is_correction(type))
		keep_map(&w, v->e->data);
	else {
		if (event_int(v->e, "event", &event))
			add_number(&w, KEEP_EVENT, event);
		if (type == TAKE_AMENDED && event_field(v->e, "fields", &fields))
			keep_map(&w, fields);
	}
	put_le32(out + 18, (uint32_t)(w.len - HEADER));
	return (w.len);
}

/* ---- Reading ---- */

/* The last of that code: of a correction the first is the number of the event that is meant. */
static const uint8_t *
find_in(const struct fact *f, enum keep code, uint8_t *len)
{
	for (size_t at = 0; at + 2 <= f->len && at + 2 + f->fields[at + 1] <= f->len; at += 2u + f->fields[at + 1])
		if (f->fields[at] == code) {
			*len = f->fields[at + 1];
			return (f->fields + at + 2);
		}
	return (NULL);
}

size_t
fact_read(struct fact *f, const uint8_t *p, size_t left)
{
	const uint8_t *target;
	uint8_t len;

	if (left < HEADER || left < HEADER + (size_t)get_le32(p + 18) || p[0] >= TAKES)
		return (0);
	f->type = p[0];
	f->via = p[1];
	f->seq = get_le64(p + 2);
	f->when = (int64_t)get_le64(p + 10);
	f->len = get_le32(p + 18);
	f->fields = p + HEADER;
	f->counts = true;
	f->amendment = NULL;
	f->target = 0;
	if (fact_is_correction(f->type) && (target = find_in(f, KEEP_EVENT, &len)) != NULL && len == 8)
		f->target = get_le64(target);
	return (HEADER + f->len);
}

static struct fact *
find_seq(struct fact *f, size_t count, uint64_t seq)
{
	for (size_t i = 0; i < count; i++)
		if (f[i].seq == seq)
			return (&f[i]);
	return (NULL);
}

void
facts_correct(struct fact *f, size_t count)
{
	struct fact *meant;

	/* A correction corrects what was before it: from the last one back, whether it counts itself is known. */
	for (size_t i = count; i-- > 0;)
		if (f[i].type == TAKE_RETRACTED && f[i].counts && (meant = find_seq(f, i, f[i].target)) != NULL)
			meant->counts = false;
	for (size_t i = 0; i < count; i++)
		if (f[i].type == TAKE_AMENDED && f[i].counts && (meant = find_seq(f, i, f[i].target)) != NULL) {
			f[i].amendment = meant->amendment;
			meant->amendment = &f[i];
		}
}

static const uint8_t *
find(const struct fact *f, enum keep code, uint8_t *len)
{
	const uint8_t *v;

	/* Which event an amendment is of is not what it sets right. */
	for (const struct fact *a = f->amendment; a != NULL && code != KEEP_EVENT; a = a->amendment)
		if ((v = find_in(a, code, len)) != NULL)
			return (v);
	return (find_in(f, code, len));
}

bool
fact_text(const struct fact *f, enum keep code, struct text *t)
{
	uint8_t len;
	const uint8_t *v = find(f, code, &len);

	*t = (struct text){ (const char *)v, v != NULL ? len : 0 };
	return (v != NULL);
}

bool
fact_number(const struct fact *f, enum keep code, int64_t *n)
{
	uint8_t len;
	const uint8_t *v = find(f, code, &len);

	if (v == NULL || len != 8)
		return (false);
	*n = (int64_t)get_le64(v);
	return (true);
}

bool
fact_says(const struct fact *f, enum keep code, const char *word)
{
	struct text t;

	return (fact_text(f, code, &t) && mp_equal(t.s, t.len, word));
}

bool
fact_is(const struct fact *f, enum keep code)
{
	int64_t n;

	return (fact_number(f, code, &n) && n != 0);
}
