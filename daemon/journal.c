/* The journal's writing side; journal_read.c reads it back. */
#include "journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "batch.h"
#include "bytes.h"
#include "files.h"
#include "identity.h"
#include "journal_internal.h"
#include "levers.h"
#include "log.h"

#ifdef ESTATE_WITHOUT_FLUSH
/* The build that must fail the durability test: everything as always, the flush taken out. */
#define SYNC_FLAG	0
static int flush(int fd) { (void)fd; return (0); }
#else
#define SYNC_FLAG	O_DSYNC
static int flush(int fd) { return (fdatasync(fd)); }
#endif

char *
segment_path(char *out, size_t size, const struct journal *j, uint64_t number, const char *suffix)
{
	int n = snprintf(out, size, "%s/%016" PRIx64 "%s", j->folder, number, suffix);

	assert(n > 0 && (size_t)n < size);
	return (out);
}

static void
segment_header(uint8_t *h, const struct journal *j, const struct segment *s)
{
	memset(h, 0, JOURNAL_ALIGN);
	memcpy(h, SEGMENT_MAGIC, 8);
	put_le32(h + 8, SEGMENT_VERSION);
	put_le64(h + 16, s->number);
	put_le64(h + 24, s->nonce);
	put_le64(h + 32, j->segment_bytes);
	memcpy(h + 40, j->identity->uuid, 16);
	put_le64(h + 56, XXH3_64bits(h, 56));
}

/* A new file of the segment's size, filled with zeros and flushed.  0 or errno. */
static int
make_zeros(const struct journal *j, const char *path)
{
	static const uint8_t zeros[1 << 16];
	int fd, e = 0;

	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return (errno);
	for (size_t at = 0; at < j->segment_bytes && e == 0; at += sizeof(zeros)) {
		size_t n = j->segment_bytes - at;

		e = write_all(fd, zeros, n < sizeof(zeros) ? n : sizeof(zeros), (int64_t)at);
	}
	if (e == 0 && fsync(fd) != 0)
		e = errno;
	if (close(fd) != 0 && e == 0)
		e = errno;
	if (e != 0)
		unlink(path);
	return (e);
}

/* Give the file a header of its own, flushed.  0 or errno. */
static int
write_header(const struct journal *j, const struct segment *s, const char *path)
{
	uint8_t h[JOURNAL_ALIGN];
	int fd, e;

	segment_header(h, j, s);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) < 0)
		return (errno);
	e = write_all(fd, h, sizeof(h), 0);
	if (e == 0 && fsync(fd) != 0)
		e = errno;
	close(fd);
	return (e);
}

/* Open for appending: O_DIRECT and O_DSYNC where the filesystem has them. */
static int
open_for_append(struct segment *s, const char *path)
{
	s->direct = true;
	s->fd = open(path, O_WRONLY | O_CLOEXEC | O_DIRECT | SYNC_FLAG);
	if (s->fd < 0 && errno == EINVAL) {
		s->direct = false;
		s->fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	return (s->fd < 0 ? errno : 0);
}

static void
segment_free(struct segment *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int
journal_prepare(struct journal *j)
{
	char from[4096], to[4096];
	struct segment *s;
	bool reuse;
	int e;

	pthread_mutex_lock(&j->lock);
	reuse = j->spare_count > 0;
	if (j->next != NULL || (!reuse && j->live >= j->segments_max)) {
		pthread_mutex_unlock(&j->lock);
		return (0);
	}
	s = must_alloc(sizeof(*s));
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->number = j->next_number;
	s->used = JOURNAL_ALIGN;
	randombytes_buf(&s->nonce, sizeof(s->nonce));
	if (reuse)
		segment_path(from, sizeof(from), j, j->spares[j->spare_count - 1], ".old");
	else
		path_join(from, sizeof(from), j->folder, "zeros.new");
	pthread_mutex_unlock(&j->lock);

	segment_path(to, sizeof(to), j, s->number, ".wal");
	lever_reach("before-segment");
	/* A spare must be a spare on the disk, too, before its header changes: else a cut leaves the old name on a new number. */
	if ((e = reuse ? folder_sync(j->folder) : make_zeros(j, from)) == 0)
		e = write_header(j, s, from);
	lever_reach("segment-headed");
	if (e == 0 && rename(from, to) != 0)
		e = errno;
	lever_reach("segment-renamed");
	if (e != 0 || (e = folder_sync(j->folder)) != 0 || (e = open_for_append(s, to)) != 0) {
		segment_free(s);
		return (e);
	}
	pthread_mutex_lock(&j->lock);
	j->next = s;
	j->next_number++;
	j->live++;
	if (reuse)
		j->spare_count--;
	pthread_mutex_unlock(&j->lock);
	return (0);
}

bool
journal_has_room(struct journal *j, size_t len)
{
	bool room = true;

	assert(len <= j->segment_bytes - JOURNAL_ALIGN);
	pthread_mutex_lock(&j->lock);
	if (j->current == NULL || j->current->used + len > j->segment_bytes) {
		if ((room = j->next != NULL)) {
			if (j->current != NULL)
				STAILQ_INSERT_TAIL(&j->retired, j->current, link);
			j->current = j->next;
			j->next = NULL;
		}
	}
	pthread_mutex_unlock(&j->lock);
	return (room);
}

int
journal_append(struct journal *j, struct batch *b)
{
	struct segment *s = j->current;
	uint8_t *h = b->buffer;
	int e;

	put_le32(h, RECORD_MAGIC);
	put_le32(h + 4, (uint32_t)b->block_len);
	put_le64(h + 8, b->first_seq);
	put_le32(h + 16, b->count);
	put_le32(h + 20, 0);
	put_le64(h + 24, block_sum(b->block));
	put_le64(h + 32, XXH3_64bits_withSeed(h, 32, s->nonce));
	lever_reach("before-write");
	if ((e = write_all(s->fd, b->buffer, b->buffer_len, (int64_t)s->used)) != 0)
		return (e);
	lever_reach("before-flush");
	if (!s->direct && flush(s->fd) != 0)
		return (errno);
	lever_reach("after-flush");
	s->used += b->buffer_len;
	s->last_seq = batch_last(b);
	return (0);
}

size_t
journal_batch_bytes_max(const struct journal *j)
{
	return ((j->segment_bytes - JOURNAL_ALIGN) / 4);
}

/* A segment whose content LMDB holds becomes a spare.  The rename need not be flushed yet: until the spare is used again it holds
 * only records that are applied already, under either name. */
static void
segment_retire(struct journal *j, struct segment *s)
{
	char from[4096], to[4096];
	struct stat st;

	segment_path(from, sizeof(from), j, s->number, ".wal");
	segment_path(to, sizeof(to), j, s->number, ".old");
	/* Of another size: the setting was changed since. */
	if (j->spare_count < SPARES_MAX && stat(from, &st) == 0 && (size_t)st.st_size == j->segment_bytes && rename(from, to) == 0)
		j->spares[j->spare_count++] = s->number;
	else
		unlink(from);
	j->live--;
	segment_free(s);
}

void
journal_release(struct journal *j, uint64_t applied)
{
	struct segment *s;

	pthread_mutex_lock(&j->lock);
	while ((s = STAILQ_FIRST(&j->retired)) != NULL && s->last_seq <= applied) {
		STAILQ_REMOVE_HEAD(&j->retired, link);
		segment_retire(j, s);
	}
	pthread_mutex_unlock(&j->lock);
}

bool
journal_pressed(struct journal *j)
{
	bool pressed;

	pthread_mutex_lock(&j->lock);
	pressed = j->next == NULL || j->live * 2 > j->segments_max + 2;
	pthread_mutex_unlock(&j->lock);
	return (pressed);
}

void
journal_close(struct journal *j)
{
	struct segment *s;

	if (j == NULL)
		return;
	while ((s = STAILQ_FIRST(&j->retired)) != NULL) {
		STAILQ_REMOVE_HEAD(&j->retired, link);
		segment_free(s);
	}
	segment_free(j->current);
	segment_free(j->next);
	pthread_mutex_destroy(&j->lock);
	free(j->folder);
	free(j);
}
