/* Reading the file of rules. */
#include "rule_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

#define LADDERS_MAX	32u
#define NAME_MAX_BYTES	48u

struct ladder {
	const char *name;
	struct step *step;
	unsigned steps;
};

/* What holds for every rule that says nothing else. */
struct defaults {
	struct triggers on[RULE_VERBS];
	int64_t ack;
};

struct file {
	struct reader r;
	struct defaults defaults;
	struct ladder ladder[LADDERS_MAX];
	unsigned ladders;
};

static const char *const periods[PERIODS] = { "none", "workday", "day", "week", "month", "quarter", "half-year", "year" };

void *
rules_alloc(struct rules *rules, size_t size)
{
	struct block *b = alloc_or_exit(NULL, sizeof(*b) + size);

	b->next = rules->blocks;
	rules->blocks = b;
	return (memset(b->data, 0, size));
}

const char *
rules_copy(struct rules *rules, const char *s, size_t len)
{
	return (memcpy(rules_alloc(rules, len + 1), s, len));
}

void
rules_free(struct rules *rules)
{
	struct block *next;

	if (rules == NULL)
		return;
	for (struct block *b = rules->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(rules);
}

const struct rule *
rules_find(const struct rules *rules, const char *id, size_t len)
{
	for (unsigned i = 0; rules != NULL && i < rules->count; i++)
		if (mp_equal(id, (uint32_t)len, rules->rule[i]->id))
			return (rules->rule[i]->on[NEVER].count == 0 ? rules->rule[i] : NULL);
	return (NULL);
}

/* ---- One rule ---- */

static const char *
read_name(struct file *f, yaml_node_t *n, const char *what, size_t max)
{
	const char *text = yamltext_text(&f->r.y, n, what);

	if (text == NULL)
		return (NULL);
	if (!id_valid(text, strlen(text)) || strlen(text) > max) {
		yamltext_mistake(&f->r.y, n, "%s is 1 to %zu characters of A-Z a-z 0-9 . _ : / -, not %.40s", what, max, text);
		return (NULL);
	}
	return (rules_copy(f->r.rules, text, strlen(text)));
}

static void
read_ladder(struct file *f, yaml_node_t *n, struct rule *rule)
{
	const char *list[LADDERS_MAX], *text;
	unsigned i;

	if (n->type == YAML_SEQUENCE_NODE) {
		rule->step = rules_alloc(f->r.rules, STEPS_MAX * sizeof(*rule->step));
		rule->steps = read_steps(&f->r, n, rule->step, STEPS_MAX);
		return;
	}
	if ((text = yamltext_text(&f->r.y, n, "ladder")) == NULL)
		return;
	for (i = 0; i < f->ladders; i++)
		list[i] = f->ladder[i].name;
	if ((i = yamltext_one_of(&f->r.y, n, text, list, f->ladders, "ladder")) < f->ladders) {
		rule->step = f->ladder[i].step;
		rule->steps = f->ladder[i].steps;
	}
}

static void
read_merge(struct file *f, yaml_node_t *n, struct rule *rule)
{
	yaml_node_t *item;

	for (; (item = read_item(&f->r, n, rule->merges)) != NULL; rule->merges++) {
		if (rule->merges == MERGES_MAX) {
			yamltext_mistake(&f->r.y, item, "more than %u fields to merge by", MERGES_MAX);
			return;
		}
		if ((rule->merge[rule->merges] = read_name(f, item, "merge", NAME_MAX_BYTES)) == NULL)
			return;
	}
}

static void
read_verb(struct file *f, yaml_node_t *n, struct rule *rule, enum rule_verb verb)
{
	const char *text = n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";

	/* What holds for the others may not hold for this one. */
	if (verb != ON && strcmp(text, "none") == 0)
		memset(&rule->on[verb], 0, sizeof(rule->on[verb]));
	else
		read_triggers(&f->r, n, &rule->on[verb]);
}

static const struct field *
field_everywhere(const struct triggers *on, const char *name)
{
	const struct field *field = NULL;

	for (unsigned i = 0; i < on->count; i++)
		if ((field = catalogue_field(on->list[i].type, name, strlen(name))) == NULL || field->personal)
			return (NULL);
	return (field);
}

/* What only the whole rule can say. */
static void
check_rule(struct file *f, yaml_node_t *map, const struct rule *rule)
{
	struct yamltext *y = &f->r.y;
	const struct field *field;

	if (rule->id == NULL)
		yamltext_mistake(y, map, "a rule needs an id, such as C1");
	else if (strchr(rule->id, '/') != NULL)
		yamltext_mistake(y, map, "%s: the id of an obligation is C1/C-17, so that of a rule has no stroke", rule->id);
	for (unsigned i = 0; i + 1 < f->r.rules->count; i++)
		if (rule->id != NULL && strcmp(f->r.rules->rule[i]->id, rule->id) == 0)
			yamltext_mistake(y, map, "%s is the id of two rules: call one of them %s.2", rule->id, rule->id);
	if (rule->on[NEVER].count > 0) {
		if (rule->on[ON].count + rule->on[UNTIL].count + rule->steps > 0 || rule->every != PERIOD_NONE)
			yamltext_mistake(y, map, "never is a rule of its own, without on, until, every and ladder");
		return;
	}
	if (rule->on[WITHOUT].count > 0)
		yamltext_mistake(y, map, "without belongs to never");
	if ((rule->on[ON].count > 0) == (rule->every != PERIOD_NONE))
		yamltext_mistake(y, map, "a rule needs one of on, every and never");
	if (rule->on[UNTIL].count == 0)
		yamltext_mistake(y, map, "a rule needs until: by which event it is done");
	if (rule->role == NULL)
		yamltext_mistake(y, map, "a rule needs a role: who owes it");
	if (rule->steps == 0)
		yamltext_mistake(y, map, "a rule needs a ladder: who is told when it is not done");
	if (rule->due == DUE_PERIOD && rule->every == PERIOD_NONE && rule->once == PERIOD_NONE)
		yamltext_mistake(y, map, "due is missing: a term such as eod 1, elapsed 5min or days 3, or event due");
	if (rule->due == DUE_FIELD) {
		if ((field = field_everywhere(&rule->on[ON], rule->due_field)) == NULL ||
		    (field->kind != FIELD_INSTANT && field->kind != FIELD_WHEN && field->kind != FIELD_DATE))
			yamltext_mistake(y, map, "due: the event has no instant %.40s", rule->due_field);
	}
	for (unsigned i = 0; i < rule->merges; i++)
		if (field_everywhere(&rule->on[ON], rule->merge[i]) == NULL)
			yamltext_mistake(y, map, "merge: the event has no field %.40s that all may see", rule->merge[i]);
	if (rule->group == NULL && rule->priority != 0)
		yamltext_mistake(y, map, "priority is among the rules of a group: it needs a group");
}

static int64_t
read_int(struct file *f, yaml_node_t *n, const char *what, int64_t max)
{
	const char *text = yamltext_text(&f->r.y, n, what);
	char *end;
	long v;

	if (text == NULL)
		return (0);
	v = strtol(text, &end, 10);
	if (*end != '\0' || v < 0 || v > max)
		yamltext_mistake(&f->r.y, n, "%s is a whole number from 0 to %lld, not %.40s", what, (long long)max, text);
	return (v);
}

static bool
read_bool(struct file *f, yaml_node_t *n, const char *what)
{
	const char *text = yamltext_text(&f->r.y, n, what);

	if (text != NULL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		yamltext_mistake(&f->r.y, n, "%s is true or false, not %.40s", what, text);
	return (text != NULL && strcmp(text, "true") == 0);
}

static void
read_rule(struct file *f, yaml_node_t *map)
{
	/* The verbs first, in their order. */
	enum { ID = RULE_VERBS, CLAUSE, QUOTE, DUE, WARN, ROLE, LADDER, TELL, GROUP, PRIORITY, MERGE, AGAIN, ONCE, EVERY, ACK, CALENDAR, NAMES };
	static const char *const names[NAMES] = { "on", "until", "cancel", "pause", "resume", "unless", "reopen", "never", "without", "id", "clause", "quote", "due",
	    "warn", "role", "ladder", "tell", "group", "priority", "merge", "again", "once", "every", "ack", "calendar" };
	static const char *const calendars[] = { "cn" };
	struct rule *rule = rules_alloc(f->r.rules, sizeof(*rule));
	struct yamltext *y = &f->r.y;
	bool given[NAMES] = { false };
	yaml_node_t *key, *value;
	const char *name, *text;
	unsigned which;

	memcpy(rule->on, f->defaults.on, sizeof(rule->on));
	rule->ack = f->defaults.ack;
	rule->due = DUE_PERIOD;
	f->r.rules->rule[f->r.rules->count++] = rule;
	for (unsigned i = 0; yamltext_pair(y, map, "a rule", i, &key, &name, &value); i++) {
		if ((which = yamltext_one_of(y, key, name, names, NAMES, "key of a rule")) == NAMES)
			return;
		if (given[which])
			yamltext_mistake(y, key, "%s is given twice", name);
		given[which] = true;
		switch (which) {
		case ID:
			rule->id = read_name(f, value, "id", RULE_ID_MAX);
			break;
		case CLAUSE:
			rule->clause = read_name(f, value, "clause", RULE_ID_MAX);
			break;
		case QUOTE:
			if ((text = yamltext_text(y, value, "quote")) != NULL)
				rule->quote = rules_copy(f->r.rules, text, strlen(text));
			break;
		case DUE:
			read_due(&f->r, value, rule);
			break;
		case WARN:
			read_warn(&f->r, value, rule);
			break;
		case ROLE:
			rule->role = read_role(&f->r, value, false);
			break;
		case LADDER:
			read_ladder(f, value, rule);
			break;
		case TELL:
			rule->tells = read_steps(&f->r, value, rule->tell, TELLS_MAX);
			break;
		case GROUP:
			rule->group = read_name(f, value, "group", NAME_MAX_BYTES);
			break;
		case PRIORITY:
			rule->priority = read_int(f, value, "priority", 1000);
			break;
		case MERGE:
			read_merge(f, value, rule);
			break;
		case AGAIN:
			rule->again = read_bool(f, value, "again");
			break;
		case ONCE:
		case EVERY:
			if ((text = yamltext_text(y, value, name)) != NULL)
				*(which == ONCE ? &rule->once : &rule->every) = (enum period)yamltext_one_of(y, value, text, periods, PERIODS, "period");
			break;
		case ACK:
			rule->ack = read_span(&f->r, value, "ack");
			break;
		case CALENDAR:
			if ((text = yamltext_text(y, value, "calendar")) != NULL)
				yamltext_one_of(y, value, text, calendars, 1, "calendar");
			break;
		default:
			read_verb(f, value, rule, (enum rule_verb)which);
		}
	}
	check_rule(f, map, rule);
}

/* ---- The file ---- */

static void
read_rules(struct file *f, yaml_node_t *list)
{
	yaml_node_t *item;

	if (list->type != YAML_SEQUENCE_NODE) {
		yamltext_mistake(&f->r.y, list, "rules is a list: entries that begin with a dash");
		return;
	}
	for (unsigned i = 0; (item = read_item(&f->r, list, i)) != NULL && f->r.y.mistake[0] == '\0'; i++) {
		if (i == RULES_MAX) {
			yamltext_mistake(&f->r.y, item, "more than %u rules", RULES_MAX);
			return;
		}
		read_rule(f, item);
	}
}

static void
read_ladders(struct file *f, yaml_node_t *map)
{
	yaml_node_t *key, *value;
	const char *name;

	for (unsigned i = 0; yamltext_pair(&f->r.y, map, "ladders", i, &key, &name, &value); i++) {
		struct ladder *l = &f->ladder[f->ladders];

		if (f->ladders == LADDERS_MAX) {
			yamltext_mistake(&f->r.y, key, "more than %u ladders", LADDERS_MAX);
			return;
		}
		l->name = rules_copy(f->r.rules, name, strlen(name));
		l->step = rules_alloc(f->r.rules, STEPS_MAX * sizeof(*l->step));
		l->steps = read_steps(&f->r, value, l->step, STEPS_MAX);
		f->ladders++;
	}
}

static void
read_defaults(struct file *f, yaml_node_t *map)
{
	enum { CANCELS, PAUSES, RESUMES, REOPENS, ACKS, KEEP, NAMES };
	static const char *const names[NAMES] = { "cancel", "pause", "resume", "reopen", "ack", "keep" };
	static const enum rule_verb verbs[] = { CANCEL, PAUSE, RESUME, REOPEN };
	yaml_node_t *key, *value;
	const char *name;
	unsigned which;

	for (unsigned i = 0; yamltext_pair(&f->r.y, map, "defaults", i, &key, &name, &value); i++)
		if ((which = yamltext_one_of(&f->r.y, key, name, names, NAMES, "default")) == NAMES)
			return;
		else if (which == ACKS)
			f->defaults.ack = read_span(&f->r, value, "ack");
		else if (which == KEEP)
			f->r.rules->keep = read_span(&f->r, value, "keep");
		else
			read_triggers(&f->r, value, &f->defaults.on[verbs[which]]);
}

/* Which rules does an event of a type concern?  An event that concerns none must cost nothing. */
static void
index_types(struct rules *rules)
{
	unsigned types = catalogue_count(), n = 0;

	rules->by_type = rules_alloc(rules, types * sizeof(*rules->by_type));
	for (unsigned i = 0; i < rules->count; i++)
		for (unsigned v = 0; v < RULE_VERBS; v++)
			for (unsigned t = 0; t < rules->rule[i]->on[v].count; t++)
				rules->by_type[rules->rule[i]->on[v].list[t].type->index].count++;
	for (unsigned i = 0; i < types; i++) {
		rules->by_type[i].first = n;
		n += rules->by_type[i].count;
		rules->by_type[i].count = 0;
	}
	rules->concerns = rules_alloc(rules, (n + 1) * sizeof(*rules->concerns));
	for (unsigned i = 0; i < rules->count; i++)
		for (unsigned v = 0; v < RULE_VERBS; v++)
			for (unsigned t = 0; t < rules->rule[i]->on[v].count; t++) {
				const struct trigger *trigger = &rules->rule[i]->on[v].list[t];
				unsigned type = trigger->type->index;

				rules->concerns[rules->by_type[type].first + rules->by_type[type].count++] =
				    (struct concern){ rules->rule[i], (enum rule_verb)v, trigger };
				rules->by_type[type].conditional |= trigger->conditions > 0 || trigger->keys > 0 ||
				    (v == ON && rules->rule[i]->due == DUE_FIELD);
			}
}

struct rules *
rules_read(const char *text, char *why, size_t size)
{
	enum { DEFAULTS, LADDERS, RULES, NAMES };
	static const char *const names[NAMES] = { "defaults", "ladders", "rules" };
	struct file f = { .ladders = 0 };
	yaml_node_t *top, *key, *value;
	const char *name;
	unsigned which;

	if ((top = yamltext_load(&f.r.y, text, "the file of rules", why, size)) == NULL)
		return (NULL);
	f.r.rules = memset(alloc_or_exit(NULL, sizeof(*f.r.rules)), 0, sizeof(*f.r.rules));
	f.r.rules->keep = INT64_C(35) * 86400 * 1000000000;
	f.defaults.ack = INT64_C(1800) * 1000000000;
	for (unsigned i = 0; yamltext_pair(&f.r.y, top, "the file of rules", i, &key, &name, &value); i++)
		if ((which = yamltext_one_of(&f.r.y, key, name, names, NAMES, "key")) < NAMES && f.r.rules->count > 0)
			yamltext_mistake(&f.r.y, key, "%s stands above the rules, once", name);
		else if (which == DEFAULTS)
			read_defaults(&f, value);
		else if (which == LADDERS)
			read_ladders(&f, value);
		else if (which == RULES)
			read_rules(&f, value);
	if (f.r.y.mistake[0] == '\0' && f.r.rules->count == 0)
		yamltext_mistake(&f.r.y, top, "there are no rules: write them as a list under rules");
	yamltext_free(&f.r.y);
	if (f.r.y.mistake[0] != '\0') {
		snprintf(why, size, "%s", f.r.y.mistake);
		rules_free(f.r.rules);
		return (NULL);
	}
	index_types(f.r.rules);
	return (f.r.rules);
}
