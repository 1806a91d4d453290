/* What is owed, for people: see obligations.h. */
#include "obligations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "json.h"
#include "paint.h"
#include "rfc3339.h"
#include "sitetime.h"
#include "table.h"

#define SOON_NS		INT64_C(3600000000000)

void
obligations_clear(struct obligations *o)
{
	buffer_clear(&o->bytes);
	o->count = 0;
	o->seq = 0;
}

void
obligations_free(struct obligations *o)
{
	buffer_free(&o->bytes);
	free(o->rows);
}

/* ---- Reading -------------------------------------------------------------------------------------------------------------------------------- */

/* An instant, as a timestamp or as text. */
static bool
read_instant(struct mp *m, int64_t *at)
{
	int64_t seconds;
	uint32_t nanos, len;
	const char *s;

	if (!mp_timestamp(m, &seconds, &nanos) && !(mp_str(m, &s, &len) && rfc3339_parse(s, len, &seconds, &nanos)))
		return (false);
	*at = seconds * 1000000000 + nanos;
	return (true);
}

/* Keep the place of a text, and move past it. */
static bool
read_text(struct mp *m, struct mp *at)
{
	if (mp_peek(m) != MP_STR)
		return (false);
	*at = *m;
	return (mp_skip(m));
}

static bool
read_next(struct mp *m, struct obligation_row *r)
{
	const char *key;
	uint32_t pairs, len;

	if (!mp_map(m, &pairs))
		return (false);
	for (; pairs > 0; pairs--)
		if (!mp_str(m, &key, &len) || !((mp_equal(key, len, "at") && read_instant(m, &r->next_at)) ||
		    (mp_equal(key, len, "role") && read_text(m, &r->next_role)) ||
		    (mp_equal(key, len, "staff") && read_text(m, &r->next_staff)) ||
		    (mp_equal(key, len, "step") && read_text(m, &r->next_step)) || mp_skip(m)))
			return (false);
	return (true);
}

static bool
read_row(struct mp *m, struct obligation_row *r)
{
	const struct { const char *key; struct mp *at; } texts[] = {
		{ "rule", &r->rule }, { "subject", &r->subject }, { "role", &r->role }, { "staff", &r->staff }, { "state", &r->state },
		{ "term", &r->term }, { "household", &r->household },
	};
	const char *key;
	uint32_t pairs, len;

	*r = (struct obligation_row){ .at = *m, .opened = INT64_MIN, .due = INT64_MIN, .next_at = INT64_MIN, .level = -1, .counted = -1 };
	if (!mp_map(m, &pairs))
		return (false);
	for (; pairs > 0; pairs--) {
		bool taken = false;

		if (!mp_str(m, &key, &len))
			return (false);
		for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && !taken; i++)
			taken = mp_equal(key, len, texts[i].key) && read_text(m, texts[i].at);
		if (!taken && !((mp_equal(key, len, "opened") && read_instant(m, &r->opened)) ||
		    (mp_equal(key, len, "due") && read_instant(m, &r->due)) || (mp_equal(key, len, "level") && mp_int(m, &r->level)) ||
		    (mp_equal(key, len, "counted") && mp_int(m, &r->counted)) || (mp_equal(key, len, "provisional") && mp_bool(m, &r->provisional)) ||
		    (mp_equal(key, len, "next") && mp_peek(m) == MP_MAP && read_next(m, r)) || mp_skip(m)))
			return (false);
	}
	r->at.end = m->p;
	return (r->due != INT64_MIN);
}

bool
obligations_page(struct obligations *o, struct mp m, char page[257])
{
	const char *key, *next;
	uint32_t pairs, len, next_len;
	const uint8_t *answer;
	size_t answer_len;

	page[0] = '\0';
	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0; pairs--) {
		if (!mp_str(&m, &key, &len))
			return (false);
		if (mp_equal(key, len, "answer") && mp_raw(&m, &answer, &answer_len))
			buffer_add(&o->bytes, answer, answer_len);
		else if (mp_equal(key, len, "next") && mp_str(&m, &next, &next_len) && next_len < 257)
			snprintf(page, 257, "%.*s", (int)next_len, next);
		else if (!(mp_equal(key, len, "seq") && mp_uint(&m, &o->seq)) && !mp_skip(&m))
			return (false);
	}
	return (true);
}

static int
by_due(const void *a, const void *b)
{
	const struct obligation_row *x = a, *y = b;

	if (x->due != y->due)
		return (x->due < y->due ? -1 : 1);
	return (x->at.p < y->at.p ? -1 : 1);
}

/* The rows of one page. */
static bool
rows_of(struct obligations *o, struct mp *m)
{
	const char *key;
	uint32_t pairs, len, count;

	if (!mp_map(m, &pairs))
		return (false);
	for (; pairs > 0; pairs--) {
		if (!mp_str(m, &key, &len))
			return (false);
		if (!mp_equal(key, len, "rows") || !mp_array(m, &count)) {
			if (!mp_skip(m))
				return (false);
			continue;
		}
		for (; count > 0; count--) {
			if (o->count == o->room) {
				o->room = o->room == 0 ? 256 : 2 * o->room;
				o->rows = alloc_or_exit(o->rows, o->room * sizeof(*o->rows));
			}
			if (!read_row(m, &o->rows[o->count]))
				return (false);
			o->count++;
		}
	}
	return (true);
}

bool
obligations_rows(struct obligations *o)
{
	struct mp m = mp_over(o->bytes.data, o->bytes.len);

	o->count = 0;
	while (m.p < m.end)
		if (!rows_of(o, &m))
			return (false);
	if (o->count > 0)
		qsort(o->rows, o->count, sizeof(*o->rows), by_due);
	return (true);
}

/* ---- Showing -------------------------------------------------------------------------------------------------------------------------------- */

/* What the wire calls it, and people. */
struct word {
	const char *code, *en, *zh;
};
static const struct word states[] = {
	{ "running", "running", "进行中" }, { "paused", "paused", "已暂停" }, { "acknowledged", "seen", "已知悉" }, { "breached", "breached", "已超时" },
	{ NULL, NULL, NULL }
};
static const struct word steps[] = {
	{ "warn", "is warned", "到期提醒" }, { "breach", "is told of the breach", "超时通知" }, { "step", "is told", "升级通知" },
	{ "repeat", "is told again", "再次通知" }, { "again", "is told again: forgotten", "知悉后未办，再次通知" }, { NULL, NULL, NULL }
};

static bool
text_at(struct mp m, const char **s, uint32_t *len)
{
	return (m.p != NULL && mp_str(&m, s, len) && *len > 0);
}

static void
add_text(struct buffer *b, struct mp at)
{
	const char *s;
	uint32_t len;

	if (text_at(at, &s, &len))
		paint_clean(b, s, len, 0);
}

static void
add_word(struct buffer *b, const struct word *w, struct mp at, bool zh)
{
	const char *s;
	uint32_t len;

	if (!text_at(at, &s, &len))
		return;
	for (; w->code != NULL; w++)
		/* "step 2" is a step. */
		if (strlen(w->code) <= len && memcmp(s, w->code, strlen(w->code)) == 0 && (len == strlen(w->code) || s[strlen(w->code)] == ' ')) {
			buffer_text(b, zh ? w->zh : w->en);
			return;
		}
	paint_clean(b, s, len, 0);
}

/* A role in the catalogue's words. */
static void
add_role(struct buffer *b, struct mp at, bool zh)
{
	const struct type *kind = catalogue_find("obligation.opened", strlen("obligation.opened"));
	const struct field *f = catalogue_field(kind, "role", 4);
	const struct enum_value *v;
	const char *s;
	uint32_t len;

	if (!text_at(at, &s, &len))
		return;
	v = f != NULL && f->list != NULL ? catalogue_value(f->list, s, len) : NULL;
	if (zh && v != NULL)
		buffer_text(b, v->zh);
	else
		paint_clean(b, s, len, 0);
}

/* Who: the person, with the role in brackets; or the role, if nobody is named or the post has its name. */
static void
add_who(struct buffer *b, struct mp role, struct mp staff, bool zh)
{
	const char *s, *r;
	uint32_t len, r_len;
	bool has_role = text_at(role, &r, &r_len);

	if (text_at(staff, &s, &len) && !(has_role && len == r_len && memcmp(s, r, len) == 0)) {
		paint_clean(b, s, len, 0);
		if (!has_role)
			return;
		buffer_text(b, zh ? "（" : " (");
		add_role(b, role, zh);
		buffer_text(b, zh ? "）" : ")");
	} else
		add_role(b, role, zh);
}

static void
add_when(struct buffer *b, int64_t at, int64_t now)
{
	char text[SITETIME_TEXT];

	sitetime_due(at, now, text);
	buffer_text(b, text);
}

static void
add_left(struct buffer *b, int64_t left, bool zh)
{
	/* In whole minutes: what is shown stays true for one. */
	int64_t minutes = left / 60000000000 - (left < 0 && left % 60000000000 != 0), size = minutes < 0 ? -minutes : minutes;

	if (minutes < 0)
		buffer_text(b, "-");
	if (size == 0)
		buffer_text(b, zh ? "不到 1 分" : "<1 min");
	else if (size < 60)
		buffer_printf(b, zh ? "%" PRId64 " 分" : "%" PRId64 " min", size);
	else
		sitetime_span(b, size * 60000000000, zh);
}

static enum paint
colour_of(const struct obligation_row *r, int64_t now)
{
	const char *s;
	uint32_t len;

	if (text_at(r->state, &s, &len) && mp_equal(s, len, "paused"))
		return (PAINT_DIM);
	if (r->due < now)
		return (PAINT_RED);
	return (r->due - now <= SOON_NS ? PAINT_YELLOW : PAINT_OFF);
}

/* The columns of the first line; an id is never cut, so it goes below where there is no room for all of them. */
enum { LEFT, DUE, RULE, SUBJECT, WHO, STATE, CELLS };
static const struct {
	const char *en, *zh;
	unsigned fold;
} heads[CELLS] = {
	{ "LEFT", "剩余", 0 }, { "DUE", "期限", 1 }, { "RULE", "规则", 0 }, { "SUBJECT", "对象", 2 }, { "WHO", "责任人", 3 }, { "STATE", "状态", 0 },
};

static void
show_row(struct table *t, const struct obligation_row *r, int64_t now, bool zh)
{
	for (unsigned i = 0; i < CELLS; i++) {
		switch (i) {
		case LEFT:
			add_left(&t->text, r->due - now, zh);
			break;
		case DUE:
			add_when(&t->text, r->due, now);
			break;
		case RULE:
			add_text(&t->text, r->rule);
			break;
		case SUBJECT:
			add_text(&t->text, r->subject);
			break;
		case WHO:
			/* The person is next to be looked for, or the post; the role says who owes it. */
			add_role(&t->text, mp_peek(&r->staff) == MP_STR ? r->staff : r->role, zh);
			break;
		case STATE:
			add_word(&t->text, states, r->state, zh);
			if (r->level > 0)
				buffer_printf(&t->text, zh ? "（%" PRId64 "）" : " (%" PRId64 ")", r->level);
		}
		table_cell(t, colour_of(r, now));
	}
}

/* "5 min", "9 h", of "300s". */
static void
add_seconds(struct buffer *b, const char *text, bool zh)
{
	long long s = atoll(text);

	if (s % 3600 == 0)
		buffer_printf(b, zh ? "%lld 小时" : "%lld h", s / 3600);
	else if (s % 60 == 0)
		buffer_printf(b, zh ? "%lld 分" : "%lld min", s / 60);
	else
		buffer_printf(b, zh ? "%lld 秒" : "%lld s", s);
}

/* A term as the rules write it, "eod 3", in words. */
static void
add_limit(struct buffer *b, const char *s, uint32_t len, bool zh)
{
	char term[64], *n;

	snprintf(term, sizeof(term), "%.*s", (int)len, s);
	n = term + strcspn(term, " ");
	if (*n == ' ')
		*n++ = '\0';
	if (strcmp(term, "eod") == 0 || strcmp(term, "same") == 0 || strcmp(term, "days") == 0) {
		long days = strtol(n, NULL, 10);
		bool any = strcmp(term, "days") == 0;

		if (zh)
			buffer_printf(b, any ? "%ld 天" : "%ld 个工作日", days);
		else
			buffer_printf(b, "%ld %sday%s", days, any ? "" : "working ", days == 1 ? "" : "s");
		if (strcmp(term, "same") == 0)
			buffer_text(b, zh ? "（同一时刻）" : " to the hour");
	} else if (strcmp(term, "hours") == 0) {
		buffer_text(b, zh ? "工作时间 " : "");
		add_seconds(b, n, zh);
		buffer_text(b, zh ? "" : " of working time");
	} else if (strcmp(term, "elapsed") == 0)
		add_seconds(b, n, zh);
	else if (strcmp(term, "event") == 0)
		buffer_text(b, zh ? "自带期限" : "its own limit");
	else if (strcmp(term, "period") == 0)
		buffer_text(b, zh ? "本期内" : "within the period");
	else
		paint_clean(b, s, len, 0);
}

/* Since when it runs, and what was counted from then. */
static void
add_term(struct buffer *b, const struct obligation_row *r, int64_t now, bool zh)
{
	uint32_t len;
	const char *s;

	if (text_at(r->term, &s, &len)) {
		add_limit(b, s, len, zh);
		buffer_text(b, r->opened == INT64_MIN ? "" : zh ? "，自 " : " from ");
	} else if (r->opened != INT64_MIN)
		buffer_text(b, zh ? "始于 " : "since ");
	if (r->opened != INT64_MIN)
		add_when(b, r->opened, now);
	if (r->counted >= 0)
		buffer_printf(b, zh ? "，计 %" PRId64 " 天" : ", %" PRId64 " day%s counted", r->counted, r->counted == 1 ? "" : "s");
}

/* Who is next, and why it is due then. */
static void
show_reasons(struct table *t, const struct obligation_row *r, int64_t now, bool zh)
{
	if (r->next_at != INT64_MIN) {
		buffer_text(&t->text, zh ? "下一步 " : "next ");
		add_when(&t->text, r->next_at, now);
		buffer_text(&t->text, " ");
		add_who(&t->text, r->next_role, r->next_staff, zh);
		buffer_text(&t->text, " ");
		add_word(&t->text, steps, r->next_step, zh);
		table_part(t);
	}
	add_term(&t->text, r, now, zh);
	table_part(t);
	if (r->provisional) {
		buffer_text(&t->text, zh ? "暂定日历" : "provisional");
		table_part(t);
	}
	add_text(&t->text, r->household);
	table_part(t);
}

void
obligations_show(struct buffer *b, const struct obligations *o, int64_t now, bool chosen, bool zh, unsigned columns, unsigned lines)
{
	struct table t = { .columns = columns };
	size_t overdue = 0, shown;

	if (o->count == 0) {
		buffer_text(b, chosen ? zh ? "没有符合条件的在办时限\n" : "nothing of that kind is owed\n" : zh ? "没有在办的时限\n" : "nothing is owed\n");
		return;
	}
	for (unsigned i = 0; i < CELLS; i++)
		table_column(&t, zh ? heads[i].zh : heads[i].en, TABLE_LEFT, heads[i].fold);
	for (size_t i = 0; i < o->count; i++) {
		show_row(&t, &o->rows[i], now, zh);
		show_reasons(&t, &o->rows[i], now, zh);
		overdue += o->rows[i].due < now;
	}
	/* One line is for the sum. */
	shown = table_print(&t, b, lines > 1 ? lines - 1 : 0);
	table_free(&t);
	buffer_text(b, paint(PAINT_DIM));
	buffer_printf(b, zh ? "%zu 项在办，%zu 项已过期" : "%zu running, %zu overdue", o->count, overdue);
	if (shown < o->count)
		buffer_printf(b, zh ? "，显示最早的 %zu 项" : ", the first %zu shown", shown);
	buffer_printf(b, zh ? "（截至事件 %" PRIu64 "）%s\n" : " (as of event %" PRIu64 ")%s\n", o->seq, paint(PAINT_OFF));
}

void
obligations_show_json(struct buffer *b, const struct obligations *o)
{
	buffer_text(b, "{\"rows\":[");
	for (size_t i = 0; i < o->count; i++) {
		struct mp m = o->rows[i].at;

		buffer_text(b, i > 0 ? "," : "");
		json_write(b, &m);
	}
	buffer_printf(b, "],\"seq\":%" PRIu64 "}\n", o->seq);
}
