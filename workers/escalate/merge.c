/* Openings that agree: one obligation, and others that have joined it. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>

#define MERGED_KEY_MAX	(ROW_MERGE_MAX + 1 + ID_CHARS_MAX)

bool
merge_name(const struct opening *p, char out[ROW_MERGE_MAX + 1])
{
	size_t n;
	struct text v;

	if (p->rule->merges == 0 || p->e == NULL)
		return (false);
	n = (size_t)snprintf(out, ROW_MERGE_MAX + 1, "%s", p->rule->id);
	for (unsigned i = 0; i < p->rule->merges; i++) {
		if (!event_text(p->e, p->rule->merge[i], &v) || v.len > ID_CHARS_MAX)
			return (false);
		n += (size_t)snprintf(out + n, ROW_MERGE_MAX + 1 - n, " %.*s", (int)v.len, v.s);
	}
	return (true);
}

static size_t
merge_key(const char *merge, struct text subject, char out[MERGED_KEY_MAX])
{
	size_t n = strlen(merge) + 1;

	memcpy(out, merge, n);
	memcpy(out + n, subject.s, subject.len);
	return (n + subject.len);
}

void
merge_put(struct turn *t, const struct obligation *o)
{
	char key[MERGED_KEY_MAX];

	worker_put(t->w, MERGED, key, merge_key(o->row.merge, row_subject(&o->key), key), "", 0);
}

/* The next member of a merged obligation. */
static bool
each_member(struct turn *t, const char *merge, const struct rule *r, struct worker_walk *walk, struct obligation *o)
{
	size_t n = strlen(merge) + 1;

	while (worker_each(t->w, MERGED, merge, n, walk)) {
		struct text subject = { (const char *)walk->key + n, (uint32_t)(walk->key_len - n) };

		if (oblige_load(t, r, subject, o))
			return (true);
	}
	return (false);
}

bool
merge_joins(struct turn *t, const struct opening *p, const char *merge)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation owner, o = { .rule = p->rule, .key = row_key(p->subject, p->rule->id) };

	while (each_member(t, merge, p->rule, &walk, &owner))
		if (owner.row.state == ROW_OPEN) {
			struct text subject = row_subject(&owner.key);

			o.row = (struct row){ .state = ROW_JOINED, .opened = p->when, .opened_seq = p->seq, .ended = t->now };
			memcpy(o.row.owner, subject.s, subject.len);
			snprintf(o.row.merge, sizeof(o.row.merge), "%s", merge);
			snprintf(o.row.household, sizeof(o.row.household), "%s", owner.row.household);
			merge_put(t, &o);
			oblige_save(t, &o);
			oblige_caused(t, p->subject);
			return (true);
		}
	return (false);
}

void
merge_left(struct turn *t, struct obligation *o, bool fulfilled)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation member, heir;
	bool inherited = false;

	if (o->row.merge[0] == '\0')
		return;
	while (each_member(t, o->row.merge, o->rule, &walk, &member)) {
		if (fulfilled || (member.key.len == o->key.len && memcmp(member.key.bytes, o->key.bytes, o->key.len) == 0)) {
			worker_delete(t->w, MERGED, walk.key, walk.key_len);
		} else if (member.row.state == ROW_JOINED && !inherited) {
			heir = member;
			heir.row = (struct row){ .state = ROW_OPEN, .opened = member.row.opened, .opened_seq = member.row.opened_seq, .term = o->row.term,
			    .fixed = o->row.fixed, .warned = t->now };
			memcpy(heir.row.household, member.row.household, sizeof(heir.row.household));
			memcpy(heir.row.merge, member.row.merge, sizeof(heir.row.merge));
			plan_due(t->x, &heir.row);
			tell_obligation(t, &heir, "obligation.opened", NULL, false);
			oblige_save(t, &heir);
			inherited = true;
		} else if (member.row.state == ROW_JOINED) {
			struct text owner = row_subject(&heir.key);

			snprintf(member.row.owner, sizeof(member.row.owner), "%.*s", (int)owner.len, owner.s);
			oblige_save(t, &member);
		}
	}
}

void
merge_forget(struct turn *t, const struct obligation *o)
{
	char key[MERGED_KEY_MAX];

	if (o->row.merge[0] != '\0')
		worker_delete(t->w, MERGED, key, merge_key(o->row.merge, row_subject(&o->key), key));
}
