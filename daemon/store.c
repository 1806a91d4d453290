/* The data folder: applying, the disk's room, and the end of trust.  store_open.c opens and recovers, store_read.c reads. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "levers.h"
#include "log.h"

void
store_distrust(const char *folder, const char *what, const char *why)
{
	char quoted[512], text[600];
	int n;

	log_error("the disk can no longer be trusted: stopping without acknowledging", "while=\"%s\" error=%s next=\"estate verify\"",
	    what, log_quote(quoted, sizeof(quoted), why));
	n = snprintf(text, sizeof(text), "%s: %s\n", what, why);
	if (file_replace(folder, UNTRUSTED_MARK, text, (size_t)n) != 0)
		log_error("could not leave the mark that forbids a start", "file=%s/%s", folder, UNTRUSTED_MARK);
	_exit(EXIT_UNTRUSTED);
}

void
store_month_name(uint64_t log_time, char out[MONTH_NAME])
{
	time_t t = (time_t)(log_time / 1000000000u);
	struct tm tm;

	/* The process runs in the site's time zone. */
	localtime_r(&t, &tm);
	snprintf(out, MONTH_NAME, "%04u-%02u", (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100);
}

void
store_measure_space(struct store *s)
{
	uint64_t left = free_bytes(s->folder), reserve = s->reserve_bytes;
	/* Heals with a margin, so that it doesn't flap at the edge. */
	bool full = left < (s->full ? reserve + reserve / 8 : reserve);

	if (atomic_exchange(&s->full, full) != full) {
		if (full)
			log_error("the disk is full: new events are refused until there is room", "free_bytes=%llu reserve_bytes=%llu",
			    (unsigned long long)left, (unsigned long long)reserve);
		else
			log_info("the disk has room again: events are taken", "free_bytes=%llu", (unsigned long long)left);
	}
}

bool
store_may_retry(int rc)
{
	return (rc == ENOSPC || rc == EDQUOT || rc == MDB_MAP_FULL || rc == EMFILE || rc == ENFILE || rc == ENOMEM);
}

/* LMDB calls it an I/O error when a write was cut short, which is what a disk does that fills up in the middle of one. */
static bool
ran_out_of_room(const struct store *s, int rc)
{
	return (rc == EIO && free_bytes(s->folder) < s->reserve_bytes);
}

/* The outcome of an LMDB write: 0, ENOSPC, or the end. */
static int
outcome(struct store *s, const char *what, int rc)
{
	if (rc == 0)
		return (0);
	if (ran_out_of_room(s, rc))
		rc = ENOSPC;
	if (!store_may_retry(rc))
		store_distrust(s->folder, what, mdb_strerror(rc));
	if (!atomic_exchange(&s->full, true))
		log_error("no room or no descriptors for the log: new events are refused until there are", "while=\"%s\" error=\"%s\"", what,
		    mdb_strerror(rc));
	return (ENOSPC);
}

/* The month that these belong to.  It never goes back: after a change of the site's zone the newest month goes on. */
static struct month *
month_for(struct store *s, uint64_t log_time, char *why, size_t why_len)
{
	unsigned n = s->month_count;
	char name[MONTH_NAME], folder[4096];
	struct month *m;

	store_month_name(log_time, name);
	if (n > 0 && strcmp(s->months[n - 1]->name, name) >= 0)
		return (s->months[n - 1]);
	assert(n < MONTHS_MAX);
	path_join(folder, sizeof(folder), s->folder, "months");
	if ((m = month_open(folder, name, &s->identity, true, false, why, why_len)) == NULL)
		return (NULL);
	s->months[n] = m;
	atomic_store(&s->month_count, n + 1);
	log_info("a new month begins", "month=%s", name);
	return (m);
}

static int
apply_months(struct store *s, struct batch *const *b, unsigned count)
{
	char why[512];
	unsigned from = 0;
	int rc;

	while (from < count && batch_last(b[from]) <= s->applied)
		from++;
	while (from < count) {
		struct month *m = month_for(s, b[from]->log_time, why, sizeof(why));
		char name[MONTH_NAME];
		unsigned to = from + 1;

		if (m == NULL)
			return (outcome(s, why, errno));
		for (; to < count; to++) {
			store_month_name(b[to]->log_time, name);
			if (strcmp(name, m->name) > 0)
				break;
		}
		lever_reach("before-month-commit");
		if ((rc = outcome(s, "writing the month's log", month_append(m, b + from, to - from))) != 0)
			return (rc);
		lever_reach("after-month-commit");
		atomic_store(&s->applied, batch_last(b[to - 1]));
		from = to;
	}
	return (0);
}

int
store_apply(struct store *s, struct batch *const *b, unsigned count)
{
	int rc;

	if ((rc = outcome(s, "writing the vault's index", vault_append(s->vault, b, count))) != 0)
		return (rc);
	lever_reach("after-vault-commit");
	if ((rc = apply_months(s, b, count)) != 0 ||
	    (rc = outcome(s, "writing the key index", keys_append(s->keys, b, count))) != 0)
		return (rc);
	lever_reach("after-keys-commit");
	journal_release(s->journal, batch_last(b[count - 1]));
	lever_reach("after-release");
	return (0);
}

uint64_t
store_bytes_behind(const struct store *s, uint64_t from, uint64_t to)
{
	double bytes = 0, average = 0;

	for (unsigned i = s->month_first; i < s->month_count; i++) {
		uint64_t first = s->months[i]->first, last = s->months[i]->last;
		uint64_t low = from + 1 > first ? from + 1 : first, high = to < last ? to : last;

		if (first == 0)
			continue;
		average = (double)s->months[i]->bytes / (double)(last - first + 1);
		if (low <= high)
			bytes += average * (double)(high - low + 1);
	}
	/* What LMDB does not have yet is like what it got last. */
	if (to > s->applied)
		bytes += average * (double)(to - (s->applied > from ? s->applied : from));
	return ((uint64_t)bytes);
}

uint64_t
store_first_seq(const struct store *s)
{
	for (unsigned i = s->month_first; i < s->month_count; i++)
		if (s->months[i]->first != 0)
			return (s->months[i]->first);
	return (s->trimmed_last + 1);
}

void
store_trim(struct store *s, struct store_reader *r, uint64_t log_time)
{
	struct month *m = s->months[s->month_first];
	struct trimmed *t = &s->trimmed;

	store_reader_drop(r, s->month_first);
	memcpy(t->through, m->name, sizeof(t->through));
	if (m->last != 0) {
		t->last = m->last;
		t->keys[t->key_count] = (struct trimmed_month){ .last = m->last, .log_time = log_time };
		memcpy(t->keys[t->key_count++].name, m->name, MONTH_NAME);
	}
	atomic_store(&s->trimmed_last, t->last);
	atomic_fetch_add(&s->month_first, 1);
}

int
store_unlink_trimmed(struct store *s, const char *text, size_t len, const char *through, unsigned until)
{
	int e;

	lever_reach("before-trim-mark");
	if ((e = file_replace(s->folder, TRIMMED_FILE, text, len)) != 0)
		return (e);
	lever_reach("after-trim-mark");
	for (unsigned i = until; i > 0 && s->months[i - 1]->env != NULL; i--) {
		mdb_env_close(s->months[i - 1]->env);
		s->months[i - 1]->env = NULL;
	}
	if ((e = trimmed_finish(s->folder, through)) == 0)
		lever_reach("after-trim");
	return (e);
}

uint64_t
store_month_disk(const struct month *m)
{
	char path[4096];
	struct stat st;

	return (stat(path_join(path, sizeof(path), m->folder, "data.mdb"), &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0);
}

void
store_close(struct store *s)
{
	struct batch *b;

	if (s == NULL)
		return;
	while ((b = STAILQ_FIRST(&s->unapplied)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->unapplied, recent_link);
		batch_unref(b);
	}
	journal_close(s->journal);
	keys_close(s->keys);
	vault_close(s->vault);
	for (unsigned i = 0; i < s->month_count; i++)
		month_close(s->months[i]);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->folder);
	free(s);
}
