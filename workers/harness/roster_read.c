/* A roster from its text: see roster.h.  After: roster.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "event.h"
#include "rfc3339.h"
#include "roster_internal.h"
#include "yamltext.h"

#define DEPUTIES_MAX	1024u

struct reader {
	struct roster *r;
	struct yamltext y;
};

static void *
zeroed(size_t size)
{
	return (memset(alloc_or_exit(NULL, size), 0, size));
}

/* An id of somebody, copied; NULL after a mistake. */
static char *
read_id(struct reader *r, const yaml_node_t *n, const char *what)
{
	const char *s = yamltext_text(&r->y, n, what);

	if (s == NULL)
		return (NULL);
	if (!id_valid(s, strlen(s))) {
		yamltext_mistake(&r->y, n, "%.40s is no staff id: 1 to 64 characters of A-Z a-z 0-9 . _ : / -", s);
		return (NULL);
	}
	return (strcpy(alloc_or_exit(NULL, strlen(s) + 1), s));
}

/* A role; ROLES_MAX after a mistake. */
static unsigned
read_role(struct reader *r, const yaml_node_t *n, const char *name)
{
	unsigned role = roster_role_index(name);
	const char *near;

	if (role < ROLES_MAX)
		return (role);
	if ((near = roster_role_nearest(name)) != NULL)
		yamltext_mistake(&r->y, n, "there is no role %.40s; did you mean %s?", name, near);
	else
		yamltext_mistake(&r->y, n, "there is no role %.40s; `estate types case.assigned` lists them", name);
	return (ROLES_MAX);
}

/* One value, or a list of them: item 0, 1 …; NULL behind the last. */
static yaml_node_t *
item(struct reader *r, yaml_node_t *n, unsigned i)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return (i == 0 ? n : NULL);
	if (i >= (size_t)(n->data.sequence.items.top - n->data.sequence.items.start))
		return (NULL);
	return (yamltext_node(&r->y, n->data.sequence.items.start[i]));
}

static void
read_people(struct reader *r, yaml_node_t *n, struct people *p)
{
	yaml_node_t *it;
	char *id;

	for (unsigned i = 0; (it = item(r, n, i)) != NULL && (id = read_id(r, it, "staff")) != NULL; i++) {
		for (unsigned k = 0; k < p->count; k++)
			if (strcmp(p->ids[k], id) == 0)
				yamltext_mistake(&r->y, it, "%s is listed twice", id);
		if (p->count == STAFF_MAX) {
			yamltext_mistake(&r->y, it, "more than %u people", STAFF_MAX);
			free(id);
			return;
		}
		p->ids[p->count++] = id;
	}
	if (p->count == 0)
		yamltext_mistake(&r->y, n, "nobody is listed: write staff: [c-1, c-2]");
}

static void
read_others(struct reader *r, yaml_node_t *n, struct others *o)
{
	yaml_node_t *it;
	const char *name;

	o->given = true;
	for (unsigned i = 0; (it = item(r, n, i)) != NULL && (name = yamltext_text(&r->y, it, "otherwise")) != NULL; i++) {
		unsigned role = read_role(r, it, name);

		if (role == ROLES_MAX)
			return;
		for (unsigned k = 0; k < o->count; k++)
			if (o->roles[k] == role) {
				yamltext_mistake(&r->y, it, "%s is listed twice", name);
				return;
			}
		o->roles[o->count++] = role;		/* there are no more than ROLES_MAX */
	}
}

/* A key of a map: which, given once.  `count` and a mistake if it is none. */
static unsigned
read_key(struct reader *r, const yaml_node_t *key, const char *name, const char *const *keys, unsigned count, bool *given)
{
	unsigned k = yamltext_one_of(&r->y, key, name, keys, count, "key");

	if (k < count && given[k]) {
		yamltext_mistake(&r->y, key, "%s is given twice", name);
		return (count);
	}
	if (k < count)
		given[k] = true;
	return (k);
}

/* ---- Shifts ---- */

static void
read_dates(struct reader *r, const yaml_node_t *n, struct shift *s)
{
	const char *text = yamltext_text(&r->y, n, "dates"), *rest;

	if (text == NULL)
		return;
	rest = yamltext_date(text, 0, &s->first);
	s->last = s->first;
	if (rest != NULL && strncmp(rest, "..", 2) == 0)
		rest = yamltext_date(rest + 2, 0, &s->last);
	if (rest == NULL || *rest != '\0' || s->last < s->first)
		yamltext_mistake(&r->y, n, "dates are written 2026-10-01 or 2026-10-01..2026-10-07, not %.40s", text);
	s->dated = true;
}

static void
read_hours(struct reader *r, const yaml_node_t *n, struct shift *s)
{
	const char *text = yamltext_text(&r->y, n, "hours");

	if (text == NULL)
		return;
	if (!yamltext_clock(text, &s->from) || text[5] != '-' || !yamltext_clock(text + 6, &s->to) || text[11] != '\0' || s->from == 1440 || s->to == 0)
		yamltext_mistake(&r->y, n, "hours are written 08:00-20:00, or 20:00-08:00 into the next morning, not %.40s", text);
	else if (s->from == s->to)
		yamltext_mistake(&r->y, n, "%s is no time at all: leave hours out for the whole day", text);
}

static void
read_days(struct reader *r, yaml_node_t *n, struct shift *s)
{
	yaml_node_t *it;
	const char *name;

	for (unsigned i = 0; (it = item(r, n, i)) != NULL && (name = yamltext_text(&r->y, it, "days")) != NULL; i++)
		if (!yamltext_weekdays(&r->y, it, name, s->days))
			return;
}

static void
read_shift(struct reader *r, yaml_node_t *map, struct shift *s)
{
	static const char *const keys[] = { "days", "dates", "hours", "staff" };
	bool given[4] = { false };
	yaml_node_t *key, *value;
	const char *name;

	s->to = 1440;
	for (unsigned i = 0; yamltext_pair(&r->y, map, "a shift", i, &key, &name, &value); i++)
		switch (read_key(r, key, name, keys, 4, given)) {
		case 0:
			read_days(r, value, s);
			break;
		case 1:
			read_dates(r, value, s);
			break;
		case 2:
			read_hours(r, value, s);
			break;
		case 3:
			read_people(r, value, &s->staff);
			break;
		}
	if (given[0] && given[1])
		yamltext_mistake(&r->y, map, "a shift has days of every week or dates, not both");
	if (!given[3])
		yamltext_mistake(&r->y, map, "a shift needs staff");
	for (unsigned d = 0; d < 7 && !given[0]; d++)
		s->days[d] = true;
}

static void
read_shifts(struct reader *r, yaml_node_t *list, struct role *role)
{
	size_t count;

	if (list->type != YAML_SEQUENCE_NODE) {
		yamltext_mistake(&r->y, list, "shifts is a list: entries that begin with a dash");
		return;
	}
	count = (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
	if (count == 0 || count > SHIFTS_MAX) {
		yamltext_mistake(&r->y, list, "a role has 1 to %u shifts, not %zu", SHIFTS_MAX, count);
		return;
	}
	role->shifts = zeroed(count * sizeof(*role->shifts));
	while (role->shifts_count < count && r->y.mistake[0] == '\0') {
		role->shifts_count++;
		read_shift(r, yamltext_node(&r->y, list->data.sequence.items.start[role->shifts_count - 1]), &role->shifts[role->shifts_count - 1]);
	}
}

static void
read_rotation(struct reader *r, yaml_node_t *map, struct rotation *t)
{
	static const char *const keys[] = { "every", "start", "at", "staff" }, *const spans[] = { "day", "week" };
	bool given[4] = { false };
	yaml_node_t *key, *value;
	const char *name, *text, *rest;

	t->given = true;
	for (unsigned i = 0; yamltext_pair(&r->y, map, "rotation", i, &key, &name, &value); i++) {
		unsigned k = read_key(r, key, name, keys, 4, given);

		if (k == 3)
			read_people(r, value, &t->staff);
		if (k >= 3 || (text = yamltext_text(&r->y, value, name)) == NULL)
			continue;
		if (k == 0)
			t->days = yamltext_one_of(&r->y, value, text, spans, 2, "span (day or week)") == 0 ? 1 : 7;
		else if (k == 1 && ((rest = yamltext_date(text, 0, &t->start)) == NULL || *rest != '\0'))
			yamltext_mistake(&r->y, value, "start is a day such as 2026-01-05, not %.40s", text);
		else if (k == 2 && (!yamltext_clock(text, &t->at) || text[5] != '\0' || t->at == 1440))
			yamltext_mistake(&r->y, value, "at is a time such as 08:00, not %.40s", text);
	}
	if (!given[0] || !given[1] || !given[3])
		yamltext_mistake(&r->y, map, "a rotation needs every, start and staff; %s is missing", !given[0] ? "every" : !given[1] ? "start" : "staff");
}

/* ---- All of it ---- */

static void
read_one_role(struct reader *r, yaml_node_t *map, const char *what, struct role *role)
{
	static const char *const keys[] = { "shifts", "rotation", "staff", "otherwise" };
	bool given[4] = { false };
	yaml_node_t *key, *value;
	const char *name;

	role->given = true;
	for (unsigned i = 0; yamltext_pair(&r->y, map, what, i, &key, &name, &value); i++)
		switch (read_key(r, key, name, keys, 4, given)) {
		case 0:
			read_shifts(r, value, role);
			break;
		case 1:
			read_rotation(r, value, &role->rotation);
			break;
		case 2:
			read_people(r, value, &role->staff);
			break;
		case 3:
			read_others(r, value, &role->otherwise);
			break;
		}
	if (!given[0] && !given[1] && !given[2])
		yamltext_mistake(&r->y, map, "%s has nobody: it needs shifts, a rotation or staff (leave it out to have others told)", what);
}

static void
read_roles(struct reader *r, yaml_node_t *map)
{
	yaml_node_t *key, *value;
	const char *name;

	for (unsigned i = 0; yamltext_pair(&r->y, map, "roles", i, &key, &name, &value); i++) {
		unsigned role = read_role(r, key, name);

		if (role == ROLES_MAX)
			return;
		if (r->r->roles[role].given) {
			yamltext_mistake(&r->y, key, "%s is given twice", roster_role_code(role));
			return;
		}
		read_one_role(r, value, name, &r->r->roles[role]);
	}
}

static void
read_deputies(struct reader *r, yaml_node_t *map)
{
	struct roster *t = r->r;
	yaml_node_t *key, *value;
	const char *name;

	t->deputies = zeroed(DEPUTIES_MAX * sizeof(*t->deputies));
	for (unsigned i = 0; yamltext_pair(&r->y, map, "deputies", i, &key, &name, &value); i++) {
		struct deputy *d = &t->deputies[t->deputies_count];

		if (t->deputies_count == DEPUTIES_MAX) {
			yamltext_mistake(&r->y, key, "more than %u deputies", DEPUTIES_MAX);
			return;
		}
		for (unsigned k = 0; k < t->deputies_count; k++)
			if (strcmp(t->deputies[k].staff, name) == 0)
				yamltext_mistake(&r->y, key, "%s has two deputies", name);
		t->deputies_count++;
		if ((d->staff = read_id(r, key, "deputies")) == NULL || (d->deputy = read_id(r, value, name)) == NULL)
			return;
		if (strcmp(d->staff, d->deputy) == 0)
			yamltext_mistake(&r->y, value, "%s cannot stand in for oneself", d->staff);
	}
}

static void
read_top(struct reader *r, yaml_node_t *top)
{
	static const char *const keys[] = { "zone", "roles", "deputies", "otherwise" };
	bool given[4] = { false };
	yaml_node_t *key, *value;
	const char *name, *text;
	char why[200];

	for (unsigned i = 0; yamltext_pair(&r->y, top, "a roster", i, &key, &name, &value); i++)
		switch (read_key(r, key, name, keys, 4, given)) {
		case 0:
			if ((text = yamltext_text(&r->y, value, name)) != NULL && zone_read(&r->r->zone, text, why, sizeof(why)) != 0)
				yamltext_mistake(&r->y, value, "%s", why);
			break;
		case 1:
			read_roles(r, value);
			break;
		case 2:
			read_deputies(r, value);
			break;
		case 3:
			read_others(r, value, &r->r->otherwise);
			break;
		}
	if (!given[0] || !given[1])
		yamltext_mistake(&r->y, top, "%s is missing: write %s", given[0] ? "roles" : "zone", given[0] ? "roles: and below it clerk: and its shifts" : "zone: Asia/Shanghai");
}

struct roster *
roster_parse(const char *text, char *why, size_t size)
{
	struct reader r = { .r = NULL };
	yaml_node_t *top = yamltext_load(&r.y, text, "the roster", why, size);

	if (top == NULL)
		return (NULL);
	r.r = zeroed(sizeof(*r.r));
	read_top(&r, top);
	yamltext_free(&r.y);
	if (r.y.mistake[0] == '\0')
		return (r.r);
	snprintf(why, size, "%s", r.y.mistake);
	roster_free(r.r);
	return (NULL);
}

static void
people_free(struct people *p)
{
	for (unsigned i = 0; i < p->count; i++)
		free(p->ids[i]);
}

void
roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < ROLES_MAX; i++) {
		for (unsigned k = 0; k < r->roles[i].shifts_count; k++)
			people_free(&r->roles[i].shifts[k].staff);
		free(r->roles[i].shifts);
		people_free(&r->roles[i].rotation.staff);
		people_free(&r->roles[i].staff);
	}
	for (unsigned i = 0; i < r->deputies_count; i++) {
		free(r->deputies[i].staff);
		free(r->deputies[i].deputy);
	}
	free(r->deputies);
	free(r);
}
