#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "batch.h"
#include "nearest.h"

enum kind { TEXT, LIST, BYTES, COUNT, SPAN };
enum change { RELOAD, RESTART };

static const struct row {
	const char *name;
	enum kind kind;
	enum change change;
	size_t offset;
	const char *def;
	uint64_t min, max;
	const char *unit, *text;
} rows[] = {
#define SETTING(kind, name, change, def, min, max, unit, text) \
	{ #name, kind, change, offsetof(struct settings, name), def, min, max, unit, text },
#include "settings.def"
#undef SETTING
};
#define ROWS	(sizeof(rows) / sizeof(rows[0]))

struct list {
	char *items[SETTING_LIST_MAX];
	unsigned count;
};

/* Where each value in force comes from: "default", "FILE:LINE" or "command line". */
struct holder {
	struct settings settings;
	char *origin[ROWS];
};

static void *
value_of(struct settings *s, const struct row *row)
{
	return ((char *)s + row->offset);
}

static const struct row *
find_row(const char *name)
{
	for (unsigned i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (&rows[i]);
	return (NULL);
}

static const char *
nearest_row(const char *name)
{
	struct nearest n;

	nearest_begin(&n, name, strlen(name));
	for (unsigned i = 0; i < ROWS; i++)
		nearest_offer(&n, rows[i].name);
	return (n.best != NULL ? n.best : rows[0].name);
}

/* What may follow a number, and what it multiplies it by. */
static const struct unit {
	enum kind kind;
	const char *suffix;
	uint64_t factor;
} units[] = {
	{ COUNT, "", 1 },
	{ BYTES, "", 1 }, { BYTES, "KiB", 1ull << 10 }, { BYTES, "MiB", 1ull << 20 }, { BYTES, "GiB", 1ull << 30 }, { BYTES, "TiB", 1ull << 40 },
	{ SPAN, "s", 1 }, { SPAN, "min", 60 }, { SPAN, "h", 3600 }, { SPAN, "d", 86400 },
};

static const struct unit *
find_unit(enum kind kind, const char *suffix, uint64_t value)
{
	/* No time at all is the same in every unit. */
	if (kind == SPAN && value == 0 && *suffix == '\0')
		suffix = "s";
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].kind == kind && strcmp(units[i].suffix, suffix) == 0)
			return (&units[i]);
	return (NULL);
}

static int
parse_integer(const struct row *row, const char *text, uint64_t *v, char *why, size_t why_len)
{
	const struct unit *unit = NULL;
	char *end;

	errno = 0;
	*v = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && errno == 0)
		unit = find_unit(row->kind, end, *v);
	if (unit == NULL) {
		snprintf(why, why_len, "%s: \"%.40s\" is no %s", row->name, text, row->kind == SPAN ? "time; write 90s, 15min, 12h or 800d" :
		    row->kind == BYTES ? "number; write 16777216 or 16MiB" : "number");
		return (-1);
	}
	if (*v > UINT64_MAX / unit->factor || *v * unit->factor < row->min || *v * unit->factor > row->max) {
		snprintf(why, why_len, "%s: %.40s is out of range: %llu to %llu %s", row->name, text, (unsigned long long)row->min,
		    (unsigned long long)row->max, row->kind == SPAN ? "seconds" : row->unit);
		return (-1);
	}
	*v *= unit->factor;
	return (0);
}

static int
check_text(const struct row *row, const char *text, char *why, size_t why_len)
{
	size_t n = strlen(text);

	if (row->kind == TEXT && (n < row->min || n > row->max)) {
		snprintf(why, why_len, "%s: %zu bytes; %llu to %llu are allowed", row->name, n, (unsigned long long)row->min,
		    (unsigned long long)row->max);
		return (-1);
	}
	if (strcmp(row->name, "log_level") == 0 && strcmp(text, "error") != 0 && strcmp(text, "warn") != 0 &&
	    strcmp(text, "info") != 0 && strcmp(text, "debug") != 0) {
		snprintf(why, why_len, "log_level: \"%.40s\" is none of error, warn, info, debug", text);
		return (-1);
	}
	return (0);
}

/* Set a scalar, or add to a list. */
static int
set_value(struct settings *s, const struct row *row, const char *text, char *why, size_t why_len)
{
	uint64_t v;

	if (row->kind == BYTES || row->kind == COUNT || row->kind == SPAN) {
		if (parse_integer(row, text, &v, why, why_len) != 0)
			return (-1);
		*(uint64_t *)value_of(s, row) = v;
		return (0);
	}
	if (check_text(row, text, why, why_len) != 0)
		return (-1);
	if (row->kind == TEXT) {
		char **field = value_of(s, row);

		free(*field);
		*field = must_strdup(text);
		return (0);
	}
	struct list *list = value_of(s, row);

	if (list->count >= row->max) {
		snprintf(why, why_len, "%s: at most %llu %s", row->name, (unsigned long long)row->max, row->unit);
		return (-1);
	}
	list->items[list->count++] = must_strdup(text);
	return (0);
}

static void
empty_list(struct settings *s, const struct row *row)
{
	struct list *list = value_of(s, row);

	while (list->count > 0)
		free(list->items[--list->count]);
}

static void
set_origin(struct settings *s, const struct row *row, const char *origin)
{
	struct holder *h = (struct holder *)s;

	free(h->origin[row - rows]);
	h->origin[row - rows] = must_strdup(origin);
}

struct settings *
settings_new(void)
{
	struct holder *h = must_alloc(sizeof(*h));
	char why[256];

	memset(h, 0, sizeof(*h));
	for (unsigned i = 0; i < ROWS; i++) {
		if (set_value(&h->settings, &rows[i], rows[i].def, why, sizeof(why)) != 0)
			abort();
		set_origin(&h->settings, &rows[i], "default");
	}
	return (&h->settings);
}

void
settings_free(struct settings *s)
{
	struct holder *h = (struct holder *)s;

	if (s == NULL)
		return;
	for (unsigned i = 0; i < ROWS; i++) {
		if (rows[i].kind == TEXT)
			free(*(char **)value_of(s, &rows[i]));
		else if (rows[i].kind == LIST)
			empty_list(s, &rows[i]);
		free(h->origin[i]);
	}
	free(h);
}

/* A scalar of the file.  YAML's null is no text: it would be a folder named "~". */
static int
read_scalar(struct settings *s, const struct row *row, const yaml_node_t *node, char *why, size_t why_len)
{
	static const char *const nulls[] = { "~", "null", "Null", "NULL" };
	const char *text = (const char *)node->data.scalar.value;

	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (row->kind == TEXT || row->kind == LIST))
		for (unsigned i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
			if (strcmp(text, nulls[i]) == 0) {
				snprintf(why, why_len, "%s: %s is no value in YAML; write one, in quotes if it is meant, or leave the line out",
				    row->name, text);
				return (-1);
			}
	return (set_value(s, row, text, why, why_len));
}

static int
read_sequence(struct settings *s, const struct row *row, yaml_document_t *doc, const yaml_node_t *node, char *why, size_t why_len)
{
	empty_list(s, row);
	for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
		const yaml_node_t *item = yaml_document_get_node(doc, *i);

		if (item->type != YAML_SCALAR_NODE) {
			snprintf(why, why_len, "%s: a list of %s", row->name, row->unit);
			return (-1);
		}
		if (read_scalar(s, row, item, why, why_len) != 0)
			return (-1);
	}
	if (((struct list *)value_of(s, row))->count >= row->min)
		return (0);
	snprintf(why, why_len, "%s: at least %llu %s", row->name, (unsigned long long)row->min, row->unit);
	return (-1);
}

static int
read_pair(struct settings *s, yaml_document_t *doc, const yaml_node_t *key, const yaml_node_t *value, bool *seen, const char *file,
    char *why, size_t why_len)
{
	const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
	const struct row *row;
	char reason[256] = "", origin[4200];
	int rc = -1;

	snprintf(origin, sizeof(origin), "%s:%zu", file, value->start_mark.line + 1);
	if (key->type != YAML_SCALAR_NODE)
		snprintf(reason, sizeof(reason), "a key is a word");
	else if ((row = find_row(name)) == NULL)
		snprintf(reason, sizeof(reason), "there is no setting \"%.40s\"; the nearest is \"%s\"", name, nearest_row(name));
	else if (seen[row - rows])
		snprintf(reason, sizeof(reason), "\"%s\" is set twice", name);
	else {
		seen[row - rows] = true;
		set_origin(s, row, origin);
		if (value->type == YAML_SEQUENCE_NODE && row->kind == LIST)
			rc = read_sequence(s, row, doc, value, reason, sizeof(reason));
		else if (value->type == YAML_SCALAR_NODE) {
			if (row->kind == LIST)
				empty_list(s, row);
			rc = read_scalar(s, row, value, reason, sizeof(reason));
		} else
			snprintf(reason, sizeof(reason), "%s: must be %s", name, row->kind == LIST ? "a list" : "a single value");
	}
	if (rc != 0)
		snprintf(why, why_len, "%s:%zu: %s", file, key->start_mark.line + 1, reason);
	return (rc);
}

static int
read_document(struct settings *s, yaml_document_t *doc, const char *file, char *why, size_t why_len)
{
	const yaml_node_t *root = yaml_document_get_root_node(doc);
	bool seen[ROWS] = { false };

	if (root == NULL)
		return (0);
	if (root->type != YAML_MAPPING_NODE) {
		snprintf(why, why_len, "%s:%zu: must be \"name: value\" lines", file, root->start_mark.line + 1);
		return (-1);
	}
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++)
		if (read_pair(s, doc, yaml_document_get_node(doc, p->key), yaml_document_get_node(doc, p->value), seen, file, why,
		    why_len) != 0)
			return (-1);
	return (0);
}

/* What follows the first document would be in force nowhere. */
static int
refuse_another(yaml_parser_t *parser, const char *file, char *why, size_t why_len)
{
	yaml_document_t doc;
	size_t line;
	bool another;

	if (!yaml_parser_load(parser, &doc)) {
		snprintf(why, why_len, "%s:%zu: %s", file, parser->problem_mark.line + 1,
		    parser->problem != NULL ? parser->problem : "no YAML");
		return (-1);
	}
	another = yaml_document_get_root_node(&doc) != NULL;
	line = doc.start_mark.line + 1;
	yaml_document_delete(&doc);
	if (another)
		snprintf(why, why_len, "%s:%zu: a second document begins here; write all settings in one, without \"---\" between", file, line);
	return (another ? -1 : 0);
}

/* A pipe would let the start wait for a writer that never comes, and SIGHUP find nothing. */
static FILE *
open_regular(const char *file, char *why, size_t why_len)
{
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *f = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		snprintf(why, why_len, "%s is no regular file; name a file of settings with --config", file);
	else if (fd < 0 || (f = fdopen(fd, "r")) == NULL)
		snprintf(why, why_len, "cannot read %s: %s", file, strerror(errno));
	if (f == NULL && fd >= 0)
		close(fd);
	return (f);
}

int
settings_read(struct settings *s, const char *file, char *why, size_t why_len)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	FILE *f;
	int rc;

	if ((f = open_regular(file, why, why_len)) == NULL)
		return (-1);
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &doc)) {
		snprintf(why, why_len, "%s:%zu: %s", file, parser.problem_mark.line + 1,
		    parser.problem != NULL ? parser.problem : "no YAML");
		rc = -1;
	} else {
		rc = read_document(s, &doc, file, why, why_len);
		yaml_document_delete(&doc);
		if (rc == 0)
			rc = refuse_another(&parser, file, why, why_len);
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return (rc);
}

int
settings_set(struct settings *s, const char *name, const char *value, char *why, size_t why_len)
{
	struct holder *h = (struct holder *)s;
	const struct row *row = find_row(name);

	if (row->kind == LIST && strcmp(h->origin[row - rows], "command line") != 0)
		empty_list(s, row);
	set_origin(s, row, "command line");
	return (set_value(s, row, value, why, why_len));
}

void
settings_blame(const struct settings *s, const char *name, char *why, size_t why_len)
{
	const char *origin = ((const struct holder *)s)->origin[find_row(name) - rows];
	char *reason;

	if (strchr(origin, ':') == NULL)
		return;
	reason = must_strdup(why);
	snprintf(why, why_len, "%s: %s", origin, reason);
	free(reason);
}

bool
settings_is_default(const struct settings *s, const char *name)
{
	const struct row *row = find_row(name);

	return (row->kind == TEXT && strcmp(*(char *const *)((const char *)s + row->offset), row->def) == 0);
}

/* A value as a settings file could have it. */
static void
print_value(const struct settings *s, const struct row *row, FILE *f)
{
	const void *v = (const char *)s + row->offset;

	if (row->kind == TEXT)
		fprintf(f, "\"%s\"", *(char *const *)v);
	else if (row->kind == LIST) {
		const struct list *list = v;

		fputc('[', f);
		for (unsigned k = 0; k < list->count; k++)
			fprintf(f, "%s\"%s\"", k > 0 ? ", " : "", list->items[k]);
		fputc(']', f);
	} else
		fprintf(f, "%llu%s", (unsigned long long)*(const uint64_t *)v, row->kind == SPAN ? "s" : "");
}

void
settings_print(const struct settings *s, FILE *f)
{
	const struct holder *h = (const struct holder *)s;

	for (unsigned i = 0; i < ROWS; i++) {
		fprintf(f, "%s: ", rows[i].name);
		print_value(s, &rows[i], f);
		fprintf(f, "\t# %s\n", h->origin[i]);
	}
}

static char *
value_text(const struct settings *s, const struct row *row)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	print_value(s, row, f);
	if (fclose(f) != 0)
		abort();
	return (text);
}

static void
exchange(void *a, void *b, size_t n)
{
	char held[sizeof(struct list)];

	memcpy(held, a, n);
	memcpy(a, b, n);
	memcpy(b, held, n);
}

void
settings_exchange(struct settings *s, struct settings *now, settings_tell *tell, void *arg)
{
	static const size_t sizes[] = { [TEXT] = sizeof(char *), [LIST] = sizeof(struct list), [BYTES] = sizeof(uint64_t),
	    [COUNT] = sizeof(uint64_t), [SPAN] = sizeof(uint64_t) };
	struct holder *mine = (struct holder *)s, *others = (struct holder *)now;

	for (unsigned i = 0; i < ROWS; i++) {
		char *before = value_text(s, &rows[i]), *after = value_text(now, &rows[i]);

		if (strcmp(before, after) != 0)
			tell(arg, rows[i].name, rows[i].change == RELOAD, before, after, others->origin[i]);
		if (rows[i].change == RELOAD) {
			exchange(value_of(s, &rows[i]), value_of(now, &rows[i]), sizes[rows[i].kind]);
			exchange(&mine->origin[i], &others->origin[i], sizeof(mine->origin[i]));
		}
		free(before);
		free(after);
	}
}

enum log_level
settings_log_level(const struct settings *s)
{
	switch (s->log_level[0]) {
	case 'e': return (LOG_ERROR);
	case 'w': return (LOG_WARN);
	case 'd': return (LOG_DEBUG);
	default: return (LOG_INFO);
	}
}

void
settings_document(FILE *f)
{
	fprintf(f, "# Settings of estated\n\nFrom `daemon/settings.def`. A change of those marked *reload* is applied on SIGHUP (`systemctl reload estated`); "
	    "the others need a start,\nand SIGHUP says so.\n\n| setting | default | bounds | unit | change | |\n|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < ROWS; i++)
		fprintf(f, "| %s | `%s` | %llu–%llu | %s | %s | %s |\n", rows[i].name, rows[i].def, (unsigned long long)rows[i].min,
		    (unsigned long long)rows[i].max, rows[i].unit, rows[i].change == RELOAD ? "reload" : "start", rows[i].text);
}
