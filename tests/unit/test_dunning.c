/* Of estate-dunning: what its file of rules may say and what the law leaves no room for, and what it remembers as bytes. */
#include "material.h"

#include "dunning.h"

#define SHIPPED	"config/rules/dunning.yaml"

static char *
shipped(void)
{
	FILE *f = fopen(SHIPPED, "r");
	char *text = calloc(1, 1 << 16);

	if (f == NULL)
		fail_msg("%s: run it from the top of the project", SHIPPED);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return (text);
}

/* The shipped text with a part replaced is refused, with its line and these words. */
static void
refused(const char *part, const char *with, const char *words)
{
	char *text = shipped(), *at = strstr(text, part), *out = calloc(1, 1 << 17), why[400];
	struct terms *p;

	if (at == NULL)
		fail_msg("%s has no %s", SHIPPED, part);
	assert_non_null(out);
	snprintf(out, 1 << 17, "%.*s%s%s", (int)(at - text), text, with, at + strlen(part));
	p = terms_read(out, why, sizeof(why));
	if (p != NULL)
		fail_msg("taken: %s", with);
	if (strstr(why, words) == NULL || strncmp(why, "line ", 5) != 0)
		fail_msg("%s\nis not\n%s", why, words);
	free(text);
	free(out);
}

static void
test_terms(void **state)
{
	char *text = shipped(), why[400];
	struct terms *p = terms_read(text, why, sizeof(why));
	const struct ladder *l;

	(void)state;
	if (p == NULL)
		fail_msg("%s", why);
	assert_int_equal(p->run, 9 * 60 + 30);
	assert_int_equal(p->rank[fee_find("water", 5)], 0);
	assert_int_equal(p->rank[fee_find("other", 5)], 7);
	assert_int_equal(p->limitation_years, 3);
	l = ladder_of(p, fee_find("management", 10));
	assert_int_equal(l->count, 6);
	assert_int_equal(l->steps[0].day, -7);
	assert_int_equal(l->steps[5].act, ACT_LEGAL);
	assert_string_equal(l->steps[4].template, "formal-demand");
	assert_int_equal(ladder_of(p, fee_find("water", 5))->count, 4);
	assert_false(l->business);
	free(p);
	free(text);
}

static void
test_refused(void **state)
{
	(void)state;
	refused("run: \"09:30\"", "run: \"22:30\"", "nobody is reminded by night");
	refused("run: \"09:30\"", "runs: \"09:30\"", "there is no key runs; did you mean run?");
	refused("absurd: 100000000", "absurd: -1", "absurd is a whole number from 1 to 1000000000000, not -1");
	refused("order: [water, ", "order: [", "order: water is missing");
	refused("order: [water, ", "order: [water, water, ", "order: water is given twice");
	refused("order: [water, ", "order: [wather, ", "there is no kind of fee wather; did you mean water?");
	refused("disputes: 1 ", "disputes: 1\ndisputes: 2 ", "disputes is given twice");
	refused("wait_days: 14", "# 14", "wait_days is missing");
	refused("parking, other]\n    pace", "parking]\n    pace", "no ladder names other in its kinds");
	refused("kinds: [water,", "kinds: [rent, water,", "rent has a ladder above");
	refused("pace: calendar", "pace: lunar", "there is no pace lunar");
	refused("{ day: 5, do: reminder", "{ day: -8, do: reminder", "day -8 is not behind the step above it");
	refused("{ day: 5, do: reminder", "{ day: 5000, do: reminder", "day is a whole number from -366 to 3660");
	refused("day: 15, do: call", "day: 15, do: notice", "notice is gentler than the step above it");
	refused("day: 15, do: call", "day: 15, do: cal", "there is no step cal; did you mean call?");
	refused("do: call, channel: phone", "do: call, channel: phon", "there is no channel phon; did you mean phone?");
	refused(", template: arrears-call }", " }", "a step has no template");
	refused("template: arrears-call", "template: \"arrears call\"", "template is the name of a template");
	refused("do: legal, channel: hand", "do: legal, channel: sms", "a legal file is made by hand");
	refused("do: call, channel: phone", "do: call", "a step has no channel");
}

/* Law: what no configuration may say is named with its article. */
static void
test_law(void **state)
{
	static const char *const cuts[] = { "cut_power", "cut_water", "shut_off", "disconnect", "stop_heat", "gas_off", "停水", "断电" };
	static const char *const shows[] = { "group", "wechat_group", "notice_board", "webhook", "wecom", "业主群", "公告栏" };
	char with[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
		snprintf(with, sizeof(with), "do: %s", cuts[i]);
		refused("do: legal", with, "民法典 944");
	}
	for (size_t i = 0; i < sizeof(shows) / sizeof(*shows); i++) {
		snprintf(with, sizeof(with), "do: call, channel: %s", shows[i]);
		refused("do: call, channel: phone", with, "个人信息保护法 25");
	}
	refused("    pace: calendar", "    surcharge: 5\n    pace: calendar", "物业管理条例 44");
}

/* Whatever is cut off is refused and read as nothing beyond its end; what is whole comes back. */
static void
test_rows(void **state)
{
	static const size_t sizes[ROWS_OF] = { sizeof(struct bill), sizeof(struct payment), sizeof(struct debtor), sizeof(struct entry), sizeof(struct figure),
		sizeof(struct balances), sizeof(struct odd), sizeof(struct notice) };
	union { struct bill b; struct payment p; struct debtor d; struct entry e; struct figure f; struct balances s; struct odd o; struct notice n; } in, out;
	uint8_t bytes[ROW_BYTES_MAX], again[ROW_BYTES_MAX];

	(void)state;
	for (unsigned shape = 0; shape < ROWS_OF; shape++) {
		size_t len, cut;

		memset(&in, 0, sizeof(in));
		for (size_t i = 0; i < sizes[shape]; i++)
			((uint8_t *)&in)[i] = (uint8_t)('a' + i % 20);
		len = account_write(shape, &in, bytes);
		assert_true(len <= sizeof(bytes));
		assert_true(account_read(shape, bytes, len, &out));
		assert_int_equal(account_write(shape, &out, again), len);
		assert_memory_equal(bytes, again, len);
		for (cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut + 1);

			memcpy(exact, bytes, cut);
			assert_false(account_read(shape, exact, cut, &out));
			free(exact);
		}
	}
}

static void
test_days(void **state)
{
	char text[16];
	int64_t month;

	(void)state;
	assert_true(month_read("2026-11", 7, &month));
	assert_int_equal(month, 2026 * 12 + 10);
	month_name(month, text);
	assert_string_equal(text, "2026-11");
	assert_false(month_read("2026-13", 7, &month));
	assert_false(month_read("2026-1", 6, &month));
	day_name(0, text);
	assert_string_equal(text, "1970-01-01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms), cmocka_unit_test(test_refused), cmocka_unit_test(test_law), cmocka_unit_test(test_rows), cmocka_unit_test(test_days),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
