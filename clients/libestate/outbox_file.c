/* The outbox's file: see box.h for what is in it. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "box.h"

#define HEAD_MAGIC	0x31786f6274736533ull
#define FRAME_MAGIC	0x786f6266u

/* Both on the disk, little-endian, without gaps. */
struct disk_head {
	uint64_t magic;
	uint32_t format, zero;
	uint64_t generation, next, base;
	uint64_t sum;
};

struct disk_frame {
	uint32_t magic, kind, len, zero;
	uint64_t entry;
	uint64_t ms;
	uint64_t other;
	uint64_t flushed;
	uint64_t sum;			/* of what is above, then of the payload */
};

_Static_assert(sizeof(struct disk_head) == BOX_HEAD_BYTES && sizeof(struct disk_frame) == BOX_FRAME_BYTES, "the disk's layout");

/* ---- The small things ---- */

static int
write_at(int fd, const void *bytes, size_t len, uint64_t at)
{
	const uint8_t *p = bytes;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n, at += (uint64_t)n)
		if ((n = pwrite(fd, p, len, (off_t)at)) < 0) {
			if (errno != EINTR)
				return (ESTATE_SYSTEM);
			n = 0;
		}
	return (0);
}

/* Up to `len` bytes: how many, or -1. */
static ssize_t
read_at(int fd, void *bytes, size_t len, uint64_t at)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		if ((n = pread(fd, (uint8_t *)bytes + got, len - got, (off_t)(at + got))) == 0)
			break;
		if (n < 0 && errno != EINTR)
			return (-1);
		if (n > 0)
			got += (size_t)n;
	}
	return ((ssize_t)got);
}

static uint64_t
frame_sum(const struct box_file *f, const struct disk_frame *d, const void *payload, size_t len, uint64_t at)
{
	uint64_t head = XXH64(d, offsetof(struct disk_frame, sum), f->generation ^ at * 0x9e3779b97f4a7c15ull);

	return (XXH64(payload, len, head));
}

static uint64_t
file_size(int fd)
{
	struct stat st;

	return (fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0);
}

/* ---- Making and opening ---- */

/* An empty file with its head under the name box.new; durable once it is flushed and renamed. */
static int
file_make(struct box_file *f, uint64_t next)
{
	struct disk_head h = { .magic = htole64(HEAD_MAGIC), .format = htole32(BOX_FORMAT), .next = htole64(next) };

	if (getrandom(&f->generation, sizeof(f->generation), 0) != (ssize_t)sizeof(f->generation))
		return (ESTATE_SYSTEM);
	h.generation = htole64(f->generation);
	h.base = htole64(f->base);
	h.sum = htole64(XXH64(&h, offsetof(struct disk_head, sum), 0));
	return (write_at(f->fd, &h, sizeof(h), 0));
}

static int
head_read(struct box_file *f, uint64_t *next, const char *path, char *why)
{
	struct disk_head h;
	ssize_t n = read_at(f->fd, &h, sizeof(h), 0);

	if (n < 0) {
		snprintf(why, ESTATE_OUTBOX_WHY, "%s/box cannot be read: %s", path, strerror(errno));
		return (ESTATE_SYSTEM);
	}
	if (n != (ssize_t)sizeof(h) || h.magic != htole64(HEAD_MAGIC) || le64toh(h.sum) != XXH64(&h, offsetof(struct disk_head, sum), 0)) {
		snprintf(why, ESTATE_OUTBOX_WHY, "%s/box is damaged, or no outbox: its head is not what was written", path);
		return (ESTATE_DAMAGED);
	}
	if (le32toh(h.format) > BOX_FORMAT) {
		snprintf(why, ESTATE_OUTBOX_WHY, "%s was written by a newer release (format %u, this one reads up to %u): install it", path,
		    le32toh(h.format), BOX_FORMAT);
		return (ESTATE_DAMAGED);
	}
	f->generation = le64toh(h.generation);
	f->base = le64toh(h.base);
	*next = le64toh(h.next);
	return (0);
}

/* The lock, with our process id for whoever comes second. */
static int
take_lock(struct box_file *f, const char *path, char *why)
{
	char text[32] = { 0 };
	int n;

	if ((f->lock = openat(f->folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
		snprintf(why, ESTATE_OUTBOX_WHY, "%s/lock cannot be opened: %s", path, strerror(errno));
		return (ESTATE_SYSTEM);
	}
	if (flock(f->lock, LOCK_EX | LOCK_NB) != 0) {
		if (read_at(f->lock, text, sizeof(text) - 1, 0) < 0)
			text[0] = '\0';
		text[strspn(text, "0123456789")] = '\0';
		snprintf(why, ESTATE_OUTBOX_WHY, "%s is in use by process %s; one at a time may have it", path, text[0] != '\0' ? text : "?");
		return (ESTATE_LOCKED);
	}
	/* Courtesy: the lock is the flock. */
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(f->lock, 0) == 0)
		(void)write_at(f->lock, text, (size_t)n, 0);
	return (0);
}

/* What `fd` was opened as becomes `box`, durably. */
static int
put_in_place(const struct box_file *f, int fd)
{
	if (fdatasync(fd) != 0 || renameat(f->folder, "box.new", f->folder, "box") != 0 || fsync(f->folder) != 0)
		return (ESTATE_SYSTEM);
	return (0);
}

static int
folder_open(struct box_file *f, const char *path)
{
	char parent[4096];
	char *slash;
	int fd, error;

	if (!f->readonly && mkdir(path, 0700) == 0) {
		snprintf(parent, sizeof(parent), "%s", path);
		while ((slash = strrchr(parent, '/')) != NULL && slash[1] == '\0' && slash != parent)
			*slash = '\0';
		if (slash == NULL)
			strcpy(parent, ".");
		else
			slash[slash == parent] = '\0';
		if ((fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
			return (ESTATE_SYSTEM);
		error = fsync(fd);
		close(fd);
		if (error != 0)
			return (ESTATE_SYSTEM);
	} else if (!f->readonly && errno != EEXIST)
		return (ESTATE_SYSTEM);
	return ((f->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ? ESTATE_SYSTEM : 0);
}

static int
file_open(struct box_file *f)
{
	int error;

	if ((f->fd = openat(f->folder, "box", (f->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC)) >= 0)
		return (0);
	if (errno != ENOENT || f->readonly)
		return (ESTATE_SYSTEM);
	if ((f->fd = openat(f->folder, "box.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return (ESTATE_SYSTEM);
	f->base = sizeof(struct disk_head);
	if ((error = file_make(f, 1)) == 0)
		error = put_in_place(f, f->fd);
	return (error);
}

int
es_box_file_open(struct box_file *f, const char *path, bool readonly, uint64_t *next, char *why)
{
	int error;

	*f = (struct box_file){ .folder = -1, .lock = -1, .fd = -1, .readonly = readonly };
	if (folder_open(f, path) == 0) {
		if (!readonly && (error = take_lock(f, path, why)) != 0)
			return (error);
		if (file_open(f) == 0)
			return (head_read(f, next, path, why));
	}
	if (readonly && errno == ENOENT)
		snprintf(why, ESTATE_OUTBOX_WHY, "there is no outbox in %s", path);
	else
		snprintf(why, ESTATE_OUTBOX_WHY, "%s cannot be opened: %s", path, strerror(errno));
	return (ESTATE_SYSTEM);
}

void
es_box_file_close(struct box_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->lock >= 0)
		close(f->lock);
	if (f->folder >= 0)
		close(f->folder);
	free(f->owed);
}

/* ---- Reading ---- */

/* The frame at `at` in `have` bytes, if it is whole and true. */
static bool
frame_check(const struct box_file *f, const uint8_t *bytes, size_t have, uint64_t at, struct disk_frame *d)
{
	if (have < sizeof(*d))
		return (false);
	memcpy(d, bytes, sizeof(*d));
	return (d->magic == htole32(FRAME_MAGIC) && le32toh(d->len) <= EVENT_BYTES_MAX && le32toh(d->len) <= have - sizeof(*d) &&
	    le64toh(d->sum) == frame_sum(f, d, bytes + sizeof(*d), le32toh(d->len), at));
}

static void
frame_tell(const struct disk_frame *d, struct frame_told *t)
{
	t->kind = (enum frame_kind)le32toh(d->kind);
	t->len = le32toh(d->len);
	t->entry = le64toh(d->entry);
	t->ms = (int64_t)le64toh(d->ms);
	t->other = le64toh(d->other);
}

int
es_box_file_read(const struct box_file *f, uint64_t at, struct frame_told *t, void *bytes)
{
	uint8_t whole[BOX_FRAME_BYTES + EVENT_BYTES_MAX];
	struct disk_frame d;
	ssize_t n;

	if ((n = read_at(f->fd, whole, sizeof(d), at)) < 0)
		return (ESTATE_SYSTEM);
	if (n != (ssize_t)sizeof(d))
		return (ESTATE_DAMAGED);
	memcpy(&d, whole, sizeof(d));
	if (le32toh(d.len) > EVENT_BYTES_MAX)
		return (ESTATE_DAMAGED);
	if ((n = read_at(f->fd, whole + sizeof(d), le32toh(d.len), at + sizeof(d))) < 0)
		return (ESTATE_SYSTEM);
	if (!frame_check(f, whole, sizeof(d) + (size_t)n, at, &d))
		return (ESTATE_DAMAGED);
	frame_tell(&d, t);
	if (bytes != NULL)
		memcpy(bytes, whole + sizeof(d), t->len);
	return (0);
}

/* A stretch of the file, moved on as it is read. */
struct reader {
	const struct box_file *f;
	uint64_t from;
	size_t have;
	uint8_t bytes[4 * (BOX_FRAME_BYTES + EVENT_BYTES_MAX)];
};

/* What is there at `at`: a whole frame at least, unless the file ends before.  NULL if it cannot be read. */
static const uint8_t *
reader_at(struct reader *r, uint64_t at, size_t *have)
{
	ssize_t n;

	if (at < r->from || at + BOX_FRAME_BYTES + EVENT_BYTES_MAX > r->from + r->have) {
		if ((n = read_at(r->f->fd, r->bytes, sizeof(r->bytes), at)) < 0)
			return (NULL);
		r->from = at;
		r->have = (size_t)n;
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
		if (magic == htole32(FRAME_MAGIC) && frame_check(r->f, p, have, at, &d) && le64toh(d.flushed) > bad)
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
		error = (p = reader_at(r, done, &have)) == NULL || have == 0 ? ESTATE_SYSTEM : write_at(fd, p, have, done - at);
	if (error == 0 && (fdatasync(fd) != 0 || fsync(f->folder) != 0))
		error = ESTATE_SYSTEM;
	close(fd);
	return (error);
}

int
es_box_file_scan(struct box_file *f, bool (*told)(void *, const struct frame_told *, uint64_t at), void *user, char *why)
{
	struct reader *r = calloc(1, sizeof(*r));
	uint64_t at = sizeof(struct disk_head), size = file_size(f->fd);
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
	while ((p = reader_at(r, at, &have)) != NULL && frame_check(f, p, have, at, &d)) {
		frame_tell(&d, &t);
		if (!told(user, &t, at))
			break;
		at += sizeof(d) + t.len;
	}
	f->end = at;
	/* A reader may be looking while the end is being written; its view ends before. */
	if (p != NULL && at < size && (at < f->base || frame_check(f, p, have, at, &d) || was_promised(r, at, size))) {
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox is damaged: what was promised at byte %" PRIu64 " of its file `box` is not what was "
		    "written; keep a copy of the folder, and open a new one", at);
		error = ESTATE_DAMAGED;
	} else if (p != NULL && at < f->base) {
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox is damaged: its file `box` was cut at byte %" PRIu64, at);
		error = ESTATE_DAMAGED;
	} else if (p != NULL && (f->readonly || at == size || (keep_torn(f, r, at, size) == 0 && ftruncate(f->fd, (off_t)at) == 0)) &&
	    (f->readonly || fdatasync(f->fd) == 0)) {
		f->flushed = at;
		error = 0;
	} else
		snprintf(why, ESTATE_OUTBOX_WHY, "the outbox's file `box`: %s", strerror(errno));
	free(r);
	return (error);
}

/* ---- Writing ---- */

int
es_box_file_add(struct box_file *f, const struct frame_told *t, const void *payload, uint64_t *at)
{
	struct disk_frame d = { .magic = htole32(FRAME_MAGIC), .kind = htole32(t->kind), .len = htole32(t->len), .entry = htole64(t->entry),
	    .ms = htole64((uint64_t)t->ms), .other = htole64(t->other), .flushed = htole64(f->flushed) };
	size_t size = f->owed_size == 0 ? 4096 : f->owed_size;
	uint8_t *more;

	while (size < f->owed_len + sizeof(d) + t->len)
		size *= 2;
	if (size != f->owed_size) {
		if ((more = realloc(f->owed, size)) == NULL)
			return (ESTATE_SYSTEM);
		f->owed = more;
		f->owed_size = size;
	}
	*at = f->end + f->owed_len;
	d.sum = htole64(frame_sum(f, &d, payload, t->len, *at));
	memcpy(f->owed + f->owed_len, &d, sizeof(d));
	if (t->len > 0)
		memcpy(f->owed + f->owed_len + sizeof(d), payload, t->len);
	f->owed_len += sizeof(d) + t->len;
	return (0);
}

int
es_box_file_save(struct box_file *f)
{
	int saved;

	if (f->broken) {
		errno = EIO;
		return (ESTATE_SYSTEM);
	}
	if (f->owed_len == 0)
		return (0);
	if (write_at(f->fd, f->owed, f->owed_len, f->end) != 0) {
		saved = errno;
		/* Half of it may be there: nobody may find it. */
		if (ftruncate(f->fd, (off_t)f->end) != 0)
			f->broken = true;
		errno = saved;
		return (ESTATE_SYSTEM);
	}
	f->end += f->owed_len;
	f->owed_len = 0;
	return (0);
}

int
es_box_file_flush(struct box_file *f)
{
	int error;

	if ((error = es_box_file_save(f)) != 0 || f->flushed == f->end)
		return (error);
	if (fdatasync(f->fd) != 0) {
		/* The kernel may have thrown the bytes away and would say nothing next time. */
		f->broken = true;
		return (ESTATE_SYSTEM);
	}
	f->flushed = f->end;
	return (0);
}

/* ---- Writing it anew ---- */

int
es_box_file_rewrite_begin(const struct box_file *f, struct box_file *fresh, uint64_t next)
{
	*fresh = (struct box_file){ .folder = f->folder, .lock = f->lock, .end = sizeof(struct disk_head) };
	if ((fresh->fd = openat(f->folder, "box.new", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return (ESTATE_SYSTEM);
	/* The frames first: only then is it known how far the head may promise. */
	return (file_make(fresh, next));
}

int
es_box_file_rewrite_finish(struct box_file *f, struct box_file *fresh)
{
	struct disk_head h;

	if (es_box_file_save(fresh) != 0 || read_at(fresh->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return (ESTATE_SYSTEM);
	fresh->base = fresh->flushed = fresh->end;
	h.base = htole64(fresh->base);
	h.sum = htole64(XXH64(&h, offsetof(struct disk_head, sum), 0));
	if (write_at(fresh->fd, &h, sizeof(h), 0) != 0 || fdatasync(fresh->fd) != 0 ||
	    renameat(f->folder, "box.new", f->folder, "box") != 0)
		return (ESTATE_SYSTEM);
	/* From here on it is the file, whatever happens. */
	close(f->fd);
	free(f->owed);
	*f = *fresh;
	if (fsync(f->folder) != 0)
		f->broken = true;
	return (0);
}

void
es_box_file_rewrite_abandon(struct box_file *fresh)
{
	int saved = errno;

	if (fresh->fd >= 0) {
		close(fresh->fd);
		unlinkat(fresh->folder, "box.new", 0);
	}
	free(fresh->owed);
	errno = saved;
}
