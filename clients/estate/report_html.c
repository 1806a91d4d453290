/* A report for paper: tables, charts, and lines to sign on where it is one that goes its way to an approval. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "page.h"
#include "report.h"
#include "report_flow.h"
#include "sitetime.h"

static const char style[] =
"h1{text-align:center}.n{text-align:center;margin:0 0 2mm}h2{font-size:12pt;margin:6mm 0 0;break-after:avoid}h2 small{font-weight:normal;font-size:9pt;margin-left:2mm}"
"td.r,th.r{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}.z td{font-weight:600;border-top:.6mm solid #000}.y{font-weight:700}"
".k{break-inside:avoid}.z{break-before:avoid}p{margin:1mm 0;break-after:avoid}ul{margin:1mm 0;padding-left:6mm}.g td{height:14mm;vertical-align:bottom}.x{table-layout:auto}td{overflow-wrap:anywhere}td:first-child{min-width:18mm}" CHART_STYLE;

static const char *
in(bool zh, const char *chinese, const char *english)
{
	return (zh ? chinese : english);
}

static void
text(struct buffer *b, const char *s)
{
	page_text(b, s, strlen(s));
}

static void
head_cell(struct buffer *b, const char *s)
{
	buffer_text(b, "<th class=r>");
	text(b, s);
	buffer_text(b, "</th>");
}

static void
cell(struct buffer *b, const char *s)
{
	buffer_text(b, "<td class=r>");
	text(b, s);
	buffer_text(b, "</td>");
}

static void
number(struct buffer *b, int64_t n, bool fen)
{
	char s[REPORT_SHARE_SIZE];

	report_number(n, fen, s);
	cell(b, s);
}

static void
span(struct buffer *b, int64_t ms, bool known, bool zh)
{
	struct buffer one = { NULL, 0, 0 };

	if (known)
		sitetime_span(&one, ms * 1000000, zh);
	cell(b, known ? one.data : "");
	buffer_free(&one);
}

static bool
is_pareto(const struct report *r)
{
	return (strcmp(r->form, "pareto") == 0);
}

static void
heading(struct buffer *b, const struct report *r, const struct report_section *s, bool zh)
{
	char day[32];

	buffer_text(b, "<thead><tr><th>");
	text(b, s->by[0] != '\0' ? report_dim(s->by, zh) : "");
	buffer_text(b, "</th>");
	if (r->split)
		head_cell(b, in(zh, "月份", "month"));
	if (s->rate) {
		head_cell(b, s->fen ? in(zh, "已收（元）", "received, yuan") : in(zh, "达到", "counted"));
		head_cell(b, s->fen ? in(zh, "应收（元）", "due, yuan") : in(zh, "总数", "of"));
		head_cell(b, in(zh, "率 %", "rate %"));
	} else
		head_cell(b, in(zh, "件数", "number"));
	if (is_pareto(r)) {
		head_cell(b, in(zh, "累计", "cumulative"));
		head_cell(b, in(zh, "累计 %", "cumulative %"));
		head_cell(b, in(zh, "类", "class"));
	}
	if (s->timed) {
		head_cell(b, in(zh, "中位", "median"));
		head_cell(b, "P90");
		head_cell(b, in(zh, "最长", "longest"));
	}
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++) {
		snprintf(day, sizeof(day), i < s->age_count ? in(zh, "≤ %d 天", "≤ %d d") : in(zh, "> %d 天", "> %d d"), (int)s->age_days[i < s->age_count ? i : i - 1] % 100000);
		head_cell(b, day);
	}
	buffer_text(b, "</tr></thead><tbody>\n");
}

static void
row(struct buffer *b, const struct report *r, const struct report_section *s, const struct report_figure *f, bool zh)
{
	struct buffer name = { NULL, 0, 0 };
	char share[REPORT_SHARE_SIZE], class[2] = { f->class, '\0' };
	bool total = f == &s->total;

	if (total)
		buffer_text(&name, in(zh, "合计", "total"));
	else if (s->by[0] != '\0')
		report_value(&name, s->by, f->value, zh);
	buffer_printf(b, "<tr%s><td>", total ? " class=z" : "");
	page_move(b, &name);
	buffer_text(b, "</td>");
	if (r->split)
		cell(b, f->month);
	if (s->rate) {
		number(b, f->num, s->fen);
		number(b, f->den, s->fen);
		report_share(f->num, f->den, share);
		buffer_printf(b, "<td class=\"r%s\">%s%s</td>", report_reached(s, f) ? "" : " y", share, report_reached(s, f) ? "" : " ▼");
	} else
		number(b, f->den, false);
	if (is_pareto(r)) {
		report_share(f->cumulative, s->total.den, share);
		if (total)
			buffer_text(b, "<td></td><td></td><td></td>");
		else {
			number(b, f->cumulative, false);
			cell(b, share);
			cell(b, class);
		}
	}
	if (s->timed) {
		span(b, f->p50, f->timed_count > 0, zh);
		span(b, f->p90, f->timed_count > 0, zh);
		span(b, f->max, f->timed_count > 0, zh);
	}
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++)
		number(b, f->ages[i], false);
	buffer_text(b, "</tr>\n");
	buffer_free(&name);
}

/* A drawing where one says more than the table: several values, and not more than fit. */
static void
chart(struct buffer *b, const struct report *r, const struct report_section *s, bool zh)
{
	struct buffer names[CHART_BARS_MAX] = { { NULL, 0, 0 } };
	struct bar bars[CHART_BARS_MAX];
	unsigned n = 0;

	if (s->count < (is_pareto(r) ? 2u : 3u) || s->count > CHART_BARS_MAX || s->fen)
		return;
	for (; n < s->count; n++) {
		const struct report_figure *f = &s->rows[n];

		if (s->by[0] != '\0')
			report_value(&names[n], s->by, f->value, zh);
		if (r->split)
			buffer_printf(&names[n], "%s%s", s->by[0] != '\0' ? " " : "", f->month);
		bars[n] = (struct bar){ .label = names[n].data != NULL ? names[n].data : "", .known = true };
		if (s->rate) {
			bars[n].known = f->den > 0;
			bars[n].value = f->den > 0 ? (uint64_t)((__int128)f->num * 10000 / f->den) : 0;
			bars[n].strong = !report_reached(s, f);
		} else {
			bars[n].value = (uint64_t)f->den;
			bars[n].strong = f->class == 'A';
		}
	}
	if (is_pareto(r))
		chart_pareto(b, bars, n, 80, zh);
	else if (s->rate)
		chart_rates(b, bars, n, s->least >= 0 ? s->least * 10 : -1, zh);
	else
		chart_counts(b, bars, n);
	for (unsigned i = 0; i < n; i++)
		buffer_free(&names[i]);
}

static void
target(struct buffer *b, const struct report_section *s, bool zh)
{
	char share[REPORT_SHARE_SIZE];

	if (s->least < 0)
		return;
	report_share(s->least, 1000, share);
	buffer_printf(b, "<p>%s %s%%%s：%s</p>\n", in(zh, "目标 ≥", "Target ≥"), share, s->soft ? in(zh, "（原则上）", " (a goal)") : "",
	    s->total.den == 0 ? "n/a" : report_reached(s, &s->total) ? in(zh, "达到", "reached") : in(zh, "未达到", "not reached"));
}

/* What fits on a sheet stays on one: a drawing at the top of the next would be of nobody knows what. */
#define TOGETHER_ROWS	16u

static void
section(struct buffer *b, const struct report *r, const struct report_section *s, bool zh)
{
	char at[SITETIME_TEXT];

	buffer_printf(b, "<div%s><h2>", s->count <= TOGETHER_ROWS ? " class=k" : "");
	text(b, zh ? s->zh : s->en);
	buffer_text(b, "<small>");
	text(b, s->rule);
	if (s->at != 0) {
		sitetime_local(s->at, 0, at);
		buffer_printf(b, " %s %.16s", in(zh, "截至", "as at"), at);
	}
	buffer_text(b, "</small></h2>\n");
	target(b, s, zh);
	if (s->recounting)
		buffer_printf(b, "<p><b>%s</b></p>\n", in(zh, "指标或日历刚更换，正在重算：数字尚不完整", "Measures or calendar were exchanged and all is counted again: the figures are not complete yet"));
	if (report_is_sheet(r, s)) {
		report_sheet_html(b, s, zh);
		return;
	}
	buffer_text(b, "<table class=x>");
	heading(b, r, s, zh);
	for (size_t i = 0; i < s->count; i++)
		row(b, r, s, &s->rows[i], zh);
	row(b, r, s, &s->total, zh);
	buffer_text(b, "</tbody></table>\n");
	chart(b, r, s, zh);
	buffer_text(b, "</div>\n");
}

/* Who signs. */
static void
signatures(struct buffer *b, bool zh)
{
	static const char *const who[][2] = { { "编制", "made by" }, { "审核", "reviewed by" }, { "批准", "approved by" } };

	buffer_text(b, "<table class=g><tr>");
	for (size_t i = 0; i < sizeof(who) / sizeof(*who); i++)
		buffer_printf(b, "<td>%s：__________<br>%s：__________</td>", in(zh, who[i][0], who[i][1]), in(zh, "日期", "date"));
	buffer_text(b, "</tr></table>\n");
}

void
report_html(struct buffer *b, struct report *r, const struct report_version *v, struct report *since, bool zh)
{
	struct buffer title = { NULL, 0, 0 };
	char now[SITETIME_TEXT], at[SITETIME_TEXT];
	const char *period = r->period != NULL ? r->period : r->count > 0 ? r->sections[0].until : "";

	buffer_printf(&title, "%s %s", zh ? r->zh : r->en, period);
	page_begin(b, title.data, zh, style);
	buffer_text(b, "<h1>");
	page_move(b, &title);
	buffer_text(b, "</h1><p class=n>");
	if (v != NULL) {
		sitetime_local(v->as_of, 0, at);
		buffer_printf(b, in(zh, "第 %" PRId64 " 版 · %s · 数据截止 %.16s", "version %" PRId64 " · %s · as of %.16s"), v->number, report_state(v->state, zh), at);
	} else if (r->as_of != NULL) {
		buffer_text(b, in(zh, "数据截止 ", "as of "));
		text(b, r->as_of);
	}
	buffer_text(b, "</p>\n");
	for (unsigned i = 0; i < r->count; i++)
		section(b, r, &r->sections[i], zh);
	if (since != NULL) {
		buffer_printf(b, "<h2>%s</h2>\n<ul>", in(zh, "此后的更正", "What has changed since"));
		if (report_changes(&title, r, since, "\n", zh) == 0)
			buffer_text(b, in(zh, "<li>无</li>", "<li>nothing</li>"));
		for (char *at_line = title.data, *end; title.len > 0 && (end = strchr(at_line, '\n')) != NULL; at_line = end + 1) {
			buffer_text(b, "<li>");
			page_text(b, at_line, (size_t)(end - at_line));
			buffer_text(b, "</li>");
		}
		buffer_text(b, "</ul>\n");
	}
	if (v != NULL)
		signatures(b, zh);
	sitetime_local(sitetime_now(), 0, now);
	buffer_printf(b, in(zh, "<footer>率截去两位小数以后的部分，不四舍五入；▼ 未达目标。据事件日志至第 %" PRIu64 " 号，%.16s 打印。", "<footer>Rates are cut to two decimals, not rounded; ▼ is below the target. "
	    "From the event log up to number %" PRIu64 ", printed %.16s. "), r->seq > 0 ? (uint64_t)r->seq : r->known, now);
	buffer_printf(b, in(zh, "每个数字的依据：estate report %s --period %s --explain", "What is behind each figure: estate report %s --period %s --explain"), r->name, period);
	buffer_text(b, "</footer>\n");
	page_end(b);
	buffer_free(&title);
}
