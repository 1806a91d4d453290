/* 调查表, the check sheet (S7): one line a value, one column a month, so that a month that stands out is seen. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "paint.h"
#include "report.h"
#include "table.h"

#define MONTHS_MAX	12u

struct grid {
	const struct report_section *s;
	unsigned months;
	char month[MONTHS_MAX][8];
	/* The lines: where in the section's rows each value begins. */
	size_t *lines, count;
};

static void
next_month(const char *month, char out[8])
{
	unsigned year = (unsigned)atoi(month), m = (unsigned)atoi(month + 5);

	snprintf(out, 8, "%04u-%02u", (m == 12 ? year + 1 : year) % 10000, m == 12 ? 1 : (m + 1) % 100);
}

/* Rows come by value, then by month. */
static void
open_grid(struct grid *g, const struct report_section *s)
{
	memset(g, 0, sizeof(*g));
	g->s = s;
	snprintf(g->month[0], sizeof(g->month[0]), "%s", s->from);
	for (g->months = 1; g->months < MONTHS_MAX && strcmp(g->month[g->months - 1], s->until) < 0; g->months++)
		next_month(g->month[g->months - 1], g->month[g->months]);
	g->lines = alloc_or_exit(NULL, (s->count + 1) * sizeof(*g->lines));
	for (size_t i = 0; i < s->count; i++)
		if (i == 0 || strcmp(s->rows[i].value, s->rows[i - 1].value) != 0)
			g->lines[g->count++] = i;
}

/* How many of that line in a month; of all lines where `line` is behind the last. */
static int64_t
cell(const struct grid *g, size_t line, const char *month)
{
	const struct report_section *s = g->s;
	size_t from = line < g->count ? g->lines[line] : 0, until = line + 1 < g->count ? g->lines[line + 1] : s->count;
	int64_t sum = 0;

	for (size_t i = from; i < until; i++)
		if (month == NULL || strcmp(s->rows[i].month, month) == 0)
			sum += s->rows[i].den;
	return (sum);
}

static void
name_of(struct buffer *b, const struct grid *g, size_t line, bool zh)
{
	if (line == g->count)
		buffer_text(b, zh ? "合计" : "total");
	else
		report_value(b, g->s->by, g->s->rows[g->lines[line]].value, zh);
}

/* Where there are none, nothing: what is there stands out. */
static void
number(char out[REPORT_SHARE_SIZE], int64_t n, bool total)
{
	if (n == 0 && !total)
		out[0] = '\0';
	else
		report_number(n, false, out);
}

bool
report_is_sheet(const struct report *r, const struct report_section *s)
{
	return (strcmp(r->form, "check_sheet") == 0 && s->by[0] != '\0');
}

void
report_sheet(struct buffer *b, const struct report_section *s, bool zh)
{
	struct table t = { .columns = paint_columns(), .continued = true };
	char text[REPORT_SHARE_SIZE];
	struct grid g;

	open_grid(&g, s);
	table_column(&t, report_dim(s->by, zh), TABLE_LEFT, 0);
	for (unsigned m = 0; m < g.months; m++)
		table_column(&t, g.month[m] + 5, TABLE_RIGHT, 0);
	table_column(&t, zh ? "合计" : "total", TABLE_RIGHT, 0);
	for (size_t i = 0; i <= g.count; i++) {
		name_of(&t.text, &g, i, zh);
		table_cell(&t, PAINT_OFF);
		for (unsigned m = 0; m <= g.months; m++) {
			number(text, cell(&g, i, m < g.months ? g.month[m] : NULL), i == g.count || m == g.months);
			buffer_text(&t.text, text);
			table_cell(&t, PAINT_OFF);
		}
	}
	table_print(&t, b, 0);
	table_free(&t);
	free(g.lines);
}

void
report_sheet_html(struct buffer *b, const struct report_section *s, bool zh)
{
	struct buffer name = { NULL, 0, 0 };
	char text[REPORT_SHARE_SIZE];
	struct grid g;

	open_grid(&g, s);
	buffer_printf(b, "<table class=x><thead><tr><th>%s</th>", report_dim(s->by, zh));
	for (unsigned m = 0; m < g.months; m++)
		buffer_printf(b, zh ? "<th class=r>%d月</th>" : "<th class=r>%02d</th>", atoi(g.month[m] + 5));
	buffer_printf(b, "<th class=r>%s</th></tr></thead><tbody>\n", zh ? "合计" : "total");
	for (size_t i = 0; i <= g.count; i++) {
		buffer_printf(b, "<tr%s><td>", i == g.count ? " class=z" : "");
		name_of(&name, &g, i, zh);
		page_move(b, &name);
		buffer_text(b, "</td>");
		for (unsigned m = 0; m <= g.months; m++) {
			number(text, cell(&g, i, m < g.months ? g.month[m] : NULL), i == g.count || m == g.months);
			buffer_printf(b, "<td class=r>%s</td>", text);
		}
		buffer_text(b, "</tr>\n");
	}
	buffer_text(b, "</tbody></table>\n");
	buffer_free(&name);
	free(g.lines);
}
