/* What a case becomes, and what of it is owed. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#define LINKS_MAX	16	/* of a row of cases, each linked to the next */

bool
matter_load(struct turn *t, const struct worker_event *v, char id[ID_SIZE_MAX], struct matter *m)
{
	copy_text(id, ID_SIZE_MAX, v->e->subject);
	return (record_get(t->w, CASES, SHAPE_MATTER, id, strlen(id), m));
}

void
matter_store(struct turn *t, const char *id, const struct matter *m)
{
	if (id[0] != '\0')
		record_put(t->w, CASES, SHAPE_MATTER, id, strlen(id), m);
}

/* Who had a hand in it, the last few. */
static void
touch(struct matter *m, struct text who)
{
	if (who.len == 0 || who.len > ID_CHARS_MAX)
		return;
	for (unsigned i = 0; i < HANDLERS_MAX; i++)
		if (mp_equal(who.s, who.len, m->handlers[i]))
			return;
	copy_text(m->handlers[m->handler_count++ % HANDLERS_MAX], ID_SIZE_MAX, who);
}

void
matter_touch_by(struct matter *m, const struct event *e, const char *field)
{
	struct text who;

	if (event_text(e, field, &who))
		touch(m, who);
}

bool
matter_says(const struct event *e, const char *field, const char *value)
{
	struct text s;

	return (event_text(e, field, &s) && mp_equal(s.s, s.len, value));
}

void
matter_know_household(struct matter *m, const struct event *e)
{
	struct text household;

	if (event_text(e, "household", &household) && household.len <= ID_CHARS_MAX)
		copy_text(m->household, sizeof(m->household), household);
}

/* The next callback about it. */
void
matter_begin(struct turn *t, struct callback *c, unsigned kind, const char *id, struct matter *m, const struct worker_event *v)
{
	char tail[24];

	m->rounds++;
	snprintf(tail, sizeof(tail), "%d", (int)m->rounds);
	owe_new(t, c, kind, id, tail, m->household);
	if (m->contact_seq != 0)
		c->contact_seq = m->contact_seq;
	c->began = v->when;
	c->began_seq = (int64_t)v->seq;
	c->month = clock_month(t, v->when);
	memcpy(m->callback, c->id, sizeof(m->callback));
	matter_store(t, id, m);
}

/* A result that came before what it is about, and was told of earlier: it counts. */
bool
matter_settled_before(struct turn *t, const char *id, struct matter *m, struct callback *c)
{
	char by[ID_SIZE_MAX];
	int64_t when = m->early;
	uint64_t seq = (uint64_t)m->early_seq;

	if (m->early == 0)
		return (false);
	memcpy(by, m->early_by, sizeof(by));
	m->early = m->early_seq = 0;
	m->early_by[0] = '\0';
	matter_store(t, id, m);
	if (when < c->began || assign_is_own(t, c, by))
		return (false);
	owe_done(t, c, when, seq, by);
	return (true);
}

/* ---- Complaints ---- */

static void
severity_role(struct turn *t, const struct matter *m, struct callback *c, char role[ROLE_SIZE])
{
	const char *of = m->company ? (m->major ? t->p->complaint.company_major_role : t->p->complaint.company_role)
	    : m->major ? t->p->complaint.major_role : t->p->complaint.ordinary_role;

	snprintf(role, ROLE_SIZE, "%s", of);
	c->mode = (uint8_t)(m->major ? t->p->complaint.major_mode : t->p->complaint.ordinary_mode);
}

/* It was handled, and is to be called about, before it was told of: whom to call and who has to is known only now. */
static void
opened_late(struct turn *t, const struct matter *m)
{
	char role[ROLE_SIZE];
	struct household h;
	struct callback c;
	uint8_t mode;

	if (t->p == NULL || !book_load(t, m->callback, &c) || c.kind != KIND_COMPLAINT || c.state != IS_OPEN || c.household[0] != '\0')
		return;
	if (m->household[0] == '\0') {
		if (m->anonymous)
			owe_cancel(t, &c, "anonymous");
		return;
	}
	/* In the lists of its household from here on. */
	snprintf(c.household, sizeof(c.household), "%s", m->household);
	if (resident_load(t->w, c.household, &h))
		c.contact_seq = h.registered_seq;
	book_store(t, &c);
	mode = c.mode;
	severity_role(t, m, &c, role);
	if (c.at_lead)
		c.mode = mode;
	else
		owe_reassign(t, &c, role, m->company ? "C8: made to the company" : m->major ? "C4: major now" : "C4: ordinary now");
	owe_open(t, &c);
}

void
matter_complaint_opened(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	bool anonymous;

	matter_load(t, v, id, &m);
	matter_know_household(&m, v->e);
	/* Told twice: the first one holds, and so does what was found since. */
	if (!m.opened) {
		m.complaint = m.opened = 1;
		m.major = m.reclassified ? m.major : matter_says(v->e, "severity", "major");
		m.company = matter_says(v->e, "via", "company");
		m.anonymous = event_bool(v->e, "anonymous", &anonymous) && anonymous;
	}
	matter_store(t, id, &m);
	opened_late(t, &m);
}

void
matter_handled(struct turn *t, const struct worker_event *v)
{
	bool deferred = matter_says(v->e, "verify", "deferred");
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;

	matter_load(t, v, id, &m);
	m.complaint = 1;
	matter_touch_by(&m, v->e, "by");
	matter_store(t, id, &m);
	if (t->p == NULL)
		return;
	if (book_load(t, m.callback, &c) && c.kind == KIND_COMPLAINT &&
	    (c.state == IS_OPEN || (c.state == IS_DONE && v->when <= c.done)))
		return;			/* told twice */
	matter_begin(t, &c, KIND_COMPLAINT, id, &m, v);
	severity_role(t, &m, &c, c.role);
	c.deferred = deferred;
	if (deferred) {
		c.opens = c.plan = clock_at(t, clock_day(t, v->when) + t->p->complaint.deferred_opens_days, 0);
		c.due = clock_days_later(t, v->when, t->p->complaint.deferred_due_days);
	} else {
		c.opens = v->when;
		c.plan = clock_at(t, clock_day(t, v->when) + t->p->complaint.plan_days, 0);
		c.due = clock_days_later(t, v->when, t->p->complaint.due_days);
	}
	snprintf(c.reason, sizeof(c.reason), m.reopened > 0 ? "%s: complaint handled%s, reopened %d times" : "%s: complaint handled%s", deferred ? "C6" : "C2",
	    deferred ? ", to be verified later" : "", (int)m.reopened);
	/* Nobody is known who could be called: kept for whoever asks why. */
	if (m.anonymous && m.household[0] == '\0') {
		snprintf(c.reason, sizeof(c.reason), "anonymous: nobody is known who could be called");
		owe_cancel(t, &c, "anonymous");
		return;
	}
	/* Withdrawn, but handled: kept for when that turns out to be a mistake. */
	if (m.over) {
		/* estate-escalate counts from the same event: it hears that the other case's callback answers for this one. */
		if (m.linked[0] != '\0')
			tell_changed(t, &c, "callback.cancelled", "linked");
		c.state = IS_CANCELLED;
		c.done_seq = m.over_seq;
		book_store(t, &c);
		return;
	}
	if (!matter_settled_before(t, id, &m, &c))
		owe_open(t, &c);
}

void
matter_reclassified(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX], role[ROLE_SIZE];
	uint8_t mode, before;
	struct callback c;
	struct matter m;
	struct text s;

	matter_load(t, v, id, &m);
	before = m.major;
	if (event_text(v->e, "severity", &s)) {
		m.major = mp_equal(s.s, s.len, "major");
		m.reclassified = 1;
	}
	matter_store(t, id, &m);
	if (t->p == NULL || m.major == before || !book_load(t, m.callback, &c) || c.kind != KIND_COMPLAINT || c.state != IS_OPEN || c.at_lead)
		return;
	mode = c.mode;
	severity_role(t, &m, &c, role);
	/* A visit that was arranged is made. */
	if (c.appointment == APPOINTMENT_REQUESTED || c.appointment == APPOINTMENT_AGREED)
		c.mode = mode;
	owe_reassign(t, &c, role, m.major ? "C4: major now" : "C4: ordinary now");
	/* By visit now, or by telephone: its terms are said again. */
	if (mode != c.mode)
		owe_open(t, &c);
}

/* ---- Help ---- */

void
matter_help(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	struct text kind;

	matter_load(t, v, id, &m);
	m.help = 1;
	m.contact_seq = (int64_t)v->seq;		/* it bears the number that they gave */
	if (event_text(v->e, "kind", &kind))
		copy_text(m.help_kind, sizeof(m.help_kind), kind);
	matter_know_household(&m, v->e);
	matter_store(t, id, &m);
}

/* A request was met: H10.  One that is a complaint or a repair is asked about as that. */
static void
help_met(struct turn *t, const char *id, struct matter *m, const struct worker_event *v)
{
	struct callback c;

	if (t->p == NULL || !m->help || m->complaint || m->repair || m->over || m->callback[0] != '\0')
		return;
	matter_begin(t, &c, KIND_HELP, id, m, v);
	c.mode = (uint8_t)t->p->help.mode;
	snprintf(c.role, sizeof(c.role), "%s",
	    names_hold(&t->p->help.manager_kinds, m->help_kind, strlen(m->help_kind)) ? t->p->help.manager_role : t->p->help.role);
	c.opens = v->when;
	c.plan = clock_at(t, clock_day(t, v->when) + 1, 0);
	c.due = clock_days_later(t, v->when, t->p->help.due_days);
	snprintf(c.reason, sizeof(c.reason), "H10: help request, %s", m->help_kind);
	if (!matter_settled_before(t, id, m, &c))
		owe_open(t, &c);
}

void
matter_replied(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	bool automatic;
	struct matter m;

	if (!matter_load(t, v, id, &m) || (event_bool(v->e, "automatic", &automatic) && automatic))
		return;
	matter_touch_by(&m, v->e, "by");
	matter_store(t, id, &m);
	help_met(t, id, &m, v);
}

/* ---- All cases ---- */

void
matter_assigned(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;

	matter_load(t, v, id, &m);
	matter_touch_by(&m, v->e, "to");
	matter_store(t, id, &m);
	/* Whoever was to call has it now himself. */
	if (t->p != NULL && book_load(t, m.callback, &c) && c.state == IS_OPEN && c.staff[0] != '\0' && assign_is_own(t, &c, c.staff))
		owe_reassign(t, &c, c.role, "C4: nobody calls about a case of his own");
}

void
matter_reopened(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;

	if (!matter_load(t, v, id, &m))
		return;
	m.reopened++;
	m.over = 0;
	m.linked[0] = '\0';
	m.redone = m.repair;
	repair_forget_rating(&m);
	matter_store(t, id, &m);
	if (t->p != NULL && book_load(t, m.callback, &c) && owe_is_open(&c) && v->when >= c.began)
		owe_cancel(t, &c, "reopened");
}

static void
note_link(struct turn *t, const char *to, const char *id)
{
	struct key k = { .len = 0 };

	key_text(key_part(&k, to), id);
	worker_put(t->w, LINKED, k.bytes, k.len, "", 0);
}

/* Whoever was linked to it finds nobody who is called: the first of them is owed again, and answers for the others. */
static void
release(struct turn *t, const char *id)
{
	struct worker_walk walk = { .key_len = 0 };
	char child[ID_SIZE_MAX], heir[ID_SIZE_MAX] = "";
	struct matter m, first = { .over = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	int64_t seq;

	key_part(&k, id);
	while (worker_each(t->w, LINKED, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, child);
		if (!record_get(t->w, CASES, SHAPE_MATTER, child, strlen(child), &m) || !m.over || strcmp(m.linked, id) != 0)
			continue;
		if (heir[0] == '\0') {
			memcpy(heir, child, sizeof(heir));
			first = m;
			continue;
		}
		memcpy(m.linked, heir, sizeof(m.linked));
		matter_store(t, child, &m);
		note_link(t, heir, child);
	}
	if (heir[0] == '\0')
		return;
	seq = first.over_seq;
	matter_take_back(t, heir, &first, seq);
	if (t->p != NULL && book_load(t, first.callback, &c) && c.state == IS_CANCELLED && c.done_seq == seq)
		result_uncancel(t, &c, true);
}

static void
leave(struct turn *t, const char *id, struct matter *m, const char *reason)
{
	struct callback c;
	bool known;

	m->over = 1;
	m->over_seq = (int64_t)t->seq;
	matter_store(t, id, m);
	known = t->p != NULL && book_load(t, m->callback, &c);
	if (known && owe_is_open(&c))
		owe_cancel(t, &c, reason);
	if (!(known && c.state == IS_DONE) && m->linked[0] == '\0')
		release(t, id);
}

void
matter_closed(struct turn *t, const struct worker_event *v)
{
	static const char *const none[] = { "withdrawn", "wrong_number", "duplicate" };
	char id[ID_SIZE_MAX];
	struct matter m;

	if (!matter_load(t, v, id, &m))
		return;
	matter_touch_by(&m, v->e, "by");
	matter_store(t, id, &m);
	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (matter_says(v->e, "outcome", none[i])) {
			leave(t, id, &m, none[i]);
			return;
		}
	/* Unfounded, and not handled before: nobody is called about it. */
	if (matter_says(v->e, "outcome", "unfounded") && m.complaint && m.callback[0] == '\0')
		release(t, id);
	help_met(t, id, &m, v);
}

/* Whose callback answers in the end?  False: nobody's, for it is the case itself, or one that was withdrawn. */
static bool
is_answered_by(struct turn *t, const char *id, const char *other)
{
	char at[ID_SIZE_MAX];
	struct matter m;

	snprintf(at, sizeof(at), "%s", other);
	for (int hops = 0; hops < LINKS_MAX; hops++) {
		if (strcmp(at, id) == 0)
			return (false);
		if (!record_get(t->w, CASES, SHAPE_MATTER, at, strlen(at), &m) || !m.over)
			return (true);
		if (m.linked[0] == '\0')
			return (false);
		memcpy(at, m.linked, sizeof(at));
	}
	return (false);
}

/* The other one's callback answers for both; of a mass outage each household has its own. */
void
matter_linked(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX], to[ID_SIZE_MAX];
	struct text other;
	struct matter m;

	if (!matter_load(t, v, id, &m) || !event_text(v->e, "to", &other) ||
	    !(matter_says(v->e, "relation", "duplicate") || matter_says(v->e, "relation", "two_channels")))
		return;
	copy_text(to, sizeof(to), other);
	if (!is_answered_by(t, id, to))
		return;
	memcpy(m.linked, to, sizeof(m.linked));
	note_link(t, to, id);
	leave(t, id, &m, "linked");
}

void
matter_take_back(struct turn *t, const char *id, struct matter *m, int64_t seq)
{
	if (!m->over || m->over_seq != seq)
		return;
	m->over = 0;
	m->over_seq = 0;
	m->linked[0] = '\0';
	matter_store(t, id, m);
}
