/* Tables for people: see table.h. */
#include "table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wrap.h"

#define GAP	2u		/* between two columns */
#define BELOW	2u		/* so much further in stands what is below a row */

struct table_piece {
	size_t at, len;
	enum paint paint;
	unsigned width;
	bool part;
};

/* How it is laid out on this terminal. */
struct layout {
	unsigned width[TABLE_COLUMNS_MAX];
	bool below[TABLE_COLUMNS_MAX];
};

void
table_column(struct table *t, const char *head, enum table_align align, unsigned fold)
{
	if (t->count == TABLE_COLUMNS_MAX)
		abort();
	t->heads[t->count].head = head;
	t->heads[t->count].align = align;
	t->heads[t->count++].fold = fold;
}

static void
take(struct table *t, enum paint p, bool part)
{
	struct table_piece *piece;

	if (t->piece_count == t->room) {
		t->room = t->room == 0 ? 64 : 2 * t->room;
		t->pieces = alloc_or_exit(t->pieces, t->room * sizeof(*t->pieces));
	}
	piece = &t->pieces[t->piece_count++];
	*piece = (struct table_piece){ .at = t->taken, .len = t->text.len - t->taken, .paint = p, .part = part };
	piece->width = piece->len > 0 ? (unsigned)paint_width(t->text.data + piece->at, piece->len) : 0;
	t->taken = t->text.len;
}

void
table_cell(struct table *t, enum paint p)
{
	take(t, p, false);
}

void
table_part(struct table *t)
{
	if (t->text.len > t->taken)
		take(t, PAINT_DIM, true);
}

static unsigned
head_width(const struct table *t, unsigned column)
{
	return (t->bare ? 0 : (unsigned)paint_width(t->heads[column].head, strlen(t->heads[column].head)));
}

/* Of a line of what is not below. */
static unsigned
line_width(const struct table *t, const struct layout *l)
{
	unsigned sum = t->indent;

	for (unsigned i = 0; i < t->count; i++)
		sum += l->below[i] ? 0 : l->width[i] + (sum > t->indent ? GAP : 0);
	return (sum);
}

static void
lay_out(const struct table *t, struct layout *l)
{
	unsigned column = 0;

	memset(l, 0, sizeof(*l));
	for (unsigned i = 0; i < t->count; i++)
		l->width[i] = head_width(t, i);
	for (size_t i = 0; i < t->piece_count; i++) {
		if (t->pieces[i].part)
			continue;
		if (t->pieces[i].width > l->width[column])
			l->width[column] = t->pieces[i].width;
		column = column + 1 < t->count ? column + 1 : 0;
	}
	/* Of what is nowhere there is no column. */
	for (unsigned i = 0; i < t->count; i++)
		l->below[i] = l->width[i] == 0;
	for (unsigned fold = 1; t->columns > 0 && !t->continued && fold < TABLE_COLUMNS_MAX && line_width(t, l) > t->columns; fold++)
		for (unsigned i = 0; i < t->count; i++)
			l->below[i] |= t->heads[i].fold == fold;
}

static void
drop_spaces(struct buffer *b, size_t from)
{
	while (b->len > from && b->data[b->len - 1] == ' ')
		b->len--;
}

/* A cell of a line that began at `from`. */
static void
add_cell(const struct table *t, struct buffer *b, const char *s, size_t len, unsigned width, enum paint p, unsigned column, const struct layout *l)
{
	unsigned room = l->width[column] > width ? l->width[column] - width : 0;
	bool right = t->heads[column].align == TABLE_RIGHT;

	buffer_fill(b, ' ', right ? room : 0);
	/* Spaces are never painted: none stands at the end of a line. */
	if (len > 0) {
		buffer_text(b, p != PAINT_OFF ? paint(p) : "");
		buffer_add(b, s, len);
		buffer_text(b, p != PAINT_OFF ? paint(PAINT_OFF) : "");
	}
	buffer_fill(b, ' ', right ? GAP : room + GAP);
}

static void
add_heads(const struct table *t, struct buffer *b, const struct layout *l)
{
	size_t from = b->len;

	buffer_fill(b, ' ', t->indent);
	for (unsigned i = 0; i < t->count; i++)
		if (!l->below[i])
			add_cell(t, b, t->heads[i].head, strlen(t->heads[i].head), head_width(t, i), PAINT_BOLD, i, l);
	drop_spaces(b, from);
	buffer_text(b, "\n");
}

/* What stands below a row: as many parts in a line as fit, one that is longer than a line wrapped. */
struct below {
	const struct table *t;
	struct buffer *b, part;
	unsigned used;			/* columns of the line that is being written; 0: none is */
};

static void
add_part(struct below *w, const char *s, size_t len)
{
	unsigned indent = w->t->indent + BELOW, width;

	buffer_add(&w->part, s, len);
	width = (unsigned)paint_width(w->part.data, w->part.len);
	if (w->used > 0 && w->t->columns > 0 && w->used + 3 + width > w->t->columns) {
		buffer_printf(w->b, "%s\n", paint(PAINT_OFF));
		w->used = 0;
	}
	if (w->used > 0) {
		buffer_text(w->b, " · ");
		w->used += 3 + width;
	} else {
		buffer_fill(w->b, ' ', indent);
		buffer_text(w->b, paint(PAINT_DIM));
		w->used = indent + width;
	}
	wrap_add(w->b, w->part.data, w->part.len, indent, w->t->columns);
	if (w->t->columns > 0 && w->used > w->t->columns)
		w->used = w->t->columns;
	buffer_clear(&w->part);
}

static void
end_below(struct below *w)
{
	if (w->used > 0)
		buffer_printf(w->b, "%s\n", paint(PAINT_OFF));
	buffer_free(&w->part);
}

/* One row, from piece `i` on.  Where the next one begins. */
static size_t
add_row(const struct table *t, struct buffer *b, const struct layout *l, size_t i)
{
	struct below w = { t, b, { NULL, 0, 0 }, 0 };
	size_t from = b->len, cells = i;

	buffer_fill(b, ' ', t->indent);
	for (unsigned c = 0; c < t->count; c++) {
		const struct table_piece *p = &t->pieces[cells + c];

		if (!l->below[c])
			add_cell(t, b, t->text.data + p->at, p->len, p->width, p->paint, c, l);
	}
	drop_spaces(b, from);
	buffer_text(b, "\n");
	for (unsigned c = 0; c < t->count; c++) {
		const struct table_piece *p = &t->pieces[cells + c];

		if (!l->below[c] || p->len == 0)
			continue;
		for (const char *h = t->heads[c].head; *h != '\0'; h++)
			buffer_printf(&w.part, "%c%s", tolower((unsigned char)*h), h[1] == '\0' ? " " : "");
		add_part(&w, t->text.data + p->at, p->len);
	}
	for (i += t->count; i < t->piece_count && t->pieces[i].part; i++)
		add_part(&w, t->text.data + t->pieces[i].at, t->pieces[i].len);
	end_below(&w);
	return (i);
}

static unsigned
lines_of(const struct buffer *b, size_t from)
{
	unsigned count = 0;

	for (; from < b->len; from++)
		count += b->data[from] == '\n';
	return (count);
}

static size_t
print_rows(const struct table *t, struct buffer *b, const struct layout *l, unsigned lines)
{
	size_t rows = 0, begin = b->len, before;

	if (!t->bare)
		add_heads(t, b, l);
	for (size_t i = 0; i + t->count <= t->piece_count; rows++) {
		before = b->len;
		i = add_row(t, b, l, i);
		if (lines > 0 && lines_of(b, begin) > lines) {
			b->len = before;
			b->data[before] = '\0';
			break;
		}
	}
	return (rows);
}

/* A part of a table that is too wide: the first column, and from column `c` on as many as fit.  The next column. */
static unsigned
choose(const struct table *t, struct layout *l, unsigned c)
{
	unsigned sum = t->indent + l->width[0];

	for (unsigned i = 1; i < t->count; i++)
		l->below[i] = true;
	do
		sum += GAP + l->width[c], l->below[c++] = false;
	while (c < t->count && sum + GAP + l->width[c] <= t->columns);
	return (c);
}

/* Only the columns of this part, so that nothing goes below. */
static size_t
print_part(const struct table *t, struct buffer *b, const struct layout *l)
{
	struct table part = { .columns = 0, .indent = t->indent, .bare = t->bare };
	unsigned column = 0;
	size_t rows;

	for (unsigned i = 0; i < t->count; i++)
		if (!l->below[i])
			table_column(&part, t->heads[i].head, t->heads[i].align, 0);
	for (size_t i = 0; i < t->piece_count; i++) {
		const struct table_piece *p = &t->pieces[i];

		if (!p->part && !l->below[column]) {
			buffer_add(&part.text, t->text.data + p->at, p->len);
			table_cell(&part, p->paint);
		}
		if (!p->part)
			column = column + 1 < t->count ? column + 1 : 0;
	}
	rows = table_print(&part, b, 0);
	table_free(&part);
	return (rows);
}

size_t
table_print(const struct table *t, struct buffer *b, unsigned lines)
{
	struct layout l;
	unsigned c = 1;
	size_t rows = 0;

	if (t->count == 0)
		return (0);
	lay_out(t, &l);
	if (!t->continued || t->columns == 0 || t->count < 2 || line_width(t, &l) <= t->columns)
		return (print_rows(t, b, &l, lines));
	while (c < t->count) {
		buffer_text(b, c > 1 ? "\n" : "");
		c = choose(t, &l, c);
		rows = print_part(t, b, &l);
	}
	return (rows);
}

void
table_free(struct table *t)
{
	buffer_free(&t->text);
	free(t->pieces);
}
