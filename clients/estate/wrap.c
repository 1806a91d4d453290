/* Long lines on a narrow terminal: see wrap.h. */
#include "wrap.h"

#include <string.h>

#include "paint.h"

#define GAP	3	/* so many spaces begin an explanation */
#define STEP	2	/* what has none goes on so much further in, */
#define DEEP	10	/* unless it is itself the rest of one */

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
