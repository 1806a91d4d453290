/* Tables on a terminal: as wide as what is in them, and where that is too wide nothing is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"
#include "wrap.h"

static void
cell(struct table *t, const char *text)
{
	buffer_text(&t->text, text);
	table_cell(t, PAINT_OFF);
}

static void
part(struct table *t, const char *text)
{
	buffer_text(&t->text, text);
	table_part(t);
}

static struct table
sample(unsigned columns)
{
	struct table t = { .columns = columns };

	table_column(&t, "LEFT", TABLE_LEFT, 0);
	table_column(&t, "对象", TABLE_LEFT, 2);
	table_column(&t, "SIZE", TABLE_RIGHT, 1);
	cell(&t, "2 h");
	cell(&t, "C-20261124-0001");
	cell(&t, "7");
	part(&t, "next one");
	part(&t, "");
	part(&t, "since then");
	cell(&t, "-1 d");
	cell(&t, "3-2");
	cell(&t, "");
	return (t);
}

static void
assert_printed(struct table *t, unsigned lines, size_t rows, const char *wanted)
{
	struct buffer b = { NULL, 0, 0 };

	assert_int_equal(table_print(t, &b, lines), rows);
	assert_string_equal(b.data, wanted);
	buffer_free(&b);
	table_free(t);
}

static void
test_no_terminal(void **state)
{
	struct table t = sample(0);

	(void)state;
	assert_printed(&t, 0, 2,
	    "LEFT  对象             SIZE\n"
	    "2 h   C-20261124-0001     7\n"
	    "  next one · since then\n"
	    "-1 d  3-2\n");
}

static void
test_what_has_no_room_goes_below(void **state)
{
	struct table t = sample(26);

	(void)state;
	assert_printed(&t, 0, 2,
	    "LEFT  对象\n"
	    "2 h   C-20261124-0001\n"
	    "  size 7 · next one\n"
	    "  since then\n"
	    "-1 d  3-2\n");
	t = sample(20);
	assert_printed(&t, 0, 2,
	    "LEFT\n"
	    "2 h\n"
	    "  对象\n"
	    "  C-20261124-0001\n"
	    "  size 7 · next one\n"
	    "  since then\n"
	    "-1 d\n"
	    "  对象 3-2\n");
}

static void
test_so_many_lines(void **state)
{
	struct table t = sample(0);

	(void)state;
	assert_printed(&t, 3, 1, "LEFT  对象             SIZE\n2 h   C-20261124-0001     7\n  next one · since then\n");
	t = sample(0);
	assert_printed(&t, 2, 0, "LEFT  对象             SIZE\n");
}

static void
test_continued_in_another(void **state)
{
	struct table t = { .columns = 16, .continued = true };

	(void)state;
	table_column(&t, "KIND", TABLE_LEFT, 0);
	table_column(&t, "01", TABLE_RIGHT, 0);
	table_column(&t, "02", TABLE_RIGHT, 0);
	table_column(&t, "TOTAL", TABLE_RIGHT, 0);
	cell(&t, "噪音");
	cell(&t, "5");
	cell(&t, "12");
	cell(&t, "17");
	assert_printed(&t, 0, 1,
	    "KIND  01  02\n"
	    "噪音   5  12\n"
	    "\n"
	    "KIND  TOTAL\n"
	    "噪音     17\n");
}

static void
test_what_is_nowhere_has_no_column(void **state)
{
	struct table t = { .columns = 0, .bare = true, .indent = 2 };

	(void)state;
	table_column(&t, "", TABLE_LEFT, 0);
	table_column(&t, "", TABLE_LEFT, 0);
	cell(&t, "");
	cell(&t, "there");
	assert_printed(&t, 0, 1, "  there\n");
}

static void
assert_wrapped(const char *text, unsigned columns, const char *wanted)
{
	struct buffer b = { NULL, 0, 0 };

	wrap_add(&b, text, strlen(text), 2, columns);
	assert_string_equal(b.data, wanted);
	buffer_free(&b);
}

static void
test_words_stay_whole(void **state)
{
	(void)state;
	assert_wrapped("one C-20261124-0001/1 two", 0, "one C-20261124-0001/1 two");
	assert_wrapped("one C-20261124-0001/1 two", 20, "one\n  C-20261124-0001/1\n  two");
	assert_wrapped("one C-20261124-0001/1 two", 8, "one\n  C-20261124-0001/1\n  two");
	/* Between wide characters, but no mark begins a line. */
	assert_wrapped("保存至2028-11-26止，依据", 10, "保存至\n  2028-11-26\n  止，依据");
	assert_wrapped("一二三四，五", 8, "一二三\n  四，五");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_what_has_no_room_goes_below),
		cmocka_unit_test(test_so_many_lines),
		cmocka_unit_test(test_continued_in_another),
		cmocka_unit_test(test_what_is_nowhere_has_no_column),
		cmocka_unit_test(test_words_stay_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
