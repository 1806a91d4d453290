/* The outbox's file: made, opened, read, appended to, written anew.  See box.h for what is in it. */
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

#include "box_disk.h"

/* Zeros written ahead at a time: some hundred events.  Each time costs the flush that a file which only grows needs always. */
#define ZEROS_BYTES	(256u << 10)

/* ---- The small things ---- */

int
es_box_write_at(int fd, const void *bytes, size_t len, uint64_t at)
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

ssize_t
es_box_read_at(int fd, void *bytes, size_t len, uint64_t at)
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
	return (es_box_write_at(f->fd, &h, sizeof(h), 0));
}

static int
head_read(struct box_file *f, uint64_t *next, const char *path, char *why)
{
	struct disk_head h;
	ssize_t n = es_box_read_at(f->fd, &h, sizeof(h), 0);

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
		if (es_box_read_at(f->lock, text, sizeof(text) - 1, 0) < 0)
			text[0] = '\0';
		text[strspn(text, "0123456789")] = '\0';
		snprintf(why, ESTATE_OUTBOX_WHY, "%s is in use by process %s; one at a time may have it", path, text[0] != '\0' ? text : "?");
		return (ESTATE_LOCKED);
	}
	/* Courtesy: the lock is the flock. */
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(f->lock, 0) == 0)
		(void)es_box_write_at(f->lock, text, (size_t)n, 0);
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

int
es_box_file_open_damaged(struct box_file *f, const char *path, uint64_t *next, char *why)
{
	struct disk_head h = { 0 };
	int error;

	*f = (struct box_file){ .folder = -1, .lock = -1, .fd = -1, .readonly = true };
	if (folder_open(f, path) != 0 || file_open(f) != 0) {
		snprintf(why, ESTATE_OUTBOX_WHY, "%s/box cannot be opened: %s", path, strerror(errno));
		return (ESTATE_SYSTEM);
	}
	/* Nobody may write it meanwhile. */
	if ((error = take_lock(f, path, why)) != 0 || (error = head_read(f, next, path, why)) == 0)
		return (error);
	if (error != ESTATE_DAMAGED || es_box_read_at(f->fd, &h, sizeof(h), 0) < 0 || le32toh(h.format) > BOX_FORMAT)
		return (error);
	f->generation = le64toh(h.generation);
	*next = 0;
	return (0);
}

void
es_box_file_close(struct box_file *f)
{
	/* Courtesy: whoever opens it next passes over them. */
	if (f->zeroed > f->end && !f->broken)
		(void)!ftruncate(f->fd, (off_t)f->end);
	if (f->fd >= 0)
		close(f->fd);
	if (f->lock >= 0)
		close(f->lock);
	if (f->folder >= 0)
		close(f->folder);
	free(f->owed);
}

/* ---- Reading ---- */

bool
es_box_frame_check(const struct box_file *f, const uint8_t *bytes, size_t have, uint64_t at, struct disk_frame *d)
{
	if (have < sizeof(*d))
		return (false);
	memcpy(d, bytes, sizeof(*d));
	return (d->magic == htole32(FRAME_MAGIC) && le32toh(d->len) <= EVENT_BYTES_MAX && le32toh(d->len) <= have - sizeof(*d) &&
	    le64toh(d->sum) == frame_sum(f, d, bytes + sizeof(*d), le32toh(d->len), at));
}

void
es_box_frame_tell(const struct disk_frame *d, struct frame_told *t)
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

	if ((n = es_box_read_at(f->fd, whole, sizeof(d), at)) < 0)
		return (ESTATE_SYSTEM);
	if (n != (ssize_t)sizeof(d))
		return (ESTATE_DAMAGED);
	memcpy(&d, whole, sizeof(d));
	if (le32toh(d.len) > EVENT_BYTES_MAX)
		return (ESTATE_DAMAGED);
	if ((n = es_box_read_at(f->fd, whole + sizeof(d), le32toh(d.len), at + sizeof(d))) < 0)
		return (ESTATE_SYSTEM);
	if (!es_box_frame_check(f, whole, sizeof(d) + (size_t)n, at, &d))
		return (ESTATE_DAMAGED);
	es_box_frame_tell(&d, t);
	if (bytes != NULL)
		memcpy(bytes, whole + sizeof(d), t->len);
	return (0);
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

/* Zeros behind what is owed, unless there are.  Without room for them there may be room for what is owed: so they go first. */
static void
zeros_ahead(struct box_file *f)
{
	static const uint8_t zeros[ZEROS_BYTES];
	uint64_t behind = f->end + f->owed_len;

	if (behind <= f->zeroed || f->owed_len >= sizeof(zeros))
		return;
	if (es_box_write_at(f->fd, zeros, sizeof(zeros), behind) == 0)
		f->zeroed = behind + sizeof(zeros);
	else if (ftruncate(f->fd, (off_t)f->end) != 0)
		f->broken = true;
	else
		f->zeroed = 0;
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
	zeros_ahead(f);
	if (es_box_write_at(f->fd, f->owed, f->owed_len, f->end) != 0) {
		saved = errno;
		/* Half of it may be there: nobody may find it. */
		if (ftruncate(f->fd, (off_t)f->end) != 0)
			f->broken = true;
		f->zeroed = 0;
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

	if (es_box_file_save(fresh) != 0 || es_box_read_at(fresh->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return (ESTATE_SYSTEM);
	fresh->base = fresh->flushed = fresh->end;
	h.base = htole64(fresh->base);
	h.sum = htole64(XXH64(&h, offsetof(struct disk_head, sum), 0));
	if (es_box_write_at(fresh->fd, &h, sizeof(h), 0) != 0 || fdatasync(fresh->fd) != 0 ||
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
