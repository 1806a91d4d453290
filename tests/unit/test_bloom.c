/* The filter of a block: never a false no, seldom a false yes. */
#include "material.h"

#include "bloom.h"

static uint64_t
term(enum bloom_kind kind, unsigned n)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "c-%u", n);

	return (bloom_hash(kind, text, (size_t)len));
}

static void
test_never_a_false_no(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned entries = 1; entries <= 1024; entries += 1 + entries / 3) {
		size_t size = bloom_size(entries);
		uint8_t *filter = malloc(size);
		uint64_t *hashes = malloc(entries * sizeof(*hashes));

		assert_true(filter != NULL && hashes != NULL);
		bloom_init(filter, size);
		for (unsigned i = 0; i < entries; i++)
			bloom_add(filter, size, hashes[i] = i % 2 ? chance(&seed) : term(1 + i % 3, i));
		for (unsigned i = 0; i < entries; i++)
			assert_true(bloom_may_hold(filter, size, hashes[i]));
		free(filter);
		free(hashes);
	}
}

/* In per mille, of terms as they are: short numbered ids. */
static double
false_yes(unsigned entries, unsigned asked)
{
	size_t size = bloom_size(entries);
	uint8_t *filter = malloc(size);
	unsigned yes = 0;

	assert_non_null(filter);
	bloom_init(filter, size);
	for (unsigned i = 0; i < entries; i++)
		bloom_add(filter, size, term(BLOOM_SUBJECT, i));
	for (unsigned i = 0; i < asked; i++)
		yes += bloom_may_hold(filter, size, term(BLOOM_SUBJECT, 1000000 + i));
	free(filter);
	return (1000.0 * yes / asked);
}

static void
test_one_per_cent_false_yes(void **state)
{
	(void)state;
	for (unsigned entries = 64; entries <= 1024; entries *= 2) {
		double rate = false_yes(entries, 200000);

		printf("# %u entries: %.1f per mille false hits\n", entries, rate);
		if (rate > 20.0 || rate < 1.0)
			fail_msg("%u entries: %.1f per mille false hits", entries, rate);
	}
}

static void
test_kinds_differ(void **state)
{
	(void)state;
	assert_true(term(BLOOM_SUBJECT, 1) != term(BLOOM_SOURCE, 1));
	assert_true(term(BLOOM_SOURCE, 1) != term(BLOOM_TYPE, 1));
}

static void
test_unknown_version_may_hold_anything(void **state)
{
	uint8_t filter[16];

	(void)state;
	bloom_init(filter, sizeof(filter));
	assert_false(bloom_may_hold(filter, sizeof(filter), 12345));
	filter[0]++;
	assert_true(bloom_may_hold(filter, sizeof(filter), 12345));
	assert_true(bloom_may_hold(filter, 1, 12345));
	assert_true(bloom_may_hold(filter, 0, 12345));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_a_false_no),
		cmocka_unit_test(test_one_per_cent_false_yes),
		cmocka_unit_test(test_kinds_differ),
		cmocka_unit_test(test_unknown_version_may_hold_anything),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
