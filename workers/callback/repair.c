/* Repairs at home, and special services: finished, rated, looked at by the daily run. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

void
repair_requested(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	struct text trade;

	matter_load(t, v, id, &m);
	m.repair = 1;
	m.special = matter_says(v->e, "service", "special");
	if (event_text(v->e, "trade", &trade))
		copy_text(m.trade, sizeof(m.trade), trade);
	matter_know_household(&m, v->e);
	matter_store(t, id, &m);
}

void
repair_forget_rating(struct matter *m)
{
	m->rated = m->graded = m->satisfied = m->signed_ = m->authenticated = 0;
}

void
repair_await_run(struct turn *t, struct callback *c)
{
	struct key k = { .len = 1, .bytes = { 'r' } };
	int64_t at = clock_at(t, clock_day(t, c->began) + 1, (unsigned)t->p->run);

	c->state = IS_RATING;
	c->opens = c->plan = c->began;
	c->due = clock_days_later(t, c->began, c->kind == KIND_HELP ? t->p->help.due_days : t->p->repair.due_days);
	book_store(t, c);
	key_text(&k, c->id);
	worker_set_timer(t->w, k.bytes, k.len, at > t->now ? at : t->now, NULL, 0);
}

void
repair_finished(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	bool in_home = false;
	struct callback c;
	struct matter m;
	struct text by = { NULL, 0 };
	unsigned kind;

	matter_load(t, v, id, &m);
	m.repair = 1;
	m.redone = 0;
	matter_touch_by(&m, v->e, "by");
	event_text(v->e, "by", &by);
	event_bool(v->e, "in_home", &in_home);
	kind = m.special ? KIND_HELP : KIND_REPAIR;
	matter_store(t, id, &m);
	/* Work on what belongs to all is nobody's to be asked about. */
	if (t->p == NULL || m.over || (kind == KIND_REPAIR && !in_home))
		return;
	/* An order of several trades: the last finish is the finish, as long as nobody has called. */
	if (book_load(t, m.callback, &c) && c.kind == kind && (c.state == IS_RATING || c.state == IS_CANDIDATE || (c.state == IS_OPEN && c.attempts == 0))) {
		if (v->when <= c.began)
			return;
		if (c.state == IS_OPEN)
			return;		/* it is under way, and speaks of all of it */
		c.began = v->when;
		c.month = clock_month(t, v->when);
		copy_text(c.repairer, sizeof(c.repairer), by);
		repair_await_run(t, &c);
		return;
	}
	if (book_load(t, m.callback, &c) && c.kind == kind && (c.state == IS_OPEN || (c.state == IS_DONE && v->when <= c.done)))
		return;
	/* Another piece of work: what was said of the one before it says nothing of this one. */
	if (m.rounds > 0)
		repair_forget_rating(&m);
	matter_begin(t, &c, kind, id, &m, v);
	snprintf(c.trade, sizeof(c.trade), "%s", m.trade);
	copy_text(c.repairer, sizeof(c.repairer), by);
	c.mode = (uint8_t)(kind == KIND_HELP ? t->p->help.mode : t->p->repair.mode);
	snprintf(c.role, sizeof(c.role), "%s", kind == KIND_HELP ? t->p->help.role : t->p->repair.role);
	c.mandatory = kind == KIND_HELP;
	if (!matter_settled_before(t, id, &m, &c))
		repair_await_run(t, &c);
}

/* What the rating asks for; NULL: they are satisfied, and have signed. */
static const char *
asks_for(const struct matter *m)
{
	if (m->rated && m->graded && !m->satisfied)
		return ("Z4: dissatisfied");
	if (!m->rated || !m->graded)
		return ("Z4: not rated");
	return (m->signed_ || m->authenticated ? NULL : "Z4: not signed");
}

static void
mandatory(struct turn *t, struct callback *c, const char *reason, int64_t due)
{
	c->mandatory = 1;
	c->drawn = 0;
	c->opens = c->plan = t->now;
	if (due != 0)
		c->due = due;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	owe_open(t, c);
}

void
repair_run(struct turn *t, const char *id)
{
	struct callback c;
	struct matter m;
	const char *reason;

	if (!book_load(t, id, &c) || c.state != IS_RATING)
		return;
	record_get(t->w, CASES, SHAPE_MATTER, c.subject, strlen(c.subject), &m);
	if ((reason = asks_for(&m)) != NULL)
		mandatory(t, &c, reason, clock_days_later(t, c.began, t->p->repair.due_days));
	else if (c.kind == KIND_HELP)
		mandatory(t, &c, "H10: special service", 0);
	else {
		c.state = IS_CANDIDATE;
		c.mandatory = 0;
		book_store(t, &c);
	}
}

void
repair_rated(struct turn *t, const struct worker_event *v)
{
	bool signed_ = false, authenticated = false;
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;
	struct text grade;

	matter_load(t, v, id, &m);
	if (m.redone)
		return;			/* of the work that is being done again */
	event_bool(v->e, "signed", &signed_);
	event_bool(v->e, "authenticated", &authenticated);
	m.rated = 1;
	/* The last grade holds; a signature that was given is given. */
	if (event_text(v->e, "grade", &grade)) {
		m.graded = 1;
		m.satisfied = !mp_equal(grade.s, grade.len, "dissatisfied") && !mp_equal(grade.s, grade.len, "very_dissatisfied");
	}
	m.signed_ |= signed_;
	m.authenticated |= authenticated;
	matter_store(t, id, &m);
	if (t->p == NULL || !book_load(t, m.callback, &c))
		return;
	/* Drawn by nobody so far, or only to fill the quota, and they are dissatisfied after all. */
	if (c.kind == KIND_REPAIR && !c.mandatory && m.graded && !m.satisfied && (c.state == IS_CANDIDATE || c.state == IS_OPEN)) {
		mandatory(t, &c, "Z4: dissatisfied, rated later", clock_days_later(t, v->when, t->p->repair.due_days));
		return;
	}
	/* They have rated it themselves before anybody called. */
	if (c.kind == KIND_REPAIR && c.state == IS_OPEN && c.mandatory && c.attempts == 0 && asks_for(&m) == NULL && authenticated) {
		tell_changed(t, &c, "callback.downgraded", "Z4: rated by the resident since");
		book_note(t, c.id, "downgraded", "", "rated by the resident since");
		c.mandatory = 0;
		c.state = IS_CANDIDATE;
		book_store(t, &c);
	}
}
