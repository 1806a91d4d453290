/* The question agenda: what may or must be done on a day. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#include "errcode.h"
#include "rfc3339.h"

struct wish_list {
	int64_t day, begins, ends;
	struct text staff, role;
	int kind;			/* -1: all */
};

static int
read_wishes(struct turn *t, struct wish_list *l)
{
	struct text date, kind;

	l->day = clock_day(t, t->now);
	l->kind = -1;
	if (worker_asked_text(t->w, "date", 10, &date) && !rfc3339_date(date.s, date.len, &l->day))
		return (worker_refuse(t->w, E_ARGUMENT, "date", "a day is written 2026-11-25"));
	worker_asked_text(t->w, "staff", ID_CHARS_MAX, &l->staff);
	worker_asked_text(t->w, "role", ROLE_SIZE - 1, &l->role);
	if (worker_asked_text(t->w, "kind", 16, &kind)) {
		for (int i = 0; i < KINDS_COUNT; i++)
			if (mp_equal(kind.s, kind.len, kind_names[i]))
				l->kind = i;
		if (l->kind < 0)
			return (worker_refuse(t->w, E_ARGUMENT, "kind", "complaint, repair, routine, call or help"));
	}
	l->begins = clock_at(t, l->day, 0);
	l->ends = clock_at(t, l->day, 1440);
	return (0);
}

/* What may be done on the day: it is on the agenda by then, or overdue by its end. */
static bool
belongs(const struct wish_list *w, const struct line *l, int64_t due)
{
	return (l->opens < w->ends && (l->plan < w->ends || due <= w->ends) && (w->kind < 0 || l->kind == w->kind) &&
	    (w->staff.len == 0 || mp_equal(w->staff.s, w->staff.len, l->staff)) && (w->role.len == 0 || mp_equal(w->role.s, w->role.len, l->role)));
}

static const char *
standing(const struct callback *c, int64_t day_ends)
{
	if (c->state == IS_PLANNED)
		return ("planned");
	if (c->appointment == APPOINTMENT_AGREED || c->appointment == APPOINTMENT_REQUESTED)
		return ("appointed");
	if (c->at_lead)
		return ("lead");
	if (c->attempts > 0)
		return ("attempted");
	return (c->deferred && c->opens >= day_ends ? "deferred" : "open");
}

/* On that day not before it opens, nor soon after it was tried, nor in their quiet hours. */
static int64_t
earliest(struct turn *t, const struct wish_list *wishes, const struct callback *c, const struct household *h)
{
	int64_t at = c->not_before > c->opens ? c->not_before : c->opens;

	if (at < wishes->begins)
		at = wishes->begins;
	return (c->kind == KIND_CALL ? at : clock_within(t, &t->p->contact.hours, h, at));
}

/*
 * What the same person has to ask the same household that day is one contact.  Walk the others; begin with a zeroed walk.
 */
static bool
next_other(struct turn *t, const struct wish_list *wishes, const struct callback *c, struct worker_walk *walk, struct callback *o)
{
	struct key k = { .len = 0 };
	char id[ID_SIZE_MAX];

	if (c->household[0] == '\0' || c->staff[0] == '\0')
		return (false);
	key_part(&k, c->household);
	while (worker_each(t->w, PENDING, k.bytes, k.len, walk)) {
		struct line l;

		key_rest(walk, k.len, id);
		if (strcmp(id, c->id) == 0 || !book_load(t, id, o) || strcmp(o->staff, c->staff) != 0)
			continue;
		l = (struct line){ .kind = o->kind, .plan = o->plan, .opens = o->opens };
		memcpy(l.staff, o->staff, sizeof(l.staff));
		memcpy(l.role, o->role, sizeof(l.role));
		if (belongs(wishes, &l, o->due))
			return (true);
	}
	return (false);
}

/* The first of them bears the others. */
static bool
is_first(struct turn *t, const struct wish_list *wishes, const struct callback *c)
{
	struct worker_walk walk = { .key_len = 0 };
	struct callback o;

	while (next_other(t, wishes, c, &walk, &o))
		if (o.due < c->due || (o.due == c->due && strcmp(o.id, c->id) < 0))
			return (false);
	return (true);
}

static void
reply_covers(struct turn *t, const struct wish_list *wishes, const struct callback *c)
{
	struct worker_walk walk = { .key_len = 0 };
	struct callback o;

	worker_reply_list(t->w, "covers");
	while (next_other(t, wishes, c, &walk, &o)) {
		worker_reply_row(t->w);
		worker_reply(t->w, "callback", text_of(o.id));
		worker_reply(t->w, "kind", text_of(kind_names[o.kind]));
		worker_reply(t->w, "subject", text_of(o.subject));
	}
	worker_reply_end(t->w);
}

static void
reply(struct turn *t, const struct wish_list *wishes, const struct callback *c)
{
	struct household h;
	struct worker *w = t->w;
	int64_t from;

	if (!is_first(t, wishes, c))
		return;
	resident_load(w, c->household, &h);
	worker_reply_row(w);
	worker_reply(w, "callback", text_of(c->id));
	worker_reply(w, "kind", text_of(kind_names[c->kind]));
	worker_reply(w, "subject", text_of(c->subject));
	if (c->household[0] != '\0')
		worker_reply(w, "household", text_of(c->household));
	worker_reply_instant(w, "opens", c->opens);
	worker_reply_instant(w, "due", c->due);
	worker_reply_instant(w, "at", c->appointment == APPOINTMENT_AGREED && c->at != 0 ? c->at : c->plan);
	worker_reply(w, "role", text_of(c->role));
	worker_reply(w, "staff", text_of(c->staff));
	worker_reply(w, "mode", text_of(mode_names[c->mode]));
	worker_reply_bool(w, "mandatory", c->mandatory);
	worker_reply(w, "reason", text_of(c->reason));
	worker_reply(w, "state", text_of(standing(c, wishes->ends)));
	worker_reply_int(w, "attempts", c->attempts);
	worker_reply_bool(w, "overdue", c->due < wishes->begins || c->due < t->now);
	/* What holds for everybody, the hours of calls, is not said of each. */
	if ((from = earliest(t, wishes, c, &h)) > clock_within(t, &t->p->contact.hours, NULL, wishes->begins))
		worker_reply_instant(w, "not_before", from);
	if (c->appointment != APPOINTMENT_NONE) {
		worker_reply_map(w, "appointment");
		worker_reply(w, "state", text_of(appointment_names[c->appointment]));
		if (c->at != 0)
			worker_reply_instant(w, "at", c->at);
		worker_reply_end(w);
	}
	reply_covers(t, wishes, c);
	if (c->contact_seq != 0)
		worker_reply_int(w, "contact_event", c->contact_seq);
}

int
agenda_answer(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = ask_turn(w);
	struct wish_list wishes = { 0 };
	char id[ID_SIZE_MAX];
	struct callback c;
	struct line l;

	if (t.p == NULL)
		return (worker_refuse(w, E_NOT_FOUND, NULL, "no rules are in force yet"));
	if (read_wishes(&t, &wishes) != 0)
		return (-1);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, AGENDA, NULL, 0, &walk)) {
		uint64_t due = 0;

		for (unsigned i = 0; i < 8; i++)
			due = due << 8 | walk.key[i];
		if (!record_read(SHAPE_LINE, walk.value, walk.value_len, &l) || !belongs(&wishes, &l, (int64_t)(due ^ 1ull << 63)))
			continue;
		key_rest(&walk, 8, id);
		if (book_load(&t, id, &c))
			reply(&t, &wishes, &c);
	}
	return (0);
}
