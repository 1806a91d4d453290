/*
 * interpose.so, for LD_PRELOAD: stands between a daemon, or the owner of an outbox, and the system.
 *
 *   INTERPOSE_ROOT=FOLDER     the data folder
 *   INTERPOSE_TRACE=FILE      write down what happens below it, and every ack before it leaves (trace.h)
 *   INTERPOSE_CONTROL=FILE    a mapped struct control: what shall fail, and how far the wall clock is off
 *
 * An operation is written down when it has returned, an ack before it is sent, and a flush at both ends: so the order in the file is
 * never kinder to the daemon than the truth.
 */
#define _LARGEFILE64_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "trace.h"

#define FDS_MAX		4096
#define FILES_MAX	1024

/* The tests map this file too and change it while the daemon runs. */
struct control {
	uint32_t fail_writes;	/* an errno for every write … */
	uint32_t fail_flushes;	/* an errno for every flush (and every O_DSYNC write) … */
	char where[56];		/* … of files whose path holds this */
	int64_t clock_offset_s;	/* added to CLOCK_REALTIME */
};

static struct {
	char root[1024];
	int trace;
	struct control *control;
	pthread_mutex_t lock;
	char *paths[FILES_MAX];
	unsigned path_count;
	struct {
		uint32_t file;
		bool sync;
	} fds[FDS_MAX];
	bool ready;
} state = { .trace = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

#define REAL(name)	((__typeof__(&name))real(#name))

static void *
real(const char *name)
{
	return (dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) static void
begin(void)
{
	const char *root = getenv("INTERPOSE_ROOT"), *trace = getenv("INTERPOSE_TRACE"), *control = getenv("INTERPOSE_CONTROL");
	int fd;

	if (root != NULL)
		snprintf(state.root, sizeof(state.root), "%s/", root);
	if (trace != NULL)
		state.trace = REAL(open)(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (control != NULL && (fd = REAL(open)(control, O_RDWR | O_CLOEXEC)) >= 0) {
		void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		state.control = map == MAP_FAILED ? NULL : map;
		REAL(close)(fd);
	}
	state.ready = root != NULL;
}

/* Lock held. */
static void
put(uint32_t op, uint32_t file, uint64_t offset, int32_t result, uint32_t durable, const void *bytes, size_t len)
{
	struct trace_record r = { op, file, offset, (uint32_t)len, result, durable, 0 };
	struct iovec v[2] = { { &r, sizeof(r) }, { (void *)(uintptr_t)bytes, len } };

	if (state.trace >= 0 && REAL(writev)(state.trace, v, len > 0 ? 2 : 1) != (ssize_t)(sizeof(r) + len))
		abort();
}

static void
note(uint32_t op, uint32_t file, uint64_t offset, int32_t result, uint32_t durable, const void *bytes, size_t len)
{
	int e = errno;

	pthread_mutex_lock(&state.lock);
	put(op, file, offset, result, durable, bytes, len);
	pthread_mutex_unlock(&state.lock);
	errno = e;
}

/* The path below the root, or NULL. */
static const char *
below(const char *path)
{
	size_t n = strlen(state.root);

	if (!state.ready)
		return (NULL);
	if (strlen(path) == n - 1 && strncmp(path, state.root, n - 1) == 0)
		return (".");
	return (strncmp(path, state.root, n) == 0 ? path + n : NULL);
}

/* Lock held. */
static uint32_t
file_number(const char *path)
{
	for (unsigned i = 0; i < state.path_count; i++)
		if (strcmp(state.paths[i], path) == 0)
			return (i + 1);
	if (state.path_count == FILES_MAX)
		abort();
	state.paths[state.path_count++] = strdup(path);
	return (state.path_count);
}

static void
on_open(int fd, const char *path, int flags, bool existed)
{
	const char *p = below(path);
	uint32_t file;
	int e = errno;

	if (fd < 0 || fd >= FDS_MAX)
		return;
	pthread_mutex_lock(&state.lock);
	state.fds[fd].file = 0;
	if (p != NULL) {
		file = file_number(p);
		state.fds[fd].file = file;
		state.fds[fd].sync = (flags & (O_DSYNC | O_SYNC)) != 0;
		put(existed ? TRACE_OPEN : TRACE_CREATE, file, 0, 0, 0, p, strlen(p) + 1);
		if (existed && (flags & O_TRUNC) != 0)
			put(TRACE_TRUNCATE, file, 0, 0, 0, NULL, 0);
	}
	pthread_mutex_unlock(&state.lock);
	errno = e;
}

static uint32_t
file_of(int fd, bool *sync)
{
	if (!state.ready || fd < 0 || fd >= FDS_MAX)
		return (0);
	*sync = state.fds[fd].sync;
	return (state.fds[fd].file);
}

/* The errno with which this operation shall fail, or 0. */
static int
failing(uint32_t file, bool flush)
{
	const struct control *c = state.control;
	uint32_t e;

	if (c == NULL || file == 0 || (e = flush ? c->fail_flushes : c->fail_writes) == 0)
		return (0);
	return (strstr(state.paths[file - 1], c->where) != NULL ? (int)e : 0);
}

static int
do_open(int (*call)(const char *, int, ...), const char *path, int flags, mode_t mode)
{
	struct stat st;
	bool existed = stat(path, &st) == 0;
	int fd = call(path, flags, mode);

	on_open(fd, path, flags, existed);
	return (fd);
}

#define OPEN(name)								\
int										\
name(const char *path, int flags, ...)						\
{										\
	va_list ap;								\
	mode_t mode;								\
										\
	va_start(ap, flags);							\
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;			\
	va_end(ap);								\
	return (do_open((int (*)(const char *, int, ...))real(#name), path, flags, mode)); \
}
OPEN(open)
OPEN(open64)

/* The path of a name in an open folder; NULL if that is not below the root. */
static const char *
in_folder(int folder, const char *name, char path[4096])
{
	bool sync;
	uint32_t file = file_of(folder, &sync);

	if (*name == '/')
		return (below(name) != NULL ? name : NULL);
	if (file == 0)
		return (NULL);
	if (strcmp(state.paths[file - 1], ".") == 0)
		snprintf(path, 4096, "%s%s", state.root, name);
	else
		snprintf(path, 4096, "%s%s/%s", state.root, state.paths[file - 1], name);
	return (path);
}

int
openat(int folder, const char *name, int flags, ...)
{
	char path[4096];
	const char *whole = in_folder(folder, name, path);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return (whole == NULL ? REAL(openat)(folder, name, flags, mode) : do_open(REAL(open), whole, flags, mode));
}

/* What glibc's headers make of openat() without a mode when they fortify. */
int	__openat_2(int folder, const char *name, int flags);

int
__openat_2(int folder, const char *name, int flags)
{
	return (openat(folder, name, flags));
}

static ssize_t
do_pwrite(ssize_t (*call)(int, const void *, size_t, off64_t), int fd, const void *buf, size_t len, off64_t at)
{
	bool sync = false;
	uint32_t file = file_of(fd, &sync);
	ssize_t n;
	int e;

	if ((e = failing(file, false)) != 0) {
		errno = e;
		return (-1);
	}
	n = call(fd, buf, len, at);
	if (file != 0 && n > 0) {
		/* An O_DSYNC write whose flush fails has left its bytes in doubt. */
		e = sync ? failing(file, true) : 0;
		note(TRACE_WRITE, file, (uint64_t)at, 0, sync && e == 0, buf, (size_t)n);
		if (e != 0) {
			errno = e;
			return (-1);
		}
	}
	return (n);
}

ssize_t
pwrite(int fd, const void *buf, size_t len, off_t at)
{
	return (do_pwrite((ssize_t (*)(int, const void *, size_t, off64_t))real("pwrite"), fd, buf, len, at));
}

ssize_t
pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	return (do_pwrite((ssize_t (*)(int, const void *, size_t, off64_t))real("pwrite64"), fd, buf, len, at));
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	bool sync = false;
	uint32_t file = file_of(fd, &sync);
	off_t at = file != 0 ? lseek(fd, 0, SEEK_CUR) : 0;
	int e;

	if (file == 0)
		return (REAL(write)(fd, buf, len));
	if ((e = failing(file, false)) != 0) {
		errno = e;
		return (-1);
	}
	ssize_t n = REAL(write)(fd, buf, len);

	if (n > 0)
		note(TRACE_WRITE, file, (uint64_t)at, 0, sync, buf, (size_t)n);
	return (n);
}

static ssize_t
do_writev(int fd, const struct iovec *v, int count, off64_t at, bool positioned)
{
	ssize_t total = 0, n;

	/* One by one: each is written down with its place. */
	for (int i = 0; i < count; i++) {
		n = positioned ? pwrite(fd, v[i].iov_base, v[i].iov_len, at + total) : write(fd, v[i].iov_base, v[i].iov_len);
		if (n < 0)
			return (total > 0 ? total : -1);
		total += n;
		if ((size_t)n < v[i].iov_len)
			break;
	}
	return (total);
}

ssize_t
writev(int fd, const struct iovec *v, int count)
{
	bool sync;

	return (file_of(fd, &sync) == 0 ? REAL(writev)(fd, v, count) : do_writev(fd, v, count, 0, false));
}

ssize_t
pwritev(int fd, const struct iovec *v, int count, off_t at)
{
	bool sync;

	return (file_of(fd, &sync) == 0 ? REAL(pwritev)(fd, v, count, at) : do_writev(fd, v, count, at, true));
}

ssize_t
pwritev64(int fd, const struct iovec *v, int count, off64_t at)
{
	return (pwritev(fd, v, count, at));
}

static int
do_flush(int (*call)(int), int fd)
{
	bool sync;
	uint32_t file = file_of(fd, &sync);
	int rc, e;

	if (file == 0)
		return (call(fd));
	note(TRACE_FLUSH_BEGIN, file, 0, 0, 0, NULL, 0);
	if ((e = failing(file, true)) != 0) {
		note(TRACE_FLUSH_END, file, 0, e, 0, NULL, 0);
		errno = e;
		return (-1);
	}
	rc = call(fd);
	note(TRACE_FLUSH_END, file, 0, rc, 0, NULL, 0);
	return (rc);
}

int
fsync(int fd)
{
	return (do_flush((int (*)(int))real("fsync"), fd));
}

int
fdatasync(int fd)
{
	return (do_flush((int (*)(int))real("fdatasync"), fd));
}

int
ftruncate(int fd, off_t len)
{
	bool sync;
	uint32_t file = file_of(fd, &sync);
	int rc = REAL(ftruncate)(fd, len);

	if (file != 0 && rc == 0)
		note(TRACE_TRUNCATE, file, (uint64_t)len, 0, 0, NULL, 0);
	return (rc);
}

int
rename(const char *from, const char *to)
{
	const char *f = below(from), *t = below(to);
	char both[4096];
	int rc = REAL(rename)(from, to);

	if (f != NULL && t != NULL && rc == 0) {
		size_t n = strlen(f) + 1;

		memcpy(both, f, n);
		strcpy(both + n, t);
		note(TRACE_RENAME, 0, 0, 0, 0, both, n + strlen(t) + 1);
	}
	return (rc);
}

int
unlink(const char *path)
{
	const char *p = below(path);
	int rc = REAL(unlink)(path);

	if (p != NULL && rc == 0)
		note(TRACE_UNLINK, 0, 0, 0, 0, p, strlen(p) + 1);
	return (rc);
}

int
renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	char f[4096], t[4096];
	const char *whole_from = in_folder(from_folder, from, f), *whole_to = in_folder(to_folder, to, t);

	return (whole_from == NULL || whole_to == NULL ? REAL(renameat)(from_folder, from, to_folder, to) : rename(whole_from, whole_to));
}

int
unlinkat(int folder, const char *name, int flags)
{
	char path[4096];
	const char *whole = in_folder(folder, name, path);

	return (whole == NULL || flags != 0 ? REAL(unlinkat)(folder, name, flags) : unlink(whole));
}

int
mkdir(const char *path, mode_t mode)
{
	const char *p = below(path);
	int rc = REAL(mkdir)(path, mode);

	if (p != NULL && rc == 0)
		note(TRACE_MKDIR, 0, 0, 0, 0, p, strlen(p) + 1);
	return (rc);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		state.fds[fd].file = 0;
	return (REAL(close)(fd));
}

/* [1, "ack", …] with six or seven elements. */
static bool
is_ack(const uint8_t *p, size_t n)
{
	return (n > 6 && (p[0] == 0x96 || p[0] == 0x97) && memcmp(p + 1, "\x01\xa3" "ack", 5) == 0);
}

int
zmq_msg_send(zmq_msg_t *m, void *socket, int flags)
{
	const uint8_t *p = zmq_msg_data(m);

	if (state.ready && is_ack(p, zmq_msg_size(m)))
		note(TRACE_ACK, 0, 0, 0, 0, p, zmq_msg_size(m));
	return (REAL(zmq_msg_send)(m, socket, flags));
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = REAL(clock_gettime)(id, t);

	if (rc == 0 && id == CLOCK_REALTIME && state.control != NULL)
		t->tv_sec += state.control->clock_offset_s;
	return (rc);
}
