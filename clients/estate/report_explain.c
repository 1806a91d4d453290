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
#include "worker.h"

#define ROWS_A_PAGE	500

struct explaining {
	struct report *r;
	const char *value;		/* NULL: all */
	const struct common *common;
	struct estate *e;
	struct buffer *b;
	bool zh, first;
	int64_t num, den;
};

static void
events(struct buffer *b, struct mp m)
{
	uint32_t n;
	int64_t seq;

	if (!mp_array(&m, &n))
		return;
	for (uint32_t i = 0; i < n && mp_int(&m, &seq); i++)
		buffer_printf(b, "%s%" PRId64, i > 0 ? " " : "", seq);
}

static void
show(struct explaining *x, const struct report_section *s, const struct event *row)
{
	struct text object = { "", 0 }, value = { "", 0 };
	struct buffer word = { NULL, 0, 0 };
	char when[SITETIME_TEXT] = "", raw[REPORT_VALUE_SIZE];
	int64_t num = 0, at;
	struct mp m;

	event_text(row, "object", &object);
	event_int(row, "num", &num);
	if (event_text(row, "value", &value)) {
		snprintf(raw, sizeof(raw), "%.*s", (int)value.len, value.s);
		report_value(&word, s->by, raw, x->zh);
	}
	if (event_instant(row, "at", &at) || event_instant(row, "base", &at))
		sitetime_local(at, 0, when);
	buffer_text(x->b, num != 0 ? "+ " : s->rate ? "- " : "  ");
	paint_cell(x->b, object.s, object.len, 26);
	paint_cell(x->b, word.data != NULL ? word.data : "", word.len, s->by[0] != '\0' ? 18 : 1);
	paint_cell(x->b, when, strlen(when), 28);
	if (event_field(row, "events", &m))
		events(x->b, m);
	buffer_text(x->b, "\n");
	buffer_free(&word);
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
	report_number(n, true, num);
	report_number(d, true, den);
	buffer_text(x->b, n != 0 ? "+ " : "- ");
	paint_cell(x->b, bill.s, bill.len, 36);
	buffer_printf(x->b, "%14s %14s  ", num, den);
	if (event_field(row, "events", &m))
		events(x->b, m);
	buffer_text(x->b, "\n");
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
	int n;

	x->first = true;
	x->num = x->den = 0;
	if (x->common->json)
		buffer_printf(x->b, "{\"measure\":\"%s\",\"rows\":[", s->name);
	else
		buffer_printf(x->b, "%s%s%s  %s\n", paint(PAINT_BOLD), x->zh ? s->zh : s->en, paint(PAINT_OFF), s->name);
	if ((n = s->fen ? ask_ledger(x, s) : months(x, s)) != 0)
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
