#include "month.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bloom.h"
#include "bytes.h"
#include "env.h"
#include "files.h"
#include "identity.h"

/* A block fills sixteen pages of LMDB: an overflow value has a page header of 16 bytes once. */
#define BLOCK_TARGET	(16u * 4096 - 16)

/* Records in one block: bounds the filter, and the work of finding one event in it. */
#define BLOCK_RECORDS_MAX	1024u

static const struct env_kind kind = { { "meta", "blocks", "filters" }, 3, 0 };

static int
read_figures(struct month *m)
{
	uint64_t first, last, bytes;
	MDB_txn *txn;
	int rc;

	if ((rc = mdb_txn_begin(m->env, NULL, MDB_RDONLY, &txn)) != 0)
		return (rc);
	if ((rc = env_get(txn, m->meta, "first", &first)) == 0 && (rc = env_get(txn, m->meta, "last", &last)) == 0 &&
	    (rc = env_get(txn, m->meta, "bytes", &bytes)) == 0) {
		m->first = first;
		m->last = last;
		m->bytes = bytes;
	}
	mdb_txn_abort(txn);
	return (rc);
}

struct month *
month_open(const char *folder, const char *name, const struct identity *id, bool create, bool readonly, char *why, size_t why_len)
{
	struct month *m = must_alloc(sizeof(*m));
	char path[4096];
	MDB_dbi dbis[3];
	int rc;

	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->folder = must_strdup(path_join(path, sizeof(path), folder, name));
	if (create && (rc = env_make(m->folder, &kind, id)) != 0) {
		snprintf(why, why_len, "cannot make %s: %s", m->folder, mdb_strerror(rc));
		month_close(m);
		errno = rc;
		return (NULL);
	}
	if (env_open(&m->env, m->folder, &kind, id, readonly, dbis, why, why_len) != 0) {
		month_close(m);
		errno = EIO;
		return (NULL);
	}
	m->meta = dbis[0];
	m->blocks = dbis[1];
	m->filters = dbis[2];
	if ((rc = read_figures(m)) != 0) {
		snprintf(why, why_len, "%s: %s", m->folder, mdb_strerror(rc));
		month_close(m);
		errno = EIO;
		return (NULL);
	}
	return (m);
}

static int
compare_names(const void *a, const void *b)
{
	return (strcmp(a, b));
}

int
month_list(const char *folder, char names[][MONTH_NAME])
{
	struct dirent *d;
	unsigned n = 0;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return (-1);
	while ((d = readdir(dir)) != NULL)
		if (strlen(d->d_name) == MONTH_NAME - 1 && d->d_name[4] == '-' && n < MONTHS_MAX)
			memcpy(names[n++], d->d_name, MONTH_NAME);
	closedir(dir);
	qsort(names, n, MONTH_NAME, compare_names);
	return ((int)n);
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
		const struct index_entry *e = p->entries[i], *before = i > 0 ? p->entries[i - 1] : NULL;

		/* Neighbours often share what they are. */
		if (before == NULL || e->subject != before->subject)
			bloom_add(filter, size, e->subject);
		if (before == NULL || e->source != before->source)
			bloom_add(filter, size, e->source);
		if (before == NULL || e->type != before->type)
			bloom_add(filter, size, e->type);
	}
	return (mdb_put(p->txn, p->m->filters, k, &v, MDB_APPEND));
}

static int
pack_flush(struct packing *p)
{
	size_t bound, head, payload;
	uint8_t key[8];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	if (p->count == 0)
		return (0);
	if ((bound = block_bound(p->records, p->count)) > p->scratch_len)
		p->scratch = must_realloc(p->scratch, p->scratch_len = bound);
	head = block_build_head(p->scratch, p->first_seq, p->records, p->count, &payload);
	v = (MDB_val){ head + payload, NULL };
	put_be64(key, p->first_seq);
	/* The records go straight into LMDB's page. */
	if ((rc = mdb_put(p->txn, p->m->blocks, &k, &v, MDB_APPEND | MDB_RESERVE)) == 0) {
		memcpy(v.mv_data, p->scratch, head);
		block_build_rest(v.mv_data, head, p->records, p->count);
		rc = put_filter(p, &k);
	}
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
		rc = env_put(p->txn, m->meta, "first", first);
	if (rc == 0)
		rc = env_put(p->txn, m->meta, "last", last);
	if (rc == 0)
		rc = env_put(p->txn, m->meta, "bytes", m->bytes + p->bytes);
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
