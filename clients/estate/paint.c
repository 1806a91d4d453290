/* Text on a terminal: see paint.h.  The C library's wcwidth() needs the locale to be installed, which on servers it seldom is. */
#include "paint.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool painting;

void
paint_init(bool never)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	painting = !never && (no == NULL || *no == '\0') && (term == NULL || strcmp(term, "dumb") != 0) && isatty(STDOUT_FILENO);
}

const char *
paint(enum paint p)
{
	static const char *const sequence[] = {
		[PAINT_OFF] = "\033[0m", [PAINT_DIM] = "\033[2m", [PAINT_BOLD] = "\033[1m", [PAINT_RED] = "\033[31m",
		[PAINT_GREEN] = "\033[32m", [PAINT_YELLOW] = "\033[33m", [PAINT_BLUE] = "\033[34m", [PAINT_CYAN] = "\033[36m",
	};

	return (painting ? sequence[p] : "");
}

unsigned
paint_columns(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0)
		return (0);
	return (w.ws_col);
}

/* East Asian wide and full-width, and the marks that take no column: the blocks that occur in names, addresses and chat. */
static const struct {
	uint32_t first, last;
	unsigned columns;
} special[] = {
	{ 0x0300, 0x036f, 0 }, { 0x1100, 0x115f, 2 }, { 0x200b, 0x200d, 0 }, { 0x20d0, 0x20ff, 0 }, { 0x231a, 0x231b, 2 },
	{ 0x2e80, 0x303e, 2 }, { 0x3041, 0x33ff, 2 }, { 0x3400, 0x4dbf, 2 }, { 0x4e00, 0x9fff, 2 }, { 0xa000, 0xa4cf, 2 },
	{ 0xa960, 0xa97f, 2 }, { 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 }, { 0xfe00, 0xfe0f, 0 }, { 0xfe10, 0xfe19, 2 },
	{ 0xfe30, 0xfe6f, 2 }, { 0xff00, 0xff60, 2 }, { 0xffe0, 0xffe6, 2 }, { 0x1f300, 0x1f64f, 2 }, { 0x1f680, 0x1f6ff, 2 },
	{ 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 }, { 0xe0100, 0xe01ef, 0 },
};

static unsigned
columns_of(uint32_t c)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (c >= special[i].first && c <= special[i].last)
			return (special[i].columns);
	return (1);
}

/* One character: its bytes, and its columns.  A stray byte counts as one of each. */
static size_t
character(const char *s, size_t len, unsigned *columns)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t n = p[0] < 0xc2 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	*columns = 1;
	if (n == 1 || n > len)
		return (1);
	c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return (1);
		c = c << 6 | (p[i] & 0x3fu);
	}
	*columns = columns_of(c);
	return (n);
}

/* The bytes of a colour sequence that begins here, or 0. */
static size_t
sequence(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 3 || s[0] != '\033' || s[1] != '[')
		return (0);
	while (i < len && s[i] != 'm')
		i++;
	return (i < len ? i + 1 : 0);
}

size_t
paint_fit(const char *s, size_t len, size_t columns)
{
	size_t i = 0, n, width = 0;
	unsigned w;

	while (i < len) {
		if ((n = sequence(s + i, len - i)) > 0) {
			i += n;
			continue;
		}
		n = character(s + i, len - i, &w);
		if (width + w > columns)
			break;
		width += w;
		i += n;
	}
	return (i);
}

size_t
paint_width(const char *s, size_t len)
{
	size_t i = 0, n, width = 0;
	unsigned w;

	while (i < len) {
		if ((n = sequence(s + i, len - i)) == 0) {
			n = character(s + i, len - i, &w);
			width += w;
		}
		i += n;
	}
	return (width);
}

/*
 * What somebody typed into a form must neither move the cursor nor turn the text around it: C0, DEL, C1, and the marks, embeddings,
 * overrides and isolates of bidirectional text, as they are written in UTF-8.  The bytes of one that begins here, or 0.
 */
static size_t
unwanted(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return (1);
	if (len >= 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return (2);
	if (len < 3 || p[0] != 0xe2)
		return (0);
	/* U+200E, U+200F, U+202A to U+202E; U+2066 to U+2069. */
	if (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae)))
		return (3);
	return (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0);
}

void
paint_clean(struct buffer *b, const char *s, size_t len, size_t columns)
{
	size_t i = 0, n = 0, plain, fit = columns > 0 ? paint_fit(s, len, columns) : len;
	bool clipped = fit < len;

	if (clipped)
		fit = paint_fit(s, len, columns - 1);
	do {
		for (plain = i; i < fit && (n = unwanted(s + i, fit - i)) == 0; i++)
			;
		buffer_add(b, s + plain, i - plain);
		if (i < fit)
			buffer_text(b, s[i] == '\n' || s[i] == '\t' ? " " : "?");
		i += n;
	} while (i < fit);
	if (clipped)
		buffer_text(b, "…");
}

void
paint_cell(struct buffer *b, const char *s, size_t len, size_t columns)
{
	size_t from = b->len, width;

	paint_clean(b, s, len, columns);
	width = paint_width(b->data + from, b->len - from);
	if (width < columns)
		buffer_fill(b, ' ', columns - width);
}
