/* What is behind a figure: each object that is counted, and its events by their numbers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estate.h"
#include "json.h"
#include "paint.h"
#include "report.h"
#include "sitetime.h"
#include "table.h"
#include "worker.h"
#include "wrap.h"

#define ROWS_A_PAGE	500

static const char legend[] = "What is marked + counts, - is missing. EVENTS are numbers of the log: estate get NUMBER shows one.\n\n";
static const char legend_zh[] = "标 + 者已达到，- 未达到。事件为日志序号：estate get 序号 查看。\n\n";

struct explaining {
	struct report *r;
	const char *value;		/* NULL: all */
	const struct common *common;
	struct estate *e;
	struct buffer *b;
	struct table t;			/* of the section that is being told */
	bool zh, first;
	int64_t num, den;
};

/* By their numbers; what an answer had no room for is counted, with the way to it. */
static void
events(struct explaining *x, const struct event *row, struct text object)
{
	struct buffer *b = &x->t.text;
	struct mp m;
	uint32_t n = 0;
	int64_t seq, more, from;

	if (event_field(row, "events", &m) && mp_array(&m, &n))
		for (uint32_t i = 0; i < n && mp_int(&m, &seq); i++)
			buffer_printf(b, "%s%" PRId64, i > 0 ? " " : "", seq);
	if (event_int(row, "more", &more) && event_int(row, "more_from", &from)) {
		buffer_printf(b, x->zh ? "，另有 %" PRId64 " 个：estate tail --from %" PRId64 " --until-end --subject " :
		    " and %" PRId64 " more: estate tail --from %" PRId64 " --until-end --subject ", more, from);
		paint_clean(b, object.s, object.len, 0);
	}
	table_cell(&x->t, PAINT_DIM);
}

static void
begin_table(struct explaining *x, const struct report_section *s)
{
	x->t = (struct table){ .columns = paint_columns() };
	table_column(&x->t, "", TABLE_LEFT, 0);
	table_column(&x->t, s->fen ? (x->zh ? "账单" : "BILL") : (x->zh ? "对象" : "OBJECT"), TABLE_LEFT, 0);
	if (s->fen) {
		table_column(&x->t, x->zh ? "已收" : "CAME IN", TABLE_RIGHT, 0);
		table_column(&x->t, x->zh ? "应收" : "OWED", TABLE_RIGHT, 0);
	} else {
		if (s->by[0] != '\0')
			table_column(&x->t, report_dim(s->by, x->zh), TABLE_LEFT, 2);
		table_column(&x->t, x->zh ? "时间" : "WHEN", TABLE_LEFT, 3);
	}
	table_column(&x->t, x->zh ? "事件" : "EVENTS", TABLE_LEFT, 1);
}

static void
show(struct explaining *x, const struct report_section *s, const struct event *row)
{
	struct text object = { "", 0 }, value = { "", 0 };
	char when[SITETIME_TEXT] = "", raw[REPORT_VALUE_SIZE];
	int64_t num = 0, at;

	event_text(row, "object", &object);
	event_int(row, "num", &num);
	buffer_text(&x->t.text, num != 0 ? "+" : s->rate ? "-" : " ");
	table_cell(&x->t, PAINT_OFF);
	paint_clean(&x->t.text, object.s, object.len, 0);
	table_cell(&x->t, PAINT_OFF);
	if (s->by[0] != '\0') {
		if (event_text(row, "value", &value)) {
			snprintf(raw, sizeof(raw), "%.*s", (int)value.len, value.s);
			report_value(&x->t.text, s->by, raw, x->zh);
		}
		table_cell(&x->t, PAINT_OFF);
	}
	if (event_instant(row, "at", &at) || event_instant(row, "base", &at))
		sitetime_local(at, 0, when);
	buffer_text(&x->t.text, when);
	table_cell(&x->t, PAINT_OFF);
	events(x, row, object);
}

static void
take(struct explaining *x, const struct report_section *s, const struct event *row)
{
	struct mp m = row->data;
	int64_t n;

	x->num += event_int(row, "num", &n) ? n : 0;
	x->den += event_int(row, "den", &n) ? n : 0;
	if (!x->common->json)
		show(x, s, row);
	else {
		buffer_text(x->b, x->first ? "" : ",");
		json_write(x->b, &m);
		x->first = false;
	}
}

static void
take_bill(struct explaining *x, const struct event *row, const char *part, const char *whole)
{
	char num[REPORT_SHARE_SIZE], den[REPORT_SHARE_SIZE];
	struct text bill = { "", 0 };
	int64_t n = 0, d = 0;
	struct mp m = row->data;

	event_int(row, part, &n);
	event_int(row, whole, &d);
	if (n == 0 && d == 0)
		return;
	x->num += n;
	x->den += d;
	if (x->common->json) {
		buffer_text(x->b, x->first ? "" : ",");
		json_write(x->b, &m);
		x->first = false;
		return;
	}
	event_text(row, "bill", &bill);
	buffer_text(&x->t.text, n != 0 ? "+" : "-");
	table_cell(&x->t, PAINT_OFF);
	paint_clean(&x->t.text, bill.s, bill.len, 0);
	table_cell(&x->t, PAINT_OFF);
	report_number(n, true, num);
	buffer_text(&x->t.text, num);
	table_cell(&x->t, PAINT_OFF);
	report_number(d, true, den);
	buffer_text(&x->t.text, den);
	table_cell(&x->t, PAINT_OFF);
	events(x, row, bill);
}

/* Of the ledger a bill a row: what it adds to each sum. */
static int
ask_ledger(struct explaining *x, const struct report_section *s)
{
	bool prior = strcmp(s->name, "arrears_recovery") == 0;
	struct question q = { .verb = "report", .service = "dunning", .name = "behind" };
	struct answers a = { .seq = 0 };
	struct event row;
	int n;

	question_text(&q, strcmp(s->by, "building") == 0 ? "building" : "kind", x->value);
	question_text(&q, "period", x->r->period);
	question_text(&q, "as_of", x->r->as_of);
	question_number(&q, "limit", ROWS_A_PAGE);
	if ((n = question_ask(&q, x->common, x->e, &a)) == 0)
		while (answers_row(&a, "rows", &row))
			take_bill(x, &row, prior ? "prior_recovered" : "collected", prior ? "prior_due" : "due");
	answers_free(&a);
	return (n);
}

/* One month of it, as it is, or what held then and no longer does. */
static int
ask(struct explaining *x, const struct report_section *s, const char *period, bool past)
{
	struct question q = { .verb = "report", .service = "stats", .name = "explain" };
	struct answers a = { .seq = 0 };
	struct event row;
	int n;

	question_text(&q, "measure", s->name);
	question_text(&q, "period", period);
	question_text(&q, "by", s->by[0] != '\0' ? s->by : NULL);
	question_text(&q, "value", x->value);
	question_number(&q, "limit", ROWS_A_PAGE);
	report_as_of(&q, x->r);
	if (past)
		question_number(&q, "past", 1);
	if ((n = question_ask(&q, x->common, x->e, &a)) == 0)
		while (answers_row(&a, "rows", &row))
			take(x, s, &row);
	answers_free(&a);
	return (n);
}

static int
both(struct explaining *x, const struct report_section *s, const char *period)
{
	int n = ask(x, s, period, false);

	return (n == 0 && (x->r->as_of != NULL || x->r->seq > 0) ? ask(x, s, period, true) : n);
}

/* A month at a time; of a stock at once. */
static int
months(struct explaining *x, const struct report_section *s)
{
	unsigned year, month, last_year, last_month;
	char period[16];
	int n = 0;

	if (s->at != 0)
		return (both(x, s, x->r->period != NULL ? x->r->period : s->until));
	if (sscanf(s->from, "%4u-%2u", &year, &month) != 2 || sscanf(s->until, "%4u-%2u", &last_year, &last_month) != 2)
		return (EXIT_PART);
	for (; n == 0 && year * 12 + month <= last_year * 12 + last_month; year += month == 12, month = month % 12 + 1) {
		snprintf(period, sizeof(period), "%04u-%02u", year % 10000, month % 100);
		n = both(x, s, period);
	}
	return (n);
}

static int
section(struct explaining *x, const struct report_section *s)
{
	char num[REPORT_SHARE_SIZE], den[REPORT_SHARE_SIZE];
	struct buffer title = { NULL, 0, 0 };
	int n;

	x->first = true;
	x->num = x->den = 0;
	if (x->common->json)
		buffer_printf(x->b, "{\"measure\":\"%s\",\"rows\":[", s->name);
	else {
		buffer_printf(&title, "%s%s%s  %s", paint(PAINT_BOLD), x->zh ? s->zh : s->en, paint(PAINT_OFF), s->name);
		wrap_add(x->b, title.data, title.len, 2, paint_columns());
		buffer_text(x->b, "\n");
		buffer_free(&title);
	}
	begin_table(x, s);
	if ((n = s->fen ? ask_ledger(x, s) : months(x, s)) == 0 && !x->common->json && x->den > 0)
		table_print(&x->t, x->b, 0);
	table_free(&x->t);
	if (n != 0)
		return (n);
	if (x->common->json)
		buffer_printf(x->b, "],\"num\":%" PRId64 ",\"den\":%" PRId64 "}", x->num, x->den);
	else {
		report_number(x->num, s->fen, num);
		report_number(x->den, s->fen, den);
		buffer_printf(x->b, x->zh ? "合计 %s / %s\n\n" : "together %s of %s\n\n", num, den);
	}
	return (0);
}

int
report_explain(struct report *r, const char *value, const struct common *common, struct estate *e, struct buffer *b, bool zh)
{
	struct explaining x = { .r = r, .value = value, .common = common, .e = e, .b = b, .zh = zh };
	int n = 0;

	/* Pages are asked for one by one: what comes meanwhile would be in some of them. */
	if (strcmp(r->name, REPORT_FEES) != 0 && r->as_of == NULL && r->seq == 0)
		r->seq = (int64_t)r->known;
	if (common->json)
		buffer_text(b, "{\"sections\":[");
	else
		wrap_add(b, zh ? legend_zh : legend, strlen(zh ? legend_zh : legend), 0, paint_columns());
	for (unsigned i = 0; i < r->count && n == 0; i++) {
		const struct report_section *s = &r->sections[i];

		/* A value is of a dimension: what does not go by it has none. */
		if (value != NULL && s->by[0] == '\0')
			continue;
		if (common->json && i > 0)
			buffer_text(b, ",");
		n = section(&x, s);
	}
	if (common->json)
		buffer_text(b, "]}\n");
	return (n);
}
