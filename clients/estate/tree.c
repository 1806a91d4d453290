#include "tree.h"

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "paint.h"
#include "table.h"

#define COLUMNS_MAX	16u
#define NAME_SIZE	65u

struct column {
	const char *name;
	uint32_t len;
	char head[NAME_SIZE];
};

/* The columns of a list of maps. */
struct columns {
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

static bool
add_column(struct columns *t, const char *name, uint32_t len)
{
	struct column *c = &t->columns[t->count];

	for (unsigned i = 0; i < t->count; i++)
		if (t->columns[i].len == len && memcmp(t->columns[i].name, name, len) == 0)
			return (true);
	if (t->count == COLUMNS_MAX || len >= NAME_SIZE)
		return (false);
	c->name = name;
	c->len = len;
	snprintf(c->head, sizeof(c->head), "%.*s", (int)len, name);
	t->count++;
	return (true);
}

/* Is the list a table?  Then its columns. */
static bool
columns_read(struct columns *t, struct mp m)
{
	uint32_t rows, pairs, len;
	const char *key;
	bool good;

	t->count = 0;
	good = mp_array(&m, &rows) && rows > 0;
	for (; good && rows > 0; rows--)
		for (good = mp_map(&m, &pairs); good && pairs > 0; pairs--)
			good = mp_str(&m, &key, &len) && !is_container(&m) && add_column(t, key, len) && mp_skip(&m);
	return (good && t->count > 0);
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

/* Where there is no room the last columns go below first; what a row is about comes first. */
static void
write_table(struct buffer *out, struct mp *m, const struct columns *c, unsigned depth)
{
	struct table t = { .columns = paint_columns(), .indent = 2 * depth };
	uint32_t rows;

	for (unsigned i = 0; i < c->count; i++)
		table_column(&t, c->columns[i].head, TABLE_LEFT, i == 0 ? 0 : c->count - i);
	for (mp_array(m, &rows); rows > 0; rows--) {
		for (unsigned i = 0; i < c->count; i++) {
			struct mp row = *m;

			if (row_find(&row, &c->columns[i]))
				write_plain(&t.text, &row);
			table_cell(&t, PAINT_OFF);
		}
		mp_skip(m);
	}
	table_print(&t, out, 0);
	table_free(&t);
}

static bool
write_list(struct buffer *out, struct mp *m, unsigned depth)
{
	struct columns c;
	uint32_t count;

	if (columns_read(&c, *m)) {
		write_table(out, m, &c, depth);
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
