/* Counting a year of callbacks: see callback_year.h. */
#include "callback_year.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "rfc3339.h"
#include "worker.h"

#define DAY		(86400 * SECOND_NS)
#define LAST_DAYS	5
#define WEEK		(7 * DAY)
#define THIRTY_DAYS	(30 * DAY)
#define MONTH_MOST	2u
#define HANDLERS_MAX	12u

/* Texts to numbers from 0. */
struct names {
	uint64_t (*keys)[2];
	uint32_t *numbers;
	size_t count, room;
};

struct list {
	void *items;
	size_t count, room, size;
};

enum kind { KIND_NONE, KIND_COMPLAINT, KIND_REPAIR, KIND_SPECIAL };

/* One piece of work: finished, and as long as it was not reopened all there is to call about. */
struct work {
	enum kind kind;
	int64_t first, at;
	uint32_t callback;		/* the last about it, + 1; 0: none */
	bool done, drawn, given_up, unasked, reopened, over;
	int64_t done_at, due;
	bool mandatory;
};

struct matter {
	enum kind kind;
	uint32_t work, callback;	/* the last, + 1; 0: none */
	uint32_t handler[HANDLERS_MAX];
	unsigned handlers;
	bool anonymous, over, known;
};

struct call {
	uint32_t matter, household, work;	/* household, work: + 1; 0: none */
	bool routine, mandatory, drawn, done, cancelled, given_up, assistants, deferred;
	int64_t opens, due;
};

struct contact {
	uint32_t household;
	int64_t at;
};

struct home {
	bool lives_here, spoken, tried;
};

/* What somebody did in a month. */
struct share {
	int32_t month;
	uint32_t staff;
	unsigned done;
};

struct year {
	struct names subjects, callbacks, staff, homes;
	struct list works, matters, calls, contacts, people, shares, months;
	struct year_totals totals;
};

/* ---- Lists and names ---- */

static void *
list_add(struct list *l)
{
	if (l->count == l->room) {
		l->room = l->room == 0 ? 64 : 2 * l->room;
		l->items = alloc_or_exit(l->items, l->room * l->size);
	}
	return (memset((char *)l->items + l->count++ * l->size, 0, l->size));
}

static void *
list_at(const struct list *l, size_t i)
{
	return ((char *)l->items + i * l->size);
}

static size_t
place(const struct names *n, const uint64_t key[2])
{
	size_t i = key[1] & (n->room - 1);

	while ((n->keys[i][0] | n->keys[i][1]) != 0 && (n->keys[i][0] != key[0] || n->keys[i][1] != key[1]))
		i = (i + 1) & (n->room - 1);
	return (i);
}

static void
grow(struct names *n)
{
	struct names larger = { NULL, NULL, n->count, n->room == 0 ? 1024 : 2 * n->room };

	larger.keys = alloc_or_exit(NULL, larger.room * sizeof(*larger.keys));
	larger.numbers = alloc_or_exit(NULL, larger.room * sizeof(*larger.numbers));
	memset(larger.keys, 0, larger.room * sizeof(*larger.keys));
	for (size_t i = 0; i < n->room; i++)
		if ((n->keys[i][0] | n->keys[i][1]) != 0) {
			size_t at = place(&larger, n->keys[i]);

			memcpy(larger.keys[at], n->keys[i], sizeof(*n->keys));
			larger.numbers[at] = n->numbers[i];
		}
	free(n->keys);
	free(n->numbers);
	*n = larger;
}

/* The number of a text; `fresh` gets one that is new something of its own in that list. */
static uint32_t
number_of(struct names *n, struct text t, struct list *fresh)
{
	XXH128_hash_t h = XXH3_128bits(t.len > 0 ? t.s : "", t.len);
	uint64_t key[2] = { h.high64, h.low64 | 1 };
	size_t i;

	if (2 * (n->count + 1) > n->room)
		grow(n);
	i = place(n, key);
	if ((n->keys[i][0] | n->keys[i][1]) == 0) {
		memcpy(n->keys[i], key, sizeof(key));
		n->numbers[i] = (uint32_t)n->count++;
		if (fresh != NULL)
			list_add(fresh);
	}
	return (n->numbers[i]);
}

static struct text
said(const struct event *e, const char *name)
{
	struct text t;

	return (event_text(e, name, &t) ? t : (struct text){ NULL, 0 });
}

static bool
is(struct text t, const char *s)
{
	return (t.s != NULL && mp_equal(t.s, t.len, s));
}

static bool
flag(const struct event *e, const char *name)
{
	bool yes = false;

	return (event_bool(e, name, &yes) && yes);
}

/* ---- Months ---- */

static int32_t
month_of(int64_t at)
{
	time_t second = (time_t)(at / SECOND_NS);
	struct tm tm;

	localtime_r(&second, &tm);
	return ((tm.tm_year + 1900) * 12 + tm.tm_mon);
}

/* Days since 1970 on the site's clock. */
static int64_t
day_of(int64_t at)
{
	time_t second = (time_t)(at / SECOND_NS);
	struct tm tm;

	localtime_r(&second, &tm);
	return (rfc3339_days((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday));
}

static int64_t
first_day(int32_t month)
{
	return (rfc3339_days((unsigned)(month / 12), (unsigned)(month % 12) + 1, 1));
}

static struct year_month *
month_at(struct year *y, int32_t month)
{
	struct year_month *m;

	for (size_t i = 0; i < y->months.count; i++)
		if ((m = list_at(&y->months, i))->month == month)
			return (m);
	m = list_add(&y->months);
	m->month = month;
	return (m);
}

/* ---- What happened ---- */

static uint32_t
matter_number(struct year *y, const struct event *e)
{
	return (number_of(&y->subjects, e->subject, &y->matters));
}

static bool
is_handler(const struct matter *m, uint32_t staff)
{
	for (unsigned i = 0; i < m->handlers; i++)
		if (m->handler[i] == staff)
			return (true);
	return (false);
}

static void
handled_by(struct year *y, struct matter *m, struct text who)
{
	uint32_t staff;

	if (who.s == NULL)
		return;
	staff = number_of(&y->staff, who, NULL);
	if (!is_handler(m, staff) && m->handlers < HANDLERS_MAX)
		m->handler[m->handlers++] = staff;
}

static struct work *
last_work(struct year *y, const struct matter *m)
{
	return (m->work > 0 ? list_at(&y->works, m->work - 1) : NULL);
}

/* Finished, or handled: further work on what nobody was called about yet, or work of its own. */
static void
worked(struct year *y, const struct event *e, int64_t at, enum kind kind)
{
	struct matter *m = list_at(&y->matters, matter_number(y, e));
	struct work *w;

	m->known = true;
	if (m->kind == KIND_NONE)
		m->kind = kind;
	handled_by(y, m, said(e, "by"));
	if (m->over || (kind == KIND_REPAIR && !flag(e, "in_home")))
		return;
	w = last_work(y, m);
	if (w != NULL && !w->reopened && w->kind == m->kind && !w->done && !w->given_up && !w->unasked) {
		if (w->callback == 0 && kind == KIND_REPAIR)
			w->at = at;
		return;
	}
	w = list_add(&y->works);
	m->work = (uint32_t)y->works.count;
	w->kind = m->anonymous ? KIND_NONE : m->kind;
	w->first = w->at = at;
}

static void
take_case(struct year *y, const struct event *e, int64_t at, struct text type)
{
	struct matter *m = list_at(&y->matters, matter_number(y, e));
	struct text outcome = said(e, "outcome"), relation = said(e, "relation");
	struct work *w = last_work(y, m);

	if (is(type, "case.reopened")) {
		m->over = false;
		if (w != NULL)
			w->reopened = true;
	} else if ((is(type, "case.closed") && (is(outcome, "withdrawn") || is(outcome, "wrong_number") || is(outcome, "duplicate"))) ||
	    (is(type, "case.linked") && (is(relation, "duplicate") || is(relation, "two_channels")))) {
		m->over |= m->known;
		if (m->known && w != NULL)
			w->over = true;
	} else if (is(type, "case.assigned")) {
		m->known = true;
		handled_by(y, m, said(e, "to"));
	}
	(void)at;
}

static void
take_opened(struct year *y, const struct event *e, bool complaint)
{
	struct matter *m = list_at(&y->matters, matter_number(y, e));

	m->known = true;
	m->kind = complaint ? KIND_COMPLAINT : is(said(e, "service"), "special") ? KIND_SPECIAL : KIND_REPAIR;
	m->anonymous = complaint && flag(e, "anonymous") && said(e, "household").s == NULL;
}

static void
take_household(struct year *y, const struct event *e, struct text type)
{
	struct home *h = list_at(&y->people, number_of(&y->homes, e->subject, &y->people));

	if (is(type, "household.moved_out"))
		h->lives_here = false;
	else if (is(type, "household.moved_in") || said(e, "moved_in").s != NULL)
		h->lives_here = true;
}

/* ---- What was concluded ---- */

static struct call *
call_named(struct year *y, struct text id)
{
	return (list_at(&y->calls, number_of(&y->callbacks, id, &y->calls)));
}

static void
take_due(struct year *y, const struct event *e)
{
	uint32_t number = number_of(&y->callbacks, said(e, "callback"), &y->calls);
	struct call *c = list_at(&y->calls, number);
	struct matter *m;
	struct text household = said(e, "household"), reason = said(e, "reason");
	struct work *w;
	bool again = c->opens != 0;

	c->matter = matter_number(y, e);
	c->routine = is(said(e, "kind"), "routine");
	c->household = household.s != NULL ? number_of(&y->homes, household, &y->people) + 1 : 0;
	c->mandatory = flag(e, "mandatory");
	c->assistants = is(said(e, "role"), "cs_assistant");
	c->drawn |= reason.len >= 2 && (memcmp(reason.s, "Z3", 2) == 0 || memcmp(reason.s, "Z7", 2) == 0);
	c->deferred |= reason.len >= 2 && memcmp(reason.s, "C6", 2) == 0;
	event_instant(e, "opens", &c->opens);
	event_instant(e, "due", &c->due);
	m = list_at(&y->matters, c->matter);
	m->callback = number + 1;
	if (!again)
		c->work = m->work;
	if (c->work > 0) {
		w = list_at(&y->works, c->work - 1);
		w->callback = number + 1;
		w->drawn |= c->drawn;
	}
}

static void
take_changed(struct year *y, const struct event *e, struct text type)
{
	struct call *c = call_named(y, said(e, "callback"));
	struct text reason = said(e, "reason");

	if (is(type, "callback.downgraded"))
		c->mandatory = false;
	if (is(type, "callback.reassigned") && said(e, "role").s != NULL)
		c->assistants = is(said(e, "role"), "cs_assistant");
	if (!is(type, "callback.cancelled"))
		return;
	c->cancelled = true;
	c->given_up = reason.len >= 10 && memcmp(reason.s, "attempted:", 10) == 0;
	if (c->work > 0 && c->given_up)
		((struct work *)list_at(&y->works, c->work - 1))->given_up = true;
}

static void
take_violated(struct year *y, const struct event *e)
{
	struct text rule = said(e, "rule");

	y->totals.own_case += is(rule, "C4");
	y->totals.unagreed += is(rule, "V4");
	y->totals.dials += is(rule, "V4.dials");
}

static void
take_granted(struct year *y, const struct event *e, int64_t at)
{
	struct contact *c;

	if (is(said(e, "for"), "callback"))
		return;
	event_instant(e, "until", &at);
	c = list_add(&y->contacts);
	*c = (struct contact){ number_of(&y->homes, e->subject, &y->people), at };
}

/* ---- What was done ---- */

static void
did(struct year *y, uint32_t staff, int64_t at)
{
	int32_t month = month_of(at);
	struct share *s;

	for (size_t i = 0; i < y->shares.count; i++)
		if ((s = list_at(&y->shares, i))->month == month && s->staff == staff) {
			s->done++;
			return;
		}
	s = list_add(&y->shares);
	*s = (struct share){ month, staff, 1 };
}

/* Does it count for that callback? */
static bool
settle(struct year *y, struct call *c, uint32_t staff, int64_t at)
{
	const struct matter *m = list_at(&y->matters, c->matter);
	struct work *w;

	if (c->done || (c->cancelled && !c->given_up) || is_handler(m, staff) || (c->deferred && at < c->opens))
		return (false);
	c->done = true;
	if (c->assistants)
		did(y, staff, at);
	if (c->work > 0) {
		w = list_at(&y->works, c->work - 1);
		w->done = true;
		w->done_at = at;
		w->due = c->due;
		w->mandatory = c->mandatory;
	}
	return (true);
}

static void
take_done(struct year *y, const struct event *e, int64_t at)
{
	struct matter *m = list_at(&y->matters, matter_number(y, e));
	uint32_t staff = number_of(&y->staff, said(e, "by"), NULL), first = m->callback, count = 0, len;
	struct text named = said(e, "callback");
	bool counted = false, optional = true;
	struct call *c = NULL;
	struct contact *contact;
	const char *s;
	struct mp list;

	m->known = true;
	if (named.s != NULL)
		first = number_of(&y->callbacks, named, &y->calls) + 1;
	if (first > 0)
		c = list_at(&y->calls, first - 1);
	/* Of his own accord, about what nobody was to call about. */
	if ((c == NULL || c->done || c->cancelled) && !m->over && m->work > 0 && !last_work(y, m)->reopened && !is_handler(m, staff))
		last_work(y, m)->unasked = true;
	if (c != NULL && settle(y, c, staff, at)) {
		counted = true;
		optional = !c->mandatory;
	}
	if (event_field(e, "covers", &list) && mp_array(&list, &count))
		for (; count > 0 && mp_str(&list, &s, &len); count--) {
			struct matter *other = list_at(&y->matters, number_of(&y->subjects, (struct text){ s, len }, &y->matters));
			struct call *covered = other->callback > 0 ? list_at(&y->calls, other->callback - 1) : NULL;

			if (covered != NULL && covered != c && settle(y, covered, staff, at)) {
				counted = true;
				optional &= !covered->mandatory;
			}
		}
	/* What had to be is none of the contacts that are rationed. */
	if (counted && optional && c != NULL && c->household > 0) {
		contact = list_add(&y->contacts);
		*contact = (struct contact){ c->household - 1, at };
	}
}

/* ---- The sum of it ---- */

static void
sum_works(struct year *y)
{
	for (size_t i = 0; i < y->works.count; i++) {
		const struct work *w = list_at(&y->works, i);
		bool repair = w->kind == KIND_REPAIR, called = w->done || (repair && w->unasked);
		struct year_month *m;
		int64_t first, days;

		if ((!repair && w->kind != KIND_COMPLAINT) || (!called && !w->given_up && (w->reopened || w->over)))
			continue;
		m = month_at(y, month_of(repair ? w->at : w->first));
		if (!repair) {
			m->complaints++;
			m->complaints_done += w->done;
			m->complaints_attempted += !w->done && w->given_up;
			y->totals.open += !w->done && !w->given_up;
			continue;
		}
		m->repairs++;
		m->drawn += w->drawn;
		m->done += called;
		if (!w->done)
			continue;
		m->late += w->mandatory && w->done_at > w->due;
		if (!w->drawn)
			continue;
		m->drawn_done++;
		first = first_day(m->month + 1);
		days = day_of(w->done_at);
		m->last += days >= first - LAST_DAYS && days < first;
		m->after += days >= first;
	}
}

static void
sum_routine(struct year *y)
{
	for (size_t i = 0; i < y->calls.count; i++) {
		const struct call *c = list_at(&y->calls, i);
		struct year_month *m;
		struct home *h;

		if (!c->routine)
			continue;
		m = month_at(y, month_of(c->opens));
		m->planned++;
		m->talked += c->done;
		if (c->household > 0) {
			h = list_at(&y->people, c->household - 1);
			h->spoken |= c->done;
			h->tried |= c->given_up;
		}
	}
	for (size_t i = 0; i < y->people.count; i++) {
		const struct home *h = list_at(&y->people, i);

		y->totals.owed += h->lives_here;
		y->totals.spoken += h->lives_here && h->spoken;
		y->totals.attempted += h->lives_here && !h->spoken && h->tried;
	}
}

static void
sum_shares(struct year *y)
{
	for (size_t i = 0; i < y->shares.count; i++) {
		const struct share *s = list_at(&y->shares, i);
		struct year_month *m = month_at(y, s->month);

		m->staff++;
		m->all += s->done;
		if (s->done > m->most)
			m->most = s->done;
	}
}

static int
by_household(const void *a, const void *b)
{
	const struct contact *x = a, *y = b;

	if (x->household != y->household)
		return (x->household < y->household ? -1 : 1);
	return (x->at < y->at ? -1 : x->at > y->at);
}

static void
sum_contacts(struct year *y)
{
	const struct contact *c = y->contacts.items;

	if (y->contacts.count > 0)
		qsort(y->contacts.items, y->contacts.count, sizeof(*c), by_household);
	for (size_t i = 1; i < y->contacts.count; i++) {
		y->totals.budget += c[i].household == c[i - 1].household && c[i].at - c[i - 1].at < WEEK;
		y->totals.budget += i >= MONTH_MOST && c[i].household == c[i - MONTH_MOST].household && c[i].at - c[i - MONTH_MOST].at < THIRTY_DAYS;
	}
}

static int
by_month(const void *a, const void *b)
{
	const struct year_month *x = a, *y = b;

	return ((x->month > y->month) - (x->month < y->month));
}

const struct year_month *
year_months(struct year *y, size_t *count)
{
	sum_works(y);
	sum_routine(y);
	sum_shares(y);
	sum_contacts(y);
	if (y->months.count > 0)
		qsort(y->months.items, y->months.count, y->months.size, by_month);
	*count = y->months.count;
	return (y->months.items);
}

struct year_totals
year_sum(struct year *y)
{
	return (y->totals);
}

unsigned
year_required(const struct year_month *m)
{
	return ((30 * m->repairs + 99) / 100);
}

unsigned
year_needed(const struct year_month *m)
{
	unsigned others = m->done - m->drawn_done, required = year_required(m);

	return (required > others ? required - others : 0);
}

/* ---- The whole ---- */

void
year_take(struct year *y, const struct event *e, int64_t log_time)
{
	int64_t at = e->has_time ? e->time_ns : log_time;
	struct text t = e->type;

	if (e->subject.len == 0)
		return;
	if (t.len > 10 && memcmp(t.s, "household.", 10) == 0)
		take_household(y, e, t);
	else if (t.len > 5 && memcmp(t.s, "case.", 5) == 0)
		take_case(y, e, at, t);
	else if (is(t, "complaint.opened") || is(t, "repair.requested"))
		take_opened(y, e, is(t, "complaint.opened"));
	else if (is(t, "complaint.handled") || is(t, "repair.finished"))
		worked(y, e, at, is(t, "complaint.handled") ? KIND_COMPLAINT : KIND_REPAIR);
	else if (is(t, "callback.due"))
		take_due(y, e);
	else if (is(t, "callback.cancelled") || is(t, "callback.downgraded") || is(t, "callback.reassigned"))
		take_changed(y, e, t);
	else if (is(t, "callback.done"))
		take_done(y, e, at);
	else if (is(t, "contact.granted"))
		take_granted(y, e, at);
	else if (is(t, "rule.violated"))
		take_violated(y, e);
}

struct year *
year_new(void)
{
	struct year *y = alloc_or_exit(NULL, sizeof(*y));

	memset(y, 0, sizeof(*y));
	y->works.size = sizeof(struct work);
	y->matters.size = sizeof(struct matter);
	y->calls.size = sizeof(struct call);
	y->contacts.size = sizeof(struct contact);
	y->people.size = sizeof(struct home);
	y->shares.size = sizeof(struct share);
	y->months.size = sizeof(struct year_month);
	return (y);
}

void
year_free(struct year *y)
{
	struct names *names[] = { &y->subjects, &y->callbacks, &y->staff, &y->homes };
	struct list *lists[] = { &y->works, &y->matters, &y->calls, &y->contacts, &y->people, &y->shares, &y->months };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		free(names[i]->keys);
		free(names[i]->numbers);
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		free(lists[i]->items);
	free(y);
}
