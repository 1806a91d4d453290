/* Reading the rules of retention: retention_rules.h. */
#include "retention_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "catalogue.h"
#include "filter.h"
#include "language.h"
#include "reach.h"
#include "rfc3339.h"
#include "yamltext.h"

#define FILE_BYTES_MAX	(64u << 10)
#define SECOND		INT64_C(1000000000)

/* S14, of the rule book. */
#define SURVEY_YEARS_MIN	2u

static const char *const keys[] = { "kind", "zh", "types", "closed_by", "opened_by", "keep", "early", "clause" };
enum { KIND, ZH, TYPES, CLOSED_BY, OPENED_BY, KEEP, EARLY, CLAUSE, KEYS };

static const char *const early[] = { "allowed", "blocked" };

static char *
copy(const char *s)
{
	return (strcpy(alloc_or_exit(NULL, strlen(s) + 1), s));
}

/* A type of the catalogue, by its name. */
static void
check_type(struct yamltext *y, const yaml_node_t *n, const char *name)
{
	const char *near;

	if (catalogue_find(name, strlen(name)) != NULL)
		return;
	if ((near = catalogue_nearest(name, strlen(name))) != NULL)
		yamltext_mistake(y, n, "there is no event type %.40s; did you mean %s?", name, near);
	else
		yamltext_mistake(y, n, "there is no event type %.40s; `estate types` lists them", name);
}

static void
read_types(struct yamltext *y, yaml_node_t *n, const char *what, bool patterns, struct retention_types *l)
{
	const char *s;

	if (n->type != YAML_SEQUENCE_NODE) {
		yamltext_mistake(y, n, "%s is a list: [case.closed]", what);
		return;
	}
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top && y->mistake[0] == '\0'; i++) {
		yaml_node_t *it = yamltext_node(y, *i);

		if ((s = yamltext_text(y, it, what)) == NULL)
			return;
		if (l->count == RETENTION_TYPES_MAX) {
			yamltext_mistake(y, it, "more than %u in one list", RETENTION_TYPES_MAX);
			return;
		}
		if (!patterns)
			check_type(y, it, s);
		else if (!pattern_valid(s, (uint32_t)strlen(s)))
			yamltext_mistake(y, it, "%.40s is no pattern: dotted words, * for one of them, a final ** for the rest", s);
		l->items[l->count++] = copy(s);
	}
	if (l->count == 0)
		yamltext_mistake(y, n, "%s is empty: leave it out", what);
}

static void
read_keep(struct yamltext *y, const yaml_node_t *n, struct retention_kind *k)
{
	const char *s = yamltext_text(y, n, "keep");
	unsigned number;
	char unit;
	int end = 0;

	if (s == NULL)
		return;
	if (sscanf(s, "%5u%c%n", &number, &unit, &end) != 2 || s[end] != '\0' || number == 0 || strchr("ymd", unit) == NULL)
		yamltext_mistake(y, n, "keep is written 2y, 18m or 400d, not %.20s", s);
	else if (number > (unit == 'y' ? 100u : unit == 'm' ? 1200u : 36500u))
		yamltext_mistake(y, n, "keep is a hundred years at most, not %.20s", s);
	else
		*(unit == 'y' ? &k->years : unit == 'm' ? &k->months : &k->days) = number;
}

static void
read_value(struct yamltext *y, unsigned key, yaml_node_t *n, struct retention_kind *k)
{
	const char *s;

	switch (key) {
	case TYPES:
		read_types(y, n, "types", true, &k->types);
		break;
	case CLOSED_BY:
		read_types(y, n, "closed_by", false, &k->closed_by);
		break;
	case OPENED_BY:
		read_types(y, n, "opened_by", false, &k->opened_by);
		break;
	case KEEP:
		read_keep(y, n, k);
		break;
	case EARLY:
		if ((s = yamltext_text(y, n, "early")) != NULL)
			k->blocked = yamltext_one_of(y, n, s, early, 2, "answer to early") == 1;
		break;
	default:
		if ((s = yamltext_text(y, n, keys[key])) != NULL)
			*(key == KIND ? &k->name : key == ZH ? &k->zh : &k->clause) = copy(s);
	}
}

/* S14: plans, forms that came back, and what was answered; by each type that one of them is. */
static bool
keeps_surveys(const struct retention_rules *r, const struct retention_kind *k)
{
	static const char *const types[] = { "survey.planned", "survey.issued", "survey.returned", "survey.answered", "survey.closed" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct text t = { types[i], (uint32_t)strlen(types[i]) };

		if (retention_kind_of(r, t) == (unsigned)(k - r->kinds) && retention_types_hold(&k->types, t))
			return (true);
	}
	return (false);
}

/* What must be true of a kind as a whole. */
static void
check_kind(struct yamltext *y, const yaml_node_t *n, const struct retention_rules *r, const struct retention_kind *k, const bool *given)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (!given[i] && i != CLOSED_BY && i != OPENED_BY)
			yamltext_mistake(y, n, "a kind needs %s", keys[i]);
	if (y->mistake[0] != '\0')
		return;
	for (const struct retention_kind *other = r->kinds; other < k; other++)
		if (strcmp(other->name, k->name) == 0)
			yamltext_mistake(y, n, "the kind %.40s is there twice", k->name);
	if (k->opened_by.count > 0 && k->closed_by.count == 0)
		yamltext_mistake(y, n, "opened_by without closed_by: what is never closed cannot be opened again");
	if (keeps_surveys(r, k) && ((k->years * 12 + k->months < SURVEY_YEARS_MIN * 12 && k->days < SURVEY_YEARS_MIN * 366) ||
	    !k->blocked))
		yamltext_mistake(y, n, "records of surveys are kept for two years at least, early: blocked (S14)");
}

static void
read_kind(struct yamltext *y, yaml_node_t *n, struct retention_rules *r)
{
	struct retention_kind *k = &r->kinds[r->count];
	bool given[KEYS] = { false };
	yaml_node_t *key, *value;
	const char *name;
	unsigned which;

	if (r->count == RETENTION_KINDS_MAX) {
		yamltext_mistake(y, n, "more than %u kinds", RETENTION_KINDS_MAX);
		return;
	}
	r->count++;
	for (unsigned i = 0; yamltext_pair(y, n, "a kind", i, &key, &name, &value); i++) {
		if ((which = yamltext_one_of(y, key, name, keys, KEYS, "key")) == KEYS)
			return;
		if (given[which])
			yamltext_mistake(y, key, "%s is given twice", name);
		else
			read_value(y, which, value, k);
		given[which] = true;
	}
	if (y->mistake[0] == '\0')
		check_kind(y, n, r, k, given);
}

bool
retention_rules_parse(struct retention_rules *r, const char *text, char *why, size_t why_len)
{
	yaml_node_t *top, *key, *list;
	struct yamltext y;
	const char *name;

	memset(r, 0, sizeof(*r));
	if ((top = yamltext_load(&y, text, "the file", why, why_len)) == NULL)
		return (false);
	for (unsigned i = 0; yamltext_pair(&y, top, "the file", i, &key, &name, &list); i++) {
		if (strcmp(name, "kinds") != 0 || i > 0)
			yamltext_mistake(&y, key, "the only key here is kinds");
		else if (list->type != YAML_SEQUENCE_NODE)
			yamltext_mistake(&y, list, "kinds is a list");
		else
			for (yaml_node_item_t *it = list->data.sequence.items.start; it < list->data.sequence.items.top && y.mistake[0] == '\0'; it++)
				read_kind(&y, yamltext_node(&y, *it), r);
	}
	if (y.mistake[0] == '\0' && (r->count == 0 || r->kinds[r->count - 1].types.count != 1 ||
	    strcmp(r->kinds[r->count - 1].types.items[0], "**") != 0))
		yamltext_mistake(&y, top, "the last kind must take what is left, types: ['**'], so that nothing is without a rule");
	snprintf(why, why_len, "%s", y.mistake);
	yamltext_free(&y);
	if (why[0] == '\0')
		return (true);
	retention_rules_free(r);
	return (false);
}

int
retention_rules_load(const char *verb, const char *file, struct retention_rules *r)
{
	const char *named = getenv("ESTATE_RETENTION");
	char *text = alloc_or_exit(NULL, FILE_BYTES_MAX + 1), why[300];
	size_t len = 0;
	ssize_t n = -1;
	int fd, e, status = 0;

	if (file == NULL)
		file = named != NULL && *named != '\0' ? named : RETENTION_FILE_DEFAULT;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && len < FILE_BYTES_MAX && (n = read(fd, text + len, FILE_BYTES_MAX - len)) > 0)
		len += (size_t)n;
	e = errno;
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	if (fd < 0 || n < 0) {
		complain(verb, "cannot read the rules of retention, %s: %s; name another file with --rules, in the source tree "
		    "config/retention.yaml", file, phrase(strerror(e)));
		status = EXIT_UNREACHED;
	} else if (len == FILE_BYTES_MAX || strlen(text) != len) {
		complain(verb, "%s is no text of less than 64 KiB", file);
		status = EXIT_USAGE;
	} else if (!retention_rules_parse(r, text, why, sizeof(why))) {
		complain(verb, "%s: %s", file, why);
		status = EXIT_USAGE;
	}
	free(text);
	return (status);
}

static void
types_free(struct retention_types *l)
{
	while (l->count > 0)
		free(l->items[--l->count]);
}

void
retention_rules_free(struct retention_rules *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct retention_kind *k = &r->kinds[i];

		free(k->name);
		free(k->zh);
		free(k->clause);
		types_free(&k->types);
		types_free(&k->closed_by);
		types_free(&k->opened_by);
	}
	r->count = 0;
}

bool
retention_types_hold(const struct retention_types *l, struct text type)
{
	for (unsigned i = 0; i < l->count; i++)
		if (pattern_matches(l->items[i], type.s, type.len))
			return (true);
	return (false);
}

unsigned
retention_kind_of(const struct retention_rules *r, struct text type)
{
	unsigned i = 0;

	while (i + 1 < r->count && !retention_types_hold(&r->kinds[i].types, type))
		i++;
	return (i);
}

static int
month_days(unsigned year, unsigned month)
{
	return ((int)(rfc3339_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - rfc3339_days(year, month, 1)));
}

int64_t
retention_until(const struct retention_kind *k, int64_t from)
{
	time_t t = (time_t)(from / SECOND);
	struct tm tm;
	int day;

	/* The day it begins with is not counted, and the last one to its end (民法典 201, 203). */
	localtime_r(&t, &tm);
	day = tm.tm_mday;
	tm.tm_year += (int)k->years;
	tm.tm_mon += (int)k->months;
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	mktime(&tm);
	/* A day that its month does not have is the last one that it has. */
	if (day > month_days((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1))
		day = month_days((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1);
	tm.tm_mday = day + (int)k->days + 1;
	tm.tm_isdst = -1;
	return ((int64_t)mktime(&tm) * SECOND);
}
