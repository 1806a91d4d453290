/* The outbox's entries in memory: an array by number, in which what is gone stays until it is tidied. */
#include <stdlib.h>
#include <string.h>

#include "box.h"

#define TIDY_FROM	1024u

int
es_box_index_reserve(struct box_index *x, size_t more)
{
	size_t room = x->room == 0 ? 64 : x->room;
	struct box_entry *all;

	if (x->count + more <= x->room)
		return (0);
	while (room < x->count + more)
		room *= 2;
	if ((all = realloc(x->all, room * sizeof(*all))) == NULL)
		return (ESTATE_SYSTEM);
	x->all = all;
	x->room = room;
	return (0);
}

void
es_box_index_add(struct box_index *x, const struct box_entry *t)
{
	x->all[x->count++] = *t;
	x->entries[t->box]++;
	x->bytes[t->box] += t->len;
}

size_t
es_box_index_from(const struct box_index *x, uint64_t number)
{
	size_t low = 0, high = x->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (x->all[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return (low);
}

struct box_entry *
es_box_index_find(const struct box_index *x, uint64_t number)
{
	size_t i = es_box_index_from(x, number);

	return (i < x->count && x->all[i].number == number && !x->all[i].gone ? &x->all[i] : NULL);
}

void
es_box_index_move(struct box_index *x, struct box_entry *t, enum estate_box box)
{
	x->entries[t->box]--;
	x->bytes[t->box] -= t->len;
	t->box = (uint8_t)box;
	x->entries[box]++;
	x->bytes[box] += t->len;
}

void
es_box_index_remove(struct box_index *x, struct box_entry *t)
{
	x->entries[t->box]--;
	x->bytes[t->box] -= t->len;
	t->gone = true;
	x->gone++;
}

void
es_box_index_tidy(struct box_index *x)
{
	size_t kept = 0;

	if (x->gone < TIDY_FROM || x->gone < x->count / 2)
		return;
	for (size_t i = 0; i < x->count; i++)
		if (!x->all[i].gone)
			x->all[kept++] = x->all[i];
	x->count = kept;
	x->gone = 0;
}
