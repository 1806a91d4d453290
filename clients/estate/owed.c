/* What is owed about one subject: see owed.h. */
#include "owed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paint.h"
#include "rfc3339.h"
#include "sitetime.h"

enum owed_step { OPENED, WARNED, BREACHED, FULFILLED, CANCELLED, RESCHEDULED, ESCALATED, REQUESTED, OWED_STEPS };

static const char *const types[OWED_STEPS] = {
	"obligation.opened", "obligation.warned", "obligation.breached", "obligation.fulfilled", "obligation.cancelled", "obligation.rescheduled",
	"case.escalated", "notification.requested"
};

/* What an event says; texts are lent from it. */
struct said {
	enum owed_step step;
	struct text obligation, rule, role, to, reason, channel, template, urgency;
	int64_t due, level;		/* INT64_MIN, 0 where there is none */
	bool late_known;
};

static bool
say(struct said *s, const struct event *e)
{
	const struct { const char *name; struct text *to; } texts[] = {
		{ "obligation", &s->obligation }, { "rule", &s->rule }, { "role", &s->role }, { "to", &s->to }, { "reason", &s->reason },
		{ "channel", &s->channel }, { "template", &s->template }, { "urgency", &s->urgency },
	};
	struct mp m = e->data;
	const char *key, *text;
	uint32_t pairs, len, text_len, nanos;
	int64_t seconds;

	*s = (struct said){ .step = OPENED, .due = INT64_MIN };
	while (s->step < OWED_STEPS && !mp_equal(e->type.s, e->type.len, types[s->step]))
		s->step++;
	if (s->step == OWED_STEPS || !mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
		bool taken = false;

		for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && !taken; i++)
			taken = mp_equal(key, len, texts[i].name) && mp_str(&m, &texts[i].to->s, &texts[i].to->len);
		if (taken || (mp_equal(key, len, "level") && mp_int(&m, &s->level)) || (mp_equal(key, len, "late_known") && mp_bool(&m, &s->late_known)))
			continue;
		if (mp_equal(key, len, "due") && (mp_timestamp(&m, &seconds, &nanos) ||
		    (mp_str(&m, &text, &text_len) && rfc3339_parse(text, text_len, &seconds, &nanos))))
			s->due = seconds * 1000000000 + nanos;
		else if (!mp_skip(&m))
			return (false);
	}
	if (s->step == REQUESTED)
		return (s->to.s != NULL && s->channel.s != NULL && s->template.s != NULL);
	return (s->obligation.s != NULL && s->rule.s != NULL && (s->due != INT64_MIN || s->step == ESCALATED));
}

/* ---- What still runs ------------------------------------------------------------------------------------------------------------------------ */

static void
copy(char to[65], struct text t)
{
	snprintf(to, 65, "%.*s", t.s != NULL ? (int)t.len : 0, t.s != NULL ? t.s : "");
}

static struct owed_item *
item_of(struct owed *o, const struct said *s)
{
	for (size_t i = 0; i < o->count; i++)
		if (mp_equal(s->obligation.s, s->obligation.len, o->items[i].obligation))
			return (&o->items[i]);
	if (o->count == o->room) {
		o->room = o->room == 0 ? 16 : 2 * o->room;
		o->items = alloc_or_exit(o->items, o->room * sizeof(*o->items));
	}
	o->items[o->count] = (struct owed_item){ .open = false };
	copy(o->items[o->count].obligation, s->obligation);
	copy(o->items[o->count].rule, s->rule);
	return (&o->items[o->count++]);
}

void
owed_note(struct owed *o, const struct event *e)
{
	struct owed_item *item;
	struct said s;

	if (!say(&s, e) || s.step == REQUESTED)
		return;
	item = item_of(o, &s);
	if (s.level > 0)
		item->level = s.level;
	if (s.step == ESCALATED) {
		copy(item->told, s.to);
		return;
	}
	if (s.step == OPENED) {
		item->breached = false;
		item->level = 0;
		item->told[0] = '\0';
	}
	item->breached |= s.step == BREACHED;
	item->open = s.step != FULFILLED && s.step != CANCELLED;
	item->due = s.due;
	copy(item->role, s.role);
}

void
owed_free(struct owed *o)
{
	free(o->items);
}

/* ---- In words ------------------------------------------------------------------------------------------------------------------------------- */

static void
add(struct buffer *b, struct text t)
{
	if (t.s != NULL)
		paint_clean(b, t.s, t.len, 0);
}

/* A value as the catalogue's field says it in Chinese; as it stands for everybody else, and where it is none of the field's. */
static void
add_value(struct buffer *b, enum owed_step of, const char *field, struct text value, bool zh)
{
	const struct field *f = catalogue_field(catalogue_find(types[of], strlen(types[of])), field, strlen(field));
	const struct enum_value *v = zh && f != NULL && f->list != NULL ? catalogue_value(f->list, value.s, value.len) : NULL;

	if (v != NULL)
		buffer_text(b, v->zh);
	else
		add(b, value);
}

static void
add_role(struct buffer *b, const char *role, size_t len, bool zh)
{
	add_value(b, OPENED, "role", (struct text){ role, (uint32_t)len }, zh);
}

/* Who is told, by which way, with which text. */
static void
tell_request(struct buffer *b, const struct said *s, bool zh)
{
	bool hurried = s->urgency.s != NULL && !mp_equal(s->urgency.s, s->urgency.len, "routine");

	add_role(b, s->to.s, s->to.len, zh);
	buffer_text(b, zh ? "，" : " by ");
	add_value(b, REQUESTED, "channel", s->channel, zh);
	if (hurried) {
		buffer_printf(b, "%s%s", zh ? "，" : ", ", paint(mp_equal(s->urgency.s, s->urgency.len, "emergency") ? PAINT_RED : PAINT_YELLOW));
		add_value(b, REQUESTED, "urgency", s->urgency, zh);
		buffer_text(b, paint(PAINT_OFF));
	}
	buffer_text(b, zh ? "：" : ": ");
	add(b, s->template);
}

static void
add_reason(struct buffer *b, struct text t, bool zh)
{
	static const char *const words[][2] = {
		{ "reopened", "重新打开" }, { "retracted", "记录撤回" }, { "closed", "已关闭" }, { "unless", "无人可回访" }, { "linked", "已并入" }, { "unlinked", "并案已解除" }, { "replaced", "由更具体的规则取代" },
		{ "reclassified", "重新分类" }, { "waived", "已豁免" }, { "resumed", "恢复计时" }, { "calendar", "日历变更" }, { "rules", "规则变更" },
	};

	if (t.s == NULL)
		return;
	buffer_text(b, zh ? "，" : ", ");
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (zh && mp_equal(t.s, t.len, words[i][0])) {
			buffer_text(b, words[i][1]);
			return;
		}
	add(b, t);
}

static void
add_due(struct buffer *b, int64_t due)
{
	char text[SITETIME_TEXT];

	sitetime_due(due, sitetime_now(), text);
	buffer_text(b, text);
}

static void
tell_end(struct buffer *b, const struct said *s, int64_t done_at, bool zh)
{
	bool late = done_at > s->due;

	buffer_text(b, paint(late ? PAINT_RED : PAINT_GREEN));
	if (late) {
		buffer_text(b, zh ? " 逾期 " : " late by ");
		sitetime_span(b, done_at - s->due, zh);
	} else if (s->late_known)
		buffer_text(b, zh ? " 按时，迟到的记录" : " in time, learnt late");
	else {
		buffer_text(b, zh ? " 按时，提前 " : " in time, ");
		sitetime_span(b, s->due - done_at, zh);
		buffer_text(b, zh ? "" : " to spare");
	}
	buffer_text(b, paint(PAINT_OFF));
}

bool
owed_line(struct buffer *b, const struct event *e, int64_t done_at, bool zh)
{
	struct said s;

	if (!say(&s, e))
		return (false);
	if (s.step == REQUESTED) {
		tell_request(b, &s, zh);
		return (true);
	}
	buffer_text(b, paint(PAINT_BOLD));
	add(b, s.rule);
	buffer_text(b, paint(PAINT_OFF));
	switch (s.step) {
	case FULFILLED:
		tell_end(b, &s, done_at, zh);
		return (true);
	case CANCELLED:
		buffer_text(b, zh ? " 不再计时" : " no longer owed");
		add_reason(b, s.reason, zh);
		return (true);
	case ESCALATED:
		buffer_printf(b, zh ? " 第 %" PRId64 " 级 → " : " level %" PRId64 " → ", s.level);
		if (s.to.s != NULL)
			add_role(b, s.to.s, s.to.len, zh);
		return (true);
	case BREACHED:
		buffer_printf(b, "%s%s ", paint(PAINT_RED), zh ? " 期限已过" : " was due");
		break;
	case RESCHEDULED:
		buffer_text(b, zh ? " 期限改为 " : " now due ");
		break;
	default:
		buffer_text(b, zh ? " 期限 " : " due ");
	}
	add_due(b, s.due);
	buffer_text(b, paint(PAINT_OFF));
	if (s.role.s != NULL && s.step == OPENED) {
		buffer_text(b, zh ? "（" : " (");
		add_role(b, s.role.s, s.role.len, zh);
		buffer_text(b, zh ? "）" : ")");
	}
	add_reason(b, s.reason, zh);
	return (true);
}

/* ---- At the end ----------------------------------------------------------------------------------------------------------------------------- */

static int
by_due(const void *a, const void *b)
{
	const struct owed_item *const *x = a, *const *y = b;

	if ((*x)->due != (*y)->due)
		return ((*x)->due < (*y)->due ? -1 : 1);
	return (strcmp((*x)->obligation, (*y)->obligation));
}

static void
show_item(struct buffer *b, const struct owed_item *i, int64_t now, bool zh, unsigned columns)
{
	size_t from = b->len;

	buffer_printf(b, "  %s%s%s ", paint(PAINT_BOLD), i->rule, paint(PAINT_OFF));
	buffer_text(b, paint(i->due < now ? PAINT_RED : PAINT_OFF));
	if (i->due < now) {
		buffer_text(b, zh ? "已超时 " : "overdue for ");
		sitetime_span(b, now - i->due, zh);
	} else {
		buffer_text(b, zh ? "剩余 " : "");
		sitetime_span(b, i->due - now, zh);
		buffer_text(b, zh ? "" : " left");
	}
	buffer_printf(b, "%s%s", paint(PAINT_OFF), zh ? "，期限 " : ", due ");
	add_due(b, i->due);
	/* Whoever was told last is nearer to it than who owed it. */
	buffer_text(b, i->told[0] != '\0' ? zh ? "，已上报 " : ", told to " : zh ? "，责任岗位 " : ", owed by ");
	add_role(b, i->told[0] != '\0' ? i->told : i->role, strlen(i->told[0] != '\0' ? i->told : i->role), zh);
	if (columns > 0 && paint_width(b->data + from, b->len - from) > columns) {
		b->len = from + paint_fit(b->data + from, b->len - from, columns - 1);
		buffer_printf(b, "…%s", paint(PAINT_OFF));
	}
	buffer_text(b, "\n");
}

void
owed_show(struct buffer *b, const struct owed *o, int64_t now, bool zh, unsigned columns)
{
	const struct owed_item **open = alloc_or_exit(NULL, (o->count + 1) * sizeof(*open));
	size_t count = 0;

	for (size_t i = 0; i < o->count; i++)
		if (o->items[i].open)
			open[count++] = &o->items[i];
	qsort(open, count, sizeof(*open), by_due);
	if (count > 0)
		buffer_printf(b, "%s%s%s\n", paint(PAINT_BOLD), zh ? "仍在计时" : "Still running", paint(PAINT_OFF));
	for (size_t i = 0; i < count; i++)
		show_item(b, open[i], now, zh, columns);
	free(open);
}
