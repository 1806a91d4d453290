/* Ask once, print the answer: see ask.h. */
#include "ask.h"

struct asked {
	const struct ask *a;
	struct estate_fault fault;
	bool refused;
};

static void
on_answer(void *user, const struct estate_answer *answer)
{
	struct asked *q = user;

	if (answer->error == 0)
		q->a->on_answer(q->a->user, answer->verb, mp_over(answer->body, answer->len));
	else if ((q->refused = answer->fault != NULL))
		q->fault = *answer->fault;
}

int
ask_over(struct estate *e, const struct common *c, const struct ask *a)
{
	struct asked q = { .a = a };
	int n;

	if ((n = estate_call(e, a->request, a->argument, a->len, c->timeout_ms, on_answer, &q)) == 0)
		return (0);
	return (reach_refused(a->verb, c, n, q.refused ? &q.fault : NULL));
}

int
ask_once(const struct common *c, const struct ask *a)
{
	struct estate_options o = { .user = NULL };
	struct estate *e;
	int n;

	if ((e = reach_open(a->verb, c, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait(a->verb, c, e)) == 0)
		n = ask_over(e, c, a);
	estate_close(e);
	return (n);
}
