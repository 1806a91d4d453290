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

void
debtor_registered(struct turn *t, const struct worker_event *v)
{
	struct debtor d;
	char id[NAME_SIZE];
	struct text s;
	bool known;

	name_copy(id, v->e->subject);
	known = debtor_load(t->w, id, &d) && d.known;
	d.known = 1;
	if (event_text(v->e, "party", &s))
		name_copy(d.party, s);
	if (event_text(v->e, "kind", &s))
		d.developer = mp_equal(s.s, s.len, "developer");
	if (event_text(v->e, "moved_in", &s))
		d.moved_out = 0;
	debtor_store(t->w, id, &d);
	if (!known)
		payments_match(t, 'h', id);
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
	d.developer = 0;
	d.moved_out = 0;
	d.hardship = 0;
	d.hardship_until = d.promise_until = 0;
	if (event_text(v->e, "to", &s))
		name_copy(d.party, s);
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
