/* Who has to call. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "rfc3339.h"

#define FACTS_MAX	512u
#define STAFF_MAX	64u
#define FACT_HEAD	17u

struct facts {
	unsigned count;
	struct roster_fact list[FACTS_MAX];
	char staff[FACTS_MAX][ID_SIZE_MAX], deputy[FACTS_MAX][ID_SIZE_MAX];
};

/* One thread, one call at a time: filled and read within assign_choose(). */
static struct facts facts;

struct people {
	unsigned count;
	char list[STAFF_MAX][ID_SIZE_MAX];
};

/* ---- What the log tells of people ---- */

static bool
read_fact(const struct worker_walk *walk, unsigned i)
{
	const uint8_t *v = walk->value;

	if (walk->value_len < FACT_HEAD)
		return (false);
	key_rest(walk, 0, facts.staff[i]);
	snprintf(facts.deputy[i], ID_SIZE_MAX, "%.*s", (int)(walk->value_len - FACT_HEAD), (const char *)v + FACT_HEAD);
	facts.list[i] = (struct roster_fact){ facts.staff[i], facts.deputy[i][0] != '\0' ? facts.deputy[i] : NULL, (int64_t)get_le64(v), (int64_t)get_le64(v + 8),
	    v[16] != 0 };
	return (true);
}

static void
gather(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };

	facts.count = 0;
	while (facts.count < FACTS_MAX && worker_each(w, STAFF, NULL, 0, &walk))
		facts.count += read_fact(&walk, facts.count);
}

/* A date counts from its beginning, and to its end. */
static int64_t
instant(const struct turn *t, const struct event *e, const char *field, int64_t otherwise, unsigned minute)
{
	struct text date;
	int64_t at;

	if (event_instant(e, field, &at))
		return (at);
	return (event_text(e, field, &date) && rfc3339_date(date.s, date.len, &at) ? clock_at(t, at, minute) : otherwise);
}

static void
forget(struct turn *t, struct text staff, bool open_ones)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	char id[ID_SIZE_MAX];

	copy_text(id, sizeof(id), staff);
	key_part(&k, id);
	while (worker_each(t->w, STAFF, k.bytes, k.len, &walk))
		if (read_fact(&walk, 0) && (facts.list[0].until <= t->now || (open_ones && !facts.list[0].swapped && facts.list[0].until == INT64_MAX)))
			worker_delete(t->w, STAFF, walk.key, walk.key_len);
}

/* Whoever is away when it is planned, or until it is too late, does not call. */
static void
hand_over(struct turn *t, const char *staff, int64_t from, int64_t until, const char *deputy)
{
	struct worker_walk walk = { .key_len = 0 };
	struct line l;
	struct callback c;
	char id[ID_SIZE_MAX];

	while (worker_each(t->w, AGENDA, NULL, 0, &walk)) {
		if (!record_read(SHAPE_LINE, walk.value, walk.value_len, &l) || strcmp(l.staff, staff) != 0)
			continue;
		key_rest(&walk, 8, id);
		if (!book_load(t, id, &c) || c.state != IS_OPEN || from >= c.due || !(until >= c.due || (c.plan >= from && c.plan < until)))
			continue;
		if (deputy[0] == '\0' || assign_is_own(t, &c, deputy)) {
			owe_reassign(t, &c, c.role, "absent");
			continue;
		}
		snprintf(c.staff, sizeof(c.staff), "%s", deputy);
		tell_changed(t, &c, "callback.reassigned", "absent: the deputy");
		book_note(t, c.id, "reassigned", deputy, "deputy of %s", staff);
		book_store(t, &c);
	}
}

void
assign_note(struct turn *t, const struct worker_event *v)
{
	struct text staff = v->e->subject, deputy = { NULL, 0 };
	bool swapped = mp_equal(v->e->type.s, v->e->type.len, "duty.swapped");
	char id[ID_SIZE_MAX], instead[ID_SIZE_MAX];
	uint8_t value[FACT_HEAD + ID_SIZE_MAX];
	struct key k = { .len = 0 };
	int64_t from, until;

	if (mp_equal(v->e->type.s, v->e->type.len, "duty.started")) {
		forget(t, staff, true);
		return;
	}
	forget(t, staff, false);
	event_text(v->e, "deputy", &deputy);
	copy_text(id, sizeof(id), staff);
	copy_text(instead, sizeof(instead), deputy);
	from = instant(t, v->e, "from", v->when, 0);
	until = instant(t, v->e, "until", INT64_MAX, 1440);
	put_le64(value, (uint64_t)from);
	put_le64(value + 8, (uint64_t)until);
	value[16] = swapped;
	memcpy(value + FACT_HEAD, instead, strlen(instead));
	key_number(key_part(&k, id), v->seq);
	worker_put(t->w, STAFF, k.bytes, k.len, value, FACT_HEAD + strlen(instead));
	if (t->p != NULL && until > t->now)
		hand_over(t, id, from, until, instead);
}

/* ---- Who ---- */

static bool
same_role(const char *a, const char *b)
{
	return (strcmp(a, b) == 0 || (strcmp(a, "supervisor") == 0 && strcmp(b, "cs_lead") == 0) || (strcmp(a, "cs_lead") == 0 && strcmp(b, "supervisor") == 0));
}

bool
assign_is_own(struct turn *t, const struct callback *c, const char *staff)
{
	struct matter m;

	if (c->kind == KIND_ROUTINE || c->kind == KIND_CALL || !record_get(t->w, CASES, SHAPE_MATTER, c->subject, strlen(c->subject), &m))
		return (false);
	for (unsigned i = 0; i < HANDLERS_MAX; i++)
		if (m.handlers[i][0] != '\0' && strcmp(m.handlers[i], staff) == 0)
			return (true);
	return (false);
}

static void
add(struct turn *t, struct people *p, const char *role, int64_t at)
{
	struct roster_person on[ROSTER_PEOPLE_MAX];
	unsigned n = roster_on_duty(t->x->roster, role, at, facts.list, facts.count, on), known;

	for (unsigned i = 0; i < n; i++) {
		if (!same_role(on[i].role, role))
			continue;		/* nobody of the role: the next one is ours to choose */
		for (known = 0; known < p->count && strcmp(p->list[known], on[i].staff) != 0; known++)
			;
		if (known == p->count && p->count < STAFF_MAX)
			snprintf(p->list[p->count++], ID_SIZE_MAX, "%s", on[i].staff);
	}
}

/* Who of a role is there on the day: at the beginning and the middle of each part of it.  To be called at once: now. */
static void
on_the_day(struct turn *t, const struct callback *c, const char *role, struct people *p)
{
	const struct hours_list *l = &t->p->contact.hours;
	int64_t at = c->opens > t->now ? c->opens : t->now, day = clock_day(t, at);

	p->count = 0;
	if (t->x->roster == NULL)
		return;
	if (c->kind == KIND_CALL) {
		add(t, p, role, t->now);
		return;
	}
	if (clock_minute(t, at) >= l->list[l->count - 1].to)
		day++;
	for (unsigned i = 0; i < l->count; i++) {
		add(t, p, role, clock_at(t, day, l->list[i].from));
		add(t, p, role, clock_at(t, day, (l->list[i].from + l->list[i].to) / 2));
	}
}

/* Whoever has to speak to this household anyway. */
static bool
speaks_to(struct turn *t, const struct callback *c, const struct people *p, char out[ID_SIZE_MAX])
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback other;
	char id[ID_SIZE_MAX];

	if (c->household[0] == '\0')
		return (false);
	key_part(&k, c->household);
	while (worker_each(t->w, PENDING, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, id);
		if (strcmp(id, c->id) == 0 || !book_load(t, id, &other) || other.state != IS_OPEN)
			continue;
		for (unsigned i = 0; i < p->count; i++)
			if (strcmp(p->list[i], other.staff) == 0 && !assign_is_own(t, c, p->list[i])) {
				memcpy(out, p->list[i], ID_SIZE_MAX);
				return (true);
			}
	}
	return (false);
}

/* Of those who had no hand in the case the one with the least to do; at a draw by lot. */
static bool
least_loaded(struct turn *t, const struct callback *c, const char *role, const struct people *p, char out[ID_SIZE_MAX])
{
	int64_t month = clock_month(t, t->now), best = -1;
	uint64_t best_lot = 0;

	for (unsigned i = 0; i < p->count; i++) {
		char lot_of[2 * ID_SIZE_MAX];
		uint64_t lot;
		struct load l;

		if (assign_is_own(t, c, p->list[i]))
			continue;
		book_load_of(t->w, month, role, p->list[i], &l);
		snprintf(lot_of, sizeof(lot_of), "%s %s", c->id, p->list[i]);
		lot = clock_draw(t, "lot", lot_of);
		if (best < 0 || l.assigned < best || (l.assigned == best && lot < best_lot)) {
			best = l.assigned;
			best_lot = lot;
			memcpy(out, p->list[i], ID_SIZE_MAX);
		}
	}
	return (best >= 0);
}

static void
say_otherwise(struct callback *c, const char *role)
{
	char said[REASON_SIZE];

	/* A reason of one word is what another program listens to. */
	if (strstr(c->reason, "nobody else") != NULL || strchr(c->reason, ' ') == NULL)
		return;
	snprintf(said, sizeof(said), "%.100s; nobody else of %s", c->reason, role);
	memcpy(c->reason, said, sizeof(said));
}

void
assign_choose(struct turn *t, struct callback *c, const char *wanted)
{
	char asked[ROLE_SIZE], staff[ID_SIZE_MAX] = "";
	const char *role = asked;
	struct people p;

	snprintf(asked, sizeof(asked), "%s", wanted);
	gather(t->w);
	for (unsigned i = 0; i <= t->p->assign.otherwise.count; i++) {
		if (i > 0 && same_role(role = t->p->assign.otherwise.list[i - 1], asked))
			continue;
		on_the_day(t, c, role, &p);
		if (speaks_to(t, c, &p, staff) || least_loaded(t, c, role, &p, staff))
			break;
	}
	if (staff[0] == '\0' || strcmp(role, asked) != 0)
		say_otherwise(c, asked);
	snprintf(c->role, sizeof(c->role), "%s", staff[0] != '\0' ? role : asked);
	memcpy(c->staff, staff, sizeof(c->staff));
}

/* At whatever hour of a week: a shift does not change what somebody is. */
static bool
has_role(struct turn *t, const char *staff, const char *role)
{
	for (int64_t hour = 0; hour < 7 * 24; hour++) {
		struct roster_person on[ROSTER_PEOPLE_MAX];
		unsigned n = roster_on_duty(t->x->roster, role, t->now + hour * 3600 * SECOND_NS, NULL, 0, on);

		for (unsigned i = 0; i < n; i++)
			if (same_role(on[i].role, role) && strcmp(on[i].staff, staff) == 0)
				return (true);
	}
	return (false);
}

bool
assign_has_role(struct turn *t, const char *staff, const struct name_list *roles)
{
	if (names_hold(roles, staff, strlen(staff)))
		return (true);
	for (unsigned i = 0; t->x->roster != NULL && i < roles->count; i++)
		if (has_role(t, staff, roles->list[i]))
			return (true);
	return (false);
}

/* Who was looked for already, so that a week is looked through once a person. */
struct looked_for {
	unsigned count;
	struct { char staff[ID_SIZE_MAX], role[ROLE_SIZE]; bool there; } list[STAFF_MAX];
};

static bool
is_there(struct turn *t, struct looked_for *l, const char *staff, const char *role)
{
	unsigned i;

	for (i = 0; i < l->count; i++)
		if (strcmp(l->list[i].staff, staff) == 0 && strcmp(l->list[i].role, role) == 0)
			return (l->list[i].there);
	if (i == STAFF_MAX)
		return (has_role(t, staff, role));
	snprintf(l->list[i].staff, ID_SIZE_MAX, "%s", staff);
	snprintf(l->list[i].role, ROLE_SIZE, "%s", role);
	l->list[i].there = has_role(t, staff, role);
	return (l->list[l->count++].there);
}

void
assign_roster(struct turn *t)
{
	struct worker_walk walk = { .key_len = 0 };
	struct looked_for looked = { .count = 0 };
	struct callback c;
	struct line l;
	char id[ID_SIZE_MAX];

	while (worker_each(t->w, AGENDA, NULL, 0, &walk)) {
		if (!record_read(SHAPE_LINE, walk.value, walk.value_len, &l) || (l.staff[0] != '\0' && is_there(t, &looked, l.staff, l.role)))
			continue;
		key_rest(&walk, 8, id);
		if (book_load(t, id, &c) && c.state == IS_OPEN)
			owe_reassign(t, &c, c.role, "another roster");
	}
}
