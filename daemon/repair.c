#include "repair.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "bytes.h"
#include "clients.h"
#include "files.h"
#include "identity.h"
#include "registry.h"
#include "seal.h"
#include "store.h"

#define FILES_MAX	(MONTHS_MAX + 128u)

/* A batch of the new store is about this large. */
#define CHUNK_EVENTS	4096u
#define CHUNK_BYTES	(1u << 20)

/* A whole block found in one of the files. */
struct found {
	uint64_t first_seq;
	uint64_t rank;			/* months before the journal, its later segments before earlier ones */
	const uint8_t *bytes;
	size_t len;
};

struct salvage {
	struct found *found;
	size_t count, room;
	uint64_t rank;			/* of the file at hand */
	uint64_t known_last;		/* the greatest number that the store speaks of, whole or not */
	struct {
		void *map;
		size_t len;
	} files[FILES_MAX];
	unsigned file_count;
	struct identity identity;
	struct trimmed trimmed;		/* of the damaged store */
	struct store *to;
	struct repair_outcome *out;
	char *why;
	size_t why_len;
	/* The chunk that fills. */
	struct record records[CHUNK_EVENTS];
	struct index_entry *entries;
	uint8_t *owned[CHUNK_EVENTS];	/* bytes of event.lost */
	uint64_t chunk_first, log_time;
	unsigned chunk_count;
	size_t chunk_bytes;
};

static void
note(struct salvage *s, const struct block *b)
{
	if (s->count == s->room) {
		s->room = s->room == 0 ? 1024 : s->room * 2;
		s->found = must_realloc(s->found, s->room * sizeof(*s->found));
	}
	s->found[s->count++] = (struct found){ b->first_seq, s->rank, b->base, b->len };
}

/* Every place where a block could begin: LMDB aligns values to two bytes, the journal to more. */
static void
scan(struct salvage *s, const uint8_t *p, size_t len)
{
	size_t at = 0;

	while (at + BLOCK_HEADER <= len) {
		struct block b;
		size_t claimed;

		/* Cheap tests first: version, the zero after it, a plausible length. */
		if (p[at] == BLOCK_VERSION && p[at + 1] == 0 && (claimed = block_claimed(p + at)) > BLOCK_HEADER &&
		    claimed <= len - at && block_open(&b, p + at, claimed) == NULL) {
			note(s, &b);
			at += claimed + claimed % 2;
		} else
			at += 2;
	}
}

static bool
scan_file(struct salvage *s, const char *path)
{
	uint64_t named;
	struct stat st;
	void *map;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (false);
	if (fstat(fd, &st) == 0 && st.st_size > 0 && s->file_count < FILES_MAX &&
	    (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) != MAP_FAILED) {
		s->files[s->file_count].map = map;
		s->files[s->file_count++].len = (size_t)st.st_size;
		scan(s, map, (size_t)st.st_size);
		named = journal_last_named(map, (size_t)st.st_size);
		if (named > s->known_last)
			s->known_last = named;
	}
	close(fd);
	return (true);
}

/* Every file below `folder` that may hold blocks. */
static void
scan_folder(struct salvage *s, const char *folder, const char *inner)
{
	char path[4096], below[4096];
	struct dirent *d;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		path_join(path, sizeof(path), folder, d->d_name);
		s->rank = inner != NULL ? 0 : UINT64_MAX - strtoull(d->d_name, NULL, 16);
		scan_file(s, inner != NULL ? path_join(below, sizeof(below), path, inner) : path);
	}
	closedir(dir);
}

static int
compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->first_seq != y->first_seq)
		return (x->first_seq < y->first_seq ? -1 : 1);
	return (x->rank < y->rank ? -1 : x->rank > y->rank);
}

static bool
flush_chunk(struct salvage *s)
{
	struct batch *b;
	int rc;

	if (s->chunk_count == 0)
		return (true);
	b = batch_build(s->chunk_first, s->records, s->entries, s->chunk_count);
	rc = store_apply(s->to, &b, 1);
	batch_unref(b);
	for (unsigned i = 0; i < s->chunk_count; i++)
		free(s->owned[i]);
	s->entries = must_alloc(CHUNK_EVENTS * sizeof(*s->entries));
	s->chunk_count = 0;
	s->chunk_bytes = 0;
	if (rc != 0)
		snprintf(s->why, s->why_len, "the new store cannot be written: %s", strerror(rc));
	return (rc == 0);
}

/* The next event of the new store; `owned` is freed with the chunk. */
static bool
add(struct salvage *s, const struct record *r, uint64_t seq, uint8_t *owned)
{
	char now[MONTH_NAME], before[MONTH_NAME];

	store_month_name(r->log_time, now);
	store_month_name(s->log_time, before);
	/* A chunk belongs to one month. */
	if (s->chunk_count == CHUNK_EVENTS || s->chunk_bytes > CHUNK_BYTES || (s->chunk_count > 0 && strcmp(now, before) != 0))
		if (!flush_chunk(s))
			return (false);
	if (s->chunk_count == 0)
		s->chunk_first = seq;
	if (!entry_read(&s->entries[s->chunk_count], r, s->identity.secret)) {
		snprintf(s->why, s->why_len, "event %" PRIu64 " has a checksum that holds but is no event", seq);
		return (false);
	}
	s->records[s->chunk_count] = *r;
	s->owned[s->chunk_count++] = owned;
	s->chunk_bytes += r->len;
	s->log_time = r->log_time;
	s->out->last = seq;
	return (true);
}

/* An event that says that number `seq` is gone. */
static bool
add_lost(struct salvage *s, uint64_t seq)
{
	struct record r = { .log_time = s->log_time, .sender = "daemon", .sender_len = 6 };
	struct answer a;
	char id[32];

	snprintf(id, sizeof(id), "lost-%" PRIu64, seq);
	msgpack_sbuffer_init(&a.buffer);
	msgpack_packer_init(&a.packer, &a.buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&a.packer, 5);
	answer_key_text(&a, "specversion", "1.0");
	answer_key_text(&a, "id", id);
	answer_key_text(&a, "source", "/estated");
	answer_key_text(&a, "type", "event.lost");
	answer_text(&a, "data");
	msgpack_pack_map(&a.packer, 2);
	answer_key_uint(&a, "event", seq);
	answer_key_text(&a, "reason", "damaged storage");
	r.len = (uint32_t)a.buffer.size;
	r.bytes = (uint8_t *)msgpack_sbuffer_release(&a.buffer);
	s->out->lost++;
	return (add(s, &r, seq, (uint8_t *)(uintptr_t)r.bytes));
}

static bool
write_all_found(struct salvage *s)
{
	uint64_t next = s->trimmed.last + 1, seq;

	s->out->first = next;
	for (size_t i = 0; i < s->count; i++) {
		struct block b;
		struct record r;

		block_open_trusted(&b, s->found[i].bytes, s->found[i].len);
		if (i == 0)
			s->log_time = b.log_time;
		while (block_next(&b, &r, &seq)) {
			/* Stands in the months and in the journal: once is enough. */
			if (seq < next)
				continue;
			for (; next < seq; next++)
				if (!add_lost(s, next))
					return (false);
			if ((r.flags & EVENT_SEALED) != 0 && !seal_sound(s->to->vault, &r, seq))
				s->out->masked++;
			if (r.log_time < s->log_time)
				r.log_time = s->log_time;
			if (!add(s, &r, seq, NULL))
				return (false);
			s->out->saved++;
			next = seq + 1;
		}
	}
	for (; next <= s->known_last; next++)
		if (!add_lost(s, next))
			return (false);
	return (flush_chunk(s));
}

/* What the key index and the months say they hold, asked in a child, since LMDB may crash on them: up to where the log went. */
static void
ask_known_last(struct salvage *s, const char *from)
{
	char path[4096], why[512];
	uint64_t last;
	struct month *m;
	struct keys *k;
	struct dirent *d;
	int fds[2], status;
	DIR *dir;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return;
	if (pid == 0) {
		if ((k = keys_open(path_join(path, sizeof(path), from, "keys"), &s->identity, true, why, sizeof(why))) != NULL &&
		    (last = k->applied, write(fds[1], &last, sizeof(last))) < 0)
			_exit(1);
		if ((dir = opendir(path_join(path, sizeof(path), from, "months"))) == NULL)
			_exit(0);
		while ((d = readdir(dir)) != NULL)
			if (d->d_name[0] != '.' && (m = month_open(path, d->d_name, &s->identity, false, true, why, sizeof(why))) != NULL &&
			    (last = m->last, write(fds[1], &last, sizeof(last))) < 0)
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &last, sizeof(last)) == sizeof(last))
		if (last > s->known_last)
			s->known_last = last;
	close(fds[0]);
	waitpid(pid, &status, 0);
}

/* What was trimmed is not lost.  If nobody can say any more what that was: whatever lies before the first block that is left. */
static void
find_trimmed(struct salvage *s, const char *from)
{
	char why[512];

	if (trimmed_read(&s->trimmed, from, &s->identity, why, sizeof(why)) == 0)
		return;
	memset(&s->trimmed, 0, sizeof(s->trimmed));
	memcpy(s->trimmed.through, "0000-00", MONTH_NAME);
	s->trimmed.last = s->found[0].first_seq - 1;
}

static bool
write_trimmed(struct salvage *s, const char *to)
{
	size_t len;
	char *text;
	int e;

	if (s->trimmed.through[0] == '\0')
		return (true);
	text = trimmed_text(&s->trimmed, &s->identity, &len);
	if ((e = file_replace(to, TRIMMED_FILE, text, len)) != 0)
		snprintf(s->why, s->why_len, "cannot write %.400s/" TRIMMED_FILE ": %s", to, strerror(e));
	free(text);
	return (e == 0);
}

static bool
make_target(struct salvage *s, const char *from, const char *to)
{
	struct store_options o = { to, 4u << 20, 3, 1u << 20 };
	int e;

	if (mkdir(to, 0700) != 0) {
		snprintf(s->why, s->why_len, "cannot make %.400s: %s", to, errno == EEXIST ? "it exists; name a new folder" : strerror(errno));
		return (false);
	}
	/* Without it everybody might be let in. */
	if ((e = file_copy(from, to, CLIENTS_FILE)) != 0) {
		snprintf(s->why, s->why_len, "cannot copy the list of clients to %.400s: %s", to, strerror(e));
		return (false);
	}
	if ((e = file_copy(from, to, VAULT_FILE)) != 0) {
		snprintf(s->why, s->why_len, "cannot copy the keys of personal data to %.400s: %s", to, strerror(e));
		return (false);
	}
	return (identity_write(&s->identity, 0, to, s->why, s->why_len) == 0 && write_trimmed(s, to) &&
	    (s->to = store_open(&o, NULL, s->why, s->why_len)) != NULL);
}

/* The consumers go on where they were, if their file can be read: the numbers stay. */
static bool
carry_consumers(struct salvage *s, const char *from, const char *to)
{
	struct registry_row *rows;
	char why[512], *text;
	unsigned count;
	size_t len;
	int e = 0;

	if (registry_read(from, &s->identity, &rows, &count, why, sizeof(why)) != 0)
		return (true);
	if (count > 0) {
		text = registry_text(rows, count, &s->identity, &len);
		if ((e = file_replace(to, REGISTRY_FILE, text, len)) != 0)
			snprintf(s->why, s->why_len, "cannot write the consumers to %.400s: %s", to, strerror(e));
		free(text);
	}
	free(rows);
	return (e == 0);
}

int
repair_store(const char *from, const char *to, struct repair_outcome *out, char *why, size_t why_len)
{
	struct salvage *s;
	char path[4096];
	int lock;
	bool ok;

	/* What a daemon stores meanwhile would be missing, and nobody told. */
	if (!store_hold(from, &lock)) {
		snprintf(why, why_len, "%.400s is in use by a daemon: stop it first", from);
		return (-1);
	}
	s = must_alloc(sizeof(*s));
	memset(s, 0, sizeof(*s));
	memset(out, 0, sizeof(*out));
	s->out = out;
	s->why = why;
	s->why_len = why_len;
	s->entries = must_alloc(CHUNK_EVENTS * sizeof(*s->entries));
	ok = identity_open(&s->identity, from, 0, why, why_len) == 0;
	if (ok) {
		ask_known_last(s, from);
		scan_folder(s, path_join(path, sizeof(path), from, "months"), "data.mdb");
		scan_folder(s, path_join(path, sizeof(path), from, "journal"), NULL);
		if (s->count == 0) {
			snprintf(why, why_len, "there is no whole block in %.400s: nothing can be saved", from);
			ok = false;
		}
	}
	if (ok) {
		qsort(s->found, s->count, sizeof(*s->found), compare_found);
		find_trimmed(s, from);
		ok = make_target(s, from, to) && write_all_found(s) && carry_consumers(s, from, to);
	}
	store_close(s->to);
	for (unsigned i = 0; i < s->file_count; i++)
		munmap(s->files[i].map, s->files[i].len);
	free(s->entries);
	free(s->found);
	free(s);
	if (lock >= 0)
		close(lock);
	return (ok ? 0 : -1);
}
