/* The state store's steps: see state.h.  Opening and beginning anew is state_open.c's. */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "bytes.h"
#include "state_internal.h"

/* Keep the first error and the step it happened in. */
void
state_failed(struct state *s, int error, const char *step)
{
	if (error == 0 || s->error != 0)
		return;
	s->error = error;
	s->step = step;
}

const char *
state_why(const struct state *s)
{
	static char text[160];

	snprintf(text, sizeof(text), "%s: %s", s->step != NULL ? s->step : "", mdb_strerror(s->error));
	return (text);
}

void
state_begin(struct state *s)
{
	memset(s->cursors, 0, sizeof(s->cursors));
	state_failed(s, mdb_txn_begin(s->env, NULL, 0, &s->txn), "begin a transaction");
}

void
state_abort(struct state *s)
{
	if (s->txn != NULL)
		mdb_txn_abort(s->txn);
	s->txn = NULL;
	s->recording = false;
}

int
state_commit(struct state *s)
{
	state_put_meta(s);
	if (s->error != 0) {
		state_abort(s);
		return (-1);
	}
	/* The handle is gone, whatever comes back. */
	state_failed(s, mdb_txn_commit(s->txn), "commit");
	s->txn = NULL;
	return (s->error != 0 ? -1 : 0);
}

static MDB_val
val(const void *bytes, size_t len)
{
	return ((MDB_val){ len, (void *)(uintptr_t)bytes });
}

/*
 * The table's one cursor, opened once a transaction, which closes it.  Whatever reads or writes a table goes through it: LMDB then looks in the page
 * where the cursor stands before it descends from the root, and what was found is written without being looked for again.
 */
static MDB_cursor *
cursor(struct state *s, unsigned db)
{
	if (s->error == 0 && s->cursors[db] == NULL)
		state_failed(s, mdb_cursor_open(s->txn, s->dbi[db], &s->cursors[db]), "open a cursor");
	return (s->error == 0 ? s->cursors[db] : NULL);
}

/* Put the cursor on a key.  NULL: nothing is there, or the state failed. */
static MDB_cursor *
stand_on(struct state *s, unsigned db, const MDB_val *key, MDB_val *value)
{
	MDB_cursor *c = cursor(s, db);
	MDB_val k = *key;
	int rc;

	if (c == NULL)
		return (NULL);
	if ((rc = mdb_cursor_get(c, &k, value, MDB_SET)) == 0)
		return (c);
	if (rc != MDB_NOTFOUND)
		state_failed(s, rc, "read");
	return (NULL);
}

bool
state_get(struct state *s, unsigned db, const void *key, size_t len, MDB_val *value)
{
	MDB_val k = val(key, len);

	return (stand_on(s, db, &k, value) != NULL);
}

/*
 * What stood under a key, at the end of the undo list: the record is read from behind, so its length stands last.
 * [key][value][u32 value length, or NONE][u16 key length][u16 database]
 */
#define NONE		UINT32_MAX
#define TRAILER		8u

static void
remember(struct state *s, unsigned db, const MDB_val *key, const MDB_val *old)
{
	size_t len = key->mv_size + (old != NULL ? old->mv_size : 0) + TRAILER;
	uint32_t value_len = old != NULL ? (uint32_t)old->mv_size : NONE;
	uint16_t key_len = (uint16_t)key->mv_size, which = (uint16_t)db;
	uint8_t *p;

	if (s->undo_len + len > s->undo_size) {
		s->undo_size = 2 * (s->undo_len + len);
		s->undo = alloc_or_exit(s->undo, s->undo_size);
	}
	p = s->undo + s->undo_len;
	memcpy(p, key->mv_data, key->mv_size);
	p += key->mv_size;
	if (old != NULL && old->mv_size > 0)
		memcpy(p, old->mv_data, old->mv_size);
	p += old != NULL ? old->mv_size : 0;
	memcpy(p, &value_len, 4);
	memcpy(p + 4, &key_len, 2);
	memcpy(p + 6, &which, 2);
	s->undo_len += len;
}

void
state_put(struct state *s, unsigned db, const void *key, size_t len, const void *value, size_t value_len)
{
	MDB_val k = val(key, len), v = val(value, value_len), old;
	MDB_cursor *c = stand_on(s, db, &k, &old);
	bool there = c != NULL;

	if (there && old.mv_size == value_len && (value_len == 0 || memcmp(old.mv_data, value, value_len) == 0))
		return;
	if (s->recording)
		remember(s, db, &k, there ? &old : NULL);
	if (there || (c = cursor(s, db)) != NULL)
		state_failed(s, mdb_cursor_put(c, &k, &v, there ? MDB_CURRENT : 0), "write");
}

bool
state_delete(struct state *s, unsigned db, const void *key, size_t len)
{
	MDB_val k = val(key, len), old;
	MDB_cursor *c = stand_on(s, db, &k, &old);

	if (c == NULL)
		return (false);
	if (s->recording)
		remember(s, db, &k, &old);
	state_failed(s, mdb_cursor_del(c, 0), "delete");
	return (s->error == 0);
}

bool
state_seek(struct state *s, unsigned db, const void *key, size_t len, MDB_val *found, MDB_val *value)
{
	MDB_cursor *c = cursor(s, db);
	int rc;

	if (c == NULL)
		return (false);
	*found = val(key, len);
	if ((rc = mdb_cursor_get(c, found, value, len == 0 ? MDB_FIRST : MDB_SET_RANGE)) == 0)
		return (true);
	if (rc != MDB_NOTFOUND)
		state_failed(s, rc, "seek");
	return (false);
}

uint64_t
state_entries(struct state *s, unsigned db)
{
	MDB_stat st = { .ms_entries = 0 };

	if (s->error == 0)
		state_failed(s, mdb_stat(s->txn, s->dbi[db], &st), "count");
	return (st.ms_entries);
}

void
state_record(struct state *s)
{
	s->recording = true;
	s->undo_len = 0;
}

void
state_keep(struct state *s)
{
	s->recording = false;
}

void
state_undo(struct state *s)
{
	s->recording = false;
	while (s->undo_len > 0) {
		const uint8_t *end = s->undo + s->undo_len;
		uint32_t value_len;
		uint16_t key_len, db;
		size_t have;

		memcpy(&value_len, end - 8, 4);
		memcpy(&key_len, end - 4, 2);
		memcpy(&db, end - 2, 2);
		have = value_len == NONE ? 0 : value_len;
		s->undo_len -= TRAILER + have + key_len;
		if (value_len == NONE)
			state_delete(s, db, s->undo + s->undo_len, key_len);
		else
			state_put(s, db, s->undo + s->undo_len, key_len, s->undo + s->undo_len + key_len, have);
	}
}
