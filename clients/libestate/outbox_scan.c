/* The outbox's file is read from its head to its end: what is whole is told, what was torn is cut off, what is damaged is refused. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box_disk.h"

static uint64_t
file_size(int fd)
{
	struct stat st;

	return (fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0);
}

/* Where the zeros begin that reach to the end. */
static uint64_t
zeros_from(int fd, uint64_t at, uint64_t size)
{
	uint8_t bytes[1 << 14];
	size_t n;

	for (; size > at; size -= n) {
		n = size - at < sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);
		if (es_box_read_at(fd, bytes, n, size - n) != (ssize_t)n)
			return (size);
		for (size_t i = n; i > 0; i--)
			if (bytes[i - 1] != 0)
				return (size - n + i);
	}
	return (at);
}

/* A stretch of the file, moved on as it is read. */
struct reader {
	const struct box_file *f;
	uint64_t from;
	size_t have;
	bool ended;		/* there is nothing behind it */
	uint8_t bytes[4 * (BOX_FRAME_BYTES + EVENT_BYTES_MAX)];
};

/* What is there at `at`: a whole frame at least, unless the file ends before.  NULL if it cannot be read. */
static const uint8_t *
reader_at(struct reader *r, uint64_t at, size_t *have)
{
	ssize_t n;

	if (at < r->from || at > r->from + r->have || (!r->ended && at + BOX_FRAME_BYTES + EVENT_BYTES_MAX > r->from + r->have)) {
		if ((n = es_box_read_at(r->f->fd, r->bytes, sizeof(r->bytes), at)) < 0)
			return (NULL);
		r->from = at;
		r->have = (size_t)n;
		r->ended = (size_t)n < sizeof(r->bytes);
	}
	*have = r->have - (size_t)(at - r->from);
	return (r->bytes + (at - r->from));
}

/* Whether a frame behind a bad one says that the bad one's place had been flushed. */
static bool
was_promised(struct reader *r, uint64_t bad, uint64_t size)
{
	const uint8_t *p;
	struct disk_frame d;
	size_t have;
	uint32_t magic;

	for (uint64_t at = bad + 1; at + sizeof(d) <= size; at++) {
		if ((p = reader_at(r, at, &have)) == NULL)
			return (true);
		memcpy(&magic, p, sizeof(magic));
		if (magic == htole32(FRAME_MAGIC) && es_box_frame_check(r->f, p, have, at, &d) && le64toh(d.flushed) > bad)
			return (true);
	}
	return (false);
}

/* Keep what is cut off, unless it is the mere beginning of a frame: nobody was promised it, but somebody may want to look. */
static int
keep_torn(const struct box_file *f, struct reader *r, uint64_t at, uint64_t size)
{
	char name[48];
	struct disk_frame d;
	const uint8_t *p;
	size_t have;
	int fd, error = 0;

	if ((p = reader_at(r, at, &have)) == NULL)
		return (ESTATE_SYSTEM);
	if (have < sizeof(d))
		return (0);
	memcpy(&d, p, sizeof(d));
	if (d.magic == htole32(FRAME_MAGIC) && le32toh(d.len) > size - at - sizeof(d))
		return (0);
	snprintf(name, sizeof(name), "torn.%" PRIu64, at);
	if ((fd = openat(f->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return (ESTATE_SYSTEM);
	for (uint64_t done = at; done < size && error == 0; done += have)
		error = (p = reader_at(r, done, &have)) == NULL || have == 0 ? ESTATE_SYSTEM : es_box_write_at(fd, p, have, done - at);
	if (error == 0 && (fdatasync(fd) != 0 || fsync(f->folder) != 0))
		error = ESTATE_SYSTEM;
	close(fd);
	return (error);
}

int
es_box_file_scan(struct box_file *f, bool (*told)(void *, const struct frame_told *, uint64_t at), void *user, char *why)
{
	struct reader *r = calloc(1, sizeof(*r));
	uint64_t at = sizeof(struct disk_head), len = file_size(f->fd), size;
	struct frame_told t;
	struct disk_frame d;
	const uint8_t *p;
	size_t have;
	int error = ESTATE_SYSTEM;

	if (r == NULL) {
		snprintf(why, ESTATE_OUTBOX_WHY, "no memory");
		return (ESTATE_SYSTEM);
	}
	r->f = f;
	while ((p = reader_at(r, at, &have)) != NULL && es_box_frame_check(f, p, have, at, &d)) {
		es_box_frame_tell(&d, &t);
		if (!told(user, &t, at))
			break;
		at += sizeof(d) + t.len;
	}
	f->end = at;
	/* A whole frame behind the bad one may itself end with zeros, without a payload even within its checksum. */
	if ((size = zeros_from(f->fd, at, len)) > at)
		size = size + sizeof(d) < len ? size + sizeof(d) : len;
	/* A reader may be looking while the end is being written; its view ends before. */
	if (p != NULL && at < size && (at < f->base || es_box_frame_check(f, p, have, at, &d) || was_promised(r, at, size))) {
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox is damaged: what was promised at byte %" PRIu64 " of its file `box` is not what was "
		    "written; `estate outbox salvage --to NEW` saves what is whole", at);
		error = ESTATE_DAMAGED;
	} else if (p != NULL && at < f->base) {
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox is damaged: its file `box` was cut at byte %" PRIu64
		    "; `estate outbox salvage --to NEW` saves what is whole", at);
		error = ESTATE_DAMAGED;
	} else if (p != NULL && (f->readonly || at == len || ((at == size || keep_torn(f, r, at, size) == 0) && ftruncate(f->fd, (off_t)at) == 0)) &&
	    (f->readonly || fdatasync(f->fd) == 0)) {
		f->flushed = at;
		error = 0;
	} else
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox's file `box`: %s", strerror(errno));
	free(r);
	return (error);
}

/* The next whole frame from `at` on, or `size`. */
static uint64_t
find_frame(struct reader *r, uint64_t at, uint64_t size)
{
	struct disk_frame d;
	const uint8_t *p;
	size_t have;
	uint32_t magic;

	for (; at + sizeof(d) <= size; at++) {
		if ((p = reader_at(r, at, &have)) == NULL)
			return (UINT64_MAX);
		memcpy(&magic, p, sizeof(magic));
		if (magic == htole32(FRAME_MAGIC) && es_box_frame_check(r->f, p, have, at, &d))
			return (at);
	}
	return (size);
}

int
es_box_file_scan_damaged(struct box_file *f, bool (*told)(void *, const struct frame_told *, uint64_t at),
    void (*damaged)(void *, uint64_t from, uint64_t to), void *user, char *why)
{
	struct reader *r = calloc(1, sizeof(*r));
	uint64_t at = sizeof(struct disk_head), size = file_size(f->fd), whole = 0;
	struct frame_told t;
	struct disk_frame d;
	const uint8_t *p;
	size_t have;
	bool read = r != NULL, memory = read;

	if (read)
		r->f = f;
	f->end = UINT64_MAX;
	while (read && memory && at < size) {
		uint64_t next = find_frame(r, at, size);

		if (next >= size) {
			f->end = zeros_from(f->fd, at, size);
			if ((read = next == size) && f->end > at)
				damaged(user, at, f->end);
			break;
		}
		if (next > at)
			damaged(user, at, next);
		if (!(read = (p = reader_at(r, next, &have)) != NULL))
			break;
		memcpy(&d, p, sizeof(d));
		es_box_frame_tell(&d, &t);
		memory = told(user, &t, next);
		at = next + sizeof(d) + t.len;
		whole++;
	}
	free(r);
	if (!read || !memory)
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox's file `box`: %s", memory ? strerror(errno) : "no memory");
	else if (whole == 0 && size > sizeof(struct disk_head))
		snprintf(why, ESTATE_OUTBOX_WHY, "nothing in the outbox's file `box` is whole: its head, which proves the rest, is gone, or all of it");
	else
		return (0);
	return (read && memory ? ESTATE_DAMAGED : ESTATE_SYSTEM);
}
