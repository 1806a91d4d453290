/* What comes at random: each kind with its rate and its rhythm. */
#include "stories.h"

#define MONTH	(DAY * 146097 / 4800)	/* of 400 years */

static const struct process {
	step_fn *happens;
	const struct rhythm *rhythm;
	uint32_t per_million;		/* in a million household-days */
	enum part part;			/* PARTS: never left out */
} processes[] = {
	{ call_rings,		&rhythm_phone,		48000,	PART_CONTACTS },
	{ contact_at_kiosk,	&rhythm_kiosk,		40000,	PART_CONTACTS },
	{ contact_online,	&rhythm_online,		15000,	PART_CONTACTS },
	{ contact_at_desk,	&rhythm_desk,		8000,	PART_CONTACTS },
	{ callback_routine,	&rhythm_office,		2740,	PART_CALLBACKS },	/* each household once a year */
	{ violation_observed,	&rhythm_kiosk,		700,	PARTS },
	{ help_alarm,		&rhythm_distress,	600,	PARTS },
	{ household_moves,	&rhythm_desk,		600,	PARTS },
	{ complaint_at_company,	&rhythm_office,		60,	PARTS },
	{ repair_at_home,	&rhythm_desk,		0,	PARTS },		/* so many a month, if asked for … */
	{ complaint_somehow,	&rhythm_desk,		0,	PARTS }			/* … */
};

static step_fn process_happens;

/* How long from one to the next, on average; 0: it never happens. */
static int64_t
mean_of(const struct world *w, const struct process *p)
{
	uint32_t a_month = p->happens == repair_at_home ? w->plan->in_home : p->happens == complaint_somehow ? w->plan->complaints : 0;

	if (a_month > 0)
		return (MONTH / a_month);
	if (p->per_million == 0 || (p->part != PARTS && w->plan->without[p->part]) || (p->happens == complaint_at_company && w->plan->complaints > 0))
		return (0);
	return ((int64_t)(DAY * 1000000 / ((uint64_t)p->per_million * w->estate.households)));
}

static void
plan_next(struct world *w, int64_t after, struct story *s)
{
	const struct process *p = &processes[s->kind];
	int64_t mean_ms = mean_of(w, p);

	if (mean_ms == 0)
		return;
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
