/*
 * Is an event's data what the catalogue says?  Every event of every peer passes here, so the way of a good one is short: a look-up
 * per field, which succeeds at the first try if the sender keeps to the catalogue's order, and one check by kind.  A fault only
 * notes its place; catalogue_fault.c makes the words.
 */
#include <math.h>
#include <string.h>

#include "catalogue.h"
#include "catalogue_walk.h"
#include "errcode.h"
#include "rfc3339.h"

#define ID_LEN_MAX	64u
#define PHONE_LEN_MIN	3u
#define PHONE_LEN_MAX	32u
#define EMAIL_LEN_MAX	254u		/* RFC 5321 */

/* Each takes the value at the cursor: 0 and past it, or a code. */
typedef int check_function(const struct field *, struct mp *, struct walk *);

static int	check_fields(const struct type *, struct mp *, struct walk *);

static inline bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static int
check_text(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s;
	uint32_t len;
	size_t where;

	if (!mp_str(m, &s, &len))
		return (E_KIND);
	w->unproven |= !mp_utf8(s, len, &where);
	return (len > f->max || (len == 0 && f->required) ? E_RANGE : 0);
}

static bool
id_valid(const char *s, uint32_t len)
{
	static const bool id_char[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
		['.'] = true, ['_'] = true, [':'] = true, ['/'] = true, ['-'] = true,
	};

	if (len == 0 || len > ID_LEN_MAX)
		return (false);
	for (uint32_t i = 0; i < len; i++)
		if (!id_char[(unsigned char)s[i]])
			return (false);
	return (true);
}

static int
check_id(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s;
	uint32_t len;

	(void)f, (void)w;
	if (!mp_str(m, &s, &len))
		return (E_KIND);
	return (id_valid(s, len) ? 0 : E_ID);
}

static int
check_enum(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s;
	uint32_t len;

	if (!mp_str(m, &s, &len))
		return (E_KIND);
	if (catalogue_value(f->list, s, len) != NULL)
		return (0);
	w->unproven = true;
	if (!f->list->open)
		return (E_VALUE);
	return (len > 0 && len <= OPEN_VALUE_BYTES_MAX ? 0 : E_RANGE);
}

static int
check_bool(const struct field *f, struct mp *m, struct walk *w)
{
	bool b;

	(void)f, (void)w;
	return (mp_bool(m, &b) ? 0 : E_KIND);
}

static int
check_int(const struct field *f, struct mp *m, struct walk *w)
{
	int64_t v;

	(void)w;
	if (!mp_int(m, &v))
		return (mp_peek(m) == MP_UINT ? E_RANGE : E_KIND);
	return (v >= f->min && v <= f->max ? 0 : E_RANGE);
}

static int
check_number(const struct field *f, struct mp *m, struct walk *w)
{
	double v;

	(void)w;
	if (!mp_float(m, &v))
		return (E_KIND);
	/* Not a number is within no bounds. */
	return (v >= (double)f->min && v <= (double)f->max ? 0 : E_RANGE);
}

/* Does the text have the shape: 0 for a digit, else the character itself? */
static bool
shaped(const char *s, uint32_t len, const char *shape)
{
	if (len != strlen(shape))
		return (false);
	for (uint32_t i = 0; i < len; i++)
		if (shape[i] == '0' ? !is_digit(s[i]) : s[i] != shape[i])
			return (false);
	return (true);
}

static int
date_code(const char *s, uint32_t len)
{
	if (rfc3339_date(s, len, NULL))
		return (0);
	return (shaped(s, len, "0000-00-00") ? E_RANGE : E_KIND);
}

static int
month_code(const char *s, uint32_t len)
{
	int month;

	if (!shaped(s, len, "0000-00"))
		return (E_KIND);
	month = (s[5] - '0') * 10 + s[6] - '0';
	return (month >= 1 && month <= 12 ? 0 : E_RANGE);
}

static int
period_code(const char *s, uint32_t len)
{
	int week;

	if (shaped(s, len, "0000"))
		return (0);
	if (shaped(s, len, "0000-H0"))
		return (s[6] >= '1' && s[6] <= '2' ? 0 : E_RANGE);
	if (shaped(s, len, "0000-Q0"))
		return (s[6] >= '1' && s[6] <= '4' ? 0 : E_RANGE);
	if (shaped(s, len, "0000-W00")) {
		week = (s[6] - '0') * 10 + s[7] - '0';
		return (week >= 1 && week <= 53 ? 0 : E_RANGE);
	}
	return (len == 10 ? date_code(s, len) : month_code(s, len));
}

static int
check_date(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s;
	uint32_t len;

	(void)f, (void)w;
	return (mp_str(m, &s, &len) ? date_code(s, len) : E_KIND);
}

static int
check_month(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s;
	uint32_t len;

	(void)f, (void)w;
	return (mp_str(m, &s, &len) ? month_code(s, len) : E_KIND);
}

static int
check_period(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s;
	uint32_t len;

	(void)f, (void)w;
	return (mp_str(m, &s, &len) ? period_code(s, len) : E_KIND);
}

static int
check_instant(const struct field *f, struct mp *m, struct walk *w)
{
	int64_t seconds;
	uint32_t len, nanoseconds;
	const char *s;

	(void)f, (void)w;
	if (mp_str(m, &s, &len))
		return (rfc3339_parse(s, len, &seconds, &nanoseconds) ? 0 : E_TIME);
	return (mp_timestamp(m, &seconds, &nanoseconds) ? 0 : E_KIND);
}

static int
check_when(const struct field *f, struct mp *m, struct walk *w)
{
	struct mp look = *m;
	const char *s;
	uint32_t len;

	if (!mp_str(&look, &s, &len) || len != 10)
		return (check_instant(f, m, w));
	*m = look;
	return (date_code(s, len));
}

static int
check_phone(const struct field *f, struct mp *m, struct walk *w)
{
	unsigned digits = 0;
	const char *s;
	uint32_t len;

	(void)f, (void)w;
	if (!mp_str(m, &s, &len))
		return (E_KIND);
	if (len < PHONE_LEN_MIN || len > PHONE_LEN_MAX)
		return (E_RANGE);
	for (uint32_t i = 0; i < len; i++) {
		if (is_digit(s[i]))
			digits++;
		else if (s[i] == '\0' || strchr("+-.,;/() #*xX", s[i]) == NULL)
			return (E_KIND);
	}
	return (digits >= PHONE_LEN_MIN ? 0 : E_KIND);
}

/* Something, one @, something: whether mail arrives there only mail can tell. */
static int
check_email(const struct field *f, struct mp *m, struct walk *w)
{
	const char *s, *at;
	uint32_t len;
	size_t where;

	(void)f;
	if (!mp_str(m, &s, &len))
		return (E_KIND);
	w->unproven |= !mp_utf8(s, len, &where);
	if (len > EMAIL_LEN_MAX)
		return (E_RANGE);
	if ((at = memchr(s, '@', len)) == NULL || at == s || at + 1 == s + len || memchr(at + 1, '@', (size_t)(s + len - at - 1)) != NULL)
		return (E_KIND);
	for (uint32_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f)
			return (E_KIND);
	return (0);
}

/* Note the element at fault. */
static int
at_element(struct walk *w, int code, uint32_t index, struct mp found)
{
	if (w->found.p == NULL && w->field == NULL)
		w->found = found;
	w->index = index;
	w->indexed = true;
	return (code);
}

static int
check_ids(const struct field *f, struct mp *m, struct walk *w)
{
	uint32_t count;

	w->unproven = true;
	if (!mp_array(m, &count))
		return (E_KIND);
	if (count > f->max)
		return (E_RANGE);
	for (uint32_t i = 0; i < count; i++) {
		struct mp element = *m;
		int code = check_id(f, m, w);

		if (code != 0)
			return (at_element(w, code, i, element));
	}
	return (0);
}

static int
check_items(const struct field *f, struct mp *m, struct walk *w)
{
	uint32_t count;

	w->unproven = true;
	if (!mp_array(m, &count))
		return (E_KIND);
	if (count > f->max || (count == 0 && f->required))
		return (E_RANGE);
	for (uint32_t i = 0; i < count; i++) {
		struct mp element = *m;
		int code = mp_peek(m) == MP_MAP ? check_fields(catalogue_item(), m, w) : E_KIND;

		if (code != 0)
			return (at_element(w, code, i, element));
	}
	return (0);
}

/* Text, boolean, integer, or a float that JSON can say. */
static int
check_plain(struct mp *m)
{
	const char *s;
	uint32_t len;
	uint64_t u;
	double d;
	bool b;

	if (mp_str(m, &s, &len) || mp_bool(m, &b) || mp_uint(m, &u))
		return (0);
	if (!mp_float(m, &d))
		return (E_KIND);
	return (isfinite(d) ? 0 : E_RANGE);
}

static int
check_map(const struct field *f, struct mp *m, struct walk *w)
{
	uint32_t pairs, len;
	const char *key;

	w->unproven = true;
	if (!mp_map(m, &pairs))
		return (E_KIND);
	if (pairs > f->max)
		return (E_RANGE);
	for (uint32_t i = 0; i < pairs; i++) {
		struct mp value;
		int code;

		if (!mp_str(m, &key, &len))
			return (E_KIND);
		value = *m;
		if ((code = check_plain(m)) != 0) {
			w->found = value;
			w->key = key;
			w->key_len = len;
			return (code);
		}
	}
	return (0);
}

static check_function *const checks[FIELD_KINDS] = {
	[FIELD_TEXT] = check_text, [FIELD_ID] = check_id, [FIELD_ENUM] = check_enum, [FIELD_BOOL] = check_bool, [FIELD_INT] = check_int,
	[FIELD_NUMBER] = check_number, [FIELD_DATE] = check_date, [FIELD_MONTH] = check_month, [FIELD_PERIOD] = check_period,
	[FIELD_INSTANT] = check_instant, [FIELD_WHEN] = check_when, [FIELD_PHONE] = check_phone, [FIELD_EMAIL] = check_email,
	[FIELD_IDS] = check_ids, [FIELD_ITEMS] = check_items, [FIELD_MAP] = check_map, [FIELD_SEQ] = check_int,
};

/* The field of that name, looked for from `hint` on, which moves past it: a sender that keeps our order is served at once. */
static inline const struct field *
expect(const struct type *t, const char *name, uint32_t len, unsigned *hint)
{
	for (unsigned i = 0, at = *hint; i < t->count; i++, at++) {
		const struct field *f;

		if (at >= t->count)
			at = 0;
		f = &t->fields[at];
		if (f->len == len && mp_same(f->name, name, len)) {
			*hint = at + 1;
			return (f);
		}
	}
	return (NULL);
}

static bool
has_field(struct mp map, const struct field *f)
{
	uint32_t pairs, len;
	const char *s;

	if (!mp_map(&map, &pairs))
		return (false);
	while (pairs-- > 0 && mp_str(&map, &s, &len)) {
		if (mp_equal(s, len, f->name))
			return (true);
		if (!mp_skip(&map))
			return (false);
	}
	return (false);
}

/* The first required field that is not there; if none is missing, it is the any_of fields that are. */
static int
note_missing(struct walk *w, const struct type *t, struct mp map)
{
	w->type = t;
	for (unsigned i = 0; i < t->count && w->field == NULL; i++)
		if (t->fields[i].required && !has_field(map, &t->fields[i]))
			w->field = &t->fields[i];
	return (E_MISSING);
}

static int
note_fault(struct walk *w, int code, const struct type *t, const struct field *f, struct mp value)
{
	if (w->type != NULL) {
		w->outer = f;
		return (code);
	}
	w->type = t;
	w->field = f;
	if (w->found.p == NULL)
		w->found = value;
	return (code);
}

static int
check_fields(const struct type *t, struct mp *m, struct walk *w)
{
	unsigned hint = 0, required = 0, any_of = 0;
	struct mp map = *m, value;
	uint64_t seen = 0, bit;		/* fields by their place; no type has as many as 64 (test_catalogue.c) */
	const struct field *f;
	uint32_t pairs, len;
	const char *key;
	int code;

	if (!mp_map(m, &pairs))
		return (note_fault(w, E_KIND, t, NULL, map));
	while (pairs-- > 0) {
		if (!mp_str(m, &key, &len))
			return (note_fault(w, E_KIND, t, NULL, map));
		if ((f = expect(t, key, len, &hint)) == NULL) {
			w->unknown++;
			w->unproven = true;
			if (!mp_skip(m))
				return (note_fault(w, E_KIND, t, NULL, map));
			continue;
		}
		bit = 1ull << (f - t->fields);
		w->unproven |= (seen & bit) != 0;
		seen |= bit;
		value = *m;
		if ((code = checks[f->kind](f, m, w)) != 0)
			return (note_fault(w, code, t, f, value));
		required += f->required;
		any_of += f->any_of;
	}
	if (required < t->required || (any_of == 0 && t->any_of > 0))
		return (note_missing(w, t, map));
	return (0);
}

int
catalogue_check(const struct type *t, struct mp *data, struct data_findings *found, struct data_fault *fault)
{
	struct walk w;
	int code;

	memset(&w, 0, sizeof(w));
	code = check_fields(t, data, &w);
	found->unknown = w.unknown;
	found->unproven = w.unproven;
	return (code == 0 ? 0 : catalogue_fault(&w, code, fault));
}
