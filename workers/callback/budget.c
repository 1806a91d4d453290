/* How often a household may be asked at all: over callbacks, surveys and reminders. */
#include "callback.h"

#include <stdio.h>
#include <string.h>

#define PURPOSE_SIZE	16u
#define STEPS_MAX	64

bool
budget_merges(struct turn *t, const char *household, const char *except)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	char id[ID_SIZE_MAX];

	key_part(&k, household);
	while (worker_each(t->w, PENDING, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, id);
		if (strcmp(id, except) != 0 && book_load(t, id, &c) && c.state == IS_OPEN && c.mandatory && c.kind != KIND_ROUTINE)
			return (true);
	}
	return (false);
}

bool
budget_one_talk(struct turn *t, const struct callback *c, int64_t when)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	char id[ID_SIZE_MAX];
	struct callback o;

	key_part(&k, c->household);
	while (worker_each(t->w, PENDING, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, id);
		if (strcmp(id, c->id) != 0 && book_load(t, id, &o) && o.state == IS_OPEN && o.mandatory && strcmp(o.staff, c->staff) == 0 &&
		    o.plan < clock_at(t, clock_day(t, when), 1440))
			return (true);
	}
	return (false);
}

/* An optional contact is under way: when they will have been spoken to is not known. */
static bool
under_way(struct turn *t, const char *household, const char *except)
{
	struct worker_walk walk = { .key_len = 0 };
	struct key k = { .len = 0 };
	struct callback c;
	char id[ID_SIZE_MAX];

	key_part(&k, household);
	while (worker_each(t->w, PENDING, k.bytes, k.len, &walk)) {
		key_rest(&walk, k.len, id);
		if (strcmp(id, except) != 0 && book_load(t, id, &c) && c.state == IS_OPEN && c.granted)
			return (true);
	}
	return (false);
}

int64_t
budget_clear(struct turn *t, const char *household, const struct household *h, int64_t at, const char *except)
{
	int64_t week = t->p->contact.week, month = t->p->contact.month;

	if (under_way(t, household, except))
		return (INT64_MAX);
	if (h->blocked > at)
		at = h->blocked;
	for (int step = 0; step < STEPS_MAX; step++) {
		int64_t later = at, within = 0, first = INT64_MAX;

		for (int64_t i = 0; i < h->ring_count; i++) {
			int64_t e = h->ring[i], apart = e > at ? e - at : at - e;

			if (apart < week && e + week > later)
				later = e + week;
			if (apart < month) {
				within++;
				first = e < first ? e : first;
			}
		}
		if (later == at && within >= t->p->contact.month_most)
			later = first + month;
		if (later == at)
			break;
		at = later;
	}
	return (at);
}

void
budget_spend(struct household *h, int64_t at)
{
	if (h->ring_count == RING_MAX)
		memmove(h->ring, h->ring + 1, (RING_MAX - 1) * sizeof(h->ring[0]));
	else
		h->ring_count++;
	h->ring[h->ring_count - 1] = at;
}

/* ---- What others ask for ---- */

static void
wish_key(struct key *k, const char *household, const char *purpose, const char *ref)
{
	k->len = 0;
	key_text(key_part(key_part(k, household), purpose), ref);
}

static void
forget(struct turn *t, const struct key *k)
{
	uint8_t name[1 + STATE_KEY_MAX];

	name[0] = 'w';
	memcpy(name + 1, k->bytes, k->len);
	worker_cancel_timer(t->w, name, k->len + 1);
	worker_delete(t->w, WAITING, k->bytes, k->len);
}

static void
wait(struct turn *t, const struct key *k, const struct wish *wish, int64_t at)
{
	uint8_t name[1 + STATE_KEY_MAX];

	record_put(t->w, WAITING, SHAPE_WISH, k->bytes, k->len, wish);
	name[0] = 'w';
	memcpy(name + 1, k->bytes, k->len);
	worker_set_timer(t->w, name, k->len + 1, at, NULL, 0);
}

static bool
unwanted(const struct household *h, const char *purpose)
{
	return ((strcmp(purpose, "survey") == 0 && h->no_survey) || (strcmp(purpose, "callback") == 0 && h->no_callback));
}

/* Granted for a day, or deferred to the first that there is; then it waits here and is granted by itself. */
static void
judge(struct turn *t, const char *household, const char *purpose, const char *ref, const struct wish *wish, bool told)
{
	struct household h;
	struct key k;
	int64_t at = wish->not_before > t->now ? wish->not_before : t->now, clear, until;

	wish_key(&k, household, purpose, ref);
	resident_load(t->w, household, &h);
	if (unwanted(&h, purpose)) {
		tell_contact(t, household, "contact.deferred", purpose, ref, 0, 0);
		forget(t, &k);
		return;
	}
	if ((clear = budget_clear(t, household, &h, at, "")) == INT64_MAX)
		clear = t->now + t->p->contact.week;
	clear = clock_within(t, &t->p->contact.hours, &h, clear);
	if (wish->until != 0 && clear > wish->until) {
		tell_contact(t, household, "contact.deferred", purpose, ref, clear, 0);
		forget(t, &k);
		return;
	}
	if (clock_day(t, clear) > clock_day(t, t->now)) {
		if (!told || clear > wish->asked)
			tell_contact(t, household, "contact.deferred", purpose, ref, clear, 0);
		wait(t, &k, &(struct wish){ wish->not_before, wish->until, clear }, clear);
		return;
	}
	until = clock_at(t, clock_day(t, clear), 1440);
	if (wish->until != 0 && wish->until < until)
		until = wish->until;
	budget_spend(&h, until);
	h.blocked = until;
	resident_store(t->w, household, &h);
	tell_contact(t, household, "contact.granted", purpose, ref, clear > t->now ? clear : 0, until);
	forget(t, &k);
}

void
budget_requested(struct turn *t, const struct worker_event *v)
{
	char household[ID_SIZE_MAX], purpose[PURPOSE_SIZE], ref[ID_SIZE_MAX];
	struct wish wish = { 0, 0, 0 };
	struct text s;

	if (t->p == NULL || !event_text(v->e, "for", &s))
		return;
	copy_text(purpose, sizeof(purpose), s);
	if (!event_text(v->e, "ref", &s))
		return;
	copy_text(ref, sizeof(ref), s);
	copy_text(household, sizeof(household), v->e->subject);
	event_instant(v->e, "not_before", &wish.not_before);
	event_instant(v->e, "until", &wish.until);
	judge(t, household, purpose, ref, &wish, false);
}

void
budget_due(struct turn *t, const char *name, size_t len)
{
	struct worker_walk at = { .key_len = len };
	char household[ID_SIZE_MAX], purpose[ID_SIZE_MAX], ref[ID_SIZE_MAX];
	struct wish wish;

	if (len > sizeof(at.key) || !record_get(t->w, WAITING, SHAPE_WISH, name, len, &wish))
		return;
	memcpy(at.key, name, len);
	key_rest(&at, 0, household);
	key_rest(&at, strlen(household) + 1, purpose);
	key_rest(&at, strlen(household) + strlen(purpose) + 2, ref);
	judge(t, household, purpose, ref, &wish, true);
}
