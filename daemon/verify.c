#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bloom.h"
#include "bytes.h"
#include "ceiling.h"
#include "event.h"
#include "files.h"
#include "identity.h"
#include "journal.h"
#include "keys.h"
#include "bounds.h"
#include "month.h"
#include "registry.h"
#include "seal.h"
#include "store.h"
#include "vault.h"

struct walk {
	const char *folder;
	struct identity identity;
	struct keys *keys;
	struct vault *vault;
	struct verdict *v;
	void (*tick)(uint64_t);
	struct trimmed trimmed;
	uint64_t log_time;		/* of the event before */
	uint64_t keys_seen;
	struct place *shared;
};

/* Where the child is, for the parent to tell when LMDB has crashed. */
struct place {
	char file[4096];
	bool in_keys;
};

/* From here on it is this file that is looked at. */
static void
turn_to(struct walk *w, const char *file)
{
	snprintf(w->shared->file, sizeof(w->shared->file), "%s", file);
}

static bool problem(struct walk *w, const void *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Note what is wrong and where; returns false, for `return (problem(…))`. */
static bool
problem(struct walk *w, const void *at, const char *fmt, ...)
{
	char what[400], place[64] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (at != NULL)
		snprintf(place, sizeof(place), " at byte %zu", store_file_offset(at));
	snprintf(w->v->problem, sizeof(w->v->problem), "%.700s%s: %.390s", w->shared->file, place, what);
	return (false);
}

/* One event's bytes, and its place in the key index. */
static bool
check_event(struct walk *w, const struct record *r, uint64_t seq)
{
	static const struct mp_bounds bounds = { EVENT_DEPTH_MAX, EVENT_ITEMS_MAX, true };
	struct mp m = mp_over(r->bytes, r->len);
	struct index_entry entry;
	uint64_t found, digest;
	struct event e;
	size_t where;
	int rc;

	if (r->log_time < w->log_time)
		return (problem(w, r->bytes, "log time falls at event %" PRIu64, seq));
	w->log_time = r->log_time;
	if (mp_check(&m, &bounds, &where) != MP_OK || !event_peek(&e, r->bytes, r->len))
		return (problem(w, r->bytes + where, "event %" PRIu64 " is not well-formed", seq));
	w->v->events++;
	w->v->bytes += r->len;
	w->v->last = seq;
	if (w->v->first == 0)
		w->v->first = seq;
	if ((r->flags & EVENT_SEALED) != 0 && !seal_sound(w->vault, r, seq))
		return (problem(w, r->bytes, "the personal data of event %" PRIu64 " cannot be opened: its key or its bytes are damaged", seq));
	if (w->tick != NULL && w->v->events % 65536 == 0)
		w->tick(w->v->events);
	if (seq > w->keys->applied)
		return (true);
	entry_read(&entry, r, w->identity.secret);
	w->shared->in_keys = true;
	rc = keys_find(w->keys, entry.key, &found, &digest);
	w->shared->in_keys = false;
	if (rc != 0)
		return (problem(w, r->bytes, "the key index lacks event %" PRIu64, seq));
	if (found != seq || digest != entry.digest)
		return (problem(w, r->bytes, "the key index has another number or digest for event %" PRIu64, seq));
	w->keys_seen++;
	return (true);
}

static bool
check_filter(struct walk *w, const struct record *r, const MDB_val *filter, uint64_t seq)
{
	struct event e;

	event_peek(&e, r->bytes, r->len);
	if (!bloom_may_hold(filter->mv_data, filter->mv_size, bloom_hash(BLOOM_TYPE, e.type.s, e.type.len)) ||
	    !bloom_may_hold(filter->mv_data, filter->mv_size, bloom_hash(BLOOM_SOURCE, e.source.s, e.source.len)) ||
	    (e.subject.s != NULL &&
	    !bloom_may_hold(filter->mv_data, filter->mv_size, bloom_hash(BLOOM_SUBJECT, e.subject.s, e.subject.len))))
		return (problem(w, filter->mv_data, "the filter denies event %" PRIu64, seq));
	return (true);
}

/* The number that the next event follows: of a log that was trimmed, the last one trimmed. */
static uint64_t
last_before(const struct walk *w)
{
	return (w->v->last != 0 ? w->v->last : w->trimmed.last);
}

static bool
check_block(struct walk *w, const MDB_val *key, const MDB_val *value, const MDB_val *filter)
{
	const char *what;
	struct record r;
	struct block b;
	uint64_t seq;

	if ((what = block_open(&b, value->mv_data, value->mv_size)) != NULL)
		return (problem(w, value->mv_data, "%s", what));
	if (key->mv_size != 8 || get_be64(key->mv_data) != b.first_seq)
		return (problem(w, value->mv_data, "a block stands under another number than its own"));
	if (b.first_seq != last_before(w) + 1)
		return (problem(w, value->mv_data, "event %" PRIu64 " follows %" PRIu64, b.first_seq, last_before(w)));
	w->v->blocks++;
	while (block_next(&b, &r, &seq))
		if (!check_event(w, &r, seq) || !check_filter(w, &r, filter, seq))
			return (false);
	return (true);
}

static bool
check_month(struct walk *w, const struct month *m)
{
	uint64_t bytes = w->v->bytes, blocks = w->v->blocks;
	MDB_val key, value, filter;
	MDB_cursor *c;
	MDB_stat stat;
	MDB_txn *txn;
	int rc;

	if ((rc = mdb_txn_begin(m->env, NULL, MDB_RDONLY, &txn)) != 0 || (rc = mdb_cursor_open(txn, m->blocks, &c)) != 0)
		return (problem(w, NULL, "%s", mdb_strerror(rc)));
	while ((rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) == 0) {
		MDB_val fkey = key;

		if ((rc = mdb_get(txn, m->filters, &fkey, &filter)) != 0)
			return (problem(w, value.mv_data, "a block has no filter: %s", mdb_strerror(rc)));
		if (!check_block(w, &key, &value, &filter))
			return (false);
	}
	if (rc != MDB_NOTFOUND)
		return (problem(w, NULL, "%s", mdb_strerror(rc)));
	mdb_stat(txn, m->filters, &stat);
	if (stat.ms_entries != w->v->blocks - blocks)
		return (problem(w, NULL, "%zu filters for %" PRIu64 " blocks", stat.ms_entries, w->v->blocks - blocks));
	if (m->last != 0 && m->last != w->v->last)
		return (problem(w, NULL, "it says its last event is %" PRIu64 ", but holds up to %" PRIu64, (uint64_t)m->last, w->v->last));
	if (m->bytes != w->v->bytes - bytes)
		return (problem(w, NULL, "it says it holds %" PRIu64 " bytes of events, but holds %" PRIu64, (uint64_t)m->bytes,
		    w->v->bytes - bytes));
	mdb_cursor_close(c);
	mdb_txn_abort(txn);
	return (true);
}

static uint64_t
file_bytes(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 ? (uint64_t)st.st_size : 0);
}

/* From the disk, not from memory: what the page cache holds may never have reached it. */
static void
forget_cached(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		fdatasync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
}

static bool
check_months(struct walk *w)
{
	char folder[4096], month[4096], path[4096], names[MONTHS_MAX][MONTH_NAME], why[512];
	int count;

	path_join(folder, sizeof(folder), w->folder, "months");
	turn_to(w, folder);
	if ((count = month_list(folder, names)) < 0)
		return (problem(w, NULL, "%s", strerror(errno)));
	for (int i = 0; i < count; i++) {
		struct month *m;
		bool ok;

		/* What a cut left of a trimmed month: the next start unlinks it. */
		if (strcmp(names[i], w->trimmed.through) <= 0)
			continue;
		path_join(month, sizeof(month), folder, names[i]);
		path_join(path, sizeof(path), month, "data.mdb");
		turn_to(w, path);
		forget_cached(path);
		if ((m = month_open(folder, names[i], &w->identity, false, true, why, sizeof(why))) == NULL)
			return (problem(w, NULL, "%s", why));
		ok = check_month(w, m);
		w->v->log_bytes += file_bytes(path);
		month_close(m);
		if (!ok)
			return (false);
	}
	return (true);
}

static bool
on_journal_block(void *arg, const uint8_t *bytes, size_t len)
{
	struct walk *w = arg;
	struct block b;
	struct record r;
	uint64_t seq;

	block_open_trusted(&b, bytes, len);
	if (b.first_seq != last_before(w) + 1)
		return (problem(w, NULL, "event %" PRIu64 " follows %" PRIu64, b.first_seq, last_before(w)));
	while (block_next(&b, &r, &seq)) {
		if (!check_event(w, &r, seq))
			return (false);
		w->v->in_journal++;
	}
	return (true);
}

/* Nothing in the index that is not in the log. */
static bool
check_keys(struct walk *w)
{
	MDB_stat stat;

	mdb_stat(w->keys->reader, w->keys->keys, &stat);
	if (w->keys->applied > last_before(w))
		return (problem(w, NULL, "it knows events up to %" PRIu64 " but the log ends with %" PRIu64, (uint64_t)w->keys->applied,
		    last_before(w)));
	if (stat.ms_entries < w->keys_seen || (w->trimmed.last == 0 && stat.ms_entries != w->keys_seen) ||
	    stat.ms_entries - w->keys_seen > w->trimmed.last)
		return (problem(w, NULL, "it has %zu entries for %" PRIu64 " events", stat.ms_entries, w->keys_seen));
	return (true);
}

/* The small files beside the log: whole, and of nothing beyond it. */
static bool
check_companions(struct walk *w)
{
	char path[4096], why[512];
	struct registry_row *rows;
	uint64_t time;
	unsigned count;
	bool ok = true;

	turn_to(w, path_join(path, sizeof(path), w->folder, "ceiling"));
	if (ceiling_read(w->folder, &w->identity, &time, why, sizeof(why)) != 0)
		return (problem(w, NULL, "%s", why));
	turn_to(w, path_join(path, sizeof(path), w->folder, REGISTRY_FILE));
	if (registry_read(w->folder, &w->identity, &rows, &count, why, sizeof(why)) != 0)
		return (problem(w, NULL, "%s", why));
	for (unsigned i = 0; i < count && ok; i++)
		if (rows[i].cursor > last_before(w))
			ok = problem(w, NULL, "the cursor of %s is %" PRIu64 " but the log ends with %" PRIu64, rows[i].name, rows[i].cursor,
			    last_before(w));
	free(rows);
	return (ok);
}

static bool
check_all(struct walk *w)
{
	char keys[4096], journal[4096], why[512];

	turn_to(w, path_join(keys, sizeof(keys), w->folder, TRIMMED_FILE));
	if (trimmed_read(&w->trimmed, w->folder, &w->identity, why, sizeof(why)) != 0)
		return (problem(w, NULL, "%s", why));
	path_join(keys, sizeof(keys), w->folder, "keys/data.mdb");
	turn_to(w, keys);
	forget_cached(keys);
	path_join(journal, sizeof(journal), w->folder, "keys");
	if ((w->keys = keys_open(journal, &w->identity, true, why, sizeof(why))) == NULL)
		return (problem(w, NULL, "%s", why));
	path_join(journal, sizeof(journal), w->folder, VAULT_FILE);
	turn_to(w, journal);
	if ((w->vault = vault_open(w->folder, &w->identity, true, why, sizeof(why))) == NULL)
		return (problem(w, NULL, "%s", why));
	if (keys_read_begin(w->keys) != 0 || !check_months(w))
		return (w->v->problem[0] != '\0' ? false : problem(w, NULL, "cannot be read"));
	path_join(journal, sizeof(journal), w->folder, "journal");
	turn_to(w, journal);
	if (journal_read(journal, &w->identity, last_before(w), on_journal_block, w, why, sizeof(why)) != 0)
		return (problem(w, NULL, "%s", why));
	if (w->v->problem[0] != '\0')
		return (false);
	turn_to(w, keys);
	w->v->key_bytes = file_bytes(keys);
	if (!check_keys(w) || !check_companions(w))
		return (false);
	keys_close(w->keys);
	vault_close(w->vault);
	return (w->v->sound = true);
}

/* In a child: the verdict comes back through a pipe, or not at all. */
static bool
check_in_child(struct walk *w)
{
	int fds[2], status = 0;
	ssize_t n;
	pid_t pid;

	w->shared = mmap(NULL, sizeof(*w->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->shared == MAP_FAILED || pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		snprintf(w->v->problem, sizeof(w->v->problem), "cannot start a child process: %s", strerror(errno));
		return (false);
	}
	if (pid == 0) {
		check_all(w);
		_exit(write(fds[1], w->v, sizeof(*w->v)) == sizeof(*w->v) ? 0 : 1);
	}
	close(fds[1]);
	n = read(fds[0], w->v, sizeof(*w->v));
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (n == sizeof(*w->v))
		return (true);
	memset(w->v, 0, sizeof(*w->v));
	snprintf(w->v->problem, sizeof(w->v->problem), "%.400s%s: LMDB crashed on it (signal %d): its structure is damaged",
	    w->shared->in_keys ? w->folder : w->shared->file, w->shared->in_keys ? "/keys/data.mdb" : "",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return (true);
}

/* A backup gets its identity last: without one it was never finished, or it never was a log. */
static bool
has_identity(const char *folder, char *why, size_t why_len)
{
	char path[4096];

	path_join(path, sizeof(path), folder, "identity");
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return (true);
	if (store_holds_parts(folder))
		snprintf(why, why_len, "%.400s holds a log without its identity file: a backup like that is half a backup, it was never "
		    "finished: take another; a daemon's own folder: restore the file identity from a backup of the same log", folder);
	else
		snprintf(why, why_len, "%.400s is no log, it has neither the file identity nor months, keys or journal: name the folder of a "
		    "log or of a backup with --data", folder);
	return (false);
}

int
verify_store(const char *folder, void (*tick)(uint64_t), struct verdict *v)
{
	struct walk w = { .folder = folder, .v = v, .tick = tick };
	char path[4096];
	int lock, rc;

	memset(v, 0, sizeof(*v));
	if (!store_hold(folder, &lock)) {
		snprintf(v->problem, sizeof(v->problem), "%.400s is in use by a daemon: stop it, or make a backup and verify that", folder);
		return (-1);
	}
	rc = has_identity(folder, v->problem, sizeof(v->problem)) &&
	    identity_open(&w.identity, folder, 0, v->problem, sizeof(v->problem)) == 0 && check_in_child(&w) ? 0 : -1;
	if (rc == 0 && v->sound) {
		path_join(path, sizeof(path), folder, UNTRUSTED_MARK);
		if (unlink(path) == 0)
			folder_sync(folder);
	}
	if (lock >= 0)
		close(lock);
	return (rc);
}
