/* Who is on duty: three shifts round the clock for some groups, office hours for the others; and the letter box of working days. */
#include "event.h"
#include "stories.h"

#define SHIFT		(8 * HOUR)
#define FIRST_SHIFT	(7 * HOUR + 30 * MINUTE)
#define OFFICE_OPENS	(8 * HOUR + 30 * MINUTE)
#define OFFICE_CLOSES	(18 * HOUR)
#define MUSTER		(20 * MINUTE)	/* a shift is planned so long before it begins */

static void
duty_event(struct world *w, const char *type, const struct story *s)
{
	char id[STAFF_TEXT_SIZE];

	staff_id(id, s->by);
	event_begin(w, type, FROM_ROSTER, id, NULL);
	data_instant(w, "from", s->since);
	data_instant(w, "until", s->since + (staff_in_shifts(s->by.duty) ? SHIFT : OFFICE_CLOSES - OFFICE_OPENS));
}

static void
duty_ended(struct world *w, struct story *s)
{
	duty_event(w, "duty.ended", s);
	data_staff(w, "by", s->by);
	event_end(w);
}

static void
duty_started(struct world *w, struct story *s)
{
	int64_t until = s->since + (staff_in_shifts(s->by.duty) ? SHIFT : OFFICE_CLOSES - OFFICE_OPENS);

	duty_event(w, "duty.started", s);
	data_staff(w, "by", s->by);
	event_end(w);
	world_at(w, until + rng_between(&w->rng, 0, 20 * MINUTE), duty_ended, s);
}

static void
staff_absent(struct world *w, struct story *s)
{
	unsigned count = staff_count(&w->estate, s->by.duty);
	struct staff deputy = { s->by.duty, (uint8_t)(s->by.number % count + 1) };

	duty_event(w, "staff.absent", s);
	if (count > 1)
		data_staff(w, "deputy", deputy);
	data_staff(w, "by", (struct staff){ DUTY_LEAD, 1 });
	event_end(w);
}

/* Days off: half of the assistants, since the desk is staffed every day; nobody else of the office. */
static bool
office_planned(const struct world *w, struct staff s, int64_t day)
{
	if (world_is_workday(w, day))
		return (true);
	return (s.duty == DUTY_ASSISTANT && (s.number + (uint64_t)day) % 2 == 0);
}

static void
muster(struct world *w, enum duty d, int64_t from)
{
	unsigned count = staff_count(&w->estate, d);
	struct story s = { .household = NOBODY, .since = from };

	s.by.duty = (uint8_t)d;
	for (unsigned i = 1; i <= count; i++) {
		s.by.number = (uint8_t)i;
		if (staff_in_shifts(d) ? !staff_planned(s.by, from / DAY, shift_of(from)) : !office_planned(w, s.by, from / DAY))
			continue;
		if (rng_chance(&w->rng, 12))
			world_in(w, 0, MUSTER, staff_absent, &s);
		else
			world_at(w, from + rng_between(&w->rng, -12 * MINUTE, 4 * MINUTE), duty_started, &s);
	}
}

static void
shift_planned(struct world *w, struct story *s)
{
	for (unsigned d = 0; d < DUTY_COUNT; d++)
		if (staff_in_shifts(d))
			muster(w, d, w->now + MUSTER);
	world_at(w, w->now + SHIFT, shift_planned, s);
}

static void
office_day_planned(struct world *w, struct story *s)
{
	for (unsigned d = 0; d < DUTY_COUNT; d++)
		if (!staff_in_shifts(d))
			muster(w, d, w->now + MUSTER);
	world_at(w, w->now + DAY, office_day_planned, s);
}

static void
mailbox_emptied(struct world *w, struct story *s)
{
	int64_t letters = world_about(w, w->estate.households) / 1800;

	if (world_is_workday(w, w->now / DAY)) {
		event_begin(w, "mailbox.emptied", FROM_DESK, "mailbox-1", NULL);
		data_staff(w, "by", staff_on_duty(&w->estate, &w->rng, DUTY_ASSISTANT, w->now));
		data_int(w, "letters", letters);
		event_end(w);
		while (letters-- > 0)
			world_in(w, 1 * MINUTE, 20 * MINUTE, contact_in_mailbox, &(struct story){ .household = NOBODY });
	}
	world_at(w, world_on_day(w, w->now / DAY + 1, 16 * HOUR, 17 * HOUR), mailbox_emptied, s);
}

void
shifts_begin(struct world *w)
{
	struct story nobody = { .household = NOBODY };

	world_at(w, w->begin + FIRST_SHIFT - MUSTER, shift_planned, &nobody);
	world_at(w, w->begin + OFFICE_OPENS - MUSTER, office_day_planned, &nobody);
	if (!w->plan->without[PART_CONTACTS])
		world_at(w, w->begin + 16 * HOUR + 20 * MINUTE, mailbox_emptied, &nobody);
}
