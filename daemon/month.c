#include "month.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bloom.h"
#include "bytes.h"
#include "files.h"
#include "identity.h"

/* Address space, not disk: one month of one estate is three orders of magnitude below it. */
#define MAP_BYTES	((size_t)256 << 30)

/* A block fills sixteen pages of LMDB: an overflow value has a page header of 16 bytes once. */
#define BLOCK_TARGET	(16u * 4096 - 16)

/* Records in one block: bounds the filter, and the work of finding one event in it. */
#define BLOCK_RECORDS_MAX	1024u

static MDB_val
text_key(const char *name)
{
	MDB_val v = { strlen(name), (void *)(uintptr_t)name };

	return (v);
}

static int
meta_put_u64(MDB_txn *txn, MDB_dbi meta, const char *name, uint64_t n)
{
	uint8_t bytes[8];
	MDB_val k = text_key(name), v = { 8, bytes };

	put_le64(bytes, n);
	return (mdb_put(txn, meta, &k, &v, 0));
}

static int
meta_get_u64(MDB_txn *txn, MDB_dbi meta, const char *name, _Atomic uint64_t *n)
{
	MDB_val k = text_key(name), v;
	int rc;

	if ((rc = mdb_get(txn, meta, &k, &v)) == 0)
		atomic_store(n, v.mv_size == 8 ? get_le64(v.mv_data) : 0);
	return (rc == MDB_NOTFOUND ? 0 : rc);
}

/* A new month says whose it is; an old one must say the same. */
static const char *
meta_claim(struct month *m, MDB_txn *txn, const struct identity *id, bool create, int *rc)
{
	MDB_val format = text_key("format"), log = text_key("log"), v;
	uint8_t bytes[4];

	if ((*rc = mdb_get(txn, m->meta, &format, &v)) == 0) {
		if (v.mv_size != 4 || get_le32(v.mv_data) > STORE_FORMAT)
			return ("was written by a newer release: install it");
		if ((*rc = mdb_get(txn, m->meta, &log, &v)) != 0 || v.mv_size != 16 || memcmp(v.mv_data, id->uuid, 16) != 0)
			return ("belongs to another log");
		if ((*rc = meta_get_u64(txn, m->meta, "first", &m->first)) == 0 &&
		    (*rc = meta_get_u64(txn, m->meta, "last", &m->last)) == 0)
			*rc = meta_get_u64(txn, m->meta, "bytes", &m->bytes);
		return (NULL);
	}
	if (*rc != MDB_NOTFOUND || !create)
		return (*rc == MDB_NOTFOUND ? "is no month of a log" : NULL);
	put_le32(bytes, STORE_FORMAT);
	v = (MDB_val){ 4, bytes };
	if ((*rc = mdb_put(txn, m->meta, &format, &v, 0)) == 0) {
		v = (MDB_val){ 16, (void *)(uintptr_t)id->uuid };
		*rc = mdb_put(txn, m->meta, &log, &v, 0);
	}
	return (NULL);
}

static const char *
month_begin(struct month *m, const struct identity *id, bool create, bool readonly, int *rc)
{
	unsigned flags = create ? MDB_CREATE : 0;
	const char *problem = NULL;
	MDB_txn *txn;

	if ((*rc = mdb_env_create(&m->env)) != 0 || (*rc = mdb_env_set_mapsize(m->env, MAP_BYTES)) != 0 ||
	    (*rc = mdb_env_set_maxdbs(m->env, 3)) != 0 ||
	    (*rc = mdb_env_open(m->env, m->folder, MDB_NOTLS | (readonly ? MDB_RDONLY : 0), 0640)) != 0 ||
	    (*rc = mdb_txn_begin(m->env, NULL, readonly ? MDB_RDONLY : 0, &txn)) != 0)
		return (NULL);
	if ((*rc = mdb_dbi_open(txn, "blocks", flags, &m->blocks)) == 0 &&
	    (*rc = mdb_dbi_open(txn, "filters", flags, &m->filters)) == 0 &&
	    (*rc = mdb_dbi_open(txn, "meta", flags, &m->meta)) == 0)
		problem = meta_claim(m, txn, id, create, rc);
	if (problem != NULL || *rc != 0)
		mdb_txn_abort(txn);
	else
		*rc = mdb_txn_commit(txn);
	/* LMDB flushes its file, but not the folder's entry for it. */
	if (problem == NULL && *rc == 0 && create)
		*rc = folder_sync(m->folder);
	return (problem);
}

struct month *
month_open(const char *folder, const char *name, const struct identity *id, bool create, bool readonly, char *why, size_t why_len)
{
	struct month *m = must_alloc(sizeof(*m));
	const char *problem;
	char path[4096];
	int rc;

	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->folder = must_strdup(path_join(path, sizeof(path), folder, name));
	if (create && (rc = folder_make(m->folder)) != 0) {
		snprintf(why, why_len, "cannot make %s: %s", m->folder, strerror(rc));
		month_close(m);
		errno = rc;
		return (NULL);
	}
	problem = month_begin(m, id, create, readonly, &rc);
	/* Three databases that a made month always has: without them the file lost its content. */
	if (problem == NULL && rc == MDB_NOTFOUND)
		problem = "has no databases in it: damaged";
	if (problem != NULL || rc != 0) {
		snprintf(why, why_len, "%s %s%s", m->folder, problem != NULL ? problem : "cannot be opened: ",
		    problem != NULL ? "" : mdb_strerror(rc));
		month_close(m);
		errno = rc > 0 ? rc : EIO;
		return (NULL);
	}
	return (m);
}

void
month_close(struct month *m)
{
	if (m == NULL)
		return;
	if (m->env != NULL)
		mdb_env_close(m->env);
	free(m->folder);
	free(m);
}

/* Blocks in the making: records are gathered until they fill one. */
struct packing {
	struct month *m;
	MDB_txn *txn;
	struct record records[BLOCK_RECORDS_MAX];
	const struct index_entry *entries[BLOCK_RECORDS_MAX];
	uint64_t first_seq;
	unsigned count;
	size_t size;		/* the block's length so far, to a few bytes */
	uint64_t bytes;
	uint8_t *scratch;
	size_t scratch_len;
};

static int
put_filter(struct packing *p, MDB_val *k)
{
	uint8_t filter[1 + (BLOCK_RECORDS_MAX + 64) * 10 / 8 + 8];
	/* Subjects, plus room for a handful of sources and types. */
	size_t size = bloom_size(p->count + (p->count > 32 ? 32 : p->count) + 2);
	MDB_val v = { size, filter };

	bloom_init(filter, size);
	for (unsigned i = 0; i < p->count; i++) {
		bloom_add(filter, size, p->entries[i]->subject);
		bloom_add(filter, size, p->entries[i]->source);
		bloom_add(filter, size, p->entries[i]->type);
	}
	return (mdb_put(p->txn, p->m->filters, k, &v, MDB_APPEND));
}

static int
pack_flush(struct packing *p)
{
	size_t bound;
	uint8_t key[8];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	if (p->count == 0)
		return (0);
	if ((bound = block_bound(p->records, p->count)) > p->scratch_len)
		p->scratch = must_realloc(p->scratch, p->scratch_len = bound);
	v.mv_data = p->scratch;
	v.mv_size = block_build(p->scratch, p->first_seq, p->records, p->count);
	put_be64(key, p->first_seq);
	if ((rc = mdb_put(p->txn, p->m->blocks, &k, &v, MDB_APPEND)) == 0)
		rc = put_filter(p, &k);
	p->count = 0;
	p->size = BLOCK_HEADER;
	return (rc);
}

static int
pack_add(struct packing *p, const struct record *r, const struct index_entry *e, uint64_t seq)
{
	/* Its bytes and its line in the directory; a log time far from the one before takes a few more. */
	size_t cost = r->len + 8u + (p->count == 0 ? 1u + r->sender_len : 0u);
	int rc;

	if (p->count > 0 && (p->size + cost > BLOCK_TARGET || p->count == BLOCK_RECORDS_MAX) && (rc = pack_flush(p)) != 0)
		return (rc);
	if (p->count == 0)
		p->first_seq = seq;
	p->records[p->count] = *r;
	p->entries[p->count++] = e;
	p->size += cost;
	p->bytes += r->len;
	return (0);
}

static int
pack_batch(struct packing *p, const struct batch *b)
{
	struct block block;
	struct record r;
	uint64_t seq;
	unsigned n = 0;
	int rc;

	block_open_trusted(&block, b->block, b->block_len);
	while (block_next(&block, &r, &seq))
		if ((rc = pack_add(p, &r, &b->entries[n++], seq)) != 0)
			return (rc);
	return (0);
}

int
month_append(struct month *m, struct batch *const *batches, unsigned count)
{
	struct packing *p = must_alloc(sizeof(*p));
	uint64_t first = m->first != 0 ? m->first : batches[0]->first_seq, last = batch_last(batches[count - 1]);
	int rc;

	assert(m->last == 0 || batches[0]->first_seq == m->last + 1);
	*p = (struct packing){ .m = m, .size = BLOCK_HEADER };
	if ((rc = mdb_txn_begin(m->env, NULL, 0, &p->txn)) != 0)
		goto out;
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = pack_batch(p, batches[i]);
	if (rc == 0)
		rc = pack_flush(p);
	if (rc == 0)
		rc = meta_put_u64(p->txn, m->meta, "first", first);
	if (rc == 0)
		rc = meta_put_u64(p->txn, m->meta, "last", last);
	if (rc == 0)
		rc = meta_put_u64(p->txn, m->meta, "bytes", m->bytes + p->bytes);
	if (rc != 0)
		mdb_txn_abort(p->txn);
	else if ((rc = mdb_txn_commit(p->txn)) == 0) {
		m->first = first;
		m->bytes += p->bytes;
		m->last = last;
	}
out:
	free(p->scratch);
	free(p);
	return (rc);
}

/* The cursor on the entry with the greatest key at or below `seq`. */
static int
seek_at_or_below(MDB_cursor *c, uint64_t seq, MDB_val *k, MDB_val *v)
{
	uint8_t key[8];
	int rc;

	put_be64(key, seq);
	*k = (MDB_val){ sizeof(key), key };
	rc = mdb_cursor_get(c, k, v, MDB_SET_RANGE);
	if (rc == 0 && k->mv_size == 8 && get_be64(k->mv_data) == seq)
		return (0);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return (rc);
	return (mdb_cursor_get(c, k, v, rc == 0 ? MDB_PREV : MDB_LAST));
}

int
month_block(const struct month *m, MDB_txn *txn, uint64_t seq, MDB_val *bytes)
{
	MDB_cursor *c;
	MDB_val k;
	int rc;

	if ((rc = mdb_cursor_open(txn, m->blocks, &c)) != 0)
		return (rc);
	rc = seek_at_or_below(c, seq, &k, bytes);
	mdb_cursor_close(c);
	return (rc);
}

static bool
filter_passes(const MDB_val *v, const struct month_query *q, unsigned queries)
{
	for (unsigned i = 0; i < queries; i++) {
		bool any = q[i].count == 0;

		for (unsigned j = 0; j < q[i].count && !any; j++)
			any = bloom_may_hold(v->mv_data, v->mv_size, q[i].hashes[j]);
		if (!any)
			return (false);
	}
	return (true);
}

int
month_search(const struct month *m, MDB_txn *txn, uint64_t seq, const struct month_query *q, unsigned queries, unsigned *budget,
    uint64_t *reached)
{
	MDB_cursor *c;
	MDB_val k, v;
	bool first = true;
	int rc;

	if ((rc = mdb_cursor_open(txn, m->filters, &c)) != 0)
		return (rc);
	rc = seek_at_or_below(c, seq, &k, &v);
	while (rc == 0) {
		/* Within the first block the search begins at seq itself. */
		*reached = first ? seq : get_be64(k.mv_data);
		first = false;
		if (filter_passes(&v, q, queries) || *budget == 0)
			break;
		(*budget)--;
		rc = mdb_cursor_get(c, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(c);
	return (rc);
}

/* Binary search over blocks by number, then a walk through one block. */
int
month_seq_at(const struct month *m, MDB_txn *txn, uint64_t ns, uint64_t *seq)
{
	uint64_t low = m->first, high = m->last + 1;	/* the answer lies in low..high */
	struct block b;
	struct record r;
	MDB_val v;
	int rc;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2, at = 0;

		if ((rc = month_block(m, txn, middle, &v)) != 0)
			return (rc);
		if (block_open(&b, v.mv_data, v.mv_size) != NULL)
			return (MDB_CORRUPTED);
		if (b.log_time >= ns) {
			high = b.first_seq > low ? b.first_seq : low;
			continue;
		}
		while (block_next(&b, &r, &at) && r.log_time < ns)
			;
		if (r.log_time >= ns) {
			*seq = at;
			return (0);
		}
		low = b.first_seq + b.count;
	}
	*seq = low;
	return (0);
}
