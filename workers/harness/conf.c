#include "conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "catalogue.h"
#include "event.h"
#include "yamltext.h"

struct conf {
	struct yamltext y;
	yaml_node_t *top, *entry;
	bool *used;		/* by index of the key's node */
	size_t nodes;
};

struct conf *
conf_read(const char *text, char *why, size_t size)
{
	struct conf *y = alloc_or_exit(NULL, sizeof(*y));

	memset(y, 0, sizeof(*y));
	if ((y->top = y->entry = yamltext_load(&y->y, text, "the configuration", why, size)) == NULL) {
		free(y);
		return (NULL);
	}
	if (y->top->type != YAML_MAPPING_NODE) {
		snprintf(why, size, "line 1: keys with values are expected");
		conf_free(y);
		return (NULL);
	}
	y->nodes = (size_t)(y->y.doc.nodes.top - y->y.doc.nodes.start) + 1;
	y->used = alloc_or_exit(NULL, y->nodes * sizeof(*y->used));
	memset(y->used, 0, y->nodes * sizeof(*y->used));
	return (y);
}

void
conf_free(struct conf *y)
{
	if (y == NULL)
		return;
	yamltext_free(&y->y);
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
		if (is(yamltext_node(&y->y, p->key), key)) {
			y->used[p->key] = true;
			return (yamltext_node(&y->y, p->value));
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
		yamltext_mistake(&y->y, l, "%s is a list: entries that begin with a dash", list);
		return (false);
	}
	if (n >= (size_t)(l->data.sequence.items.top - l->data.sequence.items.start))
		return (false);
	y->entry = yamltext_node(&y->y, l->data.sequence.items.start[n]);
	if (y->entry->type != YAML_MAPPING_NODE)
		yamltext_mistake(&y->y, y->entry, "an entry of %s has keys with values", list);
	return (true);
}

const char *
conf_text(struct conf *y, const char *key, const char *fallback)
{
	yaml_node_t *n = member(y, y->entry, key);

	if (n == NULL && fallback == NULL)
		yamltext_mistake(&y->y, y->entry, "%s is missing", key);
	if (n == NULL)
		return (fallback);
	if (n->type != YAML_SCALAR_NODE || n->data.scalar.length == 0) {
		yamltext_mistake(&y->y, n, "%s needs one value", key);
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
	yamltext_mistake(&y->y, member(y, y->entry, key), "%s must be 1 to %zu characters of A-Z a-z 0-9 . _ : / -, not %.60s", key, max, text);
	return ("");
}

const char *
conf_type(struct conf *y, const char *key)
{
	const char *text = conf_text(y, key, NULL), *near;

	if (text == NULL || catalogue_find(text, strlen(text)) != NULL)
		return (text != NULL ? text : "");
	near = catalogue_nearest(text, strlen(text));
	yamltext_mistake(&y->y, member(y, y->entry, key), "there is no type %.60s; %s%s", text, near != NULL ? "did you mean " : "`estate types` lists them",
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
		yamltext_mistake(&y->y, member(y, y->entry, key), "%s must be a whole number from %" PRId64 " to %" PRId64 ", not %.40s", key, min, max, text);
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
	yamltext_mistake(&y->y, member(y, y->entry, key), "%s must be a time such as 250ms, 90s, 10min, 2h or 3d, not %.40s", key, text);
	return (1);
}

size_t
conf_line(struct conf *y, const char *key)
{
	yaml_node_t *n = member(y, y->entry, key);

	return ((n != NULL ? n : y->entry)->start_mark.line + 1);
}

bool
conf_fine(struct conf *y, char *why, size_t size)
{
	for (yaml_node_t *n = y->y.doc.nodes.start; n < y->y.doc.nodes.top; n++)
		for (yaml_node_pair_t *p = n->type == YAML_MAPPING_NODE ? n->data.mapping.pairs.start : NULL;
		    p != NULL && p < n->data.mapping.pairs.top; p++) {
			yaml_node_t *key = yamltext_node(&y->y, p->key);

			if (!y->used[p->key])
				yamltext_mistake(&y->y, key, "there is no key %.40s",
				    key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "like this");
		}
	if (y->y.mistake[0] != '\0')
		snprintf(why, size, "%s", y->y.mistake);
	return (y->y.mistake[0] == '\0');
}
