/*
 * gate.so, for LD_PRELOAD: a disk that a test can make wait.  While the file GATE exists, pwrite, fdatasync and fsync do not begin; the
 * test removes the file, and everything goes on.  So a test holds puts unanswered for as long as it needs, whatever the machine's speed.
 *
 * With GATE_BELOW=FOLDER it is write to files below that folder that waits, and nothing else; GATE.waiting is made when one does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
gate_wait(void)
{
	const char *gate = getenv("GATE");

	if (getenv("GATE_BELOW") != NULL)
		return;
	while (gate != NULL && access(gate, F_OK) == 0)
		usleep(1000);
}

int
fdatasync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	gate_wait();
	return (next(fd));
}

int
fsync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	gate_wait();
	return (next(fd));
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	ssize_t (*next)(int, const void *, size_t, off_t) = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");

	gate_wait();
	return (next(fd, bytes, length, offset));
}

ssize_t
write(int fd, const void *bytes, size_t length)
{
	ssize_t (*next)(int, const void *, size_t) = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	const char *gate = getenv("GATE"), *below = getenv("GATE_BELOW");
	char link[64], path[PATH_MAX], waiting[PATH_MAX];
	ssize_t n;

	if (gate != NULL && below != NULL && access(gate, F_OK) == 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		path[n > 0 ? n : 0] = '\0';
		if (strncmp(path, below, strlen(below)) == 0) {
			snprintf(waiting, sizeof(waiting), "%s.waiting", gate);
			close(open(waiting, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
			while (access(gate, F_OK) == 0)
				usleep(1000);
		}
	}
	return (next(fd, bytes, length));
}
