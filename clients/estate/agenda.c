/* The rows of the agenda, and what is said about each: see agenda.h. */
#include "agenda.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calendar.h"
#include "catalogue.h"
#include "json.h"
#include "paint.h"
#include "sitetime.h"
#include "worker.h"

/* ---- Rows ---- */

static void
take_text(const struct event *e, const char *name, struct text *t)
{
	if (!event_text(e, name, t) || t->len == 0)
		*t = (struct text){ NULL, 0 };
}

static void
take_instant(const struct event *e, const char *name, int64_t *at)
{
	if (!event_instant(e, name, at))
		*at = INT64_MIN;
}

static struct agenda_row
read_row(const struct event *e, int64_t day)
{
	struct agenda_row r = { .row = *e, .day = day, .agreed = INT64_MIN };
	struct event appointment = { .data = { NULL, NULL } };

	take_text(e, "callback", &r.callback);
	take_text(e, "kind", &r.kind);
	take_text(e, "subject", &r.subject);
	take_text(e, "household", &r.household);
	take_text(e, "role", &r.role);
	take_text(e, "staff", &r.staff);
	take_text(e, "mode", &r.mode);
	take_text(e, "reason", &r.reason);
	take_text(e, "state", &r.state);
	take_instant(e, "opens", &r.opens);
	take_instant(e, "due", &r.due);
	take_instant(e, "at", &r.at);
	take_instant(e, "not_before", &r.not_before);
	if (event_field(e, "appointment", &appointment.data)) {
		take_text(&appointment, "state", &r.appointment);
		if (r.appointment.s != NULL && mp_equal(r.appointment.s, r.appointment.len, "agreed"))
			take_instant(&appointment, "at", &r.agreed);
	}
	event_bool(e, "mandatory", &r.mandatory);
	event_bool(e, "overdue", &r.overdue);
	event_int(e, "attempts", &r.attempts);
	event_int(e, "contact_event", &r.contact_event);
	return (r);
}

static bool
same(struct text a, struct text b)
{
	return (a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0));
}

void
agenda_take(struct agenda *a, struct answers *answers, int64_t day)
{
	struct event e;
	size_t before = a->count;

	while (answers_row(answers, "rows", &e)) {
		struct agenda_row r = read_row(&e, day);
		bool known = r.callback.s == NULL;

		for (size_t i = 0; i < before && !known; i++)
			known = same(a->rows[i].callback, r.callback);
		if (known)
			continue;
		if (a->count == a->room) {
			a->room = a->room == 0 ? 128 : 2 * a->room;
			a->rows = alloc_or_exit(a->rows, a->room * sizeof(*a->rows));
		}
		a->rows[a->count++] = r;
	}
	a->seq = answers->seq;
}

static int
compare_text(struct text a, struct text b)
{
	int r = memcmp(a.len > 0 ? a.s : "", b.len > 0 ? b.s : "", a.len < b.len ? a.len : b.len);

	return (r != 0 ? r : a.len < b.len ? -1 : a.len > b.len);
}

/* Agreed hours first, then what is due first. */
static int
in_order(const void *x, const void *y)
{
	const struct agenda_row *a = x, *b = y;
	int r = compare_text(a->staff, b->staff);

	/* Those that nobody has come last: somebody has to take them. */
	if ((a->staff.len == 0) != (b->staff.len == 0))
		return (a->staff.len == 0 ? 1 : -1);
	if (r != 0 || (r = (a->day > b->day) - (a->day < b->day)) != 0)
		return (r);
	if ((a->agreed == INT64_MIN) != (b->agreed == INT64_MIN))
		return (a->agreed == INT64_MIN ? 1 : -1);
	if (a->agreed != b->agreed)
		return (a->agreed < b->agreed ? -1 : 1);
	if (a->due != b->due)
		return (a->due < b->due ? -1 : 1);
	return (compare_text(a->callback, b->callback));
}

void
agenda_sort(struct agenda *a)
{
	if (a->count > 0)
		qsort(a->rows, a->count, sizeof(*a->rows), in_order);
}

void
agenda_free(struct agenda *a)
{
	for (unsigned i = 0; i < a->day_count; i++)
		answers_free(&a->days[i]);
	free(a->days);
	free(a->rows);
}

/* ---- Whom to call ---- */

struct getting {
	struct agenda_row *row;
};

static void
keep(const struct event *e, const char *field, char *to, size_t size)
{
	struct text t;

	if (to[0] == '\0' && event_text(e, field, &t))
		snprintf(to, size, "%.*s", (int)t.len, t.s);
}

static void
on_event(void *user, const struct estate_answer *a)
{
	struct getting *g = user;
	struct mp m = mp_over(a->body, a->len);
	const uint8_t *bytes;
	uint32_t parts, len;
	struct event e;

	/* One that is gone, or that the asker may not read, leaves its row without a number. */
	if (a->error != 0 || !mp_array(&m, &parts) || parts < 5 || !mp_skip(&m) || !mp_skip(&m) || !mp_skip(&m) || !mp_skip(&m) ||
	    !mp_bin(&m, &bytes, &len) || !event_peek(&e, bytes, len))
		return;
	keep(&e, "name", g->row->name, sizeof(g->row->name));
	keep(&e, "phone", g->row->phone, sizeof(g->row->phone));
	keep(&e, "from", g->row->phone, sizeof(g->row->phone));
}

int
agenda_contacts(struct agenda *a, const struct common *c, struct estate *e)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	int n = 0;

	for (size_t i = 0; i < a->count && n == 0; i++) {
		struct getting g = { &a->rows[i] };

		if (a->rows[i].contact_event <= 0)
			continue;
		msgpack_sbuffer_init(&b);
		msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
		msgpack_pack_map(&p, 1);
		msgpack_pack_str_with_body(&p, "seq", 3);
		msgpack_pack_int64(&p, a->rows[i].contact_event);
		n = estate_call(e, "get", b.data, b.size, c->timeout_ms, on_event, &g);
		msgpack_sbuffer_destroy(&b);
		if (n > 0)
			n = 0;		/* refused for this one */
	}
	return (n == 0 ? 0 : reach_refused("agenda", c, n, NULL));
}

/* ---- What is said ---- */

bool
agenda_begins(const struct agenda *a, size_t i)
{
	return (i == 0 || !same(a->rows[i].staff, a->rows[i - 1].staff));
}

void
agenda_count(const struct agenda *a, size_t first, unsigned *rows, unsigned *must, unsigned *overdue)
{
	*rows = *must = *overdue = 0;
	for (size_t i = first; i < a->count && same(a->rows[i].staff, a->rows[first].staff); i++) {
		++*rows;
		*must += a->rows[i].mandatory;
		*overdue += a->rows[i].overdue;
	}
}

static void
word_of(struct buffer *b, const char *type, const char *field, struct text value, bool zh)
{
	const struct field *f = catalogue_field(catalogue_find(type, strlen(type)), field, strlen(field));
	const struct enum_value *v = f != NULL && f->list != NULL && value.s != NULL ? catalogue_value(f->list, value.s, value.len) : NULL;

	if (v != NULL && zh)
		buffer_text(b, v->zh);
	else if (value.s != NULL)
		paint_clean(b, value.s, value.len, 0);
}

void
agenda_word(struct buffer *b, const char *field, struct text value, bool zh)
{
	word_of(b, "callback.due", field, value, zh);
}

/*
 * What the worker writes, a clause at a time, and the same in Chinese: each * is a figure or a name and comes in that order;
 * %role and %help are words of the catalogue for it.
 */
static const char *const reasons[][2] = {
	{ "Z4: not rated", "Z4：未评价" }, { "Z4: not signed", "Z4：未签字" }, { "Z4: dissatisfied", "Z4：不满意" }, { "Z4: dissatisfied, rated later", "Z4：不满意（后来评价）" },
	{ "Z4: rated by the resident since", "Z4：业户已自行评价" }, { "Z3: drawn, draw *", "Z3：抽访，抽签号 *" }, { "Z7: topped up, draw *", "Z7：月末补访，抽签号 *" },
	{ "C2: complaint handled", "C2：投诉已处理" }, { "C2: complaint handled, reopened * times", "C2：投诉已处理，重开 * 次" },
	{ "C6: complaint handled, to be verified later", "C6：投诉已处理，延后验证" },
	{ "C6: complaint handled, to be verified later, reopened * times", "C6：投诉已处理，延后验证，重开 * 次" },
	{ "C6.extended", "C6：已延期" }, { "C2.again", "C2：结果已撤回，须再次回访" }, { "covered", "随另一回访完成" }, { "C6.early", "C6：尚不能验证时的回访不计入，须再次回访" }, { "C4.again", "C4：经办人本人的回访不计入，须他人回访" },
	{ "C8: made to the company", "C8：向公司投诉" }, { "anonymous", "匿名" }, { "its end was a mistake", "终止有误" },
	{ "C4: major now", "C4：改为重大投诉" }, { "C4: ordinary now", "C4：改为一般投诉" }, { "C4: nobody calls about a case of his own", "C4：不得回访本人经办的个案" },
	{ "V1: plan of *", "V1：* 月度计划" }, { "V1: called without a plan", "V1：计划外回访" },
	{ "V3: key household, at most * days apart", "V3：重点客户，间隔不超过 * 天" }, { "V3: a key household now", "V3：列为重点客户" },
	{ "V3: no key household any more", "V3：不再是重点客户" }, { "V4: the visit was refused: by telephone", "V4：拒绝上门，改电话" },
	{ "V4: not at home at the agreed times: by telephone", "V4：约定时间不在家，改电话" }, { "V4: a wrong number: find the right one", "V4：号码错误，请查明正确号码" },
	{ "H10: special service", "H10：特约服务" }, { "H10: help request, *", "H10：求助，%help" }, { "H2: gave up waiting", "H2：等待中挂机" }, { "H2: left a message", "H2：语音留言" },
	{ "nobody else of *", "%role无其他人可派" }, { "nobody answered, * times", "* 次无人接听" }, { "the result was taken back", "结果已撤回" }, { "C2.unlinked", "C2：所并入的个案已无回访" },
	{ "the link is no more", "并案已解除" },
	{ "anonymous: nobody is known who could be called", "匿名投诉：无人可回访" },
	{ "retracted", "已撤回" }, { "reopened", "个案重开" }, { "refused", "拒绝" }, { "refused in advance", "事先表示不接受回访" }, { "the month is closed", "该月已结账" },
	{ "answered", "已接通" }, { "absent", "缺勤" }, { "absent: the deputy", "缺勤，由代班人接手" }, { "another roster", "排班已更换" }, { "moved_out", "已迁出" },
	{ "withdrawn", "已撤销" }, { "wrong_number", "号码错误" }, { "duplicate", "重复" }, { "linked", "并入另一个案" }, { "unreachable", "联系不上" }, { "busy", "占线" }, { "no_show", "未在家" },
	{ "a further result", "重复记录" }, { "called although it was cancelled", "取消后仍回访" }, { "a call from before it was owed", "早于所回访的事项" },
	{ "called about his own case: it does not count", "回访本人经办的个案，不计入" }, { "before it could be verified: it does not count", "尚不能验证，不计入" },
	{ "rated by the resident since", "业户已自行评价" }, { "before it was asked for", "在要求回访之前" }, { "the household does not want to be called", "业户不接受回访" },
	{ "the result was a mistake", "结果有误" }, { "without an agreed appointment", "未经预约同意" }, { "no later than it is due", "不晚于现有期限" },
	{ "after * extensions", "已延期 * 次" }, { "* of *", "第 * 次，最多 * 次" }, { "deputy of *", "代 *" }, { "call *", "来电 *" },
	{ "that hour is over", "该时间已过" }, { "too far ahead", "时间过远" }, { "at an hour at which nobody is visited", "不得上门的时段" }, { "*: not of this callback", "与本次回访无关" },
};
#define STARS_MAX	2u

/* Does it match, and what stands for the stars? */
static bool
matches(const char *pattern, struct text s, struct text stars[STARS_MAX])
{
	const char *end = s.s + s.len;
	const char *at = s.s;
	unsigned n = 0;

	for (; *pattern != '\0'; pattern++) {
		const char *from = at;

		if (*pattern != '*') {
			if (at == end || *at++ != *pattern)
				return (false);
			continue;
		}
		while (at < end && *at != pattern[1])
			at++;
		stars[n++] = (struct text){ from, (uint32_t)(at - from) };
	}
	return (at == end);
}

static void
translate(struct buffer *b, const char *zh, const struct text stars[STARS_MAX])
{
	unsigned n = 0;

	for (; *zh != '\0'; zh++)
		if (*zh == '*') {
			paint_clean(b, stars[n].s, stars[n].len, 0);
			n++;
		} else if (strncmp(zh, "%role", 5) == 0) {
			agenda_word(b, "role", stars[n++], true);
			zh += 4;
		} else if (strncmp(zh, "%help", 5) == 0) {
			word_of(b, "help.requested", "kind", stars[n++], true);
			zh += 4;
		} else
			buffer_add(b, zh, 1);
}

static void
add_clause(struct buffer *b, struct text s)
{
	static const char attempted[] = "attempted: ";
	const struct field *role = catalogue_field(catalogue_find("callback.due", 12), "role", 4);
	struct text stars[STARS_MAX];
	const char *colon;

	if (s.len > sizeof(attempted) - 1 && memcmp(s.s, attempted, sizeof(attempted) - 1) == 0) {
		buffer_text(b, "未成：");
		s.s += sizeof(attempted) - 1;
		s.len -= (uint32_t)sizeof(attempted) - 1;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (matches(reasons[i][0], s, stars)) {
			translate(b, reasons[i][1], stars);
			return;
		}
	/* "cs_lead: nobody answered, 6 times": whose it is now, and why. */
	colon = memmem(s.s, s.len, ": ", 2);
	if (colon != NULL && catalogue_value(role->list, s.s, (size_t)(colon - s.s)) != NULL) {
		agenda_word(b, "role", (struct text){ s.s, (uint32_t)(colon - s.s) }, true);
		buffer_text(b, "：");
		add_clause(b, (struct text){ colon + 2, (uint32_t)(s.s + s.len - colon - 2) });
		return;
	}
	paint_clean(b, s.s, s.len, 0);
}

/* What the worker says as a rule's name, which other rules stand on; everything else it writes in English. */
static const char *const named[][2] = {
	{ "C2.again", "C2: the result was taken back, to be called again" }, { "C2.unlinked", "C2: the case it was joined to has no callback any more" },
	{ "C4.again", "C4: a call about a case of one's own does not count, somebody else has to" },
	{ "C6.early", "C6: a call before it could be verified does not count, to be called again" }, { "C6.extended", "C6: extended" },
};

static void
add_english(struct buffer *b, struct text reason)
{
	size_t n;

	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		n = strlen(named[i][0]);
		if (reason.len < n || memcmp(reason.s, named[i][0], n) != 0 || (reason.len > n && reason.s[n] != ';'))
			continue;
		buffer_text(b, named[i][1]);
		reason.s += n;
		reason.len -= (uint32_t)n;
		break;
	}
	paint_clean(b, reason.s, reason.len, 0);
}

void
agenda_reason(struct buffer *b, struct text reason, bool zh)
{
	const char *next;

	if (!zh || reason.len == 0) {
		add_english(b, reason);
		return;
	}
	while ((next = memmem(reason.s, reason.len, "; ", 2)) != NULL) {
		add_clause(b, (struct text){ reason.s, (uint32_t)(next - reason.s) });
		buffer_text(b, "；");
		reason.len -= (uint32_t)(next + 2 - reason.s);
		reason.s = next + 2;
	}
	add_clause(b, reason);
}

static void
add_clock(struct buffer *b, int64_t at)
{
	time_t second = (time_t)(at / SECOND_NS);
	struct tm tm;

	localtime_r(&second, &tm);
	buffer_printf(b, "%02d:%02d", tm.tm_hour, tm.tm_min);
}

void
agenda_when(struct buffer *b, const struct agenda_row *r)
{
	if (r->agreed != INT64_MIN)
		add_clock(b, r->agreed);
	else if (r->not_before != INT64_MIN) {
		buffer_text(b, "≥");
		add_clock(b, r->not_before);
	}
}

static void
add_covers(struct buffer *b, const struct agenda_row *r, bool zh)
{
	struct event one = { .data = { NULL, NULL } };
	const uint8_t *bytes;
	struct text subject;
	uint32_t count;
	struct mp list;
	size_t len;

	if (!event_field(&r->row, "covers", &list) || !mp_array(&list, &count))
		return;
	for (; count > 0 && mp_raw(&list, &bytes, &len); count--) {
		one.data = mp_over(bytes, len);
		if (!event_text(&one, "subject", &subject))
			continue;
		buffer_text(b, zh ? "；同时回访 " : "; also about ");
		paint_clean(b, subject.s, subject.len, 0);
	}
}

void
agenda_why(struct buffer *b, const struct agenda *a, const struct agenda_row *r, bool zh)
{
	char due[SITETIME_TEXT];

	if (r->overdue)
		buffer_text(b, zh ? "已超时" : "overdue");
	else if (r->mandatory)
		buffer_text(b, zh ? "必访" : "must");
	else
		buffer_text(b, zh ? "选访" : "may");
	if (r->due != INT64_MIN) {
		sitetime_due(r->due, a->now, due);
		buffer_printf(b, zh ? "，期限 %s" : ", due %s", due);
	}
	if (r->reason.s != NULL) {
		buffer_text(b, zh ? "；" : "; ");
		agenda_reason(b, r->reason, zh);
	}
	if (r->mode.s != NULL && mp_equal(r->mode.s, r->mode.len, "visit") && r->agreed == INT64_MIN)
		buffer_text(b, r->appointment.s != NULL && mp_equal(r->appointment.s, r->appointment.len, "requested") ?
		    zh ? "；已约，待答复" : "; appointment asked for" : zh ? "；先预约" : "; ask for an appointment first");
	if (r->attempts > 0)
		buffer_printf(b, zh ? "；已试 %" PRId64 " 次" : r->attempts == 1 ? "; tried once" : "; tried %" PRId64 " times", r->attempts);
	add_covers(b, r, zh);
}

/* ---- For programs ---- */

void
agenda_json(struct buffer *b, const struct agenda *a)
{
	buffer_text(b, "{\"rows\":[");
	for (size_t i = 0; i < a->count; i++) {
		struct mp m = a->rows[i].row.data;

		buffer_text(b, i > 0 ? "," : "");
		json_write(b, &m);
		/* Reopen the object: what was fetched for it stands with it. */
		b->len--;
		if (a->rows[i].name[0] != '\0') {
			buffer_text(b, ",\"name\":");
			json_write_text(b, a->rows[i].name, strlen(a->rows[i].name));
		}
		if (a->rows[i].phone[0] != '\0') {
			buffer_text(b, ",\"phone\":");
			json_write_text(b, a->rows[i].phone, strlen(a->rows[i].phone));
		}
		buffer_text(b, "}");
	}
	buffer_printf(b, "],\"seq\":%" PRIu64 "}\n", a->seq);
}
