#include <assert.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "civil.h"

#define STRAGGLER_LATE_MAX	MINUTE
#define OVERTAKERS_MAX		4

struct held {
	struct heap_key key;
	char *line;
	size_t len;
};

void
arrival_init(struct arrival *a, FILE *out, uint64_t seed)
{
	*a = (struct arrival){ .out = out };
	rng_seed(&a->rng, seed);
	heap_init(&a->held, sizeof(struct held));
}

static void
hold(struct arrival *a, int64_t at, const char *line, size_t len)
{
	struct held h = { .key.at = at, .len = len };

	if ((h.line = malloc(len)) == NULL)
		err(1, "generate: memory for a late line");
	memcpy(h.line, line, len);
	heap_add(&a->held, &h);
}

static void
put(struct arrival *a, const char *line, size_t len)
{
	fwrite_unlocked(line, 1, len, a->out);	/* an error stays in the stream: asked once, at the end */
	a->lines++;
}

static void
end_straggling(struct arrival *a)
{
	if (a->straggler_len == 0)
		return;
	if (a->overtaken)
		a->stragglers++;
	else
		a->owed++;	/* the next line was too far: another one will straggle instead */
	put(a, a->straggler, a->straggler_len);
	a->straggler_len = 0;
}

static void
begin_straggling(struct arrival *a, int64_t at, const char *line, size_t len)
{
	a->owed--;
	a->overtakers = (unsigned)rng_between(&a->rng, 1, OVERTAKERS_MAX);
	a->overtaken = false;
	a->straggler_at = at;
	a->straggler_len = len;
	memcpy(a->straggler, line, len);
}

/* One line comes in at `at`: it is written, or set aside so that the next ones overtake it. */
static void
come_in(struct arrival *a, int64_t at, const char *line, size_t len, bool may_straggle)
{
	if (at - a->straggler_at > STRAGGLER_LATE_MAX)
		end_straggling(a);
	if (may_straggle && a->straggler_len == 0 && a->owed > 0) {
		begin_straggling(a, at, line, len);
		return;
	}
	put(a, line, len);
	a->overtaken = true;
	if (a->straggler_len > 0 && --a->overtakers == 0)
		end_straggling(a);
}

static void
come_in_until(struct arrival *a, int64_t until)
{
	const struct heap_key *first;
	struct held h;

	while ((first = heap_first(&a->held)) != NULL && first->at <= until) {
		heap_take(&a->held, &h);
		come_in(a, h.key.at, h.line, h.len, false);
		free(h.line);
	}
}

/* A client repeats what was not answered: mostly within seconds, now and then after it was restarted. */
static int64_t
retry_delay(struct rng *r)
{
	return (rng_chance(r, 900) ? rng_between(r, 2 * SECOND, 90 * SECOND) : rng_between(r, 5 * MINUTE, 12 * HOUR));
}

void
arrival_hand_over(struct arrival *a, int64_t at, int64_t arrives, const char *line, size_t len)
{
	assert(len <= ARRIVAL_LINE_MAX && arrives >= at);
	come_in_until(a, at);
	if (rng_chance(&a->rng, ARRIVAL_RETRIES)) {
		hold(a, arrives + retry_delay(&a->rng), line, len);
		a->retries++;
	}
	if (rng_chance(&a->rng, ARRIVAL_STRAGGLERS))
		a->owed++;
	if (arrives > at) {
		hold(a, arrives, line, len);
		a->late++;
	} else
		come_in(a, at, line, len, true);
}

void
arrival_finish(struct arrival *a)
{
	come_in_until(a, INT64_MAX);
	end_straggling(a);
	heap_free(&a->held);
}
