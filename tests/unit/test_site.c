/* What workers share of configuration: put in force, refused, taken out of force. */
#include "material.h"

#include "site.h"

#define CALENDAR	"zone: Asia/Shanghai\nhours:\n  mon-fri: 09:00-18:00\n"

static void
test_in_force_refused_and_out_of_force(void **state)
{
	struct calendar *calendar = NULL, *before;
	struct roster *roster = NULL;
	char why[256];

	(void)state;
	assert_int_equal(site_configure(&calendar, &roster, "calendar", CALENDAR, why, sizeof(why)), 0);
	assert_non_null(before = calendar);
	assert_null(roster);
	assert_int_equal(site_configure(&calendar, &roster, "calendar", "zone: Nowhere/Town\n", why, sizeof(why)), -1);
	assert_ptr_equal(calendar, before);
	assert_non_null(strstr(why, "Nowhere"));
	/* As after an activation that could not be followed, when there was none before it. */
	assert_int_equal(site_configure(&calendar, &roster, "calendar", NULL, why, sizeof(why)), 0);
	assert_null(calendar);
	assert_int_equal(site_configure(&calendar, &roster, "roster", "nonsense", why, sizeof(why)), -1);
	assert_null(roster);
	assert_int_equal(site_configure(&calendar, &roster, "roster", NULL, why, sizeof(why)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_in_force_refused_and_out_of_force) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
