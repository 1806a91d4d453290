/* Until when a record is kept: to the end of the day, so many years, months or days after the day it began with; and which kind takes what. */
#include "material.h"

#include "retention_rules.h"
#include "rfc3339.h"
#include "sitetime.h"

static int
site(void **state)
{
	(void)state;
	setenv("ESTATE_TZ", "Asia/Shanghai", 1);
	return (sitetime_init() ? 0 : -1);
}

static int64_t
instant(const char *text)
{
	uint32_t nanos;
	int64_t s;

	assert_true(rfc3339_parse(text, strlen(text), &s, &nanos));
	return (s * 1000000000 + nanos);
}

static void
test_until(void **state)
{
	/* By the calendar, never by 365 days; a day that its month lacks is its last (民法典 201, 203). */
	static const struct {
		struct retention_kind kind;
		const char *from, *until;
	} cases[] = {
		{ { .years = 2 }, "2024-03-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00" },
		{ { .years = 2 }, "2024-03-01T23:59:59+08:00", "2026-03-02T00:00:00+08:00" },
		{ { .years = 2 }, "2024-02-29T12:00:00+08:00", "2026-03-01T00:00:00+08:00" },
		{ { .years = 4 }, "2024-02-29T12:00:00+08:00", "2028-03-01T00:00:00+08:00" },
		{ { .years = 1 }, "2025-12-31T16:30:00Z", "2027-01-02T00:00:00+08:00" },
		{ { .months = 1 }, "2026-01-31T08:00:00+08:00", "2026-03-01T00:00:00+08:00" },
		{ { .months = 18 }, "2025-08-31T08:00:00+08:00", "2027-03-01T00:00:00+08:00" },
		{ { .months = 12 }, "2025-12-31T08:00:00+08:00", "2027-01-01T00:00:00+08:00" },
		{ { .days = 1 }, "2026-02-28T08:00:00+08:00", "2026-03-02T00:00:00+08:00" },
		{ { .days = 400 }, "2026-01-01T00:00:00+08:00", "2027-02-06T00:00:00+08:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (retention_until(&cases[i].kind, instant(cases[i].from)) != instant(cases[i].until))
			fail_msg("case %zu: %s is kept until %ld", i, cases[i].from, (long)(retention_until(&cases[i].kind, instant(cases[i].from)) / 1000000000));
}

static unsigned
kind_of(const struct retention_rules *r, const char *type)
{
	return (retention_kind_of(r, (struct text){ type, (uint32_t)strlen(type) }));
}

static void
test_the_first_kind_that_matches_takes_it(void **state)
{
	static const char text[] =
	    "kinds:\n"
	    "  - { kind: survey, zh: 征询, types: [survey.*], closed_by: [survey.closed], keep: 2y, early: blocked, clause: S14 }\n"
	    "  - { kind: first, zh: 首条, types: [complaint.opened], keep: 30d, early: allowed, clause: x }\n"
	    "  - { kind: case, zh: 个案, types: [complaint.*, case.*], closed_by: [case.closed], opened_by: [case.reopened], keep: 18m, early: allowed, clause: y }\n"
	    "  - { kind: other, zh: 其他, types: ['**'], keep: 1y, early: allowed, clause: z }\n";
	struct retention_rules r;
	char why[300];

	(void)state;
	if (!retention_rules_parse(&r, text, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(r.count, 4);
	assert_int_equal(kind_of(&r, "survey.answered"), 0);
	assert_int_equal(kind_of(&r, "complaint.opened"), 1);
	assert_int_equal(kind_of(&r, "complaint.handled"), 2);
	assert_int_equal(kind_of(&r, "case.closed"), 2);
	assert_int_equal(kind_of(&r, "of.a.newer.release"), 3);
	assert_true(r.kinds[0].blocked && r.kinds[0].years == 2 && !r.kinds[2].blocked && r.kinds[2].months == 18 && r.kinds[1].days == 30);
	assert_true(retention_types_hold(&r.kinds[2].closed_by, (struct text){ "case.closed", 11 }));
	assert_false(retention_types_hold(&r.kinds[2].opened_by, (struct text){ "case.closed", 11 }));
	retention_rules_free(&r);
}

/* S14: not the answers alone, and not only where one kind has them all. */
static void
test_no_record_of_a_survey_goes_early(void **state)
{
	static const char *const types[] = { "survey.planned", "survey.returned", "survey.answered", "survey.*" };
	char text[400], why[300];
	struct retention_rules r;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(text, sizeof(text), "kinds:\n"
		    "  - { kind: part, zh: 部分, types: ['%s'], keep: 30d, early: allowed, clause: x }\n"
		    "  - { kind: survey, zh: 征询, types: [survey.*], keep: 2y, early: blocked, clause: S14 }\n"
		    "  - { kind: other, zh: 其他, types: ['**'], keep: 1y, early: allowed, clause: z }\n", types[i]);
		assert_false(retention_rules_parse(&r, text, why, sizeof(why)));
		assert_non_null(strstr(why, "line 2: records of surveys are kept for two years at least"));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_the_first_kind_that_matches_takes_it),
		cmocka_unit_test(test_no_record_of_a_survey_goes_early),
	};

	return (cmocka_run_group_tests(tests, site, NULL));
}
