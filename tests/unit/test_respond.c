/* Answers of a rehearsal: what is planned, when, and what comes to nothing. */
#include "material.h"

#include "respond.h"
#include "sitetime.h"
#include "worker.h"

#define HOUR_NS		(3600 * SECOND_NS)
#define MORNING		(1793581200 * SECOND_NS)	/* 2026-11-02T09:00:00+08:00 */

static const char opened[] = "{\"specversion\":\"1.0\",\"id\":\"e-%d\",\"source\":\"/unit\",\"type\":\"complaint.opened\",\"subject\":\"C-%d\","
    "\"data\":{\"household\":\"3-2-%d\",\"category\":\"noise\",\"severity\":\"ordinary\",\"via\":\"phone\",\"anonymous\":true}}";

static struct respond *
script(const char *answers)
{
	char path[] = "/tmp/estate-respond-XXXXXX";
	struct respond *r;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, answers, strlen(answers)), (ssize_t)strlen(answers));
	close(fd);
	r = respond_read(path, NULL, 0);
	unlink(path);
	assert_non_null(r);
	return (r);
}

static void
happens(struct respond *r, int n, int64_t now)
{
	char text[512];
	struct event e;
	uint8_t *bytes;
	size_t len;

	snprintf(text, sizeof(text), opened, n, n, n);
	bytes = pack_json(text, &len);
	assert_true(event_peek(&e, bytes, len));
	assert_true(respond_to(r, &e, now));
	free(bytes);
}

/* The next that comes is an event of this type; its bytes are lent. */
static struct event
comes(struct respond *r, const char *type)
{
	struct respond_one one;
	struct event e;

	assert_int_equal(respond_take(r, &one), RESPOND_EVENT);
	assert_true(event_peek(&e, one.bytes, one.len));
	assert_true(mp_equal(e.type.s, e.type.len, type));
	return (e);
}

static void
assert_says(const struct event *e, const char *name, const char *value)
{
	struct text t;

	assert_true(event_text(e, name, &t));
	assert_true(mp_equal(t.s, t.len, value));
}

static void
test_fields(void **state)
{
	struct respond *r = script("answers:\n  - name: a\n    on: complaint.opened anonymous=true category=no* severity!=major household !due\n    after: 1h\n"
	    "    choose:\n      type: callback.done\n      subject: \"{household}\"\n"
	    "      data: { kind: complaint, by: \"{call|assistant-1}\", mode: phone, conforms: \"{anonymous}\", covers: \"{subject}\", callback: \"{call}\" }\n");
	struct event e;
	struct mp m;
	bool yes = false;
	uint32_t count;

	(void)state;
	happens(r, 1, MORNING);
	assert_true(respond_next(r) == MORNING + HOUR_NS);
	e = comes(r, "callback.done");
	assert_true(mp_equal(e.subject.s, e.subject.len, "3-2-1"));
	assert_true(e.has_time && e.time_ns == MORNING + HOUR_NS);
	assert_says(&e, "by", "assistant-1");
	assert_true(event_bool(&e, "conforms", &yes) && yes);
	assert_true(event_field(&e, "covers", &m) && mp_array(&m, &count) && count == 1);
	/* What is named and not there leaves its field out. */
	assert_false(event_field(&e, "callback", &m));
	assert_true(respond_next(r) == INT64_MAX && respond_count(r) == 1);
	respond_free(r);
}

static void
test_hours(void **state)
{
	struct respond *r = script("answers:\n  - name: a\n    on: complaint.opened\n    within: 10:00-11:00\n    choose: { type: case.acknowledged, data: { by: x } }\n");
	static const struct {
		int64_t now, lo, hi;
	} at[] = {
		{ MORNING, MORNING + HOUR_NS, MORNING + 2 * HOUR_NS - 1 },				/* before them: the same day */
		{ MORNING + HOUR_NS + 7, MORNING + HOUR_NS + 8, MORNING + HOUR_NS + 7 + SECOND_NS },	/* within: at once, but behind */
		{ MORNING + 2 * HOUR_NS, MORNING + 25 * HOUR_NS, MORNING + 26 * HOUR_NS - 1 },		/* past them: the next */
	};

	(void)state;
	for (int i = 0; i < 300; i++) {
		happens(r, i, at[i % 3].now);
		assert_in_range(respond_next(r), at[i % 3].lo, at[i % 3].hi);
		comes(r, "case.acknowledged");
	}
	respond_free(r);
}

static void
test_pointless(void **state)
{
	struct respond *r = script("answers:\n"
	    "  - { name: a, on: complaint.opened, after: 1h, unless: complaint.opened, choose: { type: case.acknowledged, data: { by: x } } }\n"
	    "  - { name: b, on: complaint.opened, after: 2h, unless: [complaint.opened @household], choose: { type: case.acknowledged, data: { by: y } } }\n");
	struct respond_one one;
	struct event e;

	(void)state;
	happens(r, 1, MORNING);
	happens(r, 2, MORNING);
	happens(r, 1, MORNING + 1);
	/* The first of C-1 came to nothing, by subject and by household; C-2's and the second did not. */
	assert_int_equal(respond_take(r, &one), RESPOND_NOTHING);
	for (int i = 0; i < 2; i++)
		comes(r, "case.acknowledged");
	assert_int_equal(respond_take(r, &one), RESPOND_NOTHING);
	for (int i = 0; i < 2; i++) {
		e = comes(r, "case.acknowledged");
		assert_says(&e, "by", "y");
	}
	assert_int_equal(respond_take(r, &one), RESPOND_NOTHING);
	respond_free(r);
}

/* Draws depend on the answer, the subject and the how-manieth, on nothing else. */
static void
test_draws(void **state)
{
	const char *text = "seed: 9\nanswers:\n  - name: a\n    on: complaint.opened\n    after: 1s..9d\n    choose:\n"
	    "      - { share: 50, type: case.acknowledged, data: { by: x } }\n      - { share: 10.5, type: case.closed, data: { by: x } }\n";
	struct respond *one = script(text), *other = script(text);
	int64_t first[200];
	unsigned none = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct respond_one o;

		happens(one, i, MORNING);
		none += (first[i] = respond_next(one)) == INT64_MAX;
		respond_take(one, &o);
	}
	assert_in_range(none, 55, 105);		/* of 39.5 % */
	for (int i = 199; i >= 0; i--) {
		struct respond_one o;

		happens(other, i, MORNING);
		assert_true(respond_next(other) == first[i]);
		respond_take(other, &o);
	}
	respond_free(one);
	respond_free(other);
}

static void
test_daily_question(void **state)
{
	struct respond *r = script("answers:\n  - { name: a, ask: agenda state=open, at: \"08:30\", times: 2, after: 1h, choose: { type: case.acknowledged, data: { by: \"{staff}\" } } }\n");
	struct respond_one one;
	size_t len;

	(void)state;
	respond_begin(r, MORNING);
	for (int day = 1; day <= 4; day++) {
		uint8_t *row;

		assert_true(respond_next(r) == MORNING - HOUR_NS / 2 + day * 24 * HOUR_NS);
		assert_int_equal(respond_take(r, &one), RESPOND_QUESTION);
		assert_string_equal(one.question, "agenda");
		for (int open = 0; open < 2; open++) {
			row = pack_json(open ? "{\"state\":\"open\",\"subject\":\"C-1\",\"staff\":\"assistant-2\"}" : "{\"state\":\"lead\",\"subject\":\"C-1\",\"staff\":\"x\"}",
			    &len);
			assert_true(respond_row(r, one.asked, mp_over(row, len), respond_next(r) - 24 * HOUR_NS));
			free(row);
		}
		if (day <= 2) {
			struct event e = comes(r, "case.acknowledged");

			assert_says(&e, "by", "assistant-2");
		}
	}
	respond_free(r);
}

/* What lies within a row: a map's field, the ids of a list; today or not at all; nothing on purpose. */
static void
test_rows_within(void **state)
{
	struct respond *r = script("answers:\n  - name: a\n    ask: agenda appointment.state=agreed !overdue\n    at: \"08:30\"\n    from: opens\n    within: 09:00-18:00 today\n"
	    "    choose:\n      type: callback.done\n      data: { kind: \"{kind}\", by: \"{staff|lead-1}\", mode: visit, covers: \"{covers.subject}\", callback: \"{appointment.of}\" }\n"
	    "  - { name: none, ask: agenda, at: \"08:30\", choose: { type: none } }\n");
	static const char *const rows[] = {
		"{\"subject\":\"C-1\",\"kind\":\"complaint\",\"staff\":\"\",\"opens\":\"2026-11-03T10:00:00+08:00\","
		"\"appointment\":{\"state\":\"agreed\",\"of\":\"C-1/1\"},\"covers\":[{\"subject\":\"R-1\"},{\"subject\":\"R-2\"}]}",
		"{\"subject\":\"C-2\",\"kind\":\"complaint\",\"opens\":\"2026-11-03T18:00:00+08:00\",\"appointment\":{\"state\":\"agreed\"}}",	/* too late for today */
		"{\"subject\":\"C-3\",\"kind\":\"complaint\",\"opens\":\"2026-11-03T10:00:00+08:00\",\"appointment\":{\"state\":\"requested\"}}",
		"{\"subject\":\"C-4\",\"kind\":\"complaint\",\"opens\":\"2026-11-03T10:00:00+08:00\",\"overdue\":true,\"appointment\":{\"state\":\"agreed\"}}",
	};
	struct respond_one one;
	uint32_t count, len;
	struct event e;
	const char *s;
	struct mp m;

	(void)state;
	respond_begin(r, MORNING);
	for (int asked = 0; asked < 2; asked++) {
		assert_int_equal(respond_take(r, &one), RESPOND_QUESTION);
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			size_t row_len;
			uint8_t *row = pack_json(rows[i], &row_len);

			assert_true(respond_row(r, one.asked, mp_over(row, row_len), MORNING + 23 * HOUR_NS + HOUR_NS / 2));
			free(row);
		}
	}
	e = comes(r, "callback.done");
	assert_says(&e, "by", "lead-1");		/* an empty one is none */
	assert_says(&e, "callback", "C-1/1");
	assert_true(event_field(&e, "covers", &m) && mp_array(&m, &count) && count == 2);
	assert_true(mp_str(&m, &s, &len) && mp_equal(s, len, "R-1") && mp_str(&m, &s, &len) && mp_equal(s, len, "R-2"));
	/* The next thing is the question of the day after. */
	assert_int_equal(respond_take(r, &one), RESPOND_QUESTION);
	respond_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_hours),
		cmocka_unit_test(test_pointless),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_daily_question),
		cmocka_unit_test(test_rows_within),
	};

	if (!sitetime_init())
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
