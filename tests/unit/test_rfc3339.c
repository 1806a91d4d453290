/* Instants as text: what is read, what is refused, and that writing and reading are one another's inverse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "rfc3339.h"

/* Read from a buffer of exactly that size, so that a byte read beyond it is caught. */
static bool
parse(const char *text, int64_t *seconds, uint32_t *nanoseconds)
{
	size_t len = strlen(text);
	char *exact = malloc(len + (len == 0));
	bool good;

	memcpy(exact, text, len);
	good = rfc3339_parse(exact, len, seconds, nanoseconds);
	free(exact);
	return (good);
}

static void
test_accepted(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		uint32_t nanoseconds;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "1970-01-01T08:00:00+08:00", 0, 0 },
		{ "1969-12-31t19:00:00-05:00", 0, 0 },
		{ "1985-04-12T23:20:50.52Z", 482196050, 520000000 },
		{ "1996-12-19T16:39:57-08:00", 851042397, 0 },
		{ "1937-01-01T12:00:27.87+00:20", -1041337173, 870000000 },
		{ "2026-11-03T08:30:00.125+08:00", 1793665800, 125000000 },
		{ "2026-11-03T00:30:00.000000001z", 1793665800, 1 },
		{ "2026-11-03T00:30:00.1234567899999Z", 1793665800, 123456789 },
		{ "2026-11-03T00:30:00-00:00", 1793665800, 0 },
		{ "1969-12-31T23:59:59.5Z", -1, 500000000 },
		{ "2000-02-29T00:00:00Z", 951782400, 0 },
		{ "0000-01-01T00:00:00Z", -62167219200, 0 },
		{ "0000-02-29T00:00:00Z", -62162121600, 0 },
		{ "9999-12-31T23:59:59Z", 253402300799, 0 },
		{ "0000-01-01T00:00:00+23:59", -62167219200 - 86340, 0 },
		/* Leap seconds: the end of a UTC day, wherever the clock stands. */
		{ "1990-12-31T23:59:60Z", 662688000, 0 },
		{ "1990-12-31T15:59:60-08:00", 662688000, 0 },
		{ "2017-01-01T07:59:60.25+08:00", 1483228800, 250000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t seconds = 1;
		uint32_t nanoseconds = 1;

		if (!parse(rows[i].text, &seconds, &nanoseconds))
			fail_msg("%s is refused", rows[i].text);
		assert_int_equal(seconds, rows[i].seconds);
		assert_int_equal(nanoseconds, rows[i].nanoseconds);
	}
}

static void
test_refused(void **state)
{
	static const char *const rows[] = {
		"", "Z", "2026-11-03", "2026-11-03T08:30:00", "2026-11-03T08:30:00.5", "2026-11-03 08:30:00Z", "2026-11-03_08:30:00Z",
		"2026-11-03T08:30Z", "2026-11-03T08:30:00.Z", "2026-11-03T08:30:00,5Z", "2026-11-03T08:30:00+08", "2026-11-03T08:30:00+0800",
		"2026-11-03T08:30:00+8:00", "2026-11-03T08:30:00+24:00", "2026-11-03T08:30:00+08:60", "2026-11-03T08:30:00 +08:00",
		"2026-11-03T08:30:00ZZ", "2026-11-03T08:30:00Z ", " 2026-11-03T08:30:00Z", "2026-11-03T08:30:00X", "2026-11-03T08:30:00+08:00Z",
		"2026-11-03T24:00:00Z", "2026-11-03T08:60:00Z", "2026-11-03T08:30:61Z", "2026-11-03T08:30:60Z", "2026-11-03T23:59:60+08:00",
		"2026-13-03T08:30:00Z", "2026-00-03T08:30:00Z", "2026-11-00T08:30:00Z", "2026-11-31T08:30:00Z", "2026-02-29T08:30:00Z",
		"1900-02-29T08:30:00Z", "26-11-03T08:30:00Z", "+026-11-03T08:30:00Z", "-026-11-03T08:30:00Z", "12026-11-03T08:30:00Z",
		"2026-1-03T08:30:00Z", "2026/11/03T08:30:00Z", "2026-11-03T 8:30:00Z", "2026-11-03T08:30:0aZ", "2026-11-03T08-30-00Z",
		"2026-11-03T08:30:00.-5Z", "2026-11-03T08:30:00+-8:00", "2026-11-03T08:30:00.5+08:00:00", "20261103T083000Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t seconds = 7;
		uint32_t nanoseconds = 7;

		if (parse(rows[i], &seconds, &nanoseconds))
			fail_msg("\"%s\" is accepted", rows[i]);
		assert_int_equal(seconds, 7);
		assert_int_equal(nanoseconds, 7);
	}
}

/* Every proper prefix of a good instant is none, except where it ends after another digit of the fraction: it lacks the offset then. */
static void
test_prefixes(void **state)
{
	static const char whole[] = "2026-11-03T08:30:00.125+08:00";
	uint32_t nanoseconds;
	int64_t seconds;
	char part[sizeof(whole)];

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		memcpy(part, whole, len);
		part[len] = '\0';
		assert_false(parse(part, &seconds, &nanoseconds));
	}
}

/* Every day of 0000 to 9999 against the C library. */
static void
test_calendar(void **state)
{
	char text[16];
	int64_t days;

	(void)state;
	for (int64_t day = -719528; day <= 2932896; day++) {
		time_t t = (time_t)day * 86400;
		unsigned month, of_month;
		int64_t year;
		struct tm tm;

		gmtime_r(&t, &tm);
		rfc3339_civil(day, &year, &month, &of_month);
		if (year != tm.tm_year + 1900 || (int)month != tm.tm_mon + 1 || (int)of_month != tm.tm_mday)
			fail_msg("day %ld is %ld-%u-%u", (long)day, (long)year, month, of_month);
		if (day % 13 != 0)
			continue;
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
		if (tm.tm_year + 1900 < 1000)	/* %Y is not padded everywhere */
			continue;
		assert_true(rfc3339_date(text, 10, &days));
		assert_int_equal(days, day);
	}
}

static void
test_dates(void **state)
{
	(void)state;
	assert_true(rfc3339_date("2024-02-29", 10, NULL));
	assert_false(rfc3339_date("2025-02-29", 10, NULL));
	assert_false(rfc3339_date("2025-04-31", 10, NULL));
	assert_false(rfc3339_date("2025-04-3", 9, NULL));
	assert_false(rfc3339_date("2025-04-301", 11, NULL));
	assert_false(rfc3339_date("2025:04:30", 10, NULL));
}

static void
test_format(void **state)
{
	static const struct {
		int64_t seconds;
		uint32_t nanoseconds;
		int offset;
		const char *text;
	} rows[] = {
		{ 0, 0, 0, "1970-01-01T00:00:00Z" },
		{ 1793665800, 0, 480, "2026-11-03T08:30:00+08:00" },
		{ 1793665800, 125000000, 480, "2026-11-03T08:30:00.125+08:00" },
		{ 1793665800, 1000, 0, "2026-11-03T00:30:00.000001Z" },
		{ 1793665800, 999999999, -1439, "2026-11-02T00:31:00.999999999-23:59" },
		{ -1, 500000000, -300, "1969-12-31T18:59:59.500-05:00" },
		{ 253402300799, 0, 0, "9999-12-31T23:59:59Z" },
		{ 253402300799, 0, 1, "" },
		{ -62167219200, 0, 0, "0000-01-01T00:00:00Z" },
		{ -62167219200, 0, -1, "" },
		{ INT64_MAX, 0, 0, "" },
		{ INT64_MIN, 0, 0, "" },
		{ 0, 1000000000, 0, "" },
		{ 0, 0, 1440, "" },
	};
	char out[RFC3339_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = rfc3339_format(rows[i].seconds, rows[i].nanoseconds, rows[i].offset, out);

		assert_string_equal(out, rows[i].text);
		assert_int_equal(len, strlen(out));
	}
}

static void
test_there_and_back(void **state)
{
	uint64_t chance = 88172645463325252u;
	char out[RFC3339_SIZE];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		int64_t seconds, again;
		uint32_t nanoseconds, rest;
		int offset;

		chance ^= chance << 13, chance ^= chance >> 7, chance ^= chance << 17;
		seconds = (int64_t)(chance % 315000000000u) - 62100000000;
		nanoseconds = i % 3 == 0 ? 0 : (uint32_t)(chance >> 32) % 1000000000;
		offset = (int)(chance % 2879) - 1439;
		assert_true(rfc3339_format(seconds, nanoseconds, offset, out) > 0);
		assert_true(rfc3339_parse(out, strlen(out), &again, &rest));
		assert_int_equal(again, seconds);
		assert_int_equal(rest, nanoseconds);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_there_and_back),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
