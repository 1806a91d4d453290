/*
 * Targets: what is going to be missed, and what was.  Each day at `run`: from day `pace_day` of a month on, how this month stands; on day
 * `settle_day` of the next one, when late records are in, how it ended.  Each is told once.
 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "buffer.h"
#include "bytes.h"
#include "rfc3339.h"

#define MONTHS_A_YEAR	12

static const uint8_t timer_name[] = "target";

static void
await(struct turn *t)
{
	int64_t day = period_day(t, t->now), due;

	if (t->p == NULL || t->x->calendar == NULL || !calendar_clock(t->x->calendar, day, (unsigned)t->p->run, &due))
		return;
	if (due <= t->now && !calendar_clock(t->x->calendar, day + 1, (unsigned)t->p->run, &due))
		return;
	worker_set_timer(t->w, timer_name, sizeof(timer_name) - 1, due, NULL, 0);
}

static const uint8_t since_key[] = "since";

void
target_begin(struct turn *t)
{
	const void *value;
	size_t len;

	if (t->p != NULL && !worker_get(t->w, ALARMS, since_key, sizeof(since_key) - 1, &value, &len))
		worker_put_number(t->w, ALARMS, since_key, sizeof(since_key) - 1, (uint64_t)t->now);
	await(t);
}

bool
target_was_counted(struct turn *t, int64_t end)
{
	return (end > (int64_t)worker_get_number(t->w, ALARMS, since_key, sizeof(since_key) - 1));
}

/* What is counted of a period, and what of it was to be. */
struct standing {
	const struct measure *m;
	const char *period;
	int64_t number;		/* of the period */
	int64_t num, den;
	struct text value;	/* of which value of its dimension; s NULL: of all */
};

static bool
first_time(struct turn *t, const struct standing *s, char what)
{
	uint8_t key[21];
	const void *value;
	size_t len;

	put_be32(key, s->m->key);
	put_be64(key + 4, (uint64_t)s->number);
	key[12] = (uint8_t)what;
	put_be64(key + 13, s->value.s != NULL ? XXH3_64bits(s->value.s, s->value.len) : 0);
	if (worker_get(t->w, ALARMS, key, sizeof(key), &value, &len))
		return (false);
	worker_put(t->w, ALARMS, key, sizeof(key), "", 1);
	return (true);
}

static void
tell(struct turn *t, const struct standing *s, const char *type, char what)
{
	struct worker_identity id = { s->m->name, s->value.s != NULL ? s->value : text_of(s->m->name), type, (uint64_t)s->number };

	if (!first_time(t, s, what))
		return;
	worker_derive(t->w, type, text_of(s->period), &id);
	worker_field(t->w, "measure", text_of(s->m->name));
	worker_field_int(t->w, "done", s->num);
	worker_field_int(t->w, "of", s->den);
	worker_field_int(t->w, "least", s->m->least);
	worker_field_bool(t->w, "soft", s->m->soft);
	if (s->value.s != NULL)
		worker_field(t->w, "value", s->value);
	worker_emit(t->w);
}

/* Of thousandths: 30 % of 5,604 is 1,681.2, which 1,681 does not reach. */
static bool
is_below(const struct standing *s, int64_t part, int64_t whole)
{
	return (s->den > 0 && (__int128)s->num * 1000 * whole < (__int128)s->den * s->m->least * part);
}

/* A year's target grows with the year. */
static void
year(struct turn *t, const struct measure *m, int64_t month, bool over)
{
	char name[MONTH_SIZE];
	struct standing s = { .m = m, .period = name, .number = month };
	int64_t begins = period_month_begins(t, month / 12 * 12), ends = period_month_begins(t, (month / 12 + 1) * 12), at = over ? ends - 1 : t->now;

	if (!target_was_counted(t, ends))
		return;
	ask_sum(t, m, 0, at, &s.num, &s.den);
	if (over) {
		period_name(month, name);
		name[4] = '\0';
		if (is_below(&s, 1, 1))
			tell(t, &s, "target.missed", 'm');
		return;
	}
	period_name(month, name);
	if (is_below(&s, (at - begins) / SECOND_NS, (ends - begins) / SECOND_NS))
		tell(t, &s, "target.endangered", 'e');
}

#define VALUES_MAX	256u

/* Each value of a dimension by itself; what has more of them than anybody looks through is looked at as a whole only. */
static void
each(struct turn *t, const struct standing *all)
{
	const struct measure *m = all->m;
	struct question_period q = { .m = m, .first = all->number, .last = all->number, .dim = m->each, .as_of = { INT64_MAX, INT64_MAX } };
	struct standing *list = NULL;
	struct row_walk r = { .past = false };
	struct row row;
	unsigned count = 0;

	while (ask_each(t, &q, &r, &row)) {
		struct text v = row.dims[m->each];
		unsigned i = 0;

		while (i < count && !(list[i].value.len == v.len && memcmp(list[i].value.s, v.s, v.len) == 0))
			i++;
		if (v.len == 0 || i == VALUES_MAX)
			continue;
		if (i == count) {
			list = alloc_or_exit(list, (count + 1) * sizeof(*list));
			list[count] = *all;
			list[count].num = list[count].den = 0;
			list[count++].value = (struct text){ memcpy(alloc_or_exit(NULL, v.len), v.s, v.len), v.len };
		}
		list[i].num += row.counted;
		list[i].den++;
	}
	for (unsigned i = 0; i < count; i++) {
		if (is_below(&list[i], 1, 1))
			tell(t, &list[i], "target.missed", 'v');
		free((void *)(uintptr_t)list[i].value.s);
	}
	free(list);
}

static void
month(struct turn *t, const struct measure *m, int64_t number, bool over)
{
	char name[MONTH_SIZE];
	struct standing s = { .m = m, .period = name, .number = number };
	int64_t end = period_month_begins(t, number + 1);

	if (!target_was_counted(t, end))
		return;
	period_name(number, name);
	ask_sum(t, m, number, over ? end - 1 : t->now - m->lag, &s.num, &s.den);
	if (is_below(&s, 1, 1))
		tell(t, &s, over ? "target.missed" : "target.endangered", over ? 'm' : 'e');
	if (over && m->each < DIMS_MAX)
		each(t, &s);
}

void
target_settled_again(struct turn *t, int64_t number)
{
	int64_t day = period_day(t, period_month_begins(t, number + 1)) + t->p->settle_day, settled;

	/* Until then there is time, and it is looked at anyway. */
	if (recount_is_under_way(t->w) || !calendar_clock(t->x->calendar, day - 1, (unsigned)t->p->run, &settled) || t->now < settled)
		return;
	for (unsigned i = 0; i < t->p->count; i++)
		if (t->p->list[i].least >= 0 && !t->p->list[i].linear)
			month(t, &t->p->list[i], number, true);
}

void
target_look(struct turn *t)
{
	int64_t number = period_month(t, t->now), y;
	unsigned mm, day;

	await(t);
	if (t->p == NULL || recount_is_under_way(t->w))
		return;
	rfc3339_civil(period_day(t, t->now), &y, &mm, &day);
	for (unsigned i = 0; i < t->p->count; i++) {
		const struct measure *m = &t->p->list[i];

		if (m->least < 0)
			continue;
		if (m->linear) {
			if ((int64_t)day == t->p->pace_day)
				year(t, m, number, false);
			if ((int64_t)day == t->p->settle_day && number % MONTHS_A_YEAR == 0)
				year(t, m, number - 1, true);
			continue;
		}
		if ((int64_t)day >= t->p->pace_day)
			month(t, m, number, false);
		if ((int64_t)day == t->p->settle_day)
			month(t, m, number - 1, true);
	}
}
