/*
 * Business time: what is refused and how, the edges by hand, and properties over random calendars, zones and instants against a walk day
 * by day that knows no sums.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "calendar.h"
#include "rfc3339.h"
#include "zone.h"

#define NS	INT64_C(1000000000)
#define MINUTE	(60 * NS)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)

static const char base[] =
    "zone: Asia/Shanghai\n"
    "hours:\n"
    "  mon-fri: 09:00-12:00, 13:30-18:00\n"
    "fixed:\n"
    "  元旦: 01-01\n"
    "years:\n"
    "  2026:\n"
    "    notice: 国办发明电〔2025〕7号\n"
    "    off:\n"
    "      国庆节: 10-01..10-07\n"
    "    work:\n"
    "      国庆节: 09-20, 10-10\n";

static struct calendar *
parse(const char *text)
{
	char why[300] = "";
	struct calendar *c = calendar_parse(text, why, sizeof(why));

	if (c == NULL)
		fail_msg("refused: %s\n%s", why, text);
	return (c);
}

static int64_t
at(const struct calendar *c, const char *text)
{
	int64_t ns = 0;

	if (!calendar_read_instant(c, text, strlen(text), &ns))
		fail_msg("%s is refused", text);
	return (ns);
}

static int64_t
day(const char *text)
{
	int64_t d = 0;

	assert_true(rfc3339_date(text, 10, &d));
	return (d);
}

/* ---- Edges by hand ---- */

static void
test_due_by_hand(void **state)
{
	static const struct {
		enum calendar_mode mode;
		const char *n, *opened, *due;
		bool roll, close;
	} rows[] = {
		{ CALENDAR_EOD, "1", "2026-09-30 00:00", "2026-10-09T00:00:00+08:00", false, false },
		{ CALENDAR_EOD, "1", "2026-09-29 23:59:59.999999999", "2026-10-01T00:00:00+08:00", false, false },
		{ CALENDAR_EOD, "1", "2026-09-29 23:59", "2026-09-30T18:00:00+08:00", false, true },
		{ CALENDAR_EOD, "3", "2026-09-30 10:00", "2026-10-11T00:00:00+08:00", false, false },	/* the third is a Saturday, worked */
		{ CALENDAR_EOD, "1", "2026-09-18 17:00", "2026-09-21T00:00:00+08:00", false, false },	/* a Sunday, worked */
		{ CALENDAR_SAME, "1", "2026-09-29 17:59:59.5", "2026-09-30T17:59:59.500+08:00", false, false },
		{ CALENDAR_SAME, "1", "2026-09-29 18:00", "2026-10-08T09:00:00+08:00", false, false },	/* half open: moves to the 30th */
		{ CALENDAR_SAME, "1", "2026-09-29 12:00", "2026-09-30T13:30:00+08:00", false, false },
		{ CALENDAR_SAME, "1", "2026-09-29 08:59", "2026-09-30T09:00:00+08:00", false, false },
		{ CALENDAR_SAME, "1", "2026-10-03 11:00", "2026-10-09T09:00:00+08:00", false, false },
		{ CALENDAR_HOURS, "7h", "2026-09-29 11:00", "2026-09-30T10:30:00+08:00", false, false },
		{ CALENDAR_HOURS, "1h", "2026-09-29 11:00", "2026-09-29T12:00:00+08:00", false, false },	/* used up at noon, not at 13:30 */
		{ CALENDAR_HOURS, "450min", "2026-09-29 09:00", "2026-09-29T18:00:00+08:00", false, false },
		{ CALENDAR_HOURS, "900min", "2026-09-30 09:00", "2026-10-08T18:00:00+08:00", false, false },
		{ CALENDAR_HOURS, "90min", "2026-09-29 17:00:00.000000001", "2026-09-30T09:30:00.000000001+08:00", false, false },
		{ CALENDAR_HOURS, "1min", "2026-10-01 00:00", "2026-10-08T09:01:00+08:00", false, false },
		{ CALENDAR_DAYS, "3", "2026-09-29 16:00", "2026-10-03T00:00:00+08:00", false, false },
		{ CALENDAR_DAYS, "3", "2026-09-29 16:00", "2026-10-09T00:00:00+08:00", true, false },
		{ CALENDAR_DAYS, "3", "2026-09-29 16:00", "2026-10-08T18:00:00+08:00", true, true },
		{ CALENDAR_DAYS, "1", "2028-02-28 16:00", "2028-03-01T00:00:00+08:00", false, false },
		{ CALENDAR_ELAPSED, "5min", "2026-02-28 23:58", "2026-03-01T00:03:00+08:00", false, false },
		{ CALENDAR_ELAPSED, "1d", "2028-02-28 12:00", "2028-02-29T12:00:00+08:00", false, false },
	};
	struct calendar *c = parse(base);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct calendar_term t = { .mode = rows[i].mode, .roll = rows[i].roll, .close = rows[i].close };
		char text[CALENDAR_INSTANT_SIZE], why[300];
		struct calendar_due d;

		assert_int_equal(calendar_term_read(&t, rows[i].n, why, sizeof(why)), 0);
		assert_true(calendar_due(c, &t, at(c, rows[i].opened), &d));
		calendar_write_instant(c, d.at, text);
		if (strcmp(text, rows[i].due) != 0)
			fail_msg("%s %s of %s: %s, not %s", calendar_mode_name(rows[i].mode), rows[i].n, rows[i].opened, text, rows[i].due);
	}
	calendar_free(c);
}

static void
test_provisional(void **state)
{
	static const struct {
		enum calendar_mode mode;
		int64_t n;
		const char *opened;
		bool roll, close, provisional;
	} rows[] = {
		{ CALENDAR_EOD, 1, "2026-12-30 10:00", false, false, false },
		{ CALENDAR_EOD, 1, "2026-12-31 10:00", false, false, true },
		{ CALENDAR_EOD, 1, "2025-12-31 10:00", false, false, false },		/* the day of opening is not looked at */
		{ CALENDAR_EOD, 1, "2025-12-30 10:00", false, false, true },
		{ CALENDAR_SAME, 1, "2026-12-31 10:00", false, false, true },
		{ CALENDAR_HOURS, 60 * MINUTE, "2026-12-31 10:00", false, false, false },
		{ CALENDAR_HOURS, 24 * HOUR, "2026-12-31 10:00", false, false, true },
		{ CALENDAR_DAYS, 3, "2026-12-31 10:00", false, false, false },
		{ CALENDAR_DAYS, 3, "2026-12-31 10:00", true, false, true },
		{ CALENDAR_DAYS, 3, "2026-12-31 10:00", false, true, true },	/* whether it has a closing hour */
		{ CALENDAR_ELAPSED, 3 * DAY, "2026-12-31 10:00", false, false, false },
	};
	struct calendar *c = parse(base);
	struct calendar_day d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct calendar_term t = { .mode = rows[i].mode, .n = rows[i].n, .roll = rows[i].roll, .close = rows[i].close };
		struct calendar_due due;

		assert_true(calendar_due(c, &t, at(c, rows[i].opened), &due));
		if (due.provisional != rows[i].provisional)
			fail_msg("row %zu: provisional is %d", i, due.provisional);
	}
	/* A provisional year has the fixed days, an announced one only what its notice says. */
	assert_true(calendar_day(c, day("2027-01-01"), &d) && d.kind == CALENDAR_HOLIDAY && d.provisional);
	assert_string_equal(d.name, "元旦");
	assert_true(calendar_day(c, day("2026-01-01"), &d) && d.kind == CALENDAR_WORKDAY && !d.provisional);
	assert_true(calendar_day(c, day("2026-10-10"), &d) && d.kind == CALENDAR_MAKEUP && d.working);
	assert_string_equal(d.name, "国庆节");
	assert_string_equal(calendar_notice(c, 2026), "国办发明电〔2025〕7号");
	assert_null(calendar_notice(c, 2027));
	assert_true(calendar_is_provisional(c, 2027) && !calendar_is_provisional(c, 2026));
	calendar_free(c);
}

static void
test_bounds(void **state)
{
	static const struct calendar_term bad[] = {
		{ .mode = CALENDAR_EOD, .n = 0 }, { .mode = CALENDAR_EOD, .n = -1 }, { .mode = CALENDAR_SAME, .n = CALENDAR_DAYS_MAX + 1 },
		{ .mode = CALENDAR_HOURS, .n = 0 }, { .mode = CALENDAR_HOURS, .n = INT64_MIN }, { .mode = CALENDAR_ELAPSED, .n = INT64_MAX },
		{ .mode = CALENDAR_DAYS, .n = INT64_MAX }, { .mode = CALENDAR_MODES, .n = 1 },
	};
	static const int64_t outside[] = { INT64_MIN, -8 * HOUR - 1, INT64_C(4133952000) * NS, INT64_MAX };
	struct calendar *c = parse(base);
	struct calendar_due d;
	struct calendar_day cd;
	int64_t instant;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (bad[i].mode != CALENDAR_MODES)
			assert_false(calendar_due(c, &bad[i], at(c, "2026-01-01"), &d));
	for (unsigned m = 0; m < CALENDAR_MODES; m++) {
		struct calendar_term one = { .mode = (enum calendar_mode)m, .n = 1 }, most = one;

		for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
			assert_false(calendar_due(c, &one, outside[i], &d));
		assert_true(calendar_due(c, &one, -8 * HOUR, &d));
		/* At the far end every term runs out of the calendar, and says so. */
		most.n = calendar_mode_counts_days(one.mode) ? CALENDAR_DAYS_MAX : CALENDAR_SPAN_MAX;
		assert_false(calendar_due(c, &most, at(c, "2100-12-31 23:59:59"), &d));
		assert_true(calendar_due(c, &most, at(c, "2000-01-01"), &d) || one.mode == CALENDAR_HOURS);
	}
	assert_false(calendar_day(c, -1, &cd));
	assert_false(calendar_day(c, day("2101-01-01"), &cd));
	assert_true(calendar_day(c, day("2100-12-31"), &cd));
	assert_int_equal(calendar_worked(c, INT64_MIN, INT64_MAX), calendar_worked(c, -8 * HOUR, INT64_C(4133952000) * NS));
	assert_int_equal(calendar_worked(c, 5, 5), 0);
	assert_true(calendar_clock(c, day("2026-11-25"), 540, &instant) && instant == at(c, "2026-11-25 09:00"));
	assert_true(calendar_clock(c, day("2026-11-25"), 1440, &instant) && instant == at(c, "2026-11-26"));
	assert_false(calendar_clock(c, day("2026-11-25"), 1441, &instant) || calendar_clock(c, -1, 0, &instant) || calendar_clock(c, day("2101-01-01"), 0, &instant));
	calendar_free(c);
}

static void
test_term_text(void **state)
{
	static const struct {
		enum calendar_mode mode;
		const char *text;
		int64_t n;		/* 0: refused */
	} rows[] = {
		{ CALENDAR_EOD, "1", 1 }, { CALENDAR_EOD, "10000", 10000 }, { CALENDAR_EOD, "10001", 0 }, { CALENDAR_EOD, "0", 0 }, { CALENDAR_EOD, "-1", 0 },
		{ CALENDAR_EOD, "1d", 0 }, { CALENDAR_EOD, "", 0 }, { CALENDAR_EOD, "99999999999999999999", 0 }, { CALENDAR_DAYS, " 1", 0 },
		{ CALENDAR_HOURS, "9", 9 * HOUR }, { CALENDAR_HOURS, "9h", 9 * HOUR }, { CALENDAR_HOURS, "90min", 90 * MINUTE }, { CALENDAR_HOURS, "2d", 0 },
		{ CALENDAR_ELAPSED, "5min", 5 * MINUTE }, { CALENDAR_ELAPSED, "5", 0 }, { CALENDAR_ELAPSED, "3d", 3 * DAY }, { CALENDAR_ELAPSED, "3660d", 3660 * DAY },
		{ CALENDAR_ELAPSED, "3661d", 0 }, { CALENDAR_ELAPSED, "0s", 0 },
	};
	char why[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct calendar_term t = { .mode = rows[i].mode };
		int r = calendar_term_read(&t, rows[i].text, why, sizeof(why));

		if ((r == 0) != (rows[i].n > 0) || t.n != rows[i].n)
			fail_msg("%s \"%s\": %d, %lld", calendar_mode_name(t.mode), rows[i].text, r, (long long)t.n);
	}
	assert_int_equal(calendar_mode_read("hours", why, sizeof(why)), CALENDAR_HOURS);
	assert_int_equal(calendar_mode_read("hour", why, sizeof(why)), CALENDAR_MODES);
	assert_non_null(strstr(why, "did you mean hours?"));
}

/* ---- What is refused ---- */

static void
test_mistakes(void **state)
{
	static const char head[] = "zone: UTC\nhours:\n  mon: 09:00-18:00\n";
	static const struct {
		bool headed;
		const char *text, *why;
	} rows[] = {
		{ false, "", "line 1: the calendar is empty" },
		{ false, "- a\n", "line 1: a calendar needs keys" },
		{ false, "zone: [\n", "line 2: " },
		{ false, "zone: UTC\n", "line 1: hours is missing" },
		{ false, "hours:\n  mon: 09:00-18:00\n", "line 1: zone is missing: write zone: Asia/Shanghai" },
		{ false, "zone: UTC\nhours: {}\n", "no weekday has hours: nothing would ever be due" },
		{ false, "zone: Asia/Shanghia\n", "line 1: there is no time zone Asia/Shanghia; did you mean Asia/Shanghai?" },
		{ false, "zone: Nowhere\n", "line 1: there is no time zone Nowhere; write a name such as" },
		{ false, "zone: CET-1CEST\n", "there is no time zone CET-1CEST" },
		{ false, "zone: CET-1CEST,M13.5.0,M10.5.0\n", "there is no time zone" },
		{ false, "zone: UTC\nhours:\n  mon: 9-18\n", "line 3: hours are written 09:00-12:00, 13:30-18:00, not 9-18" },
		{ false, "zone: UTC\nhours:\n  mon: 09:00-12:60\n", "line 3: hours are written" },
		{ false, "zone: UTC\nhours:\n  mon: 09:00-24:01\n", "line 3: hours are written" },
		{ false, "zone: UTC\nhours:\n  mon: 09:00-12:00, 11:00-13:00\n", "line 3: 11:00-13:00 overlaps" },
		{ false, "zone: UTC\nhours:\n  mon: 13:00-14:00, 09:00-10:00\n", "line 3: 09:00-10:00 overlaps or stands before" },
		{ false, "zone: UTC\nhours:\n  mon: 09:00-12:00 13:00-14:00\n", "line 3: hours of a day stand apart by commas" },
		{ false, "zone: UTC\nhours:\n  mon: 22:00-06:00\n", "line 3: 22:00-06:00 goes past midnight: write 22:00-24:00 here and 00:00-06:00 on the next day" },
		{ false, "zone: UTC\nhours:\n  mon: 09:00-09:00\n", "line 3: 09:00-09:00 is no time at all" },
		{ false, "zone: UTC\nhours:\n  fir: 09:00-18:00\n", "line 3: there is no weekday fir; did you mean fri?" },
		{ false, "zone: UTC\nhours:\n  fri-mon: 09:00-18:00\n", "line 3: fri-mon runs backwards" },
		{ false, "zone: UTC\nhours:\n  mon-fri: 09:00-18:00\n  wed: 10:00-11:00\n", "line 4: the hours of wed are given twice" },
		{ true, "---\nzone: UTC\n", "line 4: the calendar ends before this: it is one document" },
		{ true, "---\n[\n", "the calendar ends before this" },
		{ true, "houres: {}\n", "line 4: there is no key houres; did you mean hours?" },
		{ true, "zone: UTC\n", "line 4: zone is given twice" },
		{ true, "years:\n  26: {}\n", "line 5: a year is one from 1970 to 2100, not 26" },
		{ true, "years:\n  2101: {}\n", "line 5: a year is one from 1970 to 2100" },
		{ true, "years:\n  2026: {}\n  2026: {}\n", "line 6: 2026 is listed twice" },
		{ true, "years:\n  2026:\n    of: {}\n", "line 6: there is no key of; did you mean off?" },
		{ true, "years:\n  2026:\n    off: 01-01\n", "line 6: off needs keys with values" },
		{ true, "years:\n  2026:\n    off:\n      a: 02-29\n", "line 7: no such day, or no date: 02-29" },
		{ true, "years:\n  2026:\n    off:\n      a: 02-03..02-01\n", "line 7: 02-03..02-01 is not a first and a last day" },
		{ true, "years:\n  2026:\n    off:\n      a: 01-01..12-31\n", "line 7: 01-01..12-31 is not a first and a last day within" },
		{ true, "years:\n  2026:\n    off:\n      a: 2025-11-30\n", "line 7: 2025-11-30 does not belong under 2026" },
		{ true, "years:\n  2026:\n    off:\n      a: 01-01\n    work:\n      a: 01-01\n", "line 9: 2026-01-01 cannot be both off and worked: line 7" },
		{ true, "years:\n  2026:\n    off:\n      a: 01-01, 01-01\n", "line 7: 2026-01-01 is listed twice, first in line 7" },
		{ true, "years:\n  2025:\n    off:\n      a: 2026-01-01\n  2026:\n    work:\n      b: 01-01\n", "line 10: 2026-01-01 cannot be both" },
		{ true, "years:\n  2026:\n    provisional: yes\n", "line 6: provisional is true or false" },
		{ true, "years:\n  2026:\n    provisional: true\n    notice: n\n", "2026 has a notice, so it is not provisional" },
		{ true, "fixed:\n  a: 2026-01-01\n", "line 5: a fixed day has no year: write 01-01" },
		{ true, "years:\n  2026:\n    notice: [a]\n", "line 6: notice needs one value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[1000], why[300] = "";

		snprintf(text, sizeof(text), "%s%s", rows[i].headed ? head : "", rows[i].text);
		if (calendar_parse(text, why, sizeof(why)) != NULL || strstr(why, rows[i].why) == NULL)
			fail_msg("\"%s\"\n  told: %s\n  not:  %s", text, why, rows[i].why);
	}
}

static void
test_a_notice_reaches_over_the_year(void **state)
{
	struct calendar *c = parse("zone: UTC\nhours:\n  mon-fri: 09:00-18:00\nyears:\n  2023:\n    off:\n      a: [2022-12-31..01-02, 2024-01-01]\n");
	struct calendar_day d;

	(void)state;
	assert_true(calendar_day(c, day("2022-12-31"), &d) && d.kind == CALENDAR_HOLIDAY && d.provisional);
	assert_true(calendar_day(c, day("2023-01-02"), &d) && d.kind == CALENDAR_HOLIDAY && !d.provisional);
	assert_true(calendar_day(c, day("2024-01-01"), &d) && d.kind == CALENDAR_HOLIDAY);
	assert_true(calendar_day(c, day("2022-12-30"), &d) && d.kind == CALENDAR_WORKDAY);
	calendar_free(c);
	c = parse("zone: UTC\nhours:\n  mon-fri: 09:00-18:00\nfixed:\n  a: 02-28..03-01\n");
	assert_true(calendar_day(c, day("2028-02-29"), &d) && d.kind == CALENDAR_HOLIDAY);
	assert_true(calendar_day(c, day("2028-03-01"), &d) && d.kind == CALENDAR_HOLIDAY);
	assert_true(calendar_day(c, day("2028-03-02"), &d) && d.kind == CALENDAR_WORKDAY);
	assert_true(calendar_day(c, day("2027-03-01"), &d) && d.kind == CALENDAR_HOLIDAY);
	assert_true(calendar_day(c, day("2027-03-02"), &d) && d.kind == CALENDAR_WORKDAY);
	calendar_free(c);
}

/* ---- Zones ---- */

static const char *const zone_names[] = {
#define ZONE(name, rule)	name,
#include "zones.def"
#undef ZONE
};
static const char *const zone_rules[] = {
#define ZONE(name, rule)	rule,
#include "zones.def"
#undef ZONE
};
#define ZONES	(sizeof(zone_names) / sizeof(*zone_names))

/* xorshift64*: the same cases every time. */
static uint64_t seed = 20261125;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return ((seed * UINT64_C(2685821657736338717) >> 11) % below);
}

/* The C library reads the same rules in its own way. */
static void
test_zones_as_the_c_library_reads_them(void **state)
{
	static struct zone z;
	char why[300];

	(void)state;
	for (size_t i = 0; i < ZONES; i++) {
		assert_int_equal(zone_read(&z, zone_names[i], why, sizeof(why)), 0);
		setenv("TZ", zone_rules[i], 1);
		tzset();
		for (unsigned n = 0; n < 400; n++) {
			unsigned k = (unsigned)draw(z.count + 1);
			time_t t = n % 2 == 0 || k == z.count ? (time_t)draw(UINT64_C(4133000000)) : (time_t)(z.changes[k].at - 2 + (int64_t)draw(4));
			struct tm tm;

			if (t < 86400 || t > 4133000000)
				continue;
			localtime_r(&t, &tm);
			if (tm.tm_gmtoff != zone_offset(&z, t))
				fail_msg("%s at %lld: %d, not %ld", zone_names[i], (long long)t, zone_offset(&z, t), tm.tm_gmtoff);
		}
	}
}

static void
test_a_clock_that_is_never_set_back(void **state)
{
	static struct zone z;
	char why[300];

	(void)state;
	for (size_t i = 0; i < ZONES; i++) {
		assert_int_equal(zone_read(&z, zone_names[i], why, sizeof(why)), 0);
		for (unsigned n = 0; n < 400; n++) {
			int64_t near = z.count > 0 && n % 4 != 0 ? z.changes[draw(z.count)].at : (int64_t)draw(UINT64_C(4133000000));
			int64_t u = near - 8000 + (int64_t)draw(16000), v = u + (int64_t)draw(8000), wall = zone_wall(&z, near) - 8000 + (int64_t)draw(16000);

			if (n % 3 == 0)
				wall = near + z.first - 3600 + 1800 * (int64_t)draw(6) + (int64_t)draw(2);	/* the bounds themselves */
			assert_true(zone_wall(&z, u) <= zone_wall(&z, v));
			assert_true((zone_instant(&z, wall) <= u) == (wall <= zone_wall(&z, u)));
			assert_true(zone_wall(&z, u) >= u + zone_offset(&z, u));
			assert_true(zone_wall(&z, u) <= u + zone_offset(&z, u) + 2 * 3600);
		}
	}
}

static void
test_hours_across_a_set_clock(void **state)
{
	struct calendar *c = parse("zone: Europe/Berlin\nhours:\n  mon-sun: 00:00-02:30, 02:30-04:00, 09:00-10:00\n");
	struct calendar_term t = { .mode = CALENDAR_SAME, .n = 1 };
	struct calendar_due d, later;
	char text[CALENDAR_INSTANT_SIZE];

	(void)state;
	/* 29 March 2026: 02:00 becomes 03:00; 25 October: 03:00 becomes 02:00. */
	assert_int_equal(calendar_worked(c, at(c, "2026-03-29"), at(c, "2026-03-30")), 4 * HOUR);
	assert_int_equal(calendar_worked(c, at(c, "2026-10-25"), at(c, "2026-10-26")), 6 * HOUR);
	assert_int_equal(at(c, "2026-03-29 02:30"), at(c, "2026-03-29T03:00:00+02:00"));
	assert_int_equal(at(c, "2026-10-25 02:30"), at(c, "2026-10-25T02:30:00+02:00"));
	assert_true(calendar_due(c, &t, at(c, "2026-03-28 02:30:00.5"), &d));
	calendar_write_instant(c, d.at, text);
	assert_string_equal(text, "2026-03-29T03:00:00+02:00");
	/* Half a second before the hour repeats, and as it does: not earlier. */
	assert_true(calendar_due(c, &t, at(c, "2026-10-25T02:59:59.5+02:00"), &d));
	assert_true(calendar_due(c, &t, at(c, "2026-10-25T02:00:00+01:00"), &later));
	assert_true(later.at >= d.at && later.at < d.at + NS);
	calendar_free(c);
}

static void
same_time(const struct calendar *c, const char *opened, const char *due)
{
	struct calendar_term t = { .mode = CALENDAR_SAME, .n = 1 };
	char text[CALENDAR_INSTANT_SIZE];
	struct calendar_due d;

	assert_true(calendar_due(c, &t, at(c, opened), &d));
	calendar_write_instant(c, d.at, text);
	assert_string_equal(text, due);
}

static void
test_same_time_on_a_day_with_other_hours(void **state)
{
	struct calendar *c = parse("zone: Europe/Berlin\nhours:\n  mon-fri: 09:00-12:00, 13:00-18:00\n  sat: 10:00-12:00\n");

	(void)state;
	same_time(c, "2026-11-27 15:00:00.5", "2026-11-28T12:00:00+01:00");	/* it closes before */
	same_time(c, "2026-11-27 09:30:00.5", "2026-11-28T10:00:00+01:00");	/* it opens after */
	same_time(c, "2026-11-27 11:00:00.5", "2026-11-28T11:00:00.500+01:00");
	calendar_free(c);
	c = parse("zone: Europe/Berlin\nhours:\n  mon-sun: 02:00-03:00, 09:00-10:00\n");
	same_time(c, "2026-03-29 01:30", "2026-03-30T09:00:00+02:00");		/* the clock skips the first hours of that Sunday */
	calendar_free(c);
}

/* ---- Random calendars ---- */

static void
random_hours(char *to, size_t size, bool may_be_empty)
{
	unsigned from = (unsigned)draw(12) * 30, count = (unsigned)draw(4) + !may_be_empty;
	size_t len = 0;

	*to = '\0';
	for (unsigned i = 0; i < count && from < 1440; i++) {
		unsigned until = from + 15 + (unsigned)draw(300);

		until = until > 1440 ? 1440 : until;
		len += (size_t)snprintf(to + len, size - len, "%s%02u:%02u-%02u:%02u", i > 0 ? ", " : "", from / 60, from % 60, until / 60, until % 60);
		from = until + (unsigned)draw(3) * 45;
	}
}

static struct calendar *
random_calendar(void)
{
	static const char *const weekdays[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	static const char *const zones[] = { "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
		"Asia/Beirut", "America/Havana", "Europe/Dublin", "Pacific/Chatham", "Asia/Jerusalem" };
	char text[8000], hours[100];
	size_t len = (size_t)snprintf(text, sizeof(text), "zone: %s\nhours:\n", zones[draw(10)]);

	for (unsigned d = 0; d < 7; d++) {
		random_hours(hours, sizeof(hours), d != 2);
		if (*hours != '\0')
			len += (size_t)snprintf(text + len, sizeof(text) - len, "  %s: %s\n", weekdays[d], hours);
	}
	random_hours(hours, sizeof(hours), false);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "makeup: %s\nfixed:\n  f: 01-01, 05-01..05-03\nyears:\n", hours);
	for (unsigned year = 2025; year < 2028; year++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "  %u:\n    off:\n", year);
		for (unsigned m = 1; m <= 12; m++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "      h%u: %02u-%02u..%02u-%02u\n", m, m, 1 + (unsigned)draw(5), m, 6 + (unsigned)draw(9));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "    work:\n");
		for (unsigned m = 1; m <= 12; m++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "      h%u: %02u-%02u\n", m, m, 16 + (unsigned)draw(12));
	}
	return (parse(text));
}

static struct calendar_term
random_term(void)
{
	struct calendar_term t = { .mode = (enum calendar_mode)draw(CALENDAR_MODES), .roll = draw(2) == 0, .close = draw(2) == 0 };

	t.n = calendar_mode_counts_days(t.mode) ? 1 + (int64_t)draw(20) : 1 + (int64_t)draw(60 * 3600) * NS + (int64_t)draw(3) * 500000000;
	return (t);
}

/* Near a change of the clock every third time, so that gaps and repeated hours are met. */
static int64_t
random_instant(const struct zone *z)
{
	int64_t ns = (INT64_C(1735689600) + (int64_t)draw(86400 * 1500)) * NS;

	if (z->count > 0 && draw(3) == 0)
		ns = (z->changes[112 + draw(6)].at - 3 * 86400 + (int64_t)draw(6 * 86400)) * NS;
	return (ns + (int64_t)draw(2) * 500000000);
}

/* Working time without sums: every interval of every day between them. */
static int64_t
worked_walk(const struct calendar *c, const struct zone *z, int64_t from, int64_t until)
{
	int64_t first, last, sum = 0;
	struct calendar_day d;

	assert_true(calendar_day_of(c, from, &first) && calendar_day_of(c, until, &last));
	for (int64_t at_day = first; at_day <= last; at_day++) {
		assert_true(calendar_day(c, at_day, &d));
		for (unsigned i = 0; i < d.hours_count; i++) {
			int64_t begin = zone_instant(z, at_day * 86400 + d.hours[i].from * 60) * NS, end = zone_instant(z, at_day * 86400 + d.hours[i].to * 60) * NS;

			begin = begin > from ? begin : from;
			end = end < until ? end : until;
			sum += end > begin ? end - begin : 0;
		}
	}
	return (sum);
}

/* The nth working day after a day. */
static int64_t
workday_walk(const struct calendar *c, int64_t from, int64_t n)
{
	struct calendar_day d;

	while (n > 0) {
		assert_true(calendar_day(c, ++from, &d));
		assert_true(d.working == (d.hours_count > 0));
		n -= d.working;
	}
	return (from);
}

/* The first instant of the next hours. */
static int64_t
opening_walk(const struct calendar *c, const struct zone *z, int64_t after)
{
	struct calendar_day d;
	int64_t at_day;

	assert_true(calendar_day_of(c, after, &at_day));
	for (;; at_day++) {
		assert_true(calendar_day(c, at_day, &d));
		for (unsigned i = 0; i < d.hours_count; i++) {
			int64_t from = zone_instant(z, at_day * 86400 + d.hours[i].from * 60), to = zone_instant(z, at_day * 86400 + d.hours[i].to * 60);

			if (from * NS >= after && from < to)
				return (from * NS);
		}
	}
}

struct tally {
	int64_t days, worked, last;
};

static void
count_step(void *user, const struct calendar_step *s)
{
	struct tally *t = user;

	if (s->counted > t->days)
		t->days = s->counted;
	t->worked += s->counted;
	assert_true(t->last == 0 || s->day.day == t->last + 1);
	t->last = s->day.day;
}

static void
check_against_a_walk(const struct calendar *c, const struct zone *z, const struct calendar_term *t, int64_t opened, const struct calendar_due *d)
{
	struct tally tally = { 0, 0, 0 };
	int64_t opened_day, after;

	assert_true(calendar_day_of(c, opened, &opened_day));
	assert_int_equal(d->opened_day, opened_day);
	assert_true(calendar_explain(c, t, opened, count_step, &tally));
	if (t->mode != CALENDAR_ELAPSED)
		assert_int_equal(tally.last, d->last_day);
	switch (t->mode) {
	case CALENDAR_EOD:
		assert_int_equal(d->last_day, workday_walk(c, opened_day, t->n));
		assert_true(t->close || (calendar_day_of(c, d->at, &after) && after == d->last_day + 1));
		/* Unless the clock skips all hours of that day, which then close as it begins. */
		assert_true(calendar_day_of(c, d->at - 1, &after) && (after == d->last_day || d->at == zone_instant(z, d->last_day * 86400) * NS));
		assert_int_equal(tally.days, t->n);
		break;
	case CALENDAR_SAME:
		assert_int_equal(tally.days, t->n);
		if (!calendar_is_open(c, opened)) {
			struct calendar_due moved;
			int64_t start = opening_walk(c, z, opened);

			assert_true(calendar_is_open(c, start) && calendar_due(c, t, start, &moved));
			assert_int_equal(moved.at, d->at);
			assert_true(calendar_day_of(c, start, &opened_day));
		}
		assert_int_equal(d->last_day, workday_walk(c, opened_day, t->n));
		break;
	case CALENDAR_HOURS:
		assert_int_equal(calendar_worked(c, opened, d->at), t->n);
		assert_int_equal(calendar_worked(c, opened, d->at - 1), t->n - 1);
		assert_int_equal(worked_walk(c, z, opened, d->at), t->n);
		assert_int_equal(tally.worked, t->n);
		break;
	case CALENDAR_DAYS:
		assert_int_equal(d->last_day, t->roll ? workday_walk(c, opened_day + t->n - 1, 1) : opened_day + t->n);
		assert_int_equal(tally.days, t->n);
		break;
	case CALENDAR_ELAPSED:
		assert_int_equal(d->at - opened, t->n);
		break;
	case CALENDAR_MODES:
		fail();
	}
}

static void
check_order(const struct calendar *c, const struct calendar_term *t, int64_t opened, const struct calendar_due *d)
{
	struct calendar_term more = *t;
	struct calendar_due later, second;
	int64_t apart[] = { 1, (int64_t)draw(5000) * NS, (int64_t)draw(100 * 3600) * NS };

	assert_true(d->at > opened);
	for (size_t i = 0; i < sizeof(apart) / sizeof(*apart); i++) {
		assert_true(calendar_due(c, t, opened + apart[i], &later));
		if (later.at < d->at)
			fail_msg("%s %lld: opened %lld later, due earlier", calendar_mode_name(t->mode), (long long)t->n, (long long)apart[i]);
	}
	more.n++;
	assert_true(calendar_due(c, &more, opened, &later) && later.at >= d->at);
	if (t->mode != CALENDAR_HOURS)
		return;
	/* Two spans in a row are one. */
	more.n = t->n + 7 * HOUR;
	assert_true(calendar_due(c, &more, opened, &later));
	more.n = 7 * HOUR;
	assert_true(calendar_due(c, &more, d->at, &second));
	assert_int_equal(second.at, later.at);
}

static void
check_half_open(const struct calendar *c, const struct zone *z, int64_t at_day)
{
	struct calendar_day d;

	assert_true(calendar_day(c, at_day, &d));
	for (unsigned i = 0; i < d.hours_count; i++) {
		int64_t from = zone_instant(z, at_day * 86400 + d.hours[i].from * 60) * NS, to = zone_instant(z, at_day * 86400 + d.hours[i].to * 60) * NS;
		bool joined = i + 1 < d.hours_count && d.hours[i + 1].from == d.hours[i].to;

		if (from == to)
			continue;			/* the clock skips it */
		assert_true(calendar_is_open(c, from) && calendar_is_open(c, to - 1));
		if (!joined && d.hours[i].to < 1440)
			assert_false(calendar_is_open(c, to) && zone_instant(z, at_day * 86400 + d.hours[i].to * 60 + 1) * NS > to);
	}
}

static void
test_random_calendars(void **state)
{
	static struct zone z;
	char text[CALENDAR_INSTANT_SIZE], why[300];
	struct calendar_due d;

	(void)state;
	for (unsigned n = 0; n < 110; n++) {
		struct calendar *c = random_calendar();

		assert_int_equal(zone_read(&z, calendar_zone(c), why, sizeof(why)), 0);
		for (unsigned i = 0; i < 100; i++) {
			struct calendar_term t = random_term();
			int64_t opened = random_instant(&z), back;

			assert_true(calendar_due(c, &t, opened, &d));
			check_against_a_walk(c, &z, &t, opened, &d);
			check_order(c, &t, opened, &d);
			check_half_open(c, &z, d.last_day);
			assert_true(calendar_read_instant(c, text, calendar_write_instant(c, d.at, text), &back));
			assert_int_equal(back, d.at);
		}
		calendar_free(c);
	}
}

/* Whatever bytes come, a calendar or a sentence comes out. */
static void
test_damaged_text(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 400; n++) {
		char text[sizeof(base)], why[300] = "";
		struct calendar *c;

		memcpy(text, base, sizeof(base));
		for (unsigned i = 0; i <= draw(3); i++)
			text[draw(sizeof(base) - 1)] = (char)(draw(4) == 0 ? draw(256) : (uint64_t)(unsigned char)base[draw(sizeof(base) - 1)]);
		c = calendar_parse(text, why, sizeof(why));
		assert_true(c != NULL || strncmp(why, "line ", 5) == 0);
		calendar_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due_by_hand),
		cmocka_unit_test(test_provisional),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_term_text),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_a_notice_reaches_over_the_year),
		cmocka_unit_test(test_zones_as_the_c_library_reads_them),
		cmocka_unit_test(test_a_clock_that_is_never_set_back),
		cmocka_unit_test(test_hours_across_a_set_clock),
		cmocka_unit_test(test_same_time_on_a_day_with_other_hours),
		cmocka_unit_test(test_random_calendars),
		cmocka_unit_test(test_damaged_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
