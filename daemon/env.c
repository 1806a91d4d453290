#include "env.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "files.h"
#include "identity.h"

/* Address space, not disk: three orders of magnitude above what an estate stores in a month. */
#define MAP_BYTES	((size_t)256 << 30)

static MDB_val
text_val(const char *text)
{
	MDB_val v = { strlen(text), (void *)(uintptr_t)text };

	return (v);
}

int
env_get(MDB_txn *txn, MDB_dbi meta, const char *name, uint64_t *n)
{
	MDB_val k = text_val(name), v;
	int rc;

	*n = 0;
	if ((rc = mdb_get(txn, meta, &k, &v)) == 0 && v.mv_size == 8)
		*n = get_le64(v.mv_data);
	return (rc == MDB_NOTFOUND ? 0 : rc);
}

int
env_put(MDB_txn *txn, MDB_dbi meta, const char *name, uint64_t n)
{
	uint8_t bytes[8];
	MDB_val k = text_val(name), v = { sizeof(bytes), bytes };

	put_le64(bytes, n);
	return (mdb_put(txn, meta, &k, &v, 0));
}

static int
begin(MDB_env **env, const char *folder, const struct env_kind *kind, unsigned flags)
{
	int rc;

	if ((rc = mdb_env_create(env)) != 0)
		return (rc);
	if ((rc = mdb_env_set_mapsize(*env, MAP_BYTES)) == 0 && (rc = mdb_env_set_maxdbs(*env, kind->count)) == 0)
		rc = mdb_env_open(*env, folder, kind->flags | MDB_NOTLS | flags, 0600);
	return (rc);
}

/* All databases, and whose they are. */
static int
fill(MDB_env *env, const struct env_kind *kind, const struct identity *id)
{
	MDB_val format = text_val("format"), log = text_val("log"), v;
	uint8_t bytes[4];
	MDB_dbi dbi, meta = 0;
	MDB_txn *txn;
	int rc;

	if ((rc = mdb_txn_begin(env, NULL, 0, &txn)) != 0)
		return (rc);
	for (unsigned i = 0; i < kind->count && rc == 0; i++) {
		rc = mdb_dbi_open(txn, kind->names[i], MDB_CREATE, &dbi);
		meta = i == 0 ? dbi : meta;
	}
	put_le32(bytes, STORE_FORMAT);
	v = (MDB_val){ sizeof(bytes), bytes };
	if (rc == 0)
		rc = mdb_put(txn, meta, &format, &v, 0);
	v = (MDB_val){ sizeof(id->uuid), (void *)(uintptr_t)id->uuid };
	if (rc == 0)
		rc = mdb_put(txn, meta, &log, &v, 0);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return (rc);
	}
	return (mdb_txn_commit(txn));
}

int
env_make(const char *folder, const struct env_kind *kind, const struct identity *id)
{
	MDB_env *env = NULL;
	char fresh[4096];
	struct stat st;
	int rc;

	if (stat(folder, &st) == 0)
		return (0);
	if ((rc = folder_begin(folder, fresh, sizeof(fresh))) != 0)
		return (rc);
	if ((rc = begin(&env, fresh, kind, 0)) == 0 && (rc = fill(env, kind, id)) == 0)
		rc = mdb_env_sync(env, 1);
	if (env != NULL)
		mdb_env_close(env);
	return (rc != 0 ? rc : folder_finish(folder));
}

static const char *
check_owner(MDB_txn *txn, MDB_dbi meta, const struct identity *id)
{
	MDB_val format = text_val("format"), log = text_val("log"), v;

	if (mdb_get(txn, meta, &format, &v) != 0 || v.mv_size != 4)
		return ("has lost its marks: damaged");
	if (get_le32(v.mv_data) > STORE_FORMAT)
		return ("was written by a newer release: install it");
	if (mdb_get(txn, meta, &log, &v) != 0 || v.mv_size != 16 || memcmp(v.mv_data, id->uuid, 16) != 0)
		return ("belongs to another log");
	return (NULL);
}

int
env_open(MDB_env **env, const char *folder, const struct env_kind *kind, const struct identity *id, bool readonly, MDB_dbi *dbis,
    char *why, size_t why_len)
{
	unsigned flags = readonly ? MDB_RDONLY : 0;
	const char *problem = NULL;
	MDB_txn *txn;
	int rc;

	if ((rc = begin(env, folder, kind, flags)) == 0 && (rc = mdb_txn_begin(*env, NULL, flags, &txn)) == 0) {
		for (unsigned i = 0; i < kind->count && rc == 0; i++)
			rc = mdb_dbi_open(txn, kind->names[i], 0, &dbis[i]);
		if (rc == MDB_NOTFOUND)
			problem = "lacks a database: damaged";
		else if (rc == 0)
			problem = check_owner(txn, dbis[0], id);
		/* Handles of databases outlive the transaction only if it is committed. */
		if (rc == 0 && problem == NULL)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	if (rc == 0 && problem == NULL)
		return (0);
	snprintf(why, why_len, "%s %s%s", folder, problem != NULL ? problem : "cannot be opened: ", problem != NULL ? "" : mdb_strerror(rc));
	mdb_env_close(*env);
	*env = NULL;
	return (-1);
}
