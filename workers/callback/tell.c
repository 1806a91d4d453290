/* What is concluded. */
#include "callback.h"

#include <string.h>

/* Within one call the instant makes a step the one it is: of one object no two of a kind come at once. */
static void
derive(struct turn *t, const char *type, const char *subject, const char *rule, const char *object)
{
	struct worker_identity i = { rule, text_of(object), type, (uint64_t)t->now };

	worker_derive(t->w, type, text_of(subject), &i);
}

void
tell_due(struct turn *t, const struct callback *c)
{
	derive(t, "callback.due", c->subject, "callback", c->id);
	worker_field(t->w, "callback", text_of(c->id));
	worker_field(t->w, "kind", text_of(kind_names[c->kind]));
	if (c->household[0] != '\0')
		worker_field(t->w, "household", text_of(c->household));
	worker_field_instant(t->w, "opens", c->opens);
	worker_field_instant(t->w, "due", c->due);
	worker_field(t->w, "role", text_of(c->role));
	if (c->staff[0] != '\0')
		worker_field(t->w, "staff", text_of(c->staff));
	worker_field(t->w, "mode", text_of(mode_names[c->mode]));
	worker_field_bool(t->w, "mandatory", c->mandatory);
	worker_field(t->w, "reason", text_of(c->reason));
	worker_emit(t->w);
}

void
tell_changed(struct turn *t, const struct callback *c, const char *type, const char *reason)
{
	derive(t, type, c->subject, "callback", c->id);
	worker_field(t->w, "callback", text_of(c->id));
	worker_field(t->w, "reason", text_of(reason));
	if (strcmp(type, "callback.reassigned") == 0) {
		worker_field(t->w, "role", text_of(c->role));
		if (c->staff[0] != '\0')
			worker_field(t->w, "staff", text_of(c->staff));
	}
	worker_emit(t->w);
}

void
tell_violated(struct turn *t, const char *subject, const char *about, const char *rule, const char *by)
{
	derive(t, "rule.violated", subject, rule, about);
	worker_field(t->w, "rule", text_of(rule));
	if (by[0] != '\0')
		worker_field(t->w, "by", text_of(by));
	worker_field_int(t->w, "event", (int64_t)t->seq);
	worker_emit(t->w);
}

void
tell_contact(struct turn *t, const char *household, const char *type, const char *purpose, const char *ref, int64_t not_before, int64_t until)
{
	derive(t, type, household, purpose, ref);
	worker_field(t->w, "for", text_of(purpose));
	worker_field(t->w, "ref", text_of(ref));
	if (not_before != 0)
		worker_field_instant(t->w, "not_before", not_before);
	if (until != 0)
		worker_field_instant(t->w, "until", until);
	worker_emit(t->w);
}

void
tell_short(struct turn *t, int64_t month, unsigned kind, int64_t done, int64_t required)
{
	char name[16];

	clock_month_name(month, name);
	derive(t, "quota.short", name, kind_names[kind], name);
	worker_field(t->w, "kind", text_of(kind_names[kind]));
	worker_field_int(t->w, "done", done);
	worker_field_int(t->w, "required", required);
	worker_emit(t->w);
}

void
tell_sampled(struct turn *t, const char *audit, const char *subject)
{
	derive(t, "audit.sampled", subject, "Z10", audit);
	worker_field(t->w, "audit", text_of(audit));
	worker_field(t->w, "by", text_of("estate-callback"));
	worker_emit(t->w);
}
