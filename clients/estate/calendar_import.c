/*
 * Published days in JSON as a calendar's text.  Two forms are read: a file a year, with days as a list, as they are published on the
 * net each November; and one file for all years, days by date.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar_verbs.h"
#include "json.h"
#include "language.h"
#include "rfc3339.h"

#define EXIT_USAGE	2
#define EXIT_UNREACHED	3

struct entry {
	unsigned year;		/* of the notice */
	int64_t day;
	bool off;
	char *name;
};

struct import {
	const char *file;
	struct entry *entries;
	size_t count, size;
	bool listed[CALENDAR_YEAR_MAX + 1];
	char *notice[CALENDAR_YEAR_MAX + 1];
};

static int
spoil(const struct import *m, const char *what)
{
	fprintf(stderr, "estate calendar import: %s: %s\n", m->file, phrase(what));
	return (EXIT_USAGE);
}

static char *
copy(const char *s)
{
	return (strcpy(alloc_or_exit(NULL, strlen(s) + 1), s));
}

static bool
plausible_year(json_int_t year)
{
	return (year >= CALENDAR_YEAR_MIN && year <= CALENDAR_YEAR_MAX);
}

static int
add_entry(struct import *m, unsigned year, const char *date, const json_t *off, const json_t *name)
{
	int64_t day;

	if (date == NULL || !rfc3339_date(date, strlen(date), &day) || !json_is_boolean(off) || !json_is_string(name) || *json_string_value(name) == '\0')
		return (spoil(m, "a day needs a date such as 2026-02-15, a name, and whether it is off"));
	if (m->count == m->size) {
		m->size = m->size * 2 + 64;
		m->entries = alloc_or_exit(m->entries, m->size * sizeof(*m->entries));
	}
	m->entries[m->count++] = (struct entry){ year, day, json_is_true(off), copy(json_string_value(name)) };
	return (0);
}

/* {"year":2026,"papers":[URL],"days":[{"date":…,"name":…,"isOffDay":…}]} */
static int
take_year(struct import *m, const json_t *root, const json_t *days)
{
	json_int_t year = json_integer_value(json_object_get(root, "year"));
	const char *paper = json_string_value(json_array_get(json_object_get(root, "papers"), 0));
	const json_t *d;
	size_t i;
	int r;

	if (!plausible_year(year))
		return (spoil(m, "\"year\" must be one from 1970 to 2100"));
	if (m->listed[year])
		return (spoil(m, "its year is in a file before it"));
	m->listed[year] = true;
	if (paper != NULL && strlen(paper) <= 200)
		m->notice[year] = copy(paper);
	json_array_foreach(days, i, d)
		if ((r = add_entry(m, (unsigned)year, json_string_value(json_object_get(d, "date")), json_object_get(d, "isOffDay"), json_object_get(d, "name"))) != 0)
			return (r);
	return (0);
}

/* {"days":{"2026-02-15":{"off":…,"name":…,"notice_year":…}}} */
static int
take_table(struct import *m, json_t *days)
{
	bool here[CALENDAR_YEAR_MAX + 1] = { false };
	const char *date;
	json_t *d;
	int r;

	json_object_foreach(days, date, d) {
		json_int_t year = json_integer_value(json_object_get(d, "notice_year"));

		if (!plausible_year(year))
			return (spoil(m, "\"notice_year\" must be one from 1970 to 2100"));
		if (m->listed[year] && !here[year])
			return (spoil(m, "one of its years is in a file before it"));
		m->listed[year] = here[year] = true;
		if ((r = add_entry(m, (unsigned)year, date, json_object_get(d, "off"), json_object_get(d, "name"))) != 0)
			return (r);
	}
	return (0);
}

static int
take_file(struct import *m, const char *file)
{
	json_error_t error;
	json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error), *days;
	char text[300];
	int r;

	m->file = file;
	if (root == NULL && json_error_code(&error) == json_error_cannot_open_file) {
		fprintf(stderr, phrase("estate calendar import: cannot read %s: %s\n"), file, phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	if (root == NULL) {
		snprintf(text, sizeof(text), "line %d: not JSON: %s", error.line, error.text);
		return (spoil(m, text));
	}
	days = json_object_get(root, "days");
	if (json_is_array(days))
		r = take_year(m, root, days);
	else if (json_is_object(days))
		r = take_table(m, days);
	else
		r = spoil(m, "there is no \"days\" in it: a list of days, or an object by date");
	json_decref(root);
	return (r);
}

/* ---- Writing ---- */

/* By year; days off first; by day. */
static int
in_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->year != y->year)
		return (x->year < y->year ? -1 : 1);
	if (x->off != y->off)
		return (x->off ? -1 : 1);
	return (x->day < y->day ? -1 : x->day > y->day);
}

/* Text that YAML takes as it is, or in quotes, whose JSON form is YAML's, too. */
static void
add_yaml(struct buffer *b, const char *s)
{
	bool plain = strchr("-?:", *s) == NULL && strstr(s, ": ") == NULL && s[strlen(s) - 1] != ':';

	for (const char *p = s; *p != '\0'; p++)
		plain = plain && (unsigned char)*p > ' ' && *p != 0x7f && strchr("#'\"[]{},&*!|>%@`\\", *p) == NULL;
	if (plain)
		buffer_text(b, s);
	else
		json_write_text(b, s, strlen(s));
}

static void
add_day(struct buffer *b, int64_t day, unsigned in_year)
{
	unsigned month, of_month;
	int64_t year;

	rfc3339_civil(day, &year, &month, &of_month);
	if (year != in_year)
		buffer_printf(b, "%04" PRId64 "-", year);
	buffer_printf(b, "%02u-%02u", month, of_month);
}

/* All days of one name among e[0..n), as ranges. */
static void
add_name(struct buffer *b, const struct entry *e, size_t n)
{
	const char *comma = "";

	buffer_text(b, "      ");
	add_yaml(b, e->name);
	buffer_text(b, ": ");
	for (size_t i = 0, last; i < n; i = last + 1) {
		last = i;
		if (strcmp(e[i].name, e->name) != 0)
			continue;
		while (last + 1 < n && e[last + 1].day == e[last].day + 1 && e[last + 1].day - e[i].day < 31 && strcmp(e[last + 1].name, e->name) == 0)
			last++;
		buffer_text(b, comma);
		comma = ", ";
		add_day(b, e[i].day, e->year);
		if (last > i) {
			buffer_text(b, "..");
			add_day(b, e[last].day, e->year);
		}
	}
	buffer_text(b, "\n");
}

/* The days of a year that are off, or that are worked. */
static void
add_block(struct buffer *b, const char *title, const struct entry *e, size_t n)
{
	if (n > 0)
		buffer_printf(b, "    %s:\n", title);
	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= strcmp(e[k].name, e[i].name) == 0;
		if (!seen)
			add_name(b, e + i, n - i);
	}
}

static void
add_year(struct buffer *b, const struct import *m, unsigned year)
{
	size_t first = 0, off = 0, work = 0;

	buffer_printf(b, "  %u:\n", year);
	while (first < m->count && m->entries[first].year != year)
		first++;
	while (first + off < m->count && m->entries[first + off].year == year && m->entries[first + off].off)
		off++;
	while (first + off + work < m->count && m->entries[first + off + work].year == year)
		work++;
	if (off + work == 0) {
		buffer_text(b, "    provisional: true\n");
		return;
	}
	if (m->notice[year] != NULL) {
		buffer_text(b, "    notice: ");
		add_yaml(b, m->notice[year]);
		buffer_text(b, "\n");
	}
	add_block(b, "off", m->entries + first, off);
	add_block(b, "work", m->entries + first + off, work);
}

static int
write_all(struct buffer *b, struct import *m)
{
	struct calendar *c;
	char why[300];

	if (m->count > 0)
		qsort(m->entries, m->count, sizeof(*m->entries), in_order);
	buffer_text(b, "zone: Asia/Shanghai\nhours:\n  mon-fri: 09:00-18:00\nfixed:\n  元旦: 01-01\n  劳动节: 05-01..05-02\n  国庆节: 10-01..10-03\nyears:\n");
	for (unsigned year = CALENDAR_YEAR_MIN; year <= CALENDAR_YEAR_MAX; year++)
		if (m->listed[year])
			add_year(b, m, year);
	if ((c = calendar_parse(b->data, why, sizeof(why))) == NULL) {
		fprintf(stderr, phrase("estate calendar import: the days contradict each other: %s of what would be written:\n%s"), why, b->data);
		return (EXIT_USAGE);
	}
	calendar_free(c);
	return (0);
}

int
calendar_import(struct buffer *b, char **files, int count)
{
	struct import m = { .file = NULL };
	int r = 0;

	for (int i = 0; i < count && r == 0; i++)
		r = take_file(&m, files[i]);
	if (r == 0)
		r = write_all(b, &m);
	for (size_t i = 0; i < m.count; i++)
		free(m.entries[i].name);
	for (unsigned year = 0; year <= CALENDAR_YEAR_MAX; year++)
		free(m.notice[year]);
	free(m.entries);
	return (r);
}
