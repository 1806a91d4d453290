/* A report for spreadsheets: RFC 4180, UTF-8 with its mark, which those in use need to show Chinese. */
#include <inttypes.h>
#include <string.h>

#include "paint.h"
#include "report.h"

/* What a spreadsheet would take for a formula: also in the wide signs of a Chinese keyboard. */
static bool
is_formula(const char *text)
{
	static const char *const wide[] = { "＝", "＋", "－", "＠" };
	bool is = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;

	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		is = is || strncmp(text, wide[i], strlen(wide[i])) == 0;
	return (is);
}

/* A cell.  A formula is made text; control characters, which no value needs, are gone: somebody may look at the file on a terminal. */
static void
cell(struct buffer *b, const char *value)
{
	struct buffer clean = { NULL, 0, 0 };
	bool formula = is_formula(value);
	const char *text;

	paint_clean(&clean, value, strlen(value), 0);
	text = clean.data != NULL ? clean.data : "";
	if (!formula && strpbrk(text, ",\"") == NULL)
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
	buffer_free(&clean);
	buffer_text(b, ",");
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

	cell(b, s->name);
	cell(b, zh ? s->zh : s->en);
	cell(b, s->from);
	cell(b, s->until);
	cell(b, f->month);
	cell(b, s->by);
	cell(b, f->value);
	if (total)
		buffer_text(&name, zh ? "合计" : "total");
	else
		report_value(&name, s->by, f->value, zh);
	cell(b, name.data);
	buffer_free(&name);
	cell(b, s->fen ? "fen" : "count");
	number(b, f->num, s->rate);
	number(b, f->den, true);
	report_share(f->num, f->den, share);
	cell(b, s->rate ? share : "");
	number(b, f->timed_count, s->timed);
	number(b, f->p50, timed);
	number(b, f->p90, timed);
	number(b, f->p95, timed);
	number(b, f->p99, timed);
	number(b, f->max, timed);
	number(b, f->cumulative, strcmp(r->form, "pareto") == 0 && !total);
	cell(b, one);
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
