/*
 * Templates against the rest of the configuration, for --check-config: what the rules of the other workers name is there, and fills in nothing
 * but what those workers give.  A typing error would else be found by whoever is not told.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sender.h"
#include "nearest.h"
#include "yamltext.h"

#define FILE_BYTES_MAX	61440u

/* Named in the code of the workers, and what is given with each. */
static const struct {
	const char *name, *gives;
} fixed[] = {
	{ "obligation-opened", " obligation rule " },
	{ "obligation-warned", " obligation rule " },
	{ "obligation-breached", " obligation rule " },
	{ "obligation-forgotten", " obligation rule " },
	{ "role-empty", " role " },
};

/* What is given with those that a file of rules names. */
static const struct {
	const char *file, *gives;
} by_file[] = {
	{ "dunning.yaml", " household bills amount due " },
};

/* Who is asked for money is not threatened with it either. */
static const char *const cutting[] = { "停水", "停电", "停气", "停热", "停暖", "停供", "断水", "断电", "断气", "cut off", "disconnect", NULL };

static bool
fits(const struct templates *all, const char *name, const char *gives, const char *where, char *why, size_t size)
{
	const struct template *t = templates_find(all, name);
	struct nearest n;
	const char *beyond;

	if (t == NULL) {
		nearest_begin(&n, name, strlen(name));
		for (unsigned i = 0; i < templates_count(all); i++)
			nearest_offer(&n, templates_name(all, i));
		snprintf(why, size, "%s: there is no template %s; %s%s", where, name, n.best != NULL ? "did you mean " : "templates/ has none near it",
		    n.best != NULL ? n.best : "");
		return (false);
	}
	if (gives != NULL && (beyond = template_beyond(t, gives)) != NULL) {
		snprintf(why, size, "template %s: {{%s}} is not given by %s, which gives%s", name, beyond, where, gives);
		return (false);
	}
	return (true);
}

static bool
threatens(const struct templates *all, const char *name, const char *where, char *why, size_t size)
{
	const struct template *t = templates_find(all, name);
	const char *word = t != NULL ? template_says(t, cutting) : NULL;

	if (word != NULL)
		snprintf(why, size, "template %s, which %s names: \"%s\": 民法典 944: whoever owes fees is not pressed with power, water, heat or gas; "
		    "the last means is a court", name, where, word);
	return (word != NULL);
}

/* Every value of a key "template", wherever it stands. */
static bool
check_document(const struct templates *all, yaml_document_t *doc, const char *gives, const char *path, char *why, size_t size)
{
	char where[4600];

	for (yaml_node_t *n = doc->nodes.start; n < doc->nodes.top; n++) {
		if (n->type != YAML_MAPPING_NODE)
			continue;
		for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
			const yaml_node_t *key = yaml_document_get_node(doc, p->key), *value = yaml_document_get_node(doc, p->value);

			if (key->type != YAML_SCALAR_NODE || value->type != YAML_SCALAR_NODE || strcmp((const char *)key->data.scalar.value, "template") != 0)
				continue;
			snprintf(where, sizeof(where), "%s line %zu", path, value->start_mark.line + 1);
			if (!fits(all, (const char *)value->data.scalar.value, gives, where, why, size) ||
			    (gives != NULL && threatens(all, (const char *)value->data.scalar.value, where, why, size)))
				return (false);
		}
	}
	return (true);
}

static bool
check_file(const struct templates *all, const char *path, const char *name, char *why, size_t size)
{
	char *text, reason[400];
	const char *gives = NULL;
	struct yamltext y;
	FILE *f = fopen(path, "re");
	size_t n;
	bool fine;

	if (f == NULL)
		return (snprintf(why, size, "%s: %s", path, strerror(errno)), false);
	text = alloc_or_exit(NULL, FILE_BYTES_MAX + 1);
	n = fread(text, 1, FILE_BYTES_MAX, f);
	text[n] = '\0';
	fclose(f);
	for (size_t i = 0; i < sizeof(by_file) / sizeof(*by_file); i++)
		if (strcmp(by_file[i].file, name) == 0)
			gives = by_file[i].gives;
	fine = yamltext_load(&y, text, "a file of rules", reason, sizeof(reason)) != NULL;
	free(text);
	if (!fine)
		return (snprintf(why, size, "%s: %s", path, reason), false);
	fine = check_document(all, &y.doc, gives, path, why, size);
	yamltext_free(&y);
	return (fine);
}

static int
is_rules(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return (n > 5 && d->d_name[0] != '.' && strcmp(d->d_name + n - 5, ".yaml") == 0);
}

bool
templates_named(const struct templates *all, const char *folder, char *why, size_t size)
{
	struct dirent **found;
	char rules[4200], path[4500];
	bool fine = true;
	int n;

	snprintf(rules, sizeof(rules), "%.4100s/rules", folder);
	n = scandir(rules, &found, is_rules, alphasort);
	if (n < 0 && errno == ENOENT)
		return (true);		/* the other workers have their rules elsewhere */
	if (n < 0)
		return (snprintf(why, size, "%s: %s", rules, strerror(errno)), false);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%.4200s/%.255s", rules, found[i]->d_name);
		fine = fine && check_file(all, path, found[i]->d_name, why, size);
		free(found[i]);
	}
	free(found);
	for (size_t i = 0; fine && i < sizeof(fixed) / sizeof(*fixed); i++)
		fine = fits(all, fixed[i].name, fixed[i].gives, "estate-escalate", why, size);
	return (fine);
}
