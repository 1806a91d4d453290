/* What became of a report's figures since they were frozen. */
#include <inttypes.h>
#include <string.h>

#include "report.h"

static const struct report_figure *
same_figure(const struct report_section *s, const struct report_figure *f)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->rows[i].value, f->value) == 0 && strcmp(s->rows[i].month, f->month) == 0)
			return (&s->rows[i]);
	return (NULL);
}

static const struct report_section *
same_section(const struct report *r, const struct report_section *s)
{
	for (unsigned i = 0; i < r->count; i++)
		if (strcmp(r->sections[i].name, s->name) == 0)
			return (&r->sections[i]);
	return (NULL);
}

static void
amount(struct buffer *b, const struct report_section *s, const struct report_figure *f)
{
	char num[REPORT_SHARE_SIZE], den[REPORT_SHARE_SIZE];

	report_number(f != NULL ? f->num : 0, s->fen, num);
	report_number(f != NULL ? f->den : 0, s->fen, den);
	if (s->rate)
		buffer_printf(b, "%s/%s", num, den);
	else
		buffer_text(b, den);
}

static unsigned
change(struct buffer *b, const struct report_section *s, const struct report_figure *was, const struct report_figure *is, const char *end, bool zh)
{
	const struct report_figure *f = was != NULL ? was : is;

	if (was != NULL && is != NULL && was->num == is->num && was->den == is->den)
		return (0);
	buffer_printf(b, "%s ", zh ? s->zh : s->en);
	if (s->by[0] != '\0' && f != &s->total) {
		report_value(b, s->by, f->value, zh);
		buffer_text(b, " ");
	}
	if (f->month[0] != '\0')
		buffer_printf(b, "%s ", f->month);
	amount(b, s, was);
	buffer_text(b, " → ");
	amount(b, s, is);
	buffer_text(b, end);
	return (1);
}

unsigned
report_changes(struct buffer *b, const struct report *was, const struct report *is, const char *end, bool zh)
{
	unsigned n = 0;

	for (unsigned i = 0; i < was->count; i++) {
		const struct report_section *s = &was->sections[i], *now = same_section(is, s);

		if (now == NULL)
			continue;
		for (size_t k = 0; k < s->count; k++)
			n += change(b, s, &s->rows[k], same_figure(now, &s->rows[k]), end, zh);
		for (size_t k = 0; k < now->count; k++)
			if (same_figure(s, &now->rows[k]) == NULL)
				n += change(b, s, NULL, &now->rows[k], end, zh);
		if (s->count == 0 && now->count == 0)
			n += change(b, s, &s->total, &now->total, end, zh);
	}
	return (n);
}
