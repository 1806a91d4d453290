/* De-duplication: the table against a plain list, through growth, shrinking and removal; and the hand-over to the index. */
#include "material.h"

#include "dedup.h"
#include "identity.h"

#define KEYS_MAX	40000u

static char folder[64];
static struct identity identity = { .uuid = { 1 }, .secret = SECRET };
static struct keys *keys;

static int
set_up(void **state)
{
	char path[128], why[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/keys", make_folder(folder));
	keys = keys_open(path, &identity, false, why, sizeof(why));
	return (keys == NULL);
}

static int
tear_down(void **state)
{
	(void)state;
	keys_close(keys);
	remove_folder(folder);
	return (0);
}

/* Key number n.  Homes are sixteen slots apart, so many share one and runs grow into each other. */
static struct index_entry
entry_of(unsigned n)
{
	struct index_entry e = { .digest = n * 7919u + 1 };
	uint64_t seed = n, hash = chance(&seed) & ~15ull;

	memcpy(e.key, &n, sizeof(n));
	memcpy(e.key + 8, &hash, sizeof(hash));
	return (e);
}

/* What has a number that the index does not have yet must be found; what it has may still be. */
static void
check(struct dedup *d, unsigned n, uint64_t seq, uint64_t indexed)
{
	struct index_entry e = entry_of(n);
	uint64_t found = 0;

	if (dedup_find(d, &e, &found) == DEDUP_NEW) {
		assert_true(seq <= indexed);
		return;
	}
	assert_true(found == seq);
	assert_int_equal(dedup_find(d, &e, &found), DEDUP_SAME);
	e.digest++;
	assert_int_equal(dedup_find(d, &e, &found), DEDUP_CONFLICT);
}

/* Jobs of any size, some of them taken back in part; the index follows after long and short whiles, so that the tables grow and shrink. */
static void
test_against_the_model(void **state)
{
	static uint64_t model[KEYS_MAX];	/* the number each key has, 0 for none */
	static unsigned added[512];
	struct dedup *d = dedup_new(keys);
	uint64_t seed = 3, seq = 0, indexed = 0, found;

	(void)state;
	for (unsigned job = 0; job < 3000; job++) {
		unsigned count = 0, tries = 1 + (unsigned)below(&seed, 512);

		assert_int_equal(dedup_begin(d), 0);
		for (unsigned i = 0; i < tries; i++) {
			unsigned n = (unsigned)below(&seed, KEYS_MAX);
			struct index_entry e = entry_of(n);

			check(d, n, model[n], indexed);
			if (dedup_find(d, &e, &found) != DEDUP_NEW)
				continue;
			dedup_add(d, &e, model[n] = ++seq);
			added[count++] = n;
		}
		for (unsigned back = below(&seed, 4) == 0 ? (unsigned)below(&seed, count + 1) : 0; back > 0; back--, seq--) {
			struct index_entry e = entry_of(added[--count]);

			dedup_remove(d, &e);
			model[added[count]] = 0;
		}
		for (unsigned i = 0; i < 100; i++) {
			unsigned n = (unsigned)below(&seed, KEYS_MAX);

			check(d, n, model[n], indexed);
		}
		dedup_end(d);
		/* A real index answers for these; the model forgets them with it. */
		if (below(&seed, job / 500 % 2 == 0 ? 100 : 3) == 0)
			keys->applied = indexed = indexed + below(&seed, seq - indexed + 1);
		if (below(&seed, 50) == 0)
			dedup_rest(d);
	}
	assert_true(seq > KEYS_MAX);
	assert_int_equal(dedup_begin(d), 0);
	for (unsigned n = 0; n < KEYS_MAX; n++)
		check(d, n, model[n], indexed);
	dedup_end(d);
	dedup_free(d);
}

static void
id_of(uint64_t seq, char out[64])
{
	snprintf(out, 64, "%012llu-x", (unsigned long long)seq);
}

/* Keys stay in memory until the index has them; in between and afterwards the answers are the same. */
static void
test_hand_over_to_the_index(void **state)
{
	enum { BATCHES = 60, EACH = 97 };
	struct batch *batches[BATCHES];
	struct dedup *d = dedup_new(keys);

	(void)state;
	for (unsigned i = 0; i < BATCHES; i++)
		batches[i] = make_batch(1 + i * EACH, EACH, 1000, 1, id_of, NULL);
	for (unsigned i = 0; i < BATCHES; i++) {
		assert_int_equal(dedup_begin(d), 0);
		for (unsigned k = 0; k < EACH; k++)
			dedup_add(d, &batches[i]->entries[k], batches[i]->first_seq + k);
		/* The index follows by tens. */
		if (i % 10 == 9)
			assert_int_equal(keys_append(keys, &batches[i - 9], 10), 0);
		dedup_end(d);
		assert_int_equal(dedup_begin(d), 0);
		for (unsigned j = 0; j < BATCHES; j++)
			for (unsigned k = 0; k < EACH; k += 13) {
				uint64_t seq = 0;
				enum dedup_answer answer = dedup_find(d, &batches[j]->entries[k], &seq);

				assert_int_equal(answer, j <= i ? DEDUP_SAME : DEDUP_NEW);
				assert_true(j > i || seq == batches[j]->first_seq + k);
			}
		dedup_end(d);
	}
	for (unsigned i = 0; i < BATCHES; i++)
		batch_unref(batches[i]);
	dedup_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_against_the_model, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hand_over_to_the_index, set_up, tear_down),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
