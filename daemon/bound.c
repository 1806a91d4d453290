#include "bound.h"

#include <string.h>

#include "bloom.h"
#include "daemon.h"
#include "event.h"

#define TYPE		"bundle.sealed"

/* Filters looked at in one turn, and blocks read: a few milliseconds. */
#define FILTERS_MAX	8192u
#define BLOCKS_MAX	16u

/* The whole number of that name in a map; 0 if there is none. */
static uint64_t
number(struct mp m, const char *name)
{
	uint32_t pairs, len;
	const char *key;
	uint64_t n;

	if (m.p != NULL && mp_map(&m, &pairs))
		for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
			if (mp_equal(key, len, name) && mp_uint(&m, &n))
				return (n);
			if (!mp_skip(&m))
				break;
		}
	return (0);
}

static struct mp
figures(const struct event *e)
{
	struct mp m = e->data;
	uint32_t pairs, len;
	const char *key;

	if (m.p != NULL && mp_map(&m, &pairs))
		for (; pairs > 0 && mp_str(&m, &key, &len); pairs--) {
			if (mp_equal(key, len, "figures"))
				return (m);
			if (!mp_skip(&m))
				break;
		}
	return ((struct mp){ NULL, NULL });
}

/* Does it say that all of the month is in a bundle? */
static bool
says_so(const struct record *r, const struct month *m)
{
	struct event e;
	struct mp f;

	if (!event_peek(&e, r->bytes, r->len) || !mp_equal(e.type.s, e.type.len, TYPE) || e.subject.s == NULL ||
	    !mp_equal(e.subject.s, e.subject.len, m->name))
		return (false);
	f = figures(&e);
	return (number(f, "first") != 0 && number(f, "first") <= m->first && number(f, "last") >= m->last);
}

bool
bound_look(struct daemon *d, struct bound *b, const struct month *m)
{
	uint64_t subject = bloom_hash(BLOOM_SUBJECT, m->name, strlen(m->name)), type = bloom_hash(BLOOM_TYPE, TYPE, strlen(TYPE)), seq;
	const struct month_query queries[] = { { &subject, 1 }, { &type, 1 } };
	uint64_t applied = d->store->applied;
	struct record r;
	struct block block;
	char why[512];

	if (strcmp(b->month, m->name) != 0) {
		memcpy(b->month, m->name, sizeof(b->month));
		b->next = m->last + 1;
		b->found = false;
	}
	for (unsigned i = 0; i < BLOCKS_MAX && !b->found && b->next <= applied; i++) {
		b->next = store_search(d->reader, b->next, queries, 2, FILTERS_MAX);
		/* A block that cannot be read is a reader's to report; it binds nothing. */
		if (b->next > applied || store_read_block(d->reader, b->next, &block, why, sizeof(why)) != 0)
			break;
		while (block_next(&block, &r, &seq)) {
			b->found |= seq >= b->next && says_so(&r, m);
			if (seq >= b->next)
				b->next = seq + 1;
		}
	}
	store_read_end(d->reader);
	return (b->found);
}
