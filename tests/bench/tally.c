/*
 * tally: a worker for benchmarks, any number of them beside each other.  It counts every event under one of a thousand keys, as a worker
 * of the department keeps something for each case, and concludes nothing.
 *
 *	TALLY_NAME	its name
 */
#include <stdio.h>
#include <stdlib.h>

#include "worker.h"

enum { COUNTS };

static int
count(struct worker *w, const struct worker_event *v)
{
	char key[8];
	size_t len = (size_t)snprintf(key, sizeof(key), "%03u", (unsigned)(v->seq % 1000));

	worker_put_number(w, COUNTS, key, len, worker_get_number(w, COUNTS, key, len) + 1);
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "**", NULL }, *const tables[] = { "counts", NULL };
	struct worker_kind kind = { .name = getenv("TALLY_NAME"), .version = 1, .types = types, .tables = tables,
	    .about = "Counts events, for benchmarks.", .update = count };

	if (kind.name == NULL) {
		fprintf(stderr, "tally: TALLY_NAME is not set\n");
		return (2);
	}
	return (worker_main(&kind, argc, argv));
}
