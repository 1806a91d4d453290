/* The msgpack cursor: every vector of the conformance suite decodes, every proper prefix is refused, and hostile bytes stay bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mp.h"

#define VECTORS	"../shared/data/msgpack-test-suite/msgpack-test-suite.json"

static const struct mp_bounds loose = { MP_DEPTH_MAX, 1024, false };
static const struct mp_bounds strict = { 8, 1024, true };

static enum mp_fault
check(const void *bytes, size_t len, const struct mp_bounds *b)
{
	struct mp m = mp_over(bytes, len);
	size_t where;

	return (mp_check(&m, b, &where));
}

#define CHECK(text, bounds)	check(text, sizeof(text) - 1, bounds)

/* "c4-01-ff" → bytes. */
static size_t
unhex(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned b;

	for (; *text != '\0'; text += text[2] == '-' ? 3 : 2) {
		assert_int_equal(sscanf(text, "%2x", &b), 1);
		out[n++] = (uint8_t)b;
	}
	return (n);
}

/* The decoded value against the vector's. */
static void
check_value(json_t *vector, struct mp m)
{
	json_t *v;
	const char *s;
	const uint8_t *p;
	uint32_t len, ns;
	uint64_t u;
	int64_t i;
	double d;
	bool b;

	if ((v = json_object_get(vector, "nil")) != NULL)
		assert_true(mp_nil(&m));
	else if ((v = json_object_get(vector, "bool")) != NULL) {
		assert_true(mp_bool(&m, &b));
		assert_int_equal(b, json_is_true(v));
	} else if ((v = json_object_get(vector, "string")) != NULL) {
		assert_true(mp_str(&m, &s, &len));
		assert_int_equal(len, json_string_length(v));
		assert_memory_equal(s, json_string_value(v), len);
	} else if ((v = json_object_get(vector, "binary")) != NULL) {
		assert_true(mp_bin(&m, &p, &len));
		assert_int_equal(len, (json_string_length(v) + 1) / 3);
	} else if ((v = json_object_get(vector, "timestamp")) != NULL) {
		assert_true(mp_timestamp(&m, &i, &ns));
		assert_true(i == json_integer_value(json_array_get(v, 0)));
		assert_int_equal(ns, json_integer_value(json_array_get(v, 1)));
	} else if ((v = json_object_get(vector, "bignum")) != NULL) {
		/* Some of their encodings are floats. */
		if (mp_peek(&m) == MP_FLOAT) {
			assert_true(mp_float(&m, &d));
			assert_true(d == strtod(json_string_value(v), NULL));
		} else if (json_string_value(v)[0] == '-') {
			assert_true(mp_int(&m, &i));
			assert_true(i == strtoll(json_string_value(v), NULL, 10));
		} else {
			assert_true(mp_uint(&m, &u));
			assert_true(u == strtoull(json_string_value(v), NULL, 10));
		}
	} else if ((v = json_object_get(vector, "number")) != NULL) {
		assert_true(mp_float(&m, &d));
		assert_true(d == json_number_value(v));
	}
}

static void
test_vectors(void **state)
{
	json_error_t error;
	json_t *suite = json_load_file(VECTORS, 0, &error), *group, *vector, *encoding;
	const char *name;
	size_t i, k, encodings = 0, where;

	(void)state;
	if (suite == NULL) {
		fprintf(stderr, "NOT TESTED: %s is missing\n", VECTORS);
		skip();
	}
	json_object_foreach(suite, name, group)
		json_array_foreach(group, i, vector)
			json_array_foreach(json_object_get(vector, "msgpack"), k, encoding) {
				uint8_t bytes[1024];
				size_t n = unhex(json_string_value(encoding), bytes);
				/* Exactly so long that one byte too far is seen by the sanitizer. */
				uint8_t *exact = memcpy(malloc(n), bytes, n);
				struct mp m = mp_over(exact, n);

				assert_int_equal(mp_check(&m, &loose, &where), MP_OK);
				check_value(vector, m);
				assert_true(mp_skip(&m) && m.p == m.end);
				free(exact);
				for (size_t cut = 0; cut < n; cut++) {
					exact = memcpy(malloc(cut + 1), bytes, cut);
					assert_int_not_equal(check(exact, cut, &loose), MP_OK);
					free(exact);
				}
				encodings++;
			}
	json_decref(suite);
	assert_int_equal(encodings, 233);
}

static void
test_lengths_are_not_believed(void **state)
{
	(void)state;
	assert_int_equal(CHECK("\xdd\xff\xff\xff\xff", &loose), MP_TRUNCATED);		/* an array of 4 billion */
	assert_int_equal(CHECK("\xdf\xff\xff\xff\xff\x01", &loose), MP_TRUNCATED);
	assert_int_equal(CHECK("\xc6\xff\xff\xff\xff", &loose), MP_TRUNCATED);
	assert_int_equal(CHECK("\xdb\x7f\xff\xff\xff" "abc", &loose), MP_TRUNCATED);
	assert_int_equal(CHECK("\xc9\xff\xff\xff\xff\x01", &loose), MP_TRUNCATED);
}

static void
test_depth_and_number(void **state)
{
	uint8_t nested[64], many[3 + 2000];

	(void)state;
	memset(nested, 0x91, sizeof(nested));
	nested[8] = 0xc0;
	assert_int_equal(check(nested, 9, &strict), MP_OK);
	nested[8] = 0x91;
	nested[9] = 0xc0;
	assert_int_equal(check(nested, 10, &strict), MP_TOO_DEEP);
	memset(many, 0xc0, sizeof(many));
	memcpy(many, "\xdc\x07\xd0", 3);
	assert_int_equal(check(many, sizeof(many), &strict), MP_TOO_MANY);
}

static void
test_strings(void **state)
{
	(void)state;
	assert_int_equal(CHECK("\xa3\xe6\xb0\xb4", &strict), MP_OK);
	assert_int_equal(CHECK("\xa1\xff", &strict), MP_BAD_UTF8);
	assert_int_equal(CHECK("\xa2\xc0\x80", &strict), MP_BAD_UTF8);		/* overlong */
	assert_int_equal(CHECK("\xa3\xed\xa0\x80", &strict), MP_BAD_UTF8);	/* surrogate */
	assert_int_equal(CHECK("\xa4\xf4\x90\x80\x80", &strict), MP_BAD_UTF8);	/* beyond U+10FFFF */
	assert_int_equal(CHECK("\xa4\xf0\x9f\x94\xa5", &strict), MP_OK);
	assert_int_equal(CHECK("\xa9" "12345678\xe6", &strict), MP_BAD_UTF8);	/* cut in a character */
}

static void
test_keys(void **state)
{
	uint8_t large[3 + 300 * 4];
	size_t n = 3;

	(void)state;
	assert_int_equal(CHECK("\x81\x01\x02", &strict), MP_BAD_KEY);
	assert_int_equal(CHECK("\x82\xa1" "a\x01\xa1" "a\x02", &strict), MP_DUPLICATE_KEY);
	assert_int_equal(CHECK("\x82\xa1" "a\x01\xd9\x01" "a\x02", &strict), MP_DUPLICATE_KEY);	/* the same key, another width */
	assert_int_equal(CHECK("\x82\xa1" "a\x01\xa1" "b\x02", &strict), MP_OK);
	/* A large map, hashed: 300 different keys, then the first again. */
	memcpy(large, "\xde\x01\x2c", 3);
	for (unsigned i = 0; i < 300; i++) {
		large[n++] = 0xa2;
		large[n++] = (uint8_t)('0' + i / 60);
		large[n++] = (uint8_t)('0' + i % 60);
		large[n++] = 0xc0;
	}
	assert_int_equal(check(large, n, &strict), MP_OK);
	large[n - 3] = '0';
	large[n - 2] = '0';
	assert_int_equal(check(large, n, &strict), MP_DUPLICATE_KEY);
}

static void
test_timestamps(void **state)
{
	(void)state;
	assert_int_equal(CHECK("\xd6\xff\x00\x00\x00\x01", &strict), MP_OK);
	assert_int_equal(CHECK("\xd5\xff\x00\x01", &strict), MP_BAD_TIMESTAMP);
	assert_int_equal(CHECK("\xd7\xff\xee\x6b\x28\x00\x00\x00\x00\x00", &strict), MP_BAD_TIMESTAMP);	/* 10^9 nanoseconds */
}

static void
test_left_over(void **state)
{
	(void)state;
	assert_int_equal(CHECK("\xc0\xc0", &strict), MP_LEFT_OVER);
	assert_int_equal(CHECK("\xc1", &strict), MP_UNUSED_BYTE);
	assert_int_equal(CHECK("", &strict), MP_TRUNCATED);
}

static void
test_readers_do_not_move_on_failure(void **state)
{
	struct mp m = mp_over("\xa1x", 2), before = m;
	uint64_t u;
	uint32_t n;

	(void)state;
	assert_false(mp_uint(&m, &u));
	assert_false(mp_map(&m, &n));
	assert_false(mp_nil(&m));
	assert_ptr_equal(m.p, before.p);
	assert_int_equal(mp_peek(&m), MP_STR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths_are_not_believed),
		cmocka_unit_test(test_depth_and_number),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_left_over),
		cmocka_unit_test(test_readers_do_not_move_on_failure),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
