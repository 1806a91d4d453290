/* Asking for a report: which measures it has, then each of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estate.h"
#include "language.h"
#include "nearest.h"
#include "paint.h"
#include "report.h"
#include "table.h"
#include "worker.h"

#define SERVICE	"stats"

static void
copy(const struct event *e, const char *field, char *out, size_t size)
{
	struct text t;

	out[0] = '\0';
	if (event_text(e, field, &t))
		snprintf(out, size, "%.*s", (int)t.len, t.s);
}

static struct event
map_of(struct mp m)
{
	return ((struct event){ .data = m });
}

/* ---- One measure ---- */

static void
take_ages(struct report_section *s, struct report_figure *f, struct mp m)
{
	uint32_t n;

	s->age_count = 0;
	if (!mp_array(&m, &n))
		return;
	for (uint32_t i = 0; i < n && i < REPORT_AGES_MAX; i++) {
		struct event age = map_of(m);

		event_int(&age, "num", &f->ages[i]);
		if (event_int(&age, "days", &s->age_days[i]))
			s->age_count = i + 1;
		if (!mp_skip(&m))
			return;
	}
}

static void
take_figure(struct report_section *s, struct report_figure *f, const struct event *e)
{
	struct mp ages;

	copy(e, "value", f->value, sizeof(f->value));
	copy(e, "month", f->month, sizeof(f->month));
	event_int(e, "num", &f->num);
	event_int(e, "den", &f->den);
	event_int(e, "n", &f->timed_count);
	event_int(e, "p50", &f->p50);
	event_int(e, "p90", &f->p90);
	event_int(e, "p95", &f->p95);
	event_int(e, "p99", &f->p99);
	event_int(e, "max", &f->max);
	if (event_field(e, "ages", &ages))
		take_ages(s, f, ages);
}

struct report_figure *
report_row(struct report_section *s)
{
	s->rows = alloc_or_exit(s->rows, (s->count + 1) * sizeof(*s->rows));
	return (memset(&s->rows[s->count++], 0, sizeof(*s->rows)));
}

void
report_section_begin(struct report *r, const char *name, const char *zh, const char *en)
{
	struct report_section *s = &r->sections[r->count++];

	memset(s, 0, sizeof(*s));
	s->least = -1;
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->zh, sizeof(s->zh), "%s", zh);
	snprintf(s->en, sizeof(s->en), "%s", en);
}

static void
take_measure(struct report_section *s, const struct answers *a)
{
	struct event top = map_of(a->bytes.data != NULL ? mp_over(a->bytes.data, a->bytes.len) : (struct mp){ NULL, NULL }), m, total;

	if (event_field(&top, "measure", &m.data)) {
		copy(&m, "name", s->name, sizeof(s->name));
		copy(&m, "zh", s->zh, sizeof(s->zh));
		copy(&m, "en", s->en, sizeof(s->en));
		copy(&m, "rule", s->rule, sizeof(s->rule));
		copy(&m, "by", s->dims, sizeof(s->dims));
		event_bool(&m, "timed", &s->timed);
		event_bool(&m, "rate", &s->rate);
		event_bool(&m, "soft", &s->soft);
		event_int(&m, "least", &s->least);
	}
	copy(&top, "by", s->by, sizeof(s->by));
	copy(&top, "from", s->from, sizeof(s->from));
	copy(&top, "until", s->until, sizeof(s->until));
	event_instant(&top, "at", &s->at);
	event_bool(&top, "recounting", &s->recounting);
	if (event_field(&top, "total", &total.data))
		take_figure(s, &s->total, &total);
}

void
report_as_of(struct question *q, const struct report *r)
{
	question_text(q, "as_of", r->as_of);
	if (r->seq > 0)
		question_number(q, "seq", r->seq);
	else
		q->at_least = 0;
}

static bool
has_dim(const char *dims, const char *dim)
{
	size_t len = strlen(dim);

	for (const char *p = dims; (p = strstr(p, dim)) != NULL; p += len)
		if ((p == dims || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
			return (true);
	return (false);
}

/* Of several measures those that have the dimension go by it; one alone that lacks it is told which it has. */
static int
collect_one(struct report *r, const char *measure, const char *dims, const char *by, const struct common *common, struct estate *e)
{
	struct question q = { .verb = "report", .service = SERVICE, .name = "figures" };
	struct answers a = { .seq = 0 };
	struct report_section *s;
	struct event row;
	int n;

	if (r->count == REPORT_SECTIONS_MAX)
		return (0);
	report_section_begin(r, measure, measure, measure);
	s = &r->sections[r->count - 1];
	question_text(&q, "measure", measure);
	question_text(&q, "period", r->period);
	question_text(&q, "by", by != NULL && (dims == NULL || has_dim(dims, by)) ? by : NULL);
	question_text(&q, "split", r->split ? "month" : NULL);
	report_as_of(&q, r);
	q.at_least = r->seq > 0 ? 0 : estate_log(e)->last;
	if ((n = question_ask(&q, common, e, &a)) == 0) {
		take_measure(s, &a);
		while (answers_row(&a, "rows", &row))
			take_figure(s, report_row(s), &row);
		r->known = a.seq > r->known ? a.seq : r->known;
	}
	answers_free(&a);
	return (n);
}

/* ---- A report ---- */

/* The row of that name; false: there is none. */
static bool
find(struct answers *a, const char *name, struct event *row)
{
	struct text t;

	answers_rewind(a);
	while (answers_row(a, "rows", row))
		if (event_text(row, "name", &t) && mp_equal(t.s, t.len, name))
			return (true);
	return (false);
}

static int
unknown(const struct report *r, struct answers *reports, struct answers *measures)
{
	struct answers *all[] = { reports, measures };
	char names[128][REPORT_NAME_SIZE];
	struct nearest near;
	struct event row;
	unsigned n = 0;

	nearest_begin(&near, r->name, strlen(r->name));
	for (unsigned i = 0; i < 2; i++)
		for (answers_rewind(all[i]); n < 128 && answers_row(all[i], "rows", &row);) {
			copy(&row, "name", names[n], REPORT_NAME_SIZE);
			nearest_offer(&near, names[n++]);
		}
	nearest_offer(&near, REPORT_FEES);
	nearest_offer(&near, REPORT_SERIALS);
	fprintf(stderr, phrase("estate report: there is no report and no measure %.40s"), r->name);
	if (near.best != NULL)
		fprintf(stderr, phrase("; did you mean %s?"), near.best);
	fputs(phrase("\nestate report list names them all\n"), stderr);
	return (EXIT_PART);
}

static int
collect_parts(struct report *r, const struct event *kind, struct answers *measures, const struct common *common, struct estate *e)
{
	char names[REPORT_SECTIONS_MAX * REPORT_NAME_SIZE], dims[REPORT_TITLE_SIZE], *rest = names, *name;
	struct event row;
	bool any = false;
	int n = 0;

	copy(kind, "measures", names, sizeof(names));
	copy(kind, "by", r->usual_by, sizeof(r->usual_by));
	copy(kind, "zh", r->zh, sizeof(r->zh));
	copy(kind, "en", r->en, sizeof(r->en));
	copy(kind, "form", r->form, sizeof(r->form));
	r->split |= strcmp(r->form, "check_sheet") == 0;
	if (r->by == NULL && r->usual_by[0] != '\0')
		r->by = r->usual_by;
	while (n == 0 && (name = strsep(&rest, " ")) != NULL) {
		if (!find(measures, name, &row))
			continue;
		copy(&row, "by", dims, sizeof(dims));
		any = any || r->by == NULL || has_dim(dims, r->by);
		n = collect_one(r, name, dims, r->by, common, e);
	}
	if (n == 0 && !any) {
		complain("report", "no measure of %s goes by %.40s; estate report list tells what each goes by", r->name, r->by);
		n = EXIT_USAGE;
	}
	return (n);
}

static int
ask_lists(struct answers *reports, struct answers *measures, const struct common *common, struct estate *e)
{
	struct question q = { .verb = "report", .service = SERVICE, .name = "reports" };
	int n;

	if ((n = question_ask(&q, common, e, reports)) != 0)
		return (n);
	q.name = "measures";
	return (question_ask(&q, common, e, measures));
}

int
report_collect(struct report *r, const struct common *common, struct estate *e)
{
	struct answers reports = { .seq = 0 }, measures = { .seq = 0 };
	struct event row;
	int n;

	snprintf(r->form, sizeof(r->form), "table");
	if (strcmp(r->name, REPORT_FEES) == 0)
		return (report_fees(r, common, e));
	if ((n = ask_lists(&reports, &measures, common, e)) == 0) {
		if (find(&reports, r->name, &row))
			n = collect_parts(r, &row, &measures, common, e);
		else if (find(&measures, r->name, &row)) {
			copy(&row, "zh", r->zh, sizeof(r->zh));
			copy(&row, "en", r->en, sizeof(r->en));
			n = collect_one(r, r->name, NULL, r->by, common, e);
		} else
			n = unknown(r, &reports, &measures);
	}
	/* By month it is a check sheet: how each of them went. */
	if (r->split && strcmp(r->form, "pareto") == 0)
		snprintf(r->form, sizeof(r->form), "table");
	for (unsigned i = 0; n == 0 && i < r->count; i++)
		if (strcmp(r->form, "pareto") == 0)
			report_pareto(&r->sections[i]);
	answers_free(&reports);
	answers_free(&measures);
	return (n);
}

void
report_free(struct report *r)
{
	for (unsigned i = 0; i < r->count; i++)
		free(r->sections[i].rows);
	r->count = 0;
}

/* All rows of a list under its heading; `member`: what else is told of each. */
static void
list_rows(struct table *t, struct answers *rows, const char *member, bool zh)
{
	char name[REPORT_NAME_SIZE], title[REPORT_TITLE_SIZE], more[REPORT_SECTIONS_MAX * REPORT_NAME_SIZE];
	struct event row;

	report_list_begin(t);
	while (answers_row(rows, "rows", &row)) {
		copy(&row, "name", name, sizeof(name));
		copy(&row, zh ? "zh" : "en", title, sizeof(title));
		copy(&row, member, more, sizeof(more));
		report_list_line(t, name, title, more);
	}
}

static void
list_end(struct table *t, struct buffer *b, const char *heading)
{
	buffer_printf(b, "%s%s%s\n", paint(PAINT_BOLD), heading, paint(PAINT_OFF));
	table_print(t, b, 0);
	table_free(t);
}

static void
list_all(struct buffer *b, struct answers *reports, struct answers *measures, bool zh)
{
	struct table named = { .columns = 0 }, measured = { .columns = 0 };

	list_rows(&named, reports, "measures", zh);
	report_list_line(&named, REPORT_FEES, zh ? "收缴率与清欠率（由 estate-dunning 记账）" : "collection and recovery of arrears (of the ledger of estate-dunning)", "");
	report_list_line(&named, REPORT_SERIALS, zh ? "票据与卡的领用登记：缺号、重号" : "receipts, invoices and cards: numbers missing, or there twice", "");
	list_end(&named, b, zh ? "报告（所含指标）" : "Reports, and the measures in them");
	list_rows(&measured, measures, "by", zh);
	list_end(&measured, b, zh ? "指标（可用的 --by）" : "Measures, and what --by takes");
}

int
report_list(const struct common *common, struct estate *e, struct buffer *b, bool zh)
{
	struct answers reports = { .seq = 0 }, measures = { .seq = 0 };
	int n = ask_lists(&reports, &measures, common, e);

	if (n == 0 && common->json) {
		report_rows_json(b, "{\"reports\":[", &reports);
		report_rows_json(b, "],\"measures\":[", &measures);
		buffer_text(b, "]}\n");
	} else if (n == 0)
		list_all(b, &reports, &measures, zh);
	answers_free(&reports);
	answers_free(&measures);
	return (n);
}
