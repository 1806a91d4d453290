/* What comes at random: each kind with its rate and its rhythm. */
#include "stories.h"

static const struct process {
	step_fn *happens;
	const struct rhythm *rhythm;
	uint32_t per_million;		/* in a million household-days */
} processes[] = {
	{ call_rings,		&rhythm_phone,		48000 },
	{ contact_at_kiosk,	&rhythm_kiosk,		40000 },
	{ contact_online,	&rhythm_online,		15000 },
	{ contact_at_desk,	&rhythm_desk,		8000 },
	{ callback_routine,	&rhythm_office,		2740 },		/* each household once a year */
	{ violation_observed,	&rhythm_kiosk,		700 },
	{ help_alarm,		&rhythm_distress,	600 },
	{ household_moves,	&rhythm_desk,		600 },
	{ complaint_at_company,	&rhythm_office,		60 }
};

static step_fn process_happens;

static void
plan_next(struct world *w, int64_t after, struct story *s)
{
	const struct process *p = &processes[s->kind];
	int64_t mean_ms = (int64_t)(DAY * 1000000 / ((uint64_t)p->per_million * w->estate.households));

	world_at(w, rhythm_next(p->rhythm, &w->rng, after, mean_ms, w->end), process_happens, s);
}

static void
process_happens(struct world *w, struct story *s)
{
	struct story begins = { .household = NOBODY };

	processes[s->kind].happens(w, &begins);
	plan_next(w, w->now, s);
}

void
arrivals_begin(struct world *w)
{
	for (unsigned i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
		plan_next(w, w->opens, &(struct story){ .kind = (uint8_t)i });
}
