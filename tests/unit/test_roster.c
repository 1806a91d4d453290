/* Who is on duty: shifts, dates, rotations, absences, swaps, and what a roster may not say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rfc3339.h"
#include "roster.h"

#define NS	INT64_C(1000000000)

static const char base[] =
    "zone: Asia/Shanghai\n"
    "roles:\n"
    "  clerk:\n"
    "    shifts:\n"
    "      - days: mon-fri\n"
    "        hours: 08:00-20:00\n"
    "        staff: [c-1, c-2]\n"
    "      - days: [sat, sun]\n"
    "        hours: 09:00-17:00\n"
    "        staff: c-3\n"
    "      - dates: 2026-10-01..2026-10-07\n"
    "        hours: 10:00-12:00\n"
    "        staff: c-4\n"
    "  security:\n"
    "    shifts:\n"
    "      - hours: 08:00-20:00\n"
    "        staff: s-day\n"
    "      - hours: 20:00-08:00\n"
    "        staff: s-night\n"
    "      - dates: 2026-10-01\n"
    "        hours: 20:00-08:00\n"
    "        staff: s-holiday\n"
    "  engineering:\n"
    "    rotation:\n"
    "      every: week\n"
    "      start: 2026-01-05\n"
    "      at: 08:00\n"
    "      staff: [e-1, e-2, e-3]\n"
    "    otherwise: general_manager\n"
    "  cs_lead:\n"
    "    staff: l-1\n"
    "  管理处经理:\n"
    "    staff: [m-1, m-2]\n"
    "  general_manager:\n"
    "    staff: g-1\n"
    "deputies:\n"
    "  m-1: m-9\n"
    "  l-1: l-9\n"
    "otherwise: [cs_lead, 主任, general_manager]\n";

static struct roster *
parse(const char *text)
{
	char why[300] = "";
	struct roster *r = roster_parse(text, why, sizeof(why));

	if (r == NULL)
		fail_msg("refused: %s\n%s", why, text);
	return (r);
}

/* "2026-10-01 08:00" of Shanghai. */
static int64_t
at(const char *text)
{
	char full[40];
	uint32_t nanoseconds;
	int64_t seconds = 0;

	snprintf(full, sizeof(full), "%.10sT%.5s:00+08:00", text, text + 11);
	if (!rfc3339_parse(full, strlen(full), &seconds, &nanoseconds))
		fail_msg("%s", full);
	return (seconds * NS);
}

static void
expect_at(const struct roster *r, const char *role, int64_t when, const struct roster_fact *facts, unsigned count, const char *who)
{
	struct roster_person people[ROSTER_PEOPLE_MAX];
	unsigned n = roster_on_duty(r, role, when, facts, count, people);
	char text[1000] = "";

	for (unsigned i = 0; i < n; i++) {
		strcat(text, i > 0 ? " " : "");
		strcat(text, people[i].staff);
	}
	if (strcmp(text, who) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", role, text, who);
}

static void
expect(const struct roster *r, const char *role, const char *when, const struct roster_fact *facts, unsigned count, const char *who)
{
	expect_at(r, role, at(when), facts, count, who);
}

static void
test_shifts(void **state)
{
	struct roster *r = parse(base);

	(void)state;
	expect(r, "clerk", "2026-11-25 08:00", NULL, 0, "c-1 c-2");		/* a Wednesday; the beginning is in */
	expect_at(r, "clerk", at("2026-11-25 20:00") - 1, NULL, 0, "c-1 c-2");
	expect(r, "clerk", "2026-11-25 20:00", NULL, 0, "l-1");			/* the end is not: the next role */
	expect_at(r, "clerk", at("2026-11-25 08:00") - 1, NULL, 0, "l-1");
	expect(r, "clerk", "2026-11-28 09:30", NULL, 0, "c-3");
	/* A date replaces the weekly shifts of its days, also in the hours that it has not. */
	expect(r, "clerk", "2026-10-01 10:00", NULL, 0, "c-4");
	expect(r, "clerk", "2026-10-01 15:00", NULL, 0, "l-1");
	expect(r, "clerk", "2026-10-07 11:59", NULL, 0, "c-4");
	expect(r, "clerk", "2026-10-08 10:00", NULL, 0, "c-1 c-2");
	/* Over midnight a shift belongs to the day on which it begins. */
	expect(r, "security", "2026-11-25 07:59", NULL, 0, "s-night");
	expect(r, "security", "2026-11-25 08:00", NULL, 0, "s-day");
	expect(r, "security", "2026-11-25 23:59", NULL, 0, "s-night");
	expect(r, "security", "2026-10-01 07:59", NULL, 0, "s-night");
	expect(r, "security", "2026-10-01 20:00", NULL, 0, "s-holiday");
	expect(r, "security", "2026-10-02 07:59", NULL, 0, "s-holiday");
	expect(r, "security", "2026-10-02 08:00", NULL, 0, "s-day");
	roster_free(r);
}

static void
test_rotation(void **state)
{
	static const char text[] = "zone: Asia/Shanghai\nroles:\n  engineering:\n    rotation: {every: day, start: 2026-03-01, staff: [a, b]}\n";
	struct roster *r = parse(base), *daily = parse(text);

	(void)state;
	expect(r, "engineering", "2026-01-05 08:00", NULL, 0, "e-1");
	expect(r, "engineering", "2026-01-12 07:59", NULL, 0, "e-1");
	expect(r, "engineering", "2026-01-12 08:00", NULL, 0, "e-2");
	expect(r, "engineering", "2026-01-26 08:00", NULL, 0, "e-1");
	expect(r, "engineering", "2026-01-05 07:59", NULL, 0, "e-3");		/* before the start it turned the same way */
	expect(r, "engineering", "1965-01-05 07:59", NULL, 0, "e-1");
	expect(daily, "engineering", "2026-02-28 23:59", NULL, 0, "b");
	expect(daily, "engineering", "2026-03-01 00:00", NULL, 0, "a");
	expect(daily, "engineering", "2028-02-29 12:00", NULL, 0, "a");		/* the 730th day */
	expect(daily, "engineering", "2028-03-01 12:00", NULL, 0, "b");
	expect(daily, "clerk", "2028-02-29 12:00", NULL, 0, "");
	roster_free(daily);
	roster_free(r);
}

static void
test_roles(void **state)
{
	static const char apart[] = "zone: UTC\nroles:\n  cs_lead:\n    staff: l\n  supervisor:\n    staff: s\n  general_manager:\n    staff: g\notherwise: supervisor\n";
	struct roster *r = parse(base);

	(void)state;
	expect(r, "supervisor", "2026-11-25 12:00", NULL, 0, "l-1");
	expect(r, "服务中心主管", "2026-11-25 12:00", NULL, 0, "l-1");
	expect(r, "site_manager", "2026-11-25 12:00", NULL, 0, "m-1 m-2");
	expect(r, "项目经理", "2026-11-25 12:00", NULL, 0, "m-1 m-2");
	expect(r, "finance", "2026-11-25 12:00", NULL, 0, "l-1");
	expect(r, "no such role", "2026-11-25 12:00", NULL, 0, "l-1");
	roster_free(r);
	r = parse(apart);
	expect(r, "supervisor", "2026-11-25 12:00", NULL, 0, "s");
	expect(r, "cs_lead", "2026-11-25 12:00", NULL, 0, "l");
	roster_free(r);
	assert_string_equal(roster_role("主任"), "site_manager");
	assert_string_equal(roster_role("工程维修"), "engineering");
	assert_null(roster_role("bursar"));
}

static void
test_absences_and_swaps(void **state)
{
	int64_t from = at("2026-11-25 10:00"), until = at("2026-11-25 12:00");
	struct roster_fact away = { .staff = "m-1", .from = from, .until = until };
	struct roster_fact named = { .staff = "m-1", .deputy = "x-1", .from = from, .until = INT64_MAX };
	struct roster_fact chain[] = { away, { .staff = "m-9", .deputy = "m-2", .from = from, .until = until } };
	struct roster_fact circle[] = { away, { .staff = "m-9", .deputy = "m-1", .from = from, .until = until }, { .staff = "m-2", .from = from, .until = until } };
	struct roster_fact swap[] = {
		{ .staff = "c-1", .deputy = "c-3", .from = from, .until = until, .swapped = true },
		{ .staff = "c-3", .deputy = "c-1", .from = from, .until = until, .swapped = true },
	};
	struct roster_fact corrected[] = { named, away };
	struct roster_fact engineer[] = { { .staff = "e-1", .from = 0, .until = INT64_MAX }, { .staff = "e-2", .from = 0, .until = INT64_MAX }, { .staff = "e-3", .from = 0, .until = INT64_MAX } };
	struct roster_fact nothing = { .staff = "c-1", .from = 0, .until = INT64_MAX, .swapped = true };
	struct roster *r = parse(base);

	(void)state;
	expect_at(r, "site_manager", from - 1, &away, 1, "m-1 m-2");
	expect_at(r, "site_manager", from, &away, 1, "m-9 m-2");
	expect_at(r, "site_manager", until - 1, &away, 1, "m-9 m-2");
	expect_at(r, "site_manager", until, &away, 1, "m-1 m-2");
	expect_at(r, "site_manager", from, &named, 1, "x-1 m-2");
	expect_at(r, "site_manager", from, corrected, 2, "m-9 m-2");		/* the later word counts */
	expect_at(r, "site_manager", from, chain, 2, "m-2");			/* nobody twice */
	expect_at(r, "site_manager", from, circle, 3, "l-1");			/* nobody left: the roles that are told otherwise, in order */
	expect_at(r, "clerk", from, swap, 2, "c-3 c-2");
	expect_at(r, "clerk", from, &nothing, 1, "c-1 c-2");
	expect_at(r, "engineering", from, engineer, 3, "g-1");			/* its own list, not the common one */
	roster_free(r);
}

static void
test_why(void **state)
{
	int64_t when = at("2026-11-25 10:00");
	struct roster_fact facts[] = {
		{ .staff = "l-1", .from = 0, .until = INT64_MAX }, { .staff = "c-1", .deputy = "c-9", .from = 0, .until = INT64_MAX, .swapped = true },
	};
	struct roster_person p[ROSTER_PEOPLE_MAX];
	struct roster *r = parse(base);
	char text[ROSTER_WHY_SIZE];

	(void)state;
	assert_int_equal(roster_on_duty(r, "finance", when, facts, 2, p), 1);
	assert_string_equal(p[0].staff, "l-9");
	roster_why(&p[0], "finance", false, text);
	assert_string_equal(text, "nobody is there as finance, so cs_lead; instead of l-1, who is absent; of the role at any time");
	roster_why(&p[0], "finance", true, text);
	assert_string_equal(text, "finance 无人，由 cs_lead；代 l-1（缺勤）；常任");
	roster_why(&p[0], "supervisor", false, text);
	assert_string_equal(text, "instead of l-1, who is absent; of the role at any time");
	assert_int_equal(roster_on_duty(r, "clerk", when, facts, 2, p), 2);
	roster_why(&p[0], "clerk", false, text);
	assert_string_equal(text, "in a swap with c-1; on a shift");
	roster_why(&p[1], "管理员", false, text);
	assert_string_equal(text, "on a shift");
	assert_int_equal(roster_on_duty(r, "engineering", when, NULL, 0, p), 1);
	assert_int_equal(p[0].reason, ROSTER_ROTATION);
	roster_free(r);
}

static void
test_mistakes(void **state)
{
	static const char head[] = "zone: UTC\nroles:\n";
	static const struct {
		bool headed;
		const char *text, *why;
	} rows[] = {
		{ false, "", "line 1: the roster is empty" },
		{ false, "zone: UTC\n", "line 1: roles is missing" },
		{ false, "roles: {}\n", "line 1: zone is missing" },
		{ false, "zone: UTC\nzone: UTC\n", "line 2: zone is given twice" },
		{ false, "zone: Asia/Shangai\n", "did you mean Asia/Shanghai?" },
		{ false, "rolls: {}\n", "line 1: there is no key rolls; did you mean roles?" },
		{ true, "  clark: {}\n", "line 3: there is no role clark; did you mean clerk?" },
		{ true, "  xyz: {}\n", "line 3: there is no role xyz; `estate types case.assigned` lists them" },
		{ true, "  clerk: {}\n", "line 3: clerk has nobody" },
		{ true, "  site_manager: {staff: a}\n  主任: {staff: b}\n", "line 4: site_manager is given twice" },
		{ true, "  clerk: {staff: []}\n", "line 3: nobody is listed" },
		{ true, "  clerk: {staff: [a, a]}\n", "line 3: a is listed twice" },
		{ true, "  clerk: {staff: two words}\n", "line 3: two words is no staff id" },
		{ true, "  clerk: {shifts: {staff: a}}\n", "line 3: shifts is a list" },
		{ true, "  clerk: {shifts: []}\n", "a role has 1 to 64 shifts, not 0" },
		{ true, "  clerk: {shifts: [{days: mon}]}\n", "line 3: a shift needs staff" },
		{ true, "  clerk: {shifts: [{days: mon, dates: 2026-01-01, staff: a}]}\n", "days of every week or dates, not both" },
		{ true, "  clerk: {shifts: [{dates: 01-01, staff: a}]}\n", "dates are written 2026-10-01" },
		{ true, "  clerk: {shifts: [{dates: 2026-01-02..2026-01-01, staff: a}]}\n", "dates are written 2026-10-01" },
		{ true, "  clerk: {shifts: [{hours: 8-20, staff: a}]}\n", "hours are written 08:00-20:00, or 20:00-08:00" },
		{ true, "  clerk: {shifts: [{hours: 08:00-08:00, staff: a}]}\n", "leave hours out for the whole day" },
		{ true, "  clerk: {shifts: [{days: mom, staff: a}]}\n", "there is no weekday mom; did you mean mon?" },
		{ true, "  clerk: {rotation: {every: month, start: 2026-01-01, staff: a}}\n", "there is no span (day or week) month" },
		{ true, "  clerk: {rotation: {every: day, staff: a}}\n", "start is missing" },
		{ true, "  clerk: {rotation: {every: day, start: 2026-02-30, staff: a}}\n", "start is a day such as" },
		{ true, "  clerk: {rotation: {every: day, start: 2026-01-01, at: 24:00, staff: a}}\n", "at is a time such as 08:00" },
		{ true, "  clerk: {staff: a, otherwise: [finance, finance]}\n", "finance is listed twice" },
		{ true, "  clerk: {staff: a}\ndeputies:\n  a: a\n", "line 5: a cannot stand in for oneself" },
		{ true, "  clerk: {staff: a}\ndeputies:\n  a: b\n  a: c\n", "line 6: a has two deputies" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[1000], why[300] = "";

		snprintf(text, sizeof(text), "%s%s", rows[i].headed ? head : "", rows[i].text);
		if (roster_parse(text, why, sizeof(why)) != NULL || strstr(why, rows[i].why) == NULL)
			fail_msg("\"%s\"\n  told: %s\n  not:  %s", text, why, rows[i].why);
	}
}

/* Whatever bytes come, a roster or a sentence comes out. */
static void
test_damaged_text(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned n = 0; n < 1500; n++) {
		char text[sizeof(base)], why[300] = "";
		struct roster_person people[ROSTER_PEOPLE_MAX];
		struct roster *r;

		memcpy(text, base, sizeof(base));
		for (unsigned i = 0; i <= n % 3; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[(seed >> 33) % (sizeof(base) - 1)] = base[(seed >> 13) % (sizeof(base) - 1)];
		}
		r = roster_parse(text, why, sizeof(why));
		assert_true(r != NULL || strncmp(why, "line ", 5) == 0);
		if (r != NULL)
			roster_on_duty(r, "clerk", at("2026-11-25 10:00"), NULL, 0, people);
		roster_free(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_absences_and_swaps),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_damaged_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
