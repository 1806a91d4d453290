#include "inbox.h"

#include <stdlib.h>
#include <string.h>

static struct item *
add(struct inbox *b, enum item_kind kind)
{
	struct item *i;

	if (b->count == b->room) {
		b->room = b->room == 0 ? 256 : 2 * b->room;
		b->items = alloc_or_exit(b->items, b->room * sizeof(*b->items));
	}
	i = &b->items[b->count++];
	memset(i, 0, sizeof(*i));
	i->kind = kind;
	return (i);
}

void
inbox_event(struct inbox *b, enum item_kind kind, const struct estate_event *v)
{
	struct item *i = add(b, kind);

	i->seq = v->seq;
	i->flags = v->flags;
	i->log_time = v->log_time;
	i->at = b->bytes.len;
	i->sender_len = (uint32_t)v->sender_len;
	i->len = (uint32_t)v->len;
	buffer_add(&b->bytes, v->sender, v->sender_len);
	buffer_add(&b->bytes, v->bytes, v->len);
}

void
inbox_progress(struct inbox *b, enum item_kind kind, uint64_t seq, int64_t log_time, bool end)
{
	struct item *i = b->count > 0 && kind == ITEM_PROGRESS && b->items[b->count - 1].kind == kind ? &b->items[b->count - 1] : add(b, kind);

	i->seq = seq;
	i->log_time = log_time;
	i->end = end;
}

struct stored
inbox_stored(const struct inbox *b, const struct item *i)
{
	const char *at = b->bytes.data + i->at;

	return ((struct stored){ i->seq, i->log_time, i->flags, { at, i->sender_len }, at + i->sender_len, i->len });
}

void
inbox_clear(struct inbox *b)
{
	b->count = 0;
	buffer_clear(&b->bytes);
}

void
inbox_free(struct inbox *b)
{
	free(b->items);
	buffer_free(&b->bytes);
	memset(b, 0, sizeof(*b));
}
