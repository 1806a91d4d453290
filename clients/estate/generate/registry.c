/* The register of households, imported at the very beginning; and who moves in and out later. */
#include <stdio.h>

#include "event.h"
#include "stories.h"

#define FACT_REGISTER	50

void
party_id(char out[PARTY_SIZE], const struct estate *e, uint32_t household)
{
	char id[HOUSEHOLD_TEXT_SIZE];

	household_id(id, household);
	snprintf(out, PARTY_SIZE, "%s-%s", household_kind(e, household), id);
}

/* Some say when they don't want to be called, or that nobody is to come. */
static void
contact_rule_set(struct world *w, const char *id, struct rng *facts)
{
	static const char *const quiet[] = { "12:00-14:30", "20:00-09:00", "08:00-17:00" };
	bool hours = rng_chance(facts, 600);

	event_begin(w, "household.contact_rule_set", FROM_REGISTRY, id, NULL);
	data_text(w, "quiet", hours ? quiet[rng_below(facts, 3)] : NULL);
	data_bool(w, "no_visit", !hours);
	data_staff(w, "by", (struct staff){ DUTY_LEAD, 1 });
	event_end(w);
}

/* A household becomes one that the lead looks after, or no longer is one. */
static void
household_tagged(struct world *w, struct story *s)
{
	char id[HOUSEHOLD_TEXT_SIZE];

	household_id(id, s->household);
	event_begin(w, "household.tagged_key", FROM_REGISTRY, id, NULL);
	data_bool(w, "key", !household_is_key(&w->estate, s->household));
	event_end(w);
}

static void
household_registered(struct world *w, struct story *s)
{
	static const char *const channels[] = { "sms", "wechat", "phone", "email", "letter" };
	static const uint16_t weights[] = { 420, 400, 120, 40, 20 };
	const char *kind = household_kind(&w->estate, s->household);
	char id[HOUSEHOLD_TEXT_SIZE], text[64];
	struct rng facts;
	unsigned channel;

	/* Facts of its own, so that --no-registry changes nothing that follows. */
	rng_seed(&facts, rng_fact(w->seed, FACT_REGISTER, s->household));
	channel = rng_weighted(&facts, weights, 5);
	household_id(id, s->household);
	event_begin(w, "household.registered", FROM_REGISTRY, id, NULL);
	data_text(w, "kind", kind);
	party_id(text, &w->estate, s->household);
	data_text(w, "party", text);
	snprintf(text, sizeof(text), "%s%s", household_kind_text(kind), id);
	data_text(w, "name", text);
	household_phone(text, s->household);
	data_text(w, "phone", text);
	if (channel == 3 || rng_chance(&facts, 200)) {
		snprintf(text, sizeof(text), "home-%s@example.invalid", id);
		data_text(w, "email", text);
	}
	if (w->estate.occupied[s->household])
		data_date(w, "moved_in", w->begin / DAY - rng_between(&facts, 30, 4000));
	data_bool(w, "key", household_is_key(&w->estate, s->household));
	data_int(w, "area_m2", household_area_m2(&w->estate, s->household));
	data_text(w, "channel", channels[channel]);
	data_text(w, "language", rng_chance(&facts, 975) ? "zh" : "en");
	event_end(w);
	if (w->estate.occupied[s->household] && rng_chance(&facts, 50))
		contact_rule_set(w, id, &facts);
	if (rng_chance(&facts, 6))
		world_at(w, w->begin + rng_between(&facts, 1, 365) * DAY + 10 * HOUR, household_tagged, s);
	if (++s->household < w->estate.households)
		world_at(w, w->now + 1, household_registered, s);
}

void
registry_begin(struct world *w)
{
	world_at(w, w->begin, household_registered, &(struct story){ .household = 0 });
}

/* An empty flat fills sooner or later, an occupied one rarely empties. */
void
household_moves(struct world *w, struct story *s)
{
	uint32_t h = (uint32_t)rng_below(&w->rng, w->estate.households);
	uint8_t *occupied = &w->estate.occupied[h];
	char id[HOUSEHOLD_TEXT_SIZE];

	if (*occupied && !rng_chance(&w->rng, 90))
		return;
	household_id(id, h);
	event_begin(w, *occupied ? "household.moved_out" : "household.moved_in", FROM_DESK, id, s);
	data_date(w, "date", w->now / DAY);
	event_end(w);
	*occupied = !*occupied;
}
