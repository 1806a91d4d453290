/*
 * Other measures are in force, or another calendar: what every object is a member of is found anew, so many objects at a time, so that
 * reading goes on meanwhile.  All of it is as of the event that activated them: an object that an event changes before its turn comes is
 * judged by the new ones then, and has nothing left to change.
 */
#include "stats.h"

#include <string.h>

#include "bytes.h"

#define STEP_OBJECTS	256
#define STEP_NS		1000000

static const uint8_t timer_name[] = "recount";

/* The payload: number and log time of the activation, then the last object that was judged. */
#define PLACE_HEADER	16u

static void
step(struct turn *t, struct object_key *last)
{
	uint8_t place[PLACE_HEADER + OBJECT_KEY_MAX];
	struct worker_walk walk = { .key_len = last->len };

	memcpy(walk.key, last->bytes, last->len);
	for (unsigned n = 0; n < STEP_OBJECTS; n++) {
		if (!worker_each(t->w, OBJECTS, NULL, 0, &walk))
			return;
		if ((last->len = walk.key_len) > OBJECT_KEY_MAX) {
			worker_fail(t->w, "an object with a key of %zu bytes", walk.key_len);
			return;
		}
		memcpy(last->bytes, walk.key, walk.key_len);
		object_again(t, last);
	}
	put_le64(place, t->seq);
	put_le64(place + 8, (uint64_t)t->log_time);
	memcpy(place + PLACE_HEADER, last->bytes, last->len);
	worker_set_timer(t->w, timer_name, sizeof(timer_name) - 1, t->now + STEP_NS, place, PLACE_HEADER + last->len);
}

void
recount_begin(struct turn *t)
{
	/* Calls of a household, and who turned to the desk, are members of nothing: they come first, and are passed over. */
	struct object_key from = { .len = 1, .bytes = { 'e' + 1 } };

	worker_cancel_timer(t->w, timer_name, sizeof(timer_name) - 1);
	step(t, &from);
}

void
recount_go_on(struct turn *t, const struct worker_timer *timer)
{
	const uint8_t *p = timer->payload;
	struct object_key from = { .len = timer->len - PLACE_HEADER };

	if (timer->len <= PLACE_HEADER || from.len > OBJECT_KEY_MAX) {
		worker_fail(t->w, "a recount that does not say where it stands");
		return;
	}
	t->seq = get_le64(p);
	t->log_time = (int64_t)get_le64(p + 8);
	memcpy(from.bytes, p + PLACE_HEADER, from.len);
	step(t, &from);
}

bool
recount_is_under_way(struct worker *w)
{
	int64_t due;

	return (worker_timer_due(w, timer_name, sizeof(timer_name) - 1, &due));
}
