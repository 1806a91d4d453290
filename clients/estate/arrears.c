/* See arrears.h. */
#include "arrears.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "paint.h"
#include "rfc3339.h"

void
yuan_text(int64_t fen, char out[YUAN_TEXT])
{
	uint64_t n = fen < 0 ? -(uint64_t)fen : (uint64_t)fen;
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n / 100), at = 0;

	if (fen < 0)
		out[at++] = '-';
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	snprintf(out + at, YUAN_TEXT - (size_t)at, ".%02u", (unsigned)(n % 100));
}

void
add_left(struct buffer *b, const char *s, unsigned columns)
{
	paint_cell(b, s, strlen(s), columns);
}

void
add_right(struct buffer *b, const char *s, unsigned columns)
{
	size_t width = paint_width(s, strlen(s));

	buffer_fill(b, ' ', width < columns ? columns - width : 1);
	buffer_text(b, s);
}

void
add_yuan(struct buffer *b, int64_t fen, unsigned columns)
{
	char text[YUAN_TEXT];

	yuan_text(fen, text);
	add_right(b, text, columns);
}

void
add_code(struct buffer *b, const char *list, struct text code, bool zh, unsigned columns)
{
	for (unsigned i = 0; zh && i < catalogue_list_count(); i++) {
		const struct enum_list *l = catalogue_list_at(i);
		const struct enum_value *v = strcmp(l->name, list) == 0 ? catalogue_value(l, code.s, code.len) : NULL;

		if (v != NULL) {
			paint_cell(b, v->zh, strlen(v->zh), columns);
			return;
		}
	}
	paint_cell(b, code.s, code.len, columns);
}

int64_t
row_int(const struct event *row, const char *name)
{
	int64_t n = 0;

	event_int(row, name, &n);
	return (n);
}

struct text
row_text(const struct event *row, const char *name)
{
	struct text t = { "", 0 };

	event_text(row, name, &t);
	return (t);
}

bool
arrears_day(const char *verb, const char *text)
{
	int64_t day;

	if (rfc3339_date(text, strlen(text), &day))
		return (true);
	usage_error(verb, "--as-of: a day is written 2026-11-30, not \"%s\"", text);
	return (false);
}
