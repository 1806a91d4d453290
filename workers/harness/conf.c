#include "conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "buffer.h"
#include "catalogue.h"
#include "event.h"

struct conf {
	yaml_document_t doc;
	yaml_node_t *top, *entry;
	bool *used;		/* by index of the key's node */
	size_t nodes;
	char mistake[256];	/* the first */
};

static void __attribute__((format(printf, 3, 4)))
mistake(struct conf *y, const yaml_node_t *n, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (y->mistake[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(y->mistake, sizeof(y->mistake), "line %zu: %s", n != NULL ? n->start_mark.line + 1 : 1, text);
}

struct conf *
conf_read(const char *text, char *why, size_t size)
{
	struct conf *y = alloc_or_exit(NULL, sizeof(*y));
	yaml_parser_t parser;

	memset(y, 0, sizeof(*y));
	if (!yaml_parser_initialize(&parser))
		alloc_or_exit(NULL, SIZE_MAX);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
	if (!yaml_parser_load(&parser, &y->doc)) {
		snprintf(why, size, "line %zu: %s", parser.problem_mark.line + 1, parser.problem != NULL ? parser.problem : "not YAML");
		yaml_parser_delete(&parser);
		free(y);
		return (NULL);
	}
	yaml_parser_delete(&parser);
	y->top = y->entry = yaml_document_get_root_node(&y->doc);
	if (y->top == NULL || y->top->type != YAML_MAPPING_NODE) {
		snprintf(why, size, "line 1: keys with values are expected");
		conf_free(y);
		return (NULL);
	}
	y->nodes = (size_t)(y->doc.nodes.top - y->doc.nodes.start) + 1;
	y->used = alloc_or_exit(NULL, y->nodes * sizeof(*y->used));
	memset(y->used, 0, y->nodes * sizeof(*y->used));
	return (y);
}

void
conf_free(struct conf *y)
{
	if (y == NULL)
		return;
	yaml_document_delete(&y->doc);
	free(y->used);
	free(y);
}

static bool
is(const yaml_node_t *n, const char *text)
{
	return (n->type == YAML_SCALAR_NODE && n->data.scalar.length == strlen(text) && memcmp(n->data.scalar.value, text, n->data.scalar.length) == 0);
}

static yaml_node_t *
member(struct conf *y, yaml_node_t *map, const char *key)
{
	if (map->type != YAML_MAPPING_NODE)
		return (NULL);
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
		if (is(yaml_document_get_node(&y->doc, p->key), key)) {
			y->used[p->key] = true;
			return (yaml_document_get_node(&y->doc, p->value));
		}
	return (NULL);
}

bool
conf_entry(struct conf *y, const char *list, unsigned n)
{
	yaml_node_t *l = member(y, y->top, list);

	if (l == NULL)
		return (false);
	if (l->type != YAML_SEQUENCE_NODE) {
		mistake(y, l, "%s is a list: entries that begin with a dash", list);
		return (false);
	}
	if (n >= (size_t)(l->data.sequence.items.top - l->data.sequence.items.start))
		return (false);
	y->entry = yaml_document_get_node(&y->doc, l->data.sequence.items.start[n]);
	if (y->entry->type != YAML_MAPPING_NODE)
		mistake(y, y->entry, "an entry of %s has keys with values", list);
	return (true);
}

const char *
conf_text(struct conf *y, const char *key, const char *fallback)
{
	yaml_node_t *n = member(y, y->entry, key);

	if (n == NULL && fallback == NULL)
		mistake(y, y->entry, "%s is missing", key);
	if (n == NULL)
		return (fallback);
	if (n->type != YAML_SCALAR_NODE || n->data.scalar.length == 0) {
		mistake(y, n, "%s needs one value", key);
		return (fallback);
	}
	return ((const char *)n->data.scalar.value);
}

const char *
conf_id(struct conf *y, const char *key, size_t max)
{
	const char *text = conf_text(y, key, NULL);

	if (text == NULL || (strlen(text) <= max && id_valid(text, strlen(text))))
		return (text != NULL ? text : "");
	mistake(y, member(y, y->entry, key), "%s must be 1 to %zu characters of A-Z a-z 0-9 . _ : / -, not %.60s", key, max, text);
	return ("");
}

const char *
conf_type(struct conf *y, const char *key)
{
	const char *text = conf_text(y, key, NULL), *near;

	if (text == NULL || catalogue_find(text, strlen(text)) != NULL)
		return (text != NULL ? text : "");
	near = catalogue_nearest(text, strlen(text));
	mistake(y, member(y, y->entry, key), "there is no type %.60s; %s%s", text, near != NULL ? "did you mean " : "`estate types` lists them",
	    near != NULL ? near : "");
	return ("");
}

int64_t
conf_int(struct conf *y, const char *key, int64_t min, int64_t max)
{
	const char *text = conf_text(y, key, NULL);
	char *end;
	long long v;

	if (text == NULL)
		return (min);
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max) {
		mistake(y, member(y, y->entry, key), "%s must be a whole number from %" PRId64 " to %" PRId64 ", not %.40s", key, min, max, text);
		return (min);
	}
	return (v);
}

int64_t
conf_span(struct conf *y, const char *key)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "ms", 1000000 }, { "s", 1000000000 }, { "min", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 } };
	const char *text = conf_text(y, key, NULL);
	char *end;
	long long v;

	if (text == NULL)
		return (1);
	errno = 0;
	v = strtoll(text, &end, 10);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units) && errno == 0 && v > 0; i++)
		if (strcmp(end, units[i].name) == 0 && v < INT64_MAX / 4 / units[i].ns)
			return (v * units[i].ns);
	mistake(y, member(y, y->entry, key), "%s must be a time such as 250ms, 90s, 10min, 2h or 3d, not %.40s", key, text);
	return (1);
}

bool
conf_fine(struct conf *y, char *why, size_t size)
{
	for (yaml_node_t *n = y->doc.nodes.start; n < y->doc.nodes.top; n++)
		for (yaml_node_pair_t *p = n->type == YAML_MAPPING_NODE ? n->data.mapping.pairs.start : NULL;
		    p != NULL && p < n->data.mapping.pairs.top; p++) {
			yaml_node_t *key = yaml_document_get_node(&y->doc, p->key);

			if (!y->used[p->key])
				mistake(y, key, "there is no key %.40s",
				    key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "like this");
		}
	if (y->mistake[0] != '\0')
		snprintf(why, size, "%s", y->mistake);
	return (y->mistake[0] == '\0');
}
