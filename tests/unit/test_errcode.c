/* The table of error codes: numbers and names once each, a text for every row, an answer for every number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "errcode.h"

static void
test_rows_are_distinct(void **state)
{
	(void)state;
	assert_true(errcode_at(0) != 0);
	for (unsigned i = 0; errcode_at(i) != 0; i++)
		for (unsigned j = 0; j < i; j++) {
			assert_int_not_equal(errcode_at(i), errcode_at(j));
			assert_string_not_equal(errcode_name(errcode_at(i)), errcode_name(errcode_at(j)));
		}
}

static void
test_every_row_speaks(void **state)
{
	(void)state;
	for (unsigned i = 0; errcode_at(i) != 0; i++) {
		const char *name = errcode_name(errcode_at(i)), *text = errcode_text(errcode_at(i));

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-0123456789"), strlen(name));
		assert_true(strlen(text) > 10);
		assert_true(text[strlen(text) - 1] != '.');
	}
}

static void
test_known_rows(void **state)
{
	(void)state;
	assert_string_equal(errcode_name(E_ID_CONFLICT), "id-conflict");
	assert_int_equal(E_ID_CONFLICT, 40);
	assert_int_equal(errcode_retry(E_DISK_FULL), RETRY_LATER);
	assert_int_equal(errcode_retry(E_NO_SESSION), RETRY_SESSION);
	assert_int_equal(errcode_retry(E_KIND), RETRY_NEVER);
	assert_string_equal(errcode_retry_name(RETRY_NEVER), "never");
	assert_string_equal(errcode_retry_name(RETRY_LATER), "later");
	assert_string_equal(errcode_retry_name(RETRY_SESSION), "session");
}

/* A newer daemon may send a number that is not in our table. */
static void
test_unknown_numbers(void **state)
{
	static const int numbers[] = { -1, 0, 9, 99, 1 << 30 };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		assert_string_equal(errcode_name(numbers[i]), "unknown-code");
		assert_non_null(errcode_text(numbers[i]));
		assert_int_equal(errcode_retry(numbers[i]), RETRY_NEVER);
	}
	assert_int_equal(errcode_at(100000), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_distinct),
		cmocka_unit_test(test_every_row_speaks),
		cmocka_unit_test(test_known_rows),
		cmocka_unit_test(test_unknown_numbers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
