#include "tree.h"

#include <string.h>

#include "json.h"
#include "paint.h"

/* Columns of a table, and how wide one gets; what is longer is clipped there, and whole in --json. */
#define COLUMNS_MAX	16u
#define CELL_WIDTH_MAX	40u

struct column {
	const char *name;
	uint32_t len;
	size_t width;
};

struct table {
	struct column columns[COLUMNS_MAX];
	unsigned count;
};

static bool	write_value(struct buffer *, struct mp *, unsigned depth);

static bool
is_container(const struct mp *m)
{
	return (mp_peek(m) == MP_MAP || mp_peek(m) == MP_ARRAY);
}

/* A value in one line: text as it is, without what a terminal would obey, everything else as JSON. */
static bool
write_plain(struct buffer *out, struct mp *m)
{
	struct buffer json = { NULL, 0, 0 };
	const char *s;
	uint32_t len;
	bool whole;

	if (mp_str(m, &s, &len)) {
		paint_clean(out, s, len, 0);
		return (true);
	}
	if ((whole = json_write(&json, m)))
		paint_clean(out, json.data, json.len, 0);
	buffer_free(&json);
	return (whole);
}

static struct column *
column_of(struct table *t, const char *name, uint32_t len)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->columns[i].len == len && memcmp(t->columns[i].name, name, len) == 0)
			return (&t->columns[i]);
	if (t->count == COLUMNS_MAX)
		return (NULL);
	t->columns[t->count] = (struct column){ name, len, paint_width(name, len) };
	return (&t->columns[t->count++]);
}

/* Is the list a table?  Then its columns and their widths. */
static bool
table_read(struct table *t, struct mp m)
{
	struct buffer cell = { NULL, 0, 0 };
	uint32_t rows, pairs, len;
	struct column *c;
	const char *key;
	bool good;

	t->count = 0;
	good = mp_array(&m, &rows) && rows > 0;
	for (; good && rows > 0; rows--)
		for (good = mp_map(&m, &pairs); good && pairs > 0; pairs--) {
			good = mp_str(&m, &key, &len) && !is_container(&m) && (c = column_of(t, key, len)) != NULL;
			buffer_clear(&cell);
			if (!good || !(good = write_plain(&cell, &m)))
				break;
			if (cell.len > 0 && paint_width(cell.data, cell.len) > c->width)
				c->width = paint_width(cell.data, cell.len);
		}
	buffer_free(&cell);
	for (unsigned i = 0; i < t->count; i++)
		if (t->columns[i].width > CELL_WIDTH_MAX)
			t->columns[i].width = CELL_WIDTH_MAX;
	return (good && t->count > 0);
}

static void
write_cell(struct buffer *out, const struct table *t, unsigned i, const char *s, size_t len)
{
	if (i + 1 == t->count)
		paint_clean(out, s, len, 0);
	else
		paint_cell(out, s, len, t->columns[i].width + 2);
}

/* The value of that key, moved to; false if the row has none. */
static bool
row_find(struct mp *row, const struct column *c)
{
	uint32_t pairs, len;
	const char *key;

	if (!mp_map(row, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(row, &key, &len); pairs--) {
		if (len == c->len && memcmp(key, c->name, len) == 0)
			return (true);
		if (!mp_skip(row))
			break;
	}
	return (false);
}

static void
write_table(struct buffer *out, struct mp *m, const struct table *t, unsigned depth)
{
	struct buffer cell = { NULL, 0, 0 };
	uint32_t rows;

	buffer_fill(out, ' ', 2 * depth);
	buffer_text(out, paint(PAINT_BOLD));
	for (unsigned i = 0; i < t->count; i++)
		write_cell(out, t, i, t->columns[i].name, t->columns[i].len);
	buffer_printf(out, "%s\n", paint(PAINT_OFF));
	for (mp_array(m, &rows); rows > 0; rows--) {
		buffer_fill(out, ' ', 2 * depth);
		for (unsigned i = 0; i < t->count; i++) {
			struct mp row = *m;

			buffer_clear(&cell);
			if (row_find(&row, &t->columns[i]))
				write_plain(&cell, &row);
			write_cell(out, t, i, cell.data != NULL ? cell.data : "", cell.len);
		}
		buffer_text(out, "\n");
		mp_skip(m);
	}
	buffer_free(&cell);
}

static bool
write_list(struct buffer *out, struct mp *m, unsigned depth)
{
	struct table t;
	uint32_t count;

	if (table_read(&t, *m)) {
		write_table(out, m, &t, depth);
		return (true);
	}
	if (!mp_array(m, &count))
		return (false);
	for (; count > 0; count--) {
		buffer_fill(out, ' ', 2 * depth);
		buffer_text(out, is_container(m) ? "-\n" : "- ");
		if (!write_value(out, m, depth + 1))
			return (false);
	}
	return (true);
}

static bool
write_map(struct buffer *out, struct mp *m, unsigned depth)
{
	uint32_t pairs, len;
	const char *key;

	if (!mp_map(m, &pairs))
		return (false);
	for (; pairs > 0; pairs--) {
		if (!mp_str(m, &key, &len))
			return (false);
		buffer_fill(out, ' ', 2 * depth);
		buffer_text(out, paint(PAINT_CYAN));
		paint_clean(out, key, len, 0);
		buffer_printf(out, "%s:%s", paint(PAINT_OFF), is_container(m) ? "\n" : " ");
		if (!write_value(out, m, depth + 1))
			return (false);
	}
	return (true);
}

/* A container's lines are at this depth; anything else ends the line it stands in. */
static bool
write_value(struct buffer *out, struct mp *m, unsigned depth)
{
	if (depth > MP_DEPTH_MAX)
		return (false);
	if (mp_peek(m) == MP_MAP)
		return (write_map(out, m, depth));
	if (mp_peek(m) == MP_ARRAY)
		return (write_list(out, m, depth));
	if (!write_plain(out, m))
		return (false);
	buffer_text(out, "\n");
	return (true);
}

bool
tree_write(struct buffer *out, struct mp *m)
{
	return (write_value(out, m, 0));
}
