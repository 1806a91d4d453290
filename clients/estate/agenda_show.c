/* The agenda on a terminal, and on paper. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agenda.h"
#include "calendar_verbs.h"
#include "page.h"
#include "paint.h"
#include "table.h"

static void
add_day(struct buffer *b, int64_t day, bool zh)
{
	calendar_add_date(b, day);
	buffer_printf(b, " %s", calendar_weekday(day, zh));
}

static void
add_text(struct buffer *b, struct text t)
{
	if (t.s != NULL)
		paint_clean(b, t.s, t.len, 0);
}

static void
add_counts(struct buffer *b, const struct agenda *a, size_t first, bool zh)
{
	unsigned rows, must, overdue;

	agenda_count(a, first, &rows, &must, &overdue);
	buffer_printf(b, zh ? "%u 项，必访 %u" : "%u in all, %u must", rows, must);
	if (overdue > 0)
		buffer_printf(b, zh ? "，已超时 %u" : ", %u overdue", overdue);
}

/* Nobody of the role was there when it was given away. */
static void
add_staff(struct buffer *b, const struct agenda_row *r, bool zh)
{
	if (r->staff.s == NULL) {
		buffer_text(b, zh ? "无人负责：" : "nobody yet: ");
		agenda_word(b, "role", r->role, zh);
		return;
	}
	/* Where the roster names no people, staff is the role. */
	agenda_word(b, "role", r->staff, zh);
	if (!(r->role.len == r->staff.len && r->role.len > 0 && memcmp(r->role.s, r->staff.s, r->role.len) == 0)) {
		buffer_text(b, zh ? "（" : " (");
		agenda_word(b, "role", r->role, zh);
		buffer_text(b, zh ? "）" : ")");
	}
}

/* What it is about, whom to call; below it why, and where there is no room beside, which callback that is. */
static void
add_row(struct table *t, const struct agenda *a, const struct agenda_row *r, bool zh)
{
	agenda_when(&t->text, r);
	table_cell(t, PAINT_BOLD);
	/* Of whom nobody knows where he lives, the callback says more. */
	add_text(&t->text, r->household);
	table_cell(t, r->overdue ? PAINT_RED : PAINT_OFF);
	agenda_word(&t->text, "mode", r->mode, zh);
	table_cell(t, PAINT_OFF);
	paint_clean(&t->text, r->phone, strlen(r->phone), 0);
	table_cell(t, PAINT_BOLD);
	if (strcmp(r->name, "***") != 0)
		paint_clean(&t->text, r->name, strlen(r->name), 0);
	table_cell(t, PAINT_OFF);
	agenda_word(&t->text, "kind", r->kind, zh);
	table_cell(t, PAINT_OFF);
	add_text(&t->text, r->callback);
	table_cell(t, PAINT_OFF);
	agenda_why(&t->text, a, r, zh);
	table_part(t);
}

static void
begin_rows(struct table *t, unsigned columns)
{
	static const unsigned fold[] = { 0, 0, 0, 0, 2, 0, 1 };

	*t = (struct table){ .columns = columns, .bare = true };
	/* When, where, how, the number, the name, which kind, which callback. */
	for (size_t i = 0; i < sizeof(fold) / sizeof(*fold); i++)
		table_column(t, "", TABLE_LEFT, fold[i]);
}

static void
end_rows(struct table *t, struct buffer *b)
{
	table_print(t, b, 0);
	table_free(t);
}

void
agenda_show(struct buffer *b, const struct agenda *a, bool zh, unsigned columns)
{
	struct table t;

	buffer_printf(b, "%s%s", paint(PAINT_BOLD), zh ? "回访日程 " : "Agenda ");
	add_day(b, a->first, zh);
	if (a->last != a->first) {
		buffer_text(b, zh ? " 至 " : " to ");
		add_day(b, a->last, zh);
	}
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	if (a->count == 0)
		buffer_text(b, zh ? "没有要回访的\n" : "Nobody is to be called back\n");
	for (size_t i = 0; i < a->count; i++) {
		const struct agenda_row *r = &a->rows[i];

		if (i == 0 || agenda_begins(a, i) || r->day != a->rows[i - 1].day) {
			if (i > 0)
				end_rows(&t, b);
			begin_rows(&t, columns);
		}
		if (agenda_begins(a, i)) {
			buffer_printf(b, "\n%s", paint(PAINT_CYAN));
			add_staff(b, r, zh);
			buffer_printf(b, "%s  ", paint(PAINT_OFF));
			add_counts(b, a, i, zh);
			buffer_text(b, "\n");
		}
		if (a->last != a->first && (agenda_begins(a, i) || r->day != a->rows[i - 1].day)) {
			buffer_text(b, paint(PAINT_BOLD));
			add_day(b, r->day, zh);
			buffer_printf(b, "%s\n", paint(PAINT_OFF));
		}
		add_row(&t, a, r, zh);
	}
	if (a->count > 0)
		end_rows(&t, b);
}

/* ---- On paper ---- */

static const char style[] =
".r{width:34mm}.b{display:inline-block;width:3mm;height:3mm;border:.3mm solid #000;margin:0 1mm 0 0;vertical-align:-.3mm}"
".f td{height:13mm}@media screen and (max-width:600px){thead,td:empty{display:none}tr,.f td{display:block;height:auto}tr{margin-bottom:3mm}.r{width:auto}}";

/* Boxes to tick by hand, and room for the signature of a visit. */
static void
print_result(struct buffer *b, const struct agenda_row *r, bool zh)
{
	static const char *const results[][2] = { { "done", "已回访" }, { "nobody answered", "联系不上" }, { "refused", "拒绝" } };
	static const char *const grades[][2] = { { "5", "很满意" }, { "4", "满意" }, { "3", "基本满意" }, { "2", "不满意" }, { "1", "很不满意" } };

	for (size_t i = 0; i < sizeof(results) / sizeof(*results); i++)
		buffer_printf(b, "<span class=w><i class=b></i>%s</span> ", results[i][zh]);
	buffer_text(b, "<br><span class=s>");
	for (size_t i = 0; i < sizeof(grades) / sizeof(*grades); i++)
		buffer_printf(b, "<span class=w><i class=b></i>%s</span> ", grades[i][zh]);
	if (r->mode.s != NULL && mp_equal(r->mode.s, r->mode.len, "visit"))
		buffer_text(b, zh ? "<br>业户签字：" : "<br>Signature:");
	buffer_text(b, "</span>");
}

static void
print_row(struct buffer *b, const struct agenda *a, const struct agenda_row *r, bool zh)
{
	struct buffer one = { NULL, 0, 0 };

	buffer_text(b, "<tr class=f><td class=w>");
	if (a->first != a->last) {
		add_day(&one, r->day, zh);
		page_move(b, &one);
		buffer_text(b, "<br>");
	}
	agenda_when(&one, r);
	page_move(b, &one);
	buffer_printf(b, "</td><td class=w>%s", r->overdue ? "<span class=o>" : "");
	add_text(&one, r->household);
	page_move(b, &one);
	buffer_text(b, r->overdue ? "</span><br>" : "<br>");
	page_text(b, r->name, strlen(r->name));
	buffer_text(b, "</td><td class=w>");
	agenda_word(&one, "mode", r->mode, zh);
	page_move(b, &one);
	buffer_text(b, "<br>");
	page_text(b, r->phone, strlen(r->phone));
	buffer_text(b, "</td><td>");
	agenda_word(&one, "kind", r->kind, zh);
	buffer_text(&one, " ");
	add_text(&one, r->callback);
	page_move(b, &one);
	buffer_text(b, "<br><span class=s>");
	agenda_why(&one, a, r, zh);
	page_move(b, &one);
	buffer_text(b, "</span></td><td class=r>");
	print_result(b, r, zh);
	buffer_text(b, "</td></tr>\n");
	buffer_free(&one);
}

void
agenda_print(struct buffer *b, const struct agenda *a, bool zh)
{
	static const char *const heads[][2] = { { "when", "时间" }, { "household", "房号" }, { "how", "方式" }, { "about", "事由" }, { "result", "结果" } };
	struct buffer one = { NULL, 0, 0 };

	page_begin(b, zh ? "回访日程" : "Agenda", zh, style);
	for (size_t i = 0; i < a->count; i++) {
		if (agenda_begins(a, i)) {
			buffer_printf(b, "%s<section><h1>%s", i > 0 ? "</tbody></table></section>\n" : "", zh ? "回访日程 " : "Agenda ");
			add_staff(&one, &a->rows[i], zh);
			page_move(b, &one);
			buffer_text(b, "<small>");
			add_day(&one, a->first, zh);
			buffer_text(&one, " · ");
			add_counts(&one, a, i, zh);
			page_move(b, &one);
			buffer_text(b, "</small></h1><table><thead><tr>");
			for (size_t h = 0; h < sizeof(heads) / sizeof(*heads); h++)
				buffer_printf(b, "<th>%s</th>", heads[h][zh]);
			buffer_text(b, "</tr></thead><tbody>\n");
		}
		print_row(b, a, &a->rows[i], zh);
	}
	buffer_text(b, a->count > 0 ? "</tbody></table></section>" : zh ? "<p>没有要回访的</p>" : "<p>Nobody is to be called back</p>");
	page_end(b);
	buffer_free(&one);
}
