/* Long lines on a narrow terminal: see wrap.h. */
#include "wrap.h"

#include <stdbool.h>
#include <string.h>

#include "paint.h"

#define GAP	3	/* so many spaces begin an explanation */
#define STEP	2	/* what has none goes on so much further in, */
#define DEEP	10	/* unless it is itself the rest of one */
#define MARK_BYTES	3u	/* a mark of closes() */

/* The column in which an indented line's last explanation begins, and where a line without one goes on. */
static size_t
hanging(const char *line, size_t len, size_t columns)
{
	size_t lead = 0, at = 0, width;

	while (lead < len && line[lead] == ' ')
		lead++;
	for (size_t i = lead + GAP; lead > 0 && i < len; i++)
		if (line[i] != ' ' && memcmp(line + i - GAP, "   ", GAP) == 0)
			at = i;
	width = paint_width(line, at);
	if (at > 0 && width * 4 <= columns * 3)
		return (width);
	if (lead == 0 || lead * 4 > columns * 3)
		return (0);
	return (lead < DEEP ? lead + STEP : lead);
}

static void
wrap_line(FILE *to, const char *line, size_t len, size_t columns)
{
	size_t indent = hanging(line, len, columns), room = columns, fit, cut;

	while (paint_width(line, len) > room) {
		fit = cut = paint_fit(line, len, room);
		while (cut > 0 && line[cut] != ' ')
			cut--;
		/* Chinese has no spaces, and neither has a long path: break where it must be. */
		if (cut == 0 || strspn(line, " ") >= cut)
			cut = fit;
		fprintf(to, "%.*s\n%*s", (int)cut, line, (int)indent, "");
		for (; cut < len && line[cut] == ' '; cut++)
			;
		line += cut;
		len -= cut;
		room = columns - indent;
	}
	fwrite(line, 1, len, to);
	fputc('\n', to);
}

void
wrap_print(FILE *to, const char *text)
{
	size_t columns = paint_columns(), len;

	if (columns < 40) {
		fputs(text, to);
		return;
	}
	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		wrap_line(to, text, len, columns);
	}
}

/* What may not begin a line.  The marks of ASCII are never apart from their word anyway. */
static bool
closes(const char *s, size_t len)
{
	static const char *const marks[] = { "、", "。", "〉", "》", "」", "』", "】", "”", "！", "）", "，", "：", "；", "？", "％" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (len >= MARK_BYTES && memcmp(s, marks[i], MARK_BYTES) == 0)
			return (true);
	return (false);
}

/* What stays together from here: a wide character with the mark behind it, or all up to a space or a wide character. */
static size_t
word(const char *s, size_t len)
{
	size_t n = 0, one;

	for (; n < len && s[n] != ' '; n += one) {
		for (one = 1; n + one < len && ((unsigned char)s[n + one] & 0xc0) == 0x80; one++)
			;
		if (paint_width(s + n, one) < 2)
			continue;
		if (n > 0 && !closes(s + n, len - n))
			return (n);
		for (n += one; n < len && closes(s + n, len - n); n += MARK_BYTES)
			;
		return (n);
	}
	return (n);
}

void
wrap_add(struct buffer *b, const char *s, size_t len, unsigned indent, unsigned columns)
{
	size_t from = b->len, n, spaces, used;

	if (columns <= indent) {
		buffer_add(b, s, len);
		return;
	}
	while (from > 0 && b->data[from - 1] != '\n')
		from--;
	used = paint_width(b->data + from, b->len - from);
	for (; len > 0; s += n, len -= n) {
		spaces = strspn(s, " ") < len ? strspn(s, " ") : len;
		n = word(s + spaces, len - spaces);
		if (used > indent && used + spaces + paint_width(s + spaces, n) > columns) {
			buffer_text(b, "\n");
			buffer_fill(b, ' ', indent);
			used = indent;
			s += spaces;
			len -= spaces;
			spaces = 0;
		}
		n += spaces;
		buffer_add(b, s, n);
		used += paint_width(s, n);
	}
}
