/* A report for spreadsheets: RFC 4180, UTF-8 with its mark, which those in use need to show Chinese. */
#include <inttypes.h>
#include <string.h>

#include "report.h"

/* A cell.  What a spreadsheet would take for a formula is made text. */
static void
cell(struct buffer *b, const char *text, bool last)
{
	bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;

	if (!formula && strpbrk(text, ",\"\r\n") == NULL)
		buffer_text(b, text);
	else {
		buffer_text(b, formula ? "\"'" : "\"");
		for (; *text != '\0'; text++) {
			if (*text == '"')
				buffer_add(b, "\"", 1);
			buffer_add(b, text, 1);
		}
		buffer_text(b, "\"");
	}
	buffer_text(b, last ? "\r\n" : ",");
}

static void
number(struct buffer *b, int64_t n, bool is)
{
	if (is)
		buffer_printf(b, "%" PRId64, n);
	buffer_text(b, ",");
}

static void
ages(struct buffer *b, const struct report_section *s, const struct report_figure *f)
{
	for (unsigned i = 0; s->age_count > 0 && i <= s->age_count; i++)
		buffer_printf(b, i < s->age_count ? "%s<=%" PRId64 "d: %" PRId64 : "%s>%" PRId64 "d: %" PRId64, i > 0 ? "; " : "",
		    s->age_days[i < s->age_count ? i : i - 1], f->ages[i]);
	buffer_text(b, "\r\n");
}

static void
line(struct buffer *b, const struct report *r, const struct report_section *s, const struct report_figure *f, bool zh)
{
	struct buffer name = { NULL, 0, 0 };
	char share[REPORT_SHARE_SIZE], one[2] = { f->class, '\0' };
	bool total = f == &s->total, timed = s->timed && f->timed_count > 0;

	cell(b, s->name, false);
	cell(b, zh ? s->zh : s->en, false);
	cell(b, s->from, false);
	cell(b, s->until, false);
	cell(b, f->month, false);
	cell(b, s->by, false);
	cell(b, f->value, false);
	if (total)
		buffer_text(&name, zh ? "合计" : "total");
	else
		report_value(&name, s->by, f->value, zh);
	cell(b, name.data, false);
	buffer_free(&name);
	cell(b, s->fen ? "fen" : "count", false);
	number(b, f->num, s->rate);
	number(b, f->den, true);
	report_share(f->num, f->den, share);
	cell(b, s->rate ? share : "", false);
	number(b, f->timed_count, s->timed);
	number(b, f->p50, timed);
	number(b, f->p90, timed);
	number(b, f->p95, timed);
	number(b, f->p99, timed);
	number(b, f->max, timed);
	number(b, f->cumulative, strcmp(r->form, "pareto") == 0 && !total);
	cell(b, one, false);
	ages(b, s, f);
}

void
report_csv(struct buffer *b, const struct report *r, bool zh)
{
	buffer_text(b, "\xef\xbb\xbf" "measure,name,from,until,month,by,value,value_name,unit,num,den,percent,timed,p50_ms,p90_ms,p95_ms,p99_ms,max_ms,cumulative,class,ages\r\n");
	for (unsigned i = 0; i < r->count; i++) {
		const struct report_section *s = &r->sections[i];

		for (size_t k = 0; k < s->count; k++)
			line(b, r, s, &s->rows[k], zh);
		line(b, r, s, &s->total, zh);
	}
}
