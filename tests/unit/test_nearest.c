/* The nearest name: what counts as near, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nearest.h"

static const char *
nearest_of(const char *name)
{
	static const char *const names[] = { "case.closed", "case.opened", "complaint.opened", "generate", "types" };
	struct nearest n;

	nearest_begin(&n, name, strlen(name));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		nearest_offer(&n, names[i]);
	return (n.best);
}

static void
test_one_slip(void **state)
{
	(void)state;
	assert_string_equal(nearest_of("typs"), "types");
	assert_string_equal(nearest_of("tpyes"), "types");
	assert_string_equal(nearest_of("complaint.open"), "complaint.opened");
	assert_string_equal(nearest_of("case_closed"), "case.closed");
	assert_string_equal(nearest_of("generate"), "generate");
}

static void
test_nothing_near(void **state)
{
	static char large[1000];

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	assert_null(nearest_of(""));
	assert_null(nearest_of("x"));
	assert_null(nearest_of("weather"));
	assert_null(nearest_of(large));
}

static void
test_the_first_of_equals(void **state)
{
	struct nearest n;

	(void)state;
	nearest_begin(&n, "abcd", 4);
	nearest_offer(&n, "abce");
	nearest_offer(&n, "abcf");
	assert_string_equal(n.best, "abce");
	nearest_offer(&n, "abcd");
	assert_string_equal(n.best, "abcd");
	assert_int_equal(n.distance, 0);
}

/* Swaps count one; so do they at both ends of a name. */
static void
test_swaps(void **state)
{
	struct nearest n;

	(void)state;
	nearest_begin(&n, "bacdfe", 6);
	nearest_offer(&n, "abcdef");
	assert_int_equal(n.distance, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_slip),
		cmocka_unit_test(test_nothing_near),
		cmocka_unit_test(test_the_first_of_equals),
		cmocka_unit_test(test_swaps),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
