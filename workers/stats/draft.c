/*
 * Reports and their versions: see draft.h.
 *
 * DRAFTS	report, 0, version 4	->  as of 8 | when decided 8 | state 1 | name, period, kind, survey, by: length 1, bytes
 */
#include "draft.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "rfc3339.h"

#define KEY_MAX		(64u + 5u)
#define TEXTS		5u
#define TEXT_MAX	200u
#define VALUE_MAX	(17u + TEXTS * (TEXT_MAX + 1u))

enum fate { GENERATED, SUBMITTED, REVIEWED, APPROVED, REJECTED, DISTRIBUTED, STATES };
static const char *const states[STATES] = { "generated", "submitted", "reviewed", "approved", "rejected", "distributed" };
enum { NAME, PERIOD, KIND, SURVEY, BY };

struct version {
	uint32_t number;
	int64_t as_of, decided;
	uint8_t state;
	struct text texts[TEXTS];	/* lent */
};

static size_t
key_of(uint8_t key[KEY_MAX], struct text report, uint32_t number)
{
	memcpy(key, report.s, report.len);
	key[report.len] = 0;
	put_be32(key + report.len + 1, number);
	return (report.len + 5u);
}

static void
write_version(struct turn *t, struct text report, const struct version *v)
{
	uint8_t key[KEY_MAX], value[VALUE_MAX], *p = value + 17;

	put_le64(value, (uint64_t)v->as_of);
	put_le64(value + 8, (uint64_t)v->decided);
	value[16] = v->state;
	for (unsigned i = 0; i < TEXTS; i++) {
		uint8_t len = (uint8_t)(v->texts[i].len < TEXT_MAX ? v->texts[i].len : TEXT_MAX);

		*p++ = len;
		if (len > 0)
			memcpy(p, v->texts[i].s, len);
		p += len;
	}
	worker_put(t->w, DRAFTS, key, key_of(key, report, v->number), value, (size_t)(p - value));
}

static bool
read_version(struct version *v, const uint8_t *key, size_t key_len, const void *value, size_t len)
{
	const uint8_t *p = value, *end = p + len;

	if (key_len < 8 || len < 17)
		return (false);
	v->number = (uint32_t)get_be64(key + key_len - 8);
	v->as_of = (int64_t)get_le64(p);
	v->decided = (int64_t)get_le64(p + 8);
	v->state = p[16];
	p += 17;
	for (unsigned i = 0; i < TEXTS; i++) {
		if (p == end || (size_t)(end - p) < 1u + *p)
			return (false);
		v->texts[i] = (struct text){ (const char *)p + 1, *p };
		p += 1 + *p;
	}
	return (v->state < STATES);
}

/* The newest version of a report; false if it has none. */
static bool
newest(struct turn *t, struct text report, struct version *v)
{
	uint8_t prefix[KEY_MAX];
	size_t len = key_of(prefix, report, 0) - 4;
	struct worker_walk walk;
	bool found = false;

	memset(&walk, 0, sizeof(walk));
	while (worker_each(t->w, DRAFTS, prefix, len, &walk))
		found |= read_version(v, walk.key, walk.key_len, walk.value, walk.value_len);
	return (found);
}

static void
generate(struct turn *t, struct text report, struct version *v)
{
	struct worker_identity id = { "report", report, "generated", v->number };

	v->as_of = v->decided = t->now;
	v->state = GENERATED;
	v->texts[BY] = (struct text){ NULL, 0 };
	write_version(t, report, v);
	worker_derive(t->w, "report.generated", report, &id);
	worker_field(t->w, "name", v->texts[NAME]);
	worker_field(t->w, "period", v->texts[PERIOD]);
	worker_field_int(t->w, "version", v->number);
	worker_field_instant(t->w, "as_of", v->as_of);
	worker_field(t->w, "kind", v->texts[KIND]);
	if (v->texts[SURVEY].len > 0)
		worker_field(t->w, "survey", v->texts[SURVEY]);
	worker_emit(t->w);
}

/* The first version, unless there is one. */
static void
begin(struct turn *t, const struct draft_kind *k, struct text period, struct text survey)
{
	struct version old, v = { .number = 1, .texts = { text_of(k->report->name), period, text_of(k->kind), survey } };
	char report[65];
	int n = snprintf(report, sizeof(report), "%s/%.*s", k->report->name, (int)(survey.len > 0 ? survey.len : period.len), survey.len > 0 ? survey.s : period.s);

	/* Of a survey with so long an id the report would have none: it has the id itself, which no period is. */
	if (n >= (int)sizeof(report))
		n = snprintf(report, sizeof(report), "%.*s", (int)survey.len, survey.s);
	if (!newest(t, (struct text){ report, (uint32_t)n }, &old))
		generate(t, (struct text){ report, (uint32_t)n }, &v);
}

/*
 * The period of a survey's report is the half-year in which it was, or the year if it was in both: forms count when they were handed out, and a
 * report of the half-year in which it was closed would lack those of June.  One that is closed after New Year counts in the year in which it began;
 * what of that was looked at as missed before the last answers came is looked at again.
 */
static void
survey_closed(struct turn *t, struct text survey, int64_t when)
{
	int64_t month = period_month(t, when), began = period_month(t, object_survey_began(t, survey, when));
	char period[MONTH_SIZE];

	if (began / 12 < month / 12) {
		month = began / 12 * 12 + 11;
		target_settled_again(t, month);
	}
	period_name(month, period);
	if (began / 12 == month / 12 && began % 12 < 6 && month % 12 >= 6)
		period[4] = '\0';
	else
		snprintf(period + 5, sizeof(period) - 5, "H%d", month % 12 < 6 ? 1 : 2);
	for (unsigned i = 0; i < t->p->draft_count; i++)
		if (t->p->drafts[i].every == EVERY_SURVEY)
			begin(t, &t->p->drafts[i], text_of(period), survey);
}

static void
period_over(struct turn *t, unsigned every, int64_t month)
{
	char period[MONTH_SIZE];

	period_name(month, period);
	if (every == EVERY_YEAR)
		period[4] = '\0';
	for (unsigned i = 0; i < t->p->draft_count; i++)
		if (t->p->drafts[i].every == every)
			begin(t, &t->p->drafts[i], text_of(period), (struct text){ NULL, 0 });
}

/* ---- What was over before anything was counted ---- */

static const char closed_prefix[] = "closed";		/* with the zero behind it: then a survey */

static void
closed_too_early(struct turn *t, struct text survey)
{
	char key[sizeof(closed_prefix) + ID_CHARS_MAX];

	memcpy(key, closed_prefix, sizeof(closed_prefix));
	memcpy(key + sizeof(closed_prefix), survey.s, survey.len);
	worker_put(t->w, ALARMS, key, sizeof(closed_prefix) + survey.len, "", 1);
}

/* When it was closed first, if that still holds. */
static bool
closed_at(struct turn *t, struct text survey, int64_t *when)
{
	struct history h;

	if (object_beside(t, 's', survey, &h))
		for (unsigned i = 0; i < h.count; i++)
			if (h.f[i]->type == TAKE_SURVEY_CLOSED) {
				*when = h.f[i]->when;
				return (true);
			}
	return (false);
}

static void
surveys_of_before(struct turn *t, int64_t since)
{
	struct worker_walk walk = { .key_len = 0 };
	char survey[ID_CHARS_MAX];
	int64_t when;

	while (worker_each(t->w, ALARMS, closed_prefix, sizeof(closed_prefix), &walk)) {
		struct text id = { survey, (uint32_t)(walk.key_len - sizeof(closed_prefix)) };

		memcpy(survey, walk.key + sizeof(closed_prefix), id.len);
		worker_delete(t->w, ALARMS, walk.key, walk.key_len);
		if (closed_at(t, id, &when) && when >= since)
			survey_closed(t, id, when);
	}
}

static bool
is_counted(struct turn *t, unsigned every, int64_t first, int64_t last)
{
	int64_t num, den;

	for (unsigned i = 0; i < t->p->draft_count; i++) {
		const struct report_kind *r = t->p->drafts[i].report;

		for (unsigned k = 0; t->p->drafts[i].every == every && k < r->count; k++)
			for (int64_t month = first; r->parts[k]->per == PER_MONTH && month <= last; month++) {
				ask_sum(t, r->parts[k], month, INT64_MAX, &num, &den);
				if (den > 0)
					return (true);
			}
	}
	return (false);
}

/*
 * A log with a history: of all that was over when the first measures were activated the last month and the last year are owed, if anything is
 * counted of them, and surveys closed since that month began: theirs is the time in which a report is still due (C11, S9), and the year's form asks
 * for all its lines (Z9).  Of what is longer ago nobody waits for one, and twenty at once would hide the ones that matter.  The figures of any
 * month are there to be asked for.
 */
static void
catch_up(struct turn *t, int64_t last)
{
	int64_t year = (last + 1) / 12 - 1;

	if (is_counted(t, EVERY_MONTH, last, last))
		period_over(t, EVERY_MONTH, last);
	if (is_counted(t, EVERY_YEAR, year * 12, year * 12 + 11))
		period_over(t, EVERY_YEAR, year * 12);
}

void
draft_look(struct turn *t)
{
	unsigned month, day;
	int64_t last, year;

	if (t->p == NULL)
		return;
	rfc3339_civil(period_day(t, t->now), &year, &month, &day);
	last = period_month(t, t->now) - 1;
	if (!recount_is_under_way(t->w))
		surveys_of_before(t, period_month_begins(t, last));
	if ((int64_t)day < t->p->draft_day)
		return;
	if (!target_was_counted(t, period_month_begins(t, last + 1))) {
		/* Begun this month: also of what is typed in later. */
		if (!recount_is_under_way(t->w))
			catch_up(t, last);
	} else if ((int64_t)day == t->p->draft_day) {
		period_over(t, EVERY_MONTH, last);
		if (month == 1)
			period_over(t, EVERY_YEAR, last);
	}
}

/* Somebody decided on a version. */
static void
decided(struct turn *t, const struct worker_event *v, enum fate state)
{
	uint8_t key[KEY_MAX], copy[VALUE_MAX];
	struct version it, last;
	const void *value;
	int64_t number = 0;
	size_t key_len, len;
	struct text by;

	if (!newest(t, v->e->subject, &last))
		return;			/* a report of somebody else's */
	if (!event_int(v->e, "version", &number) || number < 1 || number > last.number)
		number = last.number;
	key_len = key_of(key, v->e->subject, (uint32_t)number);
	if (!worker_get(t->w, DRAFTS, key, key_len, &value, &len) || len > sizeof(copy))
		return;
	/* What it is read from will be written over. */
	memcpy(copy, value, len);
	if (!read_version(&it, key, key_len, copy, len))
		return;
	it.state = (uint8_t)state;
	it.decided = v->when;
	it.texts[BY] = event_text(v->e, "by", &by) ? by : (struct text){ NULL, 0 };
	write_version(t, v->e->subject, &it);
	if (state == REJECTED && it.number == last.number) {
		it.number++;
		generate(t, v->e->subject, &it);
	}
}

void
draft_take(struct turn *t, const struct worker_event *v)
{
	static const struct {
		const char *type;
		enum fate state;
	} steps[] = { { "report.submitted", SUBMITTED }, { "report.reviewed", REVIEWED }, { "report.approved", APPROVED }, { "report.rejected", REJECTED },
	    { "report.distributed", DISTRIBUTED } };

	if (v->e->subject.s == NULL)
		return;
	if (t->p == NULL) {
		if (mp_equal(v->e->type.s, v->e->type.len, "survey.closed"))
			closed_too_early(t, v->e->subject);
		return;
	}
	if (mp_equal(v->e->type.s, v->e->type.len, "survey.closed"))
		survey_closed(t, v->e->subject, v->when);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (mp_equal(v->e->type.s, v->e->type.len, steps[i].type))
			decided(t, v, steps[i].state);
}

/* ---- The question ---- */

int
ask_versions(struct worker *w)
{
	static const char *const names[TEXTS] = { "name", "period", "kind", "survey", "by" };
	struct text report = { "", 0 };
	struct worker_walk walk;
	struct version v;

	worker_asked_text(w, "report", 64, &report);
	memset(&walk, 0, sizeof(walk));
	worker_reply_list(w, "rows");
	while (worker_each_row(w, DRAFTS, report.s, report.len, &walk)) {
		if (!read_version(&v, walk.key, walk.key_len, walk.value, walk.value_len) || (report.len > 0 && walk.key_len != report.len + 5u))
			continue;
		worker_reply_row(w);
		worker_reply(w, "report", (struct text){ (const char *)walk.key, (uint32_t)walk.key_len - 5 });
		worker_reply_int(w, "version", v.number);
		worker_reply(w, "state", text_of(states[v.state]));
		worker_reply_instant(w, "as_of", v.as_of);
		worker_reply_instant(w, "decided", v.decided);
		for (unsigned i = 0; i < TEXTS; i++)
			if (v.texts[i].len > 0)
				worker_reply(w, names[i], v.texts[i]);
	}
	return (0);
}
