#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "env.h"
#include "identity.h"

static void
put_be48(uint8_t *p, uint64_t v)
{
	for (int i = 5; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t
get_be48(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 6; i++)
		v = v << 8 | p[i];
	return (v);
}

void
keys_value_read(const uint8_t *p, uint64_t *seq, uint64_t *digest)
{
	*seq = get_be48(p);
	*digest = get_be48(p + 6);
}

static const struct env_kind kind = { { "meta", "keys" }, 2, MDB_NORDAHEAD };

static int
begin_reading(struct keys *k)
{
	uint64_t applied;
	int rc;

	if ((rc = mdb_txn_begin(k->env, NULL, MDB_RDONLY, &k->reader)) != 0)
		return (rc);
	rc = env_get(k->reader, k->meta, "applied", &applied);
	k->applied = applied;
	mdb_txn_reset(k->reader);
	return (rc);
}

struct keys *
keys_open(const char *folder, const struct identity *id, bool readonly, char *why, size_t why_len)
{
	struct keys *k = must_alloc(sizeof(*k));
	MDB_dbi dbis[2];
	int rc;

	memset(k, 0, sizeof(*k));
	if (!readonly && (rc = env_make(folder, &kind, id)) != 0) {
		snprintf(why, why_len, "cannot make %s: %s", folder, mdb_strerror(rc));
		keys_close(k);
		return (NULL);
	}
	if (env_open(&k->env, folder, &kind, id, readonly, dbis, why, why_len) != 0) {
		keys_close(k);
		return (NULL);
	}
	k->meta = dbis[0];
	k->keys = dbis[1];
	if ((rc = begin_reading(k)) != 0) {
		snprintf(why, why_len, "%s: %s", folder, mdb_strerror(rc));
		keys_close(k);
		return (NULL);
	}
	return (k);
}

void
keys_close(struct keys *k)
{
	if (k == NULL)
		return;
	if (k->reader != NULL)
		mdb_txn_abort(k->reader);
	if (k->env != NULL)
		mdb_env_close(k->env);
	free(k);
}

struct pair {
	uint8_t key[EVENT_KEY_BYTES];
	uint8_t value[KEYS_VALUE_BYTES];
};

static inline bool
sorts_behind(const struct pair *a, const struct pair *b)
{
	uint64_t x = get_be64(a->key), y = get_be64(b->key);

	return (x != y ? x > y : get_be64(a->key + 8) > get_be64(b->key + 8));
}

/* Runs of this many are put in order in place, where moving is cheaper than merging. */
#define RUN	8u

static void
sort_run(struct pair *p, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct pair moved = p[i];
		size_t at = i;

		for (; at > 0 && sorts_behind(&p[at - 1], &moved); at--)
			p[at] = p[at - 1];
		p[at] = moved;
	}
}

/* Two neighbouring runs into one. */
static void
merge(const struct pair *a, const struct pair *b, const struct pair *end, struct pair *to)
{
	const struct pair *a_end = b;

	/* A sender's ids rise: often the second run lies behind the first as it is. */
	if (b < end && sorts_behind(b - 1, b))
		while (a < a_end && b < end)
			*to++ = sorts_behind(a, b) ? *b++ : *a++;
	memcpy(to, a, (size_t)(a_end - a) * sizeof(*a));
	memcpy(to + (a_end - a), b, (size_t)(end - b) * sizeof(*b));
}

static size_t
least(size_t a, size_t b)
{
	return (a < b ? a : b);
}

static bool
in_order(const struct pair *p, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (sorts_behind(&p[i - 1], &p[i]))
			return (false);
	return (true);
}

/* By merging.  Ids that begin with the time are in order already but for those of one millisecond, which their hashes mix. */
static void
sort_pairs(struct pair *pairs, size_t count)
{
	struct pair *other, *from = pairs, *to, *swap;

	if (in_order(pairs, count))
		return;
	to = other = must_alloc(count * sizeof(*other));
	for (size_t at = 0; at < count; at += RUN)
		sort_run(pairs + at, least(RUN, count - at));
	for (size_t run = RUN; run < count; run *= 2) {
		for (size_t at = 0; at < count; at += 2 * run)
			merge(from + at, from + least(at + run, count), from + least(at + 2 * run, count), to + at);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != pairs)
		memcpy(pairs, from, count * sizeof(*pairs));
	free(other);
}

/* In key order, so that neighbours share pages; what sorts behind everything there is appended without splitting pages in half. */
static int
put_sorted(struct keys *k, MDB_txn *txn, struct pair *pairs, size_t count)
{
	uint8_t last[EVENT_KEY_BYTES];
	bool empty;
	MDB_cursor *c;
	MDB_val key, value;
	int rc;

	if ((rc = mdb_cursor_open(txn, k->keys, &c)) != 0)
		return (rc);
	rc = mdb_cursor_get(c, &key, &value, MDB_LAST);
	empty = rc == MDB_NOTFOUND;
	if (rc == 0)
		memcpy(last, key.mv_data, sizeof(last));
	rc = 0;
	for (size_t i = 0; i < count && rc == 0; i++) {
		bool behind = empty || memcmp(pairs[i].key, last, sizeof(last)) > 0;

		key = (MDB_val){ EVENT_KEY_BYTES, pairs[i].key };
		value = (MDB_val){ KEYS_VALUE_BYTES, pairs[i].value };
		rc = mdb_cursor_put(c, &key, &value, behind ? MDB_APPEND : 0);
		if (behind) {
			memcpy(last, pairs[i].key, sizeof(last));
			empty = false;
		}
	}
	mdb_cursor_close(c);
	return (rc);
}

int
keys_append(struct keys *k, struct batch *const *batches, unsigned count)
{
	uint64_t last = batch_last(batches[count - 1]);
	struct pair *pairs;
	size_t n = 0;
	MDB_txn *txn;
	int rc;

	for (unsigned i = 0; i < count; i++)
		n += batches[i]->count;
	pairs = must_alloc(n * sizeof(*pairs));
	n = 0;
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < batches[i]->count; j++, n++) {
			memcpy(pairs[n].key, batches[i]->entries[j].key, EVENT_KEY_BYTES);
			put_be48(pairs[n].value, batches[i]->first_seq + j);
			put_be48(pairs[n].value + 6, batches[i]->entries[j].digest);
		}
	sort_pairs(pairs, n);
	if ((rc = mdb_txn_begin(k->env, NULL, 0, &txn)) == 0) {
		if ((rc = put_sorted(k, txn, pairs, n)) == 0)
			rc = env_put(txn, k->meta, "applied", last);
		if (rc != 0)
			mdb_txn_abort(txn);
		else if ((rc = mdb_txn_commit(txn)) == 0)
			atomic_store(&k->applied, last);
	}
	free(pairs);
	return (rc);
}

static int
expire(struct keys *k, MDB_txn *txn, uint64_t seq, uint8_t position[EVENT_KEY_BYTES], unsigned budget, bool *finished)
{
	MDB_val key = { EVENT_KEY_BYTES, position }, value;
	uint64_t number, digest;
	MDB_cursor *c;
	int rc;

	if ((rc = mdb_cursor_open(txn, k->keys, &c)) != 0)
		return (rc);
	rc = mdb_cursor_get(c, &key, &value, MDB_SET_RANGE);
	for (; rc == 0 && budget > 0; budget--) {
		if (key.mv_size != EVENT_KEY_BYTES || value.mv_size != KEYS_VALUE_BYTES) {
			rc = MDB_CORRUPTED;
			break;
		}
		memcpy(position, key.mv_data, EVENT_KEY_BYTES);
		keys_value_read(value.mv_data, &number, &digest);
		if (number <= seq)
			rc = mdb_cursor_del(c, 0);
		if (rc == 0)
			rc = mdb_cursor_get(c, &key, &value, MDB_NEXT);
	}
	*finished = rc == MDB_NOTFOUND;
	mdb_cursor_close(c);
	return (rc == MDB_NOTFOUND ? 0 : rc);
}

int
keys_expire(struct keys *k, uint64_t seq, uint8_t position[EVENT_KEY_BYTES], unsigned budget, bool *finished)
{
	uint8_t reached[EVENT_KEY_BYTES];
	MDB_txn *txn;
	int rc;

	*finished = false;
	memcpy(reached, position, sizeof(reached));
	if ((rc = mdb_txn_begin(k->env, NULL, 0, &txn)) != 0)
		return (rc);
	if ((rc = expire(k, txn, seq, reached, budget, finished)) != 0)
		mdb_txn_abort(txn);
	else if ((rc = mdb_txn_commit(txn)) == 0)
		memcpy(position, reached, sizeof(reached));
	return (rc);
}

int
keys_read_begin(struct keys *k)
{
	MDB_cursor *c;
	MDB_val key, value;
	int rc;

	if ((rc = mdb_txn_renew(k->reader)) != 0 || (rc = mdb_cursor_open(k->reader, k->keys, &c)) != 0)
		return (rc);
	memset(k->greatest, 0, sizeof(k->greatest));
	if ((rc = mdb_cursor_get(c, &key, &value, MDB_LAST)) == 0 && key.mv_size == sizeof(k->greatest))
		memcpy(k->greatest, key.mv_data, sizeof(k->greatest));
	mdb_cursor_close(c);
	return (rc == MDB_NOTFOUND ? 0 : rc);
}

void
keys_read_end(struct keys *k)
{
	mdb_txn_reset(k->reader);
}

int
keys_find(struct keys *k, const uint8_t key[EVENT_KEY_BYTES], uint64_t *seq, uint64_t *digest)
{
	MDB_val kv = { EVENT_KEY_BYTES, (void *)(uintptr_t)key }, v;
	int rc;

	/* New events with ids in the order of time lie behind everything: no need to look. */
	if (memcmp(key, k->greatest, EVENT_KEY_BYTES) > 0)
		return (MDB_NOTFOUND);
	if ((rc = mdb_get(k->reader, k->keys, &kv, &v)) != 0)
		return (rc);
	if (v.mv_size != KEYS_VALUE_BYTES)
		return (MDB_CORRUPTED);
	keys_value_read(v.mv_data, seq, digest);
	return (0);
}
