/* JSON Lines to msgpack in one pass: the same bytes' meaning as the tree of jansson, and the same lines refused. */
#include "material.h"

#include "jsonl.h"

static const char *const good[] = {
	"{}", "{ \"a\" : 1 , \"b\":[ ] }", "{\"n\":[0,-1,127,128,255,256,65535,65536,4294967295,4294967296,9223372036854775807,-9223372036854775808,-33,-129,-40000]}",
	"{\"f\":[1.5,-0.25,1e3,1E-3,0.1,123456789.125e-7,-0.0]}", "{\"t\":true,\"f\":false,\"z\":null}",
	"{\"s\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u4e2d\\ud83d\\ude00 \"}", "{\"中\":\"文，业主1-1-101\"}",
	"{\"long\":\"0123456789012345678901234567890123456789\",\"esc\":\"0123456789012345678901234567890123456789\\n\"}",
	"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16}",
	"{\"deep\":{\"a\":[[[{\"b\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}]]]}}",
};

static const char *const bad[] = {
	"", "[1]", "1", "\"s\"", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}",
	"{\"a\":1e}", "{\"a\":tru}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\t\"}", "{\"a\":\"",
	"{\"a\":1} x", "{\"a\":\"\xff\"}", "{\"a\":9223372036854775808}", "{\"a\":1e999}", "{\"a\":[1 2]}", "{\"a\":1 \"b\":2}", "{\"a\" 1}",
};

static void
test_against_jansson(void **state)
{
	struct jsonl j = { .bytes = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		size_t len;
		uint8_t *want = pack_json(good[i], &len);

		/* Integers may be packed in another width; both are read back as JSON. */
		struct buffer a = { NULL, 0, 0 }, b = { NULL, 0, 0 };
		struct mp m = mp_over(want, len), n;

		if (!jsonl_pack(&j, good[i], strlen(good[i])))
			fail_msg("%s: %s", good[i], j.why);
		n = mp_over(j.bytes, j.len);
		assert_true(json_write(&a, &m) && json_write(&b, &n));
		assert_ptr_equal(n.p, n.end);
		assert_string_equal(a.data, b.data);
		buffer_free(&a);
		buffer_free(&b);
		free(want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (jsonl_pack(&j, bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
		else
			assert_non_null(j.why);
	jsonl_free(&j);
}

/* Cut anywhere, or with any byte changed, a line is refused or packs to something well-formed; exact allocations let the sanitizer see. */
static void
test_mangled(void **state)
{
	const struct mp_bounds bounds = { MP_DEPTH_MAX, UINT32_MAX, false };
	struct jsonl j = { .bytes = NULL };
	uint64_t seed = 11;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		const char *from = good[below(&seed, sizeof(good) / sizeof(*good))];
		size_t len = strlen(from), where;
		char *line;

		if (below(&seed, 2) == 0)
			len = below(&seed, len + 1);
		line = malloc(len + (len == 0));
		assert_non_null(line);
		memcpy(line, from, len);
		for (unsigned n = (unsigned)below(&seed, 3); n > 0 && len > 0; n--)
			line[below(&seed, len)] = (char)below(&seed, 256);
		if (jsonl_pack(&j, line, len)) {
			struct mp m = mp_over(j.bytes, j.len);

			assert_int_equal(mp_check(&m, &bounds, &where), MP_OK);
		}
		free(line);
	}
	jsonl_free(&j);
}

static void
test_what_tail_adds(void **state)
{
	static const char added[] = ",\"seq\":7,\"logtime\":\"2026-11-24T05:06:07.000000008Z\",\"sender\":\"uid:5\",\"flags\":1}";
	struct jsonl j = { .bytes = NULL };
	char line[600];
	struct mp m;
	uint32_t pairs;

	(void)state;
	for (unsigned members = 1; members <= 20; members++) {
		size_t n = 1;

		strcpy(line, "{");
		for (unsigned i = 0; i < members; i++)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s\"k%u\":%u", i > 0 ? "," : "", i, i);
		strcpy(line + n, added);
		assert_true(jsonl_pack(&j, line, strlen(line)));
		assert_true(j.numbered);
		assert_int_equal(j.seq, 7);
		assert_int_equal(j.flags, 1);
		assert_int_equal(j.log_time, 1795496767000000008);
		assert_int_equal(j.sender.len, 5);
		assert_memory_equal(j.sender.s, "uid:5", 5);
		m = mp_over(j.bytes, j.len);
		assert_true(mp_map(&m, &pairs));
		assert_int_equal(pairs, members);
		m = mp_over(j.bytes, j.len);
		assert_true(mp_skip(&m) && m.p == m.end);
	}
	/* Three of four are the event's own. */
	strcpy(line, "{\"id\":\"a\",\"seq\":7,\"sender\":\"x\",\"flags\":0}");
	assert_true(jsonl_pack(&j, line, strlen(line)));
	assert_false(j.numbered);
	strcpy(line, "{\"id\":\"a\",\"seq\":0,\"logtime\":\"2026-11-24T05:06:07Z\",\"sender\":\"x\",\"flags\":0}");
	assert_false(jsonl_pack(&j, line, strlen(line)));
	strcpy(line, "{\"seq\":1,\"logtime\":\"2026-11-24T05:06:07Z\",\"sender\":\"x\",\"flags\":0,\"id\":\"a\"}");
	assert_false(jsonl_pack(&j, line, strlen(line)));
	jsonl_free(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_jansson),
		cmocka_unit_test(test_mangled),
		cmocka_unit_test(test_what_tail_adds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
