/* The plan of retention for people and for programs: retention.h. */
#include <inttypes.h>
#include <string.h>

#include "cover.h"
#include "json.h"
#include "paint.h"
#include "retention.h"
#include "sitetime.h"
#include "table.h"
#include "wrap.h"

/* Of those to come only the next are told one by one; all of them are counted by month. */
#define LATER_TOLD	10u

static void
date(int64_t ns, char out[SITETIME_TEXT])
{
	sitetime_local(ns, 0, out);
	out[10] = '\0';
}

void
plan_show_reason(const struct retention_rules *rules, const struct kept_record *k, int64_t until, bool zh, struct buffer *b)
{
	const struct retention_kind *kind = &rules->kinds[k->kind];
	char from[SITETIME_TEXT], to[SITETIME_TEXT];

	date(k->from, from);
	buffer_printf(b, "%s %s", zh ? kind->zh : kind->name, k->subject->id);
	if (k->held_by != 0) {
		buffer_printf(b, zh ? "：法律保全（事件 %" PRIu64 "），解除（record.released）之前须保存" : ": held by event %" PRIu64 " until record.released lifts it", k->held_by);
		return;
	}
	if (until == INT64_MAX) {
		buffer_printf(b, zh ? "：尚未结束（最后为 %s 的事件 %" PRIu64 "）；依据：%s" : ": still open (last %s, event %" PRIu64 "); clause: %s", from, k->seq,
		    kind->clause);
		return;
	}
	/* The last day that it is kept, not the midnight behind it. */
	date(until - 1, to);
	buffer_printf(b, zh ? "：自 %s（事件 %" PRIu64 "）起，保存至 %s 止；依据：%s" : ": since %s (event %" PRIu64 "), kept to the end of %s; clause: %s", from, k->seq,
	    to, kind->clause);
}

/* Who, and why; the reason goes below where there is no room beside. */
static void
persons_begin(struct table *t)
{
	t->columns = paint_columns();
	t->indent = 2;
	t->bare = true;
	table_column(t, "", TABLE_LEFT, 0);
	table_column(t, "", TABLE_LEFT, 1);
}

static void
add_person(const struct retention *r, const struct plan_person *p, struct table *t)
{
	paint_clean(&t->text, p->who->id, strlen(p->who->id), 0);
	table_cell(t, PAINT_OFF);
	plan_show_reason(&r->rules, p->record, p->until, r->zh, &t->text);
	table_cell(t, PAINT_OFF);
}

/* Some of a list under its heading, if there are any. */
static void
show_persons(const struct retention *r, const char *heading, const struct plan_person *l, size_t count, struct buffer *b)
{
	struct table t = { .columns = 0 };

	if (count == 0)
		return;
	wrap_add(b, heading, strlen(heading), 2, paint_columns());
	buffer_text(b, "\n");
	persons_begin(&t);
	for (size_t i = 0; i < count; i++)
		add_person(r, &l[i], &t);
	table_print(&t, b, 0);
	table_free(&t);
}

/* How many in each month to come. */
static void
show_later(const struct retention *r, const struct plan *p, struct buffer *b)
{
	show_persons(r, r->zh ? "以后到期" : "Later", p->later, p->later_count < LATER_TOLD ? p->later_count : LATER_TOLD, b);
	for (size_t i = LATER_TOLD, n; i < p->later_count; i += n) {
		char month[COVER_MONTH], other[COVER_MONTH];

		cover_month_of(p->later[i].until, month);
		for (n = 1; i + n < p->later_count; n++) {
			cover_month_of(p->later[i + n].until, other);
			if (strcmp(month, other) != 0)
				break;
		}
		buffer_printf(b, r->zh ? "  %s：另有 %zu 人\n" : "  %s: %zu more\n", month, n);
	}
}

static void
show_month(const struct retention *r, const struct plan_month *m, struct table *t)
{
	buffer_text(&t->text, m->month->name);
	table_cell(t, PAINT_OFF);
	buffer_printf(&t->text, r->zh ? "事件 %" PRIu64 "–%" PRIu64 : "events %" PRIu64 "-%" PRIu64, m->month->first, m->month->last);
	table_cell(t, PAINT_OFF);
	if (m->current)
		buffer_text(&t->text, r->zh ? "当月，保留" : "the current one: stays");
	else if (m->bound == NULL)
		buffer_printf(&t->text, r->zh ? "未装订：estate archive --month %s --to 目录" : "not bound: estate archive --month %s --to FOLDER", m->month->name);
	else if (m->reader[0] != '\0')
		buffer_printf(&t->text, r->zh ? "已装订；%s 尚未读完" : "bound; %s has yet to read of it", m->reader);
	else
		buffer_text(&t->text, r->zh ? "已装订，可清理" : "bound, may be trimmed");
	table_cell(t, PAINT_OFF);
}

static void
show_months(const struct retention *r, const struct plan *p, struct buffer *b)
{
	struct table t = { .columns = paint_columns(), .indent = 2, .bare = true };

	for (unsigned i = 0; i < 3; i++)
		table_column(&t, "", TABLE_LEFT, i == 2);
	for (size_t i = 0; i < p->month_count; i++)
		show_month(r, &p->months[i], &t);
	buffer_text(b, r->zh ? "月份\n" : "Months\n");
	table_print(&t, b, 0);
	table_free(&t);
}

static void
show_over(const struct retention *r, const struct plan *p, struct buffer *b)
{
	if (p->over_count > 0)
		buffer_text(b, r->zh ? "期满的记录（登记 record.expired）\n" : "Records whose time is over (record.expired will say so)\n");
	for (size_t i = 0; i < p->over_count; i++) {
		struct buffer reason = { NULL, 0, 0 };

		plan_show_reason(&r->rules, p->over[i], kept_until(&r->kept, p->over[i]), r->zh, &reason);
		buffer_text(b, "  ");
		wrap_add(b, reason.data, reason.len, 4, paint_columns());
		buffer_text(b, "\n");
		buffer_free(&reason);
	}
}

void
plan_show(const struct retention *r, const struct plan *p, struct buffer *b)
{
	struct buffer sums = { NULL, 0, 0 };
	char at[SITETIME_TEXT];
	bool zh = r->zh;

	sitetime_local(r->at, 0, at);
	buffer_printf(&sums, zh ? "截至 %s：到期 %zu 人，以后到期 %zu 人，记录未结束 %zu 人，法律保全 %zu 人；期满而未登记的记录 %zu 份" :
	    "At %s: %zu persons due, %zu later, %zu with open records, %zu held; %zu records whose time is over", at, p->due_count, p->later_count,
	    p->open_count, p->held_count, p->over_count);
	wrap_add(b, sums.data, sums.len, 2, paint_columns());
	buffer_text(b, "\n");
	buffer_free(&sums);
	show_persons(r, zh ? "将清除（estate retention apply --yes）" : "To be erased (estate retention apply --yes)", p->due, p->due_count, b);
	show_persons(r, zh ? "法律保全" : "Held", p->held, p->held_count, b);
	show_over(r, p, b);
	show_later(r, p, b);
	show_months(r, p, b);
	if (p->trim_at == INT64_MAX)
		return;
	sitetime_local(p->trim_at, 0, at);
	buffer_printf(b, zh ? "  最早的月份自 %s 起到龄（retention_age）\n" : "  the first of them is old enough from %s on\n", at);
}

/* ---- JSON ---- */

static void
json_record(const struct retention *r, const struct kept_record *k, int64_t until, struct buffer *b)
{
	const struct retention_kind *kind = &r->rules.kinds[k->kind];
	char at[SITETIME_TEXT];

	buffer_text(b, "{\"kind\":");
	json_write_text(b, kind->name, strlen(kind->name));
	buffer_printf(b, ",\"subject\":\"%s\",\"event\":%" PRIu64 ",\"from\":\"", k->subject->id, k->seq);
	sitetime_utc_ns(k->from, at);
	buffer_printf(b, "%s\",\"clause\":", at);
	json_write_text(b, kind->clause, strlen(kind->clause));
	if (k->held_by != 0)
		buffer_printf(b, ",\"held_by\":%" PRIu64, k->held_by);
	else if (until != INT64_MAX) {
		sitetime_utc(until / 1000000000, 0, at);
		buffer_printf(b, ",\"until\":\"%s\"", at);
	}
	buffer_text(b, "}");
}

static void
json_persons(const struct retention *r, const char *name, const struct plan_person *l, size_t count, struct buffer *b)
{
	buffer_printf(b, "\"%s\":[", name);
	for (size_t i = 0; i < count; i++) {
		buffer_printf(b, "%s{\"person\":\"%s\",\"record\":", i > 0 ? "," : "", l[i].who->id);
		json_record(r, l[i].record, l[i].until, b);
		buffer_text(b, "}");
	}
	buffer_text(b, "],");
}

void
plan_show_json(const struct retention *r, const struct plan *p, struct buffer *b)
{
	char at[SITETIME_TEXT];

	sitetime_utc_ns(r->at, at);
	buffer_printf(b, "{\"at\":\"%s\",\"open\":%zu,", at, p->open_count);
	json_persons(r, "due", p->due, p->due_count, b);
	json_persons(r, "held", p->held, p->held_count, b);
	json_persons(r, "later", p->later, p->later_count, b);
	buffer_text(b, "\"over\":[");
	for (size_t i = 0; i < p->over_count; i++) {
		buffer_text(b, i > 0 ? "," : "");
		json_record(r, p->over[i], kept_until(&r->kept, p->over[i]), b);
	}
	buffer_text(b, "],");
	if (p->trim_at != INT64_MAX) {
		sitetime_utc_ns(p->trim_at, at);
		buffer_printf(b, "\"trim_at\":\"%s\",", at);
	}
	buffer_text(b, "\"months\":[");
	for (size_t i = 0; i < p->month_count; i++) {
		const struct plan_month *m = &p->months[i];

		buffer_printf(b, "%s{\"month\":\"%s\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"current\":%s,\"bound\":%s", i > 0 ? "," : "", m->month->name,
		    m->month->first, m->month->last, m->current ? "true" : "false", m->bound != NULL ? "true" : "false");
		if (m->reader[0] != '\0')
			buffer_printf(b, ",\"reader\":\"%s\"", m->reader);
		buffer_text(b, "}");
	}
	buffer_text(b, "]}\n");
}
