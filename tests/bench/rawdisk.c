/*
 * rawdisk: the physical limit.  Appends blocks of --bytes to a zero-filled file, each flushed before the next, for --seconds.
 *
 *   rawdisk --file FILE --bytes N [--seconds S] [--direct] [--via thread|aio]
 *
 * Default: one pwrite and one fdatasync.  --direct: one pwrite with O_DIRECT and O_DSYNC (N is rounded up to 4096).
 * --via, with --direct: what it costs a thread that must not wait for the disk.  Another thread writes and tells by an eventfd, as the daemon's
 * writer does; or the kernel does, told by io_submit().  The time is that until epoll_wait() says it is done.
 * Prints {"bytes":N,"appends_per_s":…,"p50_us":…,"p99_us":…,"cpu_us":…}, the last for each append.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES	(64u << 20)
#define SAMPLES_MAX	1000000u

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y ? -1 : x > y);
}

static void
fill(const char *file, uint8_t *buffer)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	memset(buffer, 0, 1 << 20);
	for (unsigned i = 0; i < FILE_BYTES >> 20; i++)
		if (pwrite(fd, buffer, 1 << 20, (off_t)i << 20) != 1 << 20) {
			perror("rawdisk: filling");
			exit(1);
		}
	fsync(fd);
	close(fd);
}

/* One append, and whoever makes it. */
struct append {
	enum { HERE, THREAD, AIO } via;
	int fd, told, epoll;
	bool direct, asked;
	const uint8_t *bytes;
	size_t len;
	off_t offset;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	aio_context_t context;
};

static bool
append_here(const struct append *a)
{
	return (pwrite(a->fd, a->bytes, a->len, a->offset) == (ssize_t)a->len && (a->direct || fdatasync(a->fd) == 0));
}

static void *
thread_main(void *arg)
{
	struct append *a = arg;

	for (;;) {
		pthread_mutex_lock(&a->lock);
		while (!a->asked)
			pthread_cond_wait(&a->wake, &a->lock);
		a->asked = false;
		pthread_mutex_unlock(&a->lock);
		if (!append_here(a) || eventfd_write(a->told, 1) != 0) {
			perror("rawdisk");
			exit(1);
		}
	}
	return (NULL);
}

static void
open_via(struct append *a)
{
	struct epoll_event e = { .events = EPOLLIN };
	pthread_t thread;

	a->told = eventfd(0, EFD_CLOEXEC);
	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a->told < 0 || a->epoll < 0 || epoll_ctl(a->epoll, EPOLL_CTL_ADD, a->told, &e) != 0 ||
	    (a->via == AIO && syscall(SYS_io_setup, 1, &a->context) != 0) ||
	    (a->via == THREAD && pthread_create(&thread, NULL, thread_main, a) != 0)) {
		perror("rawdisk: --via");
		exit(1);
	}
}

static bool
append(struct append *a)
{
	struct iocb one = { .aio_fildes = (uint32_t)a->fd, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uint64_t)(uintptr_t)a->bytes, .aio_nbytes = a->len,
	    .aio_offset = a->offset, .aio_flags = IOCB_FLAG_RESFD, .aio_resfd = (uint32_t)a->told }, *list = &one;
	struct epoll_event e;
	struct io_event done;
	eventfd_t count;

	if (a->via == HERE)
		return (append_here(a));
	if (a->via == THREAD) {
		pthread_mutex_lock(&a->lock);
		a->asked = true;
		pthread_cond_signal(&a->wake);
		pthread_mutex_unlock(&a->lock);
	} else if (syscall(SYS_io_submit, a->context, 1, &list) != 1)
		return (false);
	if (epoll_wait(a->epoll, &e, 1, -1) != 1 || eventfd_read(a->told, &count) != 0)
		return (false);
	return (a->via == THREAD || (syscall(SYS_io_getevents, a->context, 1, 1, &done, NULL) == 1 && done.res == (int64_t)a->len));
}

static double
cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return ((double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6);
}

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "file", 1, NULL, 'f' }, { "bytes", 1, NULL, 'b' }, { "seconds", 1, NULL, 's' }, { "direct", 0, NULL, 'd' }, { "via", 1, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	double *samples = malloc(SAMPLES_MAX * sizeof(*samples)), seconds = 2, begin, at, used;
	const char *file = NULL;
	size_t bytes = 256, n = 0;
	bool direct = false;
	uint8_t *buffer;
	struct append a = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
	int opt;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (opt) {
		case 'f': file = optarg; break;
		case 'b': bytes = strtoull(optarg, NULL, 10); break;
		case 's': seconds = atof(optarg); break;
		case 'd': direct = true; break;
		case 'v': a.via = strcmp(optarg, "aio") == 0 ? AIO : THREAD; break;
		default: exit(2);
		}
	if (direct)
		bytes = (bytes + 4095) / 4096 * 4096;
	if (samples == NULL)
		abort();
	if (file == NULL || bytes == 0 || bytes > FILE_BYTES / 2 ||
	    posix_memalign((void **)&buffer, 4096, bytes < 1 << 20 ? 1 << 20 : bytes) != 0)
		exit(2);
	fill(file, buffer);
	for (size_t i = 0; i < bytes; i++)
		buffer[i] = (uint8_t)(i * 2654435761u >> 13);
	if ((a.fd = open(file, O_WRONLY | O_CLOEXEC | (direct ? O_DIRECT | O_DSYNC : 0))) < 0) {
		perror(file);
		return (1);
	}
	a.direct = direct;
	a.bytes = buffer;
	a.len = bytes;
	if (a.via != HERE)
		open_via(&a);
	used = cpu();
	for (begin = now(); (at = now()) - begin < seconds && n < SAMPLES_MAX; n++) {
		if (a.offset + (off_t)bytes > FILE_BYTES)
			a.offset = 0;
		if (!append(&a)) {
			perror("rawdisk");
			return (1);
		}
		a.offset += (off_t)bytes;
		samples[n] = now() - at;
	}
	seconds = now() - begin;
	used = cpu() - used;
	qsort(samples, n, sizeof(*samples), compare);
	printf("{\"bytes\":%zu,\"appends_per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us\":%.1f}\n", bytes, (double)n / seconds,
	    samples[n / 2] * 1e6, samples[n * 99 / 100] * 1e6, used / (double)n * 1e6);
	unlink(file);
	return (0);
}
