#include "place.h"

#include <stdio.h>

#include "daemon.h"
#include "errcode.h"

bool
place_read(struct place *p, struct mp *m)
{
	const char *s;
	uint32_t len, pairs;

	if (mp_str(m, &s, &len)) {
		p->kind = mp_equal(s, len, "first") ? PLACE_FIRST : PLACE_NEW;
		return (p->kind == PLACE_FIRST || mp_equal(s, len, "new"));
	}
	if (!mp_map(m, &pairs) || pairs != 1 || !mp_str(m, &s, &len) || !mp_uint(m, &p->value))
		return (false);
	if (mp_equal(s, len, "seq"))
		p->kind = PLACE_SEQ;
	else if (mp_equal(s, len, "time"))
		p->kind = PLACE_TIME;
	else if (mp_equal(s, len, "last"))
		p->kind = PLACE_LAST;
	else
		return (false);
	return (true);
}

/* The first number with a log time at or after `ns`, wherever it lies. */
static uint64_t
seq_at(struct daemon *d, uint64_t ns)
{
	uint64_t seq = store_seq_at(d->reader, ns), applied = d->store->applied;
	const struct batch *b;

	store_read_end(d->reader);
	/* All events of a batch share one log time. */
	for (; seq > applied && (b = recent_find(&d->recent, seq)) != NULL && b->log_time < ns; seq = batch_last(b) + 1)
		;
	return (seq);
}

/* As the kind says, whether it is stored or not. */
static uint64_t
number_of(struct daemon *d, const struct place *p, uint64_t first)
{
	switch (p->kind) {
	case PLACE_UNSAID:
	case PLACE_NEW:
		break;
	case PLACE_FIRST:
		return (first);
	case PLACE_SEQ:
		return (p->value);
	case PLACE_TIME:
		return (seq_at(d, p->value));
	case PLACE_LAST:
		return (d->durable + 1 - first > p->value ? d->durable + 1 - p->value : first);
	}
	return (d->durable + 1);
}

int
place_find(struct daemon *d, const struct place *p, uint64_t *next, const char *path, struct data_fault *f)
{
	uint64_t first = store_first_seq(d->store);

	*next = number_of(d, p, first);
	snprintf(f->path, sizeof(f->path), "%s", path);
	if (*next < first) {
		snprintf(f->detail, sizeof(f->detail), "the first stored event is %llu", (unsigned long long)first);
		return (f->code = E_TRIMMED);
	}
	if (*next > d->durable + 1) {
		snprintf(f->detail, sizeof(f->detail), "the last event is %llu", (unsigned long long)d->durable);
		return (f->code = E_BEYOND_END);
	}
	return (0);
}
