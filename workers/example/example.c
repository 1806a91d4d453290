/*
 * estate-example: the worker that GUIDE.md is built around.
 *
 * It counts the events of each case, and watches deadlines: a rule says on which event an obligation opens, until which it is
 * fulfilled, and within what time.  Every harness feature shows up once; a worker of yours begins as a copy of this file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "worker.h"
#include "conf.h"

#define RULES_MAX	32u
#define LEVEL_MAX	100u

struct rule {
	char name[32], on[TYPE_CHARS_MAX + 1], until[TYPE_CHARS_MAX + 1], role[32];
	int64_t within;
};

struct rules {
	unsigned count;
	struct rule rules[RULES_MAX];
};

/* The tables, in the order of their names below. */
enum { COUNTS };

static void *
example_open(void)
{
	return (memset(alloc_or_exit(NULL, sizeof(struct rules)), 0, sizeof(struct rules)));
}

static int
example_configure(void *user, const char *kind, const char *text, char *why, size_t why_size)
{
	struct rules fresh = { 0 };
	struct conf *y;
	bool fine;

	(void)kind;
	if (text == NULL) {
		*(struct rules *)user = fresh;
		return (0);
	}
	if ((y = conf_read(text, why, why_size)) == NULL)
		return (-1);
	for (; fresh.count < RULES_MAX && conf_entry(y, "watch", fresh.count); fresh.count++) {
		struct rule *r = &fresh.rules[fresh.count];

		snprintf(r->name, sizeof(r->name), "%s", conf_id(y, "rule", sizeof(r->name) - 1));
		snprintf(r->on, sizeof(r->on), "%s", conf_type(y, "on"));
		snprintf(r->until, sizeof(r->until), "%s", conf_type(y, "until"));
		snprintf(r->role, sizeof(r->role), "%s", conf_text(y, "role", "cs_lead"));
		r->within = conf_span(y, "within");
	}
	if ((fine = conf_fine(y, why, why_size)))
		*(struct rules *)user = fresh;		/* all of it or nothing */
	conf_free(y);
	return (fine ? 0 : -1);
}

/* One step in the life of an obligation; its id is the case's and the rule's. */
static void
tell(struct worker *w, const char *type, const struct rule *r, struct text subject, int64_t due)
{
	const char *step = strchr(type, '.') + 1;
	uint64_t count = worker_get_number(w, COUNTS, subject.s, subject.len);
	char id[ID_CHARS_MAX + 1];

	/* Never cut: two cases would have one obligation. */
	if ((size_t)snprintf(id, sizeof(id), "%s/%.*s", r->name, (int)subject.len, subject.s) >= sizeof(id)) {
		worker_fail(w, "an obligation's id has at most %u characters, not %s/%.*s", ID_CHARS_MAX, r->name, (int)subject.len, subject.s);
		return;
	}
	worker_derive(w, type, subject, &(struct worker_identity){ r->name, subject, step, 0 });
	worker_field(w, "obligation", text_of(id));
	worker_field(w, "rule", text_of(r->name));
	worker_field(w, "role", text_of(r->role));
	worker_field_instant(w, "due", due);
	/* Who writes again and again while waiting begins higher up the ladder. */
	worker_field_int(w, "level", (int64_t)(count < LEVEL_MAX ? count : LEVEL_MAX));
	worker_emit(w);
}

/* The timer of a rule and a case. */
static size_t
timer_name(char out[ID_CHARS_MAX + 40], const struct rule *r, struct text subject)
{
	return ((size_t)snprintf(out, ID_CHARS_MAX + 40, "%s %.*s", r->name, (int)subject.len, subject.s));
}

static int
example_update(struct worker *w, const struct worker_event *v)
{
	const struct rules *rules = worker_user(w);
	struct text subject = v->e->subject;
	char timer[ID_CHARS_MAX + 40];
	int64_t due;

	if (subject.len == 0)
		return (0);
	worker_put_number(w, COUNTS, subject.s, subject.len, worker_get_number(w, COUNTS, subject.s, subject.len) + 1);
	for (const struct rule *r = rules->rules; r < rules->rules + rules->count; r++) {
		size_t len = timer_name(timer, r, subject);

		if (mp_equal(v->e->type.s, v->e->type.len, r->on) && !worker_timer_due(w, timer, len, &due)) {
			due = v->when + r->within;
			tell(w, "obligation.opened", r, subject, due);
			worker_set_timer(w, timer, len, due, subject.s, subject.len);
		} else if (mp_equal(v->e->type.s, v->e->type.len, r->until) && worker_timer_due(w, timer, len, &due)) {
			worker_cancel_timer(w, timer, len);
			tell(w, "obligation.fulfilled", r, subject, due);
		}
	}
	return (0);
}

static int
example_due(struct worker *w, const struct worker_timer *t)
{
	const struct rules *rules = worker_user(w);
	struct text subject = { t->payload, (uint32_t)t->len };
	char timer[ID_CHARS_MAX + 40];

	/* The rule may have gone meanwhile; then nothing is owed any more. */
	for (const struct rule *r = rules->rules; r < rules->rules + rules->count; r++)
		if (timer_name(timer, r, subject) == t->name_len && memcmp(timer, t->name, t->name_len) == 0)
			tell(w, "obligation.breached", r, subject, t->due);
	return (0);
}

/* How many events each case had, by case: those that begin with `prefix`, and had `least` or more. */
static int
example_counts(struct worker *w)
{
	int64_t least = worker_asked_int(w, "least", 1, 1, INT64_MAX);
	struct worker_walk walk = { 0 };
	struct text prefix;

	worker_asked_text(w, "prefix", ID_CHARS_MAX, &prefix);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, COUNTS, prefix.s, prefix.len, &walk)) {
		uint64_t count = worker_get_number(w, COUNTS, walk.key, walk.key_len);

		if (count < (uint64_t)least)
			continue;
		worker_reply_row(w);
		worker_reply(w, "subject", (struct text){ (const char *)walk.key, (uint32_t)walk.key_len });
		worker_reply_int(w, "events", (int64_t)count);
	}
	return (0);
}

/* What is owed, the next deadline first. */
static int
example_open_obligations(struct worker *w)
{
	struct worker_timer_walk walk = { .key_len = 0 };

	worker_reply_list(w, "rows");
	while (worker_each_timer(w, &walk)) {
		const char *blank = memchr(walk.t.name, ' ', walk.t.name_len);

		worker_reply_row(w);
		worker_reply_instant(w, "due", walk.t.due);
		worker_reply(w, "rule", (struct text){ walk.t.name, (uint32_t)(blank - (const char *)walk.t.name) });
		worker_reply(w, "subject", (struct text){ walk.t.payload, (uint32_t)walk.t.len });
		worker_reply_int(w, "event", (int64_t)walk.t.cause);
	}
	return (0);
}

int
main(int argc, char **argv)
{
	static const char *const types[] = { "**", NULL }, *const tables[] = { "counts", NULL };
	static const struct worker_config configs[] = { { "rules", "example.yaml" }, { NULL, NULL } };
	static const struct worker_query queries[] = {
		{ "counts", "prefix least", "how many events each case had", example_counts },
		{ "open", NULL, "what is owed, the next deadline first", example_open_obligations },
		{ NULL, NULL, NULL, NULL },
	};
	static const struct worker_kind example = {
		.name = "example", .version = 1, .types = types, .tables = tables, .configs = configs,
		.about = "Counts the events of each case and watches that what was begun is finished in time: an example of a worker.",
		.open = example_open, .close = free, .configure = example_configure, .update = example_update, .due = example_due,
		.queries = queries,
	};

	return (worker_main(&example, argc, argv));
}
