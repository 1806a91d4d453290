/* The monthly run: every household's bills on the first, delivered within days; a few are wrong, disputed or promised. */
#include <stdio.h>

#include "event.h"
#include "fees.h"
#include "stories.h"

#define RUN_BEGINS	(9 * HOUR)
#define RUN_LASTS	(3 * HOUR)
#define DUE_DAY		20		/* of the month of issue */

const char *const fee_names[FEE_COUNT] = {
	[FEE_MANAGEMENT] = "management", [FEE_VACANT] = "vacant", [FEE_RENT] = "rent", [FEE_WATER] = "water",
	[FEE_ELECTRICITY] = "electricity", [FEE_REPAIR_FUND] = "repair_fund", [FEE_PARKING] = "parking"
};

/* Water and electricity are read at the end of a month and billed in the next. */
static struct civil
period_of(const struct story *s)
{
	struct civil c = civil_from_day(s->since / DAY);

	if (s->kind == FEE_WATER || s->kind == FEE_ELECTRICITY)
		c = civil_from_day(s->since / DAY - c.day);
	return (c);
}

void
bill_id(char out[ID_SIZE], const struct story *s)
{
	struct civil c = period_of(s);
	char household[HOUSEHOLD_TEXT_SIZE];

	household_id(household, s->household);
	snprintf(out, ID_SIZE, "B-%04d%02d-%s-%s", c.year, c.month, fee_names[s->kind], household);
}

int64_t
bill_due_day(const struct story *s)
{
	struct civil c = civil_from_day(s->since / DAY);

	c.day = DUE_DAY;
	return (civil_to_day(c));
}

/* In fen; 0: this household owes no such fee. */
static int32_t
amount_of(struct world *w, enum fee fee, uint32_t h)
{
	const struct estate *e = &w->estate;
	int32_t area = (int32_t)household_area_m2(e, h);
	bool lived_in = e->occupied[h];

	switch (fee) {
	case FEE_MANAGEMENT:
		return (lived_in ? area * 280 : 0);
	case FEE_VACANT:
		return (lived_in ? 0 : area * 196);
	case FEE_RENT:
		return (lived_in && household_kind(e, h)[0] == 'm' ? area * 6500 : 0);
	case FEE_WATER:
		return (lived_in ? (int32_t)rng_between(&w->rng, 3, 28) * 345 : 0);
	case FEE_ELECTRICITY:
		return (lived_in ? (int32_t)rng_between(&w->rng, 60, 420) * 59 : 0);
	case FEE_REPAIR_FUND:
		return (area * 25);
	case FEE_PARKING:
		return (lived_in && household_parks(e, h) ? 15000 : 0);
	case FEE_COUNT:
		break;
	}
	return (0);
}

static void
bill_event(struct world *w, const char *type, const struct story *s)
{
	char id[ID_SIZE];

	bill_id(id, s);
	event_begin(w, type, FROM_FINANCE, id, s);
}

static struct staff
cashier(struct world *w)
{
	return (staff_on_duty(&w->estate, &w->rng, DUTY_FINANCE, w->now));
}

static void
bill_delivered(struct world *w, struct story *s)
{
	bill_event(w, "bill.delivered", s);
	event_end(w);
}

static void
bill_cancelled(struct world *w, struct story *s)
{
	bill_event(w, "bill.cancelled", s);
	data_text(w, "reason", "计费有误,另行出账");
	event_end(w);
}

static void
dispute_closed(struct world *w, struct story *s)
{
	bill_event(w, "dispute.closed", s);
	data_text(w, "reason", "核对无误");
	data_staff(w, "by", cashier(w));
	event_end(w);
	world_in(w, 2 * HOUR, 9 * DAY, payment_made, s);
}

static void
dispute_opened(struct world *w, struct story *s)
{
	bill_event(w, "dispute.opened", s);
	data_text(w, "reason", "对用量有异议");
	data_staff(w, "by", cashier(w));
	s->cause = event_end(w);
	world_at(w, world_office_hours(w, w->now + rng_between(&w->rng, 3 * DAY, 25 * DAY)), dispute_closed, s);
}

static void
promise_made(struct world *w, struct story *s)
{
	bill_event(w, "promise.made", s);
	data_date(w, "until", w->now / DAY + rng_between(&w->rng, 3, 14));
	data_staff(w, "by", cashier(w));
	event_end(w);
}

/* When the money comes follows from the household's habit; of the chronic ones, some of it never does. */
static void
plan_payment(struct world *w, struct story *s)
{
	int64_t today = w->now / DAY, due = bill_due_day(s), day = today + 1;

	switch (household_habit(&w->estate, s->household)) {
	case HABIT_PROMPT:
		day += world_about(w, 6 * DAY) / DAY;
		if (day > due)
			day = due;
		break;
	case HABIT_LATE:
		day = due + 1 + world_about(w, 12 * DAY) / DAY;
		break;
	case HABIT_CHRONIC:
		if (rng_chance(&w->rng, 450))
			return;
		day = due + rng_between(&w->rng, 20, 110);
		break;
	}
	if (day > due + 5 && rng_chance(&w->rng, 200))
		world_at(w, world_office_hours(w, world_on_day(w, due + 5, 9 * HOUR, 17 * HOUR)), promise_made, s);
	world_at(w, rhythm_instant(&rhythm_online, &w->rng, day), payment_made, s);
}

static void
bill_issued(struct world *w, struct story *s)
{
	struct civil period = period_of(s);
	char text[64];

	bill_event(w, "bill.issued", s);
	data_household(w, s->household);
	party_id(text, &w->estate, s->household);
	data_text(w, "payer", text);
	data_text(w, "fee_kind", fee_names[s->kind]);
	snprintf(text, sizeof(text), "%04d-%02d", period.year, period.month);
	data_text(w, "period", text);
	data_int(w, "amount", s->amount_fen);
	data_date(w, "due", bill_due_day(s));
	s->cause = event_end(w);

	if (rng_chance(&w->rng, 980))
		world_at(w, world_desk_hours(w, w->now + rng_between(&w->rng, 1 * HOUR, 50 * HOUR)), bill_delivered, s);
	if (rng_chance(&w->rng, 3))
		world_at(w, world_office_hours(w, w->now + rng_between(&w->rng, 1 * DAY, 5 * DAY)), bill_cancelled, s);
	else if (rng_chance(&w->rng, 4))
		world_at(w, world_office_hours(w, w->now + rng_between(&w->rng, 3 * DAY, 15 * DAY)), dispute_opened, s);
	else
		plan_payment(w, s);
}

/* The first run at or after t. */
static int64_t
next_run(int64_t t)
{
	struct civil c = civil_from_day(t / DAY);

	if (c.day != 1 || t % DAY > RUN_BEGINS) {
		c.month = c.month % 12 + 1;
		c.year += c.month == 1;
		c.day = 1;
	}
	return (civil_to_day(c) * DAY + RUN_BEGINS);
}

/* One household a step, so that a month's bills never wait in memory. */
static void
household_billed(struct world *w, struct story *run)
{
	struct story bill = { .household = run->household, .since = run->since };

	for (unsigned fee = 0; fee < FEE_COUNT; fee++) {
		bill.kind = (uint8_t)fee;
		bill.cause.number = 0;
		bill.amount_fen = amount_of(w, fee, run->household);
		if (bill.amount_fen > 0)
			bill_issued(w, &bill);
	}
	if (++run->household < w->estate.households)
		world_at(w, w->now + RUN_LASTS / w->estate.households, household_billed, run);
	else {
		run->household = 0;
		run->since = next_run(w->now + 1);
		world_at(w, run->since, household_billed, run);
	}
}

void
fees_begin(struct world *w)
{
	struct story run = { .household = 0, .since = next_run(w->begin) };

	world_at(w, run.since, household_billed, &run);
}
