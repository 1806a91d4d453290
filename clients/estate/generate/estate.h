/*
 * The estate: who lives where and who works when.  Nearly all of it follows from the seed and a household's number, so a large
 * estate costs one byte a household.
 *
 * Nobody here is a person: a household is called 业主3-2-1201 and its telephone number begins with 000, which no network assigns.
 */
#ifndef GENERATE_ESTATE_H
#define GENERATE_ESTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "rng.h"

#define HOUSEHOLDS_MAX	200000u
#define NOBODY		UINT32_MAX		/* a caller nobody knows */

#define HOUSEHOLD_TEXT_SIZE	16	/* 1389-2-1804, 000-138902-1804 */
#define HOUSEHOLD_ADDRESS_SIZE	40	/* 1389栋2单元1804室 */
#define STAFF_TEXT_SIZE		16	/* gardener-12 */

struct estate {
	uint64_t seed;
	uint32_t households;
	uint8_t *occupied;
};

/* How a household settles its bills. */
enum habit { HABIT_PROMPT, HABIT_LATE, HABIT_CHRONIC };

void		 estate_init(struct estate *, uint32_t households, uint64_t seed);
void		 estate_free(struct estate *);

/* A household where somebody lives, or NOBODY if the draw found only empty ones. */
uint32_t	 estate_resident(const struct estate *, struct rng *);

void		 household_id(char out[HOUSEHOLD_TEXT_SIZE], uint32_t household);
void		 household_phone(char out[HOUSEHOLD_TEXT_SIZE], uint32_t household);
void		 household_address(char out[HOUSEHOLD_ADDRESS_SIZE], uint32_t household);
unsigned	 household_building(uint32_t household);
const char	*household_kind(const struct estate *, uint32_t household);	/* owner, tenant, merchant, developer */
const char	*household_kind_text(const char *kind);				/* 业主 … */
unsigned	 household_area_m2(const struct estate *, uint32_t household);
bool		 household_parks(const struct estate *, uint32_t household);
bool		 household_is_key(const struct estate *, uint32_t household);
enum habit	 household_habit(const struct estate *, uint32_t household);

/* Groups of staff.  Clerks, engineers and guards work round the clock in three shifts, the others keep office hours. */
enum duty {
	DUTY_CLERK, DUTY_ENGINEER, DUTY_GUARD,
	DUTY_CLEANER, DUTY_GARDENER, DUTY_ASSISTANT, DUTY_FINANCE, DUTY_LEAD, DUTY_MANAGER,
	DUTY_COUNT
};

struct staff {
	uint8_t duty;
	uint8_t number;		/* 1 .. */
};

void		 staff_id(char out[STAFF_TEXT_SIZE], struct staff);
const char	*staff_role(enum duty);		/* clerk, cs_assistant … as events name it */
unsigned	 staff_count(const struct estate *, enum duty);
bool		 staff_in_shifts(enum duty);

/* Three shifts, changing at 07:30, 15:30 and 23:30; 0 begins in the morning. */
unsigned	 shift_of(int64_t t);

/* Is that person planned for that shift of the day the shift begins on?  Rotates weekly. */
bool		 staff_planned(struct staff, int64_t day, unsigned shift);

/* Somebody of the group who is on duty at t; of a group with office hours, anybody. */
struct staff	 staff_on_duty(const struct estate *, struct rng *, enum duty, int64_t t);

#endif
