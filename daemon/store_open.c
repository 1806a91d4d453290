/* Opening the data folder and recovering what a stop of any kind left. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "log.h"

struct opening {
	struct store *s;
	void (*tick)(const char *);
	char *why;
	size_t why_len;
};

static void
tick(const struct opening *o, const char *what)
{
	if (o->tick != NULL)
		o->tick(what);
}

static bool
open_folder(struct opening *o)
{
	struct store *s = o->s;
	char path[4096], mark[256];
	struct stat st;
	ssize_t n;
	int fd, e;

	if (stat(s->folder, &st) == 0 && !S_ISDIR(st.st_mode)) {
		snprintf(o->why, o->why_len, "%s is not a directory: name a folder with --data", s->folder);
		return (false);
	}
	if ((e = folder_make(s->folder)) != 0) {
		snprintf(o->why, o->why_len, "cannot make the data folder %s: %s; make it and give it to this user", s->folder, strerror(e));
		return (false);
	}
	path_join(path, sizeof(path), s->folder, "lock");
	if ((s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
		snprintf(o->why, o->why_len, "cannot write in the data folder %s: %s; give it to the user that runs the daemon", s->folder,
		    strerror(errno));
		return (false);
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(o->why, o->why_len, "%s is in use by another estated: stop that one, or name another folder with --data", s->folder);
		return (false);
	}
	path_join(path, sizeof(path), s->folder, UNTRUSTED_MARK);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read(fd, mark, sizeof(mark) - 1);
		close(fd);
		mark[n > 0 ? n : 0] = '\0';
		mark[strcspn(mark, "\n")] = '\0';
		snprintf(o->why, o->why_len, "the disk under %s could not be trusted (%s): run estate verify --data %s, which lifts this when "
		    "all is sound", s->folder, mark, s->folder);
		return (false);
	}
	return (true);
}

static bool
open_months(struct opening *o)
{
	struct store *s = o->s;
	char folder[4096], names[MONTHS_MAX][MONTH_NAME];
	int count, e;

	path_join(folder, sizeof(folder), s->folder, "months");
	if (trimmed_read(&s->trimmed, s->folder, &s->identity, o->why, o->why_len) != 0)
		return (false);
	/* What a cut left of the last trimming. */
	if (s->trimmed.through[0] != '\0' && (e = trimmed_finish(s->folder, s->trimmed.through)) != 0) {
		snprintf(o->why, o->why_len, "cannot unlink the trimmed months in %s: %s", folder, strerror(e));
		return (false);
	}
	s->applied = s->trimmed_last = s->trimmed.last;
	if ((e = folder_make(folder)) != 0 || (count = month_list(folder, names)) < 0) {
		snprintf(o->why, o->why_len, "cannot read %s: %s", folder, strerror(e != 0 ? e : errno));
		return (false);
	}
	for (int i = 0; i < count; i++) {
		struct month *m;

		/* One that lost its events leaves a gap that shows. */
		m = month_open(folder, names[i], &s->identity, false, false, o->why, o->why_len);
		if (m == NULL)
			return (false);
		if (m->first != 0 && m->first != s->applied + 1) {
			snprintf(o->why, o->why_len, "%s begins with event %" PRIu64 " but the log before it ends with %" PRIu64
			    ": a month is missing; restore it from a backup", m->folder, m->first, s->applied);
			month_close(m);
			return (false);
		}
		if (m->last != 0)
			s->applied = m->last;
		s->months[s->month_count] = m;
		s->month_count++;
	}
	return (true);
}

/* A killed process may have left its last commit in the page cache only. */
static bool
flush_lmdb(struct opening *o)
{
	struct store *s = o->s;
	int rc = mdb_env_sync(s->keys->env, 1);

	if (rc == 0)
		rc = vault_sync(s->vault);

	for (unsigned i = s->month_count; i > 0 && i + 2 > s->month_count && rc == 0; i--)
		rc = mdb_env_sync(s->months[i - 1]->env, 1);
	if (rc != 0)
		snprintf(o->why, o->why_len, "cannot flush the store in %s: %s", s->folder, mdb_strerror(rc));
	return (rc == 0);
}

/* An index that takes what the months hold, chunk by chunk. */
typedef int	index_append(struct store *, struct batch *const *, unsigned count);

static int
append_keys(struct store *s, struct batch *const *b, unsigned count)
{
	return (keys_append(s->keys, b, count));
}

static int
append_persons(struct store *s, struct batch *const *b, unsigned count)
{
	return (vault_append(s->vault, b, count));
}

/* Give an index what the months hold from `seq` on. */
static bool
catch_up(struct opening *o, uint64_t seq, index_append *append, const char *what)
{
	struct store *s = o->s;
	struct store_reader *reader = store_reader_new(s);
	uint64_t first = store_first_seq(s);
	bool ok = true;

	if (seq < first)
		seq = first;
	while (ok && seq <= s->applied) {
		struct batch *chunk[64];
		unsigned n = 0;
		int rc = 0;

		for (; n < 64 && seq <= s->applied; n++) {
			struct block block;

			if (store_read_block(reader, seq, &block, o->why, o->why_len) != 0) {
				ok = false;
				break;
			}
			chunk[n] = batch_read(block.base, block.len, s->identity.secret);
			seq = batch_last(chunk[n]) + 1;
		}
		store_read_end(reader);
		if (ok && (rc = append(s, chunk, n)) != 0) {
			snprintf(o->why, o->why_len, "cannot bring the %s up to date: %s", what, mdb_strerror(rc));
			ok = false;
		}
		while (n > 0)
			batch_unref(chunk[--n]);
		tick(o, "indexing");
	}
	store_reader_free(reader);
	return (ok);
}

/* After a cut between the commits of months and keys, or after an index was deleted. */
static bool
catch_up_indexes(struct opening *o)
{
	struct store *s = o->s;
	int rc;

	if (!catch_up(o, s->keys->applied + 1, append_keys, "key index"))
		return (false);
	if (vault_is_whole(s->vault))
		return (true);
	if (!catch_up(o, 1, append_persons, "index of persons"))
		return (false);
	if ((rc = vault_set_whole(s->vault)) != 0)
		snprintf(o->why, o->why_len, "cannot write the index of persons: %s", mdb_strerror(rc));
	return (rc == 0);
}

static bool
on_journal_record(void *arg, const uint8_t *bytes, size_t len)
{
	struct opening *o = arg;
	struct batch *b = batch_read(bytes, len, o->s->identity.secret);

	vault_adopt(o->s->vault, b);
	STAILQ_INSERT_TAIL(&o->s->unapplied, b, recent_link);
	o->s->last_seq = batch_last(b);
	o->s->last_log_time = b->log_time;
	tick(o, "reading the journal");
	return (true);
}

/* The log time of the last event, below which log time may never fall. */
static bool
find_last_log_time(struct opening *o)
{
	struct store *s = o->s;
	struct store_reader *reader;
	struct block block;
	struct record r;
	uint64_t seq;
	bool ok;

	if (s->last_log_time != 0 || s->applied == s->trimmed_last)
		return (true);
	reader = store_reader_new(s);
	if ((ok = store_read_block(reader, s->applied, &block, o->why, o->why_len) == 0))
		while (block_next(&block, &r, &seq))
			s->last_log_time = r.log_time;
	store_reader_free(reader);
	return (ok);
}

static bool
recover(struct opening *o, const struct store_options *options)
{
	struct store *s = o->s;
	char path[4096];

	if (s->keys->applied > s->applied) {
		snprintf(o->why, o->why_len, "%s: the key index knows events up to %" PRIu64 " but the log ends with %" PRIu64
		    ": part of the log is missing; restore it from a backup", s->folder, s->keys->applied, s->applied);
		return (false);
	}
	if (!flush_lmdb(o) || !catch_up_indexes(o))
		return (false);
	s->last_seq = s->applied;
	path_join(path, sizeof(path), s->folder, "journal");
	s->journal = journal_open(path, &s->identity, options->segment_bytes, options->segments_max, s->applied, on_journal_record, o,
	    o->why, o->why_len);
	if (s->journal == NULL || !find_last_log_time(o) || vault_check(s->vault, o->why, o->why_len) != 0)
		return (false);
	journal_release(s->journal, s->applied);
	return (true);
}

/* Two segments ready before the first event: a full disk is no reason not to start, reads are served. */
static bool
prepare_journal(struct opening *o)
{
	int e;

	if ((e = journal_prepare(o->s->journal)) == 0 && journal_has_room(o->s->journal, JOURNAL_ALIGN) &&
	    (e = journal_prepare(o->s->journal)) == 0)
		e = vault_prepare(o->s->vault);
	if (e == ENOSPC || e == EDQUOT) {
		atomic_store(&o->s->full, true);
		log_error("the disk is full: starting to serve reads only", "folder=%s", o->s->folder);
	} else if (e != 0) {
		snprintf(o->why, o->why_len, "cannot write the journal and the vault in %s: %s", o->s->folder, strerror(e));
		return (false);
	}
	return (true);
}

bool
store_holds_parts(const char *folder)
{
	static const char *const parts[] = { "months", "keys", "vault", "journal" };
	char path[4096];

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (access(path_join(path, sizeof(path), folder, parts[i]), F_OK) == 0)
			return (true);
	return (false);
}

bool
store_hold(const char *folder, int *lock)
{
	char path[4096];

	if ((*lock = open(path_join(path, sizeof(path), folder, "lock"), O_RDWR | O_CLOEXEC)) < 0 || flock(*lock, LOCK_EX | LOCK_NB) == 0)
		return (true);
	close(*lock);
	return (false);
}

struct store *
store_open(const struct store_options *options, void (*on_tick)(const char *), char *why, size_t why_len)
{
	struct store *s = must_alloc(sizeof(*s));
	struct opening o = { s, on_tick, why, why_len };
	char path[4096];

	memset(s, 0, sizeof(*s));
	s->lock_fd = -1;
	s->folder = must_strdup(options->folder);
	s->reserve_bytes = options->reserve_bytes;
	STAILQ_INIT(&s->unapplied);
	why[0] = '\0';
	if (!open_folder(&o))
		goto refuse;
	path_join(path, sizeof(path), s->folder, "identity");
	s->created = access(path, F_OK) != 0;
	if (s->created && store_holds_parts(s->folder)) {
		snprintf(why, why_len, "%s holds a log without its identity file: restore %s/identity from a backup; if it is a backup itself, "
		    "it was never finished: take another", s->folder, s->folder);
		goto refuse;
	}
	path_join(path, sizeof(path), s->folder, "keys");
	if (identity_open(&s->identity, s->folder, 1, why, why_len) != 0 ||
	    (s->keys = keys_open(path, &s->identity, false, why, why_len)) == NULL ||
	    (s->vault = vault_open(s->folder, &s->identity, false, why, why_len)) == NULL ||
	    !open_months(&o) || !recover(&o, options) || !prepare_journal(&o))
		goto refuse;
	return (s);

refuse:
	store_close(s);
	return (NULL);
}
