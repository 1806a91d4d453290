/* The ladder: each household has one timer, at the run of the day on which something of it may be due. */
#include "notices.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define AHEAD_DAYS	40	/* no site is shut for longer */

/* The day itself, or the next that is worked. */
static int64_t
working(const struct turn *t, int64_t day)
{
	struct calendar_day d;

	for (int i = 0; i < AHEAD_DAYS; i++)
		if (!calendar_day(t->x->calendar, day + i, &d) || d.working)
			return (day + i);
	return (day);
}

/* So many days later, as the ladder counts. */
static int64_t
later(const struct turn *t, const struct ladder *l, int64_t day, int64_t n)
{
	if (!l->business || n <= 0)
		return (working(t, day + n));
	while (n-- > 0)
		day = working(t, day + 1);
	return (day);
}

/* The next step of a bill and its day: as far behind the due date as the ladder says, and as far behind the last step.  False: no more. */
static bool
next_step(const struct turn *t, const struct bill *b, int64_t *index, int64_t *day)
{
	const struct ladder *l = ladder_of(t->p, b->kind);
	int64_t i = b->steps, apart;

	while (i < l->count && l->steps[i].day < 0 && t->today > b->due)
		i++;			/* overdue: no notice any more that it will be due */
	if (i >= l->count)
		return (false);
	*index = i;
	*day = later(t, l, b->due, l->steps[i].day);
	if (i > 0 && b->step_day != 0) {
		apart = later(t, l, b->step_day, l->steps[i].day - l->steps[i - 1].day);
		if (i == b->steps && apart > *day)
			*day = apart;
	}
	return (true);
}

int64_t
steps_next_run(const struct turn *t)
{
	int64_t at;

	if (t->p == NULL)
		return (0);
	at = day_at(t, t->today, t->p->run);
	return (at > t->now ? at : day_at(t, t->today + 1, t->p->run));
}

void
steps_wake(struct turn *t, const char *household, int64_t at)
{
	char name[1 + NAME_SIZE];
	struct debtor d;

	if (t->p == NULL || at == 0)
		return;
	debtor_load(t->w, household, &d);
	if (d.wake != 0 && d.wake <= at)
		return;
	d.wake = at;
	debtor_store(t->w, household, &d);
	name[0] = 'h';
	memcpy(name + 1, household, strlen(household));
	worker_set_timer(t->w, name, strlen(household) + 1, at, NULL, 0);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return (a == 0 || (b != 0 && b < a) ? b : a);
}

/* When a bill must be looked at next; 0: never, unless something happens. */
static int64_t
next_look(const struct turn *t, const struct debtor *d, const struct bill *b)
{
	int64_t at = 0, soonest = steps_next_run(t), until, index, day;

	if (!b->told && b->open > 0)
		at = day_at(t, b->due + 1, t->p->run);
	/* Credit waits for the end of a dispute, whatever else the bill rests for. */
	if (b->dispute_until > 0)
		at = sooner(at, day_at(t, b->dispute_until + 1, t->p->run));
	if (rest_reason(t, d, b, &until) != NULL)
		at = until != 0 ? sooner(at, day_at(t, day_of(t, until), t->p->run) >= until ? day_at(t, day_of(t, until), t->p->run) :
		    day_at(t, day_of(t, until) + 1, t->p->run)) : at;
	else if (b->asked[0] == '\0' && next_step(t, b, &index, &day))
		at = sooner(at, day_at(t, day, t->p->run));
	return (at != 0 && at < soonest ? soonest : at);
}

void
steps_await(struct turn *t, const struct bill *b)
{
	struct debtor d;

	if (t->p == NULL || b->seq == 0 || b->open <= 0)
		return;
	debtor_load(t->w, b->household, &d);
	steps_wake(t, b->household, next_look(t, &d, b));
}

/* ---- A run ---- */

static void
arrears_opened(struct turn *t, const char *id, struct bill *b)
{
	b->told = 1;
	bill_store(t, id, b);
	tell_arrears(t, "arrears.opened", id, b, b->open);
}

/* A message's id: the household, the day, what it is, and the event without which it would not be. */
static void
notice_id(const struct turn *t, const char *household, enum act act, char out[NAME_SIZE])
{
	char date[16];

	day_name(t->today, date);
	snprintf(out, NAME_SIZE, "dunning-%s-%s-%016llx", act_names[act], date,
	    (unsigned long long)XXH64(household, strlen(household), (XXH64_hash_t)t->now));
}

static void
gather(struct notice *n, const char *household, const char *id, const struct bill *b, enum act act)
{
	/* The others tomorrow; and those of another party, whose debts are not this one's to read. */
	if (n->count == NOTICE_BILLS_MAX || (n->count > 0 && strcmp(n->party, b->party) != 0))
		return;
	memcpy(n->household, household, NAME_SIZE);
	memcpy(n->party, b->party, NAME_SIZE);
	memcpy(n->bills[n->count++], id, NAME_SIZE);
	n->amount += b->open;
	if (n->count == 1 || act > n->what)
		n->what = (uint8_t)act;
}

void
steps_run(struct turn *t, const char *household)
{
	struct notice contact = { .count = 0 }, letter = { .count = 0 };
	struct worker_walk walk = { .key_len = 0 };
	bool works = working(t, t->today) == t->today, taken = false;
	struct place k = { .len = 0 };
	char id[NAME_SIZE], party[NAME_SIZE];
	int64_t until, index, day, at = 0;
	struct debtor d;
	struct bill b;

	debtor_load(t->w, household, &d);
	d.wake = 0;
	debtor_store(t->w, household, &d);
	place_part(&k, household);
	while (worker_each(t->w, OPEN, k.bytes, k.len, &walk)) {
		place_rest(&walk, place_rest(&walk, k.len, party) + 9, id);
		if (!bill_load(t->w, id, &b))
			continue;
		if (b.dispute_until > 0 && b.dispute_until < t->today) {
			rest_undisputed(t, id, &b);
			/* The bills are no longer what they were: from the first again. */
			memset(&walk, 0, sizeof(walk));
			contact.count = letter.count = 0;
			contact.amount = letter.amount = at = 0;
			taken = false;
			continue;
		}
		if (!b.told && b.due < t->today)
			arrears_opened(t, id, &b);
		if (!works || b.asked[0] != '\0' || rest_reason(t, &d, &b, &until) != NULL || !next_step(t, &b, &index, &day) || day > t->today) {
			at = sooner(at, next_look(t, &d, &b));
			continue;
		}
		taken = true;
		switch (ladder_of(t->p, b.kind)->steps[index].act) {
		case ACT_LEGAL:
			steps_taken(t, id, &b);
			break;
		case ACT_LETTER:
			gather(&letter, household, id, &b, ACT_LETTER);
			break;
		default:
			gather(&contact, household, id, &b, ladder_of(t->p, b.kind)->steps[index].act);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		struct notice *n = i == 0 ? &letter : &contact;

		if (n->count > 0)
			notice_begin(t, n);
	}
	/* What was taken a step has its next. */
	memset(&walk, 0, sizeof(walk));
	while (taken && worker_each(t->w, OPEN, k.bytes, k.len, &walk)) {
		place_rest(&walk, place_rest(&walk, k.len, party) + 9, id);
		if (bill_load(t->w, id, &b))
			at = sooner(at, next_look(t, &d, &b));
	}
	steps_wake(t, household, at);
}

void
steps_taken(struct turn *t, const char *id, struct bill *b)
{
	int64_t index, day;

	if (!next_step(t, b, &index, &day))
		return;
	tell_step(t, id, b, &ladder_of(t->p, b->kind)->steps[index]);
	steps_passed(t, id, b);
}

void
steps_passed(struct turn *t, const char *id, struct bill *b)
{
	int64_t index, day;

	/* A notice that waited until the bill was overdue is behind it by itself, and the reminder is still to come. */
	if (next_step(t, b, &index, &day) && day <= t->today) {
		b->steps = index + 1;
		b->step_day = t->today;
	}
	b->asked[0] = '\0';
	bill_store(t, id, b);
}

bool
steps_due(struct turn *t, const struct bill *b, struct step *s)
{
	int64_t index, day;

	if (!next_step(t, b, &index, &day) || day > t->today)
		return (false);
	*s = ladder_of(t->p, b->kind)->steps[index];
	return (true);
}

void
steps_name(const struct turn *t, const struct notice *n, char out[NAME_SIZE])
{
	notice_id(t, n->household, n->what, out);
}

/* Rules or a calendar are in force: whoever owes something is looked at on the next run. */
void
steps_begin(struct turn *t)
{
	struct worker_walk walk = { .key_len = 0 };
	char household[NAME_SIZE], before[NAME_SIZE] = "";

	while (worker_each(t->w, OPEN, NULL, 0, &walk)) {
		place_rest(&walk, 0, household);
		if (strcmp(household, before) != 0)
			steps_wake(t, household, steps_next_run(t));
		memcpy(before, household, sizeof(before));
	}
}
