/*
 * handover: how many events a second libestate's outbox makes durable.
 *
 *	handover FOLDER [--group N] [--seconds S] [--size BYTES]
 *
 * One hand-over, one flush; or with --group so many between two flushes.  Prints one line of JSON.  FOLDER becomes the outbox.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bounds.h"
#include "estate_outbox.h"

static double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

int
main(int argc, char **argv)
{
	static uint8_t event[EVENT_BYTES_MAX];
	struct estate_outbox_options o = { .entries_max = 100000000, .bytes_max = (uint64_t)1 << 40 };
	struct estate_outbox *box;
	char why[ESTATE_OUTBOX_WHY];
	size_t size = 256;
	uint64_t count = 0, group = 1;
	double limit = 2, began, took;

	for (int i = 2; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--group") == 0)
			group = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seconds") == 0)
			limit = atof(argv[i + 1]);
		else if (strcmp(argv[i], "--size") == 0)
			size = strtoull(argv[i + 1], NULL, 10);
	}
	if (argc < 2 || group == 0 || size == 0 || size > sizeof(event)) {
		fprintf(stderr, "usage: handover FOLDER [--group N] [--seconds S] [--size BYTES]\n");
		return (2);
	}
	o.group_flush = group > 1;
	if (estate_outbox_open(argv[1], &o, &box, why) != 0) {
		fprintf(stderr, "handover: %s\n", why);
		return (1);
	}
	memset(event, 'x', size);
	began = seconds_now();
	do {
		if (estate_outbox_put(box, event, size, NULL) != 0 || (++count % group == 0 && estate_outbox_flush(box) != 0)) {
			perror("handover");
			return (1);
		}
	} while (seconds_now() - began < limit);
	if (estate_outbox_flush(box) != 0)
		return (1);
	took = seconds_now() - began;
	printf("{\"handovers\":%" PRIu64 ",\"seconds\":%.3f,\"handovers_per_s\":%.0f}\n", count, took, (double)count / took);
	estate_outbox_close(box);
	return (0);
}
