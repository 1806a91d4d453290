/* The outbox: what the file told, hand-over, replay and drop.  See box.h for the files beside this one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "box.h"

#define ENTRIES_MAX	1000000u
#define BYTES_MAX	((uint64_t)1 << 30)
#define HORIZON_DAYS	370u
#define HORIZON_DAYS_MAX 400u

int64_t
es_outbox_now_ms(const struct estate_outbox *b)
{
	struct timespec t;

	if (b->o.now_ms != NULL)
		return (b->o.now_ms(b->o.user));
	clock_gettime(CLOCK_REALTIME, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* ---- What the file tells ---- */

/* Numbers rise.  The head of a file that was written anew knows one above all of its entries. */
static bool
number_rises(struct estate_outbox *b, uint64_t number)
{
	if (b->x.count > 0 && number <= b->x.all[b->x.count - 1].number)
		return (false);
	if (number >= b->next)
		b->next = number + 1;
	return (true);
}

static bool
told_put(struct estate_outbox *b, const struct frame_told *t, uint64_t at)
{
	struct box_entry n = { .number = t->entry, .at = at, .put_ms = t->ms, .since_ms = (int64_t)t->other, .moved_ms = (int64_t)t->other,
	    .len = t->len };

	if (es_box_index_reserve(&b->x, 1) != 0 || !number_rises(b, t->entry))
		return (false);
	es_box_index_add(&b->x, &n);
	return (true);
}

static bool
replay_in_index(struct estate_outbox *b, uint64_t from, uint64_t to, int64_t now)
{
	struct box_entry *old, n;

	if (es_box_index_reserve(&b->x, 1) != 0 || (old = es_box_index_find(&b->x, from)) == NULL || !number_rises(b, to))
		return (false);
	n = *old;
	n.number = to;
	n.box = ESTATE_PENDING;
	n.why_at = 0;
	n.since_ms = n.moved_ms = now;
	es_box_index_remove(&b->x, old);
	es_box_index_add(&b->x, &n);
	return (true);
}

bool
es_outbox_told(struct estate_outbox *b, const struct frame_told *t, uint64_t at)
{
	struct box_entry *n;

	if (t->kind == FRAME_PUT)
		return (told_put(b, t, at));
	if (t->kind == FRAME_REPLAYED)
		return (replay_in_index(b, t->entry, t->other, t->ms));
	if ((n = es_box_index_find(&b->x, t->entry)) == NULL)
		return (false);
	switch (t->kind) {
	case FRAME_SENT:
	case FRAME_DROPPED:
		es_box_index_remove(&b->x, n);
		es_box_index_tidy(&b->x);
		return (true);
	case FRAME_REJECTED:
	case FRAME_REVIEW:
		n->why_at = t->kind == FRAME_REJECTED ? at : 0;
		n->moved_ms = t->ms;
		es_box_index_move(&b->x, n, t->kind == FRAME_REJECTED ? ESTATE_REJECTED : ESTATE_REVIEW);
		return (true);
	default:
		return (false);
	}
}

static bool
told(void *user, const struct frame_told *t, uint64_t at)
{
	return (es_outbox_told(user, t, at));
}

/* ---- Open and close ---- */

static bool
options_valid(struct estate_outbox_options *o)
{
	if (o->entries_max == 0)
		o->entries_max = ENTRIES_MAX;
	if (o->bytes_max == 0)
		o->bytes_max = BYTES_MAX;
	if (o->horizon_days == 0)
		o->horizon_days = HORIZON_DAYS;
	return (o->horizon_days <= HORIZON_DAYS_MAX);
}

int
estate_outbox_open(const char *path, const struct estate_outbox_options *options, struct estate_outbox **out, char why[ESTATE_OUTBOX_WHY])
{
	struct estate_outbox *b;
	int error;

	*out = NULL;
	if ((b = calloc(1, sizeof(*b))) == NULL) {
		snprintf(why, ESTATE_OUTBOX_WHY, "no memory");
		return (ESTATE_SYSTEM);
	}
	b->f.fd = b->f.folder = b->f.lock = -1;
	if (options != NULL)
		b->o = *options;
	if (path == NULL || *path == '\0' || !options_valid(&b->o)) {
		snprintf(why, ESTATE_OUTBOX_WHY, "an option is outside its bound: horizon_days up to %u, and a folder is needed", HORIZON_DAYS_MAX);
		error = ESTATE_INVALID;
	} else if ((error = es_box_file_open(&b->f, path, b->o.readonly, &b->next, why)) == 0)
		error = es_box_file_scan(&b->f, told, b, why);
	if (error != 0) {
		estate_outbox_close(b);
		return (error);
	}
	*out = b;
	return (0);
}

void
estate_outbox_close(struct estate_outbox *b)
{
	int saved = errno;

	if (b == NULL)
		return;
	estate_close(b->e);
	/* What cannot be noted is sent once more another time. */
	if (b->f.fd >= 0 && !b->f.readonly)
		(void)es_box_file_flush(&b->f);
	es_box_file_close(&b->f);
	free(b->x.all);
	free(b);
	errno = saved;
}

/* ---- Hand-over ---- */

static int
admit(const struct estate_outbox *b, const struct estate_bytes *events, size_t count)
{
	uint64_t bytes = b->x.bytes[0] + b->x.bytes[1] + b->x.bytes[2], entries = b->x.entries[0] + b->x.entries[1] + b->x.entries[2];

	if (b->o.readonly || count == 0 || events == NULL)
		return (ESTATE_INVALID);
	for (size_t i = 0; i < count; i++) {
		if (events[i].len == 0 || events[i].bytes == NULL)
			return (ESTATE_INVALID);
		if (events[i].len > EVENT_BYTES_MAX)
			return (E_TOO_LARGE);
		bytes += events[i].len;
	}
	return (bytes > b->o.bytes_max || entries + count > b->o.entries_max ? ESTATE_FULL : 0);
}

/* Write what is owed, and flush unless that may wait; when the frames from `mark` on did not come so far they are forgotten. */
static int
settle(struct estate_outbox *b, size_t mark, bool flush)
{
	if (es_box_file_save(&b->f) != 0) {
		b->f.owed_len = mark;
		return (ESTATE_SYSTEM);
	}
	return (flush ? es_box_file_flush(&b->f) : 0);
}

int
estate_outbox_put_all(struct estate_outbox *b, const struct estate_bytes *events, size_t count, uint64_t *entry)
{
	struct frame_told t = { .kind = FRAME_PUT };
	struct box_entry n = { .box = ESTATE_PENDING };
	size_t mark = b->f.owed_len, first = b->x.count;
	uint64_t at;
	int error;

	if ((error = admit(b, events, count)) != 0 || (error = es_box_index_reserve(&b->x, count)) != 0)
		return (error);
	n.put_ms = n.since_ms = n.moved_ms = t.ms = es_outbox_now_ms(b);
	t.other = (uint64_t)t.ms;
	for (size_t i = 0; i < count; i++) {
		t.entry = b->next + i;
		t.len = (uint32_t)events[i].len;
		if ((error = es_box_file_add(&b->f, &t, events[i].bytes, &at)) != 0) {
			b->f.owed_len = mark;
			return (error);
		}
		/* Beyond the index's end until the disk has it. */
		n.number = t.entry;
		n.at = at;
		n.len = t.len;
		b->x.all[first + i] = n;
	}
	if ((error = settle(b, mark, !b->o.group_flush)) != 0)
		return (error);
	for (size_t i = 0; i < count; i++) {
		n = b->x.all[first + i];
		es_box_index_add(&b->x, &n);
	}
	if (entry != NULL)
		*entry = b->next;
	b->next += count;
	return (0);
}

int
estate_outbox_put(struct estate_outbox *b, const void *bytes, size_t len, uint64_t *entry)
{
	struct estate_bytes one = { bytes, len };

	return (estate_outbox_put_all(b, &one, 1, entry));
}

int
estate_outbox_flush(struct estate_outbox *b)
{
	return (es_box_file_flush(&b->f));
}

/* ---- An entry leaves pending ---- */

void
es_outbox_sent(struct estate_outbox *b, struct box_entry *n)
{
	struct frame_told t = { .kind = FRAME_SENT, .entry = n->number, .ms = es_outbox_now_ms(b) };
	uint64_t at;

	/* Without memory it is not noted, and sent again after the next start. */
	(void)es_box_file_add(&b->f, &t, NULL, &at);
	es_box_index_remove(&b->x, n);
}

/* A fault as on the wire, so that es_fault_read() reads it. */
static void
pack_fault(msgpack_sbuffer *s, const struct estate_fault *f)
{
	const char *const texts[][2] = { { "name", f->name }, { "text", f->text }, { "path", f->path }, { "detail", f->detail } };
	msgpack_packer p;

	msgpack_packer_init(&p, s, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 5);
	pack_text(&p, "code");
	msgpack_pack_int(&p, f->code);
	for (size_t i = 0; i < 4; i++) {
		pack_text(&p, texts[i][0]);
		pack_text(&p, texts[i][1]);
	}
}

void
es_outbox_set_aside(struct estate_outbox *b, struct box_entry *n, enum estate_box box, const struct estate_fault *why)
{
	struct frame_told t = { .kind = box == ESTATE_REJECTED ? FRAME_REJECTED : FRAME_REVIEW, .entry = n->number, .ms = es_outbox_now_ms(b) };
	msgpack_sbuffer s;

	msgpack_sbuffer_init(&s);
	if (why != NULL)
		pack_fault(&s, why);
	t.len = (uint32_t)s.size;
	/* Without memory it stays pending in the file, and is refused again after the next start. */
	if (es_box_file_add(&b->f, &t, s.data, &n->why_at) != 0 || why == NULL)
		n->why_at = 0;
	msgpack_sbuffer_destroy(&s);
	n->moved_ms = t.ms;
	n->under_way = false;
	es_box_index_move(&b->x, n, box);
}

/* ---- Mending ---- */

/* One frame, durable before this returns. */
static int
note(struct estate_outbox *b, const struct frame_told *t)
{
	size_t mark = b->f.owed_len;
	uint64_t at;
	int error;

	if ((error = es_box_file_add(&b->f, t, NULL, &at)) != 0)
		return (error);
	return (settle(b, mark, true));
}

int
estate_outbox_replay(struct estate_outbox *b, uint64_t number, uint64_t *entry)
{
	const struct box_entry *n = es_box_index_find(&b->x, number);
	struct frame_told t = { .kind = FRAME_REPLAYED, .entry = number, .ms = es_outbox_now_ms(b), .other = b->next };
	int error;

	if (n == NULL)
		return (E_NOT_FOUND);
	if (b->o.readonly || n->box == ESTATE_PENDING)
		return (ESTATE_INVALID);
	if ((error = es_box_index_reserve(&b->x, 1)) != 0 || (error = note(b, &t)) != 0)
		return (error);
	if (!replay_in_index(b, number, t.other, t.ms))
		return (ESTATE_SYSTEM);
	if (entry != NULL)
		*entry = t.other;
	return (0);
}

int
estate_outbox_drop(struct estate_outbox *b, uint64_t number)
{
	struct box_entry *n = es_box_index_find(&b->x, number);
	struct frame_told t = { .kind = FRAME_DROPPED, .entry = number, .ms = es_outbox_now_ms(b) };
	int error;

	if (n == NULL)
		return (E_NOT_FOUND);
	if (b->o.readonly)
		return (ESTATE_INVALID);
	if (n->under_way)
		return (ESTATE_AGAIN);
	if ((error = note(b, &t)) != 0)
		return (error);
	es_box_index_remove(&b->x, n);
	es_outbox_tidy(b);
	return (0);
}
