/* The way out of a worker: puts that are told when they are durable or refused, when tables may be acted on, leaving, and whoever looks. */
#include "worker_material.h"

#include "effects.h"
#include "fake_daemon.h"
#include "live_internal.h"

enum { NOTES };

static const char *const tables[] = { "notes", NULL }, *const types[] = { "probe.recorded", NULL };

static int
update(struct worker *w, const struct worker_event *v)
{
	worker_put_number(w, NOTES, "last", 4, v->seq);
	return (0);
}

static int
due(struct worker *w, const struct worker_timer *t)
{
	(void)w;
	(void)t;
	return (0);
}

static const struct worker_kind kind = { .name = "way", .version = 1, .types = types, .tables = tables, .update = update, .due = due };

/* What the effects of the test were called for. */
static struct {
	struct effects *x;
	bool refuse, on_its_way;
	unsigned turns, closed, stored;
	uint64_t seq[16];
	bool duplicate[16];
	int user[16];
	char refusal[200];
} told;

static void *
on_open(struct effects *x, const char *folder, char *why, size_t size)
{
	assert_string_equal(folder, "/config");
	if (told.refuse) {
		snprintf(why, size, "no such folder");
		return (NULL);
	}
	told.x = x;
	return (&told);
}

static void
on_turn(void *user)
{
	assert_ptr_equal(user, &told);
	told.turns++;
}

static bool
on_leaving(void *user)
{
	(void)user;
	return (told.on_its_way);
}

static void
on_close(void *user)
{
	(void)user;
	told.closed++;
}

static const struct worker_effects way = { .open = on_open, .turn = on_turn, .leaving = on_leaving, .close = on_close };

static void
on_stored(void *user, uint64_t seq, bool duplicate, const char *refusal)
{
	unsigned i = told.stored++;

	assert_true(i < 16);
	told.seq[i] = seq;
	told.duplicate[i] = duplicate;
	told.user[i] = *(int *)user;
	if (refusal != NULL)
		snprintf(told.refusal, sizeof(told.refusal), "%s", refusal);
}

/* A worker that lives, but for its loop. */
struct scene {
	struct stage *stage;
	struct fake *fake;
	struct live live;
	struct live_options options;
};

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct estate_options o = { .client = "way", .user = &s->live, .on_ack = live_on_ack, .on_nak = live_on_nak };

	memset(&told, 0, sizeof(told));
	s->fake = fake_start();
	s->stage = stage_open(&kind);
	assert_int_equal(state_commit(s->stage->state), 0);
	s->options = (struct live_options){ .folder = "/config" };
	s->live.kind = &kind;
	s->live.o = &s->options;
	s->live.state = s->stage->state;
	s->live.worker = s->stage->worker;
	o.endpoint = s->fake->endpoint;
	assert_int_equal(estate_open(&o, &s->live.e), 0);
	*state = s;
	return (0);
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	effects_close(&s->live);
	estate_close(s->live.e);
	for (size_t i = 0; i < s->live.outcome_count; i++)
		free(s->live.outcomes[i].refusal);
	free(s->live.outcomes);
	fake_stop(s->fake);
	state_begin(s->stage->state);
	stage_close(s->stage);
	free(s);
	return (0);
}

static void
meet(struct scene *s, uint64_t last)
{
	fake_expect(s->fake, s->live.e, "hello");
	fake_welcome(s->fake, "7d4ad4a2-0000-4000-8000-000000000001", 1, last, 4 << 20);
	for (int i = 0; i < 400 && estate_log(s->live.e) == NULL; i++)
		estate_pump(s->live.e, 5);
	assert_non_null(estate_log(s->live.e));
}

static void
test_a_folder_that_will_not_do_ends_the_start(void **state)
{
	struct scene *s = *state;

	told.refuse = true;
	assert_int_equal(effects_open(&s->live, &way), EXIT_WRONG_STATE);
	effects_close(&s->live);
	assert_int_equal(told.closed, 0);
	assert_null(s->live.effects);
}

static void
test_when_tables_may_be_acted_on(void **state)
{
	struct scene *s = *state;

	assert_int_equal(effects_open(&s->live, &way), 0);
	/* Nobody has told how far the log goes. */
	effects_turn(&s->live);
	assert_false(effects_settled(told.x));
	meet(s, 7);
	effects_turn(&s->live);
	assert_int_equal(effects_began(told.x), 7);
	assert_int_equal(effects_end(told.x), 7);
	assert_false(effects_settled(told.x));
	s->live.state->cursor.seq = 6;
	assert_false(effects_settled(told.x));
	s->live.state->cursor.seq = 7;
	assert_true(effects_settled(told.x));
	assert_int_equal(effects_read(told.x), 7);
	/* Held up, or being made again. */
	s->live.stalled = true;
	assert_false(effects_settled(told.x));
	s->live.stalled = false;
	s->live.rebuilding = true;
	assert_false(effects_settled(told.x));
	told.turns = 0;
	effects_turn(&s->live);
	assert_int_equal(told.turns, 0);
	s->live.rebuilding = false;
	effects_turn(&s->live);
	assert_int_equal(told.turns, 1);
	/* What it has read since is known sooner than what the daemon says of the end; when it began does not move. */
	s->live.state->cursor.seq = 9;
	assert_int_equal(effects_end(told.x), 9);
	assert_int_equal(effects_began(told.x), 7);
}

static void
test_each_put_is_told_of_once(void **state)
{
	static const char event[] = "\x80";
	struct scene *s = *state;
	int users[3] = { 1, 2, 3 };

	assert_int_equal(effects_open(&s->live, &way), 0);
	meet(s, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(effects_put(told.x, event, 1, on_stored, &users[i]));
		fake_expect(s->fake, s->live.e, "puts");
		assert_int_equal(told.stored, i);		/* not before it is durable */
		if (i == 1)
			fake_nak(s->fake, s->fake->number, 33, "out-of-range", "never");
		else
			fake_ack(s->fake, s->fake->number, s->fake->number, 10 + i, 1, i == 2);
		for (int n = 0; n < 400 && told.stored == i; n++)
			estate_pump(s->live.e, 5);
	}
	assert_int_equal(told.seq[0], 10);
	assert_false(told.duplicate[0]);
	assert_int_equal(told.seq[1], 0);
	assert_string_equal(told.refusal, "out-of-range data.amount ");
	assert_int_equal(told.seq[2], 12);
	assert_true(told.duplicate[2]);
	assert_int_equal(told.stored, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(told.user[i], users[i]);
	/* The outbox's own are not mixed up with them. */
	assert_int_equal(s->live.outcome_count, 0);
	live_on_ack(&s->live, &(struct estate_ack){ .cookie = 5, .seq = 77, .count = 1 });
	assert_int_equal(s->live.outcome_count, 1);
	assert_int_equal(told.stored, 3);
}

static void
test_what_is_not_told_of_when_it_closes_is_forgotten(void **state)
{
	struct scene *s = *state;
	int user = 1;

	assert_int_equal(effects_open(&s->live, &way), 0);
	assert_true(effects_put(told.x, "\x80", 1, on_stored, &user));
	effects_close(&s->live);
	assert_int_equal(told.closed, 1);
	assert_int_equal(told.stored, 0);
}

static void
test_what_is_on_its_way_is_awaited_and_not_for_ever(void **state)
{
	struct scene *s = *state;

	assert_false(effects_leaving(&s->live));		/* it has none */
	assert_int_equal(effects_open(&s->live, &way), 0);
	assert_false(effects_leaving(&s->live));
	told.on_its_way = true;
	assert_true(effects_leaving(&s->live));
	s->live.done = true;
	assert_false(effects_leaving(&s->live));
}

static void
look(struct worker *w, void *user)
{
	*(uint64_t *)user = worker_get_number(w, NOTES, "last", 4);
}

static void
test_who_looks_sees_what_was_committed(void **state)
{
	struct scene *s = *state;
	uint64_t seen = 1;

	assert_int_equal(effects_open(&s->live, &way), 0);
	effects_look(told.x, look, &seen);
	assert_int_equal(seen, 0);
	state_begin(s->stage->state);
	stage_event(s->stage, 5, 1000, "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/test\",\"type\":\"probe.recorded\",\"data\":{}}");
	assert_int_equal(state_commit(s->stage->state), 0);
	effects_look(told.x, look, &seen);
	assert_int_equal(seen, 5);
}

/* The loop wakes for news of the session, for its timers, and after so long. */
static void
test_it_waits_no_longer_than_it_should(void **state)
{
	struct scene *s = *state;
	struct timespec little = { 0, 20000000 };
	int64_t begin;
	sigset_t none;

	sigemptyset(&none);
	assert_int_equal(effects_open(&s->live, &way), 0);
	begin = effects_now_ms();
	effects_wait(&s->live, &little, &none);
	assert_true(effects_now_ms() - begin < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_folder_that_will_not_do_ends_the_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_when_tables_may_be_acted_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_put_is_told_of_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_told_of_when_it_closes_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_on_its_way_is_awaited_and_not_for_ever, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_looks_sees_what_was_committed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_it_waits_no_longer_than_it_should, set_up, tear_down),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
