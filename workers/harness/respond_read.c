/* Reading the script of answers. */
#include "respond_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"

void *
respond_alloc(struct respond *r, size_t size)
{
	struct block *b = alloc_or_exit(NULL, sizeof(*b) + size);

	b->next = r->blocks;
	r->blocks = b;
	return (memset(b->data, 0, size));
}

/* The value under a key of a map, or NULL. */
static yaml_node_t *
value_of(struct reader *f, yaml_node_t *map, const char *key)
{
	yaml_node_t *k, *value;
	const char *name;

	for (unsigned i = 0; map->type == YAML_MAPPING_NODE && yamltext_pair(&f->y, map, "an answer", i, &k, &name, &value); i++)
		if (strcmp(name, key) == 0)
			return (value);
	return (NULL);
}

/* ---- Shares ---- */

static void
read_shares(struct reader *f, yaml_node_t *n, void *into)
{
	yaml_node_t *key, *value;
	const char *name, *text;

	(void)into;
	for (unsigned i = 0; yamltext_pair(&f->y, n, "shares", i, &key, &name, &value); i++) {
		struct share *s = &f->share[f->shares];

		if (f->shares == SHARES_MAX) {
			yamltext_mistake(&f->y, key, "more than %u shares", SHARES_MAX);
			return;
		}
		s->name = script_copy(f, name, strlen(name));
		if ((text = yamltext_text(&f->y, value, "share")) != NULL && !script_percent(text, &s->permille))
			yamltext_mistake(&f->y, value, "%s is a per cent such as 25 or 12.5, not %.40s", name, text);
		f->shares++;
	}
}

/* NAME=PERCENT of the command. */
static bool
override(struct reader *f, const char *given)
{
	const char *sign = strchr(given, '=');
	struct nearest near;
	char room[MEANT];
	uint16_t permille;

	if (sign == NULL || !script_percent(sign + 1, &permille)) {
		fprintf(stderr, "--share %s: NAME=PERCENT, such as unrated=60\n", given);
		return (false);
	}
	nearest_begin(&near, given, (size_t)(sign - given));
	for (unsigned i = 0; i < f->shares; i++) {
		if (mp_equal(given, (uint32_t)(sign - given), f->share[i].name)) {
			f->share[i].permille = permille;
			return (true);
		}
		nearest_offer(&near, f->share[i].name);
	}
	fprintf(stderr, "--share %s: %s has no such share%s\n", given, f->r->path, script_meant(&near, room));
	return (false);
}

/* ---- One answer ---- */

static void
read_share(struct reader *f, yaml_node_t *n, void *into)
{
	((struct choice *)into)->permille = script_share(f, n);
}

static void
read_subject(struct reader *f, yaml_node_t *n, void *into)
{
	struct choice *c = into;

	if ((c->subject = script_text(f, n, "subject")) != NULL)
		script_references(f, n, c->subject);
}

static void
read_choice(struct reader *f, yaml_node_t *n, struct answer *a)
{
	/* type first: the fields depend on it. */
	static const struct key keys[] = { { "share", read_share }, { "type", NULL }, { "subject", read_subject }, { "data", NULL } };
	struct key all[KEYS(keys) + TIMING_KEYS];
	struct choice *c = &a->choice[a->choices];
	yaml_node_t *type, *data;
	const char *name;

	if (a->choices == CHOICES_MAX) {
		yamltext_mistake(&f->y, n, "more than %u choices", CHOICES_MAX);
		return;
	}
	c->permille = REST;
	c->time = a->time;
	memcpy(all, keys, sizeof(keys));
	for (unsigned i = 0; i < TIMING_KEYS; i++)
		all[KEYS(keys) + i] = (struct key){ script_timing[i].name, NULL };
	script_map(f, n, all, KEYS(all), "a choice", c);
	for (unsigned i = 0; i < TIMING_KEYS && script_fine(f); i++)
		if ((data = value_of(f, n, script_timing[i].name)) != NULL)
			script_timing[i].read(f, data, &c->time);
	type = value_of(f, n, "type");
	if (type == NULL)
		yamltext_mistake(&f->y, n, "a choice needs a type: the event it answers with");
	else if (script_fine(f) && (name = yamltext_text(&f->y, type, "type")) != NULL && strcmp(name, "none") != 0)
		c->type = script_type(f, type, name);
	if (script_fine(f) && (data = value_of(f, n, "data")) != NULL)
		script_data(f, data, c);
	if (script_fine(f) && c->type != NULL)
		script_complete(f, n, c);
	a->choices++;
}

static void
read_choose(struct reader *f, yaml_node_t *n, struct answer *a)
{
	yaml_node_t *item;

	for (unsigned i = 0; script_fine(f) && (item = script_item(f, n, i)) != NULL; i++)
		read_choice(f, item, a);
	if (a->choices > 0)
		script_settle(f, n, &a->choice[0].permille, sizeof(a->choice[0]), a->choices);
}

static void
read_name(struct reader *f, yaml_node_t *n, void *into)
{
	struct answer *a = into;

	if ((a->name = script_text(f, n, "name")) != NULL && (!id_valid(a->name, strlen(a->name)) || strlen(a->name) > 48))
		yamltext_mistake(&f->y, n, "name is 1 to 48 characters of A-Z a-z 0-9 . _ : / -, not %.40s", a->name);
}

static void
read_at(struct reader *f, yaml_node_t *n, void *into)
{
	struct answer *a = into;
	const char *text = yamltext_text(&f->y, n, "at");

	if (text != NULL && (strlen(text) != 5 || !yamltext_clock(text, &a->minute) || a->minute == 1440))
		yamltext_mistake(&f->y, n, "at is an hour of the day such as \"09:00\", not %.40s", text);
}

static void
read_times(struct reader *f, yaml_node_t *n, void *into)
{
	struct answer *a = into;
	const char *text = yamltext_text(&f->y, n, "times");
	char *end;

	if (text == NULL)
		return;
	a->times = (unsigned)strtoul(text, &end, 10);
	if (*end != '\0' || a->times < 1 || a->times > 1000)
		yamltext_mistake(&f->y, n, "times is a whole number from 1 to 1000, not %.40s", text);
}

static void
read_unless(struct reader *f, yaml_node_t *n, void *into)
{
	struct answer *a = into;
	yaml_node_t *item;

	for (; script_fine(f) && (item = script_item(f, n, a->unlesses)) != NULL; a->unlesses++) {
		if (a->unlesses == UNLESS_MAX) {
			yamltext_mistake(&f->y, item, "more than %u events", UNLESS_MAX);
			return;
		}
		script_trigger(f, item, &a->unless[a->unlesses], false, true);
	}
}

static void
read_answer(struct reader *f, yaml_node_t *n)
{
	static const struct key keys[] = { { "name", read_name }, { "on", NULL }, { "ask", NULL }, { "at", read_at }, { "unless", read_unless },
	    { "times", read_times }, { "choose", NULL }, { "from", NULL }, { "after", NULL }, { "within", NULL } };
	struct respond *r = f->r;
	struct answer *a = respond_alloc(r, sizeof(*a));
	yaml_node_t *on, *value;

	f->on = &a->on;
	r->list[r->count++] = a;
	script_map(f, n, keys, KEYS(keys), "an answer", a);
	if (!script_fine(f))
		return;
	if (a->name == NULL)
		yamltext_mistake(&f->y, n, "an answer needs a name, by which it draws");
	for (unsigned i = 0; script_fine(f) && a->name != NULL && i + 1 < r->count; i++)
		if (strcmp(r->list[i]->name, a->name) == 0)
			yamltext_mistake(&f->y, n, "%s is the name of two answers", a->name);
	a->asks = (on = value_of(f, n, "ask")) != NULL;
	if ((value_of(f, n, "on") != NULL) == a->asks)
		yamltext_mistake(&f->y, n, "an answer needs one of on and ask");
	if (a->asks != (value_of(f, n, "at") != NULL))
		yamltext_mistake(&f->y, n, "ask and at belong together: what the worker is asked, and at which hour of each day");
	if (!script_fine(f))
		return;
	script_trigger(f, a->asks ? on : value_of(f, n, "on"), &a->on, a->asks, false);
	for (unsigned i = 0; script_fine(f) && i < TIMING_KEYS; i++)
		if ((value = value_of(f, n, script_timing[i].name)) != NULL)
			script_timing[i].read(f, value, &a->time);
	if (script_fine(f) && (value = value_of(f, n, "choose")) != NULL)
		read_choose(f, value, a);
	if (script_fine(f) && a->choices == 0)
		yamltext_mistake(&f->y, n, "%s answers nothing: choose is missing", a->name);
}

/* ---- The whole ---- */

static void
read_seed(struct reader *f, yaml_node_t *n, void *into)
{
	const char *text = yamltext_text(&f->y, n, "seed");
	char *end;

	(void)into;
	if (text == NULL)
		return;
	errno = 0;
	f->r->seed = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || *text == '-')
		yamltext_mistake(&f->y, n, "seed is a whole number, not %.40s", text);
}

static void
read_answers(struct reader *f, yaml_node_t *n)
{
	yaml_node_t *item;

	for (unsigned i = 0; script_fine(f) && (item = script_item(f, n, i)) != NULL; i++) {
		if (i == ANSWERS_MAX) {
			yamltext_mistake(&f->y, item, "more than %u answers", ANSWERS_MAX);
			return;
		}
		read_answer(f, item);
	}
}

static bool
read_script(struct reader *f, const char *text, const char *const *shares, unsigned count, char *why, size_t size)
{
	static const struct key keys[] = { { "seed", read_seed }, { "shares", read_shares }, { "answers", NULL } };
	yaml_node_t *top = yamltext_load(&f->y, text, "the script", why, size), *answers;
	bool given = true;

	if (top == NULL)
		return (false);
	script_map(f, top, keys, KEYS(keys), "the script", NULL);
	for (unsigned i = 0; script_fine(f) && given && i < count; i++)
		given = override(f, shares[i]);
	answers = value_of(f, top, "answers");
	if (answers == NULL)
		yamltext_mistake(&f->y, top, "there are no answers");
	else if (script_fine(f))
		read_answers(f, answers);
	if (!script_fine(f))
		snprintf(why, size, "%s", f->y.mistake);
	else if (!given)
		why[0] = '\0';
	given &= script_fine(f);
	yamltext_free(&f->y);
	return (given);
}

/* The whole file; NULL after a sentence. */
static char *
read_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t len, where;

	if (in != NULL) {
		text = alloc_or_exit(NULL, RESPOND_BYTES_MAX + 2);
		len = fread(text, 1, RESPOND_BYTES_MAX + 1, in);
		text[len] = '\0';
		if (!ferror(in) && len <= RESPOND_BYTES_MAX && mp_utf8(text, len, &where) && strlen(text) == len) {
			fclose(in);
			return (text);
		}
	}
	if (in == NULL || ferror(in))
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	else
		fprintf(stderr, "%s: a script of answers is UTF-8 text of up to %u bytes\n", path, RESPOND_BYTES_MAX);
	if (in != NULL)
		fclose(in);
	free(text);
	return (NULL);
}

struct respond *
respond_read(const char *path, const char *const *shares, unsigned count)
{
	char *text = read_file(path), why[400] = "";
	struct reader f = { .shares = 0 };

	if (text == NULL)
		return (NULL);
	f.r = alloc_or_exit(NULL, sizeof(*f.r));
	memset(f.r, 0, sizeof(*f.r));
	f.r->path = path;
	heap_init(&f.r->heap, sizeof(struct planned));
	f.r->list = respond_alloc(f.r, ANSWERS_MAX * sizeof(*f.r->list));
	if (!read_script(&f, text, shares, count, why, sizeof(why))) {
		if (strncmp(why, "line ", 5) == 0)
			fprintf(stderr, "%s:%s\n", path, why + 5);
		respond_free(f.r);
		f.r = NULL;
	}
	free(text);
	return (f.r);
}

void
respond_free(struct respond *r)
{
	struct planned p;
	struct block *next;

	if (r == NULL)
		return;
	while (heap_first(&r->heap) != NULL) {
		heap_take(&r->heap, &p);
		free(p.bytes);
	}
	heap_free(&r->heap);
	free(r->taken.bytes);
	free(r->times.list);
	free(r->past.list);
	for (struct block *b = r->blocks; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(r);
}
