/* Of estate-callback: what its file of rules may say, what it remembers as bytes, and when somebody may be called. */
#include "material.h"

#include "callback.h"

#define SHIPPED	"config/rules/callback.yaml"

/* ---- The file of rules ---- */

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

/* The shipped text with a part replaced; free it. */
static char *
changed(const char *part, const char *with)
{
	char *text = shipped(), *at = strstr(text, part), *out = calloc(1, 1 << 17);

	if (at == NULL)
		fail_msg("%s has no %s", SHIPPED, part);
	assert_non_null(out);
	snprintf(out, 1 << 17, "%.*s%s%s", (int)(at - text), text, with, at + strlen(part));
	free(text);
	return (out);
}

static void
refused(const char *part, const char *with, const char *words)
{
	char *text = changed(part, with), why[400];
	struct policy *p = policy_read(text, why, sizeof(why));

	if (p != NULL)
		fail_msg("taken: %s", with);
	if (strstr(why, words) == NULL || strncmp(why, "line ", 5) != 0)
		fail_msg("%s\nis not\n%s", why, words);
	free(text);
}

static struct policy *
policy(void)
{
	char *text = shipped(), why[400];
	struct policy *p = policy_read(text, why, sizeof(why));

	if (p == NULL)
		fail_msg("%s", why);
	free(text);
	return (p);
}

static void
test_policy(void **state)
{
	struct policy *p = policy();

	(void)state;
	assert_int_equal(p->run, 8 * 60 + 30);
	assert_int_equal(p->complaint.due_days, 3);
	assert_int_equal(p->complaint.major_mode, MODE_VISIT);
	assert_string_equal(p->routine.key_role, "cs_lead");
	assert_int_equal(p->call.within, 600 * SECOND_NS);
	assert_int_equal(p->contact.hours.count, 3);
	assert_int_equal(p->contact.hours.list[2].to, 20 * 60);
	assert_true(names_hold(&p->help.manager_kinds, "security", 8));
	assert_false(names_hold(&p->help.manager_kinds, "secur", 5));
	free(p);
}

static void
test_refused(void **state)
{
	(void)state;
	refused("repair:\n", "repairs:\n", "line 23: there is no key repairs; did you mean repair?");
	refused("  percent: 30 ", "  percnet: 30 ", "there is no key of repair percnet; did you mean percent?");
	refused("  percent: 30 ", "  percent: 130 ", "percent is a whole number from 0 to 100, not 130");
	refused("  percent: 30 ", "  percent: a third ", "not a third");
	refused("  percent: 30 ", "  percent: 30\n  percent: 31 ", "percent is given twice");
	refused("  due_days: 3                   # C2", "  # C2", "complaint.due_days is missing");
	refused("run: \"08:30\"", "run: \"8:30\"", "run is a time of the day such as \"08:30\", not 8:30");
	refused("run: \"08:30\"", "run: \"24:00\"", "run is a time of the day");
	refused("ordinary_role: cs_assistant", "ordinary_role: cs_asistant", "there is no role cs_asistant; did you mean cs_assistant?");
	refused("major_mode: visit", "major_mode: visits", "there is no mode visits; did you mean visit?");
	refused("within: 10min", "within: 10", "within is a time such as 90s, 10min, 2h or 7d, not 10");
	refused("within: 10min", "within: -1min", "within is a time");
	refused("manager_kinds: [medical", "manager_kinds: [medicle", "there is no kind of help request medicle; did you mean medical?");
	refused("\"14:00-18:00\"", "\"18:00-14:00\"", "hours are written 09:00-12:00, not 18:00-14:00");
	refused("\"14:00-18:00\"", "\"11:00-18:00\"", "begins before the one above it ends");
	refused("hours: [\"09:00-12:00\", \"14:00-18:00\", \"18:00-20:00\"]", "hours: []", "nobody could ever be called");
	refused("2024-02-09..2024-02-12", "2024-02-12..2024-02-09", "no_visits are dates such as");
	refused("2024-02-09..2024-02-12", "2024-02-30", "no_visits are dates such as");
	refused("otherwise: [cs_lead", "otherwise: [nobody", "there is no role nobody");
	refused("otherwise: [cs_lead, site_manager, general_manager]", "otherwise: cs_lead", "otherwise is a list: [a, b]");
	refused("deferred_due_days: 5", "deferred_due_days: 2", "deferred_due_days is before deferred_opens_days");
	refused("key_ahead_days: 21", "key_ahead_days: 90", "key_ahead_days must be below key_days");
	refused("  week: 7d ", "  week: 40d ", "month must not be shorter than week");
	refused("repair:\n", "repair: 7\nhelps:\n", "needs keys with values");
}

/* ---- As bytes ---- */

static void
fill(void *out, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)out)[i] = (uint8_t)('a' + below(&seed, 20));
}

/* Whatever is cut off is refused and read as nothing beyond its end; what is whole comes back. */
static void
test_record(void **state)
{
	struct callback c, again;
	uint8_t bytes[RECORD_BYTES_MAX], *exact;
	size_t len;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		fill(&c, sizeof(c), round);
		/* Texts end, and padding is none of ours. */
		c.id[ID_CHARS_MAX] = c.subject[ID_CHARS_MAX] = c.household[round] = c.role[7] = c.staff[0] = c.trade[ROLE_SIZE - 1] = c.repairer[3] = '\0';
		c.reason[REASON_SIZE - 1] = c.done_by[ID_CHARS_MAX] = '\0';
		len = record_write(SHAPE_CALLBACK, &c, bytes);
		assert_true(len < sizeof(bytes));
		assert_true(record_read(SHAPE_CALLBACK, bytes, len, &again));
		assert_string_equal(again.id, c.id);
		assert_string_equal(again.household, c.household);
		assert_string_equal(again.reason, c.reason);
		assert_int_equal(again.kind, c.kind);
		assert_int_equal(again.draw, c.draw);
		for (size_t cut = 0; cut < len; cut++) {
			exact = malloc(cut > 0 ? cut : 1);
			assert_non_null(exact);
			memcpy(exact, bytes, cut);
			assert_false(record_read(SHAPE_CALLBACK, exact, cut, &again));
			free(exact);
		}
	}
	bytes[0]++;
	assert_false(record_read(SHAPE_CALLBACK, bytes, len, &again));
}

static void
test_ids(void **state)
{
	char id[ID_SIZE_MAX], other[ID_SIZE_MAX], subject[ID_SIZE_MAX];

	(void)state;
	owe_id("C-17", "1", id);
	assert_string_equal(id, "C-17/1");
	/* As long as an id may be, and different where only their ends are. */
	memset(subject, 'x', ID_CHARS_MAX);
	subject[ID_CHARS_MAX] = '\0';
	owe_id(subject, "12", id);
	subject[ID_CHARS_MAX - 1] = 'y';
	owe_id(subject, "12", other);
	assert_int_equal(strlen(id), ID_CHARS_MAX);
	assert_true(id_valid(id, strlen(id)));
	assert_string_not_equal(id, other);
}

/* ---- When ---- */

static const char calendar_text[] = "zone: Asia/Shanghai\nhours:\n  mon-fri: 09:00-18:00\n";

static struct turn
at_the_site(struct callbacks *x)
{
	char why[400];

	x->policy = policy();
	x->calendar = calendar_parse(calendar_text, why, sizeof(why));
	if (x->calendar == NULL)
		fail_msg("%s", why);
	x->roster = NULL;
	return ((struct turn){ .x = x, .p = x->policy });
}

static void
leave(struct callbacks *x)
{
	free(x->policy);
	calendar_free(x->calendar);
}

/* An instant as the site's clock shows it. */
static int64_t
on(const struct turn *t, int64_t day, unsigned hour, unsigned minute)
{
	return (clock_at(t, day, hour * 60 + minute));
}

#define MONDAY	20780	/* 2026-11-23 */

static void
test_hours(void **state)
{
	struct household quiet = { .quiet_from = 20 * 60, .quiet_to = 10 * 60 + 30 }, noon = { .quiet_from = 9 * 60, .quiet_to = 15 * 60 },
	    always = { .quiet_from = 0, .quiet_to = 1439 };
	struct callbacks x;
	struct turn t = at_the_site(&x);
	const struct hours_list *l = &t.p->contact.hours;

	(void)state;
	assert_int_equal(clock_day(&t, on(&t, MONDAY, 23, 59)), MONDAY);
	assert_int_equal(clock_minute(&t, on(&t, MONDAY, 23, 59)), 1439);
	assert_true(clock_within(&t, l, NULL, on(&t, MONDAY, 9, 0)) == on(&t, MONDAY, 9, 0));
	assert_true(clock_within(&t, l, NULL, on(&t, MONDAY, 12, 0)) == on(&t, MONDAY, 14, 0));
	assert_true(clock_within(&t, l, NULL, on(&t, MONDAY, 20, 0)) == on(&t, MONDAY + 1, 9, 0));
	assert_true(clock_within(&t, l, &quiet, on(&t, MONDAY, 7, 0)) == on(&t, MONDAY, 10, 30));
	assert_true(clock_within(&t, l, &noon, on(&t, MONDAY, 7, 0)) == on(&t, MONDAY, 15, 0));
	/* Quiet in all hours of calls: they must be called, and are called then. */
	assert_true(clock_within(&t, l, &always, on(&t, MONDAY, 9, 7)) == on(&t, MONDAY, 9, 7));
	/* In another part of the day than the one in which nobody answered. */
	assert_true(clock_next_part(&t, NULL, on(&t, MONDAY, 9, 0), on(&t, MONDAY, 11, 0)) == on(&t, MONDAY, 14, 0));
	assert_true(clock_next_part(&t, NULL, on(&t, MONDAY, 19, 0), on(&t, MONDAY, 21, 0)) == on(&t, MONDAY + 1, 9, 0));
	assert_false(clock_may_visit(&t, NULL, on(&t, MONDAY, 12, 0)));
	assert_true(clock_may_visit(&t, NULL, on(&t, MONDAY, 19, 59)));
	assert_false(clock_may_visit(&t, &noon, on(&t, MONDAY, 14, 0)));
	leave(&x);
}

static void
test_months(void **state)
{
	struct callbacks x;
	struct turn t = at_the_site(&x);
	int64_t month = clock_month(&t, on(&t, MONDAY, 0, 0));
	char name[16];

	(void)state;
	clock_month_name(month, name);
	assert_string_equal(name, "2026-11");
	assert_int_equal(clock_month_days(month), 30);
	assert_int_equal(clock_month_days(month + 3), 28);
	assert_true(clock_month_end(&t, month) == on(&t, MONDAY + 8, 0, 0));
	assert_int_equal(clock_month(&t, clock_month_end(&t, month) - 1), month);
	/* The end of the third day, whatever day it is. */
	assert_true(clock_days_later(&t, on(&t, MONDAY, 23, 59), 3) == on(&t, MONDAY + 4, 0, 0));
	assert_int_equal(clock_week(&t, on(&t, MONDAY - 1, 23, 59)) + 1, clock_week(&t, on(&t, MONDAY, 0, 0)));
	leave(&x);
}

/* The same seed and name, the same number; another of either, another one. */
static void
test_draws(void **state)
{
	struct callbacks x;
	struct turn t = at_the_site(&x);
	uint64_t first = clock_draw(&t, "draw", "C-1/1");

	(void)state;
	assert_true(first == clock_draw(&t, "draw", "C-1/1"));
	assert_true(first != clock_draw(&t, "draw", "C-1/2") && first != clock_draw(&t, "audit", "C-1/1"));
	x.policy->seed++;
	assert_true(first != clock_draw(&t, "draw", "C-1/1"));
	leave(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy), cmocka_unit_test(test_refused), cmocka_unit_test(test_record), cmocka_unit_test(test_ids),
		cmocka_unit_test(test_hours), cmocka_unit_test(test_months), cmocka_unit_test(test_draws),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
