/* The list of clients as YAML: read with the line of what is wrong, and written whole. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "batch.h"
#include "clients.h"
#include "files.h"
#include "nearest.h"

struct reader {
	struct clients *list;
	enum client_origin origin;
	const char *file;
	yaml_document_t *doc;
	char *why;
	size_t why_len;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct reader *r, const yaml_node_t *at, const char *fmt, ...)
{
	char reason[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	snprintf(r->why, r->why_len, "%s:%zu: %s", r->file, at->start_mark.line + 1, reason);
	return (-1);
}

static const char *
scalar(const yaml_node_t *n)
{
	return (n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL);
}

/* One key of an entry with its value or values. */
static int
read_pair(const struct reader *r, struct client_entry *e, const yaml_node_t *key, const yaml_node_t *value)
{
	const char *one[1] = { scalar(value) }, **values = one;
	bool list = value->type == YAML_SEQUENCE_NODE;
	unsigned count = 1;
	char why[512] = "";
	int rc;

	if (scalar(key) == NULL)
		return (refuse(r, key, "a key is a word"));
	if (list) {
		count = (unsigned)(value->data.sequence.items.top - value->data.sequence.items.start);
		values = must_alloc((count + 1) * sizeof(*values));
		for (unsigned i = 0; i < count; i++)
			if ((values[i] = scalar(yaml_document_get_node(r->doc, value->data.sequence.items.start[i]))) == NULL)
				break;
		for (unsigned i = 0; i < count; i++)
			if (values[i] == NULL) {
				free(values);
				return (refuse(r, value, "%s: a list of words", scalar(key)));
			}
	} else if (one[0] == NULL)
		return (refuse(r, key, "%s: must be a value or a list of values", scalar(key)));
	if ((rc = entry_set(e, scalar(key), values, count, list, why, sizeof(why))) != 0)
		refuse(r, key, "%s", why);
	if (list)
		free(values);
	return (rc);
}

static int
read_entry(const struct reader *r, const yaml_node_t *node, bool is_role)
{
	char why[512] = "";
	struct client_entry e;
	int rc = 0;

	if (node->type != YAML_MAPPING_NODE)
		return (refuse(r, node, "a %s is a map of \"name: value\" lines", is_role ? "role" : "client"));
	entry_begin(&e, is_role);
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; rc == 0 && p < node->data.mapping.pairs.top; p++)
		rc = read_pair(r, &e, yaml_document_get_node(r->doc, p->key), yaml_document_get_node(r->doc, p->value));
	if (rc == 0 && (rc = is_role ? entry_finish_role(&e, r->list, why, sizeof(why)) :
	    entry_finish_client(&e, r->list, r->origin, why, sizeof(why))) != 0)
		refuse(r, node, "%s", why);
	entry_clear(&e);
	return (rc);
}

static int
read_revoked(const struct reader *r, const yaml_node_t *node)
{
	const char *name = scalar(node);

	if (name == NULL || !id_valid(name, strlen(name)))
		return (refuse(r, node, "revoked: a list of names"));
	r->list->revoked = must_realloc(r->list->revoked, (r->list->revoked_count + 1) * sizeof(char *));
	r->list->revoked[r->list->revoked_count++] = must_strdup(name);
	return (0);
}

/* The parts of the file, in the order they are read in: roles are there before clients have them. */
static const char *const parts[] = { "roles", "clients", "revoked" };

static int
read_part(const struct reader *r, unsigned part, const yaml_node_t *value)
{
	/* Nothing behind the colon is an empty list. */
	if (value->type == YAML_SCALAR_NODE && value->data.scalar.length == 0)
		return (0);
	if (value->type != YAML_SEQUENCE_NODE)
		return (refuse(r, value, "%s: must be a list", parts[part]));
	for (yaml_node_item_t *i = value->data.sequence.items.start; i < value->data.sequence.items.top; i++) {
		const yaml_node_t *item = yaml_document_get_node(r->doc, *i);

		if ((part == 2 ? read_revoked(r, item) : read_entry(r, item, part == 0)) != 0)
			return (-1);
	}
	return (0);
}

static int
find_part(const struct reader *r, const yaml_node_t *key, bool *seen)
{
	/* Only the daemon's own part says who is revoked. */
	unsigned count = r->origin == CLIENT_ADDED ? 3 : 2;
	struct nearest n;

	if (scalar(key) == NULL)
		return (refuse(r, key, "a key is a word"));
	nearest_begin(&n, scalar(key), strlen(scalar(key)));
	for (unsigned i = 0; i < count; i++) {
		nearest_offer(&n, parts[i]);
		if (strcmp(scalar(key), parts[i]) != 0)
			continue;
		if (seen[i])
			return (refuse(r, key, "\"%s\" is said twice", parts[i]));
		seen[i] = true;
		return (0);
	}
	return (refuse(r, key, "there is no \"%.40s\" here; the nearest is \"%s\"", scalar(key), n.best != NULL ? n.best : "clients"));
}

static int
read_document(const struct reader *r)
{
	const yaml_node_t *root = yaml_document_get_root_node(r->doc);
	bool seen[3] = { false };

	if (root == NULL)
		return (0);
	if (root->type != YAML_MAPPING_NODE)
		return (refuse(r, root, "must be \"roles:\" and \"clients:\""));
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++)
		if (find_part(r, yaml_document_get_node(r->doc, p->key), seen) != 0)
			return (-1);
	for (unsigned part = 0; part < 3; part++)
		for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++)
			if (strcmp(scalar(yaml_document_get_node(r->doc, p->key)), parts[part]) == 0 &&
			    read_part(r, part, yaml_document_get_node(r->doc, p->value)) != 0)
				return (-1);
	return (0);
}

int
clients_read(struct clients *list, const char *file, enum client_origin origin, bool allowed, char *why, size_t why_len)
{
	yaml_document_t doc;
	struct reader r = { list, origin, file, &doc, why, why_len };
	yaml_parser_t parser;
	struct stat st;
	FILE *f;
	int rc;

	if ((f = fopen(file, "re")) == NULL) {
		if (errno == ENOENT && allowed)
			return (0);
		snprintf(why, why_len, "cannot read %s: %s", file, strerror(errno));
		return (-1);
	}
	if (fstat(fileno(f), &st) == 0 && (st.st_mode & S_IWOTH) != 0) {
		snprintf(why, why_len, "everybody may write %s: chmod o-w it", file);
		fclose(f);
		return (-1);
	}
	list->listed = true;
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &doc)) {
		snprintf(why, why_len, "%s:%zu: %s", file, parser.problem_mark.line + 1,
		    parser.problem != NULL ? parser.problem : "no YAML");
		rc = -1;
	} else {
		rc = read_document(&r);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return (rc);
}

/* In YAML's single quotes the quote itself is written twice. */
static void
write_quoted(FILE *f, const char *s)
{
	putc('\'', f);
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			putc('\'', f);
		putc(*s, f);
	}
	putc('\'', f);
}

static void
write_list(FILE *f, const char *name, const struct rights_list *l)
{
	fprintf(f, "    %s: [", name);
	for (unsigned i = 0; i < l->count; i++) {
		fputs(i > 0 ? ", " : "", f);
		write_quoted(f, l->items[i]);
	}
	fprintf(f, "]\n");
}

static void
write_client(FILE *f, struct client *c)
{
	const struct rights_row *row;

	fprintf(f, "  - name: '%s'\n", c->name);
	if (c->has_uid)
		fprintf(f, "    uid: %u\n", (unsigned)c->uid);
	if (c->key[0] != '\0')
		fprintf(f, "    key: '%s'\n", c->key);
	if (c->role[0] != '\0')
		fprintf(f, "    role: '%s'\n", c->role);
	for (unsigned i = 0; (row = rights_row_at(i)) != NULL; i++) {
		if ((c->given & 1u << i) == 0)
			continue;
		if (row->kind == RIGHTS_FLAG)
			fprintf(f, "    %s: %s\n", row->name, *rights_flag_of(&c->rights, row) ? "true" : "false");
		else if (row->kind == RIGHTS_LIMIT)
			fprintf(f, "    %s: %llu\n", row->name, (unsigned long long)*rights_limit_of(&c->rights, row));
		else
			write_list(f, row->name, rights_list_of(&c->rights, row));
	}
}

int
clients_save(const struct clients *list, const char *folder)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int e;

	if (f == NULL)
		return (errno);
	fprintf(f, "# Written by estated for `estate client add` and `estate client revoke`; yours is the setting `clients`.\nclients:\n");
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i]->origin == CLIENT_ADDED)
			write_client(f, list->items[i]);
	fprintf(f, "revoked:\n");
	for (unsigned i = 0; i < list->revoked_count; i++)
		fprintf(f, "  - '%s'\n", list->revoked[i]);
	e = fclose(f) == 0 ? file_replace(folder, CLIENTS_FILE, text, len) : errno;
	free(text);
	return (e);
}
