/* What stands in one value of a rule: terms, warnings, steps. */
#include "rule_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "roster.h"

yaml_node_t *
read_item(struct reader *r, yaml_node_t *n, unsigned i)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return (i == 0 ? n : NULL);
	if (i >= (size_t)(n->data.sequence.items.top - n->data.sequence.items.start))
		return (NULL);
	return (yamltext_node(&r->y, n->data.sequence.items.start[i]));
}

bool
read_word(const char **at, char *out, size_t size)
{
	size_t len;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	snprintf(out, size, "%.*s", (int)len, *at);
	*at += len;
	return (len > 0 && len < size);
}

/* ---- Times ---- */

static bool
span_of(const char *text, int64_t *ns)
{
	struct calendar_term t = { .mode = CALENDAR_ELAPSED };
	char why[200];
	int64_t days;
	char *end;

	if (strcmp(text, "0") == 0) {
		*ns = 0;
		return (true);
	}
	errno = 0;
	days = strtoll(text, &end, 10);
	if (errno == 0 && strcmp(end, "d") == 0 && days > 0 && days <= CALENDAR_SPAN_MAX / 86400 / 1000000000) {
		*ns = days * 86400 * 1000000000;
		return (true);
	}
	if (calendar_term_read(&t, text, why, sizeof(why)) != 0)
		return (false);
	*ns = t.n;
	return (true);
}

int64_t
read_span(struct reader *r, yaml_node_t *n, const char *what)
{
	const char *text = yamltext_text(&r->y, n, what);
	int64_t ns = 0;

	if (text != NULL && !span_of(text, &ns))
		yamltext_mistake(&r->y, n, "%s is a time such as 90s, 10min, 2h or 3d, not %.40s", what, text);
	return (ns);
}

/* "eod 1", "days 3 roll", "hours 9h", "eod 1 close" */
static bool
read_term(struct reader *r, yaml_node_t *n, const char *text, struct calendar_term *t)
{
	const char *at = text;
	char word[64], why[200];

	memset(t, 0, sizeof(*t));
	if (!read_word(&at, word, sizeof(word)))
		return (false);
	if ((t->mode = calendar_mode_read(word, why, sizeof(why))) == CALENDAR_MODES) {
		yamltext_mistake(&r->y, n, "%s", why);
		return (false);
	}
	if (!read_word(&at, word, sizeof(word)) || calendar_term_read(t, word, why, sizeof(why)) != 0) {
		yamltext_mistake(&r->y, n, "%s needs a number: %s", calendar_mode_name(t->mode), word[0] != '\0' ? why : "eod 1, days 3, hours 9h, elapsed 5min");
		return (false);
	}
	while (read_word(&at, word, sizeof(word)))
		if (strcmp(word, "roll") == 0 && t->mode == CALENDAR_DAYS)
			t->roll = true;
		else if (strcmp(word, "close") == 0 && (t->mode == CALENDAR_DAYS || t->mode == CALENDAR_EOD))
			t->close = true;
		else {
			yamltext_mistake(&r->y, n, "%s %s says nothing: behind days may stand roll, behind days and eod close", calendar_mode_name(t->mode), word);
			return (false);
		}
	return (true);
}

void
read_due(struct reader *r, yaml_node_t *n, struct rule *rule)
{
	const char *text = yamltext_text(&r->y, n, "due");

	if (text == NULL)
		return;
	if (strcmp(text, "period") == 0) {
		rule->due = DUE_PERIOD;
	} else if (strncmp(text, "event ", 6) == 0) {
		rule->due = DUE_FIELD;
		rule->due_field = rules_copy(r->rules, text + 6, strlen(text + 6));
	} else {
		rule->due = DUE_TERM;
		read_term(r, n, text, &rule->term);
	}
}

/* 0.5, 09:00, 30d */
void
read_warn(struct reader *r, yaml_node_t *n, struct rule *rule)
{
	yaml_node_t *item;

	for (rule->warns = 0; (item = read_item(r, n, rule->warns)) != NULL; rule->warns++) {
		const char *text = yamltext_text(&r->y, item, "warn");
		struct warn *w = &rule->warn[rule->warns];
		unsigned minute;
		double part;
		char *end;

		if (text == NULL)
			return;
		if (rule->warns == WARNS_MAX) {
			yamltext_mistake(&r->y, item, "more than %u warnings", WARNS_MAX);
			return;
		}
		part = strtod(text, &end);
		if (strlen(text) == 5 && yamltext_clock(text, &minute)) {
			*w = (struct warn){ WARN_CLOCK, minute };
		} else if (*end == '\0' && end != text) {
			if (!(part > 0 && part < 1)) {
				yamltext_mistake(&r->y, item, "a warning at %.20s of the time is impossible: above 0 and below 1, or a time of the day such as 09:00", text);
				return;
			}
			/* Millionths, so that no rounding decides. */
			*w = (struct warn){ WARN_PART, (int64_t)(part * 1000000 + 0.5) };
		} else {
			w->kind = WARN_BEFORE;
			if (!span_of(text, &w->n) || w->n == 0)
				yamltext_mistake(&r->y, item, "warn is a part such as 0.5, a time of the due day such as 09:00, or so long before as 30d, not %.40s", text);
		}
	}
}

/* ---- Who is told ---- */

const char *
read_role(struct reader *r, yaml_node_t *n, bool handler)
{
	const char *text = yamltext_text(&r->y, n, "role"), *code, *near;

	if (text == NULL)
		return (NULL);
	if (handler && strcmp(text, HANDLER) == 0)
		return (HANDLER);
	if ((code = roster_role(text)) != NULL)
		return (code);
	if ((near = roster_role_nearest(text)) != NULL)
		yamltext_mistake(&r->y, n, "there is no role %.40s; did you mean %s?", text, near);
	else
		yamltext_mistake(&r->y, n, "there is no role %.40s; `estate types case.assigned` lists them", text);
	return (NULL);
}

static void
read_after(struct reader *r, yaml_node_t *n, struct step *s)
{
	const char *text = yamltext_text(&r->y, n, "after");

	if (text == NULL)
		return;
	if ((s->is_term = strchr(text, ' ') != NULL))
		read_term(r, n, text, &s->term);
	else if (!span_of(text, &s->after))
		yamltext_mistake(&r->y, n, "after is a time behind the due such as 0, 10min or 2h, or a term from the opening such as eod 7, not %.40s", text);
}

static void
read_times(struct reader *r, yaml_node_t *n, struct step *s)
{
	const char *text = yamltext_text(&r->y, n, "times");
	char *end;
	long v;

	if (text == NULL)
		return;
	v = strtol(text, &end, 10);
	if (*end != '\0' || v < 1 || v > (long)REPEATS_MAX)
		yamltext_mistake(&r->y, n, "times is a whole number from 1 to %u, not %.40s", REPEATS_MAX, text);
	else
		s->times = (unsigned)v;
}

static const char *
read_code(struct reader *r, yaml_node_t *n, const char *name, const char *type, const char *member)
{
	const char *text = yamltext_text(&r->y, n, name);
	const struct field *f = catalogue_field(catalogue_find(type, strlen(type)), member, strlen(member));

	if (text == NULL)
		return (NULL);
	read_value(r, n, f, text);
	return (rules_copy(r->rules, text, strlen(text)));
}

static void
read_step(struct reader *r, yaml_node_t *map, struct step *s)
{
	enum { AFTER, ROLE, URGENCY, CHANNEL, REPEAT, TIMES, EVERYONE, NAMES };
	static const char *const names[NAMES] = { "after", "role", "urgency", "channel", "repeat", "times", "everyone" };
	yaml_node_t *key, *value;
	const char *name, *text;

	s->times = 1;
	for (unsigned i = 0; yamltext_pair(&r->y, map, "a step", i, &key, &name, &value); i++)
		switch (yamltext_one_of(&r->y, key, name, names, NAMES, "key of a step")) {
		case AFTER:
			read_after(r, value, s);
			break;
		case ROLE:
			s->role = read_role(r, value, true);
			break;
		case URGENCY:
			s->urgency = read_code(r, value, "urgency", "notification.requested", "urgency");
			break;
		case CHANNEL:
			s->channel = read_code(r, value, "channel", "notification.requested", "channel");
			break;
		case REPEAT:
			s->repeat = read_span(r, value, "repeat");
			break;
		case TIMES:
			read_times(r, value, s);
			break;
		case EVERYONE:
			if ((text = yamltext_text(&r->y, value, "everyone")) != NULL && !(s->everyone = strcmp(text, "true") == 0) && strcmp(text, "false") != 0)
				yamltext_mistake(&r->y, value, "everyone is true or false, not %.40s", text);
			break;
		default:
			return;
		}
	if (s->role == NULL)
		yamltext_mistake(&r->y, map, "this step tells nobody: it needs a role");
	if (s->urgency == NULL)
		s->urgency = "routine";
	if (s->channel == NULL)
		s->channel = strcmp(s->urgency, "routine") == 0 ? "email" : "sms";
}

unsigned
read_steps(struct reader *r, yaml_node_t *n, struct step *s, unsigned max)
{
	yaml_node_t *item;
	unsigned count = 0;

	if (n->type != YAML_SEQUENCE_NODE) {
		yamltext_mistake(&r->y, n, "steps are a list: entries that begin with a dash");
		return (0);
	}
	for (; (item = read_item(r, n, count)) != NULL && r->y.mistake[0] == '\0'; count++) {
		if (count == max) {
			yamltext_mistake(&r->y, item, "more than %u steps", max);
			break;
		}
		read_step(r, item, &s[count]);
	}
	if (count == 0)
		yamltext_mistake(&r->y, n, "this ladder tells nobody: it needs a step with a role");
	for (unsigned i = 1; i < count; i++)
		if (!s[i].is_term && !s[i - 1].is_term && s[i].after < s[i - 1].after)
			yamltext_mistake(&r->y, n, "a ladder goes up: step %u comes before the one below it", i + 1);
	return (count);
}

const char *
term_text(const struct rule *r, char out[TERM_TEXT_SIZE])
{
	const struct calendar_term *t = &r->term;

	if (r->due == DUE_FIELD)
		snprintf(out, TERM_TEXT_SIZE, "event %s", r->due_field);
	else if (r->due == DUE_PERIOD)
		snprintf(out, TERM_TEXT_SIZE, "period");
	else if (calendar_mode_counts_days(t->mode))
		snprintf(out, TERM_TEXT_SIZE, "%s %" PRId64 "%s%s", calendar_mode_name(t->mode), t->n, t->roll ? " roll" : "", t->close ? " close" : "");
	else
		snprintf(out, TERM_TEXT_SIZE, "%s %" PRId64 "s", calendar_mode_name(t->mode), t->n / 1000000000);
	return (out);
}
