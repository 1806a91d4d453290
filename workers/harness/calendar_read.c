/* A calendar from its text: see calendar.h.  After: calendar_days.c.  What is wrong is told with its line and what would be right. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "calendar_internal.h"
#include "rfc3339.h"
#include "yamltext.h"

struct reader {
	struct calendar *c;
	struct yamltext y;
	uint32_t *lines;	/* of each day that a notice names: where; 0: none does */
	uint16_t *fixed;	/* for each day of a leap year: its name, or 0 */
};

/* ---- Hours ---- */

/* One interval; returns what is left behind it, or NULL. */
static const char *
read_interval(struct reader *r, const yaml_node_t *n, const char *s, struct hours *h)
{
	unsigned from, to;

	if (!yamltext_clock(s, &from) || s[5] != '-' || !yamltext_clock(s + 6, &to)) {
		yamltext_mistake(&r->y, n, "hours are written 09:00-12:00, 13:30-18:00, not %.40s", s);
		return (NULL);
	}
	if (from > to)
		yamltext_mistake(&r->y, n, "%.11s goes past midnight: write %.5s-24:00 here and 00:00-%.5s on the next day", s, s, s + 6);
	else if (from == to)
		yamltext_mistake(&r->y, n, "%.11s is no time at all", s);
	else if (h->count > 0 && from < h->list[h->count - 1].to)
		yamltext_mistake(&r->y, n, "%.11s overlaps or stands before the hours in front of it", s);
	else if (h->count == CALENDAR_HOURS_MAX)
		yamltext_mistake(&r->y, n, "a day has at most %u intervals", CALENDAR_HOURS_MAX);
	else
		h->list[h->count++] = (struct calendar_hours){ (uint16_t)from, (uint16_t)to };
	return (r->y.mistake[0] == '\0' ? s + 11 : NULL);
}

static void
read_hours(struct reader *r, yaml_node_t *n, const char *what, struct hours *h)
{
	const char *s = yamltext_text(&r->y, n, what);

	h->count = 0;
	while (s != NULL && (s = read_interval(r, n, s, h)) != NULL && *s != '\0') {
		const char *rest = s + strspn(s, ", ");

		if (memchr(s, ',', (size_t)(rest - s)) == NULL) {
			yamltext_mistake(&r->y, n, "hours of a day stand apart by commas: 09:00-12:00, 13:30-18:00");
			return;
		}
		s = rest;
	}
}

static void
read_week(struct reader *r, yaml_node_t *map)
{
	bool given[7] = { false };
	yaml_node_t *key, *value;
	const char *name;

	for (unsigned i = 0; yamltext_pair(&r->y, map, "hours", i, &key, &name, &value); i++) {
		bool days[7] = { false };
		struct hours h;

		if (!yamltext_weekdays(&r->y, key, name, days))
			return;
		read_hours(r, value, name, &h);
		for (unsigned d = 0; d < 7; d++) {
			if (!days[d])
				continue;
			if (given[d])
				yamltext_mistake(&r->y, key, "the hours of %s are given twice", yamltext_weekday_names[d]);
			given[d] = true;
			r->c->hours[d] = h;
		}
	}
}

/* ---- Dates ---- */

static uint16_t
remember_name(struct reader *r, const yaml_node_t *n, const char *name)
{
	struct calendar *c = r->c;

	for (unsigned i = 0; i < c->names_count; i++)
		if (strcmp(c->names[i], name) == 0)
			return ((uint16_t)(i + 1));
	if (c->names_count == NAMES_MAX) {
		yamltext_mistake(&r->y, n, "more than %u names", NAMES_MAX);
		return (0);
	}
	c->names[c->names_count] = alloc_or_exit(NULL, strlen(name) + 1);
	strcpy(c->names[c->names_count], name);
	return ((uint16_t)++c->names_count);
}

/* What dates are for: days off or worked in a year, or fixed ones. */
struct purpose {
	unsigned year;			/* 2000, a leap year, for fixed ones */
	bool fixed;
	enum calendar_kind kind;
	uint16_t name;
};

static void
name_day(struct reader *r, const yaml_node_t *n, const struct purpose *p, int64_t day)
{
	uint32_t line = (uint32_t)n->start_mark.line + 1;
	int64_t year;
	unsigned month, of_month;
	struct day *d;

	rfc3339_civil(day, &year, &month, &of_month);
	if (p->fixed) {
		if (year != p->year)
			yamltext_mistake(&r->y, n, "a fixed day has no year: write 01-01");
		else
			r->fixed[day - rfc3339_days(p->year, 1, 1)] = p->name;
		return;
	}
	if (day < rfc3339_days(p->year - 1, 12, 1) || day > rfc3339_days(p->year + 1, 1, 31)) {
		yamltext_mistake(&r->y, n, "%04" PRId64 "-%02u-%02u does not belong under %u, or the December before it, or the January after it", year, month, of_month, p->year);
		return;
	}
	if (day < 0 || day >= r->c->days_count)
		return;			/* 1969 or 2101, by a notice at the edge: never counted */
	d = &r->c->days[day];
	if (r->lines[day] != 0) {
		yamltext_mistake(&r->y, n, d->kind == p->kind ? "%04" PRId64 "-%02u-%02u is listed twice, first in line %u" :
		    "%04" PRId64 "-%02u-%02u cannot be both off and worked: line %u says the other", year, month, of_month, r->lines[day]);
		return;
	}
	r->lines[day] = line;
	d->kind = (uint8_t)p->kind;
	d->name = p->name;
}

/* "02-15..02-23, 10-01" */
static void
read_dates(struct reader *r, const yaml_node_t *n, const char *s, const struct purpose *p)
{
	while (s != NULL && *s != '\0' && r->y.mistake[0] == '\0') {
		const char *was = s;
		int64_t first = 0, last;

		s = yamltext_date(s, p->year, &first);
		last = first;
		if (s != NULL && strncmp(s, "..", 2) == 0)
			s = yamltext_date(s + 2, p->year, &last);
		if (s == NULL || (*s != '\0' && *s != ',' && *s != ' ')) {
			yamltext_mistake(&r->y, n, "no such day, or no date: %.40s (they are written 02-15, 02-15..02-23 or 2025-12-31, with commas between them)", was);
			return;
		}
		if (last < first || last - first > 31) {
			yamltext_mistake(&r->y, n, "%.24s is not a first and a last day within a month's length", was);
			return;
		}
		for (int64_t day = first; day <= last; day++)
			name_day(r, n, p, day);
		s += strspn(s, ", ");
	}
}

/* Names with dates: a text, or a list of texts. */
static void
read_named_dates(struct reader *r, yaml_node_t *map, const char *what, struct purpose p)
{
	yaml_node_t *key, *value;
	const char *name, *text;

	for (unsigned i = 0; yamltext_pair(&r->y, map, what, i, &key, &name, &value); i++) {
		if (strlen(name) > 64) {
			yamltext_mistake(&r->y, key, "a name has at most 64 bytes");
			return;
		}
		p.name = remember_name(r, key, name);
		if (value->type != YAML_SEQUENCE_NODE) {
			if ((text = yamltext_text(&r->y, value, name)) != NULL)
				read_dates(r, value, text, &p);
			continue;
		}
		for (yaml_node_item_t *it = value->data.sequence.items.start; it < value->data.sequence.items.top; it++)
			if ((text = yamltext_text(&r->y, yamltext_node(&r->y, *it), name)) != NULL)
				read_dates(r, yamltext_node(&r->y, *it), text, &p);
	}
}

/* ---- Years ---- */

static void
read_year(struct reader *r, yaml_node_t *map, unsigned year)
{
	static const char *const keys[] = { "notice", "off", "work", "provisional" };
	struct year *y = &r->c->years[year - CALENDAR_YEAR_MIN];
	yaml_node_t *key, *value;
	const char *name, *text;

	y->provisional = false;
	for (unsigned i = 0; yamltext_pair(&r->y, map, "a year", i, &key, &name, &value); i++)
		switch (yamltext_one_of(&r->y, key, name, keys, 4, "key")) {
		case 0:
			if ((text = yamltext_text(&r->y, value, name)) == NULL)
				break;
			if (strlen(text) > 200 || y->notice != NULL) {
				yamltext_mistake(&r->y, value, "one notice, of at most 200 bytes");
				break;
			}
			y->notice = alloc_or_exit(NULL, strlen(text) + 1);
			strcpy(y->notice, text);
			break;
		case 1:
			read_named_dates(r, value, name, (struct purpose){ .year = year, .kind = CALENDAR_HOLIDAY });
			break;
		case 2:
			read_named_dates(r, value, name, (struct purpose){ .year = year, .kind = CALENDAR_MAKEUP });
			break;
		case 3:
			if ((text = yamltext_text(&r->y, value, name)) == NULL)
				break;
			if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
				yamltext_mistake(&r->y, value, "provisional is true or false, not %.40s", text);
			y->provisional = *text == 't';
			break;
		}
	if (y->provisional && y->notice != NULL)
		yamltext_mistake(&r->y, map, "%u has a notice, so it is not provisional: take one of the two out", year);
}

static void
read_years(struct reader *r, yaml_node_t *map)
{
	yaml_node_t *key, *value;
	const char *name;

	for (unsigned i = 0; yamltext_pair(&r->y, map, "years", i, &key, &name, &value); i++) {
		char *end;
		unsigned long year = strtoul(name, &end, 10);

		if (strlen(name) != 4 || *end != '\0' || year < CALENDAR_YEAR_MIN || year > CALENDAR_YEAR_MAX) {
			yamltext_mistake(&r->y, key, "a year is one from %u to %u, not %.40s", CALENDAR_YEAR_MIN, CALENDAR_YEAR_MAX, name);
			return;
		}
		if (r->c->years[year - CALENDAR_YEAR_MIN].listed)
			yamltext_mistake(&r->y, key, "%lu is listed twice", year);
		r->c->years[year - CALENDAR_YEAR_MIN].listed = true;
		read_year(r, value, (unsigned)year);
	}
}

/* ---- All of it ---- */

static void
read_top(struct reader *r, yaml_node_t *top)
{
	static const char *const keys[] = { "zone", "hours", "makeup", "fixed", "years" };
	struct calendar *c = r->c;
	yaml_node_t *key, *value;
	bool given[5] = { false };
	const char *name, *text;
	char why[200];
	unsigned k;

	for (unsigned i = 0; yamltext_pair(&r->y, top, "a calendar", i, &key, &name, &value); i++) {
		if ((k = yamltext_one_of(&r->y, key, name, keys, 5, "key")) == 5)
			return;
		if (given[k]) {
			yamltext_mistake(&r->y, key, "%s is given twice", name);
			return;
		}
		given[k] = true;
		switch (k) {
		case 0:
			if ((text = yamltext_text(&r->y, value, name)) == NULL)
				break;
			if (zone_read(&c->zone, text, why, sizeof(why)) != 0) {
				yamltext_mistake(&r->y, value, "%s", why);
				break;
			}
			c->zone_name = alloc_or_exit(NULL, strlen(text) + 1);
			strcpy(c->zone_name, text);
			break;
		case 1:
			read_week(r, value);
			break;
		case 2:
			read_hours(r, value, name, &c->hours[HOURS_MAKEUP]);
			break;
		case 3:
			read_named_dates(r, value, name, (struct purpose){ .year = 2000, .fixed = true });
			break;
		case 4:
			read_years(r, value);
			break;
		}
	}
	if (!given[0] || !given[1])
		yamltext_mistake(&r->y, top, "%s is missing: write %s", given[0] ? "hours" : "zone", given[0] ? "hours: and below it mon-fri: 09:00-18:00" : "zone: Asia/Shanghai");
}

/* What follows from what was read: hours of make-up days, fixed days of provisional years. */
static void
complete(struct reader *r, yaml_node_t *top)
{
	struct calendar *c = r->c;
	unsigned first = 0;

	while (first < 7 && c->hours[first].count == 0)
		first++;
	if (first == 7) {
		yamltext_mistake(&r->y, top, "no weekday has hours: nothing would ever be due");
		return;
	}
	if (c->hours[HOURS_MAKEUP].count == 0)
		c->hours[HOURS_MAKEUP] = c->hours[first];
	for (unsigned y = 0; y < YEARS; y++) {
		unsigned year = CALENDAR_YEAR_MIN + y;

		c->years[y].provisional |= !c->years[y].listed;
		for (int64_t i = 0, day = c->year_first[y]; c->years[y].provisional && day < c->year_first[y + 1]; day++, i++) {
			i += i == 59 && rfc3339_days(year, 3, 1) == day;	/* no 29 February in this one */
			if (r->fixed[i] != 0 && r->lines[day] == 0) {
				c->days[day].kind = CALENDAR_HOLIDAY;
				c->days[day].name = r->fixed[i];
			}
		}
	}
}

static void *
zeroed(size_t size)
{
	return (memset(alloc_or_exit(NULL, size), 0, size));
}

static struct calendar *
empty_calendar(void)
{
	struct calendar *c = zeroed(sizeof(*c));

	for (unsigned y = 0; y <= YEARS; y++)
		c->year_first[y] = (unsigned)rfc3339_days(CALENDAR_YEAR_MIN + y, 1, 1);
	c->days_count = c->year_first[YEARS];
	c->days = zeroed((c->days_count + 1) * sizeof(*c->days));
	c->workdays = zeroed(c->days_count * sizeof(*c->workdays));
	c->names = zeroed(NAMES_MAX * sizeof(*c->names));
	return (c);
}

struct calendar *
calendar_parse(const char *text, char *why, size_t size)
{
	struct reader r = { .c = NULL };
	yaml_node_t *top;

	if ((top = yamltext_load(&r.y, text, "the calendar", why, size)) == NULL)
		return (NULL);
	r.c = empty_calendar();
	r.lines = zeroed(r.c->days_count * sizeof(*r.lines));
	r.fixed = zeroed(366 * sizeof(*r.fixed));
	read_top(&r, top);
	if (r.y.mistake[0] == '\0')
		complete(&r, top);
	if (r.y.mistake[0] == '\0')
		calendar_lay_out(r.c);
	yamltext_free(&r.y);
	free(r.lines);
	free(r.fixed);
	if (r.y.mistake[0] != '\0') {
		snprintf(why, size, "%s", r.y.mistake);
		calendar_free(r.c);
		return (NULL);
	}
	return (r.c);
}
