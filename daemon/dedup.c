#include "dedup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An open-addressing table with linear probing; deletion shifts back, so there are no tombstones. */
struct slot {
	uint8_t key[EVENT_KEY_BYTES];
	uint64_t digest;
	uint64_t seq;		/* 0: free */
};

#define SLOTS_MIN	1024u

struct table {
	struct slot *slots;
	size_t mask, used;
	uint64_t last;		/* the greatest number in it */
};

/* Two tables: what the index has by now is not picked out key by key, which stopped the writer for a millisecond after every step of
 * the applier; the older table is emptied as a whole once all of it is indexed. */
struct dedup {
	struct keys *keys;
	struct table fresh, older;
};

static void
table_alloc(struct table *t, size_t slots)
{
	t->slots = must_alloc(slots * sizeof(*t->slots));
	memset(t->slots, 0, slots * sizeof(*t->slots));
	t->mask = slots - 1;
	t->used = 0;
}

/* A table that a burst has left too large shrinks. */
static void
table_clear(struct table *t)
{
	size_t slots = t->mask + 1;

	if (slots > SLOTS_MIN && t->used * 16 < slots) {
		free(t->slots);
		table_alloc(t, slots / 4 > SLOTS_MIN ? slots / 4 : SLOTS_MIN);
	} else if (t->used > 0)
		memset(t->slots, 0, slots * sizeof(*t->slots));
	t->used = 0;
	t->last = 0;
}

static size_t
home(const struct table *t, const uint8_t *key)
{
	uint64_t h;

	/* The second half of the key is a hash already. */
	memcpy(&h, key + 8, sizeof(h));
	return (h & t->mask);
}

/* Sixteen bytes as two words: a call of memcmp costs more than the comparison. */
static inline bool
same_key(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return (((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0);
}

static struct slot *
find(const struct table *t, const uint8_t *key)
{
	size_t i = home(t, key);

	while (t->slots[i].seq != 0 && !same_key(t->slots[i].key, key))
		i = (i + 1) & t->mask;
	return (&t->slots[i]);
}

static void
grow(struct table *t)
{
	struct slot *old = t->slots;
	size_t n = t->mask + 1, used = t->used;

	table_alloc(t, n * 2);
	for (size_t i = 0; i < n; i++)
		if (old[i].seq != 0)
			*find(t, old[i].key) = old[i];
	t->used = used;
	free(old);
}

struct dedup *
dedup_new(struct keys *keys)
{
	struct dedup *d = must_alloc(sizeof(*d));

	memset(d, 0, sizeof(*d));
	d->keys = keys;
	table_alloc(&d->fresh, SLOTS_MIN);
	table_alloc(&d->older, SLOTS_MIN);
	return (d);
}

void
dedup_free(struct dedup *d)
{
	if (d == NULL)
		return;
	free(d->fresh.slots);
	free(d->older.slots);
	free(d);
}

/* Once the index has all of the older table, the fresh one is the older. */
static void
drop_indexed(struct dedup *d)
{
	uint64_t indexed = d->keys->applied;

	while (d->older.last <= indexed && d->older.used + d->fresh.used > 0) {
		struct table empty = d->older;

		table_clear(&empty);
		d->older = d->fresh;
		d->fresh = empty;
	}
}

void
dedup_rest(struct dedup *d)
{
	drop_indexed(d);
	for (struct table *t = &d->fresh; t != NULL; t = t == &d->fresh ? &d->older : NULL)
		while (t->used == 0 && t->mask + 1 > SLOTS_MIN)
			table_clear(t);
}

int
dedup_begin(struct dedup *d)
{
	/* First forget, then begin to read: what was forgotten is in the index that is read. */
	drop_indexed(d);
	return (keys_read_begin(d->keys));
}

void
dedup_end(struct dedup *d)
{
	keys_read_end(d->keys);
}

void
dedup_expect(const struct dedup *d, const struct index_entry *e)
{
	__builtin_prefetch(&d->fresh.slots[home(&d->fresh, e->key)]);
	__builtin_prefetch(&d->older.slots[home(&d->older, e->key)]);
}

enum dedup_answer
dedup_find(struct dedup *d, const struct index_entry *e, uint64_t *seq)
{
	const struct slot *s = find(&d->fresh, e->key);
	uint64_t digest;
	int rc;

	if (s->seq == 0)
		s = find(&d->older, e->key);
	if (s->seq != 0) {
		*seq = s->seq;
		return (s->digest == e->digest ? DEDUP_SAME : DEDUP_CONFLICT);
	}
	if ((rc = keys_find(d->keys, e->key, seq, &digest)) == MDB_NOTFOUND)
		return (DEDUP_NEW);
	if (rc != 0)
		return (DEDUP_FAILED);
	return (digest == e->digest ? DEDUP_SAME : DEDUP_CONFLICT);
}

void
dedup_add(struct dedup *d, const struct index_entry *e, uint64_t seq)
{
	struct table *t = &d->fresh;
	struct slot *s;

	if ((t->used + 1) * 4 > (t->mask + 1) * 3)
		grow(t);
	s = find(t, e->key);
	assert(s->seq == 0 && seq > t->last);
	memcpy(s->key, e->key, EVENT_KEY_BYTES);
	s->digest = e->digest;
	s->seq = t->last = seq;
	t->used++;
}

void
dedup_remove(struct dedup *d, const struct index_entry *e)
{
	struct table *t = &d->fresh;
	struct slot *s = find(t, e->key);
	size_t hole, i;

	assert(s->seq != 0 && s->seq == t->last);
	t->last--;
	hole = (size_t)(s - t->slots);
	/* Close the gap: every later slot of the run that could not be found past a hole moves into it. */
	for (i = (hole + 1) & t->mask; t->slots[i].seq != 0; i = (i + 1) & t->mask) {
		size_t want = home(t, t->slots[i].key);

		if (((i - want) & t->mask) >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole].seq = 0;
	t->used--;
}
