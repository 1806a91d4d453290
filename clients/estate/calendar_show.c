/* A year of a calendar for people and programs, and the days of a term: see calendar_verbs.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "calendar_verbs.h"
#include "json.h"
#include "paint.h"
#include "rfc3339.h"
#include "sitetime.h"

#define MONTH_COLUMNS	21u		/* seven days of "31*" */
#define GAP		3u
#define TITLE_COLUMNS	12u		/* "make-up day" */
#define NAME_COLUMNS	15u		/* 国庆节、中秋节 */

struct year_view {
	const struct calendar *c;
	unsigned year;
	bool zh;
	int64_t first, days;
};

static int64_t
first_of(unsigned year, unsigned month)
{
	return (month > 12 ? rfc3339_days(year + 1, 1, 1) : rfc3339_days(year, month, 1));
}

static unsigned
weekday_of(int64_t day)
{
	return ((unsigned)(day + 3) % 7);	/* from Monday; 1970-01-01 was a Thursday */
}

/* ---- The grid ---- */

static const char *
mark_of(enum calendar_kind k)
{
	static const char *const marks[CALENDAR_KINDS] = { " ", ".", "*", "+" };

	return (marks[k]);
}

static enum paint
colour_of(enum calendar_kind k)
{
	static const enum paint colours[CALENDAR_KINDS] = { PAINT_OFF, PAINT_DIM, PAINT_RED, PAINT_GREEN };

	return (colours[k]);
}

static void
add_cell(struct buffer *b, const struct calendar *c, int64_t day, unsigned of_month)
{
	struct calendar_day d;

	calendar_day(c, day, &d);
	if (d.kind == CALENDAR_WORKDAY)
		buffer_printf(b, "%2u ", of_month);
	else
		buffer_printf(b, "%s%2u%s%s", paint(colour_of(d.kind)), of_month, mark_of(d.kind), paint(PAINT_OFF));
}

static void
add_week(struct buffer *b, const struct year_view *v, unsigned month, unsigned week)
{
	int64_t first = first_of(v->year, month), last = first_of(v->year, month + 1) - 1;
	int64_t day = first - weekday_of(first) + week * 7;

	for (unsigned i = 0; i < 7; i++, day++)
		if (day < first || day > last)
			buffer_text(b, "   ");
		else
			add_cell(b, v->c, day, (unsigned)(day - first) + 1);
}

static void
add_title(struct buffer *b, const struct year_view *v, unsigned month)
{
	static const char *const names[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };
	const char *sign = calendar_is_provisional(v->c, v->year) ? " ?" : "";
	char text[32];

	if (v->zh)
		snprintf(text, sizeof(text), "%u 月%s", month, sign);
	else
		snprintf(text, sizeof(text), "%s%s", names[month - 1], sign);
	buffer_text(b, paint(PAINT_BOLD));
	paint_cell(b, text, strlen(text), MONTH_COLUMNS);
	buffer_text(b, paint(PAINT_OFF));
}

/* Ends a line; spaces at its end are nobody's. */
static void
end_line(struct buffer *b)
{
	while (b->len > 0 && b->data[b->len - 1] == ' ')
		b->len--;
	buffer_text(b, "\n");
}

/* The most weeks that one of these months touches. */
static unsigned
weeks_of(const struct year_view *v, unsigned from, unsigned count)
{
	unsigned most = 0;

	for (unsigned month = from; month < from + count; month++) {
		int64_t first = first_of(v->year, month), days = first_of(v->year, month + 1) - first;
		unsigned weeks = (weekday_of(first) + (unsigned)days + 6) / 7;

		most = weeks > most ? weeks : most;
	}
	return (most);
}

static void
add_months(struct buffer *b, const struct year_view *v, unsigned from, unsigned count)
{
	for (unsigned row = 0; row < weeks_of(v, from, count) + 2; row++) {
		for (unsigned i = 0; i < count; i++) {
			if (i > 0)
				buffer_fill(b, ' ', GAP);
			if (row == 0)
				add_title(b, v, from + i);
			else if (row == 1)
				buffer_text(b, v->zh ? "一 二 三 四 五 六 日 " : "Mo Tu We Th Fr Sa Su ");
			else
				add_week(b, v, from + i, row - 2);
		}
		end_line(b);
	}
	buffer_text(b, "\n");
}

static void
add_hours(struct buffer *b, const struct calendar_day *d)
{
	for (unsigned i = 0; i < d->hours_count; i++)
		buffer_printf(b, "%s%02u:%02u-%02u:%02u", i > 0 ? ", " : "", d->hours[i].from / 60, d->hours[i].from % 60, d->hours[i].to / 60, d->hours[i].to % 60);
}

/* "02-15..02-23" */
static void
add_range(struct buffer *b, int64_t first, int64_t last)
{
	unsigned month, day;
	int64_t year;

	rfc3339_civil(first, &year, &month, &day);
	buffer_printf(b, "%02u-%02u", month, day);
	if (last == first)
		return;
	rfc3339_civil(last, &year, &month, &day);
	buffer_printf(b, "..%02u-%02u", month, day);
}

/* A line for each holiday, and for each make-up day, with its name. */
static void
add_named(struct buffer *b, const struct year_view *v)
{
	struct calendar_day d, next;

	for (int64_t day = v->first; day < v->first + v->days; day++) {
		int64_t last = day;

		calendar_day(v->c, day, &d);
		if (d.kind != CALENDAR_HOLIDAY && d.kind != CALENDAR_MAKEUP)
			continue;
		while (last + 1 < v->first + v->days && calendar_day(v->c, last + 1, &next) && next.kind == d.kind && next.name == d.name)
			last++;
		buffer_printf(b, "%s%s%s ", paint(colour_of(d.kind)), mark_of(d.kind), paint(PAINT_OFF));
		add_range(b, day, last);
		buffer_fill(b, ' ', last == day ? 9 : 2);
		paint_clean(b, d.name != NULL ? d.name : "", d.name != NULL ? strlen(d.name) : 0, 40);
		if (d.kind == CALENDAR_HOLIDAY)
			buffer_printf(b, v->zh ? "，%" PRId64 " 天\n" : ", %" PRId64 " d\n", last - day + 1);
		else {
			buffer_printf(b, v->zh ? "，%s上班 " : ", %s, ", calendar_weekday(day, v->zh));
			add_hours(b, &d);
			buffer_text(b, "\n");
		}
		day = last;
	}
}

static int64_t
count_working(const struct year_view *v)
{
	struct calendar_day d;
	int64_t n = 0;

	for (int64_t day = v->first; day < v->first + v->days; day++)
		n += calendar_day(v->c, day, &d) && d.working;
	return (n);
}

static void
add_head(struct buffer *b, const struct year_view *v)
{
	const char *notice = calendar_notice(v->c, v->year);

	buffer_printf(b, "%s%u%s  ", paint(PAINT_BOLD), v->year, paint(PAINT_OFF));
	buffer_printf(b, v->zh ? "%" PRId64 " 个工作日  " : "%" PRId64 " working days  ", count_working(v));
	paint_clean(b, calendar_zone(v->c), strlen(calendar_zone(v->c)), 40);
	if (notice != NULL) {
		buffer_text(b, "  ");
		paint_clean(b, notice, strlen(notice), 60);
	}
	buffer_text(b, "\n");
	if (calendar_is_provisional(v->c, v->year))
		buffer_printf(b, v->zh ? "%s? 暂定：尚无放假通知，只含法定固定日期和周末%s\n" : "%s? provisional: no notice yet, so only weekends and fixed days%s\n",
		    paint(PAINT_YELLOW), paint(PAINT_OFF));
	buffer_text(b, "\n");
}

void
calendar_show(struct buffer *b, const struct calendar *c, unsigned year, bool zh, unsigned columns)
{
	struct year_view v = { .c = c, .year = year, .zh = zh, .first = first_of(year, 1), .days = first_of(year + 1, 1) - first_of(year, 1) };
	unsigned across = columns == 0 ? 3 : (columns + GAP) / (MONTH_COLUMNS + GAP);

	across = across >= 4 ? 4 : across == 0 ? 1 : across;
	add_head(b, &v);
	for (unsigned month = 1; month <= 12; month += across)
		add_months(b, &v, month, across);
	add_named(b, &v);
	buffer_text(b, zh ? "\n* 放假  + 调休上班  . 周末\n" : "\n* day off  + make-up day  . weekend\n");
}

/* ---- For programs ---- */

static void
add_day_json(struct buffer *b, const struct calendar_day *d)
{
	buffer_text(b, "{\"date\":\"");
	calendar_add_date(b, d->day);
	buffer_printf(b, "\",\"kind\":\"%s\",\"working\":%s,\"provisional\":%s", calendar_kind_name(d->kind), d->working ? "true" : "false", d->provisional ? "true" : "false");
	if (d->name != NULL) {
		buffer_text(b, ",\"name\":");
		json_write_text(b, d->name, strlen(d->name));
	}
	if (d->hours_count > 0) {
		buffer_text(b, ",\"hours\":\"");
		add_hours(b, d);
		buffer_text(b, "\"");
	}
}

void
calendar_show_json(struct buffer *b, const struct calendar *c, unsigned year)
{
	struct year_view v = { .c = c, .year = year, .first = first_of(year, 1), .days = first_of(year + 1, 1) - first_of(year, 1) };
	struct calendar_day d;

	buffer_printf(b, "{\"year\":%u,\"provisional\":%s,\"zone\":", year, calendar_is_provisional(c, year) ? "true" : "false");
	json_write_text(b, calendar_zone(c), strlen(calendar_zone(c)));
	if (calendar_notice(c, year) != NULL) {
		buffer_text(b, ",\"notice\":");
		json_write_text(b, calendar_notice(c, year), strlen(calendar_notice(c, year)));
	}
	buffer_printf(b, ",\"workdays\":%" PRId64 ",\"days\":[", count_working(&v));
	for (int64_t day = v.first; day < v.first + v.days; day++) {
		if (day > v.first)
			buffer_text(b, ",");
		calendar_day(c, day, &d);
		add_day_json(b, &d);
		buffer_text(b, "}");
	}
	buffer_text(b, "]}\n");
}

/* ---- The days of a term ---- */

struct steps {
	struct buffer *b;
	const struct calendar_term *term;
	bool zh, any;
};

static void
add_reason(struct steps *t, const struct calendar_step *s)
{
	if (t->term->mode == CALENDAR_HOURS && s->counted > 0)
		sitetime_span(t->b, s->counted, t->zh);
	else if (s->counted > 0)
		buffer_printf(t->b, t->zh ? "第 %" PRId64 " 天" : "day %" PRId64, s->counted);
	else if (s->start)
		buffer_text(t->b, t->zh ? "起算日" : "start");
	else if (s->rolled)
		buffer_text(t->b, s->day.working ? (t->zh ? "顺延至此" : "moved to here") : (t->zh ? "顺延" : "moved on"));
	else
		buffer_text(t->b, t->zh ? "不计" : "skipped");
}

static void
write_step(void *user, const struct calendar_step *s)
{
	struct steps *t = user;
	const char *title = calendar_kind_title(s->day.kind, t->zh), *name = s->day.name != NULL ? s->day.name : "";

	buffer_text(t->b, "  ");
	calendar_add_date(t->b, s->day.day);
	buffer_printf(t->b, " %s%s %s", calendar_weekday(s->day.day, t->zh), s->day.provisional ? "?" : " ", paint(colour_of(s->day.kind)));
	paint_cell(t->b, title, strlen(title), TITLE_COLUMNS);
	buffer_text(t->b, paint(PAINT_OFF));
	paint_cell(t->b, name, strlen(name), NAME_COLUMNS);
	add_reason(t, s);
	buffer_text(t->b, "\n");
}

void
calendar_show_steps(struct buffer *b, const struct calendar *c, const struct calendar_term *term, int64_t opened, bool zh)
{
	struct steps t = { .b = b, .term = term, .zh = zh };
	char text[CALENDAR_INSTANT_SIZE];
	struct calendar_due d;

	if (!calendar_due(c, term, opened, &d))
		return;
	calendar_write_instant(c, opened, text);
	buffer_printf(b, zh ? "发生 %s\n" : "opened %s\n", text);
	calendar_explain(c, term, opened, write_step, &t);
	calendar_write_instant(c, d.at, text);
	buffer_printf(b, zh ? "%s到期 %s%s\n" : "%sdue    %s%s\n", paint(PAINT_BOLD), text, paint(PAINT_OFF));
	if (d.provisional)
		buffer_printf(b, zh ? "%s?    暂定：通知公布后可能改变%s\n" : "%s?      provisional: may change with the notice%s\n", paint(PAINT_YELLOW), paint(PAINT_OFF));
}

static void
add_step_json(void *user, const struct calendar_step *s)
{
	struct steps *t = user;

	buffer_text(t->b, t->any ? "," : "");
	t->any = true;
	add_day_json(t->b, &s->day);
	buffer_printf(t->b, ",\"%s\":%" PRId64, t->term->mode == CALENDAR_HOURS ? "worked_ns" : "counted", s->counted);
	if (s->start)
		buffer_text(t->b, ",\"start\":true");
	if (s->rolled)
		buffer_text(t->b, ",\"rolled\":true");
	buffer_text(t->b, "}");
}

void
calendar_add_steps_json(struct buffer *b, const struct calendar *c, const struct calendar_term *term, int64_t opened)
{
	struct steps t = { .b = b, .term = term };

	buffer_text(b, "[");
	calendar_explain(c, term, opened, add_step_json, &t);
	buffer_text(b, "]");
}
