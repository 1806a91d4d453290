/* The puts nobody answered yet: see window.h. */
#include "window.h"

#include <stdlib.h>
#include <string.h>

#define RING_BYTES_FIRST	(64u << 10)

int
es_window_init(struct window *w, size_t limit)
{
	size_t size = 1;

	memset(w, 0, sizeof(*w));
	while (size < limit)
		size *= 2;
	w->mask = size - 1;
	w->limit = limit;
	w->head = w->next = w->tail = 1;
	w->slots = calloc(size, sizeof(*w->slots));
	w->frames = calloc(size, sizeof(*w->frames));
	if (w->slots == NULL || w->frames == NULL) {
		es_window_fini(w);
		return (-1);
	}
	return (0);
}

void
es_window_fini(struct window *w)
{
	free(w->slots);
	free(w->frames);
	free(w->ring);
	memset(w, 0, sizeof(*w));
}

void
es_window_copy(const struct window *w, uint64_t at, void *to, size_t len)
{
	size_t from = (size_t)at & (w->ring_size - 1);
	size_t part = w->ring_size - from;

	if (len == 0)
		return;
	if (part > len)
		part = len;
	memcpy(to, w->ring + from, part);
	memcpy((uint8_t *)to + part, w->ring, len - part);
}

int
es_window_reserve(struct window *w, size_t len)
{
	size_t size = w->ring_size != 0 ? w->ring_size : RING_BYTES_FIRST;
	size_t held = es_window_held(w), from, part;
	uint8_t *ring;

	if (held + len <= w->ring_size)
		return (0);
	while (size < held + len)
		size *= 2;
	if ((ring = malloc(size)) == NULL)
		return (-1);
	/* An offset keeps its meaning: it only has more bits that count. */
	from = (size_t)w->at_head & (size - 1);
	part = size - from < held ? size - from : held;
	es_window_copy(w, w->at_head, ring + from, part);
	es_window_copy(w, w->at_head + part, ring, held - part);
	free(w->ring);
	w->ring = ring;
	w->ring_size = size;
	return (0);
}

static void
append(struct window *w, const void *bytes, size_t len)
{
	size_t to = (size_t)w->at_tail & (w->ring_size - 1);
	size_t part = w->ring_size - to;

	if (part >= len)
		memcpy(w->ring + to, bytes, len);
	else {
		memcpy(w->ring + to, bytes, part);
		memcpy(w->ring, (const uint8_t *)bytes + part, len - part);
	}
	w->at_tail += len;
}

void
es_window_add_event(struct window *w, const void *bytes, uint32_t len)
{
	/* Once an event, so written here: msgpack-c's packer costs a call through a pointer for each field. */
	uint8_t head[WINDOW_BIN_HEADER_MAX] = { 0xc6, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len };

	if (len <= UINT8_MAX) {
		head[3] = 0xc4;
		append(w, head + 3, 2);
	} else if (len <= UINT16_MAX) {
		head[2] = 0xc5;
		append(w, head + 2, 3);
	} else
		append(w, head, 5);
	append(w, bytes, len);
}

uint64_t
es_window_add_put(struct window *w, uint64_t at, uint16_t count, bool batch, uint64_t cookie)
{
	struct slot *s = es_window_slot(w, w->tail);

	s->at = at;
	s->cookie = cookie;
	s->len = (uint32_t)(w->at_tail - at);
	s->count = count;
	s->batch = batch;
	s->answered = false;
	w->open++;
	return (w->tail++);
}

uint32_t
es_window_stretch(struct window *w, size_t bytes_max, uint32_t puts_max, uint64_t *at, size_t *len)
{
	const struct slot *s;
	uint32_t puts = 0;

	while (w->next < w->tail && es_window_slot(w, w->next)->answered)
		w->next++;
	*len = 0;
	for (uint64_t n = w->next; n < w->tail && puts < puts_max; n++, puts++) {
		s = es_window_slot(w, n);
		if (s->answered || (s->batch && puts > 0) || *len + s->len > bytes_max)
			break;
		if (puts == 0)
			*at = s->at;
		*len += s->len;
		if (s->batch)
			return (1);
	}
	return (puts);
}

void
es_window_sent(struct window *w, uint32_t puts, size_t bytes)
{
	struct frame *f = &w->frames[w->frame_tail++ & w->mask];

	f->first = w->next;
	f->last = w->next + puts - 1;
	f->bytes = (uint32_t)bytes;
	w->on_the_way += bytes;
	w->next += puts;
}

/* What is answered at the head is free. */
static void
advance(struct window *w)
{
	while (w->head < w->tail && es_window_slot(w, w->head)->answered) {
		w->at_head = es_window_slot(w, w->head)->at + es_window_slot(w, w->head)->len;
		w->head++;
	}
	if (w->next < w->head)
		w->next = w->head;
	while (w->frame_head < w->frame_tail && w->frames[w->frame_head & w->mask].last < w->head)
		w->on_the_way -= w->frames[w->frame_head++ & w->mask].bytes;
}

bool
es_window_answered(struct window *w, uint64_t number)
{
	struct slot *s = es_window_slot(w, number);

	if (number < w->head || number >= w->tail || s->answered)
		return (false);
	s->answered = true;
	w->open--;
	if (number == w->head)
		advance(w);
	return (true);
}

void
es_window_rewind(struct window *w, uint64_t from)
{
	struct frame *f;

	if (from < w->head)
		from = w->head;
	if (from > w->next)
		return;
	while (w->frame_tail > w->frame_head) {
		f = &w->frames[(w->frame_tail - 1) & w->mask];
		if (f->first < from) {
			/* A frame cut in two keeps its whole weight until its first part is answered. */
			if (f->last >= from)
				f->last = from - 1;
			break;
		}
		w->on_the_way -= f->bytes;
		w->frame_tail--;
	}
	w->next = from;
}
