/* Counting a month for its cover sheet: cover.h. */
#include "cover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "event.h"
#include "json.h"
#include "sitetime.h"
#include "store.h"
#include "view.h"
#include "worker.h"

#define SECOND	INT64_C(1000000000)

/* ---- Months ---- */

static int64_t
month_begin(int year, int month)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = 1, .tm_isdst = -1 };

	return ((int64_t)mktime(&tm) * SECOND);
}

bool
cover_month(struct cover *c, const char *month)
{
	unsigned year, n;
	int end = 0;

	if (strnlen(month, COVER_MONTH) != COVER_MONTH - 1 || sscanf(month, "%4u-%2u%n", &year, &n, &end) != 2 || end != COVER_MONTH - 1 || year < 1970 ||
	    year > 2199 || n < 1 || n > 12)
		return (false);
	snprintf(c->month, sizeof(c->month), "%s", month);
	c->begin = month_begin((int)year, (int)n);
	c->end = month_begin((int)year, (int)n + 1);
	return (true);
}

void
cover_month_of(int64_t ns, char out[COVER_MONTH])
{
	store_month_name((uint64_t)ns, out);
}

/* ---- Sets ---- */

static bool
set_holds(const struct cover_set *s, uint64_t h)
{
	if (s->room == 0)
		return (false);
	for (size_t i = h & (s->room - 1); s->slots[i] != 0; i = (i + 1) & (s->room - 1))
		if (s->slots[i] == h)
			return (true);
	return (false);
}

static void set_add(struct cover_set *, uint64_t);

static void
set_grow(struct cover_set *s)
{
	struct cover_set more = { .room = s->room == 0 ? 256 : s->room * 2 };

	more.slots = memset(alloc_or_exit(NULL, more.room * sizeof(*more.slots)), 0, more.room * sizeof(*more.slots));
	for (size_t i = 0; i < s->room; i++)
		if (s->slots[i] != 0)
			set_add(&more, s->slots[i]);
	free(s->slots);
	*s = more;
}

static void
set_add(struct cover_set *s, uint64_t h)
{
	size_t i;

	if (set_holds(s, h))
		return;
	if (s->count * 2 >= s->room)
		set_grow(s);
	for (i = h & (s->room - 1); s->slots[i] != 0; i = (i + 1) & (s->room - 1))
		;
	s->slots[i] = h;
	s->count++;
}

/* 0 marks an empty slot. */
static uint64_t
hash(struct text t)
{
	uint64_t h = XXH3_64bits(t.s, t.len);

	return (h != 0 ? h : 1);
}

/* ---- What is counted ---- */

static void
count_type(struct cover *c, struct text t)
{
	uint64_t h = hash(t);
	size_t i = 0;

	/* A log has some dozen types, the frequent ones soon in front. */
	while (i < c->type_count && c->types[i].hash != h)
		i++;
	if (i == c->type_count) {
		if (c->type_count == c->type_room)
			c->types = alloc_or_exit(c->types, (c->type_room = c->type_room == 0 ? 64 : c->type_room * 2) * sizeof(*c->types));
		c->types[c->type_count++] = (struct cover_type){ .hash = h };
		c->types[i].name = memcpy(alloc_or_exit(NULL, t.len + 1), t.s, t.len);
		c->types[i].name[t.len] = '\0';
	}
	c->types[i].count++;
	if (i > 0 && c->types[i - 1].count < c->types[i].count) {
		struct cover_type swap = c->types[i];

		c->types[i] = c->types[i - 1];
		c->types[i - 1] = swap;
	}
}

static void
add_amendment(struct cover *c, const struct event *e, struct cover_amendment a)
{
	if (c->amendment_count++ >= COVER_AMENDMENTS_MAX)
		return;
	if (c->listed == c->amendment_room)
		c->amendments = alloc_or_exit(c->amendments,
		    (c->amendment_room = c->amendment_room == 0 ? 16 : c->amendment_room * 2) * sizeof(*c->amendments));
	snprintf(a.type, sizeof(a.type), "%.*s", (int)e->type.len, e->type.s);
	c->amendments[c->listed++] = a;
}

static void
count_late(struct cover *c, const char *month)
{
	size_t i = 0;

	while (i < c->late_count && strcmp(c->late[i].month, month) < 0)
		i++;
	if (i == c->late_count || strcmp(c->late[i].month, month) != 0) {
		if (c->late_count == c->late_room)
			c->late = alloc_or_exit(c->late, (c->late_room = c->late_room == 0 ? 16 : c->late_room * 2) * sizeof(*c->late));
		memmove(c->late + i + 1, c->late + i, (c->late_count++ - i) * sizeof(*c->late));
		c->late[i].count = 0;
		snprintf(c->late[i].month, sizeof(c->late[i].month), "%s", month);
	}
	c->late[i].count++;
}

static void
note_callback(struct cover *c, const struct event *e)
{
	struct text household = event_named_household(e), kind, one;
	uint32_t n;
	struct mp m;

	c->callbacks++;
	if (household.s != NULL)
		set_add(&c->households, hash(household));
	if (!event_text(e, "kind", &kind) || !mp_equal(kind.s, kind.len, "repair"))
		return;
	if (e->subject.s != NULL)
		set_add(&c->called, hash(e->subject));
	if (event_field(e, "covers", &m) && mp_array(&m, &n))
		while (n-- > 0 && mp_str(&m, &one.s, &one.len))
			set_add(&c->called, hash(one));
}

static void
note_figures(struct cover *c, const struct event *e)
{
	bool in_home;

	if (mp_equal(e->type.s, e->type.len, "repair.finished")) {
		if (e->subject.s != NULL && event_bool(e, "in_home", &in_home) && in_home)
			set_add(&c->repairs, hash(e->subject));
	} else if (mp_equal(e->type.s, e->type.len, "callback.done"))
		note_callback(c, e);
	else if (mp_equal(e->type.s, e->type.len, "callback.attempted"))
		c->attempts++;
}

/* Late, or about a record of a month bound before. */
static void
note_amendment(struct cover *c, const struct event *e, const struct estate_event *v)
{
	struct cover_amendment a = { .seq = v->seq };
	int64_t about;

	if (e->has_time && (v->flags & EVENT_TIME_IMPLAUSIBLE) == 0 && e->time_ns < c->begin && e->time_ns >= 0) {
		cover_month_of(e->time_ns, a.month);
		count_late(c, a.month);
		add_amendment(c, e, a);
	}
	if ((mp_equal(e->type.s, e->type.len, "record.amended") || mp_equal(e->type.s, e->type.len, "record.retracted")) &&
	    event_int(e, "event", &about) && about > 0 && (uint64_t)about < c->first)
		add_amendment(c, e, (struct cover_amendment){ .seq = v->seq, .event = (uint64_t)about });
}

void
cover_note(struct cover *c, const struct estate_event *v)
{
	struct event e;

	c->first = c->first == 0 ? v->seq : c->first;
	c->last = v->seq;
	c->events++;
	c->bytes += v->len;
	c->sealed += (v->flags & EVENT_SEALED) != 0;
	if (!view_read(&e, v))
		return;
	count_type(c, e.type);
	note_figures(c, &e);
	note_amendment(c, &e, v);
}

/* ---- The sheet ---- */

void
cover_figures(const struct cover *c, struct cover_figures *f)
{
	*f = (struct cover_figures){ .repairs_in_home = c->repairs.count, .callbacks_done = c->callbacks, .callbacks_attempted = c->attempts,
	    .households_called_back = c->households.count };
	for (size_t i = 0; i < c->repairs.room; i++)
		f->repairs_called_back += c->repairs.slots[i] != 0 && set_holds(&c->called, c->repairs.slots[i]);
}

static int
by_name(const void *a, const void *b)
{
	return (strcmp(((const struct cover_type *)a)->name, ((const struct cover_type *)b)->name));
}

static void
write_types(const struct cover *c, struct buffer *b)
{
	struct cover_type *sorted = alloc_or_exit(NULL, (c->type_count + 1) * sizeof(*sorted));

	for (size_t i = 0; i < c->type_count; i++)
		sorted[i] = c->types[i];
	qsort(sorted, c->type_count, sizeof(*sorted), by_name);
	buffer_text(b, "\"types\":{");
	for (size_t i = 0; i < c->type_count; i++) {
		buffer_text(b, i > 0 ? "," : "");
		json_write_text(b, sorted[i].name, strlen(sorted[i].name));
		buffer_printf(b, ":%" PRIu64, sorted[i].count);
	}
	buffer_text(b, "},");
	free(sorted);
}

static void
write_amendments(const struct cover *c, struct buffer *b)
{
	buffer_text(b, "\"late\":{");
	for (size_t i = 0; i < c->late_count; i++)
		buffer_printf(b, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", c->late[i].month, c->late[i].count);
	buffer_printf(b, "},\"amendment_count\":%" PRIu64 ",\"amendments\":[", c->amendment_count);
	for (size_t i = 0; i < c->listed; i++) {
		const struct cover_amendment *a = &c->amendments[i];

		buffer_printf(b, "%s{\"seq\":%" PRIu64 ",\"type\":", i > 0 ? "," : "", a->seq);
		json_write_text(b, a->type, strlen(a->type));
		if (a->event != 0)
			buffer_printf(b, ",\"event\":%" PRIu64, a->event);
		if (a->month[0] != '\0')
			buffer_printf(b, ",\"month\":\"%s\"", a->month);
		buffer_text(b, "}");
	}
	buffer_text(b, "]");
}

void
cover_write(const struct cover *c, struct buffer *b)
{
	char begin[SITETIME_TEXT], end[SITETIME_TEXT];
	struct cover_figures f;

	cover_figures(c, &f);
	sitetime_utc(c->begin / SECOND, 0, begin);
	sitetime_utc(c->end / SECOND, 0, end);
	buffer_printf(b, "{\"month\":\"%s\",\"log\":\"%s\",\"from\":\"%s\",\"until\":\"%s\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"events\":%"
	    PRIu64 ",\"bytes\":%" PRIu64 ",\"sealed\":%" PRIu64 ",", c->month, c->log, begin, end, c->first, c->last, c->events, c->bytes, c->sealed);
	buffer_printf(b, "\"repairs_in_home\":%" PRIu64 ",\"repairs_called_back\":%" PRIu64 ",\"callbacks_done\":%" PRIu64
	    ",\"callbacks_attempted\":%" PRIu64 ",\"households_called_back\":%" PRIu64 ",", f.repairs_in_home, f.repairs_called_back, f.callbacks_done,
	    f.callbacks_attempted, f.households_called_back);
	write_types(c, b);
	write_amendments(c, b);
	buffer_text(b, "}");
}

void
cover_free(struct cover *c)
{
	for (size_t i = 0; i < c->type_count; i++)
		free(c->types[i].name);
	free(c->types);
	free(c->repairs.slots);
	free(c->called.slots);
	free(c->households.slots);
	free(c->amendments);
	free(c->late);
}
