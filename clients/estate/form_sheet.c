/* The boxes of a form: see form.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "form.h"
#include "json.h"
#include "page.h"
#include "sitetime.h"
#include "telling.h"

static const char style[] =
"h1{text-align:center}.n{text-align:right;font-size:9pt;margin:0}h2{font-size:11pt;margin:4mm 0 0;break-after:avoid}"
".f{table-layout:fixed;margin-top:1mm}.f th{width:24mm;background:#f4f4f4;font-size:9.5pt}.f td{height:6mm;overflow-wrap:anywhere}"
".m{background:repeating-linear-gradient(-45deg,#fff,#fff 1.2mm,#eee 1.2mm,#eee 1.6mm)}.m span{font-size:8.5pt;border:.2mm solid #000;padding:0 1mm;background:#fff}"
".f td.g{height:13mm;vertical-align:bottom;font-size:9.5pt}.l{table-layout:auto;margin-top:1mm;font-size:9.5pt}.l th,.l td{min-width:15mm}.l td{overflow-wrap:anywhere}.l td:first-child{white-space:nowrap}.r{text-align:right}.z td{font-weight:600}.l thead tr:first-child th{text-align:center}";

static const char *
in(const struct sheet *s, const char *zh, const char *en)
{
	return (s->zh ? zh : en);
}

void
sheet_begin(struct sheet *s, const char *form, const char *zh, const char *en, const char *id)
{
	struct buffer title = { NULL, 0, 0 };

	s->form = form;
	buffer_printf(&title, "%s %s", in(s, zh, en), id);
	page_begin(&s->out, title.data, s->zh, style);
	buffer_printf(&s->out, "<h1>%s</h1><p class=n>%s ", in(s, zh, en), in(s, "编号", "No."));
	page_text(&s->out, id, strlen(id));
	buffer_text(&s->out, "</p>\n");
	buffer_free(&title);
}

void
sheet_end(struct sheet *s)
{
	char now[SITETIME_TEXT];

	sitetime_local(sitetime_now(), 0, now);
	buffer_text(&s->out, "<footer>");
	if (s->missing > 0) {
		buffer_printf(&s->out, in(s, "缺 %u 项：", "%u missing: "), s->missing);
		for (const char *at = s->lacking.data, *end; *at != '\0'; at = end + 1) {
			end = strchr(at, '\n');
			buffer_text(&s->out, at == s->lacking.data ? "" : in(s, "、", ", "));
			page_text(&s->out, at, (size_t)(end - at));
		}
	} else
		buffer_text(&s->out, in(s, "各项齐全", "Nothing is missing"));
	buffer_text(&s->out, in(s, "。", ". "));
	if (s->masked)
		buffer_text(&s->out, in(s, "标 *** 的个人信息对本次打印者不可见。", "*** is personal and not for whoever printed this. "));
	if (s->d->amended + s->d->retracted > 0)
		buffer_printf(&s->out, in(s, "已计入更正 %u 处、撤销 %u 处。", "%u corrections and %u retractions are in it. "), s->d->amended, s->d->retracted);
	buffer_printf(&s->out, in(s, "据事件日志至第 %" PRIu64 " 号，%s 生成。", "From the event log up to number %" PRIu64 ", %s."), s->seq > 0 ? s->seq : s->d->seq, now);
	buffer_text(&s->out, "</footer>\n");
	page_end(&s->out);
}

void
sheet_json(struct sheet *s, const char *id)
{
	buffer_printf(&s->out, "{\"form\":\"%s\",\"id\":", s->form);
	json_write_text(&s->out, id, strlen(id));
	buffer_printf(&s->out, ",\"seq\":%" PRIu64 ",\"amended\":%u,\"retracted\":%u,\"missing\":[", s->seq > 0 ? s->seq : s->d->seq, s->d->amended, s->d->retracted);
	for (const char *at = s->missing > 0 ? s->codes.data : "", *end; *at != '\0'; at = end + 1) {
		end = strchr(at, '\n');
		buffer_text(&s->out, at == s->codes.data ? "" : ",");
		json_write_text(&s->out, at, (size_t)(end - at));
	}
	buffer_text(&s->out, "]}\n");
}

void
sheet_part(struct sheet *s, const char *zh, const char *en)
{
	buffer_printf(&s->out, "<h2>%s</h2><table class=f>", in(s, zh, en));
	s->column = 0;
}

/* A box that has nothing beside it is as wide as the row. */
static void
end_row(struct sheet *s)
{
	if (s->column == 1)
		buffer_text(&s->out, "<th></th><td></td></tr>\n");
	s->column = 0;
}

void
sheet_close(struct sheet *s)
{
	end_row(s);
	buffer_text(&s->out, "</table>\n");
}

/* `name` is for programs, the same in every language. */
static void
lack(struct sheet *s, const char *label, const char *name)
{
	s->missing++;
	buffer_printf(&s->lacking, "%s\n", label);
	buffer_printf(&s->codes, "%s\n", name);
}

/* A box: its label, and its text or nothing. */
static void
box(struct sheet *s, struct buffer *label, const char *name, struct buffer *text, enum need need, bool wide)
{
	if (wide)
		end_row(s);
	/* For programs it is as it is, for people it begins as a label does. */
	if (!s->zh && label->len > 0)
		label->data[0] = (char)toupper((unsigned char)label->data[0]);
	buffer_printf(&s->out, "%s<th>", s->column == 0 ? "<tr>" : "");
	page_text(&s->out, label->data, label->len);
	buffer_text(&s->out, "</th>");
	if (text->len == 0 && need == MUST) {
		buffer_printf(&s->out, "<td class=m%s><span>%s</span></td>", wide ? " colspan=3" : "", in(s, "缺", "missing"));
		lack(s, label->data, name);
	} else {
		s->masked |= text->len == strlen(SEAL_MASK) && memcmp(text->data, SEAL_MASK, text->len) == 0;
		buffer_printf(&s->out, "<td%s>", wide ? " colspan=3" : "");
		page_move(&s->out, text);
		buffer_text(&s->out, "</td>");
	}
	s->column = wide ? 0 : (s->column + 1) % 2;
	if (s->column == 0)
		buffer_text(&s->out, "</tr>\n");
}

void
sheet_field(struct sheet *s, const struct fact *f, const char *type, const char *name, enum need need, bool wide)
{
	const struct type *t = f != NULL ? f->e.kind : catalogue_find(type, strlen(type));
	struct buffer label = { NULL, 0, 0 }, text = { NULL, 0, 0 };
	struct mp m;

	telling_label(&label, t, name, s->zh);
	if (fact_field(s->d, f, name, &m))
		telling_value(&text, t, name, m, s->zh);
	box(s, &label, name, &text, need, wide);
	buffer_free(&label);
	buffer_free(&text);
}

/* To the minute: nobody reads a form to the second. */
static void
add_when(struct buffer *b, int64_t when)
{
	char text[SITETIME_TEXT];

	sitetime_local(when, 0, text);
	buffer_add(b, text, strlen("2026-11-24 05:06"));
}

void
sheet_when(struct sheet *s, const struct fact *f, const char *zh, const char *en, enum need need)
{
	struct buffer text = { NULL, 0, 0 };

	if (f != NULL)
		add_when(&text, f->when);
	sheet_text(s, text.data, zh, en, need, false);
	buffer_free(&text);
}

void
sheet_text(struct sheet *s, const char *value, const char *zh, const char *en, enum need need, bool wide)
{
	struct buffer label = { NULL, 0, 0 }, text = { NULL, 0, 0 };

	buffer_text(&label, in(s, zh, en));
	if (value != NULL)
		buffer_text(&text, value);
	box(s, &label, en, &text, need, wide);
	buffer_free(&label);
	buffer_free(&text);
}

void
sheet_signature(struct sheet *s, const struct fact *f, const char *zh, const char *en, enum need need)
{
	static const char *const by[] = { "signer", "by", "collected_by", "evidence" };
	struct buffer text = { NULL, 0, 0 };
	struct mp m;

	end_row(s);
	buffer_printf(&s->out, "<tr><th>%s</th><td colspan=3 class=\"g%s\">", in(s, zh, en), f == NULL && need == MUST ? " m" : "");
	for (size_t i = 0; f != NULL && i < sizeof(by) / sizeof(*by); i++)
		if (fact_field(s->d, f, by[i], &m)) {
			telling_value(&text, f->e.kind, by[i], m, s->zh);
			buffer_text(&text, " ");
		}
	if (f != NULL) {
		add_when(&text, f->when);
		buffer_text(&text, in(s, "（系统记录）", " (on record)"));
		page_move(&s->out, &text);
		buffer_text(&s->out, "<br>");
	} else if (need == MUST)
		lack(s, in(s, zh, en), en);
	buffer_printf(&s->out, "%s</td></tr>\n", in(s, "签字：____________　　日期：______年____月____日", "Signature: ____________ &nbsp; Date: ____________"));
	buffer_free(&text);
}

static bool
is_any(const struct fact *f, const char *const *types)
{
	for (; *types != NULL; types++)
		if (fact_is(f, *types))
			return (true);
	return (false);
}

static void
add_cell(struct sheet *s, const struct fact *f, const struct column *c)
{
	struct buffer text = { NULL, 0, 0 };
	struct mp m;

	buffer_text(&s->out, "<td>");
	if (c->field == NULL)
		add_when(&text, f->when);
	else if (*c->field == '\0' && !s->zh)
		buffer_text(&text, f->e.kind != NULL ? f->e.kind->en : "");
	else if (*c->field == '\0')
		telling_type(&text, &f->e, true);
	else if (fact_field(s->d, f, c->field, &m))
		telling_value(&text, f->e.kind, c->field, m, s->zh);
	s->masked |= text.len == strlen(SEAL_MASK) && memcmp(text.data, SEAL_MASK, text.len) == 0;
	page_move(&s->out, &text);
	buffer_text(&s->out, "</td>");
	buffer_free(&text);
}

void
sheet_table(struct sheet *s, const struct column *columns, unsigned count, const char *const *types, enum need need, const char *zh, const char *en)
{
	unsigned rows = 0;

	buffer_printf(&s->out, "<h2>%s</h2><table class=l><thead><tr>", in(s, zh, en));
	for (unsigned c = 0; c < count; c++)
		buffer_printf(&s->out, "<th>%s</th>", in(s, columns[c].zh, columns[c].en));
	buffer_text(&s->out, "</tr></thead><tbody>\n");
	for (size_t i = 0; i < s->d->count; i++)
		if (is_any(&s->d->facts[i], types)) {
			buffer_text(&s->out, "<tr>");
			for (unsigned c = 0; c < count; c++)
				add_cell(s, &s->d->facts[i], &columns[c]);
			buffer_text(&s->out, "</tr>\n");
			rows++;
		}
	if (rows == 0) {
		buffer_printf(&s->out, "<tr><td colspan=%u%s>%s</td></tr>\n", count, need == MUST ? " class=m" : "",
		    need == MUST ? in(s, "<span>缺</span>", "<span>missing</span>") : in(s, "无", "none"));
		if (need == MUST)
			lack(s, in(s, zh, en), en);
	}
	buffer_text(&s->out, "</tbody></table>\n");
}
