/* Parcels on their way: see parcel.h. */
#include "parcel.h"

#include <stdlib.h>
#include <string.h>

void
parcels_init(struct parcels *p)
{
	memset(p, 0, sizeof(*p));
	p->waiting_end = &p->waiting;
}

void
parcels_fini(struct parcels *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		free(p->all[i]->items);
		free(p->all[i]->events);
		buffer_free(&p->all[i]->bytes);
		free(p->all[i]);
	}
	free(p->all);
	parcels_init(p);
}

static struct parcel *
parcel_new(struct parcels *p)
{
	struct parcel *c = memset(alloc_or_exit(NULL, sizeof(*c)), 0, sizeof(*c));

	if (p->count == p->room) {
		p->room = p->room == 0 ? 256 : p->room * 2;
		p->all = alloc_or_exit(p->all, p->room * sizeof(struct parcel *));
	}
	c->number = p->count;
	p->all[p->count++] = c;
	return (c);
}

struct parcel *
parcels_take(struct parcels *p)
{
	struct parcel *c = p->free;

	if (c != NULL)
		p->free = c->next;
	else
		c = parcel_new(p);
	c->used = true;
	c->next = NULL;
	c->count = 0;
	buffer_clear(&c->bytes);
	p->used++;
	return (c);
}

void
parcels_release(struct parcels *p, struct parcel *c)
{
	c->used = false;
	c->next = p->free;
	p->free = c;
	p->used--;
}

struct parcel *
parcels_at(const struct parcels *p, uint64_t cookie)
{
	return (p->all[cookie]);
}

void
parcel_add(struct parcel *c, const struct item *it, const void *bytes, size_t len)
{
	if (c->count == c->room) {
		c->room = c->room == 0 ? 1 : c->room * 2;
		c->items = alloc_or_exit(c->items, c->room * sizeof(*c->items));
		c->events = alloc_or_exit(c->events, c->room * sizeof(*c->events));
	}
	c->items[c->count] = *it;
	c->events[c->count++].len = len;
	buffer_add(&c->bytes, bytes, len);
}

struct estate_bytes *
parcel_events(struct parcel *c)
{
	size_t at = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		c->events[i].bytes = c->bytes.data + at;
		at += c->events[i].len;
	}
	return (c->events);
}

static void
wait_again(struct parcels *p, struct parcel *c)
{
	c->next = NULL;
	*p->waiting_end = c;
	p->waiting_end = &c->next;
}

void
parcels_refused(struct parcels *p, struct parcel *c, int64_t bad)
{
	struct estate_bytes *events = parcel_events(c);
	struct parcel *rest = NULL;

	for (uint32_t i = 0; i < c->count && c->count > 1; i++) {
		if ((int64_t)i == bad)
			continue;
		if (rest == NULL || bad < 0)
			wait_again(p, rest = parcels_take(p));
		parcel_add(rest, &c->items[i], events[i].bytes, events[i].len);
	}
	parcels_release(p, c);
}

struct parcel *
parcels_waiting(const struct parcels *p)
{
	return (p->waiting);
}

void
parcels_sent(struct parcels *p, struct parcel *c)
{
	if (p->waiting != c)
		return;
	if ((p->waiting = c->next) == NULL)
		p->waiting_end = &p->waiting;
	c->next = NULL;
}

uint64_t
parcels_first_line(const struct parcels *p)
{
	uint64_t first = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct parcel *c = p->all[i];

		if (c->used && c->count > 0 && (first == 0 || c->items[0].line < first))
			first = c->items[0].line;
	}
	return (first);
}

uint64_t
parcels_lines(const struct parcels *p)
{
	uint64_t lines = 0;

	for (uint32_t i = 0; i < p->count; i++)
		if (p->all[i]->used)
			lines += p->all[i]->count;
	return (lines);
}
