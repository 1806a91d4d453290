/* A report on a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "paint.h"
#include "report.h"
#include "sitetime.h"

#define NAME_COLUMNS	26u
#define NUMBER_COLUMNS	10u

static void
right(struct buffer *b, const char *text, size_t columns)
{
	size_t width = paint_width(text, strlen(text));

	buffer_fill(b, ' ', width < columns ? columns - width : 0);
	buffer_text(b, text);
}

static void
number(struct buffer *b, int64_t n, bool fen)
{
	char text[REPORT_SHARE_SIZE];

	report_number(n, fen, text);
	right(b, text, fen ? NUMBER_COLUMNS + 6 : NUMBER_COLUMNS);
}

static void
span(struct buffer *b, int64_t ms, bool zh)
{
	struct buffer one = { NULL, 0, 0 };

	sitetime_span(&one, ms * 1000000, zh);
	right(b, one.data, 14);
	buffer_free(&one);
}

static void
head(struct buffer *b, const struct report *r, const struct report_section *s, bool zh)
{
	char day[24];

	buffer_text(b, paint(PAINT_DIM));
	paint_cell(b, s->by[0] != '\0' ? report_dim(s->by, zh) : "", strlen(s->by[0] != '\0' ? report_dim(s->by, zh) : ""), NAME_COLUMNS);
	if (r->split)
		right(b, zh ? "月份" : "MONTH", 8);
	if (s->rate) {
		right(b, zh ? "达到" : "COUNTED", s->fen ? NUMBER_COLUMNS + 6 : NUMBER_COLUMNS);
		right(b, zh ? "总数" : "OF", s->fen ? NUMBER_COLUMNS + 6 : NUMBER_COLUMNS);
		right(b, zh ? "率％" : "RATE %", NUMBER_COLUMNS);
	} else
		right(b, zh ? "件数" : "NUMBER", NUMBER_COLUMNS);
	if (strcmp(r->form, "pareto") == 0) {
		right(b, zh ? "累计" : "CUM.", NUMBER_COLUMNS);
		right(b, zh ? "累计％" : "CUM. %", NUMBER_COLUMNS);
		right(b, zh ? "类" : "CLASS", 7);
	}
	if (s->timed) {
		right(b, zh ? "中位" : "P50", 14);
		right(b, "P90", 14);
		right(b, zh ? "最长" : "MAX", 14);
	}
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++) {
		snprintf(day, sizeof(day), i < s->age_count ? (zh ? "≤%d天" : "<=%dd") : (zh ? ">%d天" : ">%dd"),
		    (int)s->age_days[i < s->age_count ? i : i - 1] % 100000);
		right(b, day, 9);
	}
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
}

static void
line(struct buffer *b, const struct report *r, const struct report_section *s, const struct report_figure *f, bool zh)
{
	struct buffer name = { NULL, 0, 0 };
	char share[REPORT_SHARE_SIZE], class[2] = { f->class, '\0' };

	if (f == &s->total)
		buffer_text(&name, zh ? "合计" : "total");
	else if (s->by[0] != '\0')
		report_value(&name, s->by, f->value, zh);
	paint_cell(b, name.data != NULL ? name.data : "", name.len, NAME_COLUMNS);
	buffer_free(&name);
	if (r->split)
		right(b, f->month, 8);
	if (s->rate) {
		number(b, f->num, s->fen);
		number(b, f->den, s->fen);
		report_share(f->num, f->den, share);
		buffer_text(b, paint(report_reached(s, f) ? PAINT_OFF : PAINT_RED));
		right(b, share, NUMBER_COLUMNS);
		buffer_text(b, paint(PAINT_OFF));
	} else
		number(b, f->den, false);
	if (strcmp(r->form, "pareto") == 0 && f != &s->total) {
		number(b, f->cumulative, false);
		report_share(f->cumulative, s->total.den, share);
		right(b, share, NUMBER_COLUMNS);
		right(b, class, 7);
	}
	if (s->timed && f->timed_count > 0) {
		span(b, f->p50, zh);
		span(b, f->p90, zh);
		span(b, f->max, zh);
	}
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++) {
		snprintf(share, sizeof(share), "%" PRId64, f->ages[i]);
		right(b, share, 9);
	}
	buffer_text(b, "\n");
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

static void
section(struct buffer *b, const struct report *r, const struct report_section *s, bool zh)
{
	char at[SITETIME_TEXT];

	buffer_printf(b, "\n%s%s%s  %s%s%s", paint(PAINT_BOLD), zh ? s->zh : s->en, paint(PAINT_OFF), s->name, s->rule[0] != '\0' ? "  " : "", s->rule);
	target(b, s, zh);
	if (s->at != 0) {
		sitetime_local(s->at, 0, at);
		buffer_printf(b, zh ? "  截至 %s" : "  as at %s", at);
	}
	buffer_text(b, "\n");
	if (s->recounting)
		buffer_text(b, zh ? "指标或日历刚更换，正在重算：数字尚不完整\n" : "measures or calendar were exchanged and all is counted again: the figures are not complete yet\n");
	if (report_is_sheet(r, s)) {
		report_sheet(b, s, zh);
		return;
	}
	head(b, r, s, zh);
	for (size_t i = 0; i < s->count; i++)
		line(b, r, s, &s->rows[i], zh);
	line(b, r, s, &s->total, zh);
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

	buffer_printf(b, "%s%s%s  ", paint(PAINT_BOLD), zh ? r->zh : r->en, paint(PAINT_OFF));
	if (r->period != NULL)
		buffer_text(b, r->period);
	else if (r->count > 0)
		buffer_text(b, s->until);
	if (r->as_of != NULL)
		add_as_of(b, r->as_of, zh);
	buffer_printf(b, zh ? "  日志序号 %" PRIu64 "\n" : "  of events up to %" PRIu64 "\n", r->seq > 0 ? (uint64_t)r->seq : r->known);
	for (unsigned i = 0; i < r->count; i++)
		section(b, r, &r->sections[i], zh);
}

void
report_list_line(struct buffer *b, const char *heading, const char *name, const char *title, const char *more)
{
	if (heading != NULL)
		buffer_printf(b, "%s%s%s\n", paint(PAINT_BOLD), heading, paint(PAINT_OFF));
	buffer_text(b, "  ");
	paint_cell(b, name, strlen(name), 22);
	paint_cell(b, title, strlen(title), 62);
	buffer_printf(b, " %s%s%s\n", paint(PAINT_DIM), more, paint(PAINT_OFF));
}
