/*
 * wallclock.so, for LD_PRELOAD: a wall clock that a test can set.  The file WALLCLOCK holds how many seconds it is off; CLOCK_BOOTTIME and
 * CLOCK_MONOTONIC go on as they are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long
off(void)
{
	const char *path = getenv("WALLCLOCK");
	FILE *file = path != NULL ? fopen(path, "r") : NULL;
	long seconds = 0;

	if (file == NULL)
		return (0);
	if (fscanf(file, "%ld", &seconds) != 1)
		seconds = 0;
	fclose(file);
	return (seconds);
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int (*next)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	int r = next(id, t);

	if (r == 0 && id == CLOCK_REALTIME)
		t->tv_sec += off();
	return (r);
}
