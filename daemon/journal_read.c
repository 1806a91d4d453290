/* Reading the journal back: after a start, and for estate verify. */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* One reading of all segments. */
struct reading {
	struct journal *j;
	uint64_t applied;
	uint64_t last;			/* of the record before, 0 at the beginning */
	journal_visit *visit;
	void *arg;
	bool stopped;
	bool readonly;
	char *why;
	size_t why_len;
	/* The segment at hand. */
	const char *path;
	int fd;
	uint64_t nonce;
	size_t size;
};

struct record_head {
	uint32_t block_len;
	uint64_t first_seq, last_seq;
	uint64_t block_sum;
};

static bool
read_at(int fd, void *buf, size_t len, size_t offset)
{
	return (pread(fd, buf, len, (off_t)offset) == (ssize_t)len);
}

/* The record header at `offset`, if there is one under this segment's nonce. */
static bool
read_record_head(const struct reading *r, size_t offset, struct record_head *h)
{
	uint8_t b[JOURNAL_RECORD_HEADER];
	uint32_t count;

	if (offset + JOURNAL_ALIGN > r->size || !read_at(r->fd, b, sizeof(b), offset))
		return (false);
	if (get_le32(b) != RECORD_MAGIC || get_le64(b + 32) != XXH3_64bits_withSeed(b, 32, r->nonce))
		return (false);
	count = get_le32(b + 16);
	h->block_len = get_le32(b + 4);
	h->first_seq = get_le64(b + 8);
	h->last_seq = h->first_seq + count - 1;
	h->block_sum = get_le64(b + 24);
	return (count > 0 && h->block_len <= r->size - offset - JOURNAL_RECORD_HEADER);
}

uint64_t
journal_last_named(const uint8_t *bytes, size_t len)
{
	uint64_t nonce, last = 0;

	if (len < JOURNAL_ALIGN || memcmp(bytes, SEGMENT_MAGIC, 8) != 0 || get_le64(bytes + 56) != XXH3_64bits(bytes, 56))
		return (0);
	nonce = get_le64(bytes + 24);
	for (size_t at = JOURNAL_ALIGN; at + JOURNAL_ALIGN <= len; at += JOURNAL_ALIGN) {
		const uint8_t *h = bytes + at;
		uint64_t end = get_le64(h + 8) + get_le32(h + 16) - 1;

		if (get_le32(h) == RECORD_MAGIC && get_le64(h + 32) == XXH3_64bits_withSeed(h, 32, nonce) && end > last)
			last = end;
	}
	return (last);
}

/* Hand the block behind a header on.  False if its bytes are not the ones that the header covers: torn. */
static bool
visit_block(struct reading *r, size_t offset, const struct record_head *h)
{
	uint8_t *bytes = must_alloc(h->block_len);
	struct block block;
	bool whole;

	whole = read_at(r->fd, bytes, h->block_len, offset + JOURNAL_RECORD_HEADER) &&
	    block_open(&block, bytes, h->block_len) == NULL && block_sum(bytes) == h->block_sum && block.first_seq == h->first_seq;
	if (whole && !r->visit(r->arg, bytes, h->block_len))
		r->stopped = true;
	free(bytes);
	return (whole);
}

/* After the last whole record of a segment nothing may follow that is one. */
static bool
nothing_follows(struct reading *r, size_t offset)
{
	struct record_head h;

	for (size_t at = offset; at < r->size; at += JOURNAL_ALIGN) {
		if (at == offset || !read_record_head(r, at, &h))
			continue;
		snprintf(r->why, r->why_len, "%s is damaged at byte %zu: the record there is broken, but one that was written after it, "
		    "from event %" PRIu64 " on, is whole", r->path, offset, h.first_seq);
		return (false);
	}
	return (true);
}

static bool
read_records(struct reading *r)
{
	struct record_head h;
	size_t offset = JOURNAL_ALIGN;

	while (!r->stopped && read_record_head(r, offset, &h)) {
		uint64_t expected = r->last != 0 ? r->last + 1 : r->applied + 1;

		/* The first record may begin anywhere in what is applied; from then on each continues the one before. */
		if (r->last != 0 ? h.first_seq != expected : h.first_seq > expected) {
			snprintf(r->why, r->why_len, "%s at byte %zu begins with event %" PRIu64 " where %" PRIu64
			    " was expected: events are missing", r->path, offset, h.first_seq, expected);
			return (false);
		}
		if (h.last_seq > r->applied && !visit_block(r, offset, &h))
			break;
		r->last = h.last_seq;
		offset += JOURNAL_ALIGN_UP(JOURNAL_RECORD_HEADER + (size_t)h.block_len);
	}
	return (r->stopped || nothing_follows(r, offset));
}

/* 0 read, -1 refused. */
static int
read_segment(struct reading *r, uint64_t number)
{
	uint8_t h[64];
	int e;

	if (!read_at(r->fd, h, sizeof(h), 0) || memcmp(h, SEGMENT_MAGIC, 8) != 0 || get_le64(h + 56) != XXH3_64bits(h, 56)) {
		/* A segment is renamed to .wal only once its header was flushed: this one was damaged later. */
		snprintf(r->why, r->why_len, "%s is damaged at byte 0: not the header of a journal segment", r->path);
		return (-1);
	}
	if (get_le32(h + 8) > SEGMENT_VERSION) {
		snprintf(r->why, r->why_len, "%s was written by a newer release: install it", r->path);
		return (-1);
	}
	if (memcmp(h + 40, r->j->identity->uuid, 16) != 0 || get_le64(h + 16) != number) {
		snprintf(r->why, r->why_len, "%s belongs to another log", r->path);
		return (-1);
	}
	r->nonce = get_le64(h + 24);
	r->size = get_le64(h + 32);
	/* What a killed daemon wrote may be in the page cache only: it must be on the disk before anybody is told of it. */
	if (!r->readonly && fdatasync(r->fd) != 0) {
		e = errno;
		snprintf(r->why, r->why_len, "cannot flush %s: %s", r->path, strerror(e));
		return (-1);
	}
	return (read_records(r) ? 0 : -1);
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

/* A spare is used again if it has the right size; leavings of an interrupted journal_prepare() are removed. */
static void
tidy(struct journal *j, const char *name, uint64_t spare)
{
	char path[4096];
	struct stat st;

	path_join(path, sizeof(path), j->folder, name);
	if (spare != 0 && j->spare_count < SPARES_MAX && j->spare_count < j->segments_max && stat(path, &st) == 0 &&
	    (size_t)st.st_size == j->segment_bytes)
		j->spares[j->spare_count++] = spare;
	else
		unlink(path);
}

/* Numbers of the segments in the folder, in order. */
static uint64_t *
list_segments(struct journal *j, bool readonly, unsigned *count)
{
	uint64_t *numbers = NULL, number;
	struct dirent *d;
	DIR *dir;
	int end;

	*count = 0;
	if ((dir = opendir(j->folder)) == NULL)
		return (NULL);
	while ((d = readdir(dir)) != NULL) {
		end = 0;
		number = 0;
		if (sscanf(d->d_name, "%16" SCNx64 ".wal%n", &number, &end) == 1 && end == 20 && d->d_name[end] == '\0') {
			numbers = must_realloc(numbers, (*count + 1) * sizeof(*numbers));
			numbers[(*count)++] = number;
		} else if (sscanf(d->d_name, "%16" SCNx64 ".old%n", &number, &end) == 1 && end == 20) {
			if (!readonly)
				tidy(j, d->d_name, number);
		} else if (strcmp(d->d_name, "zeros.new") == 0 && !readonly)
			tidy(j, d->d_name, 0);
		if (end == 20 && number >= j->next_number)
			j->next_number = number + 1;
	}
	closedir(dir);
	if (*count > 0)
		qsort(numbers, *count, sizeof(*numbers), compare_numbers);
	return (numbers);
}

/* The segments that were read wait for release like any other; a spare-sized one is used again. */
static void
keep_for_release(struct journal *j, uint64_t number, uint64_t last)
{
	struct segment *s = must_alloc(sizeof(*s));

	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->number = number;
	s->last_seq = last;
	STAILQ_INSERT_TAIL(&j->retired, s, link);
	j->live++;
}

static bool
read_all(struct reading *r, const uint64_t *numbers, unsigned count)
{
	char path[4096];
	int outcome;

	for (unsigned i = 0; i < count; i++) {
		r->path = segment_path(path, sizeof(path), r->j, numbers[i], ".wal");
		if ((r->fd = open(path, (r->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC)) < 0) {
			snprintf(r->why, r->why_len, "cannot read %s: %s", path, strerror(errno));
			return (false);
		}
		outcome = read_segment(r, numbers[i]);
		close(r->fd);
		if (outcome < 0)
			return (false);
		keep_for_release(r->j, numbers[i], r->last);
	}
	return (true);
}

int
journal_read(const char *folder, const struct identity *id, uint64_t applied, journal_visit *visit, void *arg, char *why,
    size_t why_len)
{
	struct journal j = { .folder = must_strdup(folder), .identity = id };
	struct reading r = { .j = &j, .applied = applied, .visit = visit, .arg = arg, .readonly = true, .why = why, .why_len = why_len };
	struct segment *s;
	uint64_t *numbers;
	unsigned count;
	bool ok;

	STAILQ_INIT(&j.retired);
	numbers = list_segments(&j, true, &count);
	ok = read_all(&r, numbers, count);
	while ((s = STAILQ_FIRST(&j.retired)) != NULL) {
		STAILQ_REMOVE_HEAD(&j.retired, link);
		free(s);
	}
	free(numbers);
	free(j.folder);
	return (ok ? 0 : -1);
}

struct journal *
journal_open(const char *folder, const struct identity *id, size_t segment_bytes, unsigned segments_max, uint64_t applied,
    journal_visit *visit, void *arg, char *why, size_t why_len)
{
	struct journal *j = must_alloc(sizeof(*j));
	struct reading r = { .j = j, .applied = applied, .visit = visit, .arg = arg, .why = why, .why_len = why_len };
	uint64_t *numbers;
	unsigned count;
	bool ok;
	int e;

	memset(j, 0, sizeof(*j));
	j->folder = must_strdup(folder);
	j->identity = id;
	j->segment_bytes = JOURNAL_ALIGN_UP(segment_bytes);
	j->segments_max = segments_max;
	j->next_number = 1;
	pthread_mutex_init(&j->lock, NULL);
	STAILQ_INIT(&j->retired);
	if ((e = folder_make(folder)) != 0) {
		snprintf(why, why_len, "cannot make %s: %s", folder, strerror(e));
		journal_close(j);
		return (NULL);
	}
	numbers = list_segments(j, false, &count);
	ok = read_all(&r, numbers, count);
	free(numbers);
	if (!ok) {
		journal_close(j);
		return (NULL);
	}
	return (j);
}
