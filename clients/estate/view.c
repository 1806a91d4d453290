/* An event as text: see view.h. */
#include "view.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "json.h"
#include "paint.h"
#include "sitetime.h"
#include "telling.h"

#define SEQ_COLUMNS	8
#define SEQ_COLUMNS_NARROW	5
#define TYPE_COLUMNS	22
#define WIDE_COLUMNS	100
#define TINY_COLUMNS	40	/* below, the number and the minute come before what may be cut */
#define SUBJECT_COLUMNS	18
#define LATENCY_COLUMNS	12
#define LATENCY_COLUMNS_NARROW	8

/* The members that --json adds to the event's own. */
static const char *const added[] = { "seq", "logtime", "sender", "flags" };

static const struct mp_bounds bounds = { MP_DEPTH_MAX, 65536, false };

static bool
text_is(struct text t, const char *s)
{
	return (t.s != NULL && strlen(s) == t.len && memcmp(s, t.s, t.len) == 0);
}

bool
view_read(struct event *e, const struct estate_event *v)
{
	struct mp m = mp_over(v->bytes, v->len);
	size_t where;

	return (mp_check(&m, &bounds, &where) == MP_OK && event_peek(e, v->bytes, v->len));
}

int64_t
view_when(const struct event *e, const struct estate_event *v)
{
	return (e->has_time && (v->flags & EVENT_TIME_IMPLAUSIBLE) == 0 ? e->time_ns : v->log_time);
}

bool
view_is_wide(const struct view *w)
{
	return (w->columns == 0 || w->columns >= WIDE_COLUMNS);
}

static void
view_latency(struct buffer *b, const struct event *e, const struct estate_event *v, bool zh)
{
	if (e->has_time)
		sitetime_span(b, v->log_time - e->time_ns, zh);
	else
		buffer_text(b, "-");
}

/* Emergencies are red, urgent ones yellow. */
static enum paint
colour_of(const struct event *e)
{
	if (text_is(e->urgency, "emergency"))
		return (PAINT_RED);
	return (text_is(e->urgency, "urgent") ? PAINT_YELLOW : PAINT_BOLD);
}

/* Hours and minutes of a brief time, behind its date. */
static const char *
clock_part(const char *when)
{
	const char *space = strrchr(when, ' ');

	return (space != NULL ? space + 1 : when);
}

static void
view_short(const struct view *w, struct buffer *b, const struct event *e, const struct estate_event *v)
{
	struct buffer cell = { NULL, 0, 0 };
	char when[SITETIME_TEXT];
	size_t from = b->len, fit;
	bool straight = view_is_wide(w);
	size_t latency = straight ? LATENCY_COLUMNS : LATENCY_COLUMNS_NARROW;

	if (straight)
		sitetime_local(view_when(e, v), 0, when);
	else
		sitetime_brief(view_when(e, v), when);
	if (w->columns > 0 && w->columns < TINY_COLUMNS)
		buffer_printf(b, "%" PRIu64 " %s%.5s%s ", v->seq, paint(PAINT_DIM), clock_part(when), paint(PAINT_OFF));
	else
		buffer_printf(b, "%s%s%s %*" PRIu64 " ", paint(PAINT_DIM), when, paint(PAINT_OFF),
		    straight ? SEQ_COLUMNS : SEQ_COLUMNS_NARROW, v->seq);
	if (w->latency) {
		view_latency(&cell, e, v, w->zh);
		if ((fit = paint_width(cell.data, cell.len)) < latency)
			buffer_fill(b, ' ', latency - fit);
		buffer_printf(b, "%s ", cell.data);
		buffer_clear(&cell);
	}
	telling_type(&cell, e, w->zh);
	buffer_text(b, paint(colour_of(e)));
	paint_cell(b, cell.data, cell.len, 0);
	if ((fit = paint_width(cell.data, cell.len)) < TYPE_COLUMNS && straight)
		buffer_fill(b, ' ', TYPE_COLUMNS - fit);
	buffer_printf(b, "%s %s", paint(PAINT_OFF), paint(PAINT_GREEN));
	fit = b->len;
	paint_clean(b, e->subject.s != NULL ? e->subject.s : "-", e->subject.s != NULL ? e->subject.len : 1, 0);
	if ((fit = paint_width(b->data + fit, b->len - fit)) < SUBJECT_COLUMNS && straight)
		buffer_fill(b, ' ', SUBJECT_COLUMNS - fit);
	buffer_printf(b, "%s ", paint(PAINT_OFF));
	telling_line(b, e, w->zh);
	if (w->columns > 0 && paint_width(b->data + from, b->len - from) > w->columns) {
		b->len = from + paint_fit(b->data + from, b->len - from, w->columns - 1);
		buffer_printf(b, "…%s", paint(PAINT_OFF));
	}
	while (b->len > from && b->data[b->len - 1] == ' ')
		b->len--;
	buffer_text(b, "\n");
	buffer_free(&cell);
}

static void
line_text(struct buffer *b, const char *label, const char *s, size_t len)
{
	if (s == NULL)
		return;
	buffer_text(b, "  ");
	paint_cell(b, label, strlen(label), 20);
	buffer_text(b, " ");
	paint_clean(b, s, len, 0);
	buffer_text(b, "\n");
}

static void
view_full(const struct view *w, struct buffer *b, const struct event *e, const struct estate_event *v)
{
	char happened[SITETIME_TEXT], stored[SITETIME_TEXT];
	struct buffer late = { NULL, 0, 0 };
	bool zh = w->zh;

	buffer_printf(b, "%s%" PRIu64 "%s %s", paint(PAINT_BOLD), v->seq, paint(PAINT_OFF), paint(colour_of(e)));
	telling_type(b, e, zh);
	buffer_text(b, paint(PAINT_OFF));
	if (zh && e->kind != NULL)
		buffer_printf(b, " %s%s%s", paint(PAINT_DIM), e->kind->name, paint(PAINT_OFF));
	buffer_text(b, "\n");
	if (e->has_time) {
		sitetime_local(e->time_ns, 3, happened);
		line_text(b, zh ? "发生时间" : "happened", happened, strlen(happened));
	}
	sitetime_local(v->log_time, 3, stored);
	line_text(b, zh ? "入库时间" : "stored", stored, strlen(stored));
	if (e->has_time) {
		view_latency(&late, e, v, zh);
		line_text(b, zh ? "延迟" : "latency", late.data, late.len);
	}
	line_text(b, telling_subject(e, zh), e->subject.s, e->subject.len);
	line_text(b, zh ? "来源" : "source", e->source.s, e->source.len);
	line_text(b, zh ? "编号" : "id", e->id.s, e->id.len);
	line_text(b, zh ? "紧急程度" : "urgency", e->urgency.s, e->urgency.len);
	line_text(b, zh ? "起因" : "causation", e->causation.s, e->causation.len);
	line_text(b, zh ? "关联" : "correlation", e->correlation.s, e->correlation.len);
	line_text(b, zh ? "小区" : "site", e->site.s, e->site.len);
	line_text(b, zh ? "发送者" : "sender", v->sender, v->sender_len);
	if (v->flags & EVENT_TIME_IMPLAUSIBLE) {
		const char *note = zh ? "发送者的时钟不可信，以入库时间为准" : "the sender's clock is far off: log time counts";

		line_text(b, zh ? "注意" : "note", note, strlen(note));
	}
	telling_block(b, e, zh);
	buffer_free(&late);
}

static bool
is_added(const char *s, uint32_t len)
{
	for (size_t i = 0; i < sizeof(added) / sizeof(*added); i++)
		if (mp_equal(s, len, added[i]))
			return (true);
	return (false);
}

/* The event's members as they stand, then ours. */
static void
view_json(struct buffer *b, const struct estate_event *v)
{
	struct mp m = mp_over(v->bytes, v->len);
	char stored[SITETIME_TEXT];
	const char *key;
	uint32_t pairs, len;

	buffer_text(b, "{");
	if (mp_map(&m, &pairs))
		while (pairs-- > 0 && mp_str(&m, &key, &len)) {
			if (is_added(key, len)) {
				mp_skip(&m);
				continue;
			}
			json_write_text(b, key, len);
			buffer_text(b, ":");
			if (!json_write(b, &m))
				break;
			buffer_text(b, ",");
		}
	sitetime_utc_ns(v->log_time, stored);
	buffer_printf(b, "\"seq\":%" PRIu64 ",\"logtime\":\"%s\",\"sender\":", v->seq, stored);
	json_write_text(b, v->sender, v->sender_len);
	buffer_printf(b, ",\"flags\":%" PRIu64 "}\n", v->flags);
}

/* The number, SHA-256 of the bytes as they were put, and their length: what two logs, or a sender and a log, can compare. */
static void
view_raw(struct buffer *b, const struct estate_event *v)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];

	crypto_hash_sha256(hash, v->bytes, v->len);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	buffer_printf(b, "%" PRIu64 " %s %zu\n", v->seq, hex, v->len);
}

static void
fill_text(struct buffer *b, struct text t)
{
	if (t.s != NULL)
		paint_clean(b, t.s, t.len, 0);
}

/* One {name} of a template.  False if there is no such name. */
static bool
fill(const struct view *w, struct buffer *b, const char *name, const struct event *e, const struct estate_event *v)
{
	char text[SITETIME_TEXT];

	if (strcmp(name, "seq") == 0)
		buffer_printf(b, "%" PRIu64, v->seq);
	else if (strcmp(name, "time") == 0) {
		sitetime_local(view_when(e, v), 3, text);
		buffer_text(b, text);
	} else if (strcmp(name, "logtime") == 0) {
		sitetime_local(v->log_time, 3, text);
		buffer_text(b, text);
	} else if (strcmp(name, "latency") == 0)
		view_latency(b, e, v, w->zh);
	else if (strcmp(name, "type") == 0)
		fill_text(b, e->type);
	else if (strcmp(name, "title") == 0)
		telling_type(b, e, w->zh);
	else if (strcmp(name, "subject") == 0)
		fill_text(b, e->subject);
	else if (strcmp(name, "id") == 0)
		fill_text(b, e->id);
	else if (strcmp(name, "source") == 0)
		fill_text(b, e->source);
	else if (strcmp(name, "urgency") == 0)
		fill_text(b, e->urgency);
	else if (strcmp(name, "causation") == 0)
		fill_text(b, e->causation);
	else if (strcmp(name, "correlation") == 0)
		fill_text(b, e->correlation);
	else if (strcmp(name, "site") == 0)
		fill_text(b, e->site);
	else if (strcmp(name, "sender") == 0)
		paint_clean(b, v->sender, v->sender_len, 0);
	else if (strcmp(name, "flags") == 0)
		buffer_printf(b, "%" PRIu64, v->flags);
	else if (strcmp(name, "data") == 0)
		telling_line(b, e, w->zh);
	else if (strncmp(name, "data.", 5) == 0)
		telling_field(b, e, name + 5);
	else
		return (false);
	return (true);
}

/* Fill a template; NULL, or the first name that does not exist, in `name`. */
static bool
view_template(const struct view *w, struct buffer *b, const struct event *e, const struct estate_event *v, char name[64])
{
	size_t len;

	for (const char *p = w->pattern; *p != '\0'; p++) {
		if (*p == '{') {
			len = strcspn(p + 1, "}");
			snprintf(name, 64, "%.*s", (int)len, p + 1);
			if (p[1 + len] != '}' || !fill(w, b, name, e, v))
				return (false);
			p += 1 + len;
		} else if (*p == '\\' && (p[1] == 'n' || p[1] == 't'))
			buffer_text(b, *++p == 'n' ? "\n" : "\t");
		else
			buffer_add(b, p, 1);
	}
	buffer_text(b, "\n");
	return (true);
}

bool
view_parse(struct view *w, const char *verb, const char *format)
{
	static const char *const name[] = { "short", "full", "json", "raw" };
	struct buffer b = { NULL, 0, 0 };
	struct estate_event v = { .sender = "", .bytes = "" };
	struct event e = { .has_time = false };
	char wrong[64];
	bool ok;

	for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++)
		if (strcmp(format, name[i]) == 0) {
			w->format = (enum view_format)i;
			return (true);
		}
	if (strchr(format, '{') == NULL) {
		usage_error(verb, "--format must be short, full, json, raw or a template like '{seq} {type}', not %s", format);
		return (false);
	}
	w->format = VIEW_TEMPLATE;
	w->pattern = format;
	e.type = e.id = e.source = (struct text){ "", 0 };
	e.data = mp_over("", 0);
	if (!(ok = view_template(w, &b, &e, &v, wrong)))
		usage_error(verb, "--format: there is no {%s}", wrong);
	buffer_free(&b);
	return (ok);
}

void
view_event(const struct view *w, struct buffer *b, const struct estate_event *v)
{
	struct event e;
	char name[64];

	if (w->format == VIEW_RAW) {
		view_raw(b, v);
		return;
	}
	if (!view_read(&e, v)) {
		buffer_printf(b, w->format == VIEW_JSON ? "{\"seq\":%" PRIu64 ",\"unreadable\":true}\n" : "%" PRIu64 " is unreadable\n",
		    v->seq);
		return;
	}
	switch (w->format) {
	case VIEW_FULL:
		view_full(w, b, &e, v);
		break;
	case VIEW_JSON:
		view_json(b, v);
		break;
	case VIEW_TEMPLATE:
		view_template(w, b, &e, v, name);
		break;
	default:
		view_short(w, b, &e, v);
	}
}
