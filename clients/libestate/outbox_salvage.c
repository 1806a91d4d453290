/* What is whole of a damaged outbox, into a new one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"

struct salvage {
	struct estate_outbox *from;
	const struct estate_salvage_ends *ends;
	struct estate_salvaged *s;
	uint64_t expected;		/* number of the next hand-over; 0: not known yet */
	uint64_t *missing;		/* numbers whose hand-over was not seen, rising */
	size_t missing_count, missing_room;
	bool failed;
};

static bool
miss(struct salvage *v, uint64_t number)
{
	uint64_t *more;
	size_t room = v->missing_room == 0 ? 64 : 2 * v->missing_room;

	if (v->missing_count == v->missing_room) {
		if ((more = realloc(v->missing, room * sizeof(*more))) == NULL)
			return (false);
		v->missing = more;
		v->missing_room = room;
	}
	v->missing[v->missing_count++] = number;
	return (true);
}

/* A number was taken: those between it and the one expected are missing.  A file written anew begins with gaps, which are no loss. */
static void
took(struct salvage *v, uint64_t number, uint64_t at)
{
	if (at >= v->from->f.base && v->expected != 0)
		for (; v->expected < number && !v->failed; v->expected++)
			v->failed = !miss(v, v->expected);
	if (number >= v->expected)
		v->expected = number + 1;
}

/* It was sent or dropped: whether its hand-over can be read does not matter. */
static void
done_with(struct salvage *v, uint64_t number)
{
	for (size_t i = 0; i < v->missing_count; i++)
		if (v->missing[i] == number) {
			memmove(v->missing + i, v->missing + i + 1, (v->missing_count - i - 1) * sizeof(*v->missing));
			v->missing_count--;
			return;
		}
}

static bool
told(void *user, const struct frame_told *t, uint64_t at)
{
	struct salvage *v = user;
	bool known = es_outbox_told(v->from, t, at);

	/* The bodies of the two may be gone with what is damaged; then the note stands alone, and says nothing but this. */
	if (t->kind == FRAME_PUT)
		took(v, t->entry, at);
	else if (t->kind == FRAME_REPLAYED) {
		took(v, t->other, at);
		done_with(v, t->entry);
		if (!known && !v->failed)
			v->failed = !miss(v, t->other);
	} else if (t->kind == FRAME_SENT || t->kind == FRAME_DROPPED)
		done_with(v, t->entry);
	return (!v->failed);
}

static void
damaged(void *user, uint64_t from, uint64_t to)
{
	struct salvage *v = user;

	v->s->stretches++;
	v->s->bytes += to - from;
	/* What a file written anew carried over can't be counted, nor what followed the last whole frame. */
	if (from < v->from->f.base || v->expected == 0 || to == v->from->f.end)
		v->s->uncounted = true;
	if (v->ends->on_damage != NULL)
		v->ends->on_damage(v->ends->user, from, to);
}

/* Everything that is known now, into the new box's file. */
static int
carry_all(struct estate_outbox *from, struct estate_outbox *to)
{
	struct box_file fresh = { .fd = -1 };
	uint64_t at[2];
	int error = es_box_file_rewrite_begin(&to->f, &fresh, from->next);

	for (size_t i = 0; i < from->x.count && error == 0; i++) {
		if (!from->x.all[i].gone)
			error = es_outbox_carry_over(from, &fresh, &from->x.all[i], at);
		if (error == 0 && fresh.owed_len > BOX_REWRITE_CHUNK)
			error = es_box_file_save(&fresh);
	}
	if (error == 0)
		error = es_box_file_rewrite_finish(&to->f, &fresh);
	if (error != 0)
		es_box_file_rewrite_abandon(&fresh);
	return (error == 0 && to->f.broken ? ESTATE_SYSTEM : error);
}

static int
write_new(struct salvage *v, const char *to, char *why)
{
	struct estate_outbox *fresh;
	int error;

	if (access(to, F_OK) == 0) {
		snprintf(why, ESTATE_OUTBOX_WHY, "%s is there already: name a folder that is not", to);
		return (ESTATE_INVALID);
	}
	if ((error = estate_outbox_open(to, NULL, &fresh, why)) != 0)
		return (error);
	if ((error = carry_all(v->from, fresh)) != 0)
		snprintf(why, ESTATE_OUTBOX_WHY, "%s cannot be written: %s; remove it and try again", to,
		    error == ESTATE_SYSTEM ? strerror(errno) : estate_error_text(error));
	estate_outbox_close(fresh);
	return (error);
}

static int
read_old(struct salvage *v, const char *path, char *why)
{
	struct estate_outbox *b = v->from;
	int error;

	if ((error = es_box_file_open_damaged(&b->f, path, &b->next, why)) != 0)
		return (error);
	v->expected = b->next;
	if ((error = es_box_file_scan_damaged(&b->f, told, damaged, v, why)) != 0)
		return (error);
	if (b->next < v->expected)
		b->next = v->expected;
	/* No number is known but that of an empty file. */
	if (b->next == 0)
		b->next = 1;
	return (0);
}

int
estate_outbox_salvage(const char *path, const char *to, const struct estate_salvage_ends *ends, struct estate_salvaged *s,
    char why[ESTATE_OUTBOX_WHY])
{
	struct salvage v = { .from = calloc(1, sizeof(*v.from)), .ends = ends, .s = s };
	int error;

	memset(s, 0, sizeof(*s));
	if (v.from == NULL) {
		snprintf(why, ESTATE_OUTBOX_WHY, "no memory");
		return (ESTATE_SYSTEM);
	}
	v.from->f.fd = v.from->f.folder = v.from->f.lock = -1;
	v.from->o.readonly = true;
	if ((error = read_old(&v, path, why)) == 0 && (error = write_new(&v, to, why)) == 0) {
		memcpy(s->entries, v.from->x.entries, sizeof(s->entries));
		s->lost = v.missing_count;
		for (size_t i = 0; i < v.missing_count && ends->on_lost != NULL; i++)
			ends->on_lost(ends->user, v.missing[i]);
	}
	free(v.missing);
	estate_outbox_close(v.from);
	return (error);
}
