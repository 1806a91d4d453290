/* The newest batches in memory: found by number, forgotten oldest first, never before LMDB has them. */
#include "material.h"

#include "recent.h"

static void
id_of(uint64_t seq, char out[64])
{
	snprintf(out, 64, "r%llu", (unsigned long long)seq);
}

static void
test_against_the_model(void **state)
{
	enum { BATCHES = 900 };
	struct batch *batches[BATCHES];
	uint64_t seed = 5, seq = 1, applied = 0;
	unsigned oldest = 0;
	struct recent r;

	(void)state;
	recent_init(&r);
	assert_null(recent_find(&r, 1));
	for (unsigned i = 0; i < BATCHES; i++) {
		size_t bytes = 0, bytes_max = i % 300 < 200 ? SIZE_MAX : below(&seed, 3) * 50000;

		batches[i] = make_batch(seq, 1 + (unsigned)below(&seed, 9), 1, 0, id_of, NULL);
		recent_add(&r, batches[i]);
		seq = batch_last(batches[i]) + 1;
		applied += below(&seed, seq - applied);
		recent_trim(&r, applied, bytes_max);
		/* The model: drop from the front while too large and applied. */
		for (unsigned k = oldest; k <= i; k++)
			bytes += batches[k]->buffer_len;
		for (; oldest <= i && bytes > bytes_max && batch_last(batches[oldest]) <= applied; oldest++)
			bytes -= batches[oldest]->buffer_len;
		assert_int_equal(r.count, i + 1 - oldest);
		assert_int_equal(r.bytes, bytes);
		for (unsigned k = i > 40 ? i - 40 : 0; k <= i; k++)
			for (uint64_t s = batches[k]->first_seq; s <= batch_last(batches[k]); s++)
				assert_ptr_equal(recent_find(&r, s), k < oldest ? NULL : batches[k]);
		assert_ptr_equal(recent_find(&r, batches[oldest <= i ? oldest : 0]->first_seq), oldest <= i ? batches[oldest] : NULL);
		assert_null(recent_find(&r, seq));
		assert_null(recent_find(&r, 0));
	}
	recent_clear(&r);
	for (unsigned i = 0; i < BATCHES; i++) {
		assert_int_equal(atomic_load(&batches[i]->refs), 1);
		batch_unref(batches[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_against_the_model) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
