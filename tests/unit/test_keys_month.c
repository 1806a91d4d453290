/* The months and the key index against plain lists: where to read, where to search, what is known. */
#include "material.h"

#include "bloom.h"
#include "identity.h"
#include "keys.h"
#include "month.h"

static char folder[64];
static struct identity identity = { .uuid = { 1 }, .secret = SECRET };

static int
set_up(void **state)
{
	(void)state;
	make_folder(folder);
	return (0);
}

static int
tear_down(void **state)
{
	(void)state;
	remove_folder(folder);
	return (0);
}

static void
ordered_id(uint64_t seq, char out[64])
{
	snprintf(out, 64, "%011llu-x", (unsigned long long)seq);
}

static void
random_id(uint64_t seq, char out[64])
{
	uint64_t seed = seq * 31 + 5;
	unsigned long long a = chance(&seed), b = chance(&seed);

	snprintf(out, 64, "%016llx%016llx", a, b);
}

/* Cases of very different frequency; some stories lie far apart. */
static unsigned
case_of(uint64_t seq)
{
	uint64_t seed = seq;
	uint64_t c = chance(&seed);

	return ((unsigned)(c % 997 == 0 ? 1000 + c % 7 : c % 50 == 0 ? 500 + c % 20 : seq / 300));
}

static void
subject_of(uint64_t seq, char out[64])
{
	snprintf(out, 64, "case-%u", case_of(seq));
}

#define EVENTS_MAX	12000u

struct model {
	uint64_t first, last;
	uint64_t log_time[EVENTS_MAX];	/* by number less first */
};

/* A month of random batches, some a single event, appended in random steps; the last lie alone. */
static struct month *
make_month(struct model *w, uint64_t seed, uint64_t first)
{
	uint64_t seq = first, time = 1000000;
	struct month *m;
	char why[512];

	memset(w, 0, sizeof(*w));
	w->first = first;
	m = month_open(folder, "2026-11", &identity, true, false, why, sizeof(why));
	if (m == NULL)
		fail_msg("%s", why);
	while (seq < first + 9000) {
		struct batch *step[16];
		unsigned n = 1 + (unsigned)below(&seed, 16);

		for (unsigned i = 0; i < n; i++) {
			unsigned count = below(&seed, 3) == 0 ? 1 : 1 + (unsigned)below(&seed, 200);
			uint64_t gap = below(&seed, 2) ? below(&seed, 5) : 0;

			if (seq - first + count > EVENTS_MAX)
				count = 1;
			time += below(&seed, 4) == 0 ? below(&seed, 100000) : 0;
			step[i] = make_batch(seq, count, time, gap, ordered_id, subject_of);
			for (unsigned k = 0; k < count; k++)
				w->log_time[seq - first + k] = time + k * gap;
			time += (count - 1) * gap;
			seq += count;
		}
		assert_int_equal(month_append(m, step, n), 0);
		for (unsigned i = 0; i < n; i++)
			batch_unref(step[i]);
	}
	w->last = seq - 1;
	assert_true(m->first == first && m->last == w->last);
	return (m);
}

static MDB_txn *
begin(struct month *m)
{
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(m->env, NULL, MDB_RDONLY, &txn), 0);
	return (txn);
}

static void
test_blocks_and_times(void **state)
{
	static struct model w;

	(void)state;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct month *m = make_month(&w, seed, seed == 1 ? 1 : 1000 * seed);
		MDB_txn *txn = begin(m);
		uint64_t chances = seed, found, seq, bytes = 0, expected = w.first;
		struct block b;
		struct record r;
		MDB_val v;

		/* Everything, block after block. */
		while (expected <= w.last) {
			assert_int_equal(month_block(m, txn, expected, &v), 0);
			assert_null(block_open(&b, v.mv_data, v.mv_size));
			assert_true(b.first_seq == expected);
			while (block_next(&b, &r, &seq)) {
				assert_true(seq == expected && r.log_time == w.log_time[seq - w.first]);
				bytes += r.len;
				expected++;
			}
		}
		assert_true(m->bytes == bytes);
		/* Any number. */
		for (unsigned i = 0; i < 2000; i++) {
			uint64_t wanted = w.first + below(&chances, w.last - w.first + 1);

			assert_int_equal(month_block(m, txn, wanted, &v), 0);
			assert_null(block_open(&b, v.mv_data, v.mv_size));
			assert_true(b.first_seq <= wanted && wanted < b.first_seq + b.count);
		}
		/* Any time: the least number at or after it. */
		for (unsigned i = 0; i < 2000; i++) {
			uint64_t at = w.log_time[below(&chances, w.last - w.first + 1)] + below(&chances, 3) - 1;
			uint64_t low = 0;

			if (i == 0)
				at = 0;
			else if (i == 1)
				at = UINT64_MAX;
			while (low <= w.last - w.first && w.log_time[low] < at)
				low++;
			assert_int_equal(month_seq_at(m, txn, at, &found), 0);
			if (found != w.first + low)
				fail_msg("seed %d: time %llu: %llu, not %llu", (int)seed, (unsigned long long)at, (unsigned long long)found,
				    (unsigned long long)(w.first + low));
		}
		mdb_txn_abort(txn);
		month_close(m);
		tear_down(NULL);
		set_up(NULL);
	}
}

/* Where the blocks begin, for the model of a search. */
static uint64_t
end_of_block(struct month *m, MDB_txn *txn, uint64_t seq)
{
	struct block b;
	MDB_val v;

	assert_int_equal(month_block(m, txn, seq, &v), 0);
	block_open_trusted(&b, v.mv_data, v.mv_size);
	return (b.first_seq + b.count);
}

static void
test_search(void **state)
{
	static struct model w;
	uint64_t chances = 4, searched = 0, passed = 0;
	struct month *m = make_month(&w, 17, 1);
	MDB_txn *txn = begin(m);

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		unsigned wanted = i % 3 == 0 ? 1000 + i % 7 : i % 3 == 1 ? 500 + i % 20 : case_of(1 + below(&chances, w.last));
		uint64_t seq = 1 + below(&chances, w.last), first = seq, reached, hashes[2];
		struct month_query q[2] = { { hashes, 1 }, { NULL, 0 } };
		unsigned budget, tight = 1 + (unsigned)below(&chances, 5);
		char subject[64];
		int rc;

		snprintf(subject, sizeof(subject), "case-%u", wanted);
		hashes[0] = bloom_hash(BLOOM_SUBJECT, subject, strlen(subject));
		/* An alternative that is nowhere changes nothing but false hits. */
		hashes[1] = bloom_hash(BLOOM_SUBJECT, "nowhere", 7);
		q[0].count = 1 + i % 2;
		while (first <= w.last && case_of(first) != wanted)
			first++;
		/* On and on with a small budget: never past the first that matches, always forward. */
		for (;;) {
			budget = tight;
			reached = seq;
			rc = month_search(m, txn, seq, q, 2, &budget, &reached);
			if (rc == MDB_NOTFOUND)
				break;
			assert_int_equal(rc, 0);
			assert_true(reached >= seq && reached <= first);
			if (budget > 0) {
				/* Found a block that may hold it: go through it. */
				passed++;
				if (end_of_block(m, txn, reached) > first)
					break;
				seq = end_of_block(m, txn, reached);
				if (seq > w.last)
					break;
			} else {
				assert_true(reached > seq);
				seq = reached;
			}
			searched++;
		}
		assert_true(rc != MDB_NOTFOUND || first > w.last);
	}
	printf("# %llu steps, %llu blocks looked into\n", (unsigned long long)searched, (unsigned long long)passed);
	mdb_txn_abort(txn);
	month_close(m);
}

static void
test_figures_stay(void **state)
{
	static struct model w;
	struct month *m = make_month(&w, 23, 77);
	uint64_t bytes = m->bytes;
	struct identity other = { .uuid = { 2 } };
	char why[512];

	(void)state;
	month_close(m);
	assert_null(month_open(folder, "2026-11", &other, true, false, why, sizeof(why)));
	assert_non_null(strstr(why, "belongs to another log"));
	m = month_open(folder, "2026-11", &identity, false, true, why, sizeof(why));
	assert_non_null(m);
	assert_true(m->first == 77 && m->last == w.last && m->bytes == bytes);
	month_close(m);
	assert_null(month_open(folder, "2026-12", &identity, false, true, why, sizeof(why)));
}

static void
check_keys(void (*id_of)(uint64_t, char[64]))
{
	enum { BATCHES = 120, EACH = 101 };
	struct batch *batches[BATCHES];
	uint64_t seq, digest, seed = 9;
	struct keys *k;
	char path[128], why[512];

	snprintf(path, sizeof(path), "%s/keys", folder);
	k = keys_open(path, &identity, false, why, sizeof(why));
	assert_non_null(k);
	for (unsigned i = 0; i < BATCHES; i++)
		batches[i] = make_batch(1 + i * EACH, EACH, 5, 0, id_of, NULL);
	for (unsigned i = 0; i < BATCHES;) {
		unsigned n = 1 + (unsigned)below(&seed, 20);

		if (n > BATCHES - i)
			n = BATCHES - i;
		assert_int_equal(keys_append(k, batches + i, n), 0);
		/* Again does no harm. */
		if (n % 3 == 0)
			assert_int_equal(keys_append(k, batches + i, n), 0);
		i += n;
		assert_true(k->applied == i * EACH);
	}
	for (unsigned open = 0; open < 2; open++) {
		assert_int_equal(keys_read_begin(k), 0);
		for (unsigned i = 0; i < BATCHES; i++)
			for (unsigned j = 0; j < EACH; j++) {
				struct index_entry absent = batches[i]->entries[j];

				assert_int_equal(keys_find(k, absent.key, &seq, &digest), 0);
				assert_true(seq == batches[i]->first_seq + j && digest == absent.digest);
				absent.key[15] ^= 1;
				assert_int_equal(keys_find(k, absent.key, &seq, &digest), MDB_NOTFOUND);
			}
		keys_read_end(k);
		keys_close(k);
		/* And from the disk, read-only. */
		k = keys_open(path, &identity, true, why, sizeof(why));
		assert_non_null(k);
		assert_true(k->applied == BATCHES * EACH);
	}
	keys_close(k);
	for (unsigned i = 0; i < BATCHES; i++)
		batch_unref(batches[i]);
}

static void
test_ordered_keys(void **state)
{
	(void)state;
	check_keys(ordered_id);
}

static void
test_random_keys(void **state)
{
	(void)state;
	check_keys(random_id);
}

/* Forgotten are those up to a number, in any order of ids and with any budget, and nothing else. */
static void
check_expiry(void (*id_of)(uint64_t, char[64]), unsigned budget)
{
	enum { EACH = 700, BATCHES = 10 };
	struct batch *batches[BATCHES];
	uint8_t position[EVENT_KEY_BYTES] = { 0 };
	uint64_t seq, digest, limit = EACH * BATCHES / 2 + 13;
	bool finished = false;
	char path[128], why[512];
	unsigned steps = 0;
	struct keys *k;

	snprintf(path, sizeof(path), "%s/keys", folder);
	k = keys_open(path, &identity, false, why, sizeof(why));
	assert_non_null(k);
	for (unsigned i = 0; i < BATCHES; i++)
		batches[i] = make_batch(1 + i * EACH, EACH, 5, 0, id_of, NULL);
	assert_int_equal(keys_append(k, batches, BATCHES), 0);
	for (; !finished; steps++)
		assert_int_equal(keys_expire(k, limit, position, budget, &finished), 0);
	assert_true(steps >= EACH * BATCHES / budget);
	assert_int_equal(keys_read_begin(k), 0);
	for (unsigned i = 0; i < BATCHES; i++)
		for (unsigned j = 0; j < EACH; j++) {
			int rc = keys_find(k, batches[i]->entries[j].key, &seq, &digest);

			assert_int_equal(rc, batches[i]->first_seq + j <= limit ? MDB_NOTFOUND : 0);
		}
	keys_read_end(k);
	assert_true(k->applied == EACH * BATCHES);
	/* All of them, and once more when nothing is left. */
	for (unsigned i = 0; i < 2; i++) {
		memset(position, 0, sizeof(position));
		for (finished = false; !finished;)
			assert_int_equal(keys_expire(k, UINT64_MAX >> 16, position, budget, &finished), 0);
	}
	assert_int_equal(keys_read_begin(k), 0);
	assert_int_equal(keys_find(k, batches[BATCHES - 1]->entries[EACH - 1].key, &seq, &digest), MDB_NOTFOUND);
	keys_read_end(k);
	keys_close(k);
	for (unsigned i = 0; i < BATCHES; i++)
		batch_unref(batches[i]);
}

static void
test_ordered_keys_expire(void **state)
{
	(void)state;
	check_expiry(ordered_id, 100);
}

static void
test_random_keys_expire(void **state)
{
	(void)state;
	check_expiry(random_id, 37);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_blocks_and_times, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_search, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_figures_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ordered_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ordered_keys_expire, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_keys_expire, set_up, tear_down),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
