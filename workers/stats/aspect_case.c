/* Cases: complaints, repairs, help requests; their replies, ends and callbacks. */
#include "stats.h"

#include <string.h>

/* What its facts say, before a class looks at it. */
struct story {
	const struct fact *complaint, *repair, *help;	/* as it began; NULL: it is none */
	const struct fact *replied, *told, *consulted;
	const struct fact *handled, *finished, *closed;	/* undone by a reopening */
	const struct fact *rated;
	unsigned reopens;
	bool linked;
};

static void
first(const struct fact **slot, const struct fact *f)
{
	if (*slot == NULL)
		*slot = f;
}

static bool
is_void_outcome(const struct fact *f)
{
	return (fact_says(f, KEEP_OUTCOME, "withdrawn") || fact_says(f, KEEP_OUTCOME, "wrong_number") || fact_says(f, KEEP_OUTCOME, "duplicate"));
}

/* Which case another channel brought, too: that one counts. */
static bool
is_same_case(const struct fact *f)
{
	return (fact_says(f, KEEP_RELATION, "duplicate") || fact_says(f, KEEP_RELATION, "two_channels"));
}

static void
learn(struct story *s, const struct fact *f)
{
	switch (f->type) {
	case TAKE_COMPLAINT:
		first(&s->complaint, f);
		break;
	case TAKE_REPAIR:
		first(&s->repair, f);
		break;
	case TAKE_HELP:
		first(&s->help, f);
		break;
	case TAKE_CONSULTED:
		first(&s->consulted, f);
		break;
	case TAKE_HANDLED:
		s->handled = f;
		break;
	case TAKE_FINISHED:
		s->finished = f;
		break;
	case TAKE_CLOSED:
		s->closed = f;
		break;
	case TAKE_REOPENED:
		s->handled = s->finished = s->closed = NULL;
		s->reopens++;
		break;
	case TAKE_LINKED:
		s->linked = s->linked || is_same_case(f);
		break;
	default:
		break;
	}
}

static const struct fact *
began(const struct story *s)
{
	const struct fact *all[] = { s->complaint, s->repair, s->help }, *f = NULL;

	for (unsigned i = 0; i < 3; i++)
		if (all[i] != NULL && (f == NULL || all[i]->when < f->when))
			f = all[i];
	return (f);
}

/* The first reply of a person at or after that. */
static const struct fact *
reply_since(const struct history *h, int64_t at)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->f[i]->type == TAKE_REPLIED && h->f[i]->when >= at && !fact_is(h->f[i], KEEP_AUTOMATIC))
			return (h->f[i]);
	return (NULL);
}

/* The first callback at or after that. */
static const struct fact *
called_since(const struct history *h, int64_t at)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->f[i]->type == TAKE_DONE && h->f[i]->when >= at && history_counts_done(h, h->f[i]) &&
		    (h->f[i]->via == VIA_COVERED || (!fact_says(h->f[i], KEEP_KIND, "routine") && !fact_says(h->f[i], KEEP_KIND, "call"))))
			return (h->f[i]);
	return (NULL);
}

/* Who has to call: as it was said last. */
static struct text
has_to_call(const struct history *h)
{
	struct text staff = { NULL, 0 }, t;

	for (unsigned i = 0; i < h->count; i++)
		if ((h->f[i]->type == TAKE_DUE || h->f[i]->type == TAKE_REASSIGNED) && fact_text(h->f[i], KEEP_STAFF, &t))
			staff = t;
	return (staff);
}

static void
set_called(struct aspect *a, const struct history *h, const struct fact *since)
{
	const struct fact *done = since != NULL ? called_since(h, since->when) : NULL;

	aspect_drop(a, ATTR_CALLED);
	aspect_word(a, ATTR_CALLER, has_to_call(h));
	if (done == NULL)
		return;
	aspect_at(a, ATTR_CALLED, done->when);
	aspect_field(a, ATTR_CALLER, done, KEEP_BY);
}

/* The last rating, but for those after the callback: the talk replaces them. */
static void
set_rated(struct aspect *a, const struct history *h)
{
	const struct fact *rated = NULL;

	for (unsigned i = 0; i < h->count; i++)
		if (h->f[i]->type == TAKE_RATED && (rated == NULL || !aspect_has(a, ATTR_CALLED) || h->f[i]->when <= a->number[ATTR_CALLED]))
			rated = h->f[i];
	aspect_drop(a, ATTR_GRADE);
	aspect_drop(a, ATTR_WHEN);
	if (rated == NULL)
		return;
	aspect_field(a, ATTR_GRADE, rated, KEEP_GRADE);
	aspect_at(a, ATTR_WHEN, rated->when);
}

/* Kind, category and severity are what they were changed to last. */
static void
set_sorts(struct aspect *a, const struct history *h, const struct fact *from)
{
	static const struct {
		enum attr attr;
		enum keep keep;
	} sorts[] = { { ATTR_KIND, KEEP_KIND }, { ATTR_CATEGORY, KEEP_CATEGORY }, { ATTR_SEVERITY, KEEP_SEVERITY } };
	struct text t;

	for (unsigned i = 0; i < sizeof(sorts) / sizeof(*sorts); i++) {
		aspect_field(a, sorts[i].attr, from, sorts[i].keep);
		for (unsigned k = 0; k < h->count; k++)
			if (h->f[k]->type == TAKE_RECLASSIFIED && fact_text(h->f[k], sorts[i].keep, &t))
				aspect_word(a, sorts[i].attr, t);
	}
}

/* What a class begins with: where it came from, and what it is. */
static void
set_origin(struct aspect *a, const struct history *h, const struct fact *from)
{
	struct text household;

	fact_text(from, KEEP_HOUSEHOLD, &household);
	aspect_home(a, household);
	aspect_at(a, ATTR_OPENED, from->when);
	aspect_field(a, ATTR_VIA, from, KEEP_VIA);
	aspect_field(a, ATTR_TRADE, from, KEEP_TRADE);
	aspect_field(a, ATTR_DUE, from, KEEP_DUE);
	aspect_field(a, ATTR_ANONYMOUS, from, KEEP_ANONYMOUS);
	aspect_flag(a, ATTR_NOBODY, aspect_has(a, ATTR_ANONYMOUS) && household.len == 0);
	set_sorts(a, h, from);
}

static void
set_end(struct aspect *a, const struct story *s)
{
	aspect_flag(a, ATTR_VOID, s->linked || (s->closed != NULL && is_void_outcome(s->closed)));
	if (s->closed != NULL)
		aspect_at(a, ATTR_CLOSED, s->closed->when);
	aspect_drop(a, ATTR_REOPENS);
	if (s->reopens > 0)
		aspect_at(a, ATTR_REOPENS, s->reopens);
}

static void
set_moment(struct aspect *a, enum attr k, const struct fact *f)
{
	if (f != NULL)
		aspect_at(a, k, f->when);
	else
		aspect_drop(a, k);
}

/* What was told before the case was entered was told. */
static void
set_replied(struct aspect *a, const struct history *h)
{
	const struct fact *reply = reply_since(h, INT64_MIN);

	set_moment(a, ATTR_REPLIED, reply);
	aspect_drop(a, ATTR_REPLIER);
	if (reply != NULL)
		aspect_field(a, ATTR_REPLIER, reply, KEEP_BY);
}

/* Of two channels' requests the first counts, and so does the last end. */
static void
set_handler(struct aspect *a, const struct fact *f)
{
	aspect_drop(a, ATTR_HANDLER);
	if (f != NULL)
		aspect_field(a, ATTR_HANDLER, f, KEEP_BY);
}

static void
complaint(struct turn *t, const struct history *h, const struct story *s, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };

	set_origin(&a, h, s->complaint);
	set_end(&a, s);
	set_replied(&a, h);
	set_moment(&a, ATTR_HANDLED, s->handled);
	set_handler(&a, s->handled);
	set_called(&a, h, s->handled);
	tell(t, CLASS_COMPLAINT, &a);
}

static void
repair(struct turn *t, const struct history *h, const struct story *s, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };

	set_origin(&a, h, s->repair != NULL ? s->repair : s->finished);
	set_end(&a, s);
	set_moment(&a, ATTR_FINISHED, s->finished);
	set_handler(&a, s->finished);
	aspect_flag(&a, ATTR_IN_HOME, fact_is(s->finished != NULL ? s->finished : s->repair, KEEP_IN_HOME));
	aspect_flag(&a, ATTR_SPECIAL, s->repair != NULL && fact_says(s->repair, KEEP_SERVICE, "special"));
	set_called(&a, h, s->finished);
	set_rated(&a, h);
	tell(t, CLASS_REPAIR, &a);
}

static void
help(struct turn *t, const struct history *h, const struct story *s, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };

	set_origin(&a, h, s->help);
	set_end(&a, s);
	set_replied(&a, h);
	set_moment(&a, ATTR_CONSULTED, s->consulted);
	set_moment(&a, ATTR_TOLD, s->consulted != NULL ? reply_since(h, s->consulted->when) : NULL);
	aspect_flag(&a, ATTR_PLAIN, s->complaint == NULL && s->repair == NULL);
	set_called(&a, h, s->help);
	tell(t, CLASS_HELP, &a);
}

/* When it was open: until it was closed, and again from each reopening. */
static void
spells(struct turn *t, const struct history *h, struct aspect *a, int64_t from, aspect_fn *tell)
{
	int64_t since = from;
	bool open = true;

	aspect_at(a, ATTR_BASE, from);
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->when < from)
			continue;
		if (f->type == TAKE_CLOSED && open) {
			open = false;
			if (f->when == since)
				continue;
			aspect_spell(a, since, f->when);
			tell(t, CLASS_OPEN, a);
		} else if (f->type == TAKE_REOPENED && !open) {
			open = true;
			since = f->when;
		}
	}
	if (!open)
		return;
	aspect_spell(a, since, INT64_MAX);
	tell(t, CLASS_OPEN, a);
}

static void
any_case(struct turn *t, const struct history *h, const struct story *s, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	const struct fact *from = began(s);

	set_origin(&a, h, from);
	set_end(&a, s);
	aspect_word(&a, ATTR_CLASS, text_of(s->complaint != NULL ? "complaint" : s->repair != NULL ? "repair" : "help"));
	aspect_drop(&a, ATTR_STAFF);
	if (s->closed != NULL)
		aspect_field(&a, ATTR_STAFF, s->closed, KEEP_BY);
	tell(t, CLASS_CASE, &a);
	spells(t, h, &a, from->when, tell);
}

static void
referrals(struct turn *t, const struct history *h, const struct story *s, aspect_fn *tell)
{
	struct aspect a = { .has = 0 };
	struct text to;

	if (began(s) != NULL)
		set_origin(&a, h, began(s));
	for (unsigned i = 0; i < h->count; i++) {
		const struct fact *f = h->f[i];

		if (f->type != TAKE_REFERRED && f->type != TAKE_DECLINED)
			continue;
		fact_text(f, KEEP_TO, &to);
		aspect_at(&a, ATTR_WHEN, f->when);
		aspect_word(&a, ATTR_KIND, text_of(f->type == TAKE_REFERRED ? "referred" : "declined"));
		aspect_word(&a, ATTR_TO, to);
		aspect_flag(&a, ATTR_LISTED, to.len > 0);
		aspect_field(&a, ATTR_STAFF, f, KEEP_BY);
		aspect_sub_at(&a, (int64_t)f->seq);
		tell(t, CLASS_REFERRAL, &a);
	}
}

void
aspect_case(struct turn *t, const struct history *h, aspect_fn *tell)
{
	struct story s = { .complaint = NULL };

	for (unsigned i = 0; i < h->count; i++)
		learn(&s, h->f[i]);
	if (s.complaint != NULL)
		complaint(t, h, &s, tell);
	if (s.repair != NULL || s.finished != NULL)
		repair(t, h, &s, tell);
	if (s.help != NULL)
		help(t, h, &s, tell);
	if (began(&s) != NULL)
		any_case(t, h, &s, tell);
	referrals(t, h, &s, tell);
}
