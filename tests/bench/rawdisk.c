/*
 * rawdisk: the physical limit.  Appends blocks of --bytes to a zero-filled file, each flushed before the next, for --seconds.
 *
 *   rawdisk --file FILE --bytes N [--seconds S] [--direct]
 *
 * Default: one pwrite and one fdatasync.  --direct: one pwrite with O_DIRECT and O_DSYNC (N is rounded up to 4096).
 * Prints {"bytes":N,"appends_per_s":…,"p50_us":…,"p99_us":…}.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int
main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "file", 1, NULL, 'f' }, { "bytes", 1, NULL, 'b' }, { "seconds", 1, NULL, 's' }, { "direct", 0, NULL, 'd' },
		{ NULL, 0, NULL, 0 },
	};
	double *samples = malloc(SAMPLES_MAX * sizeof(*samples)), seconds = 2, begin, at;
	const char *file = NULL;
	size_t bytes = 256, n = 0;
	bool direct = false;
	uint8_t *buffer;
	off_t offset = 0;
	int opt, fd;

	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (opt) {
		case 'f': file = optarg; break;
		case 'b': bytes = strtoull(optarg, NULL, 10); break;
		case 's': seconds = atof(optarg); break;
		case 'd': direct = true; break;
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
	if ((fd = open(file, O_WRONLY | O_CLOEXEC | (direct ? O_DIRECT | O_DSYNC : 0))) < 0) {
		perror(file);
		return (1);
	}
	for (begin = now(); (at = now()) - begin < seconds && n < SAMPLES_MAX; n++) {
		if (offset + (off_t)bytes > FILE_BYTES)
			offset = 0;
		if (pwrite(fd, buffer, bytes, offset) != (ssize_t)bytes || (!direct && fdatasync(fd) != 0)) {
			perror("rawdisk");
			return (1);
		}
		offset += (off_t)bytes;
		samples[n] = now() - at;
	}
	seconds = now() - begin;
	qsort(samples, n, sizeof(*samples), compare);
	printf("{\"bytes\":%zu,\"appends_per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n", bytes, (double)n / seconds,
	    samples[n / 2] * 1e6, samples[n * 99 / 100] * 1e6);
	unlink(file);
	return (0);
}
