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

struct dedup {
	struct keys *keys;
	struct slot *slots;
	size_t mask, used;
	struct batch_queue kept;	/* durable, not yet in the index; by dedup_link */
};

static void
table_alloc(struct dedup *d, size_t slots)
{
	d->slots = must_alloc(slots * sizeof(*d->slots));
	memset(d->slots, 0, slots * sizeof(*d->slots));
	d->mask = slots - 1;
	d->used = 0;
}

static size_t
home(const struct dedup *d, const uint8_t *key)
{
	uint64_t h;

	/* The second half of the key is a hash already. */
	memcpy(&h, key + 8, sizeof(h));
	return (h & d->mask);
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
find(const struct dedup *d, const uint8_t *key)
{
	size_t i = home(d, key);

	while (d->slots[i].seq != 0 && !same_key(d->slots[i].key, key))
		i = (i + 1) & d->mask;
	return (&d->slots[i]);
}

static void
resize(struct dedup *d, size_t slots)
{
	struct slot *old = d->slots;
	size_t n = d->mask + 1, used = d->used;

	table_alloc(d, slots);
	for (size_t i = 0; i < n; i++)
		if (old[i].seq != 0)
			*find(d, old[i].key) = old[i];
	d->used = used;
	free(old);
}

struct dedup *
dedup_new(struct keys *keys)
{
	struct dedup *d = must_alloc(sizeof(*d));

	d->keys = keys;
	STAILQ_INIT(&d->kept);
	table_alloc(d, SLOTS_MIN);
	return (d);
}

void
dedup_free(struct dedup *d)
{
	struct batch *b;

	if (d == NULL)
		return;
	while ((b = STAILQ_FIRST(&d->kept)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->kept, dedup_link);
		batch_unref(b);
	}
	free(d->slots);
	free(d);
}

static void
drop_indexed(struct dedup *d)
{
	uint64_t indexed = d->keys->applied;
	struct batch *b;

	while ((b = STAILQ_FIRST(&d->kept)) != NULL && batch_last(b) <= indexed) {
		STAILQ_REMOVE_HEAD(&d->kept, dedup_link);
		for (unsigned i = 0; i < b->count; i++) {
			if (i + DEDUP_AHEAD < b->count)
				dedup_expect(d, &b->entries[i + DEDUP_AHEAD]);
			dedup_remove(d, &b->entries[i]);
		}
		batch_unref(b);
	}
}

void
dedup_rest(struct dedup *d)
{
	size_t slots = d->mask + 1;

	drop_indexed(d);
	while (slots > SLOTS_MIN && d->used * 16 < slots)
		slots /= 4;
	if (slots <= d->mask)
		resize(d, slots);
}

int
dedup_begin(struct dedup *d)
{
	int rc;

	/* First forget, then begin to read: what was forgotten is in the index that is read. */
	drop_indexed(d);
	rc = keys_read_begin(d->keys);
	return (rc);
}

void
dedup_end(struct dedup *d)
{
	keys_read_end(d->keys);
}

void
dedup_expect(const struct dedup *d, const struct index_entry *e)
{
	__builtin_prefetch(&d->slots[home(d, e->key)]);
}

enum dedup_answer
dedup_find(struct dedup *d, const struct index_entry *e, uint64_t *seq)
{
	const struct slot *s = find(d, e->key);
	uint64_t digest;
	int rc;

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
	struct slot *s;

	if ((d->used + 1) * 4 > (d->mask + 1) * 3)
		resize(d, (d->mask + 1) * 2);
	s = find(d, e->key);
	assert(s->seq == 0);
	memcpy(s->key, e->key, EVENT_KEY_BYTES);
	s->digest = e->digest;
	s->seq = seq;
	d->used++;
}

void
dedup_remove(struct dedup *d, const struct index_entry *e)
{
	struct slot *s = find(d, e->key);
	size_t hole, i;

	assert(s->seq != 0);
	hole = (size_t)(s - d->slots);
	/* Close the gap: every later slot of the run that could not be found past a hole moves into it. */
	for (i = (hole + 1) & d->mask; d->slots[i].seq != 0; i = (i + 1) & d->mask) {
		size_t want = home(d, d->slots[i].key);

		if (((i - want) & d->mask) >= ((i - hole) & d->mask)) {
			d->slots[hole] = d->slots[i];
			hole = i;
		}
	}
	d->slots[hole].seq = 0;
	d->used--;
}

void
dedup_keep(struct dedup *d, struct batch *b)
{
	batch_ref(b);
	STAILQ_INSERT_TAIL(&d->kept, b, dedup_link);
}
