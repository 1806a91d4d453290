/* Settings: every wrong file is refused with its line and what would be right. */
#include "material.h"

#include <sys/stat.h>

#include "settings.h"

static char folder[64], path[128];

static int
set_up(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/estated.yaml", make_folder(folder));
	return (0);
}

static int
tear_down(void **state)
{
	(void)state;
	remove_folder(folder);
	return (0);
}

static int
read_text(struct settings *s, const char *text, char *why, size_t why_len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	why[0] = '\0';
	return (settings_read(s, path, why, why_len));
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} cases[] = {
		{ "dta: /x\n", 1, "the nearest is \"data\"" },
		{ "data: /x\n\n# comment\njournal_segmnet: 16MiB\n", 4, "the nearest is \"journal_segment\"" },
		{ "zzzzzzzzzzzz: 1\n", 1, "there is no setting" },
		{ "log_level: info\nlog_level: info\n", 2, "set twice" },
		{ "listen: [ipc:///a]\nlisten: [ipc:///b]\n", 2, "set twice" },
		{ "journal_segment: big\n", 1, "is no number; write" },
		{ "journal_segment: -5\n", 1, "is no number" },
		{ "journal_segment: 4.5MiB\n", 1, "is no number" },
		{ "journal_segment: 16MB\n", 1, "is no number" },
		{ "journal_segment: 16 MiB\n", 1, "is no number" },
		{ "journal_segment: \"\"\n", 1, "is no number" },
		{ "journal_segments: 4KiB\n", 1, "is no number" },
		{ "journal_segments: 0x10\n", 1, "is no number" },
		{ "journal_segment: 1MiB\n", 1, "out of range: 4194304 to 1073741824 bytes" },
		{ "journal_segment: 2GiB\n", 1, "out of range" },
		{ "journal_segment: 99999999999999999TiB\n", 1, "out of range" },
		{ "journal_segment: 99999999999999999999999\n", 1, "is no number" },
		{ "journal_segments: 2\n", 1, "out of range: 3 to 64 segments" },
		{ "journal_segments: 65\n", 1, "out of range" },
		{ "recent_memory: 1\n", 1, "out of range" },
		{ "disk_reserve: 0\n", 1, "out of range" },
		{ "retention_age: 800\n", 1, "is no time; write 90s, 15min, 12h or 800d" },
		{ "retention_age: 1MiB\n", 1, "is no time" },
		{ "retention_age: 40000d\n", 1, "out of range: 0 to 3153600000 seconds" },
		{ "retention_age: -1d\n", 1, "is no time" },
		{ "dedup_days: 30d\n", 1, "is no number" },
		{ "log_level: loud\n", 1, "none of error, warn, info, debug" },
		{ "log_level: verbose\n", 1, "bytes; 4 to 5 are allowed" },
		{ "data: \"\"\n", 1, "0 bytes; 1 to 3000 are allowed" },
		{ "data: [/x, /y]\n", 1, "must be a single value" },
		{ "data:\n  where: /x\n", 1, "must be a single value" },
		{ "journal_segments: [4]\n", 1, "must be a single value" },
		{ "listen: {a: b}\n", 1, "must be a list" },
		{ "listen:\n  - [ipc:///a]\n", 1, "a list of endpoints" },
		{ "listen: []\n", 1, "at least 1 endpoints" },
		{ "listen: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]\n", 1, "at most 16 endpoints" },
		{ "[a]: 1\n", 1, "a key is a word" },
		{ "- data\n", 1, "must be \"name: value\" lines" },
		{ "data: ~\n", 1, "data: ~ is no value in YAML" },
		{ "log_level: info\ndata: null\n", 2, "null is no value" },
		{ "listen: [ipc:///a, ~]\n", 1, "~ is no value" },
		{ "data: /x\n---\nlog_level: info\n", 2, "a second document begins here" },
		{ "data: /x\n---\n- [\n", 4, "" },
		{ "data\n", 1, "must be \"name: value\" lines" },
		{ "data: /x\n  log_level: info\n", 2, "" },
		{ "data: \"/x\n", 2, "" },
		{ "data: /x\n\tlog_level: info\n", 2, "" },
	};
	char why[512], place[160];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct settings *s = settings_new();

		snprintf(place, sizeof(place), "%s:%u: ", path, cases[i].line);
		if (read_text(s, cases[i].text, why, sizeof(why)) == 0)
			fail_msg("taken: %s", cases[i].text);
		if (strncmp(why, place, strlen(place)) != 0 || strstr(why, cases[i].says) == NULL || why[strlen(place)] == '\0')
			fail_msg("%s told as: %s", cases[i].text, why);
		settings_free(s);
	}
}

static void
test_a_file_that_cannot_be_read(void **state)
{
	struct settings *s = settings_new();
	char why[512];

	(void)state;
	assert_int_equal(settings_read(s, "/nowhere/estated.yaml", why, sizeof(why)), -1);
	assert_string_equal(why, "cannot read /nowhere/estated.yaml: No such file or directory");
	assert_int_equal(settings_read(s, folder, why, sizeof(why)), -1);
	assert_non_null(strstr(why, folder));
	/* Nobody writes into it: reading it would never end. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(settings_read(s, path, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "is no regular file"));
	assert_int_equal(unlink(path), 0);
	settings_free(s);
}

static void
test_defaults_and_an_empty_file(void **state)
{
	struct settings *s = settings_new();
	char why[512];

	(void)state;
	assert_int_equal(read_text(s, "", why, sizeof(why)), 0);
	assert_int_equal(read_text(s, "# nothing\n", why, sizeof(why)), 0);
	assert_string_equal(s->data, "/var/lib/estated");
	assert_int_equal(s->listen.count, 1);
	assert_int_equal(s->journal_segment, 16 << 20);
	assert_int_equal(s->journal_segments, 4);
	settings_free(s);
}

static void
test_good_values(void **state)
{
	struct settings *s = settings_new();
	char why[512];

	(void)state;
	if (read_text(s, "data: /x y/z\nlisten:\n  - ipc:///a\n  - tcp://127.0.0.1:1\njournal_segment: 8388608\ndisk_reserve: 1TiB\n"
	    "recent_memory: 64KiB\nlog_level: \"warn\"\nhttp: ''\n", why, sizeof(why)) != 0)
		fail_msg("%s", why);
	assert_string_equal(s->data, "/x y/z");
	assert_int_equal(s->listen.count, 2);
	assert_string_equal(s->listen.items[1], "tcp://127.0.0.1:1");
	assert_int_equal(s->journal_segment, 8 << 20);
	assert_true(s->disk_reserve == 1ull << 40);
	assert_int_equal(s->recent_memory, 64 << 10);
	assert_string_equal(s->http, "");
	settings_free(s);
	/* One endpoint needs no list. */
	s = settings_new();
	assert_int_equal(read_text(s, "listen: ipc:///only\n", why, sizeof(why)), 0);
	assert_int_equal(s->listen.count, 1);
	assert_string_equal(s->listen.items[0], "ipc:///only");
	settings_free(s);
}

/* What the command line names replaces the file's, and each row says where its value comes from. */
static void
test_origins(void **state)
{
	struct settings *s = settings_new();
	char why[512], expected[256], *printed = NULL;
	size_t len;
	FILE *f;

	(void)state;
	assert_int_equal(read_text(s, "listen: [ipc:///a, ipc:///b]\nlog_level: warn\n", why, sizeof(why)), 0);
	assert_int_equal(settings_set(s, "listen", "ipc:///c", why, sizeof(why)), 0);
	assert_int_equal(settings_set(s, "listen", "ipc:///d", why, sizeof(why)), 0);
	assert_int_equal(settings_set(s, "data", "/y", why, sizeof(why)), 0);
	assert_int_equal(settings_set(s, "data", "", why, sizeof(why)), -1);
	f = open_memstream(&printed, &len);
	assert_non_null(f);
	settings_print(s, f);
	fclose(f);
	assert_non_null(strstr(printed, "listen: [\"ipc:///c\", \"ipc:///d\"]\t# command line\n"));
	assert_non_null(strstr(printed, "data: \"/y\"\t# command line\n"));
	assert_non_null(strstr(printed, "journal_segments: 4\t# default\n"));
	snprintf(expected, sizeof(expected), "log_level: \"warn\"\t# %s:2\n", path);
	assert_non_null(strstr(printed, expected));
	free(printed);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_a_file_that_cannot_be_read),
		cmocka_unit_test(test_defaults_and_an_empty_file),
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_origins),
	};

	return (cmocka_run_group_tests(tests, set_up, tear_down));
}
