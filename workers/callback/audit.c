/* The lead's sample: drawn when the week is over, so that nobody knows meanwhile what will be looked at. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

void
audit_candidate(struct turn *t, const struct callback *c)
{
	struct key k = { .len = 0 };

	if (t->p == NULL)
		return;
	key_text(key_number(key_number(&k, (uint64_t)clock_week(t, t->now)), clock_draw(t, "audit", c->id)), c->id);
	worker_put(t->w, WEEKS, k.bytes, k.len, "", 1);
}

static void
sample(struct turn *t, const char *id)
{
	struct audit a = { .drawn = t->now };
	char audit[ID_SIZE_MAX];
	struct callback c;

	if (!book_load(t, id, &c))
		return;
	snprintf(audit, sizeof(audit), "A-%016llx", (unsigned long long)clock_draw(t, "audit", id));
	memcpy(a.callback, c.id, sizeof(a.callback));
	memcpy(a.subject, c.subject, sizeof(a.subject));
	record_put(t->w, AUDITS, SHAPE_AUDIT, audit, strlen(audit), &a);
	tell_sampled(t, audit, c.subject);
}

void
audit_run(struct turn *t, int64_t day)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	int64_t n = 0, wanted;

	if ((day + 3) % 7 != 0)
		return;			/* no Monday */
	key_number(&k, (uint64_t)(clock_week(t, t->now) - 1));
	while (worker_each(t->w, WEEKS, k.bytes, k.len, &walk))
		n++;
	wanted = (n * t->p->audit.percent + 99) / 100;
	if (wanted < t->p->audit.at_least)
		wanted = t->p->audit.at_least;
	walk.key_len = 0;
	while (worker_each(t->w, WEEKS, k.bytes, k.len, &walk)) {
		char id[ID_SIZE_MAX];

		key_rest(&walk, 16, id);
		if (wanted-- > 0)
			sample(t, id);
		worker_delete(t->w, WEEKS, walk.key, walk.key_len);
	}
}

void
audit_done(struct turn *t, const struct worker_event *v)
{
	char audit[ID_SIZE_MAX];
	struct text s;
	struct audit a;

	if (!event_text(v->e, "audit", &s))
		return;
	copy_text(audit, sizeof(audit), s);
	/* One that nobody drew is recorded in the log, and is none of ours. */
	if (!record_get(t->w, AUDITS, SHAPE_AUDIT, audit, strlen(audit), &a))
		return;
	a.done = v->when;
	a.seq = (int64_t)v->seq;
	if (event_text(v->e, "by", &s))
		copy_text(a.by, sizeof(a.by), s);
	record_put(t->w, AUDITS, SHAPE_AUDIT, audit, strlen(audit), &a);
}
