/* Log time rises from stamp to stamp and never jumps, whatever the wall clock does.  Both clocks are the test's own. */
#include "material.h"

#include <pthread.h>
#include <time.h>

#include "logclock.h"

#define NS	1000000000ll
#define NOW	(1790000000ll * NS)

static _Atomic int64_t wall = NOW, boot = 77 * NS;

/* The program's own, before the C library's. */
int
clock_gettime(clockid_t id, struct timespec *t)
{
	int64_t now = id == CLOCK_REALTIME ? wall : boot;

	t->tv_sec = now / NS;
	t->tv_nsec = now % NS;
	return (0);
}

static void
pass(int64_t ns)
{
	wall += ns;
	boot += ns;
}

static void
test_follows_the_wall_clock(void **state)
{
	struct logclock *c = logclock_new(0, 0);

	(void)state;
	assert_true(logclock_stamp(c) == (uint64_t)wall);
	pass(NS / 3);
	assert_true(logclock_stamp(c) == (uint64_t)wall);
	/* Corrections of up to two minutes are followed, one after another. */
	for (int i = 0; i < 10; i++) {
		wall += (CLOCK_JUMP_MAX_S - 1) * NS;
		assert_true(logclock_stamp(c) == (uint64_t)wall);
	}
	assert_true(logclock_jump(c) == 0);
	assert_false(logclock_take_report(c));
	logclock_free(c);
}

static void
test_all_but_stands_still_while_the_wall_clock_is_a_little_behind(void **state)
{
	struct logclock *c = logclock_new(0, 0);
	uint64_t before = logclock_stamp(c);

	(void)state;
	wall -= 60 * NS;
	assert_true(logclock_now(c) == before);
	assert_true(logclock_stamp(c) == before + 1);
	pass(59 * NS);
	assert_true(logclock_stamp(c) == before + 2);
	pass(2 * NS);
	assert_true(logclock_stamp(c) == (uint64_t)wall);
	logclock_free(c);
}

static void
test_a_jump_is_reported_once_and_not_followed(void **state)
{
	static const int64_t jumps[] = { 86400, -86400, CLOCK_JUMP_MAX_S + 1, -CLOCK_JUMP_MAX_S - 1 };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct logclock *c = logclock_new(0, 0);
		uint64_t before = logclock_stamp(c), after;

		wall += jumps[i] * NS;
		pass(5 * NS);
		assert_true(logclock_stamp(c) == before + 5 * NS);
		assert_true(logclock_jump(c) == jumps[i]);
		assert_true(logclock_take_report(c));
		assert_false(logclock_take_report(c));
		pass(NS);
		assert_true(logclock_stamp(c) == before + 6 * NS);
		assert_false(logclock_take_report(c));
		logclock_accept(c);
		assert_true(logclock_jump(c) == 0);
		after = logclock_stamp(c);
		assert_true(jumps[i] < 0 ? after == before + 6 * NS + 1 : after == (uint64_t)wall);
		assert_false(logclock_take_report(c));
		logclock_free(c);
	}
}

static void
test_a_jump_that_is_taken_back(void **state)
{
	struct logclock *c = logclock_new(0, 0);

	(void)state;
	logclock_stamp(c);
	wall += 3600 * NS;
	logclock_stamp(c);
	assert_true(logclock_jump(c) == 3600);
	wall -= 3600 * NS;
	pass(NS);
	assert_true(logclock_stamp(c) == (uint64_t)wall);
	assert_true(logclock_jump(c) == 0);
	logclock_free(c);
}

/* After a restart: never below the last stored. */
static void
test_goes_on_from_the_last_stored(void **state)
{
	uint64_t last = (uint64_t)(wall + 3600 * NS);
	struct logclock *c = logclock_new(last, 0);

	(void)state;
	assert_true(logclock_stamp(c) > last);
	pass(10 * NS);
	assert_true(logclock_stamp(c) == last + 10 * NS);
	assert_true(logclock_jump(c) != 0);
	logclock_free(c);
	/* Within two minutes it waits for the wall clock. */
	last = (uint64_t)(wall + 60 * NS);
	c = logclock_new(last, 0);
	assert_true(logclock_stamp(c) == last + 1);
	pass(61 * NS);
	assert_true(logclock_stamp(c) == (uint64_t)wall);
	logclock_free(c);
}

/* A stamp is above all that was told, and telling again may tell the same; asking promises nothing. */
static void
test_what_was_told_is_past(void **state)
{
	struct logclock *c = logclock_new(0, 0);
	uint64_t told;

	(void)state;
	told = logclock_tell(c);
	assert_true(told == (uint64_t)wall);
	assert_true(logclock_tell(c) == told);
	assert_true(logclock_stamp(c) == told + 1);
	pass(NS);
	assert_true(logclock_now(c) == (uint64_t)wall);
	wall -= NS / 2;
	assert_true(logclock_stamp(c) == (uint64_t)wall);
	logclock_free(c);
}

/* How long to sleep until log time is there: by the clock that log time goes by. */
static void
test_waiting(void **state)
{
	struct logclock *c = logclock_new(0, 0);
	int64_t at = wall + 10 * NS;

	(void)state;
	assert_true(logclock_wait(c, at) == 10 * NS);
	pass(4 * NS);
	assert_true(logclock_wait(c, at) == 6 * NS);
	/* A jump that nobody accepted changes nothing. */
	wall += 3600 * NS;
	assert_true(logclock_wait(c, at) == 6 * NS);
	logclock_accept(c);
	assert_true(logclock_wait(c, at) <= 0);
	assert_true(logclock_tell(c) >= (uint64_t)at);
	/* While log time stands still it takes until the wall clock is there. */
	wall -= 60 * NS;
	assert_true(logclock_wait(c, at) == 0);
	assert_true(logclock_wait(c, wall + 70 * NS) == 70 * NS);
	logclock_free(c);
}

static void *
stamp_many(void *c)
{
	uint64_t before = 0;

	for (unsigned i = 0; i < 100000; i++) {
		uint64_t now = logclock_stamp(c);

		if (now <= before)
			return (c);	/* it did not rise */
		before = now;
	}
	return (NULL);
}

/* Random clocks, and two threads that ask. */
static void
test_monotone(void **state)
{
	struct logclock *c = logclock_new(0, 0);
	uint64_t seed = 11, before = 0;
	pthread_t threads[2];
	void *problem;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t now;

		pass((int64_t)below(&seed, 2 * NS));
		if (below(&seed, 10) == 0)
			wall += (int64_t)below(&seed, 1000 * NS) - 500 * NS;
		if (below(&seed, 1000) == 0)
			logclock_accept(c);
		now = logclock_stamp(c);
		assert_true(now > before);
		before = now;
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stamp_many, c), 0);
	for (unsigned i = 0; i < 100000; i++)
		wall += i % 3 == 0 ? -1000000 : 1000000;
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], &problem);
		assert_null(problem);
	}
	logclock_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows_the_wall_clock),
		cmocka_unit_test(test_all_but_stands_still_while_the_wall_clock_is_a_little_behind),
		cmocka_unit_test(test_a_jump_is_reported_once_and_not_followed),
		cmocka_unit_test(test_a_jump_that_is_taken_back),
		cmocka_unit_test(test_goes_on_from_the_last_stored),
		cmocka_unit_test(test_what_was_told_is_past),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_monotone),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
