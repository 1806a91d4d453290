#include "disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

#define SECTOR		512u
#define INODES_MAX	4096u
#define NAMES_MAX	4096u

struct pending {
	uint64_t offset;
	uint32_t len;
	const uint8_t *bytes;
	bool covered;			/* by a flush under way */
	struct pending *next;
};

struct inode {
	bool folder;
	uint8_t *bytes;			/* what is on the disk for sure */
	size_t len, room;
	struct pending *first, **last;	/* in order */
};

/* One change of a name, in order. */
struct change {
	uint32_t op;
	const char *path, *to;
	unsigned inode;
	bool covered, done;		/* done: flushed */
};

struct names {
	struct {
		const char *path;
		unsigned inode;
	} at[NAMES_MAX];
	unsigned count;
};

struct disk {
	struct inode inodes[INODES_MAX];
	unsigned inode_count;
	/* Names as the running system sees them, and as the disk has them for sure before all changes. */
	struct names live, base;
	struct change *changes;
	unsigned change_count, change_room;
	const char *open_path[INODES_MAX];	/* by the trace's file number */
	unsigned open_inode[INODES_MAX];
};

uint64_t
draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (z ^ z >> 31);
}

static void die(const char *what, const char *path) __attribute__((noreturn));

static void
die(const char *what, const char *path)
{
	fprintf(stderr, "powercut: %s: %s\n", what, path);
	exit(2);
}

struct disk *
disk_new(void)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		die("out of memory", "");
	return (d);
}

static unsigned
inode_new(struct disk *d, bool folder)
{
	struct inode *i = &d->inodes[d->inode_count];

	if (d->inode_count == INODES_MAX)
		die("too many files", "");
	i->folder = folder;
	i->last = &i->first;
	return (d->inode_count++);
}

/* Room for that many bytes, zeros where nothing was written. */
static void
inode_reserve(struct inode *i, size_t len)
{
	size_t room = len * 3 / 2;

	if (len <= i->room)
		return;
	if ((i->bytes = realloc(i->bytes, room)) == NULL)
		die("out of memory", "");
	memset(i->bytes + i->room, 0, room - i->room);
	i->room = room;
}

static void
inode_write(struct inode *i, uint64_t offset, const void *bytes, size_t len)
{
	inode_reserve(i, offset + len);
	memcpy(i->bytes + offset, bytes, len);
	if (offset + len > i->len)
		i->len = offset + len;
}

static int
names_find(const struct names *n, const char *path)
{
	for (unsigned i = 0; i < n->count; i++)
		if (strcmp(n->at[i].path, path) == 0)
			return ((int)i);
	return (-1);
}

static void
names_set(struct names *n, const char *path, unsigned inode)
{
	int at = names_find(n, path);

	if (at < 0) {
		if (n->count == NAMES_MAX)
			die("too many names", path);
		at = (int)n->count++;
	}
	n->at[at].path = path;
	n->at[at].inode = inode;
}

static void
names_drop(struct names *n, const char *path)
{
	int at = names_find(n, path);

	if (at >= 0)
		n->at[at] = n->at[--n->count];
}

/* A name, and with a folder's all that lies below it. */
static void
names_rename(struct names *n, const char *from, const char *to)
{
	size_t len = strlen(from);

	names_drop(n, to);
	for (unsigned i = 0; i < n->count; i++) {
		const char *path = n->at[i].path;
		char *moved;

		if (strncmp(path, from, len) != 0 || (path[len] != '\0' && path[len] != '/'))
			continue;
		if (asprintf(&moved, "%s%s", to, path + len) < 0)
			die("out of memory", "");
		n->at[i].path = moved;
	}
}

static void
load_below(struct disk *d, const char *folder, const char *prefix)
{
	char path[4096], name[2048];
	struct dirent *e;
	struct stat st;
	DIR *dir = opendir(folder);

	if (dir == NULL)
		die("cannot read", folder);
	while ((e = readdir(dir)) != NULL) {
		unsigned inode;
		FILE *f;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, "lock.mdb") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix != '\0' ? "/" : "", e->d_name);
		if (stat(path, &st) != 0)
			die("cannot stat", path);
		inode = inode_new(d, S_ISDIR(st.st_mode));
		names_set(&d->live, strdup(name), inode);	/* lives as long as the program */
		if (S_ISDIR(st.st_mode)) {
			load_below(d, path, name);
			continue;
		}
		if ((f = fopen(path, "re")) == NULL)
			die("cannot read", path);
		d->inodes[inode].room = d->inodes[inode].len = (size_t)st.st_size;
		d->inodes[inode].bytes = malloc((size_t)st.st_size + 1);
		if (fread(d->inodes[inode].bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
			die("cannot read", path);
		fclose(f);
	}
	closedir(dir);
}

void
disk_load(struct disk *d, const char *folder)
{
	load_below(d, folder, "");
	d->base = d->live;
}

static void
change_add(struct disk *d, uint32_t op, const char *path, const char *to, unsigned inode)
{
	if (d->change_count == d->change_room) {
		d->change_room = d->change_room == 0 ? 256 : d->change_room * 2;
		if ((d->changes = realloc(d->changes, d->change_room * sizeof(*d->changes))) == NULL)
			die("out of memory", "");
	}
	d->changes[d->change_count++] = (struct change){ op, path, to, inode, false, false };
}

/* Does `path` lie directly in the folder? */
static bool
is_in(const char *path, const char *folder)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	return (n == 0 ? strcmp(folder, ".") == 0 : strlen(folder) == n && strncmp(path, folder, n) == 0);
}

/* The path as the trace names folders: "keys/.." is ".". */
static const char *
plain(const char *path)
{
	size_t n = strlen(path);
	const char *slash;

	if (n < 3 || strcmp(path + n - 3, "/..") != 0)
		return (path);
	slash = memrchr(path, '/', n - 3);
	return (slash == NULL ? "." : strndup(path, (size_t)(slash - path)));
}

static void
flush_begin(struct disk *d, uint32_t file)
{
	const char *path = d->open_path[file];
	struct inode *i = &d->inodes[d->open_inode[file]];

	for (struct pending *p = i->first; p != NULL; p = p->next)
		p->covered = true;
	for (unsigned k = 0; k < d->change_count; k++)
		if (is_in(d->changes[k].path, path))
			d->changes[k].covered = true;
}

static void
flush_end(struct disk *d, uint32_t file, bool ok)
{
	const char *path = d->open_path[file];
	struct inode *i = &d->inodes[d->open_inode[file]];
	struct pending **at = &i->first, *p;

	while ((p = *at) != NULL) {
		if (!ok || !p->covered) {
			at = &p->next;
			continue;
		}
		inode_write(i, p->offset, p->bytes, p->len);
		*at = p->next;
		free(p);
	}
	i->last = at;
	for (unsigned k = 0; k < d->change_count && ok; k++)
		if (d->changes[k].covered && is_in(d->changes[k].path, path))
			d->changes[k].done = true;
}

static void
on_open(struct disk *d, const struct trace_record *r, const char *path)
{
	int at;

	path = plain(path);
	if (r->op == TRACE_CREATE) {
		unsigned inode = inode_new(d, false);

		names_set(&d->live, path, inode);
		change_add(d, TRACE_CREATE, path, NULL, inode);
	} else if ((at = names_find(&d->live, path)) < 0)
		/* The root itself, or a file that no name change of the trace made, such as LMDB's lock. */
		names_set(&d->live, path, inode_new(d, strcmp(path, ".") == 0));
	d->open_path[r->file] = path;
	d->open_inode[r->file] = d->live.at[names_find(&d->live, path)].inode;
}

static void
on_write(struct disk *d, const struct trace_record *r, const void *bytes)
{
	struct inode *i = &d->inodes[d->open_inode[r->file]];
	struct pending *p;

	if (r->durable) {
		inode_write(i, r->offset, bytes, r->len);
		return;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL)
		die("out of memory", "");
	p->offset = r->offset;
	p->len = r->len;
	p->bytes = bytes;
	*i->last = p;
	i->last = &p->next;
}

static void
on_rename(struct disk *d, const char *from, const char *to)
{
	if (names_find(&d->live, from) < 0)
		die("renamed, but never seen", from);
	names_rename(&d->live, from, to);
	change_add(d, TRACE_RENAME, from, to, 0);
}

void
disk_step(struct disk *d, const struct trace_record *r, const void *payload)
{
	const char *path = payload;

	switch (r->op) {
	case TRACE_OPEN:
	case TRACE_CREATE:
		on_open(d, r, path);
		break;
	case TRACE_TRUNCATE:
		inode_reserve(&d->inodes[d->open_inode[r->file]], r->offset);
		d->inodes[d->open_inode[r->file]].len = r->offset;
		break;
	case TRACE_WRITE:
		on_write(d, r, payload);
		break;
	case TRACE_FLUSH_BEGIN:
		flush_begin(d, r->file);
		break;
	case TRACE_FLUSH_END:
		flush_end(d, r->file, r->result == 0);
		break;
	case TRACE_RENAME:
		on_rename(d, path, path + strlen(path) + 1);
		break;
	case TRACE_UNLINK:
		names_drop(&d->live, path);
		change_add(d, TRACE_UNLINK, path, NULL, 0);
		break;
	case TRACE_MKDIR: {
		unsigned inode = inode_new(d, true);

		names_set(&d->live, path, inode);
		change_add(d, TRACE_MKDIR, path, NULL, inode);
		break;
	}
	default:
		break;
	}
}

/* Names as a cut may leave them. */
static void
names_after_cut(const struct disk *d, uint64_t *random, struct names *n)
{
	unsigned loose = 0, kept;

	*n = d->base;
	for (unsigned i = 0; i < d->change_count; i++)
		loose += !d->changes[i].done;
	kept = (unsigned)(draw(random) % (loose + 1));
	for (unsigned i = 0; i < d->change_count; i++) {
		const struct change *c = &d->changes[i];

		if (!c->done && kept == 0)
			continue;
		kept -= !c->done;
		if (c->op == TRACE_UNLINK)
			names_drop(n, c->path);
		else if (c->op == TRACE_RENAME)
			names_rename(n, c->path, c->to);
		else
			names_set(n, c->path, c->inode);
	}
}

/* Any of the write's sectors: all, none, the first few, or a throw of the coin for each. */
static void
apply_torn(struct inode *copy, uint64_t offset, const uint8_t *bytes, uint32_t len, uint64_t *random)
{
	unsigned kind = (unsigned)(draw(random) % 4);
	uint32_t sectors = (len + SECTOR - 1) / SECTOR, upto = (uint32_t)(draw(random) % (sectors + 1));

	for (uint32_t s = 0; s < sectors; s++) {
		uint32_t at = s * SECTOR, n = len - at < SECTOR ? len - at : SECTOR;

		if (kind == 0 || (kind == 1 && s < upto) || (kind == 2 && draw(random) % 2 == 0))
			inode_write(copy, offset + at, bytes + at, n);
	}
}

/* Holes stay holes: most of a journal is zeros. */
static void
write_file(const char *path, const struct inode *i)
{
	static const uint8_t zeros[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die("cannot make", path);
	for (size_t at = 0; at < i->len; at += sizeof(zeros)) {
		size_t n = i->len - at < sizeof(zeros) ? i->len - at : sizeof(zeros);

		if (memcmp(i->bytes + at, zeros, n) != 0 && pwrite(fd, i->bytes + at, n, (off_t)at) != (ssize_t)n)
			die("cannot write", path);
	}
	if (ftruncate(fd, (off_t)i->len) != 0)
		die("cannot size", path);
	close(fd);
}

/* Below a folder whose own name did not make it. */
static bool
is_orphan(const struct names *n, const char *path)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];

	if (slash == NULL)
		return (false);
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	return (names_find(n, parent) < 0 || is_orphan(n, parent));
}

static int
compare_paths(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

void
disk_cut(const struct disk *d, const struct trace_record *next, const void *payload, uint64_t *random, const char *to)
{
	static struct names n;
	char path[4096];

	names_after_cut(d, random, &n);
	qsort(n.at, n.count, sizeof(n.at[0]), compare_paths);
	for (unsigned k = 0; k < n.count; k++) {
		const struct inode *i = &d->inodes[n.at[k].inode];
		struct inode copy = { .len = i->len, .room = i->len };

		if (strcmp(n.at[k].path, ".") == 0 || is_orphan(&n, n.at[k].path))
			continue;
		snprintf(path, sizeof(path), "%s/%s", to, n.at[k].path);
		if (i->folder) {
			if (mkdir(path, 0700) != 0)
				die("cannot make", path);
			continue;
		}
		if (i->first == NULL && (next == NULL || d->open_inode[next->file] != n.at[k].inode)) {
			write_file(path, i);
			continue;
		}
		copy.bytes = malloc(i->len + 1);
		if (i->len > 0)
			memcpy(copy.bytes, i->bytes, i->len);
		for (const struct pending *p = i->first; p != NULL; p = p->next)
			apply_torn(&copy, p->offset, p->bytes, p->len, random);
		if (next != NULL && d->open_inode[next->file] == n.at[k].inode)
			apply_torn(&copy, next->offset, payload, next->len, random);
		write_file(path, &copy);
		free(copy.bytes);
	}
}
