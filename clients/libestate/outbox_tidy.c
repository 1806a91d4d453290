/* The outbox's file is written anew once more than half of it is dead. */
#include <stdlib.h>

#include "box.h"

/* A file below this is not worth writing anew. */
#define TIDY_BYTES	(1u << 20)

int
es_outbox_carry_over(struct estate_outbox *b, struct box_file *fresh, const struct box_entry *n, uint64_t at[2])
{
	struct frame_told t;
	int error;

	at[1] = 0;
	if ((error = es_box_file_read(&b->f, n->at, &t, b->scratch)) != 0)
		return (error);
	t = (struct frame_told){ .kind = FRAME_PUT, .len = t.len, .entry = n->number, .ms = n->put_ms, .other = (uint64_t)n->since_ms };
	if ((error = es_box_file_add(fresh, &t, b->scratch, &at[0])) != 0 || n->box == ESTATE_PENDING)
		return (error);
	t = (struct frame_told){ .kind = FRAME_REVIEW };
	if (n->box == ESTATE_REJECTED && n->why_at == 0)
		t.kind = FRAME_REJECTED;
	else if (n->box == ESTATE_REJECTED && (error = es_box_file_read(&b->f, n->why_at, &t, b->scratch)) != 0)
		return (error);
	t.entry = n->number;
	t.ms = n->moved_ms;
	return (es_box_file_add(fresh, &t, b->scratch, &at[1]));
}

static int
rewrite(struct estate_outbox *b)
{
	uint64_t (*places)[2] = calloc(b->x.count + 1, sizeof(*places));
	struct box_file fresh = { .fd = -1 };
	int error;

	if (places == NULL)
		return (ESTATE_SYSTEM);
	error = es_box_file_rewrite_begin(&b->f, &fresh, b->next);
	for (size_t i = 0; i < b->x.count && error == 0; i++) {
		if (!b->x.all[i].gone)
			error = es_outbox_carry_over(b, &fresh, &b->x.all[i], places[i]);
		if (error == 0 && fresh.owed_len > BOX_REWRITE_CHUNK)
			error = es_box_file_save(&fresh);
	}
	if (error == 0)
		error = es_box_file_rewrite_finish(&b->f, &fresh);
	if (error != 0)
		es_box_file_rewrite_abandon(&fresh);
	for (size_t i = 0; i < b->x.count && error == 0; i++) {
		b->x.all[i].at = places[i][0];
		b->x.all[i].why_at = b->x.all[i].box == ESTATE_REJECTED ? places[i][1] : 0;
	}
	free(places);
	return (error);
}

void
es_outbox_tidy(struct estate_outbox *b)
{
	uint64_t entries = b->x.entries[0] + b->x.entries[1] + b->x.entries[2];
	uint64_t living = b->x.bytes[0] + b->x.bytes[1] + b->x.bytes[2] + entries * BOX_FRAME_BYTES;

	es_box_index_tidy(&b->x);
	/* What is owed has its place in the old file. */
	if (b->f.end <= 2 * living + TIDY_BYTES || b->f.end < b->tidy_from || b->f.owed_len > 0)
		return;
	/* If it fails, for want of room say, the old file is as good as before, only longer. */
	b->tidy_from = rewrite(b) != 0 ? b->f.end + TIDY_BYTES : 0;
}
