/* Who is told: the roster, and what the log knows better. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define COVERS_MAX	512u		/* absences and swaps at one instant; a department has no more people */
#define FACT_KEY_MAX	(ID_CHARS_MAX + 1 + 8)
#define FACT_HEAD	17u

struct facts {
	unsigned count;
	struct roster_fact list[COVERS_MAX];
	char staff[COVERS_MAX][ID_CHARS_MAX + 1], deputy[COVERS_MAX][ID_CHARS_MAX + 1];
};

/* One thread, one call at a time: filled and read within duty_resolve(). */
static struct facts facts;

static size_t
fact_key(struct text staff, uint64_t seq, uint8_t out[FACT_KEY_MAX])
{
	memcpy(out, staff.s, staff.len);
	out[staff.len] = 0;
	put_be64(out + staff.len + 1, seq);
	return (staff.len + 1 + 8);
}

/* A row of STAFF: from, until, swapped, deputy. */
static bool
read_fact(const struct worker_walk *walk, unsigned i)
{
	struct roster_fact *f = &facts.list[i];
	const uint8_t *v = walk->value;
	size_t staff = strnlen((const char *)walk->key, walk->key_len);

	if (walk->value_len < FACT_HEAD || staff > ID_CHARS_MAX || walk->key_len != staff + 9)
		return (false);
	memcpy(facts.staff[i], walk->key, staff + 1);
	snprintf(facts.deputy[i], sizeof(facts.deputy[i]), "%.*s", (int)(walk->value_len - FACT_HEAD), (const char *)v + FACT_HEAD);
	*f = (struct roster_fact){ facts.staff[i], facts.deputy[i][0] != '\0' ? facts.deputy[i] : NULL, (int64_t)get_le64(v), (int64_t)get_le64(v + 8), v[16] != 0 };
	return (true);
}

/* Those that cover an instant; of one person in the order of the log, as their keys lie. */
static void
gather(struct worker *w, int64_t at)
{
	struct worker_walk walk = { .key_len = 0 };

	facts.count = 0;
	while (facts.count < COVERS_MAX && worker_each(w, STAFF, NULL, 0, &walk)) {
		unsigned i = facts.count;

		if (!read_fact(&walk, i) || facts.list[i].from > at || facts.list[i].until <= at)
			continue;
		facts.count++;
	}
}

static void
add(struct recipients *to, const char *id)
{
	for (unsigned i = 0; i < to->count; i++)
		if (strcmp(to->list[i].id, id) == 0)
			return;
	if (to->count < ROSTER_PEOPLE_MAX)
		snprintf(to->list[to->count++].id, sizeof(to->list[0].id), "%s", id);
}

/* The case's own handler, or who stands in; false if that is nobody. */
static bool
handler(const char *id, struct recipients *to)
{
	/* Of facts about one person the last that covers the instant counts. */
	for (unsigned i = facts.count; i-- > 0;)
		if (strcmp(facts.list[i].staff, id) == 0) {
			if (facts.list[i].deputy == NULL)
				return (false);
			id = facts.list[i].deputy;
			break;
		}
	add(to, id);
	to->staff = true;
	return (true);
}

static bool
same_role(const char *a, const char *b)
{
	/* One role unless the roster has both, and then it answers with the one that was asked for. */
	return (strcmp(a, b) == 0 || (strcmp(a, "supervisor") == 0 && strcmp(b, "cs_lead") == 0) || (strcmp(a, "cs_lead") == 0 && strcmp(b, "supervisor") == 0));
}

void
duty_resolve(struct worker *w, const struct escalate *x, struct text subject, const char *role, bool everyone, int64_t at, struct recipients *to)
{
	struct roster_person people[ROSTER_PEOPLE_MAX];
	struct about a;
	unsigned n;

	memset(to, 0, sizeof(*to));
	to->role = role;
	gather(w, at);
	if (strcmp(role, HANDLER) == 0) {
		about_load(w, subject, &a);
		if (handler(a.handler, to))
			return;
		/* Away, and nobody stands in: the role. */
		if ((role = roster_role(a.handler_role)) == NULL)
			role = "cs_lead";
		to->role = role;
	}
	if (x->roster == NULL) {
		add(to, role);
		return;
	}
	n = roster_on_duty(x->roster, role, at, facts.list, facts.count, people);
	for (unsigned i = 0; i < n && (everyone || i == 0); i++)
		add(to, people[i].staff);
	to->empty = n == 0 || !same_role(people[0].role, role);
	to->staff = n > 0;
	if (n == 0)
		add(to, role);
	else
		to->role = roster_role(people[0].role);
}

/* ---- What the log tells of people ---- */

static void
put_fact(struct turn *t, struct text staff, uint64_t seq, int64_t from, int64_t until, bool swapped, struct text deputy)
{
	uint8_t key[FACT_KEY_MAX], value[FACT_HEAD + ID_CHARS_MAX];

	put_le64(value, (uint64_t)from);
	put_le64(value + 8, (uint64_t)until);
	value[16] = swapped;
	if (deputy.len > 0)
		memcpy(value + FACT_HEAD, deputy.s, deputy.len);
	worker_put(t->w, STAFF, key, fact_key(staff, seq, key), value, FACT_HEAD + deputy.len);
}

/* The facts of one person, which the callback may drop or end. */
static void
each_fact(struct turn *t, struct text staff, bool (*keep)(struct turn *, const struct roster_fact *, const void *arg), const void *arg)
{
	struct worker_walk walk = { .key_len = 0 };
	uint8_t prefix[FACT_KEY_MAX];

	memcpy(prefix, staff.s, staff.len);
	prefix[staff.len] = 0;
	while (worker_each(t->w, STAFF, prefix, staff.len + 1, &walk))
		if (read_fact(&walk, 0) && !keep(t, &facts.list[0], arg))
			worker_delete(t->w, STAFF, walk.key, walk.key_len);
}

/* What is over is of no further use. */
static bool
not_over(struct turn *t, const struct roster_fact *f, const void *arg)
{
	(void)arg;
	return (f->until > t->now);
}

/* Back on duty: an absence without an end ends here. */
static bool
not_open(struct turn *t, const struct roster_fact *f, const void *arg)
{
	(void)arg;
	return (f->until > t->now && (f->swapped || f->until != INT64_MAX));
}

/* A date counts from its beginning, and to its end. */
static int64_t
instant(const struct escalate *x, const struct event *e, const char *field, int64_t otherwise, bool ends)
{
	int64_t at;

	if (event_instant(e, field, &at))
		return (at);
	if (!oblige_limit(x, e, field, &at))
		return (otherwise);
	return (ends ? at : at - 86400 * SECOND_NS);
}

void
duty_note(struct turn *t, const struct worker_event *v)
{
	struct text staff = v->e->subject, deputy = { NULL, 0 };
	bool swapped = mp_equal(v->e->type.s, v->e->type.len, "duty.swapped");

	if (mp_equal(v->e->type.s, v->e->type.len, "duty.started")) {
		each_fact(t, staff, not_open, NULL);
		return;
	}
	each_fact(t, staff, not_over, NULL);
	event_text(v->e, "deputy", &deputy);
	if (deputy.len > ID_CHARS_MAX)
		deputy.len = 0;
	put_fact(t, staff, v->seq, instant(t->x, v->e, "from", v->when, false), instant(t->x, v->e, "until", INT64_MAX, true), swapped, deputy);
	oblige_caused(t, staff);
}

bool
duty_correct(struct turn *t, struct text staff, uint64_t seq, const struct event *amended)
{
	struct text deputy;
	uint8_t key[FACT_KEY_MAX];
	size_t len = fact_key(staff, seq, key), value_len;
	const void *value;
	struct worker_walk walk = { .key_len = len };

	if (!worker_get(t->w, STAFF, key, len, &value, &value_len))
		return (false);
	memcpy(walk.key, key, len);
	walk.value = value;
	walk.value_len = value_len;
	if (!read_fact(&walk, 0))
		return (false);
	if (amended == NULL) {
		worker_delete(t->w, STAFF, key, len);
		return (true);
	}
	if (!event_text(amended, "deputy", &deputy) || deputy.len > ID_CHARS_MAX)
		deputy = text_of(facts.deputy[0]);
	put_fact(t, staff, seq, instant(t->x, amended, "from", facts.list[0].from, false), instant(t->x, amended, "until", facts.list[0].until, true),
	    facts.list[0].swapped, deputy);
	return (true);
}
