/* Households: who pays for it now.  A debt stays with who made it. */
#include "dunning.h"

#include <string.h>

bool
debtor_load(struct worker *w, const char *household, struct debtor *d)
{
	return (account_get(w, HOUSEHOLDS, ROW_DEBTOR, household, strlen(household), d));
}

void
debtor_store(struct worker *w, const char *household, const struct debtor *d)
{
	account_put(w, HOUSEHOLDS, ROW_DEBTOR, household, strlen(household), d);
}

static void
former_place(struct place *k, const char *household, const char *party)
{
	k->len = 0;
	place_text(place_part(k, household), party);
}

bool
debtor_was(struct worker *w, const char *household, const char *party)
{
	const void *value;
	struct place k;
	size_t len;

	former_place(&k, household, party);
	return (worker_get(w, FORMERS, k.bytes, k.len, &value, &len));
}

/* Another party has it from now on; who comes back is no former one. */
static void
pass_on(struct turn *t, const char *household, struct debtor *d, struct text to)
{
	char party[NAME_SIZE];
	struct place k;

	name_copy(party, to);
	if (strcmp(party, d->party) == 0)
		return;
	former_place(&k, household, d->party[0] != '\0' ? d->party : household);
	worker_put(t->w, FORMERS, k.bytes, k.len, "", 0);
	former_place(&k, household, party);
	worker_delete(t->w, FORMERS, k.bytes, k.len);
	memcpy(d->party, party, NAME_SIZE);
}

/*
 * Until now nobody had said who the party is, and bills and money stood under the household's own name: they are that party's.  A transfer is
 * something else: what the unknown one owed stays his.
 */
static void
adopt(struct turn *t, const char *household, const char *party)
{
	struct worker_walk walk = { .key_len = 0 };
	char id[NAME_SIZE];
	struct payment p;
	struct entry e;
	struct bill b;
	struct place k = { .len = 0 }, old;
	int64_t rest;

	place_part(&k, household);
	while (worker_each(t->w, ALL, k.bytes, k.len, &walk)) {
		place_rest(&walk, k.len + 8, id);
		if (!bill_load(t->w, id, &b))
			continue;
		if (strcmp(b.host, household) == 0) {
			memcpy(b.host, party, NAME_SIZE);
			bill_store(t, id, &b);
		}
		if (strcmp(b.party, household) != 0)
			continue;
		open_place(&old, household, household);
		place_text(place_number(&old, b.due), id);
		worker_delete(t->w, OPEN, old.bytes, old.len);
		memcpy(b.party, party, NAME_SIZE);
		bill_store(t, id, &b);
	}
	place_part(&k, "");
	memset(&walk, 0, sizeof(walk));
	while (worker_each(t->w, ENTRIES, k.bytes, k.len, &walk)) {
		if (!account_read(ROW_ENTRY, walk.value, walk.value_len, &e) || !payment_load(t->w, e.payment, &p) || strcmp(p.party, household) != 0)
			continue;
		rest = p.rest;
		p.rest = 0;
		payment_store(t, e.payment, &p);		/* no longer a credit of the name … */
		p.rest = rest;
		memcpy(p.party, party, NAME_SIZE);
		payment_store(t, e.payment, &p);		/* … but of the party */
	}
	payments_spend(t, household, party);
}

void
debtor_registered(struct turn *t, const struct worker_event *v)
{
	struct debtor d;
	char id[NAME_SIZE];
	struct text s;
	bool known, named;

	name_copy(id, v->e->subject);
	known = debtor_load(t->w, id, &d) && d.known;
	named = d.party[0] != '\0';
	d.known = 1;
	if (event_text(v->e, "party", &s) && named)
		pass_on(t, id, &d, s);
	else if (event_text(v->e, "party", &s))
		name_copy(d.party, s);
	if (event_text(v->e, "moved_in", &s))
		d.moved_out = 0;
	debtor_store(t->w, id, &d);
	if (!known)
		payments_match(t, 'h', id);
	if (!named && d.party[0] != '\0')
		adopt(t, id, d.party);
	steps_wake(t, id, steps_next_run(t));
}

void
debtor_handed(struct turn *t, const struct worker_event *v)
{
	struct debtor d;
	char id[NAME_SIZE];
	struct text s;

	name_copy(id, v->e->subject);
	debtor_load(t->w, id, &d);
	d.known = 1;
	d.moved_out = 0;
	d.hardship = 0;
	d.hardship_until = 0;
	if (event_text(v->e, "to", &s))
		pass_on(t, id, &d, s);
	debtor_store(t->w, id, &d);
	payments_match(t, 'h', id);
	steps_wake(t, id, steps_next_run(t));
}

void
debtor_moved(struct turn *t, const struct worker_event *v)
{
	struct debtor d;
	char id[NAME_SIZE];

	name_copy(id, v->e->subject);
	debtor_load(t->w, id, &d);
	d.known = 1;
	d.moved_out = 0;
	if (mp_equal(v->e->type.s, v->e->type.len, "household.moved_out")) {
		d.moved_out = t->today;
		day_field(v->e, "date", &d.moved_out);
	}
	debtor_store(t->w, id, &d);
	payments_match(t, 'h', id);
	steps_wake(t, id, steps_next_run(t));
}
