#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "estate.h"

enum {
	FLATS_PER_FLOOR = 4,
	FLOORS = 18,
	UNITS = 2,
	FLATS_PER_UNIT = FLATS_PER_FLOOR * FLOORS,
	FLATS_PER_BUILDING = FLATS_PER_UNIT * UNITS
};

/* What a fact is about: the second argument of rng_fact. */
enum fact { FACT_KIND = 1, FACT_EMPTY, FACT_AREA, FACT_PARKING, FACT_KEY, FACT_HABIT };

static unsigned
fact_permille(const struct estate *e, enum fact what, uint32_t household)
{
	return ((unsigned)(rng_fact(e->seed, what, household) % 1000));
}

void
estate_init(struct estate *e, uint32_t households, uint64_t seed)
{
	*e = (struct estate){ .seed = seed, .households = households };
	if ((e->occupied = malloc(households)) == NULL)
		err(1, "generate: memory for %u households", households);
	for (uint32_t h = 0; h < households; h++)
		e->occupied[h] = strcmp(household_kind(e, h), "developer") != 0 && fact_permille(e, FACT_EMPTY, h) >= 60;
}

void
estate_free(struct estate *e)
{
	free(e->occupied);
	e->occupied = NULL;
}

uint32_t
estate_resident(const struct estate *e, struct rng *r)
{
	for (int tries = 0; tries < 64; tries++) {
		uint32_t h = (uint32_t)rng_below(r, e->households);

		if (e->occupied[h])
			return (h);
	}
	return (NOBODY);
}

static unsigned
unit_of(uint32_t h)
{
	return (h % FLATS_PER_BUILDING / FLATS_PER_UNIT + 1);
}

static unsigned
floor_of(uint32_t h)
{
	return (h % FLATS_PER_UNIT / FLATS_PER_FLOOR + 1);
}

static unsigned
room_of(uint32_t h)
{
	return (floor_of(h) * 100 + h % FLATS_PER_FLOOR + 1);
}

unsigned
household_building(uint32_t h)
{
	return (h / FLATS_PER_BUILDING + 1);
}

void
household_id(char out[HOUSEHOLD_TEXT_SIZE], uint32_t h)
{
	snprintf(out, HOUSEHOLD_TEXT_SIZE, "%u-%u-%u", household_building(h) % 10000, unit_of(h) % 10, room_of(h) % 10000);
}

void
household_phone(char out[HOUSEHOLD_TEXT_SIZE], uint32_t h)
{
	snprintf(out, HOUSEHOLD_TEXT_SIZE, "000-%02u%02u-%04u", household_building(h) % 10000, unit_of(h) % 10, room_of(h) % 10000);
}

void
household_address(char out[HOUSEHOLD_ADDRESS_SIZE], uint32_t h)
{
	snprintf(out, HOUSEHOLD_ADDRESS_SIZE, "%u栋%u单元%u室", household_building(h), unit_of(h), room_of(h));
}

const char *
household_kind(const struct estate *e, uint32_t h)
{
	unsigned p = fact_permille(e, FACT_KIND, h);

	if (floor_of(h) == 1 && p < 500)
		return ("merchant");		/* shops on the ground floor */
	if (p < 720)
		return ("owner");
	if (p < 960)
		return ("tenant");
	return (p < 985 ? "developer" : "other");
}

const char *
household_kind_text(const char *kind)
{
	static const char *const texts[][2] = {
		{ "owner", "业主" }, { "tenant", "租户" }, { "merchant", "商户" }, { "developer", "开发商" }, { "other", "住户" }
	};
	unsigned i = 0;

	while (i + 1 < sizeof(texts) / sizeof(texts[0]) && strcmp(texts[i][0], kind) != 0)
		i++;
	return (texts[i][1]);
}

unsigned
household_area_m2(const struct estate *e, uint32_t h)
{
	static const uint8_t areas[] = { 62, 78, 89, 89, 96, 108, 118, 126, 143 };

	return (areas[rng_fact(e->seed, FACT_AREA, h) % sizeof(areas)]);
}

bool
household_parks(const struct estate *e, uint32_t h)
{
	return (fact_permille(e, FACT_PARKING, h) < 450);
}

bool
household_is_key(const struct estate *e, uint32_t h)
{
	return (fact_permille(e, FACT_KEY, h) < 20);
}

enum habit
household_habit(const struct estate *e, uint32_t h)
{
	unsigned p = fact_permille(e, FACT_HABIT, h);

	return (p < 830 ? HABIT_PROMPT : p < 960 ? HABIT_LATE : HABIT_CHRONIC);
}

/* One row per group: what events call it, how many households keep one of them busy, and how many there are at least. */
static const struct group {
	const char *prefix;
	const char *role;
	unsigned households_each;
	unsigned least;		/* three shifts need three */
	bool in_shifts;
} groups[DUTY_COUNT] = {
	[DUTY_CLERK] =		{ "clerk", "clerk", 300, 3, true },
	[DUTY_ENGINEER] =	{ "eng", "engineering", 250, 3, true },
	[DUTY_GUARD] =		{ "guard", "security", 120, 3, true },
	[DUTY_CLEANER] =	{ "cleaner", "cleaning", 250, 1, false },
	[DUTY_GARDENER] =	{ "gardener", "greening", 800, 1, false },
	[DUTY_ASSISTANT] =	{ "cs", "cs_assistant", 350, 2, false },
	[DUTY_FINANCE] =	{ "fin", "finance", 2000, 1, false },
	[DUTY_LEAD] =		{ "lead", "cs_lead", HOUSEHOLDS_MAX + 1, 1, false },
	[DUTY_MANAGER] =	{ "manager", "site_manager", HOUSEHOLDS_MAX + 1, 1, false }
};

void
staff_id(char out[STAFF_TEXT_SIZE], struct staff s)
{
	snprintf(out, STAFF_TEXT_SIZE, "%s-%u", groups[s.duty].prefix, s.number);
}

const char *
staff_role(enum duty d)
{
	return (groups[d].role);
}

unsigned
staff_count(const struct estate *e, enum duty d)
{
	unsigned n = e->households / groups[d].households_each;

	if (n < groups[d].least)
		n = groups[d].least;
	return (n > 240 ? 240 : n);	/* struct staff counts in a byte; a larger estate has busier staff */
}

bool
staff_in_shifts(enum duty d)
{
	return (groups[d].in_shifts);
}

unsigned
shift_of(int64_t t)
{
	int64_t since = (t + DAY - 7 * HOUR - 30 * MINUTE) % DAY;

	return ((unsigned)(since / (8 * HOUR)));
}

bool
staff_planned(struct staff s, int64_t day, unsigned shift)
{
	return ((s.number + (uint64_t)(day + 3) / 7) % 3 == shift);
}

struct staff
staff_on_duty(const struct estate *e, struct rng *r, enum duty d, int64_t t)
{
	unsigned count = staff_count(e, d);
	unsigned start = (unsigned)rng_below(r, count);
	unsigned shift = shift_of(t);
	int64_t day = (t - 7 * HOUR - 30 * MINUTE) / DAY;	/* the day its shift began on */
	struct staff s = { .duty = (uint8_t)d };

	for (unsigned i = 0; i < count; i++) {
		s.number = (uint8_t)((start + i) % count + 1);
		if (!groups[d].in_shifts || staff_planned(s, day, shift))
			break;
	}
	return (s);
}
