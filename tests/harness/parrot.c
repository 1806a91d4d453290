/*
 * parrot: a worker for tests.  It answers each probe it did not make itself with one that counts one more: two of them would go on for ever.
 *
 *	PARROT_NAME	its name, "parrot" by default
 *	PARROT_VERSION	of its state, 1 by default
 */
#include <stdlib.h>

#include "worker.h"

enum { HEARD };

static int
hear(struct worker *w, const struct worker_event *v)
{
	int64_t n = 0;

	event_int(v->e, "n", &n);
	worker_put_number(w, HEARD, "all", 3, worker_get_number(w, HEARD, "all", 3) + 1);
	worker_derive(w, "probe.recorded", v->e->subject, &(struct worker_identity){ "parrot", v->e->subject, "said", 0 });
	worker_field_int(w, "n", n + 1);
	worker_emit(w);
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "probe.recorded", NULL }, *const tables[] = { "heard", NULL };
	const char *name = getenv("PARROT_NAME"), *version = getenv("PARROT_VERSION");
	struct worker_kind kind = { .name = name != NULL ? name : "parrot", .version = version != NULL ? (unsigned)atoi(version) : 1, .types = types,
	    .tables = tables, .about = "Answers each probe with another.", .update = hear };

	return (worker_main(&kind, argc, argv));
}
