/* Two lists of conclusions, compared: see simulate.h. */
#include "simulate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "jsonl.h"
#include "lines.h"
#include "rfc3339.h"
#include "telling.h"

/* A field of data as text: the first of two that is there; `absent` if none is. */
static void
take_field(struct buffer *b, const struct event *e, const char *name, const char *or, const char *absent)
{
	buffer_clear(b);
	if (telling_field(b, e, name) && b->len > 0)
		return;
	buffer_clear(b);
	if (telling_field(b, e, or) && b->len > 0)
		return;
	buffer_clear(b);
	buffer_text(b, absent);
}

static int64_t
instant_of(const char *s, size_t len)
{
	uint32_t nanos;
	int64_t seconds;

	return (rfc3339_parse(s, len, &seconds, &nanos) ? seconds * 1000000000 + nanos : INT64_MIN);
}

/* Its strings live behind the id, in one piece of memory. */
static void
keep(struct conclusion *c, const struct event *e, const char *rule, const char *object)
{
	size_t rule_len = strlen(rule), object_len = strlen(object);
	char *p = alloc_or_exit(NULL, e->id.len + e->type.len + e->subject.len + rule_len + object_len + 5);

	c->id = p;
	p = (char *)mempcpy(p, e->id.s, e->id.len) + 1;
	p[-1] = '\0';
	c->type = p;
	p = (char *)mempcpy(p, e->type.s, e->type.len) + 1;
	p[-1] = '\0';
	c->subject = p;
	if (e->subject.s != NULL)
		p = mempcpy(p, e->subject.s, e->subject.len);
	*p++ = '\0';
	c->rule = p;
	p = (char *)mempcpy(p, rule, rule_len + 1);
	c->object = p;
	memcpy(p, object, object_len + 1);
}

/* One line.  False: it is no event. */
static bool
take(struct conclusions *list, struct jsonl *packed, struct buffer field[2], const char *line, size_t len)
{
	struct conclusion *c;
	struct event e;

	if (!jsonl_pack(packed, line, len) || !event_peek(&e, packed->bytes, packed->len) || e.id.s == NULL || e.type.s == NULL || !e.has_time)
		return (false);
	if (list->count == list->room) {
		list->room = list->room == 0 ? 1024 : 2 * list->room;
		list->items = alloc_or_exit(list->items, list->room * sizeof(*list->items));
	}
	c = &list->items[list->count++];
	*c = (struct conclusion){ .time = e.time_ns, .hash = XXH3_64bits(line, len) };
	take_field(&field[0], &e, "due", "expires", "");
	c->due = instant_of(field[0].data, field[0].len);
	/* A message says in its parameters what it is about. */
	take_field(&field[0], &e, "rule", "params.rule", "-");
	take_field(&field[1], &e, "obligation", "params.obligation", "");
	if (field[1].len == 0)
		buffer_add(&field[1], e.subject.s != NULL ? e.subject.s : "", e.subject.len);
	keep(c, &e, field[0].data, field[1].data);
	return (true);
}

bool
conclusions_read(struct conclusions *list, int fd)
{
	struct buffer field[2] = { { NULL, 0, 0 }, { NULL, 0, 0 } };
	struct jsonl packed = { .bytes = NULL };
	bool fine = true, on = true;
	struct lines in;
	const char *line;
	size_t len;

	lines_init(&in, fd);
	while (on && fine)
		switch (lines_next(&in, &line, &len)) {
		case LINES_ONE:
			fine = take(list, &packed, field, line, len);
			break;
		case LINES_WAIT:
			fine = lines_fill(&in) == 0;
			break;
		case LINES_LONG:
			fine = false;
			break;
		case LINES_END:
			on = false;
		}
	if (!fine)
		complain("simulate", "line %" PRIu64 " of what the rehearsal wrote is no event", in.number);
	lines_free(&in);
	jsonl_free(&packed);
	buffer_free(&field[0]);
	buffer_free(&field[1]);
	return (fine);
}

void
conclusions_free(struct conclusions *list)
{
	for (size_t i = 0; i < list->count; i++)
		free((void *)(uintptr_t)list->items[i].id);
	free(list->items);
}

static int
by_id(const void *a, const void *b)
{
	const struct conclusion *x = a, *y = b;

	return (strcmp(x->id, y->id));
}

/* Type, rule and object: what it is about. */
static int
about(const struct conclusion *x, const struct conclusion *y)
{
	int n;

	if ((n = strcmp(x->type, y->type)) == 0 && (n = strcmp(x->rule, y->rule)) == 0)
		n = strcmp(x->object, y->object);
	return (n);
}

static int
by_object(const void *a, const void *b)
{
	const struct conclusion *const *x = a, *const *y = b;
	int n;

	if ((n = about(*x, *y)) != 0)
		return (n);
	if ((*x)->time != (*y)->time)
		return ((*x)->time < (*y)->time ? -1 : 1);
	return (strcmp((*x)->id, (*y)->id));
}

static void
pair(struct conclusion *a, struct conclusion *b)
{
	a->other = b;
	b->other = a;
	if (a->hash == b->hash)
		a->difference = DIFFERENCE_NONE;
	else
		a->difference = a->time != b->time || a->due != b->due ? DIFFERENCE_MOVED : DIFFERENCE_OTHER;
	b->difference = a->difference;
}

static void
pair_by_id(struct conclusions *a, struct conclusions *b)
{
	int n;

	for (size_t i = 0, k = 0; i < a->count && k < b->count; i += n <= 0, k += n >= 0)
		if ((n = strcmp(a->items[i].id, b->items[k].id)) == 0)
			pair(&a->items[i], &b->items[k]);
}

/* Those without a counterpart, in the order of what they are about. */
static struct conclusion **
left_over(struct conclusions *list, size_t *count)
{
	struct conclusion **left = alloc_or_exit(NULL, (list->count + 1) * sizeof(*left));

	*count = 0;
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].other == NULL)
			left[(*count)++] = &list->items[i];
	qsort(left, *count, sizeof(*left), by_object);
	return (left);
}

static void
pair_by_object(struct conclusions *a, struct conclusions *b)
{
	size_t a_count, b_count;
	struct conclusion **x = left_over(a, &a_count), **y = left_over(b, &b_count);
	int n;

	for (size_t i = 0, k = 0; i < a_count && k < b_count; i += n <= 0, k += n >= 0)
		if ((n = about(x[i], y[k])) == 0) {
			pair(x[i], y[k]);
			/* Their ids differ, so their lines do: alike in all that counts is the same. */
			if (x[i]->difference == DIFFERENCE_OTHER)
				x[i]->difference = y[k]->difference = DIFFERENCE_NONE;
		}
	free(x);
	free(y);
}

void
simulate_compare(struct simulation *s)
{
	struct conclusions *a = &s->side[SIDE_A], *b = &s->side[SIDE_B];

	qsort(a->items, a->count, sizeof(*a->items), by_id);
	qsort(b->items, b->count, sizeof(*b->items), by_id);
	pair_by_id(a, b);
	pair_by_object(a, b);
	for (int side = 0; side < SIDES; side++)
		for (size_t i = 0; i < s->side[side].count; i++)
			if (s->side[side].items[i].other == NULL)
				s->side[side].items[i].difference = DIFFERENCE_ONLY;
}

static bool
holds(const struct period *p, int64_t at)
{
	return (at >= p->from && at <= p->until);
}

bool
simulate_within(const struct period *p, const struct conclusion *c)
{
	return (holds(p, c->time) || (c->other != NULL && holds(p, c->other->time)));
}

int64_t
simulate_move(const struct conclusion *c)
{
	const struct conclusion *b = c->other;

	if (c->due != b->due && c->due != INT64_MIN && b->due != INT64_MIN)
		return (b->due - c->due);
	return (b->time - c->time);
}
