/* What stands in one value of a script of answers. */
#include "respond_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

const char *
script_copy(struct reader *f, const char *s, size_t len)
{
	return (memcpy(respond_alloc(f->r, len + 1), s, len));
}

bool
script_fine(const struct reader *f)
{
	return (f->y.mistake[0] == '\0');
}

const char *
script_text(struct reader *f, yaml_node_t *n, const char *what)
{
	const char *text = yamltext_text(&f->y, n, what);

	return (text != NULL ? script_copy(f, text, strlen(text)) : NULL);
}

yaml_node_t *
script_item(struct reader *f, yaml_node_t *n, unsigned i)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return (i == 0 ? n : NULL);
	if (i >= (size_t)(n->data.sequence.items.top - n->data.sequence.items.start))
		return (NULL);
	return (yamltext_node(&f->y, n->data.sequence.items.start[i]));
}

void
script_map(struct reader *f, yaml_node_t *map, const struct key *keys, unsigned count, const char *what, void *into)
{
	const char *names[16], *name, *seen[16] = { NULL };
	yaml_node_t *key, *value;
	unsigned which;

	for (unsigned i = 0; i < count; i++)
		names[i] = keys[i].name;
	for (unsigned i = 0; yamltext_pair(&f->y, map, what, i, &key, &name, &value); i++) {
		char of[80];

		snprintf(of, sizeof(of), "key of %s", what);
		if ((which = yamltext_one_of(&f->y, key, name, names, count, of)) == count)
			return;
		if (seen[which] != NULL)
			yamltext_mistake(&f->y, key, "%s is given twice", name);
		seen[which] = name;
		if (keys[which].read != NULL)
			keys[which].read(f, value, into);
	}
}

const char *
script_meant(const struct nearest *n, char room[MEANT])
{
	room[0] = '\0';
	if (n->best != NULL)
		snprintf(room, MEANT, "; did you mean %.60s?", n->best);
	return (room);
}

/* ---- Shares ---- */

bool
script_percent(const char *text, uint16_t *permille)
{
	double v;
	char *end;

	v = strtod(text, &end);
	if (end == text || *end != '\0' || !(v >= 0 && v <= 100))
		return (false);
	*permille = (uint16_t)(v * 10 + 0.5);
	return (true);
}

uint16_t
script_share(struct reader *f, yaml_node_t *n)
{
	const char *text = yamltext_text(&f->y, n, "share");
	struct nearest near;
	char room[MEANT];
	uint16_t permille = 0;

	if (text == NULL || script_percent(text, &permille))
		return (permille);
	if (strcmp(text, "rest") == 0)
		return (REST);
	nearest_begin(&near, text, strlen(text));
	for (unsigned i = 0; i < f->shares; i++) {
		if (strcmp(f->share[i].name, text) == 0)
			return (f->share[i].permille);
		nearest_offer(&near, f->share[i].name);
	}
	yamltext_mistake(&f->y, n, "a share is a per cent such as 25 or 12.5, rest, or a name of shares, not %.40s%s", text, script_meant(&near, room));
	return (0);
}

void
script_settle(struct reader *f, const yaml_node_t *n, uint16_t *permille, unsigned stride, unsigned count)
{
	unsigned sum = 0, rest = count;
	uint16_t *one;

	for (unsigned i = 0; i < count; i++) {
		one = (uint16_t *)(void *)((char *)permille + (size_t)i * stride);
		if (*one != REST) {
			sum += *one;
			continue;
		}
		if (rest < count)
			yamltext_mistake(&f->y, n, "rest is said twice");
		rest = i;
	}
	if (sum > 1000)
		yamltext_mistake(&f->y, n, "these shares are %u.%u per cent together: more than 100", sum / 10, sum % 10);
	else if (rest < count)
		*(uint16_t *)(void *)((char *)permille + (size_t)rest * stride) = (uint16_t)(1000 - sum);
}

/* ---- On what ---- */

static const struct field *
known_field(struct reader *f, yaml_node_t *n, const struct type *t, const char *name)
{
	const struct field *field = catalogue_field(t, name, strlen(name));
	struct nearest near;
	char room[MEANT];

	if (field != NULL)
		return (field);
	nearest_begin(&near, name, strlen(name));
	for (unsigned i = 0; i < t->count; i++)
		nearest_offer(&near, t->fields[i].name);
	yamltext_mistake(&f->y, n, "%s has no field %.40s%s", t->name, name, near.best != NULL ? script_meant(&near, room) : "; `estate types` lists them");
	return (NULL);
}

const struct type *
script_type(struct reader *f, yaml_node_t *n, const char *name)
{
	const struct type *t = catalogue_find(name, strlen(name));
	struct nearest near = { .best = catalogue_nearest(name, strlen(name)) };
	char room[MEANT];

	if (t == NULL)
		yamltext_mistake(&f->y, n, "there is no type %.60s%s", name, near.best != NULL ? script_meant(&near, room) : "; `estate types` lists them");
	return (t);
}

static void
check_value(struct reader *f, yaml_node_t *n, const struct field *field, const char *value)
{
	struct nearest near;
	char room[MEANT];
	size_t len = strlen(value);

	if (field->kind == FIELD_BOOL && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		yamltext_mistake(&f->y, n, "%s is true or false, not %.40s", field->name, value);
	if (field->kind != FIELD_ENUM || field->list->open || (len > 0 && value[len - 1] == '*') || catalogue_value(field->list, value, len) != NULL)
		return;
	nearest_begin(&near, value, len);
	for (unsigned i = 0; i < field->list->count; i++)
		nearest_offer(&near, field->list->values[i].code);
	yamltext_mistake(&f->y, n, "%s is never %.40s%s", field->name, value, script_meant(&near, room));
}

/* field=a|b, field!=a, field, !field; subject is a field of every event. */
static void
read_condition(struct reader *f, yaml_node_t *n, struct trigger *t, char *word)
{
	struct condition *c = &t->condition[t->conditions];
	bool negated = word[0] == '!';
	char *sign = strchr(word, '='), *save = NULL;
	const struct field *field = NULL;

	if (t->conditions == CONDITIONS_MAX) {
		yamltext_mistake(&f->y, n, "more than %u conditions", CONDITIONS_MAX);
		return;
	}
	t->conditions++;
	c->how = sign == NULL ? (negated ? IS_MISSING : IS_GIVEN) : sign > word && sign[-1] == '!' ? IS_NONE_OF : IS_ONE_OF;
	if (sign != NULL) {
		sign[c->how == IS_NONE_OF ? -1 : 0] = '\0';
		negated = false;
	}
	c->field = script_copy(f, word + negated, strlen(word + negated));
	if (strcmp(c->field, "subject") != 0 && t->known != NULL && (field = known_field(f, n, t->known, c->field)) == NULL)
		return;
	if (field != NULL && field->personal && sign != NULL)
		yamltext_mistake(&f->y, n, "%s of %s is personal: nothing may depend on what it says", field->name, t->type);
	for (char *one = sign != NULL ? strtok_r(sign + 1, "|", &save) : NULL; one != NULL; one = strtok_r(NULL, "|", &save)) {
		if (c->count == VALUES_MAX) {
			yamltext_mistake(&f->y, n, "more than %u values of %s", VALUES_MAX, c->field);
			return;
		}
		if (field != NULL)
			check_value(f, n, field, one);
		c->values[c->count++] = script_copy(f, one, strlen(one));
	}
	if (sign != NULL && c->count == 0)
		yamltext_mistake(&f->y, n, "%s is compared with nothing", c->field);
}

void
script_trigger(struct reader *f, yaml_node_t *n, struct trigger *t, bool question, bool keyed)
{
	const char *text = yamltext_text(&f->y, n, question ? "ask" : "an event");
	char *words, *save = NULL, *word;

	t->same = "subject";
	if (text == NULL)
		return;
	words = strdup(text);
	if (words == NULL)
		alloc_or_exit(NULL, SIZE_MAX);
	if ((word = strtok_r(words, " ", &save)) == NULL)
		yamltext_mistake(&f->y, n, "which event?");
	else if (question)
		t->type = script_copy(f, word, strlen(word));
	else if ((t->known = script_type(f, n, word)) != NULL)
		t->type = t->known->name;
	while (script_fine(f) && word != NULL && (word = strtok_r(NULL, " ", &save)) != NULL)
		if (word[0] != '@')
			read_condition(f, n, t, word);
		else if (!keyed)
			yamltext_mistake(&f->y, n, "%s belongs to unless: in which field both agree", word);
		else if (strcmp(word + 1, "subject") == 0 || known_field(f, n, t->known, word + 1) != NULL)
			t->same = script_copy(f, word + 1, strlen(word + 1));
	free(words);
}

/* ---- When ---- */

static bool
span_of(const char *s, const char **end, int64_t *ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "s", SECOND_NS }, { "min", 60 * SECOND_NS }, { "h", 3600 * SECOND_NS }, { "d", 86400 * SECOND_NS } };
	char *unit;
	long long v;

	errno = 0;
	v = strtoll(s, &unit, 10);
	if (errno != 0 || unit == s || v < 0 || v > 36525)
		return (false);
	if (v == 0 && (*unit == '\0' || *unit == '.')) {
		*ns = 0;
		*end = unit;
		return (true);
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (strncmp(unit, units[i].name, strlen(units[i].name)) == 0) {
			*ns = v * units[i].ns;
			*end = unit + strlen(units[i].name);
			return (true);
		}
	return (false);
}

/* "2h", "10min..8h" */
static void
read_after(struct reader *f, yaml_node_t *n, void *into)
{
	const char *text = yamltext_text(&f->y, n, "after"), *end;
	struct timing *t = into;

	if (text == NULL)
		return;
	if (!span_of(text, &end, &t->lo) || (*end == '\0' ? (t->hi = t->lo, false) :
	    strncmp(end, "..", 2) != 0 || !span_of(end + 2, &end, &t->hi) || *end != '\0' || t->hi < t->lo))
		yamltext_mistake(&f->y, n, "after is a time such as 90s, 10min, 2h or 3d, or from..to such as 10min..8h, not %.40s", text);
}

/* "09:00-18:00", "09:00-18:00 today" */
static void
read_within(struct reader *f, yaml_node_t *n, void *into)
{
	const char *text = yamltext_text(&f->y, n, "within");
	struct timing *t = into;

	if (text == NULL)
		return;
	t->has_window = true;
	t->today = strlen(text) == 17 && strcmp(text + 11, " today") == 0;
	if ((strlen(text) != 11 && !t->today) || text[5] != '-' || !yamltext_clock(text, &t->opens) || !yamltext_clock(text + 6, &t->closes) || t->opens >= t->closes)
		yamltext_mistake(&f->y, n, "within are hours of a day such as 09:00-18:00 or 09:00-18:00 today, not %.40s", text);
}

static void
read_from(struct reader *f, yaml_node_t *n, void *into)
{
	struct timing *t = into;
	const struct field *field;

	if ((t->from = script_text(f, n, "from")) == NULL || f->on->known == NULL)
		return;
	field = known_field(f, n, f->on->known, t->from);
	if (field != NULL && field->kind != FIELD_INSTANT && field->kind != FIELD_WHEN)
		yamltext_mistake(&f->y, n, "%s of %s is no instant", t->from, f->on->type);
}

const struct key script_timing[TIMING_KEYS] = { { "from", read_from }, { "after", read_after }, { "within", read_within } };

/* ---- With what ---- */

/* Does every {field} name something that may be told? */
void
script_references(struct reader *f, yaml_node_t *n, const char *text)
{
	const struct field *field;
	const char *end;
	char name[64];

	while (script_fine(f) && (text = strchr(text, '{')) != NULL) {
		if ((end = strchr(text, '}')) == NULL) {
			yamltext_mistake(&f->y, n, "{ without }: {field} stands for a field of what is answered");
			return;
		}
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(text + 1, "|}"), text + 1);
		text = end;
		if (strcmp(name, "subject") == 0 || f->on->known == NULL)
			continue;
		if ((field = known_field(f, n, f->on->known, name)) != NULL && field->personal)
			yamltext_mistake(&f->y, n, "%s of %s is personal: it is not passed on", name, f->on->type);
	}
}

static void
add_pick(struct reader *f, yaml_node_t *n, struct member *m, const char *text)
{
	script_references(f, n, text);
	if (strchr(text, '{') == NULL)
		check_value(f, n, m->field, text);
	m->pick.text[m->pick.count++] = script_copy(f, text, strlen(text));
}

/* A text; an instant as a map of after and within; one of several as a map of texts and shares. */
static void
read_member(struct reader *f, yaml_node_t *n, struct member *m)
{
	bool time = m->field->kind == FIELD_INSTANT || m->field->kind == FIELD_DATE || m->field->kind == FIELD_WHEN;
	yaml_node_t *key, *value;
	const char *text;

	if (n->type != YAML_MAPPING_NODE) {
		if ((text = yamltext_text(&f->y, n, m->field->name)) != NULL)
			add_pick(f, n, m, text);
		return;
	}
	if ((m->is_time = time)) {
		script_map(f, n, script_timing, TIMING_KEYS, "a time", &m->time);
		return;
	}
	for (unsigned i = 0; yamltext_pair(&f->y, n, m->field->name, i, &key, &text, &value); i++) {
		if (m->pick.count == VALUES_MAX) {
			yamltext_mistake(&f->y, key, "more than %u values", VALUES_MAX);
			return;
		}
		m->pick.permille[m->pick.count] = script_share(f, value);
		add_pick(f, key, m, text);
	}
	script_settle(f, n, m->pick.permille, sizeof(*m->pick.permille), m->pick.count);
}

void
script_data(struct reader *f, yaml_node_t *n, void *into)
{
	struct choice *c = into;
	yaml_node_t *key, *value;
	const char *name;

	if (c->type == NULL)
		return;			/* said already */
	for (unsigned i = 0; yamltext_pair(&f->y, n, "data", i, &key, &name, &value); i++) {
		struct member *m = &c->member[c->members];

		if (c->members == MEMBERS_MAX) {
			yamltext_mistake(&f->y, key, "more than %u fields", MEMBERS_MAX);
			return;
		}
		if ((m->field = known_field(f, key, c->type, name)) == NULL)
			return;
		c->members++;
		read_member(f, value, m);
	}
}

void
script_complete(struct reader *f, const yaml_node_t *n, const struct choice *c)
{
	for (unsigned i = 0; i < c->type->count && script_fine(f); i++) {
		const struct field *field = &c->type->fields[i];
		unsigned n_given = 0;

		for (unsigned j = 0; j < c->members; j++)
			n_given += c->member[j].field == field;
		if (field->required && n_given == 0)
			yamltext_mistake(&f->y, n, "%s needs the field %s", c->type->name, field->name);
	}
}

