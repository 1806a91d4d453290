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

/* A member; one that is open is whom others join. */
void
merge_put(struct turn *t, const struct obligation *o)
{
	struct text subject = row_subject(&o->key);
	char key[MERGED_KEY_MAX];

	worker_put(t->w, MERGED, key, merge_key(o->row.merge, subject, key), "", 0);
	if (o->row.state == ROW_OPEN)
		worker_put(t->w, MERGED, key, merge_key(o->row.merge, (struct text){ "", 0 }, key), subject.s, subject.len);
}

/* Whom others join; false if there is none, or it is no longer open. */
static bool
load_owner(struct turn *t, const char *merge, const struct rule *r, struct obligation *o)
{
	char key[MERGED_KEY_MAX], subject[ID_CHARS_MAX];
	const void *v;
	size_t len;

	if (!worker_get(t->w, MERGED, key, merge_key(merge, (struct text){ "", 0 }, key), &v, &len) || len > sizeof(subject))
		return (false);
	memcpy(subject, v, len);
	return (oblige_load(t, r, (struct text){ subject, (uint32_t)len }, o) && o->row.state == ROW_OPEN);
}

bool
merge_joins(struct turn *t, const struct opening *p, const char *merge)
{
	struct obligation owner, o = { .rule = p->rule, .key = row_key(p->subject, p->rule->id) };
	struct text subject;

	if (!load_owner(t, merge, p->rule, &owner))
		return (false);
	subject = row_subject(&owner.key);
	o.row = (struct row){ .state = ROW_JOINED, .opened = p->when, .opened_seq = p->seq, .ended = t->now };
	memcpy(o.row.owner, subject.s, subject.len);
	snprintf(o.row.merge, sizeof(o.row.merge), "%s", merge);
	snprintf(o.row.household, sizeof(o.row.household), "%s", owner.row.household);
	merge_put(t, &o);
	oblige_save(t, &o);
	oblige_caused_by(t, p->seq, p->subject);
	return (true);
}

/* The next of those that have joined this one. */
static bool
each_joined(struct turn *t, const struct obligation *o, struct worker_walk *walk, struct obligation *member)
{
	struct text owner = row_subject(&o->key);
	size_t n = strlen(o->row.merge) + 1;

	while (worker_each(t->w, MERGED, o->row.merge, n, walk)) {
		struct text subject = { (const char *)walk->key + n, (uint32_t)(walk->key_len - n) };

		if (subject.len > 0 && oblige_load(t, o->rule, subject, member) && member->row.state == ROW_JOINED &&
		    mp_equal(owner.s, owner.len, member->row.owner))
			return (true);
	}
	return (false);
}

/* The first that had joined takes its place. */
static void
inherit(struct turn *t, const struct obligation *o, struct obligation *heir)
{
	heir->row.state = ROW_OPEN;
	heir->row.ended = 0;
	heir->row.owner[0] = '\0';
	heir->row.term = o->row.term;
	heir->row.fixed = o->row.fixed;
	heir->row.warned = t->now;
	plan_due(t->x, &heir->row);
	tell_obligation(t, heir, "obligation.opened", NULL, false);
	merge_put(t, heir);
	oblige_save(t, heir);
}

void
merge_left(struct turn *t, struct obligation *o, bool fulfilled)
{
	struct worker_walk walk = { .key_len = 0 };
	struct obligation member, heir;
	char key[MERGED_KEY_MAX];
	bool inherited = false;

	if (o->row.merge[0] == '\0')
		return;
	while (each_joined(t, o, &walk, &member))
		if (fulfilled) {
			worker_delete(t->w, MERGED, walk.key, walk.key_len);
		} else if (!inherited) {
			heir = member;
			inherit(t, o, &heir);
			inherited = true;
		} else {
			struct text owner = row_subject(&heir.key);

			snprintf(member.row.owner, sizeof(member.row.owner), "%.*s", (int)owner.len, owner.s);
			row_store(t->w, &member.key, &member.row);
		}
	worker_delete(t->w, MERGED, key, merge_key(o->row.merge, row_subject(&o->key), key));
	/* Unless another has become it meanwhile, or is so still: nobody is there to join. */
	if (!load_owner(t, o->row.merge, o->rule, &member))
		worker_delete(t->w, MERGED, key, merge_key(o->row.merge, (struct text){ "", 0 }, key));
}

void
merge_leave(struct turn *t, struct obligation *o)
{
	merge_forget(t, o);
	o->row.state = ROW_CANCELLED;
	o->row.ended = t->now;
	o->row.ended_seq = t->seq;
	o->row.merge[0] = o->row.owner[0] = '\0';
}

void
merge_forget(struct turn *t, const struct obligation *o)
{
	char key[MERGED_KEY_MAX];

	if (o->row.merge[0] != '\0')
		worker_delete(t->w, MERGED, key, merge_key(o->row.merge, row_subject(&o->key), key));
}
