/* A fault in words: where it is, what was found and what would be right.  Nobody waits for this, so it may take its time. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "catalogue_walk.h"
#include "errcode.h"
#include "nearest.h"

#define QUOTE_BYTES_MAX	40		/* of a found value: enough to recognise it */

/* Text that grows within a buffer and is cut where it ends. */
struct words {
	char *text;
	size_t len, size;
};

static void __attribute__((format(printf, 2, 3)))
say(struct words *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->text + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len = t->len + (size_t)n < t->size ? t->len + (size_t)n : t->size - 1;
}

/* What a peer wrote, safe to show: cut between characters, control characters and quotes as '?'. */
static void
say_clean(struct words *t, const char *s, uint32_t len, uint32_t max)
{
	uint32_t shown = len < max ? len : max;

	if (t->size - t->len <= shown)
		shown = (uint32_t)(t->size - t->len - 1);
	if (shown < len)
		while (shown > 0 && ((unsigned char)s[shown] & 0xc0) == 0x80)
			shown--;
	for (uint32_t i = 0; i < shown; i++)
		t->text[t->len++] = (unsigned char)s[i] < ' ' || s[i] == '"' || s[i] == 0x7f ? '?' : s[i];
	t->text[t->len] = '\0';
	if (shown < len)
		say(t, "...");
}

static void
say_found_text(struct words *t, struct mp m, bool secret)
{
	const char *s;
	uint32_t len;

	if (!mp_str(&m, &s, &len))
		return;
	if (secret || len > 3 * QUOTE_BYTES_MAX) {
		say(t, "text of %" PRIu32 " bytes", len);
		return;
	}
	say(t, "\"");
	say_clean(t, s, len, QUOTE_BYTES_MAX);
	say(t, "\"");
}

static void
say_found_number(struct words *t, struct mp m, bool secret)
{
	uint64_t u;
	int64_t i;
	double d;

	if (secret)
		say(t, "a number");
	else if (mp_uint(&m, &u))
		say(t, "%" PRIu64, u);
	else if (mp_int(&m, &i))
		say(t, "%" PRId64, i);
	else if (mp_float(&m, &d))
		say(t, "%.17g", d);
}

static void
say_found(struct words *t, struct mp m, bool secret)
{
	uint32_t count = 0;
	bool b;

	switch (mp_peek(&m)) {
	case MP_NIL:
		say(t, "nil");
		break;
	case MP_BOOL:
		say(t, "%s", mp_bool(&m, &b) && b ? "true" : "false");
		break;
	case MP_UINT:
	case MP_INT:
	case MP_FLOAT:
		say_found_number(t, m, secret);
		break;
	case MP_STR:
		say_found_text(t, m, secret);
		break;
	case MP_BIN:
		say(t, "bytes");
		break;
	case MP_ARRAY:
		mp_array(&m, &count);
		say(t, "an array of %" PRIu32, count);
		break;
	case MP_MAP:
		mp_map(&m, &count);
		say(t, "a map of %" PRIu32, count);
		break;
	case MP_EXT:
		say(t, "an ext value");
		break;
	case MP_END:
	case MP_BAD:
		say(t, "nothing");
	}
}

static void
say_values(struct words *t, const struct enum_list *l)
{
	static const char rest[] = ", ...";

	say(t, "one of %s", l->values[0].code);
	for (unsigned i = 1; i < l->count; i++) {
		if (t->len + l->values[i].len + sizeof(rest) + 2 > t->size) {
			say(t, "%s", rest);
			return;
		}
		say(t, ", %s", l->values[i].code);
	}
}

static void
say_bounds(struct words *t, const char *noun, const struct field *f)
{
	say(t, "%s", noun);
	if (f->min != INT64_MIN && f->max != INT64_MAX)
		say(t, " from %" PRId64 " to %" PRId64, f->min, f->max);
	else if (f->min != INT64_MIN)
		say(t, " of %" PRId64 " or more", f->min);
	if (f->unit != NULL)
		say(t, " (%s)", f->unit);
}

static void
say_wanted(struct words *t, const struct field *f)
{
	switch (f->kind) {
	case FIELD_TEXT:
		say(t, "text of %s%" PRId64 " bytes", f->required ? "1 to " : "at most ", f->max);
		break;
	case FIELD_ID:
		say(t, "an id: 1 to 64 characters of A-Z a-z 0-9 . _ : / -");
		break;
	case FIELD_ENUM:
		if (f->list->open)
			say(t, "text of 1 to %d bytes, such as %s", OPEN_VALUE_BYTES_MAX, f->list->values[0].code);
		else
			say_values(t, f->list);
		break;
	case FIELD_BOOL:
		say(t, "true or false");
		break;
	case FIELD_INT:
		say_bounds(t, "an integer", f);
		break;
	case FIELD_NUMBER:
		say_bounds(t, "a number", f);
		break;
	case FIELD_DATE:
		say(t, "a day that exists, YYYY-MM-DD");
		break;
	case FIELD_MONTH:
		say(t, "a month, YYYY-MM");
		break;
	case FIELD_PERIOD:
		say(t, "a period: YYYY, YYYY-H1, YYYY-Q1, YYYY-MM, YYYY-W05 or YYYY-MM-DD");
		break;
	case FIELD_INSTANT:
		say(t, "an instant such as 2026-11-03T08:30:00+08:00, or a msgpack timestamp");
		break;
	case FIELD_WHEN:
		say(t, "a date, YYYY-MM-DD, or an instant such as 2026-11-03T08:30:00+08:00");
		break;
	case FIELD_PHONE:
		say(t, "a telephone number: 3 to 32 of digits + - . , ; / ( ) # * x and space, 3 of them digits");
		break;
	case FIELD_EMAIL:
		say(t, "an e-mail address of at most 254 bytes");
		break;
	case FIELD_IDS:
		say(t, "an array of at most %" PRId64 " ids", f->max);
		break;
	case FIELD_ITEMS:
		say(t, "an array of 1 to %" PRId64 " maps {item, dept}", f->max);
		break;
	case FIELD_MAP:
		say(t, "a map of at most %" PRId64 " texts, numbers and booleans", f->max);
		break;
	case FIELD_SEQ:
		say_bounds(t, "a sequence number", f);
		break;
	case FIELD_KINDS:
		break;
	}
}

/* What an element or a value of a container should be; else what the field should be. */
static void
say_wanted_inside(struct words *t, const struct walk *w)
{
	bool inside = w->indexed && w->outer == NULL;

	if (w->field == NULL)
		say(t, "a map with string keys");
	else if (w->key != NULL)
		say(t, "text, a finite number or a boolean");
	else if (inside && w->field->kind == FIELD_IDS)
		say(t, "an id: 1 to 64 characters of A-Z a-z 0-9 . _ : / -");
	else if (inside && w->field->kind == FIELD_ITEMS)
		say(t, "a map {item, dept}");
	else
		say_wanted(t, w->field);
}

static void
say_path(struct words *t, const struct walk *w)
{
	say(t, "data");
	if (w->outer != NULL)
		say(t, ".%s[%" PRIu32 "]", w->outer->name, w->index);
	if (w->field != NULL)
		say(t, ".%s", w->field->name);
	if (w->indexed && w->outer == NULL)
		say(t, "[%" PRIu32 "]", w->index);
	if (w->key != NULL) {
		say(t, ".");
		say_clean(t, w->key, w->key_len, QUOTE_BYTES_MAX);
	}
}

static void
say_missing(struct words *t, const struct walk *w)
{
	const char *between = "";

	if (w->field != NULL) {
		say(t, "required: ");
		say_wanted(t, w->field);
		return;
	}
	say(t, "at least one is required of ");
	for (unsigned i = 0; i < w->type->count; i++) {
		if (!w->type->fields[i].any_of)
			continue;
		say(t, "%s%s", between, w->type->fields[i].name);
		between = ", ";
	}
}

/* The value that was meant, if one of the list is near; else all of them. */
static void
say_right_value(struct words *t, const struct walk *w)
{
	const struct enum_list *l = w->field->list;
	struct mp m = w->found;
	struct nearest n;
	const char *s;
	uint32_t len;

	if (mp_str(&m, &s, &len)) {
		nearest_begin(&n, s, len);
		for (unsigned i = 0; i < l->count; i++)
			nearest_offer(&n, l->values[i].code);
		if (n.best != NULL) {
			say(t, "did you mean %s? ", n.best);
		}
	}
	say_values(t, l);
}

int
catalogue_fault(const struct walk *w, int code, struct data_fault *fault)
{
	struct words path = { fault->path, 0, sizeof(fault->path) }, detail = { fault->detail, 0, sizeof(fault->detail) };

	fault->code = code;
	say_path(&path, w);
	if (code == E_MISSING) {
		say_missing(&detail, w);
		return (code);
	}
	say(&detail, "found ");
	say_found(&detail, w->found, w->field != NULL && w->field->personal);
	say(&detail, "; ");
	if (code == E_VALUE) {
		say_right_value(&detail, w);
	} else {
		say(&detail, "wanted ");
		say_wanted_inside(&detail, w);
	}
	return (code);
}
