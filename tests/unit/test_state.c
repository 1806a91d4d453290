/* The state store: whose it is, what a transaction leaves, what an undo takes back, the outbox's order. */
#include "worker_material.h"

#include "outbox.h"

static const char *const tables[] = { "one", "two", NULL };

static enum state_found
open_as(struct state **s, const char *folder, const char *worker, unsigned version, char why[512])
{
	struct state_options o = { .folder = folder, .worker = worker, .version = version, .tables = tables };

	return (state_open(s, &o, why, 512));
}

static void
test_whose_it_is(void **state)
{
	char folder[64], why[512];
	struct state *s;
	uint8_t newer[8] = { STATE_FORMAT + 1 };

	(void)state;
	make_folder(folder);
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_NEW);
	snprintf(s->cursor.log, sizeof(s->cursor.log), "the-log");
	s->cursor.epoch = 5;
	s->cursor.seq = 42;
	s->cursor.log_time = -7;
	state_begin(s);
	assert_int_equal(state_commit(s), 0);
	/* In use. */
	{
		struct state *other;

		assert_int_equal(open_as(&other, folder, "a", 1, why), STATE_REFUSED);
		assert_non_null(strstr(why, "in use by process"));
		assert_null(other);
	}
	state_close(s);
	assert_int_equal(open_as(&s, folder, "b", 1, why), STATE_REFUSED);
	assert_non_null(strstr(why, "the worker \"a\", not of \"b\""));
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_SOUND);
	assert_string_equal(s->cursor.log, "the-log");
	assert_int_equal(s->cursor.epoch, 5);
	assert_int_equal(s->cursor.seq, 42);
	assert_int_equal(s->cursor.log_time, -7);
	state_close(s);
	for (unsigned version = 0; version < 3; version += 2) {
		assert_int_equal(open_as(&s, folder, "a", version, why), STATE_OTHER_VERSION);
		state_close(s);
	}
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_SOUND);
	state_begin(s);
	state_put(s, DB_META, "format", 6, newer, sizeof(newer));
	assert_int_equal(state_commit(s), 0);
	state_close(s);
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_REFUSED);
	assert_non_null(strstr(why, "newer release"));
	remove_folder(folder);
}

static void
test_restart_keeps_what_is_not_acknowledged(void **state)
{
	char folder[64], why[512];
	struct derived d = { .bytes = "event", .len = 5 };
	struct outbox_entry e;
	struct state *s;
	MDB_val v;

	(void)state;
	make_folder(folder);
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_NEW);
	memset(d.id, 'x', ID_SIZE - 1);
	s->cursor.seq = 9;
	s->cursor.log_time = 90;
	state_begin(s);
	state_put(s, DB_OWN, "k", 1, "v", 1);
	assert_true(outbox_add(s, &d));
	assert_int_equal(state_commit(s), 0);
	assert_int_equal(state_restart(s, true, 2), 0);
	assert_int_equal(s->cursor.seq, 0);
	assert_int_equal(s->mute.seq, 9);
	/* Cut short and begun again, it is silent up to where it was at first. */
	s->cursor.seq = 3;
	assert_int_equal(state_restart(s, true, 2), 0);
	assert_int_equal(s->mute.seq, 9);
	assert_int_equal(s->mute.log_time, 90);
	state_close(s);
	assert_int_equal(open_as(&s, folder, "a", 2, why), STATE_SOUND);
	assert_int_equal(s->mute.seq, 9);
	state_begin(s);
	assert_false(state_get(s, DB_OWN, "k", 1, &v));
	assert_true(outbox_next(s, 0, &e));
	assert_int_equal(e.len, 5);
	state_abort(s);
	/* Another epoch is told everything again. */
	assert_int_equal(state_restart(s, false, 2), 0);
	assert_int_equal(s->mute.seq, 0);
	state_begin(s);
	assert_false(outbox_next(s, 0, &e));
	state_abort(s);
	state_close(s);
	remove_folder(folder);
}

static void
test_outbox(void **state)
{
	char folder[64], why[512];
	struct derived a = { .id = "", .bytes = "first", .len = 5 }, b = { .id = "", .bytes = "second", .len = 6 };
	struct outbox_entry e;
	struct state *s;

	(void)state;
	make_folder(folder);
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_NEW);
	memset(a.id, 'z', ID_SIZE - 1);
	memset(b.id, 'b', ID_SIZE - 1);
	state_begin(s);
	assert_true(outbox_add(s, &a));
	assert_true(outbox_add(s, &b));
	assert_true(outbox_add(s, &a));				/* the same again is no news */
	a.bytes = "other";
	assert_false(outbox_add(s, &a));			/* something else under its id is */
	assert_true(outbox_next(s, 0, &e));			/* in the order of conclusion, not of ids */
	assert_memory_equal(e.bytes, "first", 5);
	assert_true(outbox_next(s, e.number, &e));
	assert_memory_equal(e.bytes, "second", 6);
	assert_false(outbox_next(s, e.number, &e));
	outbox_confirm(s, b.id, "secant", 6);			/* not what waits */
	assert_int_not_equal(outbox_find(s, b.id), 0);
	outbox_confirm(s, b.id, "second", 6);
	assert_int_equal(outbox_find(s, b.id), 0);
	outbox_remove(s, 1);
	outbox_remove(s, 1);
	assert_false(outbox_next(s, 0, &e));
	assert_int_equal(state_commit(s), 0);
	state_close(s);
	/* Numbers go on after a restart. */
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_SOUND);
	state_begin(s);
	assert_true(outbox_add(s, &a));
	assert_true(outbox_next(s, 0, &e));
	assert_int_equal(e.number, 3);
	state_abort(s);
	state_close(s);
	remove_folder(folder);
}

/* Against a model: any steps, some taken back, end as if those had not been. */
static void
test_undo(void **state)
{
	enum { KEYS = 40, ROUNDS = 400 };
	char folder[64], why[512], key[8], text[32];
	int model[2][KEYS], before[2][KEYS];
	uint64_t seed = 3;
	struct state *s;
	MDB_val v;

	(void)state;
	make_folder(folder);
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_NEW);
	memset(model, 0, sizeof(model));
	state_begin(s);
	for (unsigned round = 0; round < ROUNDS; round++) {
		memcpy(before, model, sizeof(model));
		state_record(s);
		for (unsigned step = 0; step < 1 + below(&seed, 30); step++) {
			unsigned k = (unsigned)below(&seed, KEYS), db = (unsigned)below(&seed, 2);
			int n = (int)below(&seed, 1000) + 1;

			snprintf(key, sizeof(key), "k%u", k);
			snprintf(text, sizeof(text), "%0*d", n % 20 + 1, n);
			if (below(&seed, 3) == 0) {
				assert_int_equal(state_delete(s, DB_OWN + db, key, strlen(key)), model[db][k] != 0);
				model[db][k] = 0;
			} else {
				state_put(s, DB_OWN + db, key, strlen(key), text, strlen(text));
				model[db][k] = n;
			}
		}
		if (below(&seed, 2) == 0) {
			state_undo(s);
			memcpy(model, before, sizeof(model));
		} else
			state_keep(s);
		if (below(&seed, 10) == 0) {
			assert_int_equal(state_commit(s), 0);
			state_begin(s);
		}
		for (unsigned i = 0; i < 2 * KEYS; i++) {
			int n = model[i / KEYS][i % KEYS];

			snprintf(key, sizeof(key), "k%u", i % KEYS);
			assert_int_equal(state_get(s, DB_OWN + i / KEYS, key, strlen(key), &v), n != 0);
			if (n != 0) {
				snprintf(text, sizeof(text), "%.*s", (int)v.mv_size, (const char *)v.mv_data);
				assert_int_equal(atoi(text), n);
			}
		}
	}
	state_abort(s);
	state_close(s);
	remove_folder(folder);
}

/* The first failed step is told, and what follows does nothing. */
static void
test_errors_stick(void **state)
{
	char folder[64], why[512];
	uint8_t huge[600] = { 1 };
	struct state *s;

	(void)state;
	make_folder(folder);
	assert_int_equal(open_as(&s, folder, "a", 1, why), STATE_NEW);
	state_begin(s);
	state_put(s, DB_OWN, huge, sizeof(huge), "v", 1);	/* longer than LMDB's keys may be */
	state_put(s, DB_OWN, "k", 1, "v", 1);
	assert_int_equal(state_commit(s), -1);
	assert_memory_equal(state_why(s), "write: ", 7);
	state_close(s);
	remove_folder(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_it_is),
		cmocka_unit_test(test_restart_keeps_what_is_not_acknowledged),
		cmocka_unit_test(test_outbox),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_errors_stick),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
