/* What the command line shows and reads: times, widths, histograms, lines, probes, parcels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "histogram.h"
#include "lines.h"
#include "mp.h"
#include "paint.h"
#include "parcel.h"
#include "probe.h"
#include "sitetime.h"

#define NOW	INT64_C(1795470575000000000)	/* 2026-11-24 05:49:35 in Shanghai */

static void
expect_time(const char *text, const char *local)
{
	char out[SITETIME_TEXT];
	int64_t ns;

	if (!sitetime_parse(text, NOW, &ns))
		fail_msg("%s was not understood", text);
	sitetime_local(ns, 0, out);
	assert_string_equal(out, local);
}

static void
test_times_as_people_write_them(void **state)
{
	static const char *const wrong[] = {
		"", "soon", "2026-13-01", "2026-11-24 25:00", "2026-11-24T05:00:00+0", "2 fortnights ago", "2 hours later", "5 ago",
		"2026-11-24x", "-5 min",
	};
	int64_t ns;

	(void)state;
	expect_time("now", "2026-11-24 05:49:35 +08:00");
	expect_time("today", "2026-11-24 00:00:00 +08:00");
	expect_time("yesterday", "2026-11-23 00:00:00 +08:00");
	expect_time("2 hours ago", "2026-11-24 03:49:35 +08:00");
	expect_time("90s", "2026-11-24 05:48:05 +08:00");
	expect_time("15min ago", "2026-11-24 05:34:35 +08:00");
	expect_time("1 week ago", "2026-11-17 05:49:35 +08:00");
	expect_time("2026-11-24", "2026-11-24 00:00:00 +08:00");
	expect_time("2026-11-24 05:06", "2026-11-24 05:06:00 +08:00");
	expect_time("2026-11-24T05:06:07Z", "2026-11-24 13:06:07 +08:00");
	expect_time("2026-11-24T05:06:07.25-05:30", "2026-11-24 18:36:07 +08:00");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (sitetime_parse(wrong[i], NOW, &ns))
			fail_msg("%s was understood", wrong[i]);
}

static void
expect_span(int64_t ns, bool zh, const char *text)
{
	struct buffer b = { NULL, 0, 0 };

	sitetime_span(&b, ns, zh);
	assert_string_equal(b.data, text);
	buffer_free(&b);
}

static void
test_spans_and_instants(void **state)
{
	char out[SITETIME_TEXT];

	(void)state;
	expect_span(84000, false, "84 us");
	expect_span(850000000, false, "850 ms");
	expect_span(2500000000, false, "2.5 s");
	expect_span(250 * INT64_C(1000000000), false, "4 min 10 s");
	expect_span(-3900 * INT64_C(1000000000), false, "-1 h 05 min");
	expect_span(100 * 3600 * INT64_C(1000000000), true, "4 天 4 小时");
	expect_span(INT64_MIN, false, "-106751 d 23 h");
	sitetime_utc_ns(-1, out);
	assert_string_equal(out, "1969-12-31T23:59:59.999999999Z");
	sitetime_local(NOW + 7, 9, out);
	assert_string_equal(out, "2026-11-24 05:49:35.000000007 +08:00");
}

static void
test_wide_characters_and_what_must_not_reach_a_terminal(void **state)
{
	struct buffer b = { NULL, 0, 0 };

	(void)state;
	assert_int_equal(paint_width("abc", 3), 3);
	assert_int_equal(paint_width("投诉a", 7), 5);
	assert_int_equal(paint_width("\033[1mab\033[0m", 10), 2);
	assert_int_equal(paint_fit("投诉", 6, 3), 3);
	paint_clean(&b, "投诉受理", 12, 5);
	assert_string_equal(b.data, "投诉…");
	buffer_clear(&b);
	paint_cell(&b, "投诉", 6, 6);
	assert_string_equal(b.data, "投诉  ");
	buffer_clear(&b);
	paint_clean(&b, "a\033[31m\nb\x7f\xc2\x9b" "c", 12, 0);
	assert_string_equal(b.data, "a?[31m b??c");
	/* U+200E and U+200F, U+202A to U+202E, U+2066 to U+2069, and not their neighbours. */
	for (unsigned c = 0x2000; c < 0x2080; c++) {
		char text[] = { 'a', (char)0xe2, (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)), 'b', '\0' };
		bool turns = c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);

		buffer_clear(&b);
		paint_clean(&b, text, 5, 0);
		assert_string_equal(b.data, turns ? "a?b" : text);
	}
	buffer_clear(&b);
	paint_cell(&b, "a\xe2\x80\xae" "bcd\xe2\x80\x8e", 10, 4);
	assert_string_equal(b.data, "a?b…");
	buffer_clear(&b);
	paint_cell(&b, "\xe2\x80\x8f" "a\xe2\x80", 6, 6);
	assert_string_equal(b.data, "?a\xe2\x80  ");
	buffer_free(&b);
}

static void
test_histogram(void **state)
{
	static struct histogram h;

	(void)state;
	assert_int_equal(histogram_at(&h, 0.5), 0);
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&h, i * 1000);
	for (double share = 0.001; share <= 1; share += 0.001) {
		double want = share * 1e8, got = (double)histogram_at(&h, share);

		assert_true(got >= want * 0.999 && got <= want * 1.01);
	}
	assert_int_equal(h.max, 100000000);
	assert_int_equal(histogram_at(&h, 1), 100000000);
	histogram_add(&h, UINT64_MAX);
	assert_true(histogram_at(&h, 1) == UINT64_MAX);
}

static void
test_lines_from_a_slow_pipe(void **state)
{
	struct lines l;
	const char *line;
	size_t len;
	int fds[2];
	char *huge = malloc(LINE_BYTES_MAX + 10);

	(void)state;
	assert_non_null(huge);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	lines_init(&l, fds[0]);
	assert_int_equal(lines_next(&l, &line, &len), LINES_WAIT);
	assert_int_equal(write(fds[1], "on", 2), 2);
	assert_int_equal(lines_fill(&l), 0);
	assert_int_equal(lines_next(&l, &line, &len), LINES_WAIT);
	assert_int_equal(lines_fill(&l), 0);
	assert_int_equal(write(fds[1], "e\n\ntwo\n", 7), 7);
	assert_int_equal(lines_fill(&l), 0);
	assert_int_equal(lines_next(&l, &line, &len), LINES_ONE);
	assert_int_equal(len, 3);
	assert_memory_equal(line, "one", 3);
	assert_int_equal(lines_next(&l, &line, &len), LINES_ONE);
	assert_int_equal(len, 0);
	assert_int_equal(lines_next(&l, &line, &len), LINES_ONE);
	assert_int_equal(l.number, 3);
	/* One that is too long is skipped and counted; the next one is whole. */
	memset(huge, 'x', LINE_BYTES_MAX + 10);
	for (size_t at = 0; at < LINE_BYTES_MAX + 10;) {
		ssize_t n = write(fds[1], huge + at, LINE_BYTES_MAX + 10 - at);

		at += n > 0 ? (size_t)n : 0;
		assert_int_equal(lines_fill(&l), 0);
		assert_int_equal(lines_next(&l, &line, &len), LINES_WAIT);
	}
	assert_int_equal(write(fds[1], "\nlast", 5), 5);
	close(fds[1]);
	while (!l.eof)
		assert_int_equal(lines_fill(&l), 0);
	assert_int_equal(lines_next(&l, &line, &len), LINES_LONG);
	assert_int_equal(lines_next(&l, &line, &len), LINES_ONE);
	assert_int_equal(l.number, 5);
	assert_memory_equal(line, "last", 4);
	assert_int_equal(lines_next(&l, &line, &len), LINES_END);
	lines_free(&l);
	close(fds[0]);
	free(huge);
}

static void
test_probes_are_exact_and_differ(void **state)
{
	static const size_t size[] = { PROBE_BYTES_MIN, 256, 420, 421, 422, 1000, 65535, 65536 };
	struct mp_bounds bounds = { 8, 1024, true };
	struct probe p;
	struct mp m;
	size_t where;
	uint8_t before[256];

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++) {
		assert_int_equal(probe_init(&p, size[i], (unsigned)i * 111), 0);
		probe_next(&p, 1795470575000);
		m = mp_over(p.bytes, p.len);
		assert_int_equal(p.len, size[i]);
		assert_int_equal(mp_check(&m, &bounds, &where), MP_OK);
		if (size[i] >= 256) {
			memcpy(before, p.bytes, 256);
			probe_next(&p, 1795470575000);
			assert_memory_not_equal(before + p.id_at, p.bytes + p.id_at, 26);
			assert_true(memcmp(before + p.id_at, p.bytes + p.id_at, 26) < 0);
		}
		probe_fini(&p);
	}
}

static void
test_the_rest_of_a_refused_batch_waits(void **state)
{
	struct parcels all;
	struct parcel *c;
	struct item it = { .line = 0 };

	(void)state;
	parcels_init(&all);
	c = parcels_take(&all);
	for (it.line = 10; it.line < 14; it.line++)
		parcel_add(c, &it, "abcdef", it.line - 9);
	assert_int_equal(parcels_first_line(&all), 10);
	parcels_refused(&all, c, 1);
	assert_non_null(c = parcels_waiting(&all));
	assert_int_equal(c->count, 3);
	assert_int_equal(c->items[1].line, 12);
	assert_int_equal(parcel_events(c)[1].len, 3);
	assert_memory_equal(parcel_events(c)[2].bytes, "abcd", 4);
	parcels_sent(&all, c);
	assert_null(parcels_waiting(&all));
	/* Which one was not told: each goes alone. */
	parcels_refused(&all, c, -1);
	for (uint64_t line = 10; line < 14; line += line == 10 ? 2 : 1) {
		assert_non_null(c = parcels_waiting(&all));
		assert_int_equal(c->count, 1);
		assert_int_equal(c->items[0].line, line);
		parcels_sent(&all, c);
		parcels_release(&all, c);
	}
	assert_null(parcels_waiting(&all));
	assert_int_equal(all.used, 0);
	assert_int_equal(parcels_first_line(&all), 0);
	parcels_fini(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_as_people_write_them),
		cmocka_unit_test(test_spans_and_instants),
		cmocka_unit_test(test_wide_characters_and_what_must_not_reach_a_terminal),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_lines_from_a_slow_pipe),
		cmocka_unit_test(test_probes_are_exact_and_differ),
		cmocka_unit_test(test_the_rest_of_a_refused_batch_waits),
	};

	unsetenv("ESTATE_TZ");
	return (sitetime_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1);
}
