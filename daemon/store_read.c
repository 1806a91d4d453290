/* Reading the log from LMDB, for one thread: short transactions, whole blocks, every block proven by its checksum. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errcode.h"

struct store_reader *
store_reader_new(struct store *s)
{
	struct store_reader *r = must_alloc(sizeof(*r));

	memset(r, 0, sizeof(*r));
	r->store = s;
	return (r);
}

void
store_reader_free(struct store_reader *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < MONTHS_MAX; i++)
		if (r->txn[i] != NULL)
			mdb_txn_abort(r->txn[i]);
	free(r);
}

void
store_reader_drop(struct store_reader *r, unsigned month)
{
	if (r->txn[month] != NULL)
		mdb_txn_abort(r->txn[month]);
	r->txn[month] = NULL;
	r->active[month] = false;
}

void
store_read_end(struct store_reader *r)
{
	for (unsigned i = r->store->month_first; i < r->store->month_count; i++)
		if (r->active[i]) {
			mdb_txn_reset(r->txn[i]);
			r->active[i] = false;
		}
}

static int
begin(struct store_reader *r, unsigned month)
{
	int rc;

	if (r->active[month])
		return (0);
	rc = r->txn[month] == NULL ? mdb_txn_begin(r->store->months[month]->env, NULL, MDB_RDONLY, &r->txn[month]) :
	    mdb_txn_renew(r->txn[month]);
	r->active[month] = rc == 0;
	return (rc);
}

/* The month that holds `seq`; month_count if none does. */
static unsigned
month_of(const struct store *s, uint64_t seq)
{
	unsigned n = s->month_count, i = n;

	while (i > s->month_first) {
		const struct month *m = s->months[i - 1];

		if (m->first != 0 && seq >= m->first)
			return (seq <= m->last ? i - 1 : n);
		i--;
	}
	return (n);
}

size_t
store_file_offset(const void *value)
{
	unsigned long from, to, offset, at = (unsigned long)value, found = 0;
	char line[512];
	FILE *maps;

	if ((maps = fopen("/proc/self/maps", "re")) == NULL)
		return (0);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) == 3 && at >= from && at < to)
			found = at - from + offset;
	fclose(maps);
	return (found);
}

int
store_read_block(struct store_reader *r, uint64_t seq, struct block *b, char *why, size_t why_len)
{
	unsigned month = month_of(r->store, seq);
	struct month *m;
	const char *problem;
	MDB_val v;
	int rc;

	if (month == r->store->month_count) {
		snprintf(why, why_len, "event %llu is not stored; the first is %llu", (unsigned long long)seq,
		    (unsigned long long)store_first_seq(r->store));
		return (E_TRIMMED);
	}
	m = r->store->months[month];
	if ((rc = begin(r, month)) != 0 || (rc = month_block(m, r->txn[month], seq, &v)) != 0) {
		snprintf(why, why_len, "%s: event %llu cannot be read: %s", m->folder, (unsigned long long)seq, mdb_strerror(rc));
		return (E_DAMAGED);
	}
	problem = block_open(b, v.mv_data, v.mv_size);
	if (problem == NULL && (seq < b->first_seq || seq - b->first_seq >= b->count))
		problem = "it does not hold the event it should";
	if (problem != NULL) {
		snprintf(why, why_len, "%s/data.mdb: the block of event %llu, at byte %zu: %s", m->folder, (unsigned long long)seq,
		    store_file_offset(v.mv_data), problem);
		return (E_DAMAGED);
	}
	return (0);
}

uint64_t
store_search(struct store_reader *r, uint64_t seq, const struct month_query *q, unsigned queries, unsigned budget)
{
	struct store *s = r->store;
	uint64_t applied = s->applied;

	while (seq <= applied) {
		unsigned month = month_of(s, seq);
		uint64_t reached = seq;
		int rc;

		if (month == s->month_count)
			return (seq);
		if (begin(r, month) != 0)
			return (seq);
		rc = month_search(s->months[month], r->txn[month], seq, q, queries, &budget, &reached);
		/* Damage is the reader's to find, and to report with its place. */
		if (rc != MDB_NOTFOUND)
			return (reached > seq ? reached : seq);
		seq = s->months[month]->last + 1;
	}
	return (applied + 1);
}

uint64_t
store_seq_at(struct store_reader *r, uint64_t ns)
{
	struct store *s = r->store;
	uint64_t applied = s->applied, seq;

	for (unsigned i = s->month_first; i < s->month_count; i++) {
		if (s->months[i]->first == 0)
			continue;
		if (begin(r, i) != 0 || month_seq_at(s->months[i], r->txn[i], ns, &seq) != 0)
			return (s->months[i]->first);
		if (seq <= s->months[i]->last)
			return (seq);
	}
	return (applied + 1);
}

uint64_t
store_month_begin(struct store_reader *r, unsigned month)
{
	uint64_t first = r->store->months[month]->first, time = 0;
	struct block b;
	char why[512];

	if (first != 0 && store_read_block(r, first, &b, why, sizeof(why)) == 0)
		time = b.log_time;
	store_read_end(r);
	return (time);
}
