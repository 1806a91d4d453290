/*
 * parrot: a worker for tests.  It answers each probe it did not make itself with one that counts one more: two of them would go on for ever.
 *
 *	PARROT_NAME	its name, "parrot" by default
 *	PARROT_VERSION	of its state, 1 by default
 *	PARROT_TEXT	a text that is personal, which it replies to the subject of the probe; by default none
 *	PARROT_BY	who replies, "parrot" by default
 */
#include <stdlib.h>

#include "worker.h"

enum { HEARD };

static void
reply(struct worker *w, struct text subject)
{
	const char *by = getenv("PARROT_BY");

	worker_derive(w, "case.replied", subject, &(struct worker_identity){ "parrot", subject, "replied", 0 });
	worker_field(w, "by", text_of(by != NULL ? by : "parrot"));
	worker_field(w, "text", text_of(getenv("PARROT_TEXT")));
	worker_emit(w);
}

static int
hear(struct worker *w, const struct worker_event *v)
{
	int64_t n = 0;

	event_int(v->e, "n", &n);
	worker_put_number(w, HEARD, "all", 3, worker_get_number(w, HEARD, "all", 3) + 1);
	worker_derive(w, "probe.recorded", v->e->subject, &(struct worker_identity){ "parrot", v->e->subject, "said", 0 });
	worker_field_int(w, "n", n + 1);
	worker_emit(w);
	if (v->e->subject.len > 0 && getenv("PARROT_TEXT") != NULL)
		reply(w, v->e->subject);
	return (0);
}

static int
heard(struct worker *w)
{
	worker_reply_int(w, "heard", (int64_t)worker_get_number(w, HEARD, "all", 3));
	worker_reply_personal(w, "said", text_of(getenv("PARROT_TEXT")));
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "probe.recorded", NULL }, *const tables[] = { "heard", NULL };
	static const struct worker_query queries[] = { { "heard", NULL, "how many probes it heard, and what it says", heard }, { NULL, NULL, NULL, NULL } };
	const char *name = getenv("PARROT_NAME"), *version = getenv("PARROT_VERSION");
	struct worker_kind kind = { .name = name != NULL ? name : "parrot", .version = version != NULL ? (unsigned)atoi(version) : 1, .types = types,
	    .tables = tables, .about = "Answers each probe with another.", .update = hear,
	    .queries = queries };

	return (worker_main(&kind, argc, argv));
}
