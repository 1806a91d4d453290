/* A report for programs. */
#include <inttypes.h>
#include <string.h>

#include "json.h"
#include "report.h"
#include "rfc3339.h"
#include "worker.h"

static void
text(struct buffer *b, const char *name, const char *value)
{
	buffer_printf(b, ",\"%s\":", name);
	json_write_text(b, value, strlen(value));
}

void
report_rows_json(struct buffer *b, const char *before, struct answers *a)
{
	struct event row;
	bool first = true;

	buffer_text(b, before);
	for (answers_rewind(a); answers_row(a, "rows", &row); first = false) {
		buffer_text(b, first ? "" : ",");
		json_write(b, &row.data);
	}
}

static void
figure(struct buffer *b, const struct report *r, const struct report_section *s, const struct report_figure *f)
{
	buffer_printf(b, "\"num\":%" PRId64 ",\"den\":%" PRId64, f->num, f->den);
	if (s->timed)
		buffer_printf(b, ",\"timed\":%" PRId64, f->timed_count);
	if (s->timed && f->timed_count > 0)
		buffer_printf(b, ",\"p50_ms\":%" PRId64 ",\"p90_ms\":%" PRId64 ",\"p95_ms\":%" PRId64 ",\"p99_ms\":%" PRId64 ",\"max_ms\":%" PRId64, f->p50, f->p90,
		    f->p95, f->p99, f->max);
	if (s->age_count > 0) {
		buffer_text(b, ",\"ages\":[");
		for (unsigned i = 0; i <= s->age_count; i++) {
			buffer_text(b, i > 0 ? "," : "");
			if (i < s->age_count)
				buffer_printf(b, "{\"days\":%" PRId64 ",\"num\":%" PRId64 "}", s->age_days[i], f->ages[i]);
			else
				buffer_printf(b, "{\"num\":%" PRId64 "}", f->ages[i]);
		}
		buffer_text(b, "]");
	}
	if (strcmp(r->form, "pareto") == 0 && f->class != '\0')
		buffer_printf(b, ",\"cumulative\":%" PRId64 ",\"class\":\"%c\"", f->cumulative, f->class);
}

static void
section(struct buffer *b, const struct report *r, const struct report_section *s)
{
	char at[RFC3339_SIZE];

	buffer_text(b, "{\"measure\":");
	json_write_text(b, s->name, strlen(s->name));
	text(b, "zh", s->zh);
	text(b, "en", s->en);
	if (s->rule[0] != '\0')
		text(b, "rule", s->rule);
	text(b, "from", s->from);
	text(b, "until", s->until);
	if (s->at != 0) {
		rfc3339_format(s->at / SECOND_NS, (uint32_t)(s->at % SECOND_NS), 0, at);
		text(b, "at", at);
	}
	if (s->by[0] != '\0')
		text(b, "by", s->by);
	buffer_printf(b, ",\"unit\":\"%s\",\"rate\":%s", s->fen ? "fen" : "count", s->rate ? "true" : "false");
	if (s->least >= 0)
		buffer_printf(b, ",\"least\":%" PRId64 ",\"soft\":%s,\"reached\":%s", s->least, s->soft ? "true" : "false",
		    report_reached(s, &s->total) ? "true" : "false");
	if (s->recounting)
		buffer_text(b, ",\"recounting\":true");
	buffer_text(b, ",\"rows\":[");
	for (size_t i = 0; i < s->count; i++) {
		buffer_text(b, i > 0 ? ",{" : "{");
		if (s->by[0] != '\0') {
			buffer_text(b, "\"value\":");
			json_write_text(b, s->rows[i].value, strlen(s->rows[i].value));
			buffer_text(b, ",");
		}
		if (s->rows[i].month[0] != '\0')
			buffer_printf(b, "\"month\":\"%s\",", s->rows[i].month);
		figure(b, r, s, &s->rows[i]);
		buffer_text(b, "}");
	}
	buffer_text(b, "],\"total\":{");
	figure(b, r, s, &s->total);
	buffer_text(b, "}}");
}

void
report_json(struct buffer *b, const struct report *r)
{
	buffer_text(b, "{\"report\":");
	json_write_text(b, r->name, strlen(r->name));
	text(b, "zh", r->zh);
	text(b, "en", r->en);
	text(b, "form", r->form);
	if (r->period != NULL)
		text(b, "period", r->period);
	if (r->as_of != NULL)
		text(b, "as_of", r->as_of);
	buffer_printf(b, ",\"seq\":%" PRIu64 ",\"sections\":[", r->seq > 0 ? (uint64_t)r->seq : r->known);
	for (unsigned i = 0; i < r->count; i++) {
		buffer_text(b, i > 0 ? "," : "");
		section(b, r, &r->sections[i]);
	}
	buffer_text(b, "]}\n");
}
