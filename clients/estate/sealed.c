/* What the log says of bound months: sealed.h. */
#include "sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"
#include "worker.h"

struct look {
	struct sealed_months *months;
	struct estate_fault fault;
	bool done, refused;
};

const struct sealed_month *
sealed_find(const struct sealed_months *l, const char *month)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i].month, month) == 0)
			return (&l->items[i]);
	return (NULL);
}

const struct sealed_month *
sealed_of(const struct sealed_months *l, uint64_t seq)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].first != 0 && l->items[i].first <= seq && seq <= l->items[i].last)
			return (&l->items[i]);
	return (NULL);
}

static struct sealed_month *
month_of(struct sealed_months *l, struct text subject)
{
	for (size_t i = 0; i < l->count; i++)
		if (mp_equal(subject.s, subject.len, l->items[i].month))
			return (&l->items[i]);
	if (l->count == l->room)
		l->items = alloc_or_exit(l->items, (l->room = l->room == 0 ? 16 : l->room * 2) * sizeof(*l->items));
	l->items[l->count] = (struct sealed_month){ .seq = 0 };
	memcpy(l->items[l->count].month, subject.s, subject.len);
	return (&l->items[l->count++]);
}

/* A figure of the event; 0 if it has none. */
static uint64_t
figure(const struct event *e, const char *name)
{
	struct event in = *e;
	int64_t n;

	return (event_field(e, "figures", &in.data) && event_int(&in, name, &n) && n > 0 ? (uint64_t)n : 0);
}

static void
on_event(void *user, const struct estate_event *v)
{
	struct look *k = user;
	struct sealed_month *m;
	struct text digest;
	struct event e;

	/* A year's closing is nobody's bundle. */
	if (!view_read(&e, v) || e.subject.s == NULL || e.subject.len != COVER_MONTH - 1)
		return;
	m = month_of(k->months, e.subject);
	if (mp_equal(e.type.s, e.type.len, "period.closed")) {
		m->closed = true;
		return;
	}
	/* The first one counts: what was bound is not bound again. */
	if (m->seq != 0)
		return;
	m->seq = v->seq;
	m->first = figure(&e, "first");
	m->last = figure(&e, "last");
	if (event_text(&e, "digest", &digest))
		snprintf(m->digest, sizeof(m->digest), "%.*s", (int)digest.len, digest.s);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct look *k = user;

	if (!end)
		return;
	k->months->now = log_time;
	k->months->end = seq;
	k->done = true;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct look *k = user;

	k->fault = *f;
	k->refused = k->done = true;
}

int
sealed_read(const char *verb, const struct common *c, struct estate *e, struct sealed_months *l)
{
	static const char *const types[] = { "period.closed", "bundle.sealed", NULL };
	struct look k = { .months = l };
	struct estate_subscribe_options o = { .from = ESTATE_FROM_FIRST, .types = types, .user = &k, .on_event = on_event,
	    .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	if ((n = estate_subscribe(e, &o, &s)) != 0)
		return (reach_refused(verb, c, n, NULL));
	while (!k.done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (k.refused)
		return (reach_refused(verb, c, k.fault.code, &k.fault));
	estate_unsubscribe(s);
	return (k.done ? 0 : EXIT_PART);
}

void
sealed_free(struct sealed_months *l)
{
	free(l->items);
}
