/*
 * Who turned to the desk, by household and time.  There are many, and of each household only the last one before an instant is ever asked for: so
 * they are no facts of the household, which would be written anew with each of them, but an index beside it.
 *
 * CONTACTS	household, 0, when (the latest first), event, from which event on	->  stored when; until which event, stored when (0: still)
 *
 * The event itself is an object of its own (e, number), so that it may be corrected; behind its facts stands what the index has of it.
 */
#include "stats.h"

#include <string.h>

#include "bytes.h"

#define HOUSEHOLD_MAX	ID_CHARS_MAX
#define KEY_TAIL	24u			/* when, event, from */
#define KEY_MAX		(HOUSEHOLD_MAX + 1 + KEY_TAIL)
#define VALUE_SIZE	24u

/* Later instants sort before earlier ones. */
static uint64_t
backwards(int64_t when)
{
	return (~((uint64_t)when ^ UINT64_C(1) << 63));
}

static int64_t
when_of(uint64_t stored)
{
	return ((int64_t)(~stored ^ UINT64_C(1) << 63));
}

static size_t
contact_key(struct text household, int64_t when, uint64_t event, uint64_t from, uint8_t out[KEY_MAX])
{
	memcpy(out, household.s, household.len);
	out[household.len] = 0;
	put_be64(out + household.len + 1, backwards(when));
	put_be64(out + household.len + 9, event);
	put_be64(out + household.len + 17, from);
	return (household.len + 1 + KEY_TAIL);
}

/* With whom it was, if it counts and was a contact. */
static struct text
contact_with(const struct history *h)
{
	struct text household = { NULL, 0 };

	if (h->count == 0 || fact_says(h->f[0], KEEP_OUTCOME, "wrong_number"))
		return (household);
	fact_text(h->f[0], KEEP_HOUSEHOLD, &household);
	if (household.len > HOUSEHOLD_MAX)
		household.len = 0;
	return (household);
}

/* ---- Behind the facts: from which event on 8, household ---- */

void
contact_judge(struct turn *t, struct object *o)
{
	struct history h = object_history(o);
	struct text now = contact_with(&h), before = { NULL, 0 };
	uint8_t key[KEY_MAX], value[VALUE_SIZE] = { 0 }, noted[8 + HOUSEHOLD_MAX];
	const void *old;
	size_t len, old_len;
	uint64_t from = 0;

	if (o->len > o->facts_len + 8 && o->len <= o->facts_len + sizeof(noted)) {
		memcpy(noted, o->bytes + o->facts_len, o->len - o->facts_len);
		from = get_le64(noted);
		before = (struct text){ (const char *)noted + 8, (uint32_t)(o->len - o->facts_len - 8) };
	}
	if (now.len == before.len && (now.len == 0 || memcmp(now.s, before.s, now.len) == 0))
		return;
	if (before.len > 0) {
		len = contact_key(before, o->facts[0].when, o->facts[0].seq, from, key);
		if (worker_get(t->w, CONTACTS, key, len, &old, &old_len) && old_len == VALUE_SIZE) {
			memcpy(value, old, 8);
			put_le64(value + 8, t->seq);
			put_le64(value + 16, (uint64_t)t->log_time);
			worker_put(t->w, CONTACTS, key, len, value, sizeof(value));
		}
	}
	o->len = o->facts_len;
	if (now.len == 0)
		return;
	put_le64(value, (uint64_t)t->log_time);
	memset(value + 8, 0, 16);
	worker_put(t->w, CONTACTS, key, contact_key(now, o->facts[0].when, o->facts[0].seq, t->seq, key), value, sizeof(value));
	put_le64(noted, t->seq);
	memcpy(noted + 8, now.s, now.len);
	object_note(o, noted, 8 + now.len);
}

static bool
held(const struct moment *as_of, uint64_t from, const uint8_t *value)
{
	uint64_t until = get_le64(value + 8);

	if (from > as_of->seq || (int64_t)get_le64(value) > as_of->log_time)
		return (false);
	return (until == 0 || until > as_of->seq || (int64_t)get_le64(value + 16) > as_of->log_time);
}

bool
contact_last(struct worker *w, struct text household, int64_t since, int64_t at, const struct moment *as_of, int64_t *when, uint64_t *event)
{
	struct worker_walk walk = { .key_len = 0 };
	size_t head = household.len + 1;

	if (household.len > HOUSEHOLD_MAX)
		return (false);
	memcpy(walk.key, household.s, household.len);
	walk.key[household.len] = 0;
	put_be64(walk.key + head, backwards(at));
	walk.key_len = head + 8;
	while (worker_each(w, CONTACTS, walk.key, head, &walk)) {
		if (walk.key_len != head + KEY_TAIL || walk.value_len != VALUE_SIZE || (*when = when_of(get_be64(walk.key + head))) < since)
			return (false);
		*event = get_be64(walk.key + head + 8);
		if (held(as_of, get_be64(walk.key + head + 16), walk.value))
			return (true);
	}
	return (false);
}
