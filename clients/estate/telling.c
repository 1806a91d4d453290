/* What an event has to tell: see telling.h. */
#include "telling.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "paint.h"
#include "sitetime.h"

#define TEXT_COLUMNS	48	/* of one text on a line */
#define LABEL_COLUMNS	18	/* of a label in a block */

static const struct field *
field_of(const struct event *e, const char *name, uint32_t len)
{
	return (e->kind != NULL ? catalogue_field(e->kind, name, len) : NULL);
}

void
telling_type(struct buffer *b, const struct event *e, bool zh)
{
	if (zh && e->kind != NULL && e->kind->zh != NULL)
		buffer_text(b, e->kind->zh);
	else
		paint_clean(b, e->type.s, e->type.len, 0);
}

const char *
telling_subject(const struct event *e, bool zh)
{
	static const struct {
		const char *en, *zh;
	} word[] = {
		{ "case", "工单" }, { "household", "住户" }, { "bill", "账单" }, { "payment", "付款" }, { "survey", "调查" },
		{ "plan", "计划" }, { "permit", "许可" }, { "staff", "员工" }, { "notice", "公告" }, { "report", "报告" },
	};

	if (e->kind == NULL || e->kind->subject == NULL)
		return (zh ? "对象" : "subject");
	for (size_t i = 0; zh && i < sizeof(word) / sizeof(*word); i++)
		if (strcmp(word[i].en, e->kind->subject) == 0)
			return (word[i].zh);
	return (zh ? "对象" : e->kind->subject);
}

/* 123456 fen as ¥1,234.56. */
static void
tell_money(struct buffer *b, int64_t fen)
{
	uint64_t v = fen < 0 ? -(uint64_t)fen : (uint64_t)fen;
	char digits[24];
	int n = 0;

	for (uint64_t yuan = v / 100; yuan > 0 || n == 0; yuan /= 10)
		digits[n++] = (char)('0' + yuan % 10);
	buffer_text(b, fen < 0 ? "-¥" : "¥");
	while (n-- > 0) {
		buffer_add(b, &digits[n], 1);
		if (n > 0 && n % 3 == 0)
			buffer_text(b, ",");
	}
	buffer_printf(b, ".%02" PRIu64, v % 100);
}

static void
tell_integer(struct buffer *b, const struct field *f, int64_t v, bool zh)
{
	const char *unit = f != NULL ? f->unit : NULL;

	if (unit == NULL)
		buffer_printf(b, "%" PRId64, v);
	else if (strcmp(unit, "fen") == 0)
		tell_money(b, v);
	else if (strcmp(unit, "s") == 0 && v > -1000000000 && v < 1000000000)
		sitetime_seconds(b, v, zh);
	else
		buffer_printf(b, "%" PRId64 " %s", v, unit);
}

/* An instant written as text stays as it was written unless it can be read: then it is shown in site time like all others. */
static bool
tell_instant(struct buffer *b, const char *s, uint32_t len)
{
	char text[SITETIME_TEXT], copy[SITETIME_TEXT];
	int64_t ns;

	if (len >= sizeof(copy))
		return (false);
	memcpy(copy, s, len);
	copy[len] = '\0';
	if (strchr(copy, 'T') == NULL || !sitetime_parse(copy, 0, &ns))
		return (false);
	sitetime_local(ns, 0, text);
	buffer_text(b, text);
	return (true);
}

static void
tell_text(struct buffer *b, const struct field *f, const char *s, uint32_t len, bool zh, size_t columns)
{
	const struct enum_value *v;

	if (f != NULL && f->kind == FIELD_ENUM && f->list != NULL && (v = catalogue_value(f->list, s, len)) != NULL) {
		buffer_text(b, zh ? v->zh : v->code);
		return;
	}
	if (f != NULL && (f->kind == FIELD_INSTANT || f->kind == FIELD_WHEN) && tell_instant(b, s, len))
		return;
	if (zh && f != NULL && f->personal && mp_equal(s, len, SEAL_ERASED)) {
		buffer_text(b, "（已清除）");
		return;
	}
	/* Quoted where a reader could not see where it ends. */
	if (columns > 0 && (len == 0 || memchr(s, ' ', len) != NULL || memchr(s, '\n', len) != NULL)) {
		buffer_text(b, zh ? "“" : "\"");
		paint_clean(b, s, len, columns);
		buffer_text(b, zh ? "”" : "\"");
	} else
		paint_clean(b, s, len, columns);
}

/* The value at the cursor, which moves past it. */
static bool
tell_value(struct buffer *b, const struct field *f, struct mp *m, bool zh, size_t columns)
{
	char text[SITETIME_TEXT];
	struct buffer json = { NULL, 0, 0 };
	const char *s;
	uint32_t len, nanos;
	int64_t i;
	bool v;

	if (mp_str(m, &s, &len))
		tell_text(b, f, s, len, zh, columns);
	else if (mp_int(m, &i))
		tell_integer(b, f, i, zh);
	else if (mp_bool(m, &v))
		buffer_text(b, zh ? (v ? "是" : "否") : (v ? "yes" : "no"));
	else if (mp_timestamp(m, &i, &nanos)) {
		sitetime_local(i * 1000000000 + nanos, 0, text);
		buffer_text(b, text);
	} else {
		if (!json_write(&json, m)) {
			buffer_free(&json);
			return (false);
		}
		paint_clean(b, json.data, json.len, columns);
		buffer_free(&json);
	}
	return (true);
}

/* The label of a field: the catalogue's in Chinese, its name otherwise. */
static void
tell_label(struct buffer *b, const struct field *f, const char *name, uint32_t len, bool zh)
{
	if (zh && f != NULL && f->zh != NULL)
		buffer_text(b, f->zh);
	else
		paint_clean(b, name, len, 0);
}

/* For people a code is its word in either language: in lines and blocks a reader of English sees the codes that he types. */
bool
telling_value(struct buffer *b, const struct type *t, const char *name, struct mp value, bool zh)
{
	const struct field *f = t != NULL ? catalogue_field(t, name, strlen(name)) : NULL;
	const struct enum_value *v;
	struct mp m = value;
	const char *s;
	uint32_t len;

	if (!zh && f != NULL && f->kind == FIELD_ENUM && f->list != NULL && mp_str(&m, &s, &len) && (v = catalogue_value(f->list, s, len)) != NULL) {
		buffer_text(b, v->en);
		return (true);
	}
	return (tell_value(b, f, &value, zh, 0));
}

void
telling_label(struct buffer *b, const struct type *t, const char *name, bool zh)
{
	const struct field *f = t != NULL ? catalogue_field(t, name, strlen(name)) : NULL;
	const char *label = zh ? NULL : catalogue_label(name, strlen(name));
	size_t from = b->len;

	if (label != NULL)
		buffer_text(b, label);
	else
		tell_label(b, f, name, (uint32_t)strlen(name), zh);
	for (size_t i = from; !zh && i < b->len; i++)
		if (b->data[i] == '_')
			b->data[i] = ' ';
}

void
telling_line(struct buffer *b, const struct event *e, bool zh)
{
	struct mp m = e->data;
	const struct field *f;
	const char *name;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return;
	for (uint32_t i = 0; i < pairs && mp_str(&m, &name, &len); i++) {
		if (i > 0)
			buffer_text(b, " ");
		f = field_of(e, name, len);
		buffer_text(b, paint(PAINT_DIM));
		tell_label(b, f, name, len, zh);
		buffer_text(b, zh ? "：" : "=");
		buffer_text(b, paint(PAINT_OFF));
		if (!tell_value(b, f, &m, zh, TEXT_COLUMNS))
			return;
	}
}

void
telling_block(struct buffer *b, const struct event *e, bool zh)
{
	struct buffer label = { NULL, 0, 0 };
	struct mp m = e->data;
	const struct field *f;
	const char *name;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return;
	for (uint32_t i = 0; i < pairs && mp_str(&m, &name, &len); i++) {
		f = field_of(e, name, len);
		buffer_clear(&label);
		tell_label(&label, f, name, len, zh);
		buffer_text(b, "    ");
		paint_cell(b, label.data, label.len, LABEL_COLUMNS);
		buffer_text(b, " ");
		if (!tell_value(b, f, &m, zh, 0))
			break;
		buffer_text(b, "\n");
	}
	buffer_free(&label);
}

/* Move the cursor from a container to its member `name`; an array's members are called 0, 1, 2 … */
static bool
descend(struct mp *m, const char *name, size_t name_len)
{
	const char *key;
	uint32_t n, len;
	char *end;
	unsigned long index;

	if (mp_map(m, &n)) {
		for (; n > 0 && mp_str(m, &key, &len); n--) {
			if (len == name_len && memcmp(key, name, len) == 0)
				return (true);
			if (!mp_skip(m))
				return (false);
		}
		return (false);
	}
	index = strtoul(name, &end, 10);
	if (end != name + name_len || end == name || !mp_array(m, &n) || index >= n)
		return (false);
	while (index-- > 0)
		if (!mp_skip(m))
			return (false);
	return (true);
}

bool
telling_field(struct buffer *b, const struct event *e, const char *path)
{
	struct mp m = e->data;
	const char *s;
	uint32_t text_len;
	size_t len;

	for (;; path += len + 1) {
		len = strcspn(path, ".");
		if (!descend(&m, path, len))
			return (false);
		if (path[len] == '\0')
			break;
	}
	if (!mp_str(&m, &s, &text_len))
		return (json_write(b, &m));
	paint_clean(b, s, text_len, 0);
	return (true);
}
