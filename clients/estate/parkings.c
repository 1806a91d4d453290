/* What is parked: see parkings.h. */
#include "parkings.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "view.h"

struct told {
	uint64_t event;
	const char *reason;
	uint32_t reason_len;
};

/* The data of either type; false if it is none of ours. */
static bool
read_data(const struct event *e, struct told *t)
{
	struct mp m = e->data;
	uint32_t pairs, len;
	const char *key;

	*t = (struct told){ .reason = "" };
	if (m.p == NULL || !mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0; pairs--)
		if (!mp_str(&m, &key, &len) || !((mp_equal(key, len, "event") && mp_uint(&m, &t->event)) ||
		    (mp_equal(key, len, "reason") && mp_str(&m, &t->reason, &t->reason_len)) || mp_skip(&m)))
			return (false);
	return (t->event > 0);
}

static char *
copy(const char *s, size_t len)
{
	char *c = alloc_or_exit(NULL, len + 1);

	memcpy(c, s, len);
	c[len] = '\0';
	return (c);
}

void
parkings_init(struct parkings *p)
{
	p->first = NULL;
	p->end = &p->first;
}

void
parkings_free(struct parkings *p)
{
	struct parking *k;

	while ((k = p->first) != NULL) {
		p->first = k->next;
		free(k->worker);
		free(k->reason);
		free(k);
	}
	parkings_init(p);
}

struct parking *
parkings_find(const struct parkings *p, const char *worker, size_t len, uint64_t event)
{
	for (struct parking *k = p->first; k != NULL; k = k->next)
		if (k->event == event && mp_equal(worker, (uint32_t)len, k->worker))
			return (k);
	return (NULL);
}

static struct parking *
add(struct parkings *p, struct text worker, uint64_t event)
{
	struct parking *k = alloc_or_exit(NULL, sizeof(*k));

	*k = (struct parking){ .worker = copy(worker.s, worker.len), .event = event };
	*p->end = k;
	p->end = &k->next;
	return (k);
}

void
parkings_take(struct parkings *p, const struct estate_event *v)
{
	struct parking *k;
	struct event e;
	struct told t;
	bool replay;

	if (!view_read(&e, v) || e.subject.s == NULL || !read_data(&e, &t))
		return;
	replay = mp_equal(e.type.s, e.type.len, "worker.replayed");
	if (!replay && !mp_equal(e.type.s, e.type.len, "worker.parked"))
		return;
	if ((k = parkings_find(p, e.subject.s, e.subject.len, t.event)) == NULL) {
		if (replay)		/* of what was never parked: the worker passes it by */
			return;
		k = add(p, e.subject, t.event);
	}
	if (replay) {
		k->replayed = v->log_time;
		k->open = false;
		return;
	}
	k->times++;
	k->parked = v->seq;
	/* A worker derives it from the log, however long ago that was: it is not a clock's word, and never implausible. */
	k->since = e.has_time ? e.time_ns : v->log_time;
	k->open |= k->since >= k->replayed;
	free(k->reason);
	k->reason = copy(t.reason, t.reason_len);
}
