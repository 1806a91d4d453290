/* The vault's index: whose the slots are. */
#include "vault.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "bounds.h"
#include "bytes.h"
#include "env.h"
#include "files.h"
#include "identity.h"
#include "seal.h"
#include "vault_internal.h"

/* Below this many unused keys the applier makes more. */
#define SLOTS_LOW	512u

/* The slots that were in use last, by a hash of the person: the index follows a step behind, and a look-up costs more.  One that was
 * pushed out before the index has it costs its person another slot, and nothing else. */
#define CACHE_ENTRIES	4096u

/* A key of the index: person or household, 0, then a slot or a subject. */
#define KEY_BYTES_MAX	(2 * ID_CHARS_MAX + 1)

struct cached {
	uint64_t hash;			/* 0: none */
	uint64_t slot;
};

struct vault {
	MDB_env *env;
	MDB_dbi meta, persons, links;
	MDB_txn *reader;		/* the writer's thread's */
	struct slots slots;
	struct cached cache[CACHE_ENTRIES];
	_Atomic uint64_t next;		/* the first slot nobody uses */
	bool whole;
};

static const struct env_kind kind = { { "meta", "persons", "links" }, 3, 0 };

static int
read_meta(struct vault *v)
{
	uint64_t next = 0, whole = 0;
	int rc;

	if ((rc = mdb_txn_begin(v->env, NULL, MDB_RDONLY, &v->reader)) != 0)
		return (rc);
	if ((rc = env_get(v->reader, v->meta, "next", &next)) == 0)
		rc = env_get(v->reader, v->meta, "whole", &whole);
	v->next = next;
	v->whole = whole != 0;
	mdb_txn_reset(v->reader);
	return (rc);
}

struct vault *
vault_open(const char *folder, const struct identity *id, bool readonly, char *why, size_t why_len)
{
	struct vault *v = must_alloc(sizeof(*v));
	char path[4096];
	MDB_dbi dbis[3];
	int rc;

	memset(v, 0, sizeof(*v));
	v->slots.fd = -1;
	path_join(path, sizeof(path), folder, "persons");
	if (!readonly && (rc = env_make(path, &kind, id)) != 0) {
		snprintf(why, why_len, "cannot make %s: %s", path, mdb_strerror(rc));
		goto refuse;
	}
	if (env_open(&v->env, path, &kind, id, readonly, dbis, why, why_len) != 0)
		goto refuse;
	v->meta = dbis[0];
	v->persons = dbis[1];
	v->links = dbis[2];
	if ((rc = read_meta(v)) != 0) {
		snprintf(why, why_len, "%s: %s", path, mdb_strerror(rc));
		goto refuse;
	}
	/* A file of keys that is missing later is a loss, not a beginning. */
	if (slots_open(&v->slots, folder, id, !readonly && v->next == 0, readonly, v->next, why, why_len) != 0)
		goto refuse;
	return (v);

refuse:
	vault_close(v);
	return (NULL);
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	if (v->reader != NULL)
		mdb_txn_abort(v->reader);
	if (v->env != NULL)
		mdb_env_close(v->env);
	if (v->slots.path != NULL)
		slots_close(&v->slots);
	free(v);
}

bool
vault_is_whole(const struct vault *v)
{
	return (v->whole);
}

int
vault_set_whole(struct vault *v)
{
	MDB_txn *txn;
	int rc;

	if ((rc = mdb_txn_begin(v->env, NULL, 0, &txn)) != 0)
		return (rc);
	if ((rc = env_put(txn, v->meta, "whole", 1)) != 0) {
		mdb_txn_abort(txn);
		return (rc);
	}
	if ((rc = mdb_txn_commit(txn)) == 0)
		v->whole = true;
	return (rc);
}

/* ---- Keys of the index ---- */

struct key {
	uint8_t bytes[KEY_BYTES_MAX];
	size_t len;
};

/* "first, 0": what all rows of that person or household begin with. */
static struct key
key_begin(const char *first, size_t len)
{
	struct key k;

	assert(len <= ID_CHARS_MAX);
	memcpy(k.bytes, first, len);
	k.bytes[len] = 0;
	k.len = len + 1;
	return (k);
}

static void
key_add(struct key *k, const void *bytes, size_t len)
{
	assert(k->len + len <= sizeof(k->bytes));
	memcpy(k->bytes + k->len, bytes, len);
	k->len += len;
}

static int
put_row(MDB_txn *txn, MDB_dbi dbi, struct key *k)
{
	MDB_val key = { k->len, k->bytes }, none = { 0, NULL };
	int rc = mdb_put(txn, dbi, &key, &none, MDB_NOOVERWRITE);

	return (rc == MDB_KEYEXIST ? 0 : rc);
}

/* Call `each` with what stands behind the prefix, for every row that begins with it.  It returns false to stop. */
typedef bool	on_row(void *arg, const uint8_t *rest, size_t len);

static int
for_rows(MDB_txn *txn, MDB_dbi dbi, const struct key *prefix, on_row *each, void *arg)
{
	MDB_val key = { prefix->len, (void *)(uintptr_t)prefix->bytes }, value;
	MDB_cursor *c;
	int rc;

	if ((rc = mdb_cursor_open(txn, dbi, &c)) != 0)
		return (rc);
	for (rc = mdb_cursor_get(c, &key, &value, MDB_SET_RANGE); rc == 0; rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) {
		const uint8_t *bytes = key.mv_data;

		if (key.mv_size < prefix->len || memcmp(bytes, prefix->bytes, prefix->len) != 0 ||
		    !each(arg, bytes + prefix->len, key.mv_size - prefix->len))
			break;
	}
	mdb_cursor_close(c);
	return (rc == MDB_NOTFOUND ? 0 : rc);
}

/* ---- Writer: a slot for a person ---- */

int
vault_read_begin(struct vault *v)
{
	return (mdb_txn_renew(v->reader));
}

void
vault_read_end(struct vault *v)
{
	mdb_txn_reset(v->reader);
}

/* A person's first slot that has a key. */
struct search {
	struct vault *v;
	uint64_t slot;
	uint8_t *key;
	bool found;
};

static bool
try_slot(void *arg, const uint8_t *rest, size_t len)
{
	struct search *s = arg;

	if (len != 8)
		return (true);
	s->slot = get_be64(rest);
	s->found = slots_read(&s->v->slots, s->slot, s->key) == VAULT_KEY;
	return (!s->found);
}

static int
fresh_slot(struct vault *v, uint64_t *slot, uint8_t key[32])
{
	int e;

	/* One that a cut or damage broke, or that was erased, is passed by for good. */
	do {
		while (v->next >= v->slots.made)
			if ((e = slots_extend(&v->slots)) != 0)
				return (e);
		*slot = v->next++;
	} while (slots_read(&v->slots, *slot, key) != VAULT_KEY);
	return (0);
}

int
vault_key_for(struct vault *v, const char *person, size_t len, uint64_t *slot, uint8_t key[32])
{
	uint64_t hash = XXH3_64bits_withSeed(person, len, v->slots.identity->secret) | 1;
	struct cached *c = &v->cache[hash >> 1 & (CACHE_ENTRIES - 1)];
	struct search s = { .v = v, .key = key };
	struct key prefix;
	int rc;

	if (c->hash == hash && slots_read(&v->slots, c->slot, key) == VAULT_KEY) {
		*slot = c->slot;
		return (0);
	}
	prefix = key_begin(person, len);
	if ((rc = for_rows(v->reader, v->persons, &prefix, try_slot, &s)) != 0)
		return (rc);
	if (!s.found && (rc = fresh_slot(v, &s.slot, key)) != 0)
		return (rc);
	*c = (struct cached){ hash, s.slot };
	*slot = s.slot;
	return (0);
}

enum vault_answer
vault_key(struct vault *v, uint64_t slot, uint8_t key[32])
{
	return (slots_read(&v->slots, slot, key));
}

/* ---- Applier: whose the slots are ---- */

static void
raise_next(struct vault *v, uint64_t slot)
{
	uint64_t next = v->next;

	while (next <= slot && !atomic_compare_exchange_weak(&v->next, &next, slot + 1))
		;
}

/* One sealed event's slots. */
static int
note_slots(struct vault *v, MDB_txn *txn, const struct event *e)
{
	struct sealed fields[PERSONAL_FIELDS_MAX];
	unsigned n = seal_fields(e, fields);
	struct text person = seal_person(e);
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++) {
		struct key k = key_begin(person.s, person.len);
		uint8_t slot[8];

		if (i > 0 && fields[i].slot == fields[i - 1].slot)
			continue;
		put_be64(slot, fields[i].slot);
		key_add(&k, slot, sizeof(slot));
		rc = put_row(txn, v->persons, &k);
		raise_next(v, fields[i].slot);
	}
	return (rc);
}

static int
note_link(struct vault *v, MDB_txn *txn, const struct event *e)
{
	struct text household = event_named_household(e);
	struct key k;

	if (household.s == NULL || household.len > ID_CHARS_MAX || e->subject.s == NULL || e->subject.len > ID_CHARS_MAX ||
	    (household.len == e->subject.len && memcmp(household.s, e->subject.s, household.len) == 0))
		return (0);
	k = key_begin(household.s, household.len);
	key_add(&k, e->subject.s, e->subject.len);
	return (put_row(txn, v->links, &k));
}

static int
append_batch(struct vault *v, MDB_txn *txn, const struct batch *b)
{
	struct block block;
	struct record r;
	struct event e;
	uint64_t seq;
	int rc = 0;

	block_open_trusted(&block, b->block, b->block_len);
	for (unsigned i = 0; rc == 0 && block_next(&block, &r, &seq); i++) {
		if (!b->entries[i].links && (r.flags & EVENT_SEALED) == 0)
			continue;
		if (!event_peek(&e, r.bytes, r.len))
			continue;
		if ((r.flags & EVENT_SEALED) != 0)
			rc = note_slots(v, txn, &e);
		if (rc == 0)
			rc = note_link(v, txn, &e);
	}
	return (rc);
}

/* Is there anything to note?  Most batches are commits that nobody needs to flush twice. */
static bool
concerns(const struct batch *b)
{
	struct block block;
	struct record r;
	uint64_t seq;

	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].links)
			return (true);
	block_open_trusted(&block, b->block, b->block_len);
	while (block_next(&block, &r, &seq))
		if ((r.flags & EVENT_SEALED) != 0)
			return (true);
	return (false);
}

int
vault_append(struct vault *v, struct batch *const *batches, unsigned count)
{
	bool any = false;
	MDB_txn *txn;
	int rc;

	for (unsigned i = 0; i < count && !any; i++)
		any = concerns(batches[i]);
	if (!any)
		return (0);
	if ((rc = mdb_txn_begin(v->env, NULL, 0, &txn)) != 0)
		return (rc);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = append_batch(v, txn, batches[i]);
	if (rc == 0)
		rc = env_put(txn, v->meta, "next", v->next);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return (rc);
	}
	return (mdb_txn_commit(txn));
}

int
vault_prepare(struct vault *v)
{
	return (v->next + SLOTS_LOW > v->slots.made ? slots_extend(&v->slots) : 0);
}

int
vault_sync(struct vault *v)
{
	int rc = mdb_env_sync(v->env, 1);

	return (rc != 0 ? rc : fdatasync(v->slots.fd) != 0 ? errno : 0);
}

void
vault_adopt(struct vault *v, const struct batch *b)
{
	struct sealed fields[PERSONAL_FIELDS_MAX];
	struct block block;
	struct record r;
	struct event e;
	uint64_t seq;

	block_open_trusted(&block, b->block, b->block_len);
	while (block_next(&block, &r, &seq))
		if ((r.flags & EVENT_SEALED) != 0 && event_peek(&e, r.bytes, r.len))
			for (unsigned i = seal_fields(&e, fields); i > 0; i--)
				raise_next(v, fields[i - 1].slot);
}

int
vault_check(struct vault *v, char *why, size_t why_len)
{
	if (v->next <= v->slots.made)
		return (0);
	snprintf(why, why_len, "%s has %llu keys but the log uses %llu: keys of personal data are lost; restore the vault from a backup",
	    v->slots.path, (unsigned long long)v->slots.made, (unsigned long long)v->next);
	return (-1);
}

/* ---- Erasing ---- */

/* Rows to take out, and the slots they name. */
struct gathering {
	struct vault *v;
	MDB_txn *txn;
	uint64_t *slots;
	size_t count, room, had_key;
	int rc;
};

static bool
gather_slot(void *arg, const uint8_t *rest, size_t len)
{
	struct gathering *g = arg;
	uint8_t key[32];

	if (len != 8)
		return (true);
	if (g->count == g->room)
		g->slots = must_realloc(g->slots, (g->room = g->room == 0 ? 16 : 2 * g->room) * sizeof(*g->slots));
	g->slots[g->count] = get_be64(rest);
	g->had_key += slots_read(&g->v->slots, g->slots[g->count++], key) == VAULT_KEY;
	return (true);
}

static bool
gather_subject(void *arg, const uint8_t *rest, size_t len)
{
	struct gathering *g = arg;
	struct key prefix = key_begin((const char *)rest, len);

	return ((g->rc = for_rows(g->txn, g->v->persons, &prefix, gather_slot, g)) == 0);
}

int
vault_erase(struct vault *v, const char *household, uint64_t *keys)
{
	struct gathering g = { .v = v };
	struct key prefix = key_begin(household, strlen(household));
	int rc;

	if ((rc = mdb_txn_begin(v->env, NULL, MDB_RDONLY, &g.txn)) == 0) {
		if ((rc = for_rows(g.txn, v->persons, &prefix, gather_slot, &g)) == 0 &&
		    (rc = for_rows(g.txn, v->links, &prefix, gather_subject, &g)) == 0)
			rc = g.rc;
		mdb_txn_abort(g.txn);
	}
	/* The rows stay: they say which events were theirs, and a key that is erased twice is no harm. */
	if (rc == 0)
		rc = slots_erase(&v->slots, g.slots, g.count);
	free(g.slots);
	*keys = g.had_key;
	return (rc);
}

int
vault_copy(struct vault *v, const char *folder, uint64_t *bytes, char *why, size_t why_len)
{
	char path[4096];
	struct stat st;
	int rc;

	path_join(path, sizeof(path), folder, "persons");
	if ((rc = folder_make(path)) == 0 && (rc = mdb_env_copy2(v->env, path, MDB_CP_COMPACT)) == 0 &&
	    (rc = slots_copy(&v->slots, folder, bytes)) == 0) {
		char file[4200];

		snprintf(file, sizeof(file), "%s/data.mdb", path);
		if (stat(file, &st) == 0)
			*bytes += (uint64_t)st.st_size;
		if ((rc = file_sync(file)) == 0)
			rc = folder_sync(path);
	}
	if (rc == 0)
		return (0);
	snprintf(why, why_len, "copying to %.300s: %s", path, mdb_strerror(rc));
	return (-1);
}
