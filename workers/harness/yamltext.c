/* Configuration in YAML: see yamltext.h. */
#include "yamltext.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "nearest.h"
#include "rfc3339.h"

#define TEXT_BYTES_MAX	4096u

const char *const yamltext_weekday_names[7] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

/* Does another document follow?  It would be ignored in silence. */
static bool
goes_on(yaml_parser_t *parser, size_t *line)
{
	yaml_document_t more;
	bool found;

	if (!yaml_parser_load(parser, &more)) {
		*line = parser->problem_mark.line;
		return (true);
	}
	found = yaml_document_get_root_node(&more) != NULL;
	*line = more.start_mark.line;
	yaml_document_delete(&more);
	return (found);
}

yaml_node_t *
yamltext_load(struct yamltext *y, const char *text, const char *what, char *why, size_t size)
{
	yaml_parser_t parser;
	yaml_node_t *top = NULL;
	size_t line;

	y->mistake[0] = '\0';
	if (!yaml_parser_initialize(&parser))
		alloc_or_exit(NULL, SIZE_MAX);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	if (!yaml_parser_load(&parser, &y->doc)) {
		snprintf(why, size, "line %zu: %s", parser.problem_mark.line + 1, parser.problem != NULL ? parser.problem : "not YAML");
	} else if ((top = yaml_document_get_root_node(&y->doc)) == NULL) {
		snprintf(why, size, "line 1: %s is empty", what);
		yamltext_free(y);
	} else if (goes_on(&parser, &line)) {
		snprintf(why, size, "line %zu: %s ends before this: it is one document", line + 1, what);
		yamltext_free(y);
		top = NULL;
	}
	yaml_parser_delete(&parser);
	return (top);
}

void
yamltext_free(struct yamltext *y)
{
	yaml_document_delete(&y->doc);
}

void
yamltext_mistake(struct yamltext *y, const yaml_node_t *n, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (y->mistake[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(y->mistake, sizeof(y->mistake), "line %zu: %s", n->start_mark.line + 1, text);
}

yaml_node_t *
yamltext_node(struct yamltext *y, int index)
{
	return (yaml_document_get_node(&y->doc, index));
}

const char *
yamltext_text(struct yamltext *y, const yaml_node_t *n, const char *what)
{
	/* A zero byte would end it early. */
	if (n->type == YAML_SCALAR_NODE && n->data.scalar.length > 0 && n->data.scalar.length <= TEXT_BYTES_MAX &&
	    strlen((const char *)n->data.scalar.value) == n->data.scalar.length)
		return ((const char *)n->data.scalar.value);
	yamltext_mistake(y, n, "%s needs one value", what);
	return (NULL);
}

bool
yamltext_pair(struct yamltext *y, yaml_node_t *map, const char *what, unsigned i, yaml_node_t **key, const char **name, yaml_node_t **value)
{
	if (map->type != YAML_MAPPING_NODE) {
		yamltext_mistake(y, map, "%s needs keys with values", what);
		return (false);
	}
	if (y->mistake[0] != '\0' || i >= (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start))
		return (false);
	*key = yamltext_node(y, map->data.mapping.pairs.start[i].key);
	*value = yamltext_node(y, map->data.mapping.pairs.start[i].value);
	*name = yamltext_text(y, *key, "a key");
	return (*name != NULL);
}

unsigned
yamltext_one_of(struct yamltext *y, const yaml_node_t *at, const char *name, const char *const *names, unsigned count, const char *what)
{
	struct nearest n;

	nearest_begin(&n, name, strlen(name));
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(name, names[i]) == 0)
			return (i);
		nearest_offer(&n, names[i]);
	}
	if (n.best != NULL)
		yamltext_mistake(y, at, "there is no %s %.40s; did you mean %s?", what, name, n.best);
	else
		yamltext_mistake(y, at, "there is no %s %.40s", what, name);
	return (count);
}

bool
yamltext_weekdays(struct yamltext *y, const yaml_node_t *at, const char *name, bool days[7])
{
	char first_name[8], *last_name;
	unsigned first, last;

	if (strlen(name) >= sizeof(first_name)) {
		yamltext_mistake(y, at, "days of the week are written mon or mon-fri, not %.40s", name);
		return (false);
	}
	strcpy(first_name, name);
	if ((last_name = strchr(first_name, '-')) != NULL)
		*last_name++ = '\0';
	else
		last_name = first_name;
	if ((first = yamltext_one_of(y, at, first_name, yamltext_weekday_names, 7, "weekday")) == 7 ||
	    (last = yamltext_one_of(y, at, last_name, yamltext_weekday_names, 7, "weekday")) == 7)
		return (false);
	if (last < first) {
		yamltext_mistake(y, at, "%s runs backwards: a week begins on Monday", name);
		return (false);
	}
	for (unsigned d = first; d <= last; d++)
		days[d] = true;
	return (true);
}

bool
yamltext_clock(const char *s, unsigned *minute)
{
	for (unsigned i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return (false);
	*minute = (unsigned)(s[0] - '0') * 600 + (unsigned)(s[1] - '0') * 60 + (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	return (s[3] < '6' && *minute <= 1440);
}

const char *
yamltext_date(const char *s, unsigned year, int64_t *day)
{
	char full[16];

	if (strlen(s) >= 10 && s[4] == '-')
		return (rfc3339_date(s, 10, day) ? s + 10 : NULL);
	if (strlen(s) < 5 || year == 0)
		return (NULL);
	snprintf(full, sizeof(full), "%04u-%.5s", year % 10000, s);
	return (rfc3339_date(full, 10, day) ? s + 5 : NULL);
}
