#include "import_register.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "nearest.h"
#include "view.h"

struct reading {
	struct import_register *into;
	struct estate_fault fault;
	bool refused, done;
};

static int
by_household(const void *a, const void *b)
{
	return (strcmp(((const struct registered *)a)->household, ((const struct registered *)b)->household));
}

static void
on_event(void *user, const struct estate_event *v)
{
	struct reading *r = user;
	struct registered *one, **found;
	struct event e;

	if (!view_read(&e, v) || e.subject.s == NULL)
		return;
	one = alloc_or_exit(NULL, sizeof(*one));
	*one = (struct registered){ .household = alloc_or_exit(NULL, e.subject.len + 1) };
	memcpy(one->household, e.subject.s, e.subject.len);
	one->household[e.subject.len] = '\0';
	found = tsearch(one, &r->into->tree, by_household);
	if (found == NULL)
		abort();
	if (*found != one) {
		free(one->household);
		free(one);
		one = *found;
	} else
		r->into->count++;
	one->entries++;
	snprintf(one->last, sizeof(one->last), "%.*s", (int)e.id.len, e.id.s);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct reading *r = user;

	(void)seq;
	(void)log_time;
	r->done |= end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct reading *r = user;

	r->fault = *f;
	r->refused = r->done = true;
}

int
import_register_read(struct import_register *into, const struct common *common, struct estate *e)
{
	static const char *const types[] = { "household.registered", NULL };
	struct reading r = { .into = into };
	struct estate_subscribe_options so = { .from = ESTATE_FROM_FIRST, .types = types, .user = &r, .on_event = on_event,
	    .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	if ((n = estate_subscribe(e, &so, &s)) != 0)
		return (reach_refused("import", common, n, NULL));
	while (!r.done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (r.refused)
		return (reach_refused("import", common, r.fault.code, &r.fault));
	estate_unsubscribe(s);
	return (r.done ? 0 : EXIT_PART);
}

const struct registered *
import_register_find(const struct import_register *r, const char *household)
{
	struct registered key = { .household = (char *)(uintptr_t)household };
	struct registered *const *found = tfind(&key, &r->tree, by_household);

	return (found != NULL ? *found : NULL);
}

static void
offer(const void *node, VISIT which, void *nearest)
{
	if (which == postorder || which == leaf)
		nearest_offer(nearest, (*(struct registered *const *)node)->household);
}

const char *
import_register_nearest(const struct import_register *r, const char *household)
{
	struct nearest n;

	nearest_begin(&n, household, strlen(household));
	twalk_r(r->tree, offer, &n);
	return (n.best);
}

static void
free_one(void *node)
{
	free(((struct registered *)node)->household);
	free(node);
}

void
import_register_free(struct import_register *r)
{
	tdestroy(r->tree, free_one);
	r->tree = NULL;
}
