/* Filters of subscriptions: patterns against a slow model, lists, refusals, and what a block's filter is asked. */
#include "material.h"

#include "bloom.h"
#include "errcode.h"
#include "filter.h"

static bool
matches(const char *pattern, const char *type)
{
	return (pattern_matches(pattern, type, (uint32_t)strlen(type)));
}

static bool
valid(const char *pattern)
{
	return (pattern_valid(pattern, (uint32_t)strlen(pattern)));
}

static void
test_patterns(void **state)
{
	(void)state;
	assert_true(matches("complaint.opened", "complaint.opened"));
	assert_false(matches("complaint.open", "complaint.opened"));
	assert_false(matches("complaint.opened", "complaint.open"));
	assert_false(matches("complaint", "complaint.opened"));
	assert_false(matches("complaint.opened", "complaint"));
	assert_true(matches("complaint.*", "complaint.opened"));
	assert_false(matches("complaint.*", "complaint"));
	assert_false(matches("complaint.*", "complaint.a.b"));
	assert_true(matches("*.opened", "complaint.opened"));
	assert_true(matches("*", "complaint"));
	assert_false(matches("*", "complaint.opened"));
	assert_true(matches("**", "complaint.opened"));
	assert_true(matches("**", "complaint"));
	assert_true(matches("complaint.**", "complaint.a.b"));
	assert_false(matches("complaint.**", "complaint"));
	assert_true(matches("*.**", "a.b.c"));
	assert_false(matches("*.**", "a"));
	assert_false(matches("complaint.*", "complaints.opened"));
	assert_false(matches("complaints.*", "complaint.opened"));
	/* The type is not terminated where its text lies. */
	assert_true(pattern_matches("a.b", "a.bcd", 3));
	assert_false(pattern_matches("a.bcd", "a.bcd", 3));
}

static void
test_validity(void **state)
{
	static const char *const good[] = { "a", "*", "**", "a.*", "*.b", "a.**", "*.*.**", "a_b-c.9" };
	static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "a*", "*a", "***", "**.a", "a.**.b", "A", "a b", "a.\x80", "a.*b", "a.b**" };
	char longest[80];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!valid(good[i]))
			fail_msg("\"%s\" is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (valid(bad[i]))
			fail_msg("\"%s\" is taken", bad[i]);
	memset(longest, 'a', sizeof(longest));
	assert_true(pattern_valid(longest, 64));
	assert_false(pattern_valid(longest, 65));
}

/* The definition, word by word. */
static bool
model(char **p, unsigned pn, char **t, unsigned tn)
{
	if (pn == 0 || tn == 0)
		return (pn == tn);
	if (pn == 1 && strcmp(p[0], "**") == 0)
		return (true);
	return ((strcmp(p[0], "*") == 0 || strcmp(p[0], t[0]) == 0) && model(p + 1, pn - 1, t + 1, tn - 1));
}

static void
test_patterns_against_the_model(void **state)
{
	static const char *const words[] = { "a", "b", "ab", "aa", "*", "*" };
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		char pattern[64] = "", type[64] = "", *p[4], *t[4];
		unsigned pn = 1 + (unsigned)below(&seed, 4), tn = 1 + (unsigned)below(&seed, 4);

		for (unsigned i = 0; i < pn; i++) {
			p[i] = (char *)(uintptr_t)(i + 1 == pn && below(&seed, 3) == 0 ? "**" : words[below(&seed, 6)]);
			strcat(strcat(pattern, i > 0 ? "." : ""), p[i]);
		}
		for (unsigned i = 0; i < tn; i++) {
			t[i] = (char *)(uintptr_t)words[below(&seed, 4)];
			strcat(strcat(type, i > 0 ? "." : ""), t[i]);
		}
		assert_true(valid(pattern));
		if (matches(pattern, type) != model(p, pn, t, tn))
			fail_msg("%s against %s", pattern, type);
	}
}

static int
read_list(struct filter *f, char kind, const char *json, struct data_fault *fault)
{
	size_t len;
	uint8_t *bytes = pack_json(json, &len);
	struct mp m = mp_over(bytes, len);
	int code = filter_read(f, kind, &m, fault);

	free(bytes);
	return (code);
}

static void
test_refusals(void **state)
{
	static const struct {
		char kind;
		const char *json;
		int code;
		const char *path;
	} cases[] = {
		{ 't', "[]", E_ARGUMENT, "type[0]" },
		{ 't', "{}", E_ARGUMENT, "type[0]" },
		{ 't', "\"a\"", E_ARGUMENT, "type[0]" },
		{ 't', "[\"a\",5]", E_ARGUMENT, "type[1]" },
		{ 't', "[\"a\",\"b\",\"a.**.b\"]", E_PATTERN, "type[2]" },
		{ 's', "[\"with space\"]", E_ARGUMENT, "subject[0]" },
		{ 's', "[\"\"]", E_ARGUMENT, "subject[0]" },
		{ 'o', "[\"\"]", E_ARGUMENT, "source[0]" },
		{ 'u', "[\"routine\",\"soon\"]", E_ARGUMENT, "urgency[1]" },
		{ 'u', "[null]", E_ARGUMENT, "urgency[0]" },
	};
	struct data_fault fault;
	struct filter f = { 0 };
	char many[1024] = "[\"a\"";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(read_list(&f, cases[i].kind, cases[i].json, &fault), cases[i].code);
		assert_int_equal(fault.code, cases[i].code);
		assert_string_equal(fault.path, cases[i].path);
		filter_clear(&f);
		assert_true(filter_is_open(&f));
	}
	for (unsigned i = 1; i < 64; i++)
		strcat(many, ",\"a\"");
	strcat(many, "]");
	assert_int_equal(read_list(&f, 's', many, &fault), 0);
	filter_clear(&f);
	strcpy(many + strlen(many) - 1, ",\"a\"]");
	assert_int_equal(read_list(&f, 's', many, &fault), E_TOO_MANY);
	filter_clear(&f);
}

static struct event
event_of(uint8_t **bytes, const char *json)
{
	struct event e;
	size_t len;

	*bytes = pack_json(json, &len);
	assert_true(event_peek(&e, *bytes, len));
	return (e);
}

static void
test_all_conditions_any_item(void **state)
{
	struct data_fault fault;
	struct filter f = { 0 };
	struct event urgent, plain;
	uint8_t *a, *b;

	(void)state;
	urgent = event_of(&a, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"complaint.opened\",\"subject\":\"c-1\",\"urgency\":\"urgent\"}");
	plain = event_of(&b, "{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/y\",\"type\":\"probe.recorded\"}");
	assert_true(filter_is_open(&f) && filter_matches(&f, &urgent) && filter_matches(&f, &plain));
	assert_int_equal(read_list(&f, 'o', "[\"/y\",\"/x\"]", &fault), 0);
	assert_true(filter_matches(&f, &urgent) && filter_matches(&f, &plain));
	assert_int_equal(read_list(&f, 's', "[\"c-1\"]", &fault), 0);
	assert_true(filter_matches(&f, &urgent));
	assert_false(filter_matches(&f, &plain));
	assert_int_equal(read_list(&f, 't', "[\"repair.*\",\"probe.recorded\"]", &fault), 0);
	assert_false(filter_matches(&f, &urgent));
	filter_clear(&f);
	/* No urgency given means routine. */
	assert_int_equal(read_list(&f, 'u', "[\"routine\"]", &fault), 0);
	assert_true(filter_matches(&f, &plain));
	assert_false(filter_matches(&f, &urgent));
	filter_clear(&f);
	free(a);
	free(b);
}

static void
test_queries(void **state)
{
	struct month_query q[3];
	struct data_fault fault;
	struct filter f = { 0 };

	(void)state;
	assert_int_equal(filter_queries(&f, q), 0);
	assert_int_equal(read_list(&f, 'u', "[\"urgent\"]", &fault), 0);
	assert_int_equal(filter_queries(&f, q), 0);	/* no block's filter knows it */
	assert_int_equal(read_list(&f, 't', "[\"a.b\",\"a.*\"]", &fault), 0);
	assert_int_equal(filter_queries(&f, q), 0);	/* one pattern: any block may hold it */
	assert_int_equal(read_list(&f, 's', "[\"c-1\",\"c-2\"]", &fault), 0);
	assert_int_equal(filter_queries(&f, q), 1);
	assert_int_equal(q[0].count, 2);
	assert_true(q[0].hashes[1] == bloom_hash(BLOOM_SUBJECT, "c-2", 3));
	filter_clear(&f);
	assert_int_equal(read_list(&f, 't', "[\"a.b\"]", &fault), 0);
	assert_int_equal(read_list(&f, 'o', "[\"/k\"]", &fault), 0);
	assert_int_equal(filter_queries(&f, q), 2);
	assert_true(q[0].hashes[0] == bloom_hash(BLOOM_SOURCE, "/k", 2) && q[1].hashes[0] == bloom_hash(BLOOM_TYPE, "a.b", 3));
	filter_clear(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_patterns_against_the_model),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_all_conditions_any_item),
		cmocka_unit_test(test_queries),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
