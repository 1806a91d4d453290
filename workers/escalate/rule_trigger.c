/* Reading a trigger: TYPE, conditions of its data, @field. */
#include "rule_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"

/* Types that this worker concludes: what it emits does not come back to it, so a rule on them would wait for itself. */
static const char *const own_types[] = { "obligation.opened", "obligation.fulfilled", "obligation.warned", "obligation.breached", "obligation.cancelled",
    "obligation.rescheduled", "case.escalated", "notification.requested", "rule.violated", NULL };

static const struct type *
find_type(struct reader *r, yaml_node_t *n, const char *name)
{
	const struct type *t = catalogue_find(name, strlen(name));
	const char *near;

	for (const char *const *own = own_types; *own != NULL; own++)
		if (strcmp(name, *own) == 0) {
			yamltext_mistake(&r->y, n, "%s is what this worker concludes: a rule on it would be a cycle", name);
			return (NULL);
		}
	if (t != NULL)
		return (t);
	if ((near = catalogue_nearest(name, strlen(name))) != NULL)
		yamltext_mistake(&r->y, n, "there is no type %.40s; did you mean %s?", name, near);
	else
		yamltext_mistake(&r->y, n, "there is no type %.40s; `estate types` lists them", name);
	return (NULL);
}

static const struct field *
find_field(struct reader *r, yaml_node_t *n, const struct type *t, const char *name, bool value)
{
	const struct field *f = catalogue_field(t, name, strlen(name));
	struct nearest near;

	/* That something was said may count; what was said is nobody's business. */
	if (f != NULL && f->personal && value) {
		yamltext_mistake(&r->y, n, "%s of %s is personal: nothing may depend on what it says", name, t->name);
		return (NULL);
	}
	if (f != NULL)
		return (f);
	nearest_begin(&near, name, strlen(name));
	for (unsigned i = 0; i < t->count; i++)
		nearest_offer(&near, t->fields[i].name);
	if (near.best != NULL)
		yamltext_mistake(&r->y, n, "%s has no field %.40s; did you mean %s?", t->name, name, near.best);
	else
		yamltext_mistake(&r->y, n, "%s has no field %.40s; `estate types %s` lists them", t->name, name, t->name);
	return (NULL);
}

void
read_value(struct reader *r, yaml_node_t *n, const struct field *f, const char *value)
{
	struct nearest near;

	if (f->kind == FIELD_BOOL && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		yamltext_mistake(&r->y, n, "%s is true or false, not %.40s", f->name, value);
	if (f->kind != FIELD_ENUM || f->list->open || catalogue_value(f->list, value, strlen(value)) != NULL)
		return;
	nearest_begin(&near, value, strlen(value));
	for (unsigned i = 0; i < f->list->count; i++)
		nearest_offer(&near, f->list->values[i].code);
	if (near.best != NULL)
		yamltext_mistake(&r->y, n, "%s is never %.40s; did you mean %s?", f->name, value, near.best);
	else
		yamltext_mistake(&r->y, n, "%s is never %.40s", f->name, value);
}

static void
read_number(struct reader *r, yaml_node_t *n, struct condition *c, const char *text, bool needed)
{
	char *end;

	errno = 0;
	c->number = strtoll(text, &end, 10);
	if (needed && (errno != 0 || end == text || *end != '\0'))
		yamltext_mistake(&r->y, n, "%s is compared with a whole number, not %.40s", c->field->name, text);
}

/* field=a|b, field!=a, field>=5, field, !field */
static void
read_condition(struct reader *r, yaml_node_t *n, struct trigger *t, char *word)
{
	struct condition *c;
	char *op = strpbrk(word, "!<>="), *value, *save = NULL;
	bool negated = word[0] == '!';

	if (t->conditions == CONDITIONS_MAX) {
		yamltext_mistake(&r->y, n, "more than %u conditions of one event", CONDITIONS_MAX);
		return;
	}
	c = &t->condition[t->conditions++];
	if (negated || op == NULL) {
		c->how = negated ? IS_MISSING : IS_GIVEN;
		c->field = find_field(r, n, t->type, word + negated, false);
		return;
	}
	value = op + strspn(op, "!<>=");
	c->how = op[0] == '!' ? IS_NONE_OF : op[0] == '>' ? IS_AT_LEAST : op[0] == '<' ? IS_AT_MOST : IS_ONE_OF;
	if (op[0] != '=' ? value - op != 2 || op[1] != '=' : value - op != 1) {
		yamltext_mistake(&r->y, n, "a condition is field=a|b, field!=a, field>=5, field<=5, field or !field, not %.60s", word);
		return;
	}
	*op = '\0';
	if ((c->field = find_field(r, n, t->type, word, true)) == NULL)
		return;
	read_number(r, n, c, value, c->how == IS_AT_LEAST || c->how == IS_AT_MOST || c->field->kind == FIELD_INT);
	for (char *one = strtok_r(value, "|", &save); one != NULL; one = strtok_r(NULL, "|", &save)) {
		if (c->count == VALUES_MAX) {
			yamltext_mistake(&r->y, n, "more than %u values of %s", VALUES_MAX, c->field->name);
			return;
		}
		read_value(r, n, c->field, one);
		c->values[c->count++] = rules_copy(r->rules, one, strlen(one));
	}
	if (c->count == 0)
		yamltext_mistake(&r->y, n, "%s is compared with nothing", c->field->name);
}

/* @household|subject */
static void
read_key(struct reader *r, yaml_node_t *n, struct trigger *t, char *word)
{
	char *save = NULL;

	for (char *one = strtok_r(word + 1, "|", &save); one != NULL; one = strtok_r(NULL, "|", &save)) {
		const struct field *f;

		if (strcmp(one, "subject") == 0) {
			t->or_subject = true;
		} else if (t->keys == KEYS_MAX) {
			yamltext_mistake(&r->y, n, "more than %u fields after @", KEYS_MAX);
		} else if ((f = find_field(r, n, t->type, one, true)) != NULL) {
			if (f->kind != FIELD_ID)
				yamltext_mistake(&r->y, n, "%s is no id: it cannot name what the obligation is about", one);
			t->key[t->keys++] = f->name;
		}
	}
}

static void
read_trigger(struct reader *r, yaml_node_t *n, struct trigger *t)
{
	const char *at = yamltext_text(&r->y, n, "a trigger");
	char word[512];

	if (at == NULL || !read_word(&at, word, sizeof(word)) || (t->type = find_type(r, n, word)) == NULL)
		return;
	while (r->y.mistake[0] == '\0' && read_word(&at, word, sizeof(word)))
		if (word[0] == '@')
			read_key(r, n, t, word);
		else
			read_condition(r, n, t, word);
	if (r->y.mistake[0] == '\0' && at[strspn(at, " ")] != '\0')
		yamltext_mistake(&r->y, n, "a word of this trigger is longer than %zu characters", sizeof(word) - 1);
}

void
read_triggers(struct reader *r, yaml_node_t *n, struct triggers *out)
{
	yaml_node_t *item;

	memset(out, 0, sizeof(*out));
	out->list = rules_alloc(r->rules, TRIGGERS_MAX * sizeof(*out->list));
	for (; (item = read_item(r, n, out->count)) != NULL && r->y.mistake[0] == '\0'; out->count++) {
		if (out->count == TRIGGERS_MAX) {
			yamltext_mistake(&r->y, item, "more than %u triggers", TRIGGERS_MAX);
			return;
		}
		read_trigger(r, item, &out->list[out->count]);
	}
}

