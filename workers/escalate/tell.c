/* What is concluded. */
#include "escalate.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"

/* Within one call the instant makes a step the one it is: no two of a kind come at once. */
static struct worker_identity
identity(const struct turn *t, const struct rule *r, const char *id, const char *step)
{
	return ((struct worker_identity){ r->id, text_of(id), step, (uint64_t)t->now });
}

void
tell_obligation(struct turn *t, const struct obligation *o, const char *type, const char *reason, bool late_known)
{
	char id[OBLIGATION_SIZE];
	struct worker_identity i;

	obligation_id(&o->key, id);
	i = identity(t, o->rule, id, strchr(type, '.') + 1);
	worker_derive(t->w, type, row_subject(&o->key), &i);
	worker_field(t->w, "obligation", text_of(id));
	worker_field(t->w, "rule", text_of(o->rule->id));
	worker_field(t->w, "role", text_of(o->rule->role));
	worker_field_instant(t->w, "due", o->row.due);
	if (o->row.level > 0)
		worker_field_int(t->w, "level", o->row.level);
	if (late_known)
		worker_field_bool(t->w, "late_known", true);
	if (reason != NULL)
		worker_field(t->w, "reason", text_of(reason));
	worker_emit(t->w);
}

/* The id of a message: the same whenever it is concluded again. */
static void
notification_id(const struct turn *t, const char *id, const char *what, const char *to, char out[32])
{
	char text[3 * ID_CHARS_MAX];
	uint8_t at[16];
	XXH64_hash_t h;
	int len = snprintf(text, sizeof(text), "%s %s %s", id, what, to);

	put_le64(at, t->seq);
	put_le64(at + 8, (uint64_t)t->now);
	h = XXH64(text, (size_t)len, XXH64(at, sizeof(at), 0));
	snprintf(out, 32, "E-%016llx", (unsigned long long)h);
}

struct message {
	const char *template, *urgency, *channel, *what;
	struct { const char *name, *value; } params[3];
	unsigned count;
};

static void
request(struct turn *t, struct text subject, const struct rule *r, const char *id, const char *to, const struct message *m)
{
	struct worker_identity i;
	char step[128], notification[32];

	snprintf(step, sizeof(step), "%s %s", m->what, to);
	i = identity(t, r, id, step);
	notification_id(t, id, m->what, to, notification);
	worker_derive(t->w, "notification.requested", subject, &i);
	worker_urgency(t->w, m->urgency);
	worker_field(t->w, "notification", text_of(notification));
	worker_field(t->w, "to", text_of(to));
	worker_field(t->w, "channel", text_of(m->channel));
	worker_field(t->w, "template", text_of(m->template));
	worker_field_map(t->w, "params", m->count);
	for (unsigned n = 0; n < m->count; n++)
		worker_field(t->w, m->params[n].name, text_of(m->params[n].value));
	worker_field_map_end(t->w);
	worker_field(t->w, "urgency", text_of(m->urgency));
	worker_emit(t->w);
}

/* Nobody is in a role, and others were told: whoever keeps the roster hears of it, once a day and role. */
static void
role_is_empty(struct turn *t, const struct obligation *o, const char *role)
{
	char id[OBLIGATION_SIZE], what[64];
	struct message m = { "role-empty", "urgent", "email", what, { { "role", role } }, 1 };
	int64_t day;

	if (t->x->calendar == NULL || !calendar_day_of(t->x->calendar, t->now, &day))
		day = t->now / (86400 * SECOND_NS);
	if (worker_get_number(t->w, EMPTY, role, strlen(role)) == (uint64_t)day)
		return;
	worker_put_number(t->w, EMPTY, role, strlen(role), (uint64_t)day);
	/* Two roles may be empty at one instant. */
	snprintf(what, sizeof(what), "empty %s", role);
	obligation_id(&o->key, id);
	request(t, row_subject(&o->key), o->rule, id, "operator", &m);
}

static void
tell(struct turn *t, const struct obligation *o, const char *role, bool everyone, const struct message *base)
{
	struct message m = *base;
	struct recipients to;
	char id[OBLIGATION_SIZE];

	if (strcmp(role, HANDLER) != 0)
		duty_resolve(t->w, t->x, row_subject(&o->key), role, everyone, t->now, &to);
	else {
		struct about a;
		bool known = about_load(t->w, row_subject(&o->key), &a) && a.handler[0] != '\0';

		duty_resolve(t->w, t->x, row_subject(&o->key), known ? HANDLER : o->rule->role, everyone, t->now, &to);
		role = known && roster_role(a.handler_role) != NULL ? roster_role(a.handler_role) : o->rule->role;
	}
	obligation_id(&o->key, id);
	m.params[0].name = "obligation";
	m.params[0].value = id;
	m.params[1].name = "rule";
	m.params[1].value = o->rule->id;
	m.count = 2;
	for (unsigned n = 0; n < to.count; n++)
		request(t, row_subject(&o->key), o->rule, id, to.list[n].id, &m);
	if (to.empty)
		role_is_empty(t, o, role);
}

void
tell_step(struct turn *t, const struct obligation *o, const struct step *s, const char *template, const char *what)
{
	struct message m = { .template = template, .urgency = s->urgency, .channel = s->channel, .what = what };

	tell(t, o, s->role, s->everyone, &m);
}

void
tell_role(struct turn *t, const struct obligation *o, const char *role, const char *template, const char *what)
{
	struct message m = { .template = template, .urgency = "routine", .channel = "email", .what = what };

	/* It is no less urgent than what will follow. */
	if (o->rule->steps > 0) {
		m.urgency = o->rule->step[0].urgency;
		m.channel = o->rule->step[0].channel;
	}
	tell(t, o, role, false, &m);
}

void
tell_escalated(struct turn *t, const struct obligation *o, const struct step *s)
{
	char id[OBLIGATION_SIZE];
	struct worker_identity i;
	struct recipients to;
	struct about a;
	const char *role = s->role;
	char name[32];

	if (strcmp(role, HANDLER) == 0 && !(about_load(t->w, row_subject(&o->key), &a) && a.handler[0] != '\0'))
		role = o->rule->role;
	duty_resolve(t->w, t->x, row_subject(&o->key), role, false, t->now, &to);
	obligation_id(&o->key, id);
	/* Two steps of a ladder may come at one instant. */
	snprintf(name, sizeof(name), "escalated.%u", o->row.level);
	i = identity(t, o->rule, id, name);
	worker_derive(t->w, "case.escalated", row_subject(&o->key), &i);
	worker_field(t->w, "obligation", text_of(id));
	worker_field(t->w, "rule", text_of(o->rule->id));
	worker_field_int(t->w, "level", o->row.level);
	worker_field(t->w, "to", text_of(to.list[0].id));
	worker_emit(t->w);
}

void
tell_violated(struct turn *t, const struct rule *r, struct text subject, const struct event *e)
{
	struct worker_identity i = { r->id, subject, "violated", t->seq };
	struct text by;

	worker_derive(t->w, "rule.violated", subject, &i);
	worker_field(t->w, "rule", text_of(r->id));
	if (event_text(e, "by", &by) && id_valid(by.s, by.len))
		worker_field(t->w, "by", by);
	worker_field_int(t->w, "event", (int64_t)t->seq);
	worker_emit(t->w);
}
