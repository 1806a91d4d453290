#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event.h"

const char *const via_names[] = { "phone", "visit", "kiosk", "mailbox", "web", "wechat", "app", "company", "callback" };

/* Crockford's base 32: sorts like the number, has no I, L, O or U to misread. */
static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static char *
base32(char *out, uint64_t value, int chars)
{
	for (int i = chars - 1; i >= 0; i--, value >>= 5)
		out[i] = crockford[value & 31];
	return (out + chars);
}

/*
 * Ten characters of the time, so that ids sort as events happen, then eight made of the ordinal: an odd factor permutes the 40 bits,
 * hence no two events of a run share them, and the seed shifts them, hence two runs differ.
 */
void
event_id(char out[ID_SIZE], const struct world *w, struct ref r)
{
	uint64_t mixed = r.number * 0x9e3779b97f4a7c15ULL + rng_fact(w->seed, 0, 0);

	out = base32(out, (uint64_t)(r.at - SITE_OFFSET), 10);
	out = base32(out, mixed & ((1ULL << 40) - 1), 8);
	*out = '\0';
}

void
subject_id(char out[ID_SIZE], struct subject s)
{
	struct civil c = civil_from_day(s.day);

	snprintf(out, ID_SIZE, "%c-%04d%02d%02d-%04" PRIu32, s.letter, c.year, c.month, c.day, s.ordinal);
}

void
call_id(char out[ID_SIZE], struct call c)
{
	snprintf(out, ID_SIZE, "call-%" PRId64 ".%" PRIu32, c.second, c.number);	/* as an exchange numbers its channels */
}

static void
raw(struct event_writer *e, const char *bytes, size_t len)
{
	assert(e->len + len <= sizeof(e->line));
	memcpy(e->line + e->len, bytes, len);
	e->len += len;
}

#define LITERAL(e, text)	raw(e, text, sizeof(text) - 1)

/* A JSON string: UTF-8 passes, quotes, backslashes and control characters are escaped. */
static void
string(struct event_writer *e, const char *s)
{
	char escape[8];

	LITERAL(e, "\"");
	for (;;) {
		size_t plain = 0;

		while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
			plain++;
		raw(e, s, plain);
		s += plain;
		if (*s == '\0')
			break;
		if (*s == '"' || *s == '\\')
			raw(e, escape, (size_t)snprintf(escape, sizeof(escape), "\\%c", *s));
		else
			raw(e, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)*s));
		s++;
	}
	LITERAL(e, "\"");
}

static void
attribute(struct event_writer *e, const char *key, const char *value)
{
	LITERAL(e, ",");
	string(e, key);
	LITERAL(e, ":");
	string(e, value);
}

void
event_begin(struct world *w, const char *type, const char *source, const char *subject, const struct story *s)
{
	struct event_writer *e = &w->event;
	char id[ID_SIZE], instant[CIVIL_INSTANT_SIZE];

	e->len = 0;
	e->first_field = true;
	event_id(id, w, (struct ref){ w->now, w->events + 1 });
	civil_instant(instant, w->now);
	LITERAL(e, "{\"specversion\":\"1.0\"");
	attribute(e, "id", id);
	attribute(e, "source", source);
	attribute(e, "type", type);
	attribute(e, "time", instant);
	if (subject != NULL)
		attribute(e, "subject", subject);
	if (s != NULL && s->cause.number != 0) {
		event_id(id, w, s->cause);
		attribute(e, "causation", id);
	}
	if (s != NULL && s->call.number != 0) {
		call_id(id, s->call);
		attribute(e, "correlation", id);
	}
	if (s != NULL && s->urgency != URGENCY_NONE)
		attribute(e, "urgency", s->urgency == URGENCY_EMERGENCY ? "emergency" : "urgent");
	LITERAL(e, ",\"data\":{");
}

void
event_case(struct world *w, const char *type, const char *source, const struct story *s)
{
	char id[ID_SIZE];

	assert(s->subject.letter != '\0');
	subject_id(id, s->subject);
	event_begin(w, type, source, id, s);
}

static void
key(struct event_writer *e, const char *name)
{
	if (!e->first_field)
		LITERAL(e, ",");
	e->first_field = false;
	string(e, name);
	LITERAL(e, ":");
}

void
data_text(struct world *w, const char *name, const char *value)
{
	if (value == NULL)
		return;
	key(&w->event, name);
	string(&w->event, value);
}

void
data_int(struct world *w, const char *name, int64_t value)
{
	char digits[24];

	key(&w->event, name);
	raw(&w->event, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value));
}

void
data_bool(struct world *w, const char *name, bool value)
{
	key(&w->event, name);
	if (value)
		LITERAL(&w->event, "true");
	else
		LITERAL(&w->event, "false");
}

void
data_instant(struct world *w, const char *name, int64_t t)
{
	char text[CIVIL_INSTANT_SIZE];

	civil_instant(text, t);
	data_text(w, name, text);
}

void
data_date(struct world *w, const char *name, int64_t day)
{
	char text[CIVIL_DATE_SIZE];

	civil_date(text, day);
	data_text(w, name, text);
}

void
data_staff(struct world *w, const char *name, struct staff s)
{
	char text[STAFF_TEXT_SIZE];

	staff_id(text, s);
	data_text(w, name, text);
}

void
data_household(struct world *w, uint32_t household)
{
	char text[HOUSEHOLD_TEXT_SIZE];

	if (household == NOBODY)
		return;
	household_id(text, household);
	data_text(w, "household", text);
}

struct ref
event_end_late(struct world *w, int64_t arrives)
{
	struct event_writer *e = &w->event;
	struct ref r = { w->now, ++w->events };

	LITERAL(e, "}}\n");
	arrival_hand_over(&w->arrival, w->now, arrives, e->line, e->len);
	return (r);
}

struct ref
event_end(struct world *w)
{
	return (event_end_late(w, w->now));
}
