/* Marks of personal values in an answer: shown, masked, or refused; never a byte of one under a mask. */
#include "material.h"

#include "personal.h"

#define SECRET_TEXT	"Zhang-13800138000"

/* The answer as its reader gets it, as JSON; NULL and `why` if it was refused. */
static char *
shown(const char *json, bool open, char why[128])
{
	struct buffer b = { NULL, 0, 0 };
	size_t len, n;
	uint8_t *in = pack_json(json, &len), *out = malloc(len);
	struct mp m;

	assert_non_null(out);
	n = personal_show(in, len, open, out, why, 128);
	assert_true(n <= len);
	if (n > 0) {
		m = mp_over(out, n);
		assert_true(json_write(&b, &m));
		assert_ptr_equal(m.p, m.end);
	}
	free(in);
	free(out);
	return (b.data);
}

static const struct {
	const char *answer, *open, *masked;	/* open NULL: refused */
} cases[] = {
	{ "{}", "{}", "{}" },
	{ "{\"n\":1,\"rows\":[[1,2.5],[\"a\",null,true]]}", "{\"n\":1,\"rows\":[[1,2.5],[\"a\",null,true]]}",
	    "{\"n\":1,\"rows\":[[1,2.5],[\"a\",null,true]]}" },
	{ "{\"name\":{\"~personal\":\"" SECRET_TEXT "\"},\"n\":1}", "{\"name\":\"" SECRET_TEXT "\",\"n\":1}", "{\"name\":\"***\",\"n\":1}" },
	{ "{\"rows\":[{\"who\":{\"~personal\":\"" SECRET_TEXT "\"}},{\"who\":{\"~personal\":7}}]}",
	    "{\"rows\":[{\"who\":\"" SECRET_TEXT "\"},{\"who\":7}]}", "{\"rows\":[{\"who\":\"***\"},{\"who\":\"***\"}]}" },
	/* A whole tree, and marks within marks. */
	{ "{\"a\":{\"~personal\":{\"b\":[\"" SECRET_TEXT "\",{\"~personal\":\"x\"}]}}}", "{\"a\":{\"b\":[\"" SECRET_TEXT "\",\"x\"]}}", "{\"a\":\"***\"}" },
	{ "{\"a\":{\"~personal\":{\"~personal\":null}}}", "{\"a\":null}", "{\"a\":\"***\"}" },
	{ "{\"a\":{\"~personal\":1}}", "{\"a\":1}", "{\"a\":\"***\"}" },
	/* Misspelt, misplaced, or with something beside it. */
	{ "{\"a\":{\"~persnal\":\"" SECRET_TEXT "\"}}", NULL, NULL },
	{ "{\"a\":{\"~personal\":\"" SECRET_TEXT "\",\"b\":1}}", NULL, NULL },
	{ "{\"a\":{\"b\":1,\"~personal\":\"" SECRET_TEXT "\"}}", NULL, NULL },
	{ "{\"a\":{\"~personal\":{\"~x\":1}}}", NULL, NULL },
	{ "{\"~\":1}", NULL, NULL },
	{ "{\"~personal\":\"" SECRET_TEXT "\"}", NULL, NULL },
	{ "[1]", NULL, NULL },
	{ "\"" SECRET_TEXT "\"", NULL, NULL },
};

static void
test_cases(void **state)
{
	char why[128], *text;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int open = 0; open < 2; open++) {
			const char *want = open ? cases[i].open : cases[i].masked;

			text = shown(cases[i].answer, open, why);
			if (want == NULL) {
				assert_null(text);
				assert_null(strstr(why, SECRET_TEXT));
			} else
				assert_string_equal(text, want);
			free(text);
		}
}

/* Every cut of an answer, and every byte of it changed: refused or shown, the verdict the same for both kinds of reader. */
static void
test_damage(void **state)
{
	size_t len;
	uint8_t *in = pack_json(cases[4].answer, &len), *bytes, *out;
	char why[128];

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		bytes = malloc(cut + 1);
		out = malloc(len);
		memcpy(bytes, in, cut);
		assert_int_equal(personal_show(bytes, cut, false, out, why, sizeof(why)), 0);
		free(bytes);
		free(out);
	}
	for (size_t i = 0; i < len; i++)
		for (unsigned v = 0; v < 256; v++) {
			size_t open, masked;

			bytes = malloc(len);
			out = malloc(len);
			memcpy(bytes, in, len);
			bytes[i] = (uint8_t)v;
			open = personal_show(bytes, len, true, out, why, sizeof(why));
			masked = personal_show(bytes, len, false, out, why, sizeof(why));
			assert_int_equal(open == 0, masked == 0);
			free(bytes);
			free(out);
		}
	free(in);
}

static void
test_bounds(void **state)
{
	char json[512] = "{\"a\":", why[128], *text;

	(void)state;
	for (int i = 0; i < 17; i++)
		strcat(json, "[");
	for (int i = 0; i < 17; i++)
		strcat(json, "]");
	strcat(json, "}");
	assert_null(shown(json, true, why));
	/* A mark is a container too. */
	text = shown("{\"a\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}", true, why);
	assert_non_null(text);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_damage), cmocka_unit_test(test_bounds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
