#include "recent.h"

#include <stdlib.h>
#include <string.h>

void
recent_init(struct recent *r)
{
	memset(r, 0, sizeof(*r));
	r->room = 64;
	r->ring = must_alloc(r->room * sizeof(*r->ring));
}

static struct batch *
at(const struct recent *r, unsigned i)
{
	return (r->ring[(r->first + i) & (r->room - 1)]);
}

static void
drop_first(struct recent *r)
{
	struct batch *b = at(r, 0);

	r->bytes -= b->buffer_len;
	r->first = (r->first + 1) & (r->room - 1);
	r->count--;
	batch_unref(b);
}

void
recent_clear(struct recent *r)
{
	while (r->count > 0)
		drop_first(r);
	free(r->ring);
	r->ring = NULL;
}

static void
resize(struct recent *r, unsigned room)
{
	struct batch **ring = must_alloc(room * sizeof(*ring));

	for (unsigned i = 0; i < r->count; i++)
		ring[i] = at(r, i);
	free(r->ring);
	r->ring = ring;
	r->first = 0;
	r->room = room;
}

void
recent_add(struct recent *r, struct batch *b)
{
	if (r->count == r->room)
		resize(r, r->room * 2);
	r->ring[(r->first + r->count++) & (r->room - 1)] = batch_ref(b);
	r->bytes += b->buffer_len;
}

void
recent_trim(struct recent *r, uint64_t applied, size_t bytes_max)
{
	while (r->count > 0 && r->bytes > bytes_max && batch_last(at(r, 0)) <= applied)
		drop_first(r);
	if (r->room > 64 && r->count * 8 < r->room)
		resize(r, r->room / 4);
}

const struct batch *
recent_find(const struct recent *r, uint64_t seq)
{
	unsigned low = 0, high = r->count;

	if (r->count == 0 || seq < at(r, 0)->first_seq)
		return (NULL);
	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (at(r, middle)->first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	return (seq <= batch_last(at(r, low)) ? at(r, low) : NULL);
}
