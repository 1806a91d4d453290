/* A report on a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "paint.h"
#include "report.h"
#include "sitetime.h"
#include "table.h"
#include "wrap.h"

static void
number(struct table *t, int64_t n, bool fen)
{
	char text[REPORT_SHARE_SIZE];

	report_number(n, fen, text);
	buffer_text(&t->text, text);
	table_cell(t, PAINT_OFF);
}

static void
span(struct table *t, const struct report_figure *f, int64_t ms, bool zh)
{
	if (f->timed_count > 0)
		sitetime_span(&t->text, ms * 1000000, zh);
	table_cell(t, PAINT_OFF);
}

static bool
is_pareto(const struct report *r)
{
	return (strcmp(r->form, "pareto") == 0);
}

/* How old what there is of a stock is: one column an age. */
#define AGE_HEAD_SIZE	24u

static void
heads(struct table *t, const struct report *r, const struct report_section *s, char ages[REPORT_AGES_MAX][AGE_HEAD_SIZE], bool zh)
{
	table_column(t, s->by[0] != '\0' ? report_dim(s->by, zh) : "", TABLE_LEFT, 0);
	if (r->split)
		table_column(t, zh ? "月份" : "MONTH", TABLE_LEFT, 0);
	if (s->rate) {
		table_column(t, zh ? "达到" : "COUNTED", TABLE_RIGHT, 0);
		table_column(t, zh ? "总数" : "OF", TABLE_RIGHT, 0);
		table_column(t, zh ? "率％" : "RATE %", TABLE_RIGHT, 0);
	} else
		table_column(t, zh ? "件数" : "NUMBER", TABLE_RIGHT, 0);
	if (is_pareto(r)) {
		table_column(t, zh ? "累计" : "CUM.", TABLE_RIGHT, 0);
		table_column(t, zh ? "累计％" : "CUM. %", TABLE_RIGHT, 0);
		table_column(t, zh ? "类" : "CLASS", TABLE_RIGHT, 0);
	}
	if (s->timed) {
		table_column(t, zh ? "中位" : "P50", TABLE_RIGHT, 0);
		table_column(t, "P90", TABLE_RIGHT, 0);
		table_column(t, zh ? "最长" : "MAX", TABLE_RIGHT, 0);
	}
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++) {
		snprintf(ages[i], AGE_HEAD_SIZE, i < s->age_count ? (zh ? "≤%d天" : "<=%dd") : (zh ? ">%d天" : ">%dd"),
		    (int)s->age_days[i < s->age_count ? i : i - 1] % 100000);
		table_column(t, ages[i], TABLE_RIGHT, 0);
	}
}

static void
line(struct table *t, const struct report *r, const struct report_section *s, const struct report_figure *f, bool zh)
{
	char share[REPORT_SHARE_SIZE];

	if (f == &s->total)
		buffer_text(&t->text, zh ? "合计" : "total");
	else if (s->by[0] != '\0')
		report_value(&t->text, s->by, f->value, zh);
	table_cell(t, PAINT_OFF);
	if (r->split) {
		buffer_text(&t->text, f->month);
		table_cell(t, PAINT_OFF);
	}
	if (s->rate) {
		number(t, f->num, s->fen);
		number(t, f->den, s->fen);
		report_share(f->num, f->den, share);
		buffer_text(&t->text, share);
		table_cell(t, report_reached(s, f) ? PAINT_OFF : PAINT_RED);
	} else
		number(t, f->den, false);
	if (is_pareto(r) && f != &s->total) {
		number(t, f->cumulative, false);
		report_share(f->cumulative, s->total.den, share);
		buffer_text(&t->text, share);
		table_cell(t, PAINT_OFF);
		buffer_printf(&t->text, "%c", f->class);
		table_cell(t, PAINT_OFF);
	} else if (is_pareto(r))
		for (unsigned i = 0; i < 3; i++)
			table_cell(t, PAINT_OFF);
	if (s->timed) {
		span(t, f, f->p50, zh);
		span(t, f, f->p90, zh);
		span(t, f, f->max, zh);
	}
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++)
		number(t, f->ages[i], false);
}

static void
target(struct buffer *b, const struct report_section *s, bool zh)
{
	char share[REPORT_SHARE_SIZE];

	if (s->least < 0)
		return;
	report_share(s->least, 1000, share);
	buffer_printf(b, zh ? "  目标 %s%s%%：%s" : "  target %s%s %%: %s", zh ? (s->soft ? "（原则上）≥ " : "≥ ") : (s->soft ? "(a goal) >= " : ">= "), share,
	    s->total.den == 0 ? "n/a" : report_reached(s, &s->total) ? (zh ? "达到" : "reached") : (zh ? "未达到" : "not reached"));
}

/* A line of what was gathered, or several where it is too long for one. */
static void
add_title(struct buffer *b, struct buffer *title)
{
	wrap_add(b, title->data, title->len, 2, paint_columns());
	buffer_text(b, "\n");
	buffer_free(title);
}

static void
section(struct buffer *b, const struct report *r, const struct report_section *s, bool zh)
{
	struct table t = { .columns = paint_columns(), .continued = true };
	struct buffer title = { NULL, 0, 0 };
	char at[SITETIME_TEXT], ages[REPORT_AGES_MAX][AGE_HEAD_SIZE];

	buffer_printf(&title, "%s%s%s  %s%s%s", paint(PAINT_BOLD), zh ? s->zh : s->en, paint(PAINT_OFF), s->name, s->rule[0] != '\0' ? "  " : "", s->rule);
	target(&title, s, zh);
	if (s->at != 0) {
		sitetime_local(s->at, 0, at);
		buffer_printf(&title, zh ? "  截至 %s" : "  as at %s", at);
	}
	buffer_text(b, "\n");
	add_title(b, &title);
	if (s->recounting)
		buffer_text(b, zh ? "指标或日历刚更换，正在重算：数字尚不完整\n" : "measures or calendar were exchanged and all is counted again: the figures are not complete yet\n");
	if (report_is_sheet(r, s)) {
		report_sheet(b, s, zh);
		return;
	}
	heads(&t, r, s, ages, zh);
	for (size_t i = 0; i < s->count; i++)
		line(&t, r, s, &s->rows[i], zh);
	line(&t, r, s, &s->total, zh);
	table_print(&t, b, 0);
	table_free(&t);
}

/* A day as it was given; an instant to the minute, at the site. */
static void
add_as_of(struct buffer *b, const char *as_of, bool zh)
{
	char at[SITETIME_TEXT];
	int64_t ns;

	if (strlen(as_of) > strlen("2026-11-02") && sitetime_parse(as_of, sitetime_now(), &ns)) {
		sitetime_local(ns, 0, at);
		buffer_printf(b, zh ? "  数据截止 %.16s" : "  as of %.16s", at);
	} else
		buffer_printf(b, zh ? "  数据截止 %s" : "  as of %s", as_of);
}

void
report_table(struct buffer *b, struct report *r, bool zh)
{
	const struct report_section *s = &r->sections[0];
	struct buffer title = { NULL, 0, 0 };

	buffer_printf(&title, "%s%s%s  ", paint(PAINT_BOLD), zh ? r->zh : r->en, paint(PAINT_OFF));
	if (r->period != NULL)
		buffer_text(&title, r->period);
	else if (r->count > 0)
		buffer_text(&title, s->until);
	if (r->as_of != NULL)
		add_as_of(&title, r->as_of, zh);
	buffer_printf(&title, zh ? "  日志序号 %" PRIu64 : "  of events up to %" PRIu64, r->seq > 0 ? (uint64_t)r->seq : r->known);
	add_title(b, &title);
	for (unsigned i = 0; i < r->count; i++)
		section(b, r, &r->sections[i], zh);
}

void
report_list_begin(struct table *t)
{
	t->columns = paint_columns();
	t->indent = 2;
	t->bare = true;
	table_column(t, "", TABLE_LEFT, 0);
	table_column(t, "", TABLE_LEFT, 2);
	table_column(t, "", TABLE_LEFT, 1);
}

void
report_list_line(struct table *t, const char *name, const char *title, const char *more)
{
	paint_clean(&t->text, name, strlen(name), 0);
	table_cell(t, PAINT_OFF);
	paint_clean(&t->text, title, strlen(title), 0);
	table_cell(t, PAINT_OFF);
	paint_clean(&t->text, more, strlen(more), 0);
	table_cell(t, PAINT_DIM);
}
