/* Ask once, print the answer: see ask.h. */
#include "ask.h"

#include <stdio.h>
#include <time.h>

struct asked {
	const struct ask *a;
	struct estate_fault fault;
	int error;
	bool refused, done;
};

static void
on_answer(void *user, const struct estate_answer *answer)
{
	struct asked *q = user;

	q->done = answer->final;
	q->error = answer->error;
	if (answer->error == 0)
		q->a->on_answer(q->a->user, answer->verb, mp_over(answer->body, answer->len));
	else if ((q->refused = answer->fault != NULL))
		q->fault = *answer->fault;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* Not estate_call(): a signal ends the wait. */
static int
await(struct estate *e, const struct common *c, const struct asked *q)
{
	int64_t until = now_ms() + c->timeout_ms;
	int n = 0;

	while (!q->done && n >= 0 && !reach_stop) {
		if (now_ms() >= until)
			return (ESTATE_TIMEOUT);
		n = estate_pump(e, 100);
	}
	return (q->done ? q->error : n < 0 ? n : ESTATE_TIMEOUT);
}

int
ask_over(struct estate *e, const struct common *c, const struct ask *a)
{
	struct asked q = { .a = a };
	int n;

	if ((n = estate_request(e, a->request, a->argument, a->len, on_answer, &q)) == 0)
		n = await(e, c, &q);
	if (n == 0)
		return (0);
	if (!q.done && reach_stop) {
		complain(a->verb, "interrupted: the daemon has been asked, and its answer was not waited for");
		return (EXIT_PART);
	}
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
