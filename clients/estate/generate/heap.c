#include <assert.h>
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

static char *
element(const struct heap *h, size_t i)
{
	return (h->base + i * h->size);
}

static bool
earlier(const void *a, const void *b)
{
	const struct heap_key *x = a, *y = b;

	return (x->at != y->at ? x->at < y->at : x->order < y->order);
}

void
heap_init(struct heap *h, size_t size)
{
	*h = (struct heap){ .size = size };
	if ((h->spare = malloc(size)) == NULL)
		err(1, "generate: memory for a queue of steps");
}

void
heap_free(struct heap *h)
{
	free(h->base);
	free(h->spare);
	*h = (struct heap){ 0 };
}

void
heap_add(struct heap *h, const void *e)
{
	size_t i, parent;

	if (h->count == h->room) {
		h->room = h->room == 0 ? 256 : h->room * 2;
		if ((h->base = reallocarray(h->base, h->room, h->size)) == NULL)
			err(1, "generate: memory for %zu waiting steps", h->room);
	}
	memcpy(h->spare, e, h->size);
	((struct heap_key *)(void *)h->spare)->order = h->added++;
	for (i = h->count++; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (!earlier(h->spare, element(h, parent)))
			break;
		memcpy(element(h, i), element(h, parent), h->size);
	}
	memcpy(element(h, i), h->spare, h->size);
}

const struct heap_key *
heap_first(const struct heap *h)
{
	return (h->count == 0 ? NULL : (const void *)h->base);
}

void
heap_take(struct heap *h, void *e)
{
	size_t i = 0, child;

	assert(h->count > 0);
	memcpy(e, h->base, h->size);
	h->count--;
	memcpy(h->spare, element(h, h->count), h->size);
	while ((child = 2 * i + 1) < h->count) {
		if (child + 1 < h->count && earlier(element(h, child + 1), element(h, child)))
			child++;
		if (!earlier(element(h, child), h->spare))
			break;
		memcpy(element(h, i), element(h, child), h->size);
		i = child;
	}
	if (h->count > 0)
		memcpy(element(h, i), h->spare, h->size);
}
