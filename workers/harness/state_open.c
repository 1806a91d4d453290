/* The state store: opened, made, recognised, begun anew. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "bytes.h"
#include "files.h"
#include "state.h"
#include "state_internal.h"

/* Address space, not disk: a worker of a company over ten years is a few gigabytes. */
#define MAP_BYTES	((size_t)64 << 30)

static const char *const names[DB_OWN] = {
	[DB_META] = "meta", [DB_TIMERS] = "timers", [DB_NAMES] = "names", [DB_OUTBOX] = "outbox", [DB_OUTBOX_IDS] = "outbox-ids",
	[DB_PARKED] = "parked", [DB_REFUSED] = "refused", [DB_TROUBLED] = "troubled", [DB_CONFIG] = "config", [DB_COMPARE] = "compare",
};

/* DB_META, all numbers u64 little-endian. */
static void
meta_number(struct state *s, const char *name, uint64_t n)
{
	uint8_t bytes[8];

	put_le64(bytes, n);
	state_put(s, DB_META, name, strlen(name), bytes, sizeof(bytes));
}

static void
meta_text(struct state *s, const char *name, const char *text)
{
	state_put(s, DB_META, name, strlen(name), text, strlen(text));
}

static uint64_t
meta_get_number(struct state *s, const char *name)
{
	MDB_val v;

	return (state_get(s, DB_META, name, strlen(name), &v) && v.mv_size == 8 ? get_le64(v.mv_data) : 0);
}

static bool
meta_get_text(struct state *s, const char *name, char *out, size_t size)
{
	MDB_val v;

	*out = '\0';
	if (!state_get(s, DB_META, name, strlen(name), &v) || v.mv_size >= size)
		return (false);
	memcpy(out, v.mv_data, v.mv_size);
	out[v.mv_size] = '\0';
	return (true);
}

void
state_put_meta(struct state *s)
{
	meta_text(s, "log", s->cursor.log);
	meta_number(s, "epoch", s->cursor.epoch);
	meta_number(s, "seq", s->cursor.seq);
	meta_number(s, "log-time", (uint64_t)s->cursor.log_time);
	meta_number(s, "event", s->cursor.event);
	meta_number(s, "outbox-last", s->outbox_last);
	meta_number(s, "mute-seq", s->mute.seq);
	meta_number(s, "mute-log-time", (uint64_t)s->mute.log_time);
	meta_number(s, "mute-event", s->mute.event);
}

static void
read_meta(struct state *s)
{
	meta_get_text(s, "log", s->cursor.log, sizeof(s->cursor.log));
	s->cursor.epoch = meta_get_number(s, "epoch");
	s->cursor.seq = meta_get_number(s, "seq");
	s->cursor.log_time = (int64_t)meta_get_number(s, "log-time");
	s->cursor.event = meta_get_number(s, "event");
	s->outbox_last = meta_get_number(s, "outbox-last");
	s->mute.seq = meta_get_number(s, "mute-seq");
	s->mute.log_time = (int64_t)meta_get_number(s, "mute-log-time");
	s->mute.event = meta_get_number(s, "mute-event");
}

static enum state_found
refuse(char *why, size_t size, const char *folder, const char *what)
{
	snprintf(why, size, "%s %s", folder, what);
	return (STATE_REFUSED);
}

/* One worker a folder: held until the process ends, however it ends. */
static int
lock_folder(struct state *s, const char *folder, char *why, size_t size)
{
	char path[4096], holder[32] = "";
	ssize_t n;

	path_join(path, sizeof(path), folder, "lock");
	if ((s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640)) < 0) {
		snprintf(why, size, "%s cannot be opened: %s; make it writable for this user", path, strerror(errno));
		return (-1);
	}
	if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
		if ((n = pread(s->lock, holder, sizeof(holder) - 1, 0)) > 0)
			holder[n] = '\0';
		snprintf(why, size, "%s is in use by process %s; stop that one first, or give this one a folder of its own", folder,
		    strtok(holder, "\n") != NULL ? holder : "unknown");
		return (-1);
	}
	n = snprintf(holder, sizeof(holder), "%ld\n", (long)getpid());
	if (ftruncate(s->lock, 0) != 0 || pwrite(s->lock, holder, (size_t)n, 0) != n) {
		snprintf(why, size, "%s cannot be written: %s", path, strerror(errno));
		return (-1);
	}
	return (0);
}

/* Every database, made if missing. */
static void
open_databases(struct state *s, const struct state_options *o)
{
	char name[80];

	s->count = DB_OWN;
	for (unsigned i = 0; i < DB_OWN && s->error == 0; i++)
		state_failed(s, mdb_dbi_open(s->txn, names[i], MDB_CREATE, &s->dbi[i]), "open a database");
	for (unsigned i = 0; o->tables != NULL && o->tables[i] != NULL && s->error == 0; i++) {
		snprintf(name, sizeof(name), "own-%s", o->tables[i]);
		state_failed(s, mdb_dbi_open(s->txn, name, MDB_CREATE, &s->dbi[DB_OWN + i]), "open a table");
		s->count++;
	}
}

/* Whose it is.  A new one becomes ours. */
static enum state_found
recognise(struct state *s, const struct state_options *o, char *why, size_t size)
{
	char worker[80];
	uint64_t format = meta_get_number(s, "format");

	if (format == 0) {
		meta_number(s, "format", STATE_FORMAT);
		meta_text(s, "worker", o->worker);
		meta_number(s, "version", o->version);
		return (STATE_NEW);
	}
	if (format > STATE_FORMAT)
		return (refuse(why, size, o->folder, "was written by a newer release: install that, or move the folder away to begin anew from the log"));
	if (!meta_get_text(s, "worker", worker, sizeof(worker)) || strcmp(worker, o->worker) != 0) {
		snprintf(why, size, "%s is the state of the worker \"%s\", not of \"%s\": give this one a folder of its own with --state", o->folder,
		    worker, o->worker);
		return (STATE_REFUSED);
	}
	read_meta(s);
	return (format < STATE_FORMAT || meta_get_number(s, "version") != o->version ? STATE_OTHER_VERSION : STATE_SOUND);
}

static enum state_found
open_environment(struct state *s, const struct state_options *o, char *why, size_t size)
{
	/* A scratch state is written in place, a sixth faster; one to keep goes by writes, which a full disk fails with an error instead of a signal. */
	unsigned flags = o->scratch ? MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOLOCK : MDB_NOMETASYNC;
	enum state_found found;
	unsigned count = DB_OWN;
	int rc, dead;

	while (o->tables != NULL && o->tables[count - DB_OWN] != NULL)
		count++;
	if (count > DB_OWN + STATE_TABLES_MAX)
		return (refuse(why, size, o->worker, "names too many tables"));
	if ((rc = mdb_env_create(&s->env)) == 0 && (rc = mdb_env_set_mapsize(s->env, MAP_BYTES)) == 0 &&
	    (rc = mdb_env_set_maxdbs(s->env, count)) == 0 && (rc = mdb_env_open(s->env, o->folder, flags, 0640)) == 0 && !o->scratch)
		rc = mdb_reader_check(s->env, &dead);
	if (rc != 0) {
		snprintf(why, size, "%s cannot be opened: %s; if that stays so, move it away to begin anew from the log", o->folder, mdb_strerror(rc));
		return (STATE_REFUSED);
	}
	state_begin(s);
	if (s->error == 0)
		open_databases(s, o);
	found = s->error == 0 ? recognise(s, o, why, size) : STATE_REFUSED;
	/* Handles of databases outlive the transaction only if it is committed. */
	if (s->error == 0 && found != STATE_REFUSED) {
		state_failed(s, mdb_txn_commit(s->txn), "commit");
		s->txn = NULL;
	} else
		state_abort(s);
	if (s->error != 0)
		return (refuse(why, size, o->folder, state_why(s)));
	return (found);
}

enum state_found
state_open(struct state **out, const struct state_options *o, char *why, size_t size)
{
	struct state *s = alloc_or_exit(NULL, sizeof(*s));
	enum state_found found;
	int error;

	memset(s, 0, sizeof(*s));
	s->lock = -1;
	*out = s;
	if ((error = folder_make(o->folder)) != 0) {
		snprintf(why, size, "%s cannot be made: %s; name a folder that can with --state", o->folder, strerror(error));
		found = STATE_REFUSED;
	} else if (!o->scratch && lock_folder(s, o->folder, why, size) != 0)
		found = STATE_REFUSED;
	else
		found = open_environment(s, o, why, size);
	if (found == STATE_REFUSED) {
		state_close(s);
		*out = NULL;
	}
	return (found);
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	state_abort(s);
	if (s->env != NULL)
		mdb_env_close(s->env);
	if (s->lock >= 0)
		close(s->lock);
	free(s->undo);
	free(s);
}

/* Has a come further than b? */
static bool
further(const struct state_cursor *a, const struct state_cursor *b)
{
	if (a->seq != b->seq)
		return (a->seq > b->seq);
	if (a->log_time != b->log_time)
		return (a->log_time > b->log_time);
	return (a->event == 0 && b->event != 0);
}

int
state_restart(struct state *s, bool muted, unsigned version)
{
	/* A rebuild that was cut short begins again, and is still silent up to where the first one was to be. */
	if (!muted)
		memset(&s->mute, 0, sizeof(s->mute));
	else if (!further(&s->mute, &s->cursor))
		s->mute = s->cursor;
	state_begin(s);
	for (unsigned db = 0; db < s->count && s->error == 0; db++)
		if (db != DB_META && !(muted && (db == DB_OUTBOX || db == DB_OUTBOX_IDS || db == DB_REFUSED)))
			state_failed(s, mdb_drop(s->txn, s->dbi[db], 0), "empty a database");
	meta_number(s, "format", STATE_FORMAT);
	meta_number(s, "version", version);
	s->cursor.seq = 0;
	s->cursor.log_time = 0;
	s->cursor.event = 0;
	return (state_commit(s));
}
