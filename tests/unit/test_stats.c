/* Of estate-stats: periods as people write them, facts and members as bytes, corrections of corrections, the file of measures. */
#include "material.h"

#include "stats.h"

#define SHIPPED	"config/measures.yaml"

static void
test_periods(void **state)
{
	static const struct {
		const char *text;
		int64_t first, last;	/* of 2026, from 0; -1: it is none */
	} all[] = { { "2026", 0, 11 }, { "2026-01", 0, 0 }, { "2026-12", 11, 11 }, { "2026-H1", 0, 5 }, { "2026-H2", 6, 11 }, { "2026-Q1", 0, 2 }, { "2026-Q4", 9, 11 },
		{ "2026-13", -1, 0 }, { "2026-00", -1, 0 }, { "2026-H3", -1, 0 }, { "2026-Q5", -1, 0 }, { "2026-1", -1, 0 }, { "202610", -1, 0 }, { "20a6", -1, 0 }, { "2026/10", -1, 0 },
		{ "", -1, 0 }, { "0026", -1, 0 }, { "2026-1x", -1, 0 } };
	char name[MONTH_SIZE];
	int64_t first, last;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		bool is = period_read(text_of(all[i].text), &first, &last);

		if (is != (all[i].first >= 0) || (is && (first != 2026 * 12 + all[i].first || last != 2026 * 12 + all[i].last)))
			fail_msg("%s", all[i].text);
	}
	period_name(2026 * 12 + 9, name);
	assert_string_equal(name, "2026-10");
}

/* ---- Facts ---- */

static size_t
write_fact(uint8_t out[FACT_BYTES_MAX], unsigned type, uint64_t seq, const char *json)
{
	struct worker_event v = { .seq = seq, .when = 1000 - (int64_t)seq };
	struct event e = { .subject = text_of("C-1") };
	json_t *data = json_loads(json, 0, NULL);
	msgpack_sbuffer b;
	msgpack_packer p;
	size_t len;

	assert_non_null(data);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	json_to_msgpack(&p, data);
	e.data = mp_over(b.data, b.size);
	v.e = &e;
	len = fact_write(out, type, VIA_HOUSEHOLD, &v);
	msgpack_sbuffer_destroy(&b);
	json_decref(data);
	return (len);
}

static void
test_facts(void **state)
{
	uint8_t bytes[FACT_BYTES_MAX], *cut;
	struct fact f;
	struct text t;
	int64_t n;
	size_t len = write_fact(bytes, TAKE_COMPLAINT, 7,
	    "{\"household\":\"3-2-1201\",\"category\":\"noise\",\"anonymous\":true,\"due\":\"2026-11-02T12:00:00+08:00\",\"text\":\"never kept\",\"severity\":4}");

	(void)state;
	assert_int_equal(fact_read(&f, bytes, len), len);
	assert_true(f.type == TAKE_COMPLAINT && f.via == VIA_HOUSEHOLD && f.seq == 7 && f.when == 993);
	assert_true(fact_text(&f, KEEP_SUBJECT, &t) && mp_equal(t.s, t.len, "C-1"));
	assert_true(fact_says(&f, KEEP_CATEGORY, "noise") && fact_is(&f, KEEP_ANONYMOUS));
	assert_true(fact_number(&f, KEEP_DUE, &n) && n == 1793592000 * SECOND_NS);
	assert_false(fact_text(&f, KEEP_SEVERITY, &t));
	assert_null(memmem(bytes, len, "never", 5));
	/* Cut anywhere it is none; from a heap of its own, so that a read beyond it is seen. */
	for (size_t i = 0; i < len; i++) {
		cut = malloc(i + 1);
		assert_non_null(cut);
		memcpy(cut, bytes, i);
		assert_int_equal(fact_read(&f, cut, i), 0);
		free(cut);
	}
}

static void
test_corrections(void **state)
{
	static uint8_t bytes[6][FACT_BYTES_MAX];
	struct fact f[6];

	(void)state;
	write_fact(bytes[0], TAKE_REPLIED, 1, "{\"by\":\"cs-1\"}");
	write_fact(bytes[1], TAKE_AMENDED, 2, "{\"event\":1,\"fields\":{\"by\":\"cs-2\"}}");
	write_fact(bytes[2], TAKE_AMENDED, 3, "{\"event\":1,\"fields\":{\"by\":\"cs-3\"}}");
	write_fact(bytes[3], TAKE_RETRACTED, 4, "{\"event\":3}");
	write_fact(bytes[4], TAKE_RETRACTED, 5, "{\"event\":1}");
	write_fact(bytes[5], TAKE_RETRACTED, 6, "{\"event\":5}");
	for (size_t known = 1; known <= 6; known++) {
		static const char *const by[] = { "cs-1", "cs-2", "cs-3", "cs-2", "cs-2", "cs-2" };

		for (size_t i = 0; i < known; i++)
			assert_true(fact_read(&f[i], bytes[i], FACT_BYTES_MAX) > 0);
		facts_correct(f, known);
		assert_true(fact_says(&f[0], KEEP_BY, by[known - 1]));
		assert_int_equal(f[0].counts, known != 5);
	}
}

/* ---- Members ---- */

static void
test_members(void **state)
{
	struct row r = { .counted = true, .timed = true, .ms = 300000, .at = 17, .dims = { text_of("noise"), text_of(""), text_of("3") } }, back;
	uint8_t bytes[ROW_BYTES_MAX], *cut;
	size_t len = member_write(&r, 3, bytes);

	(void)state;
	assert_true(member_read(&back, bytes, len));
	assert_true(back.counted && back.timed && !back.spell && back.ms == 300000 && back.at == 17);
	assert_true(mp_equal(back.dims[0].s, back.dims[0].len, "noise") && back.dims[1].len == 0 && mp_equal(back.dims[2].s, back.dims[2].len, "3"));
	r = (struct row){ .spell = true, .since = -5, .until = INT64_MAX, .base = 9 };
	assert_true(member_read(&back, bytes, member_write(&r, 0, bytes)));
	assert_true(back.spell && back.since == -5 && back.until == INT64_MAX && back.base == 9 && !back.counted);
	len = member_write(&r, 0, bytes);
	for (size_t i = 0; i < len; i++) {
		cut = malloc(i + 1);
		assert_non_null(cut);
		memcpy(cut, bytes, i);
		assert_false(member_read(&back, cut, i));
		free(cut);
	}
}

/* ---- Measures ---- */

static void
test_measures(void **state)
{
	FILE *f = fopen(SHIPPED, "r");
	static char text[1 << 16];
	char why[400];
	struct measures *p;
	const struct measure *m;
	struct aspect a = { .has = 0 };

	(void)state;
	if (f == NULL)
		fail_msg("%s: run it from the top of the project", SHIPPED);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	/* A config.activated holds 60 KiB. */
	assert_true(strlen(text) < 61440);
	if ((p = measures_read(text, why, sizeof(why))) == NULL)
		fail_msg("%s", why);
	assert_int_equal(p->run, 8 * 60);
	m = measures_find(p, text_of("survey_return"));
	assert_non_null(m);
	assert_int_equal(m->least, 300);
	assert_true(m->soft);
	m = measures_find(p, text_of("callback_on_time"));
	assert_non_null(m);
	/* At the due it is in time, a nanosecond later it is late; what is not done is not in time. */
	aspect_at(&a, ATTR_DUE, 100);
	assert_false(conditions_hold(m->count, m->count_count, &a));
	aspect_at(&a, ATTR_CALLED, 100);
	assert_true(conditions_hold(m->count, m->count_count, &a));
	aspect_at(&a, ATTR_CALLED, 101);
	assert_false(conditions_hold(m->count, m->count_count, &a));
	measures_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_periods),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_corrections),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_measures),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
