/*
 * A binary heap of things that wait for their time.  Each begins with a heap_key; the earliest comes first, ties in the order they
 * were added, so a run never depends on the heap's inner arrangement.
 */
#ifndef GENERATE_HEAP_H
#define GENERATE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_key {
	int64_t at;		/* site time, set by the caller */
	uint64_t order;		/* set by heap_add */
};

struct heap {
	size_t size;		/* bytes of one element, heap_key included */
	size_t count;
	size_t room;
	uint64_t added;
	char *base;
	char *spare;		/* one element, the one being moved */
};

void	 heap_init(struct heap *, size_t size);
void	 heap_free(struct heap *);

/* Copies the element in.  Without memory the process ends with a message: a generator has nothing to save. */
void	 heap_add(struct heap *, const void *element);

/* The earliest key, or NULL when nothing waits. */
const struct heap_key	*heap_first(const struct heap *);

/* Copies the earliest element out and removes it; there must be one. */
void	 heap_take(struct heap *, void *element);

#endif
