#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "files.h"
#include "identity.h"

#define MAP_BYTES	((size_t)256 << 30)

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

static const char *
claim(struct keys *k, MDB_txn *txn, const struct identity *id, bool readonly, int *rc)
{
	MDB_val format = { 6, (void *)(uintptr_t)"format" }, log = { 3, (void *)(uintptr_t)"log" };
	MDB_val applied = { 7, (void *)(uintptr_t)"applied" }, v;
	uint8_t bytes[4];

	if ((*rc = mdb_get(txn, k->meta, &format, &v)) == 0) {
		if (v.mv_size != 4 || get_le32(v.mv_data) > STORE_FORMAT)
			return ("was written by a newer release: install it");
		if ((*rc = mdb_get(txn, k->meta, &log, &v)) != 0 || v.mv_size != 16 || memcmp(v.mv_data, id->uuid, 16) != 0)
			return ("belongs to another log");
		if ((*rc = mdb_get(txn, k->meta, &applied, &v)) == 0 && v.mv_size == 8)
			k->applied = get_le64(v.mv_data);
		*rc = *rc == MDB_NOTFOUND ? 0 : *rc;
		return (NULL);
	}
	if (*rc != MDB_NOTFOUND || readonly)
		return (*rc == MDB_NOTFOUND ? "is no key index" : NULL);
	put_le32(bytes, STORE_FORMAT);
	v = (MDB_val){ 4, bytes };
	if ((*rc = mdb_put(txn, k->meta, &format, &v, 0)) == 0) {
		v = (MDB_val){ 16, (void *)(uintptr_t)id->uuid };
		*rc = mdb_put(txn, k->meta, &log, &v, 0);
	}
	return (NULL);
}

static const char *
begin(struct keys *k, const char *folder, const struct identity *id, bool readonly, int *rc)
{
	unsigned flags = readonly ? 0 : MDB_CREATE;
	const char *problem = NULL;
	MDB_txn *txn;

	if ((*rc = mdb_env_create(&k->env)) != 0 || (*rc = mdb_env_set_mapsize(k->env, MAP_BYTES)) != 0 ||
	    (*rc = mdb_env_set_maxdbs(k->env, 2)) != 0 ||
	    (*rc = mdb_env_open(k->env, folder, MDB_NOTLS | MDB_NORDAHEAD | (readonly ? MDB_RDONLY : 0), 0640)) != 0 ||
	    (*rc = mdb_txn_begin(k->env, NULL, readonly ? MDB_RDONLY : 0, &txn)) != 0)
		return (NULL);
	if ((*rc = mdb_dbi_open(txn, "keys", flags, &k->keys)) == 0 && (*rc = mdb_dbi_open(txn, "meta", flags, &k->meta)) == 0)
		problem = claim(k, txn, id, readonly, rc);
	if (problem != NULL || *rc != 0)
		mdb_txn_abort(txn);
	else
		*rc = mdb_txn_commit(txn);
	/* LMDB flushes its file, but not the folder's entry for it. */
	if (problem == NULL && *rc == 0 && !readonly)
		*rc = folder_sync(folder);
	return (problem);
}

struct keys *
keys_open(const char *folder, const struct identity *id, bool readonly, char *why, size_t why_len)
{
	struct keys *k = must_alloc(sizeof(*k));
	const char *problem;
	int rc;

	memset(k, 0, sizeof(*k));
	if (!readonly && (rc = folder_make(folder)) != 0) {
		snprintf(why, why_len, "cannot make %s: %s", folder, strerror(rc));
		keys_close(k);
		return (NULL);
	}
	problem = begin(k, folder, id, readonly, &rc);
	if (problem == NULL && rc == 0 && (rc = mdb_txn_begin(k->env, NULL, MDB_RDONLY, &k->reader)) == 0)
		mdb_txn_reset(k->reader);
	if (problem != NULL || rc != 0) {
		snprintf(why, why_len, "%s %s%s", folder, problem != NULL ? problem : "cannot be opened: ",
		    problem != NULL ? "" : mdb_strerror(rc));
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

static int
compare_pairs(const void *a, const void *b)
{
	return (memcmp(a, b, EVENT_KEY_BYTES));
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
	MDB_val name = { 7, (void *)(uintptr_t)"applied" }, v;
	uint64_t last = batch_last(batches[count - 1]);
	struct pair *pairs;
	size_t n = 0;
	uint8_t bytes[8];
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
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
	if ((rc = mdb_txn_begin(k->env, NULL, 0, &txn)) == 0) {
		put_le64(bytes, last);
		v = (MDB_val){ sizeof(bytes), bytes };
		if ((rc = put_sorted(k, txn, pairs, n)) == 0)
			rc = mdb_put(txn, k->meta, &name, &v, 0);
		if (rc != 0)
			mdb_txn_abort(txn);
		else if ((rc = mdb_txn_commit(txn)) == 0)
			atomic_store(&k->applied, last);
	}
	free(pairs);
	return (rc);
}

int
keys_read_begin(struct keys *k)
{
	return (mdb_txn_renew(k->reader));
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

	if ((rc = mdb_get(k->reader, k->keys, &kv, &v)) != 0)
		return (rc);
	if (v.mv_size != KEYS_VALUE_BYTES)
		return (MDB_CORRUPTED);
	keys_value_read(v.mv_data, seq, digest);
	return (0);
}
