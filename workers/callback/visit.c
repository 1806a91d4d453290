/* Appointments and visits: nobody is visited who has not agreed. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#define EARLY_NS	(1800 * SECOND_NS)		/* so long before the agreed time it is still that visit */
#define AHEAD_NS	(366 * DAY_NS)			/* nobody agrees to what is further away */
#define BEHIND_NS	(3600 * SECOND_NS)		/* noted a little later than it was said */

void
visit_by_telephone(struct turn *t, struct callback *c, const char *reason)
{
	c->mode = MODE_PHONE;
	c->appointment = APPOINTMENT_REFUSED;
	c->at = 0;
	c->plan = t->now;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	owe_open(t, c);
}

void
visit_no_show(struct turn *t, struct callback *c)
{
	c->no_shows++;
	c->appointment = APPOINTMENT_NO_SHOW;
	c->at = 0;
	book_note(t, c->id, "no_show", "", "%d of %d", (int)c->no_shows, (int)t->p->contact.no_shows);
	if (c->no_shows >= t->p->contact.no_shows)
		visit_by_telephone(t, c, "V4: not at home at the agreed times: by telephone");
	else
		book_store(t, c);
}

/* A visit that belongs to no callback may be agreed, too. */
static void
agree_apart(struct turn *t, const struct worker_event *v, int64_t at)
{
	char id[ID_SIZE_MAX];
	struct matter m;

	copy_text(id, sizeof(id), v->e->subject);
	record_get(t->w, CASES, SHAPE_MATTER, id, strlen(id), &m);
	m.agreed = at;
	record_put(t->w, CASES, SHAPE_MATTER, id, strlen(id), &m);
}

void
visit_appointment(struct turn *t, const struct worker_event *v)
{
	const char *what = strndupa(v->e->type.s, v->e->type.len) + strlen("appointment.");
	bool agreed = strcmp(what, "agreed") == 0, proposed = agreed || strcmp(what, "requested") == 0;
	char by[ID_SIZE_MAX], subject[ID_SIZE_MAX];
	struct text who = { NULL, 0 };
	struct household h;
	struct callback c;
	int64_t at = 0;
	bool found;

	if (t->p == NULL || !event_instant(v->e, "at", &at))
		return;
	event_text(v->e, "by", &who);
	copy_text(by, sizeof(by), who);
	copy_text(subject, sizeof(subject), v->e->subject);
	found = result_find(t, v->e, &c);
	if (proposed && (at < v->when - BEHIND_NS || at > v->when + AHEAD_NS)) {
		tell_violated(t, subject, subject, "V4.time", by);
		if (found)
			book_note(t, c.id, "no_time", by, at < v->when ? "that hour is over" : "too far ahead");
		return;			/* nobody can come then: there is no appointment */
	}
	/* A call is returned at once, by telephone: whoever is visited about it afterwards was asked apart from that. */
	if (!found || c.kind == KIND_CALL || !(c.state == IS_OPEN || (agreed && c.state == IS_PLANNED))) {
		if (agreed)
			agree_apart(t, v, at);
		if (found)
			book_note(t, c.id, "apart", by, "%s: not of this callback", what);
		return;
	}
	resident_load(t->w, c.household, &h);
	if (proposed && !clock_may_visit(t, &h, at)) {
		tell_violated(t, subject, subject, "V4.hours", by);
		book_note(t, c.id, "hours", by, "at an hour at which nobody is visited");
	}
	book_note(t, c.id, what, by, "%s", "");
	if (proposed) {
		c.appointment = agreed ? APPOINTMENT_AGREED : APPOINTMENT_REQUESTED;
		c.mode = MODE_VISIT;
		c.at = at;
		if (agreed)
			c.plan = clock_at(t, clock_day(t, at), 0);
		/* Arranged before its day had come: then it is on the agenda from now on. */
		if (c.state == IS_PLANNED) {
			c.opens = t->now;
			owe_open(t, &c);
		} else
			book_store(t, &c);
	} else if (strcmp(what, "refused") == 0)
		visit_by_telephone(t, &c, "V4: the visit was refused: by telephone");
	else if (c.appointment == APPOINTMENT_AGREED)
		visit_no_show(t, &c);
	else		/* nobody had agreed to be there, or it was said before */
		book_note(t, c.id, "apart", by, "%s: not of this callback", what);
}

static bool
fits(const struct turn *t, int64_t at, int64_t when)
{
	return (at != 0 && when >= at - EARLY_NS && clock_day(t, when) == clock_day(t, at));
}

void
visit_started(struct turn *t, const struct worker_event *v)
{
	char by[ID_SIZE_MAX], subject[ID_SIZE_MAX];
	struct text who = { NULL, 0 };
	struct callback c = { .id = "" };
	struct matter m;

	if (t->p == NULL)
		return;
	event_text(v->e, "by", &who);
	copy_text(by, sizeof(by), who);
	copy_text(subject, sizeof(subject), v->e->subject);
	if (result_find(t, v->e, &c) && c.appointment == APPOINTMENT_AGREED && fits(t, c.at, v->when)) {
		c.visited = 1;
		book_note(t, c.id, "visit", by, "%s", "");
		book_store(t, &c);
		return;
	}
	record_get(t->w, CASES, SHAPE_MATTER, subject, strlen(subject), &m);
	if (fits(t, m.agreed, v->when))
		return;
	if (c.id[0] == '\0' || c.state != IS_OPEN) {
		tell_violated(t, subject, subject, "V4", by);
		return;
	}
	c.visited = c.flagged = 1;
	tell_violated(t, c.subject, c.id, "V4", by);
	book_note(t, c.id, "visit", by, "without an agreed appointment");
	book_store(t, &c);
}

void
visit_check(struct turn *t, struct callback *c, int64_t when, const char *by)
{
	struct matter m;

	/* At the agreed hour, or since: who notes it may do so later. */
	if (c->visited || t->p == NULL || (c->appointment == APPOINTMENT_AGREED && when >= c->at - EARLY_NS))
		return;
	/* Agreed before there was a callback. */
	record_get(t->w, CASES, SHAPE_MATTER, c->subject, strlen(c->subject), &m);
	if (fits(t, m.agreed, when))
		return;
	c->flagged = 1;
	tell_violated(t, c->subject, c->id, "V4", by);
	book_note(t, c->id, "visit", by, "without an agreed appointment");
}
