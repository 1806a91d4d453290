/* What a case becomes, and what of it is owed. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

static bool
load(struct turn *t, const struct worker_event *v, char id[ID_SIZE_MAX], struct matter *m)
{
	copy_text(id, ID_SIZE_MAX, v->e->subject);
	return (record_get(t->w, CASES, SHAPE_MATTER, id, strlen(id), m));
}

static void
store(struct turn *t, const char *id, const struct matter *m)
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

static void
touch_by(struct matter *m, const struct event *e, const char *field)
{
	struct text who;

	if (event_text(e, field, &who))
		touch(m, who);
}

static bool
is(const struct event *e, const char *field, const char *value)
{
	struct text s;

	return (event_text(e, field, &s) && mp_equal(s.s, s.len, value));
}

static void
know_household(struct matter *m, const struct event *e)
{
	struct text household;

	if (event_text(e, "household", &household) && household.len <= ID_CHARS_MAX)
		copy_text(m->household, sizeof(m->household), household);
}

/* The next callback about it. */
static void
begin(struct turn *t, struct callback *c, unsigned kind, const char *id, struct matter *m, const struct worker_event *v)
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
	store(t, id, m);
}

/* A result that came before what it is about, and was told of earlier: it counts. */
static bool
settled_before(struct turn *t, const char *id, struct matter *m, struct callback *c)
{
	char by[ID_SIZE_MAX];
	int64_t when = m->early;
	uint64_t seq = (uint64_t)m->early_seq;

	if (m->early == 0)
		return (false);
	memcpy(by, m->early_by, sizeof(by));
	m->early = m->early_seq = 0;
	m->early_by[0] = '\0';
	store(t, id, m);
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

void
matter_complaint_opened(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	bool anonymous;

	load(t, v, id, &m);
	m.complaint = 1;
	m.opened_seq = (int64_t)v->seq;
	m.major = is(v->e, "severity", "major");
	m.company = is(v->e, "via", "company");
	m.anonymous = event_bool(v->e, "anonymous", &anonymous) && anonymous;
	know_household(&m, v->e);
	store(t, id, &m);
}

void
matter_handled(struct turn *t, const struct worker_event *v)
{
	bool deferred = is(v->e, "verify", "deferred");
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;

	load(t, v, id, &m);
	m.complaint = 1;
	touch_by(&m, v->e, "by");
	store(t, id, &m);
	/* Nobody is known who could be called. */
	if (t->p == NULL || m.over || (m.anonymous && m.household[0] == '\0'))
		return;
	if (book_load(t, m.callback, &c) && c.kind == KIND_COMPLAINT &&
	    (c.state == IS_OPEN || (c.state == IS_DONE && v->when <= c.done)))
		return;			/* told twice */
	begin(t, &c, KIND_COMPLAINT, id, &m, v);
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
	if (!settled_before(t, id, &m, &c))
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

	load(t, v, id, &m);
	before = m.major;
	if (event_text(v->e, "severity", &s))
		m.major = mp_equal(s.s, s.len, "major");
	store(t, id, &m);
	if (t->p == NULL || m.major == before || !book_load(t, m.callback, &c) || c.kind != KIND_COMPLAINT || c.state != IS_OPEN || c.at_lead)
		return;
	mode = c.mode;
	severity_role(t, &m, &c, role);
	owe_reassign(t, &c, role, m.major ? "C4: major now" : "C4: ordinary now");
	/* By visit now, or by telephone: its terms are said again. */
	if (mode != c.mode)
		owe_open(t, &c);
}

/* ---- Repairs ---- */

void
matter_repair_requested(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	struct text trade;

	load(t, v, id, &m);
	m.repair = 1;
	m.opened_seq = (int64_t)v->seq;
	m.special = is(v->e, "service", "special");
	if (event_text(v->e, "trade", &trade))
		copy_text(m.trade, sizeof(m.trade), trade);
	know_household(&m, v->e);
	store(t, id, &m);
}

static void
forget_rating(struct matter *m)
{
	m->rated = m->graded = m->satisfied = m->signed_ = m->authenticated = 0;
}

/* The run that looks at it: on the morning after, or at once if that is over. */
static void
await_run(struct turn *t, struct callback *c)
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
matter_finished(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	bool in_home = false;
	struct callback c;
	struct matter m;
	struct text by = { NULL, 0 };
	unsigned kind;

	load(t, v, id, &m);
	m.repair = 1;
	m.redone = 0;
	touch_by(&m, v->e, "by");
	event_text(v->e, "by", &by);
	event_bool(v->e, "in_home", &in_home);
	kind = m.special ? KIND_HELP : KIND_REPAIR;
	store(t, id, &m);
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
		await_run(t, &c);
		return;
	}
	if (book_load(t, m.callback, &c) && c.kind == kind && (c.state == IS_OPEN || (c.state == IS_DONE && v->when <= c.done)))
		return;
	/* Another piece of work: what was said of the one before it says nothing of this one. */
	if (m.rounds > 0)
		forget_rating(&m);
	begin(t, &c, kind, id, &m, v);
	snprintf(c.trade, sizeof(c.trade), "%s", m.trade);
	copy_text(c.repairer, sizeof(c.repairer), by);
	c.mode = (uint8_t)(kind == KIND_HELP ? t->p->help.mode : t->p->repair.mode);
	snprintf(c.role, sizeof(c.role), "%s", kind == KIND_HELP ? t->p->help.role : t->p->repair.role);
	c.mandatory = kind == KIND_HELP;
	if (!settled_before(t, id, &m, &c))
		await_run(t, &c);
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
matter_run(struct turn *t, const char *id)
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
matter_rated(struct turn *t, const struct worker_event *v)
{
	bool signed_ = false, authenticated = false;
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;
	struct text grade;

	load(t, v, id, &m);
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
	store(t, id, &m);
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

/* ---- Help, replies, calls ---- */

void
matter_help(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;
	struct text kind;

	load(t, v, id, &m);
	m.help = 1;
	m.opened_seq = (int64_t)v->seq;
	m.contact_seq = (int64_t)v->seq;		/* it bears the number that they gave */
	if (event_text(v->e, "kind", &kind))
		copy_text(m.help_kind, sizeof(m.help_kind), kind);
	know_household(&m, v->e);
	store(t, id, &m);
}

/* A request was met: H10.  One that is a complaint or a repair is asked about as that. */
static void
help_met(struct turn *t, const char *id, struct matter *m, const struct worker_event *v)
{
	struct callback c;

	if (t->p == NULL || !m->help || m->complaint || m->repair || m->over || m->callback[0] != '\0')
		return;
	begin(t, &c, KIND_HELP, id, m, v);
	c.mode = (uint8_t)t->p->help.mode;
	snprintf(c.role, sizeof(c.role), "%s",
	    names_hold(&t->p->help.manager_kinds, m->help_kind, strlen(m->help_kind)) ? t->p->help.manager_role : t->p->help.role);
	c.opens = v->when;
	c.plan = clock_at(t, clock_day(t, v->when) + 1, 0);
	c.due = clock_days_later(t, v->when, t->p->help.due_days);
	snprintf(c.reason, sizeof(c.reason), "H10: help request, %s", m->help_kind);
	if (!settled_before(t, id, m, &c))
		owe_open(t, &c);
}

void
matter_replied(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	bool automatic;
	struct matter m;

	if (!load(t, v, id, &m) || (event_bool(v->e, "automatic", &automatic) && automatic))
		return;
	touch_by(&m, v->e, "by");
	store(t, id, &m);
	help_met(t, id, &m, v);
}

/* Who gave up waiting is called back; a second call of that household joins the first. */
void
matter_call(struct turn *t, const struct worker_event *v)
{
	bool voicemail = mp_equal(v->e->type.s, v->e->type.len, "voicemail.left");
	char id[ID_SIZE_MAX];
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	struct matter m;
	int64_t wait;

	if (t->p == NULL || (!voicemail && event_int(v->e, "wait_s", &wait) && wait * SECOND_NS < t->p->call.ignore_under))
		return;
	load(t, v, id, &m);
	know_household(&m, v->e);
	m.call = 1;
	m.contact_seq = (int64_t)v->seq;
	if (book_load(t, m.callback, &c) && c.kind == KIND_CALL && owe_is_open(&c))
		return;
	if (m.household[0] != '\0')
		for (key_part(&k, m.household); worker_each(t->w, PENDING, k.bytes, k.len, &walk);) {
			char other[ID_SIZE_MAX];

			key_rest(&walk, k.len, other);
			if (book_load(t, other, &c) && c.kind == KIND_CALL && c.state == IS_OPEN) {
				book_note(t, c.id, "joined", "", "call %s", id);
				return;
			}
		}
	begin(t, &c, KIND_CALL, id, &m, v);
	snprintf(c.role, sizeof(c.role), "%s", t->p->call.role);
	c.opens = c.plan = v->when;
	c.due = v->when + t->p->call.within;
	snprintf(c.reason, sizeof(c.reason), voicemail ? "H2: left a message" : "H2: gave up waiting");
	owe_open(t, &c);
}

/* They got through after all. */
void
matter_answered(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX], other[ID_SIZE_MAX];
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	struct text household;
	struct matter m;

	if (t->p == NULL)
		return;
	if (load(t, v, id, &m) && book_load(t, m.callback, &c) && c.kind == KIND_CALL && c.state == IS_OPEN && v->when >= c.began)
		owe_cancel(t, &c, "answered");
	if (!event_text(v->e, "household", &household) || household.len > ID_CHARS_MAX)
		return;
	copy_text(id, sizeof(id), household);
	for (key_part(&k, id); worker_each(t->w, PENDING, k.bytes, k.len, &walk);) {
		key_rest(&walk, k.len, other);
		if (book_load(t, other, &c) && c.kind == KIND_CALL && c.state == IS_OPEN && v->when >= c.began)
			owe_cancel(t, &c, "answered");
	}
}

/* ---- All cases ---- */

void
matter_assigned(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct callback c;
	struct matter m;

	load(t, v, id, &m);
	touch_by(&m, v->e, "to");
	store(t, id, &m);
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

	if (!load(t, v, id, &m))
		return;
	m.reopened++;
	m.over = 0;
	m.redone = m.repair;
	forget_rating(&m);
	store(t, id, &m);
	if (t->p != NULL && book_load(t, m.callback, &c) && owe_is_open(&c) && v->when >= c.began)
		owe_cancel(t, &c, "reopened");
}

static void
leave(struct turn *t, const char *id, struct matter *m, const char *reason)
{
	struct callback c;

	m->over = 1;
	store(t, id, m);
	if (t->p != NULL && book_load(t, m->callback, &c) && owe_is_open(&c))
		owe_cancel(t, &c, reason);
}

void
matter_closed(struct turn *t, const struct worker_event *v)
{
	static const char *const none[] = { "withdrawn", "wrong_number", "duplicate" };
	char id[ID_SIZE_MAX];
	struct matter m;

	if (!load(t, v, id, &m))
		return;
	touch_by(&m, v->e, "by");
	store(t, id, &m);
	for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (is(v->e, "outcome", none[i])) {
			leave(t, id, &m, none[i]);
			return;
		}
	help_met(t, id, &m, v);
}

/* The other one's callback answers for both; of a mass outage each household has its own. */
void
matter_linked(struct turn *t, const struct worker_event *v)
{
	char id[ID_SIZE_MAX];
	struct matter m;

	if (load(t, v, id, &m) && (is(v->e, "relation", "duplicate") || is(v->e, "relation", "two_channels")))
		leave(t, id, &m, "linked");
}
