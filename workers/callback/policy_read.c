/* Reading the file of rules: a table of what may stand in it. */
#include "policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "catalogue.h"
#include "record.h"
#include "roster.h"
#include "worker.h"
#include "yamltext.h"

#define CODES_MAX	64u

enum value { NUMBER, CLOCK, SPAN, ROLE, MODE, HOURS, ROLES, KINDS, DATES };

/* section.key, what it is, where it goes, and the bounds of a number. */
static const struct row {
	const char *section, *key;
	enum value value;
	size_t offset;
	int64_t min, max;
} rows[] = {
#define ROW(section, key, value, min, max)	{ #section, #key, value, offsetof(struct policy, section.key), min, max }
	{ NULL, "seed", NUMBER, offsetof(struct policy, seed), 0, INT64_MAX },
	{ NULL, "run", CLOCK, offsetof(struct policy, run), 0, 0 },
	ROW(complaint, due_days, NUMBER, 1, 365),
	ROW(complaint, plan_days, NUMBER, 0, 365),
	ROW(complaint, deferred_opens_days, NUMBER, 1, 365),
	ROW(complaint, deferred_due_days, NUMBER, 1, 365),
	ROW(complaint, extensions, NUMBER, 0, 100),
	ROW(complaint, ordinary_role, ROLE, 0, 0),
	ROW(complaint, ordinary_mode, MODE, 0, 0),
	ROW(complaint, major_role, ROLE, 0, 0),
	ROW(complaint, major_mode, MODE, 0, 0),
	ROW(complaint, company_role, ROLE, 0, 0),
	ROW(complaint, company_major_role, ROLE, 0, 0),
	ROW(repair, due_days, NUMBER, 1, 365),
	ROW(repair, percent, NUMBER, 0, 100),
	ROW(repair, last_days, NUMBER, 1, 15),
	ROW(repair, last_percent, NUMBER, 1, 100),
	ROW(repair, margin_percent, NUMBER, 0, 100),
	ROW(repair, close_day, NUMBER, 1, 20),
	ROW(repair, attempts, NUMBER, 1, 100),
	ROW(repair, role, ROLE, 0, 0),
	ROW(repair, mode, MODE, 0, 0),
	ROW(help, due_days, NUMBER, 1, 365),
	ROW(help, role, ROLE, 0, 0),
	ROW(help, mode, MODE, 0, 0),
	ROW(help, manager_kinds, KINDS, 0, 0),
	ROW(help, manager_role, ROLE, 0, 0),
	ROW(call, within, SPAN, 0, 0),
	ROW(call, ignore_under, SPAN, 0, 0),
	ROW(call, role, ROLE, 0, 0),
	ROW(routine, role, ROLE, 0, 0),
	ROW(routine, mode, MODE, 0, 0),
	ROW(routine, key_role, ROLE, 0, 0),
	ROW(routine, key_mode, MODE, 0, 0),
	ROW(routine, key_days, NUMBER, 1, 366),
	ROW(routine, key_ahead_days, NUMBER, 0, 366),
	ROW(routine, spare_days, NUMBER, 0, 15),
	ROW(contact, hours, HOURS, 0, 0),
	ROW(contact, visit_hours, HOURS, 0, 0),
	ROW(contact, no_visits, DATES, 0, 0),
	ROW(contact, week, SPAN, 0, 0),
	ROW(contact, month, SPAN, 0, 0),
	ROW(contact, month_most, NUMBER, 1, 8),
	ROW(contact, dials_a_day, NUMBER, 1, 100),
	ROW(contact, dial_gap, SPAN, 0, 0),
	ROW(contact, dials, NUMBER, 1, 100),
	ROW(contact, lead_dials, NUMBER, 0, 100),
	ROW(contact, no_shows, NUMBER, 1, 100),
	ROW(contact, lead_role, ROLE, 0, 0),
	ROW(assign, otherwise, ROLES, 0, 0),
	ROW(audit, percent, NUMBER, 0, 100),
	ROW(audit, at_least, NUMBER, 0, 1000),
	ROW(audit, hidden_from, ROLES, 0, 0),
#undef ROW
};
#define ROWS	(sizeof(rows) / sizeof(*rows))

static const char *const sections[] = { "complaint", "repair", "help", "call", "routine", "contact", "assign", "audit" };
#define SECTIONS	(sizeof(sections) / sizeof(*sections))

bool
names_hold(const struct name_list *l, const char *name, size_t len)
{
	for (unsigned i = 0; i < l->count; i++)
		if (mp_equal(name, (uint32_t)len, l->list[i]))
			return (true);
	return (false);
}

/* ---- One value ---- */

static int64_t
read_number(struct yamltext *y, yaml_node_t *n, const struct row *r)
{
	const char *text = yamltext_text(y, n, r->key);
	long long v;
	char *end;

	if (text == NULL)
		return (r->min);
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno == 0 && *end == '\0' && end != text && v >= r->min && v <= r->max)
		return (v);
	yamltext_mistake(y, n, "%s is a whole number from %" PRId64 " to %" PRId64 ", not %.40s", r->key, r->min, r->max, text);
	return (r->min);
}

static int64_t
read_span(struct yamltext *y, yaml_node_t *n, const char *key)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "s", SECOND_NS }, { "min", 60 * SECOND_NS }, { "h", 3600 * SECOND_NS }, { "d", 86400 * SECOND_NS } };
	const char *text = yamltext_text(y, n, key);
	long long v;
	char *end;

	if (text == NULL)
		return (1);
	v = strtoll(text, &end, 10);
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (v > 0 && v <= 100000 && strcmp(end, units[i].name) == 0)
			return (v * units[i].ns);
	yamltext_mistake(y, n, "%s is a time such as 90s, 10min, 2h or 7d, not %.40s", key, text);
	return (1);
}

/* One of the codes that a field of the catalogue may have; false after a mistake. */
static bool
is_code(struct yamltext *y, yaml_node_t *n, const char *text, const char *type, const char *field, const char *what)
{
	const struct enum_list *list = catalogue_field(catalogue_find(type, strlen(type)), field, strlen(field))->list;
	const char *names[CODES_MAX];
	unsigned count = 0;

	for (; count < list->count && count < CODES_MAX; count++)
		names[count] = list->values[count].code;
	return (yamltext_one_of(y, n, text, names, count, what) < count);
}

static void
read_role(struct yamltext *y, yaml_node_t *n, const char *key, char out[ROLE_SIZE])
{
	const char *text = yamltext_text(y, n, key), *role;

	if (text == NULL)
		return;
	if ((role = roster_role(text)) != NULL)
		snprintf(out, ROLE_SIZE, "%s", role);
	else
		is_code(y, n, text, "case.assigned", "role", "role");
}

static void
read_hours(struct yamltext *y, yaml_node_t *n, const char *key, struct hours_list *l)
{
	const char *text = yamltext_text(y, n, key);
	struct hours *h = &l->list[l->count];

	if (text == NULL)
		return;
	if (strlen(text) != 11 || !yamltext_clock(text, &h->from) || text[5] != '-' || !yamltext_clock(text + 6, &h->to) || h->from >= h->to)
		yamltext_mistake(y, n, "%s are written 09:00-12:00, not %.40s", key, text);
	else if (l->count > 0 && h->from < l->list[l->count - 1].to)
		yamltext_mistake(y, n, "%s: %.40s begins before the one above it ends", key, text);
	l->count++;
}

static void
read_kind(struct yamltext *y, yaml_node_t *n, const char *key, struct name_list *l)
{
	const char *text = yamltext_text(y, n, key);

	if (text != NULL && is_code(y, n, text, "help.requested", "kind", "kind of help request"))
		snprintf(l->list[l->count++], ROLE_SIZE, "%s", text);
}

static void
read_dates(struct yamltext *y, yaml_node_t *n, const char *key, struct date_list *l)
{
	const char *text = yamltext_text(y, n, key), *end;

	if (text == NULL)
		return;
	if ((end = yamltext_date(text, 0, &l->list[l->count].first)) != NULL && *end == '\0')
		l->list[l->count].last = l->list[l->count].first;
	else if (end == NULL || strncmp(end, "..", 2) != 0 || (end = yamltext_date(end + 2, 0, &l->list[l->count].last)) == NULL || *end != '\0' ||
	    l->list[l->count].last < l->list[l->count].first)
		yamltext_mistake(y, n, "%s are dates such as 2026-02-16..2026-02-19, not %.40s", key, text);
	l->count++;
}

static void
read_list(struct yamltext *y, yaml_node_t *n, const struct row *r, void *at)
{
	unsigned most = r->value == DATES ? DATES_MAX : LIST_MAX, count = 0;

	if (n->type != YAML_SEQUENCE_NODE) {
		yamltext_mistake(y, n, "%s is a list: [a, b]", r->key);
		return;
	}
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top && y->mistake[0] == '\0'; i++, count++) {
		yaml_node_t *item = yamltext_node(y, *i);

		if (count == most)
			yamltext_mistake(y, item, "%s has more than %u entries", r->key, most);
		else if (r->value == HOURS)
			read_hours(y, item, r->key, at);
		else if (r->value == KINDS)
			read_kind(y, item, r->key, at);
		else if (r->value == DATES)
			read_dates(y, item, r->key, at);
		else {
			struct name_list *l = at;

			read_role(y, item, r->key, l->list[l->count++]);
		}
	}
	if (count == 0 && r->value == HOURS)
		yamltext_mistake(y, n, "%s is empty: nobody could ever be called", r->key);
}

static void
read_value(struct yamltext *y, yaml_node_t *n, const struct row *r, struct policy *p)
{
	void *at = (char *)p + r->offset;
	int64_t v = 0;
	const char *text;
	unsigned minute;

	switch (r->value) {
	case NUMBER:
		v = read_number(y, n, r);
		break;
	case SPAN:
		v = read_span(y, n, r->key);
		break;
	case MODE:
		if ((text = yamltext_text(y, n, r->key)) != NULL)
			v = yamltext_one_of(y, n, text, mode_names, MODES, "mode");
		break;
	case CLOCK:
		if ((text = yamltext_text(y, n, r->key)) != NULL && strlen(text) == 5 && yamltext_clock(text, &minute) && minute < 1440)
			v = minute;
		else if (text != NULL)
			yamltext_mistake(y, n, "%s is a time of the day such as \"08:30\", not %.40s", r->key, text);
		break;
	case ROLE:
		read_role(y, n, r->key, at);
		return;
	default:
		read_list(y, n, r, at);
		return;
	}
	memcpy(at, &v, sizeof(v));
}

/* ---- The whole ---- */

/* Which row is this key of a section?  Or a section, at the top.  ROWS + SECTIONS, and a mistake, if neither. */
static unsigned
find(struct yamltext *y, yaml_node_t *key, const char *name, const char *section)
{
	const char *names[ROWS + SECTIONS];
	unsigned index[ROWS + SECTIONS], count = 0, i;
	char what[32];

	for (unsigned r = 0; r < ROWS; r++)
		if (section == NULL ? rows[r].section == NULL : rows[r].section != NULL && strcmp(rows[r].section, section) == 0) {
			index[count] = r;
			names[count++] = rows[r].key;
		}
	for (unsigned s = 0; section == NULL && s < SECTIONS; s++) {
		index[count] = ROWS + s;
		names[count++] = sections[s];
	}
	snprintf(what, sizeof(what), section != NULL ? "key of %s" : "key", section);
	return ((i = yamltext_one_of(y, key, name, names, count, what)) < count ? index[i] : ROWS + SECTIONS);
}

static void
read_map(struct yamltext *y, yaml_node_t *map, const char *section, struct policy *p, bool given[ROWS])
{
	yaml_node_t *key, *value;
	const char *name;

	for (unsigned i = 0; yamltext_pair(y, map, section != NULL ? section : "the file of rules", i, &key, &name, &value); i++) {
		unsigned r = find(y, key, name, section);

		if (r == ROWS + SECTIONS)
			return;
		if (r >= ROWS) {
			read_map(y, value, sections[r - ROWS], p, given);
			continue;
		}
		if (given[r])
			yamltext_mistake(y, key, "%s is given twice", name);
		given[r] = true;
		read_value(y, value, &rows[r], p);
	}
}

/* What only the whole can say. */
static void
check(struct yamltext *y, yaml_node_t *top, const struct policy *r, const bool given[ROWS])
{
	for (unsigned i = 0; i < ROWS; i++)
		if (!given[i])
			yamltext_mistake(y, top, "%s%s%s is missing", rows[i].section != NULL ? rows[i].section : "", rows[i].section != NULL ? "." : "",
			    rows[i].key);
	if (r->complaint.deferred_due_days < r->complaint.deferred_opens_days)
		yamltext_mistake(y, top, "complaint: deferred_due_days is before deferred_opens_days");
	if (r->routine.key_ahead_days >= r->routine.key_days)
		yamltext_mistake(y, top, "routine: key_ahead_days must be below key_days, or a key household is called without end");
	if (r->contact.month < r->contact.week)
		yamltext_mistake(y, top, "contact: month must not be shorter than week");
}

struct policy *
policy_read(const char *text, char *why, size_t size)
{
	struct policy *p = alloc_or_exit(NULL, sizeof(*p));
	bool given[ROWS] = { false };
	struct yamltext y;
	yaml_node_t *top;

	memset(p, 0, sizeof(*p));
	if ((top = yamltext_load(&y, text, "the file of rules", why, size)) == NULL) {
		free(p);
		return (NULL);
	}
	read_map(&y, top, NULL, p, given);
	check(&y, top, p, given);
	if (y.mistake[0] != '\0') {
		snprintf(why, size, "%s", y.mistake);
		free(p);
		p = NULL;
	}
	yamltext_free(&y);
	return (p);
}
