/* The shipped roles, from roles.def. */
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "rights.h"

static const struct role roles[] = {
#define ROLE(name, put, sources, read, answer, ask, operate, see_personal, events, bytes, subscriptions, text) \
	{ #name, text, { put, sources, read, answer, ask }, operate, see_personal, events, bytes, subscriptions },
#include "roles.def"
#undef ROLE
};
#define ROLES	(sizeof(roles) / sizeof(roles[0]))

/* The rows of struct role.lists, in its order. */
static const char *const list_names[] = { "put", "sources", "read", "answer", "ask" };

const struct role *
role_at(unsigned i)
{
	return (i < ROLES ? &roles[i] : NULL);
}

const struct role *
role_find(const char *name)
{
	for (unsigned i = 0; i < ROLES; i++)
		if (strcmp(roles[i].name, name) == 0)
			return (&roles[i]);
	return (NULL);
}

static void
add_words(struct rights_list *l, const char *words)
{
	char *copy = must_strdup(words), *save;

	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		rights_add(l, word);
	free(copy);
}

void
role_rights(const struct role *role, struct rights *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < 5; i++)
		add_words(rights_list_of(r, rights_row(list_names[i])), role->lists[i]);
	r->operate = role->operate;
	r->see_personal = role->see_personal;
	r->events_per_s = role->events_per_s;
	r->bytes_in_flight = role->bytes_in_flight;
	r->subscriptions = role->subscriptions;
	rights_settle(r);
}

static void
document_list(FILE *f, const char *name, const struct rights_list *l)
{
	int column = fprintf(f, "    %s: [", name);

	for (unsigned i = 0; i < l->count; i++) {
		if (column + strlen(l->items[i]) > 120)
			column = fprintf(f, "\n      ");
		column += fprintf(f, "\"%s\"%s", l->items[i], i + 1 < l->count ? ", " : "");
	}
	fprintf(f, "]\n");
}

static void
document_role(FILE *f, const struct role *role)
{
	const struct rights_row *row;
	struct rights r;

	role_rights(role, &r);
	fprintf(f, "  # %s\n  - name: %s\n", role->text, role->name);
	for (unsigned i = 0; (row = rights_row_at(i)) != NULL; i++) {
		if (row->kind == RIGHTS_FLAG)
			fprintf(f, "    %s: %s\n", row->name, *rights_flag_of(&r, row) ? "true" : "false");
		else if (row->kind != RIGHTS_LIMIT)
			document_list(f, row->name, rights_list_of(&r, row));
		else if (*rights_limit_of(&r, row) != 0)
			fprintf(f, "    %s: %llu\n", row->name, (unsigned long long)*rights_limit_of(&r, row));
	}
	rights_clear(&r);
}

void
roles_document(FILE *f)
{
	fprintf(f, "# The shipped roles of estated, as in clients.yaml: copy one under a name of its own and change it.\nroles:\n");
	for (unsigned i = 0; i < ROLES; i++)
		document_role(f, &roles[i]);
}
