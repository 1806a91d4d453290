/* The consumers' file and the one of what was trimmed: read back as written, and no changed byte believed. */
#include "material.h"

#include "files.h"
#include "registry.h"
#include "sumtext.h"
#include "trimmed.h"

static const struct identity id = { .epoch = 5, .secret = 77 };
static char folder[64];

static int
setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/estate-registry-XXXXXX");
	return (mkdtemp(folder) != NULL ? 0 : -1);
}

static int
teardown(void **state)
{
	char path[128];

	(void)state;
	unlink(path_join(path, sizeof(path), folder, REGISTRY_FILE));
	unlink(path_join(path, sizeof(path), folder, TRIMMED_FILE));
	return (rmdir(folder));
}

static void
test_consumers(void **state)
{
	struct registry_row rows[3] = { { "a", 0, 1, false, false, false, "" }, { "b/c:d-e", UINT64_MAX, 7, true, false, true, "uid:1000" },
	    { "", 9, UINT64_MAX, true, true, false, "" } };
	struct registry_row *back;
	struct registry *r = registry_new(folder);
	unsigned count;
	size_t len;
	char *text, why[512];

	(void)state;
	memset(rows[2].name, 'x', ID_CHARS_MAX);
	memset(rows[2].owner, 'y', CLIENT_NAME_SIZE - 1);
	assert_int_equal(registry_read(folder, &id, &back, &count, why, sizeof(why)), 0);
	assert_int_equal(count, 0);
	text = registry_text(rows, 3, &id, &len);
	assert_int_equal(registry_write(r, 2, text, len), 0);
	free(text);
	/* Older than what is there: not written. */
	text = registry_text(rows, 1, &id, &len);
	assert_int_equal(registry_write(r, 1, text, len), 0);
	free(text);
	assert_int_equal(registry_read(folder, &id, &back, &count, why, sizeof(why)), 0);
	assert_int_equal(count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(back[i].name, rows[i].name);
		assert_true(back[i].cursor == rows[i].cursor && back[i].member == rows[i].member);
		assert_true(back[i].paused == rows[i].paused && back[i].released == rows[i].released && back[i].moved == rows[i].moved);
		assert_string_equal(back[i].owner, rows[i].owner);
	}
	free(back);
	registry_free(r);
}

/* As a release before there were owners wrote it: their names are nobody's yet. */
static void
test_consumers_without_owners(void **state)
{
	char text[256] = "consumers: 1\na 5 7 0\nb/c 9 8 3\n", why[512];
	struct registry_row *back;
	unsigned count;
	size_t len = sumtext_seal(text, strlen(text), id.secret);

	(void)state;
	assert_int_equal(file_replace(folder, REGISTRY_FILE, text, len), 0);
	assert_int_equal(registry_read(folder, &id, &back, &count, why, sizeof(why)), 0);
	assert_int_equal(count, 2);
	assert_true(strcmp(back[1].name, "b/c") == 0 && back[1].cursor == 9 && back[1].member == 8 && back[1].paused && back[1].released);
	assert_true(back[0].owner[0] == '\0' && back[1].owner[0] == '\0');
	free(back);
}

/* The most there may be fits. */
static void
test_all_the_consumers_there_may_be(void **state)
{
	struct registry_row *rows = calloc(CONSUMERS_MAX, sizeof(*rows)), *back;
	unsigned count;
	size_t len;
	char *text, why[512];

	(void)state;
	for (unsigned i = 0; i < CONSUMERS_MAX; i++) {
		memset(rows[i].name, 'n', ID_CHARS_MAX);
		memset(rows[i].owner, 'o', CLIENT_NAME_SIZE - 1);
		rows[i].cursor = rows[i].member = UINT64_MAX;
	}
	text = registry_text(rows, CONSUMERS_MAX, &id, &len);
	assert_int_equal(file_replace(folder, REGISTRY_FILE, text, len), 0);
	assert_int_equal(registry_read(folder, &id, &back, &count, why, sizeof(why)), 0);
	assert_int_equal(count, CONSUMERS_MAX);
	free(back);
	free(text);
	free(rows);
}

/* Any one byte changed, or the end cut off, at any place: refused with a sentence. */
static void
spoil(const char *name, char *text, size_t len, int (*read)(char *why, size_t why_len))
{
	char why[512];

	assert_int_equal(file_replace(folder, name, text, len), 0);
	assert_int_equal(read(why, sizeof(why)), 0);
	/* Only the very last line end may miss. */
	for (size_t i = 0; i + 1 < len; i++) {
		text[i] ^= 1;
		assert_int_equal(file_replace(folder, name, text, len), 0);
		assert_int_equal(read(why, sizeof(why)), -1);
		assert_non_null(strstr(why, name));
		text[i] ^= 1;
		assert_int_equal(file_replace(folder, name, text, i), 0);
		assert_int_equal(read(why, sizeof(why)), -1);
	}
}

static int
read_consumers(char *why, size_t why_len)
{
	struct registry_row *rows;
	unsigned count;
	int rc = registry_read(folder, &id, &rows, &count, why, why_len);

	free(rows);
	return (rc);
}

static int
read_trimmed(char *why, size_t why_len)
{
	static struct trimmed t;

	return (trimmed_read(&t, folder, &id, why, why_len));
}

static void
test_damage(void **state)
{
	static struct trimmed t = { .through = "2026-03", .last = 900, .key_count = 2,
	    .keys = { { "2026-02", 400, 1790000000000000000ull }, { "2026-03", 900, 1793000000000000000ull } } };
	struct registry_row row = { "stats", 4711, 99, false, false, false, "stats" };
	size_t len;
	char *text;

	(void)state;
	text = registry_text(&row, 1, &id, &len);
	spoil(REGISTRY_FILE, text, len, read_consumers);
	free(text);
	text = trimmed_text(&t, &id, &len);
	spoil(TRIMMED_FILE, text, len, read_trimmed);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_consumers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_consumers_without_owners, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_the_consumers_there_may_be, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
