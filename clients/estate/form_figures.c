/*
 * The forms of figures: 业户回访率统计年报表 (P5 4.3(5), 4.4(7), 5.2), a line a month, and the month's cover sheet (4.3(5), Z8).  estate-stats counts; what
 * it has counted, estate report shows with all that is behind it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "page.h"
#include "report.h"

#define MONTHS	12u

/* One measure in a period, as two numbers: 0 of 0 where nothing was counted. */
static int
ask(const char *measure, const char *period, bool months, const struct common *c, struct estate *e, struct report *r)
{
	*r = (struct report){ .name = measure, .period = period, .split = months };
	return (report_collect(r, c, e));
}

static void
cells(struct sheet *s, int64_t done, int64_t of, bool over)
{
	char share[REPORT_SHARE_SIZE];

	report_share(done, of, share);
	if (over)
		buffer_printf(&s->out, "<td class=r>%" PRId64 "</td><td class=r>%" PRId64 "</td><td class=r>%s</td>", of, done, share);
	else
		buffer_text(&s->out, "<td></td><td></td><td></td>");
}

/* The figure of that month, all 0 if nothing fell into it. */
static struct report_figure
of_month(const struct report *r, const char *month)
{
	for (size_t i = 0; r->count > 0 && i < r->sections[0].count; i++)
		if (strcmp(r->sections[0].rows[i].month, month) == 0)
			return (r->sections[0].rows[i]);
	return ((struct report_figure){ .num = 0 });
}

static void
target(struct sheet *s, const struct report *r)
{
	char share[REPORT_SHARE_SIZE];

	if (r->sections[0].least < 0)
		return;
	report_share(r->sections[0].least, 1000, share);
	buffer_printf(&s->out, s->zh ? "%s ≥ %s%%。" : "%s: at least %s %%. ", s->zh ? r->sections[0].zh : r->sections[0].en, share);
}

int
form_annual(struct sheet *s, const char *year, const char *this_month, const struct common *c, struct estate *e)
{
	struct report repairs = { .name = NULL }, complaints = { .name = NULL }, whole = { .name = NULL }, routine;
	const struct report *const measures[] = { &repairs, &complaints, &whole };
	char month[16];
	int n;

	sheet_begin(s, "annual_callback_rate", "业户回访率统计年报表", "Yearly callback rates", year);
	if ((n = ask("repair_callbacks", year, true, c, e, &repairs)) == 0)
		n = ask("complaint_callbacks", year, true, c, e, &complaints);
	s->seq = repairs.known;
	buffer_printf(&s->out, s->zh ? "<table class=l><thead><tr><th rowspan=2>月份</th><th colspan=3>零修（入户维修）</th><th colspan=3>投诉</th><th colspan=3>例行（年内累计）</th></tr><tr>" :
	    "<table class=l><thead><tr><th rowspan=2>month</th><th colspan=3>in-home repairs</th><th colspan=3>complaints</th><th colspan=3>routine, the year so far</th></tr><tr>");
	for (unsigned i = 0; i < 3; i++)
		buffer_printf(&s->out, s->zh ? "<th>%s</th><th>%s</th><th>率 %%</th>" : "<th>%s</th><th>%s</th><th>rate %%</th>", s->zh ? (i < 2 ? "数量" : "入住户数") : (i < 2 ? "number" : "households"),
		    s->zh ? "回访" : "called back");
	buffer_text(&s->out, "</tr></thead><tbody>\n");
	for (unsigned m = 1; n == 0 && m <= MONTHS; m++) {
		struct report_figure f;
		bool over;

		snprintf(month, sizeof(month), "%.4s-%02u", year, m % 100);
		over = strcmp(month, this_month) <= 0;
		buffer_printf(&s->out, "<tr><td>%u</td>", m);
		f = of_month(&repairs, month);
		cells(s, f.num, f.den, over);
		f = of_month(&complaints, month);
		cells(s, f.num, f.den, over);
		routine = (struct report){ .name = NULL };
		if (over && (n = ask("routine_callbacks", month, false, c, e, &routine)) == 0)
			cells(s, routine.sections[0].total.num, routine.sections[0].total.den, true);
		else
			cells(s, 0, 0, false);
		report_free(&routine);
		buffer_text(&s->out, "</tr>\n");
	}
	if (n == 0 && (n = ask("routine_callbacks", year, false, c, e, &whole)) == 0) {
		buffer_printf(&s->out, "<tr class=z><td>%s</td>", s->zh ? "全年" : "year");
		cells(s, repairs.sections[0].total.num, repairs.sections[0].total.den, true);
		cells(s, complaints.sections[0].total.num, complaints.sections[0].total.den, true);
		cells(s, whole.sections[0].total.num, whole.sections[0].total.den, true);
		buffer_text(&s->out, "</tr>\n");
	}
	buffer_text(&s->out, "</tbody></table>\n<p>");
	for (size_t i = 0; n == 0 && i < sizeof(measures) / sizeof(*measures); i++)
		target(s, measures[i]);
	buffer_printf(&s->out, "%s</p>\n", s->zh ? "率截去两位小数以后的部分，不四舍五入。零修按完工月份统计，月末完工、次月回访的计入完工月份；例行以年末入住户数为准。" :
	    "Rates are cut to two decimals, not rounded. A repair counts in the month in which it was finished; routine callbacks among those who live here at the year's end.");
	sheet_part(s, "审阅", "Review");
	sheet_signature(s, NULL, "客服组负责人", "Lead", MAY);
	sheet_signature(s, NULL, "管理处经理（年底）", "Site manager (year's end)", MAY);
	sheet_close(s);
	sheet_end(s);
	report_free(&repairs);
	report_free(&complaints);
	report_free(&whole);
	return (n);
}

static void
figure(struct sheet *s, const struct report *r, const char *zh, const char *en)
{
	const struct report_figure *f = &r->sections[0].total;
	char share[REPORT_SHARE_SIZE], text[3 * REPORT_SHARE_SIZE];

	report_share(f->num, f->den, share);
	snprintf(text, sizeof(text), "%" PRId64, f->den);
	sheet_text(s, text, zh, en, MUST, false);
	snprintf(text, sizeof(text), s->zh ? "%" PRId64 " 户（件），%s%s" : "%" PRId64 ", %s%s", f->num, share, f->den > 0 ? " %" : "");
	sheet_text(s, text, "回访，回访率", "called back, rate", MUST, false);
}

int
form_cover(struct sheet *s, const char *month, const struct common *c, struct estate *e)
{
	static const struct {
		const char *measure, *zh, *en;
	} lines[] = {
		{ "repair_callbacks", "入户维修数量", "in-home repairs" }, { "complaint_callbacks", "投诉处理数量", "complaints handled" },
		{ "help_callbacks", "求助结案数量", "help requests closed" }, { "special_callbacks", "特约服务数量", "special services" },
	};
	const struct fact *sealed = dossier_last(s->d, "bundle.sealed");
	struct report r;
	int n = 0;

	sheet_begin(s, "cover", "回访记录月度装订封面", "Cover of a month's records", month);
	sheet_part(s, "统计", "Figures");
	for (size_t i = 0; n == 0 && i < sizeof(lines) / sizeof(*lines); i++) {
		if ((n = ask(lines[i].measure, month, false, c, e, &r)) == 0)
			figure(s, &r, lines[i].zh, lines[i].en);
		s->seq = r.known > s->seq ? r.known : s->seq;
		report_free(&r);
	}
	sheet_close(s);
	sheet_part(s, "装订", "Bound");
	sheet_when(s, sealed, "封存时间", "sealed", MUST);
	sheet_field(s, sealed, "bundle.sealed", "digest", MUST, true);
	sheet_signature(s, NULL, "客服组负责人", "Lead", MAY);
	sheet_signature(s, NULL, "存档人", "Archived by", MAY);
	sheet_close(s);
	sheet_end(s);
	return (n);
}
