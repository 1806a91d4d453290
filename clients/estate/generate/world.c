#include "calendar.h"
#include "world.h"

struct step {
	struct heap_key key;
	step_fn *happens;
	struct story story;
};

/* What the run's random numbers are for: the second argument of rng_fact. */
enum { FACT_STORY = 201, FACT_NETWORK };

void
world_open(struct world *w, const struct plan *plan, FILE *out)
{
	*w = (struct world){ .plan = plan, .seed = plan->seed, .begin = plan->first_day * DAY };
	w->now = w->begin;
	w->end = w->begin + (int64_t)plan->days * DAY;
	w->opens = w->begin + plan->households;	/* the register is imported first, a household a millisecond */
	estate_init(&w->estate, plan->households, plan->seed);
	rng_seed(&w->rng, rng_fact(plan->seed, FACT_STORY, 0));
	heap_init(&w->agenda, sizeof(struct step));
	arrival_init(&w->arrival, out, rng_fact(plan->seed, FACT_NETWORK, 0));
}

void
world_close(struct world *w)
{
	arrival_finish(&w->arrival);
	heap_free(&w->agenda);
	estate_free(&w->estate);
}

void
world_at(struct world *w, int64_t at, step_fn *happens, const struct story *s)
{
	struct step step = { .key.at = at < w->now ? w->now : at, .happens = happens, .story = *s };

	if (step.key.at < w->end)
		heap_add(&w->agenda, &step);
}

void
world_in(struct world *w, int64_t lo, int64_t hi, step_fn *happens, const struct story *s)
{
	world_at(w, w->now + rng_between(&w->rng, lo, hi), happens, s);
}

struct subject
world_subject(struct world *w, char letter)
{
	int64_t today = w->now / DAY;

	if (today != w->ordinals_day) {
		w->ordinals_day = today;
		for (int i = 0; i < 26; i++)
			w->ordinals[i] = 0;
	}
	return ((struct subject){ letter, (uint32_t)today, ++w->ordinals[letter - 'A'] });
}

bool
world_is_workday(const struct world *w, int64_t day)
{
	struct calendar_day d;

	if (w->plan->calendar != NULL && calendar_day(w->plan->calendar, day, &d))
		return (d.working);
	return (civil_weekday(day) < 5);
}

#define OPENS	(8 * HOUR + 30 * MINUTE)
#define CLOSES	(18 * HOUR)

int64_t
world_desk_hours(struct world *w, int64_t t)
{
	int64_t day = t / DAY;

	if (t % DAY >= CLOSES)
		day++;
	else if (t % DAY >= OPENS)
		return (t);
	return (day * DAY + OPENS + rng_between(&w->rng, 0, 90 * MINUTE));
}

int64_t
world_office_hours(struct world *w, int64_t t)
{
	t = world_desk_hours(w, t);
	while (!world_is_workday(w, t / DAY))
		t += DAY;
	return (t);
}

int64_t
world_on_day(struct world *w, int64_t day, int64_t lo, int64_t hi)
{
	return (day * DAY + rng_between(&w->rng, lo, hi));
}

int64_t
world_about(struct world *w, int64_t mean)
{
	int64_t d = rng_exponential(&w->rng, mean);

	return (d > 6 * mean ? 6 * mean : d);
}

void
world_run(struct world *w)
{
	struct step step;

	while (w->agenda.count > 0) {
		heap_take(&w->agenda, &step);
		w->now = step.key.at;
		step.happens(w, &step.story);
	}
}
