/* JSON to msgpack and back: what a sender wrote is what a reader gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

/* Through msgpack and back. */
static void
expect(const char *in, const char *out)
{
	struct buffer b = { NULL, 0, 0 };
	msgpack_sbuffer packed;
	msgpack_packer p;
	json_error_t why;
	json_t *root = json_loads(in, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	struct mp m;

	assert_non_null(root);
	msgpack_sbuffer_init(&packed);
	msgpack_packer_init(&p, &packed, msgpack_sbuffer_write);
	json_to_msgpack(&p, root);
	m = mp_over(packed.data, packed.size);
	assert_true(json_write(&b, &m));
	assert_ptr_equal(m.p, m.end);
	assert_string_equal(b.data, out);
	buffer_free(&b);
	msgpack_sbuffer_destroy(&packed);
	json_decref(root);
}

static void
test_round_trips(void **state)
{
	static const char *const same[] = {
		"{\"z\":1,\"a\":2,\"m\":{\"y\":[],\"b\":{}}}", "[1,-1,0,127,128,65536,-32769,9223372036854775807,-9223372036854775808]",
		"[0.1,1.5e+300,-2.5,1e-07]", "[true,false,null]", "\"楼上 吵 \\\" \\\\ \\n \\u0001 €\"", "[1.0,100.0]", "\"\"",
		"\"nul \\u0000 inside\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		expect(same[i], same[i]);
	expect("{ \"a\" : [ 1 , 2 ] }", "{\"a\":[1,2]}");
	expect("\"\\u697c\"", "\"楼\"");
	expect("\"/\\/\"", "\"//\"");
}

static void
expect_bytes(const char *bytes, size_t len, const char *out)
{
	struct buffer b = { NULL, 0, 0 };
	struct mp m = mp_over(bytes, len);

	if (out == NULL)
		assert_false(json_write(&b, &m));
	else {
		assert_true(json_write(&b, &m));
		assert_string_equal(b.data, out);
	}
	buffer_free(&b);
}

static void
test_what_json_does_not_have(void **state)
{
	char deep[200];

	(void)state;
	expect_bytes("\xd6\xff\x00\x00\x00\x00", 6, "\"1970-01-01T00:00:00Z\"");
	expect_bytes("\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x01", 10, "\"1970-01-01T00:00:01.000000001Z\"");
	expect_bytes("\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", 15, "\"1969-12-31T23:59:59Z\"");
	expect_bytes("\xc4\x04\x00\x01\x02\xff", 6, "\"AAEC/w==\"");
	expect_bytes("\xc7\x01\x05\x61", 4, "{\"ext\":5,\"base64\":\"YQ==\"}");
	expect_bytes("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", 9, "null");
	expect_bytes("\x81\x05\x06", 3, "{\"5\":6}");
	expect_bytes("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, "18446744073709551615");
	expect_bytes("\xa3" "a\xff" "b", 4, "\"a\uFFFD" "b\"");
	/* Cut short, never-used, and nested deeper than anybody can mean. */
	expect_bytes("\xa5" "ab", 3, NULL);
	expect_bytes("\xc1", 1, NULL);
	expect_bytes("\x92\x01", 2, NULL);
	memset(deep, 0x91, sizeof(deep));
	expect_bytes(deep, sizeof(deep), NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_what_json_does_not_have),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
