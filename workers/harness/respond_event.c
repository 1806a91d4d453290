/* An answer as an event: when it comes, and what it says. */
#include "respond_internal.h"

#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "rfc3339.h"

#define TEXT_BYTES	4200u

/* ---- When ---- */

/* Into the hours of the day: if it is past them, somewhere in those of the next day. */
static int64_t
into_window(const struct timing *t, int64_t at, struct rng *rng)
{
	time_t second = (time_t)(at / SECOND_NS);
	unsigned minute;
	int64_t draw;
	struct tm tm;

	localtime_r(&second, &tm);
	minute = (unsigned)tm.tm_hour * 60 + (unsigned)tm.tm_min;
	if (minute >= t->opens && minute < t->closes)
		return (at);
	if (minute >= t->closes && t->today)
		return (INT64_MAX);
	draw = rng_between(rng, 0, (int64_t)(t->closes - t->opens) * 60 * SECOND_NS - 1);
	if (minute >= t->closes)
		tm.tm_mday++;
	tm.tm_hour = (int)(t->opens / 60);
	tm.tm_min = (int)(t->opens % 60);
	tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return ((int64_t)mktime(&tm) * SECOND_NS + draw);
}

int64_t
respond_when(const struct timing *t, const struct event *e, int64_t now, struct rng *rng)
{
	int64_t at = now;

	if (t->from != NULL && !event_instant(e, t->from, &at))
		at = now;
	at += rng_between(rng, t->lo, t->hi);
	return (t->has_window ? into_window(t, at, rng) : at);
}

/* ---- What ---- */

/* Fill in {field} and {field|otherwise}.  False: one of them is not there. */
static bool
fill_in(const char *text, const struct event *e, char *out, size_t size)
{
	size_t len = 0;

	while (*text != '\0' && len + 1 < size) {
		const char *end, *bar;
		char name[64], room[TEXT_BYTES];
		const char *value;

		if (*text != '{' || (end = strchr(text, '}')) == NULL) {
			out[len++] = *text++;
			continue;
		}
		bar = memchr(text, '|', (size_t)(end - text));
		snprintf(name, sizeof(name), "%.*s", (int)((bar != NULL ? bar : end) - text - 1), text + 1);
		if ((value = respond_text(e, name, room, sizeof(room))) == NULL) {
			if (bar == NULL)
				return (false);
			snprintf(room, sizeof(room), "%.*s", (int)(end - bar - 1), bar + 1);
			value = room;
		}
		len += (size_t)snprintf(out + len, size - len, "%s", value);
		text = end + 1;
	}
	if (len >= size)
		len = size - 1;
	out[len] = '\0';
	return (true);
}

/* "{at}" alone: the value as it stands there, whatever it is. */
static bool
copied(const char *text, const struct event *e, struct mp *value)
{
	size_t len = strlen(text);
	char name[64];

	if (len < 3 || len >= sizeof(name) || text[0] != '{' || strchr(text, '}') != text + len - 1 || strchr(text, '|') != NULL)
		return (false);
	snprintf(name, sizeof(name), "%.*s", (int)len - 2, text + 1);
	return (respond_field(e, name, value));
}

static void
pack_text(msgpack_packer *p, const char *s, size_t len)
{
	msgpack_pack_str_with_body(p, s, len);
}

/* "{covers.subject}" of a list of maps: what each has under that name.  False if there is no such list, or nothing in it. */
static bool
pack_each(msgpack_packer *p, const struct field *f, const char *text, const struct event *e)
{
	const char *dot = strrchr(text, '.');
	struct event row = *e;
	uint32_t rows;
	struct mp list;
	struct text t;
	char name[64];

	if (text[0] != '{' || dot == NULL || text[strlen(text) - 1] != '}')
		return (false);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - text - 1), text + 1);
	if (!respond_field(e, name, &list) || !mp_array(&list, &rows) || rows == 0)
		return (false);
	snprintf(name, sizeof(name), "%.*s", (int)strlen(dot) - 2, dot + 1);
	pack_text(p, f->name, f->len);
	msgpack_pack_array(p, rows);
	for (; rows > 0; rows--) {
		row.data = list;
		if (!event_text(&row, name, &t))
			t = (struct text){ "", 0 };	/* which the catalogue refuses */
		pack_text(p, t.s, t.len);
		mp_skip(&list);
	}
	return (true);
}

static void
pack_instant(msgpack_packer *p, int64_t ns)
{
	msgpack_pack_timestamp(p, &(msgpack_timestamp){ ns / SECOND_NS, (uint32_t)(ns % SECOND_NS) });
}

static void
pack_date(msgpack_packer *p, int64_t ns)
{
	time_t second = (time_t)(ns / SECOND_NS);
	struct tm tm;
	char text[16];

	localtime_r(&second, &tm);
	pack_text(p, text, strftime(text, sizeof(text), "%F", &tm));
}

static void
pack_as(msgpack_packer *p, const struct field *f, const char *text)
{
	int64_t n = strtoll(text, NULL, 10);

	switch (f->kind) {
	case FIELD_BOOL:
		if (strcmp(text, "true") == 0)
			msgpack_pack_true(p);
		else
			msgpack_pack_false(p);
		break;
	case FIELD_INT:
	case FIELD_NUMBER:
	case FIELD_SEQ:
		msgpack_pack_int64(p, n);
		break;
	case FIELD_IDS:
		msgpack_pack_array(p, 1);
		/* FALLTHROUGH */
	default:
		pack_text(p, text, strlen(text));
	}
}

static const char *
draw_text(const struct pick *pick, struct rng *rng)
{
	uint64_t draw, below = 0;

	if (pick->count == 1)
		return (pick->text[0]);
	draw = rng_below(rng, 1000);
	for (unsigned i = 0; i < pick->count; i++)
		if (draw < (below += pick->permille[i]))
			return (pick->text[i]);
	return (NULL);			/* what is left of a hundred: without this field */
}

/* One field of the data; false: it is left out. */
static bool
pack_member(msgpack_packer *p, const struct member *m, const struct event *e, int64_t at, struct rng *rng)
{
	char room[TEXT_BYTES];
	const char *text;
	struct mp value;
	int64_t instant;
	const uint8_t *raw;
	size_t len;

	if (m->is_time) {
		instant = respond_when(&m->time, e, at, rng);
		pack_text(p, m->field->name, m->field->len);
		if (m->field->kind == FIELD_INSTANT)
			pack_instant(p, instant);
		else
			pack_date(p, instant);
		return (true);
	}
	if ((text = draw_text(&m->pick, rng)) == NULL)
		return (false);
	if (copied(text, e, &value) && m->field->kind != FIELD_IDS && mp_raw(&value, &raw, &len)) {
		pack_text(p, m->field->name, m->field->len);
		msgpack_sbuffer_write(p->data, (const char *)raw, len);
		return (true);
	}
	if (m->field->kind == FIELD_IDS && pack_each(p, m->field, text, e))
		return (true);
	if (!fill_in(text, e, room, sizeof(room)))
		return (false);
	pack_text(p, m->field->name, m->field->len);
	pack_as(p, m->field, room);
	return (true);
}

static void
pack_pair(msgpack_packer *p, const char *key, const char *value)
{
	pack_text(p, key, strlen(key));
	pack_text(p, value, strlen(value));
}

bool
respond_pack(struct respond *r, const struct answer *a, const struct choice *c, const struct event *e, int64_t at, const uint64_t id[2],
    struct rng *rng, uint8_t **bytes, size_t *len)
{
	char subject[TEXT_BYTES], text[48];
	msgpack_sbuffer data, all;
	msgpack_packer p;
	uint32_t count = 0;
	struct data_fault f;
	struct event made;
	bool named, fine;

	msgpack_sbuffer_init(&data);
	msgpack_packer_init(&p, &data, msgpack_sbuffer_write);
	for (unsigned i = 0; i < c->members; i++)
		count += pack_member(&p, &c->member[i], e, at, rng);
	named = fill_in(c->subject != NULL ? c->subject : "{subject}", e, subject, sizeof(subject));
	msgpack_sbuffer_init(&all);
	msgpack_packer_init(&p, &all, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 6 + named);
	pack_pair(&p, "specversion", "1.0");
	snprintf(text, sizeof(text), "a-%016" PRIx64 "%016" PRIx64, id[0], id[1]);
	pack_pair(&p, "id", text);
	pack_pair(&p, "source", RESPOND_SOURCE);
	pack_pair(&p, "type", c->type->name);
	pack_text(&p, "time", 4);
	pack_instant(&p, at);
	if (named)
		pack_pair(&p, "subject", subject);
	pack_text(&p, "data", 4);
	msgpack_pack_map(&p, count);
	msgpack_sbuffer_write(&all, data.data != NULL ? data.data : "", data.size);
	msgpack_sbuffer_destroy(&data);
	if (!(fine = event_decode(&made, all.data, all.size, &f) == 0))
		fprintf(stderr, "%s: %s answers %.*s about %.*s with a %s that the catalogue refuses: %s: %s\n", r->path, a->name, (int)e->type.len,
		    e->type.s, (int)e->subject.len, e->subject.s != NULL ? e->subject.s : "", c->type->name, f.path, f.detail);
	*len = all.size;
	*bytes = (uint8_t *)msgpack_sbuffer_release(&all);
	if (!fine) {
		free(*bytes);
		*bytes = NULL;
	}
	return (fine);
}
