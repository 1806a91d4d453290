#include "rights.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "bounds.h"
#include "filter.h"
#include "nearest.h"

static const struct rights_row rows[] = {
	{ "put", RIGHTS_TYPES, offsetof(struct rights, put), 0, 0, "types it may put" },
	{ "sources", RIGHTS_SOURCES, offsetof(struct rights, sources), 0, 0, "sources it may put from" },
	{ "read", RIGHTS_TYPES, offsetof(struct rights, read), 0, 0, "types it may read" },
	{ "answer", RIGHTS_SERVICES, offsetof(struct rights, answer), 0, 0, "services it may register" },
	{ "ask", RIGHTS_SERVICES, offsetof(struct rights, ask), 0, 0, "services it may query" },
	{ "operate", RIGHTS_FLAG, offsetof(struct rights, operate), 0, 0, "may back up, accept the clock, add and revoke clients" },
	{ "see_personal", RIGHTS_FLAG, offsetof(struct rights, see_personal), 0, 0, "sees personal fields; else a mask" },
	{ "events_per_s", RIGHTS_LIMIT, offsetof(struct rights, events_per_s), 1, 1000000, "events it may put a second" },
	{ "bytes_in_flight", RIGHTS_LIMIT, offsetof(struct rights, bytes_in_flight), 2 * EVENT_BYTES_MAX, SESSION_CREDIT_BYTES,
	    "bytes of unanswered puts" },
	{ "subscriptions", RIGHTS_LIMIT, offsetof(struct rights, subscriptions), 1, 4096, "subscriptions at once" },
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

/* The daemon's own events have this source: only who names it may use it. */
#define OWN_SOURCE	"/estated"

const struct rights_row *
rights_row_at(unsigned i)
{
	return (i < ROWS ? &rows[i] : NULL);
}

const struct rights_row *
rights_row(const char *name)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (&rows[i]);
	return (NULL);
}

struct rights_list *
rights_list_of(struct rights *r, const struct rights_row *row)
{
	assert(row->kind <= RIGHTS_SERVICES);
	return ((struct rights_list *)((char *)r + row->offset));
}

bool *
rights_flag_of(struct rights *r, const struct rights_row *row)
{
	assert(row->kind == RIGHTS_FLAG);
	return ((bool *)((char *)r + row->offset));
}

uint64_t *
rights_limit_of(struct rights *r, const struct rights_row *row)
{
	assert(row->kind == RIGHTS_LIMIT);
	return ((uint64_t *)((char *)r + row->offset));
}

static bool
any_type_matches(const char *pattern)
{
	for (unsigned i = 0; i < catalogue_count(); i++)
		if (pattern_matches(pattern, catalogue_at(i)->name, catalogue_at(i)->len))
			return (true);
	return (false);
}

static int
check_type(const char *item, char *why, size_t why_len)
{
	const char *near = catalogue_nearest(item, strlen(item));

	if (!pattern_valid(item, (uint32_t)strlen(item)))
		snprintf(why, why_len, "\"%.70s\" is no pattern: dotted words, * for one word, ** at the end for the rest", item);
	else if (any_type_matches(item))
		return (0);
	else if (strchr(item, '*') != NULL || near == NULL)
		snprintf(why, why_len, "\"%.70s\" matches no event type; estate types lists them", item);
	else
		snprintf(why, why_len, "there is no event type \"%.70s\"; the nearest is \"%s\"", item, near);
	return (-1);
}

static int
check_source(const char *item, char *why, size_t why_len)
{
	size_t n = strlen(item);
	const char *star = strchr(item, '*');
	bool printable = n > 0 && n <= SOURCE_CHARS_MAX;

	for (size_t i = 0; i < n; i++)
		printable = printable && item[i] > ' ' && item[i] < 0x7f;
	if (printable && (star == NULL || (star == item + n - 1 && (n == 1 || star[-1] == '/'))))
		return (0);
	snprintf(why, why_len, "\"%.130s\" is no source: write one exactly, or all below it as /estate/kiosk/*, or * for any", item);
	return (-1);
}

int
rights_check_item(enum rights_kind kind, const char *item, char *why, size_t why_len)
{
	if (kind == RIGHTS_TYPES)
		return (check_type(item, why, why_len));
	if (kind == RIGHTS_SOURCES)
		return (check_source(item, why, why_len));
	if (strcmp(item, "*") == 0 || id_valid(item, strlen(item)))
		return (0);
	snprintf(why, why_len, "\"%.70s\" is no service: 1 to 64 characters of A-Z a-z 0-9 . _ : / -, or * for any", item);
	return (-1);
}

void
rights_add(struct rights_list *l, const char *item)
{
	assert(l->count < RIGHTS_ITEMS_MAX);
	l->items = must_realloc(l->items, (l->count + 1) * sizeof(*l->items));
	l->items[l->count++] = must_strdup(item);
}

static bool
any_pattern(const struct rights_list *l, const char *type, uint32_t len)
{
	for (unsigned i = 0; i < l->count; i++)
		if (pattern_matches(l->items[i], type, len))
			return (true);
	return (false);
}

static bool
has(const struct rights_list *l, const char *item)
{
	for (unsigned i = 0; i < l->count; i++)
		if (strcmp(l->items[i], item) == 0)
			return (true);
	return (false);
}

void
rights_settle(struct rights *r)
{
	assert(catalogue_count() <= RIGHTS_TYPES_MAX);
	memset(r->put_types, 0, sizeof(r->put_types));
	memset(r->read_types, 0, sizeof(r->read_types));
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);

		r->put_types[i / 64] |= (uint64_t)any_pattern(&r->put, t->name, t->len) << i % 64;
		r->read_types[i / 64] |= (uint64_t)any_pattern(&r->read, t->name, t->len) << i % 64;
	}
	r->any_source = has(&r->sources, "*") && has(&r->sources, OWN_SOURCE) && has(&r->sources, OWN_SOURCE "/*");
	r->reads_all = has(&r->read, "**");
}

void
rights_copy(struct rights *to, const struct rights *from)
{
	*to = *from;
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].kind <= RIGHTS_SERVICES) {
			struct rights_list *l = rights_list_of(to, &rows[i]), old = *l;

			*l = (struct rights_list){ NULL, 0 };
			for (unsigned k = 0; k < old.count; k++)
				rights_add(l, old.items[k]);
		}
}

void
rights_clear_list(struct rights_list *l)
{
	while (l->count > 0)
		free(l->items[--l->count]);
	free(l->items);
	l->items = NULL;
}

void
rights_clear(struct rights *r)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (rows[i].kind <= RIGHTS_SERVICES)
			rights_clear_list(rights_list_of(r, &rows[i]));
}

static bool
list_equal(const struct rights_list *a, const struct rights_list *b)
{
	if (a->count != b->count)
		return (false);
	for (unsigned i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return (false);
	return (true);
}

bool
rights_equal(const struct rights *a, const struct rights *b)
{
	return (list_equal(&a->put, &b->put) && list_equal(&a->sources, &b->sources) && list_equal(&a->read, &b->read) &&
	    list_equal(&a->answer, &b->answer) && list_equal(&a->ask, &b->ask) && a->operate == b->operate &&
	    a->see_personal == b->see_personal && a->events_per_s == b->events_per_s && a->bytes_in_flight == b->bytes_in_flight &&
	    a->subscriptions == b->subscriptions);
}

bool
rights_may_put_type(const struct rights *r, const struct type *t)
{
	return ((r->put_types[t->index / 64] >> t->index % 64 & 1) != 0);
}

/* The daemon's, or one of its workers'. */
static bool
own_source(const char *source, uint32_t len)
{
	const size_t n = sizeof(OWN_SOURCE) - 1;

	return (len >= n && memcmp(source, OWN_SOURCE, n) == 0 && (len == n || source[n] == '/'));
}

bool
rights_may_use_source(const struct rights *r, const char *source, uint32_t len)
{
	if (r->any_source)
		return (true);
	for (unsigned i = 0; i < r->sources.count; i++) {
		const char *p = r->sources.items[i];
		size_t n = strlen(p);

		if (p[n - 1] != '*') {
			if (mp_equal(source, len, p))
				return (true);
		} else if (n == 1 ? !own_source(source, len) : len >= n && memcmp(source, p, n - 1) == 0)
			return (true);
	}
	return (false);
}

bool
rights_may_read_event(const struct rights *r, const struct event *e)
{
	if (r->reads_all)
		return (true);
	if (e->kind != NULL)
		return ((r->read_types[e->kind->index / 64] >> e->kind->index % 64 & 1) != 0);
	/* Stored under another release's catalogue. */
	return (any_pattern(&r->read, e->type.s, e->type.len));
}

bool
rights_may_list(const struct rights_list *l, const char *service, uint32_t len)
{
	for (unsigned i = 0; i < l->count; i++)
		if (strcmp(l->items[i], "*") == 0 || mp_equal(service, len, l->items[i]))
			return (true);
	return (false);
}
