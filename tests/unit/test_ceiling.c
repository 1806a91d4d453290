/* How far log time was told, on the disk: two slots, of which one may be torn. */
#include "material.h"

#include <fcntl.h>
#include <unistd.h>

#include "ceiling.h"

static const struct identity id = { .epoch = 5, .secret = 77 };
static char folder[64];

static int
setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/estate-ceiling-XXXXXX");
	return (mkdtemp(folder) != NULL ? 0 : -1);
}

static const char *
path(void)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s/ceiling", folder);
	return (text);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path());
	return (rmdir(folder));
}

static struct ceiling *
open_it(void)
{
	char why[512];
	struct ceiling *c = ceiling_open(folder, &id, why, sizeof(why));

	assert_non_null(c);
	return (c);
}

/* What a start would find. */
static uint64_t
found(const struct identity *whose)
{
	uint64_t time;
	char why[512];

	assert_int_equal(ceiling_read(folder, whose, &time, why, sizeof(why)), 0);
	return (time);
}

static void
spoil(off_t at)
{
	int fd = open(path(), O_RDWR);

	assert_int_equal(pwrite(fd, "\xff", 1, at), 1);
	close(fd);
}

static void
test_raised_in_steps(void **state)
{
	struct ceiling *c;
	uint64_t before;

	(void)state;
	assert_true(found(&id) == 0);
	c = open_it();
	assert_true(ceiling_time(c) == 0);
	for (uint64_t t = 1000; t < 50000000000ull; t = t * 3 + 1) {
		before = ceiling_time(c);
		assert_int_equal(ceiling_raise(c, t), 0);
		assert_true(ceiling_time(c) >= t);
		assert_true(t > before || ceiling_time(c) == before);
		assert_true(found(&id) == ceiling_time(c));
	}
	before = ceiling_time(c);
	ceiling_close(c);
	c = open_it();
	assert_true(ceiling_time(c) == before);
	assert_int_equal(ceiling_raise(c, before + 1), 0);
	assert_true(found(&id) > before);
	ceiling_close(c);
}

/* The slot written last is torn: it was not told yet, and the one before it holds. */
static void
test_a_torn_slot(void **state)
{
	char why[512];
	struct ceiling *c = open_it();
	uint64_t before, time;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		before = ceiling_time(c);
		assert_int_equal(ceiling_raise(c, before + 1), 0);
		spoil((i % 2) * 4096 + 18);
		assert_true(found(&id) == before);
		ceiling_close(c);
		c = open_it();
		assert_true(ceiling_time(c) == before);
		/* The torn one is written next. */
		assert_int_equal(ceiling_raise(c, before + 1), 0);
		assert_true(found(&id) == ceiling_time(c));
	}
	ceiling_close(c);
	spoil(18);
	spoil(4096 + 18);
	assert_int_equal(ceiling_read(folder, &id, &time, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "ceiling is damaged"));
	assert_null(ceiling_open(folder, &id, why, sizeof(why)));
}

static void
test_another_epoch_was_told_nothing(void **state)
{
	struct identity other = { .epoch = 6, .secret = 77 };
	struct ceiling *c = open_it();

	(void)state;
	assert_int_equal(ceiling_raise(c, 1000), 0);
	ceiling_close(c);
	assert_true(found(&other) == 0);
	assert_true(found(&id) > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_raised_in_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_torn_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_epoch_was_told_nothing, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
