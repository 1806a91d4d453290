/* A site's clock: see zone.h. */
#include "zone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "rfc3339.h"

#define DAY_S	86400

static const struct {
	const char *name, *rule;
} zones[] = {
#define ZONE(name, rule)	{ name, rule },
#include "zones.def"
#undef ZONE
};
#define ZONES	(sizeof(zones) / sizeof(*zones))

/* "M10.5.0/3": the last Sunday of October at three. */
struct rule {
	unsigned month, week, weekday;
	int32_t at;			/* seconds of that day, by the clock that is about to be changed; may lie outside the day */
};

/* ---- Reading a rule: each takes its part off the front, or says no ---- */

static bool
take_name(const char **s)
{
	const char *p = *s;
	size_t len;

	if (*p == '<') {
		len = strcspn(p, ">");
		if (len < 4 || p[len] == '\0')
			return (false);
		*s = p + len + 1;
		return (true);
	}
	while (isalpha((unsigned char)*p))
		p++;
	if (p - *s < 3)
		return (false);
	*s = p;
	return (true);
}

static bool
take_number(const char **s, unsigned max, unsigned *n)
{
	const char *p = *s;

	for (*n = 0; isdigit((unsigned char)*p) && p - *s < 4; p++)
		*n = *n * 10 + (unsigned)(*p - '0');
	if (p == *s || *n > max)
		return (false);
	*s = p;
	return (true);
}

/* "[+-]h[:mm[:ss]]" as seconds. */
static bool
take_time(const char **s, unsigned hours_max, int32_t *seconds)
{
	unsigned part[3] = { 0, 0, 0 };
	bool minus = **s == '-';

	if (**s == '-' || **s == '+')
		++*s;
	for (unsigned i = 0; i < 3; i++) {
		if (!take_number(s, i == 0 ? hours_max : 59, &part[i]))
			return (false);
		if (**s != ':')
			break;
		if (i < 2)
			++*s;
	}
	*seconds = (int32_t)(part[0] * 3600 + part[1] * 60 + part[2]) * (minus ? -1 : 1);
	return (true);
}

static bool
take_rule(const char **s, struct rule *r)
{
	if (strncmp(*s, ",M", 2) != 0)
		return (false);
	*s += 2;
	if (!take_number(s, 12, &r->month) || r->month == 0 || *(*s)++ != '.' || !take_number(s, 5, &r->week) || r->week == 0 ||
	    *(*s)++ != '.' || !take_number(s, 6, &r->weekday))
		return (false);
	r->at = 2 * 3600;
	if (**s != '/')
		return (true);
	++*s;
	return (take_time(s, 167, &r->at));
}

/* Local seconds of a rule in a year. */
static int64_t
rule_local(const struct rule *r, unsigned year)
{
	int64_t first = rfc3339_days(year, r->month, 1), next = r->month == 12 ? rfc3339_days(year + 1, 1, 1) : rfc3339_days(year, r->month + 1, 1);
	int64_t day = first + (r->weekday + 7 - (unsigned)((first + 4) % 7 + 7) % 7) % 7 + 7 * (int64_t)(r->week - 1);

	while (day >= next)
		day -= 7;
	return (day * DAY_S + r->at);
}

static void
add_change(struct zone *z, int64_t at, int32_t offset)
{
	unsigned i = z->count++;

	for (; i > 0 && z->changes[i - 1].at > at; i--)
		z->changes[i] = z->changes[i - 1];
	z->changes[i] = (struct zone_change){ at, offset };
}

static bool
read_rule(struct zone *z, const char *s)
{
	int32_t standard, summer;
	struct rule begin, end;

	if (!take_name(&s) || !take_time(&s, 24, &standard))
		return (false);
	z->count = 0;
	z->first = standard = -standard;		/* POSIX counts west of Greenwich */
	if (*s == '\0')
		return (true);
	summer = -(standard + 3600);
	if (!take_name(&s) || (*s != ',' && !take_time(&s, 24, &summer)) || !take_rule(&s, &begin) || !take_rule(&s, &end) || *s != '\0')
		return (false);
	summer = -summer;
	for (unsigned year = ZONE_YEAR_MIN; year <= ZONE_YEAR_MAX; year++) {
		add_change(z, rule_local(&begin, year) - standard, summer);
		add_change(z, rule_local(&end, year) - summer, standard);
	}
	z->first = z->changes[0].offset == summer ? standard : summer;
	return (true);
}

int
zone_read(struct zone *z, const char *text, char *why, size_t size)
{
	struct nearest n;

	for (size_t i = 0; i < ZONES; i++)
		if (strcmp(zones[i].name, text) == 0)
			return (read_rule(z, zones[i].rule) ? 0 : -1);
	if (read_rule(z, text))
		return (0);
	nearest_begin(&n, text, strlen(text));
	for (size_t i = 0; i < ZONES; i++)
		nearest_offer(&n, zones[i].name);
	if (n.best != NULL)
		snprintf(why, size, "there is no time zone %.40s; did you mean %s?", text, n.best);
	else
		snprintf(why, size, "there is no time zone %.40s; write a name such as Asia/Shanghai, or the zone's rule, such as CET-1CEST,M3.5.0,M10.5.0/3", text);
	return (-1);
}

/* ---- Using it ---- */

/* Stretches between changes count from 0, which lies before the first change. */
static int32_t
offset_of(const struct zone *z, unsigned stretch)
{
	return (stretch == 0 ? z->first : z->changes[stretch - 1].offset);
}

static unsigned
stretch_at(const struct zone *z, int64_t utc)
{
	unsigned low = 0, high = z->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (z->changes[middle].at <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	return (low);
}

int32_t
zone_offset(const struct zone *z, int64_t utc)
{
	return (offset_of(z, stretch_at(z, utc)));
}

int64_t
zone_wall(const struct zone *z, int64_t utc)
{
	unsigned k = stretch_at(z, utc);
	int64_t wall = utc + offset_of(z, k), reached;

	if (k > 0 && (reached = z->changes[k - 1].at + offset_of(z, k - 1) - 1) > wall)
		return (reached);
	return (wall);
}

int64_t
zone_instant(const struct zone *z, int64_t wall)
{
	unsigned low = 0, high = z->count;
	int64_t utc;

	/* The first stretch at whose end the clock has gone beyond `wall`. */
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (z->changes[middle].at + offset_of(z, middle) <= wall)
			low = middle + 1;
		else
			high = middle;
	}
	utc = wall - offset_of(z, low);
	return (low > 0 && utc < z->changes[low - 1].at ? z->changes[low - 1].at : utc);
}
