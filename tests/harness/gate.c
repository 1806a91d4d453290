/*
 * gate.so, for LD_PRELOAD: a disk that a test can make wait.  While the file GATE exists, pwrite, fdatasync and fsync do not begin; the
 * test removes the file, and everything goes on.  So a test holds puts unanswered for as long as it needs, whatever the machine's speed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void
gate_wait(void)
{
	const char *gate = getenv("GATE");

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
