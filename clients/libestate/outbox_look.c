/* Looking into the outbox: what is in which box, and why. */
#include <stdio.h>
#include <string.h>

#include "box.h"

const char *
estate_box_name(enum estate_box box)
{
	static const char *const names[] = { "pending", "rejected", "review" };

	return ((unsigned)box < 3 ? names[box] : "?");
}

void
estate_outbox_counts(const struct estate_outbox *b, struct estate_outbox_counts *c)
{
	const struct box_entry *n;

	memset(c, 0, sizeof(*c));
	memcpy(c->entries, b->x.entries, sizeof(c->entries));
	memcpy(c->bytes, b->x.bytes, sizeof(c->bytes));
	for (size_t i = 0; i < b->x.count; i++) {
		n = &b->x.all[i];
		if (!n->gone && (c->oldest_ms[n->box] == 0 || n->put_ms < c->oldest_ms[n->box]))
			c->oldest_ms[n->box] = n->put_ms;
	}
}

static void
too_old(struct estate_fault *f)
{
	snprintf(f->name, sizeof(f->name), "too-old");
	snprintf(f->text, sizeof(f->text), "older than the daemon remembers duplicates for: whether it is in the log already, somebody must look");
}

/* *t from the index, with the reason from the file. */
static int
describe(struct estate_outbox *b, const struct box_entry *n, struct estate_entry *t)
{
	struct frame_told told_of;
	struct mp m;
	int error;

	*t = (struct estate_entry){ .number = n->number, .box = (enum estate_box)n->box, .len = n->len, .put_ms = n->put_ms,
	    .moved_ms = n->moved_ms, .under_way = n->under_way, .fault = { .index = -1 } };
	if (n->box == ESTATE_REVIEW)
		too_old(&t->fault);
	if (n->box != ESTATE_REJECTED || n->why_at == 0)
		return (0);
	/* It may have been refused in this very moment. */
	if (n->why_at >= b->f.end) {
		const uint8_t *frame = b->f.owed + (n->why_at - b->f.end);

		m = mp_over(frame + BOX_FRAME_BYTES, b->f.owed_len - (size_t)(n->why_at - b->f.end) - BOX_FRAME_BYTES);
	} else {
		if ((error = es_box_file_read(&b->f, n->why_at, &told_of, b->scratch)) != 0)
			return (error);
		m = mp_over(b->scratch, told_of.len);
	}
	(void)es_fault_read(&m, &t->fault);
	return (0);
}

int
estate_outbox_next(struct estate_outbox *b, enum estate_box box, uint64_t after, struct estate_entry *entry)
{
	int error;

	for (size_t i = es_box_index_from(&b->x, after + 1); i < b->x.count; i++) {
		if (b->x.all[i].gone || b->x.all[i].box != (uint8_t)box)
			continue;
		error = describe(b, &b->x.all[i], entry);
		return (error != 0 ? error : 1);
	}
	return (0);
}

int
estate_outbox_get(struct estate_outbox *b, uint64_t number, struct estate_entry *entry, void *bytes)
{
	const struct box_entry *n = es_box_index_find(&b->x, number);
	struct frame_told t;
	int error;

	if (n == NULL)
		return (E_NOT_FOUND);
	if ((error = describe(b, n, entry)) != 0 || bytes == NULL)
		return (error);
	return (es_box_file_read(&b->f, n->at, &t, bytes));
}
