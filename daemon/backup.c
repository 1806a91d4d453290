#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients.h"
#include "files.h"
#include "registry.h"
#include "trimmed.h"
#include "vault.h"

struct backup {
	struct store *store;
	struct applier *applier;
	char *folder;
	char *consumers, *trimmed;	/* the texts of their files; trimmed: NULL if nothing was */
	size_t consumers_len, trimmed_len;
	void (*on_done)(void *);
	void *arg;
	pthread_t thread;
	atomic_bool cancelled;
	uint64_t last, bytes;
	char why[512];		/* empty: done */
};

static int
fail(struct backup *b, const char *doing, const char *path, const char *why)
{
	snprintf(b->why, sizeof(b->why), "%s %.300s: %s", doing, path, why);
	return (-1);
}

/* Copy one environment into folder/name, pages packed, and flush it. */
static int
copy_env(struct backup *b, MDB_env *env, const char *folder, const char *name)
{
	char path[4096], file[4200];
	struct stat st;
	int rc;

	path_join(path, sizeof(path), folder, name);
	if (b->cancelled)
		return (fail(b, "copying to", path, "the daemon is stopping"));
	if ((rc = folder_make(path)) != 0 || (rc = mdb_env_copy2(env, path, MDB_CP_COMPACT)) != 0)
		return (fail(b, "copying to", path, mdb_strerror(rc)));
	path_join(file, sizeof(file), path, "data.mdb");
	if (stat(file, &st) == 0)
		b->bytes += (uint64_t)st.st_size;
	/* LMDB's copy does not flush what it wrote. */
	if ((rc = file_sync(file)) != 0 || (rc = folder_sync(path)) != 0)
		return (fail(b, "flushing", path, strerror(rc)));
	return (0);
}

static void
copy_store(struct backup *b)
{
	char months[4096], parent[4096];
	unsigned count;
	int rc;

	if ((rc = applier_drain(b->applier)) != 0) {
		snprintf(b->why, sizeof(b->why), "the log cannot be brought up to date: %s", strerror(rc));
		return;
	}
	if (copy_env(b, b->store->keys->env, b->folder, "keys") != 0)
		return;
	path_join(months, sizeof(months), b->folder, "months");
	if ((rc = folder_make(months)) != 0) {
		fail(b, "making", months, strerror(rc));
		return;
	}
	/* What a month has got since the keys were copied is indexed at the copy's first start.  A month that begins from now on is not
	 * copied: the one before it may have grown after its own copy, and that would be a gap. */
	count = b->store->month_count;
	for (unsigned i = b->store->month_first; i < count; i++) {
		b->last = b->store->months[i]->last != 0 ? b->store->months[i]->last : b->last;
		if (copy_env(b, b->store->months[i]->env, months, b->store->months[i]->name) != 0)
			return;
	}
	/* After the months: it knows whose all the keys are that they use. */
	if (vault_copy(b->store->vault, b->folder, &b->bytes, b->why, sizeof(b->why)) != 0)
		return;
	if ((rc = file_replace(b->folder, REGISTRY_FILE, b->consumers, b->consumers_len)) != 0 ||
	    (b->trimmed != NULL && (rc = file_replace(b->folder, TRIMMED_FILE, b->trimmed, b->trimmed_len)) != 0)) {
		fail(b, "writing to", b->folder, strerror(rc));
		return;
	}
	if ((rc = folder_sync(months)) != 0 || (rc = folder_sync(path_join(parent, sizeof(parent), b->folder, ".."))) != 0)
		fail(b, "flushing", b->folder, strerror(rc));
	/* Without it a restored log might know no list of clients, and let everybody in. */
	else if ((rc = file_copy(b->store->folder, b->folder, CLIENTS_FILE)) != 0)
		fail(b, "copying the list of clients to", b->folder, strerror(rc));
	else
		identity_write(&b->store->identity, 0, b->folder, b->why, sizeof(b->why));
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return (remove(path));
}

static void *
backup_main(void *arg)
{
	struct backup *b = arg;

	copy_store(b);
	/* Half a backup would only stand in the way of the next one of that name. */
	if (b->why[0] != '\0')
		nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	b->on_done(b->arg);
	return (NULL);
}

/* Whether a new `folder` would lie in `log`, where everything is the log's: in months it would be a damaged month at the next start. */
static bool
lies_within(const char *folder, const char *log)
{
	char parent[PATH_MAX], real[PATH_MAX], real_log[PATH_MAX];
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	while (len > 1 && folder[len - 1] != '/')
		len--;
	snprintf(parent, sizeof(parent), "%.*s", (int)len, folder);
	if (realpath(parent, real) == NULL || realpath(log, real_log) == NULL)
		return (false);		/* mkdir will say what is wrong with it */
	len = strlen(real_log);
	return (strncmp(real, real_log, len) == 0 && (real[len] == '\0' || real[len] == '/'));
}

struct backup *
backup_start(struct store *s, struct applier *a, const char *folder, char *consumers, size_t consumers_len, void (*on_done)(void *),
    void *arg, char *why, size_t why_len)
{
	struct backup *b;

	if (lies_within(folder, s->folder)) {
		snprintf(why, why_len, "%.300s is inside the log's own folder %.100s: name one outside of it, best on another disk", folder, s->folder);
		return (NULL);
	}
	if (mkdir(folder, 0700) != 0) {
		snprintf(why, why_len, "cannot make %.300s: %s", folder, errno == EEXIST ? "it exists; name a new folder" : strerror(errno));
		return (NULL);
	}
	b = must_alloc(sizeof(*b));
	memset(b, 0, sizeof(*b));
	b->store = s;
	b->applier = a;
	b->folder = must_strdup(folder);
	b->consumers = consumers;
	b->consumers_len = consumers_len;
	if (s->trimmed.through[0] != '\0')
		b->trimmed = trimmed_text(&s->trimmed, &s->identity, &b->trimmed_len);
	b->on_done = on_done;
	b->arg = arg;
	if (pthread_create(&b->thread, NULL, backup_main, b) != 0)
		abort();
	pthread_setname_np(b->thread, "backup");
	return (b);
}

void
backup_cancel(struct backup *b)
{
	b->cancelled = true;
}

int
backup_finish(struct backup *b, uint64_t *last, uint64_t *bytes, char *why, size_t why_len)
{
	int rc;

	pthread_join(b->thread, NULL);
	rc = b->why[0] == '\0' ? 0 : -1;
	*last = b->last;
	*bytes = b->bytes;
	snprintf(why, why_len, "%s", b->why);
	free(b->folder);
	free(b->consumers);
	free(b->trimmed);
	free(b);
	return (rc);
}
