#include "clients.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "files.h"
#include "usage.h"
#include "nearest.h"

struct clients *
clients_new(void)
{
	struct clients *list = must_alloc(sizeof(*list));

	memset(list, 0, sizeof(*list));
	return (list);
}

void
clients_free(struct clients *list)
{
	if (list == NULL)
		return;
	for (unsigned i = 0; i < list->count; i++)
		client_unref(list->items[i]);
	for (unsigned i = 0; i < list->role_count; i++)
		rights_clear(&list->roles[i].rights);
	for (unsigned i = 0; i < list->revoked_count; i++)
		free(list->revoked[i]);
	free(list->items);
	free(list->roles);
	free(list->revoked);
	free(list);
}

struct clients *
clients_load(const char *written, bool must, const char *folder, char *why, size_t why_len)
{
	struct clients *list = clients_new();
	char path[4096];

	/* The daemon's own part last: it may use the roles of the other. */
	if ((*written == '\0' || clients_read(list, written, CLIENT_WRITTEN, !must, why, why_len) == 0) &&
	    (folder == NULL ||
	    clients_read(list, path_join(path, sizeof(path), folder, CLIENTS_FILE), CLIENT_ADDED, true, why, why_len) == 0)) {
		for (unsigned i = 0; i < list->count; i++)
			list->items[i]->revoked = clients_is_revoked(list, list->items[i]->name);
		return (list);
	}
	clients_free(list);
	return (NULL);
}

struct clients *
clients_copy(const struct clients *from)
{
	struct clients *list = clients_new();

	list->listed = from->listed;
	list->items = must_alloc((from->count + 1) * sizeof(struct client *));
	for (; list->count < from->count; list->count++)
		list->items[list->count] = client_ref(from->items[list->count]);
	list->roles = must_alloc((from->role_count + 1) * sizeof(struct named_role));
	for (; list->role_count < from->role_count; list->role_count++) {
		list->roles[list->role_count] = from->roles[list->role_count];
		rights_copy(&list->roles[list->role_count].rights, &from->roles[list->role_count].rights);
	}
	list->revoked = must_alloc((from->revoked_count + 1) * sizeof(char *));
	for (; list->revoked_count < from->revoked_count; list->revoked_count++)
		list->revoked[list->revoked_count] = must_strdup(from->revoked[list->revoked_count]);
	return (list);
}

/* The same client, revoked or not: the old one is in use elsewhere. */
static struct client *
client_with(const struct client *from, bool revoked)
{
	struct client *c = must_alloc(sizeof(*c));

	*c = *from;
	c->refs = 1;
	c->usage = NULL;
	c->revoked = revoked;
	rights_copy(&c->rights, &from->rights);
	return (c);
}

static void
forget_revoked(struct clients *list, const char *name)
{
	for (unsigned i = 0; i < list->revoked_count; i++)
		if (strcmp(list->revoked[i], name) == 0) {
			free(list->revoked[i]);
			list->revoked[i] = list->revoked[--list->revoked_count];
			return;
		}
}

void
clients_revoke(struct clients *list, const char *name, bool back)
{
	unsigned i = 0;
	struct client *old;

	while (strcmp(list->items[i]->name, name) != 0)
		i++;
	old = list->items[i];
	if (old->origin == CLIENT_ADDED)
		list->items[i] = list->items[--list->count];
	else {
		list->items[i] = client_with(old, !back);
		if (back)
			forget_revoked(list, name);
		else {
			list->revoked = must_realloc(list->revoked, (list->revoked_count + 1) * sizeof(char *));
			list->revoked[list->revoked_count++] = must_strdup(name);
		}
	}
	client_unref(old);
}

bool
clients_is_revoked(const struct clients *list, const char *name)
{
	for (unsigned i = 0; i < list->revoked_count; i++)
		if (strcmp(list->revoked[i], name) == 0)
			return (true);
	return (false);
}

struct client *
clients_by_uid(const struct clients *list, uid_t uid)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i]->has_uid && list->items[i]->uid == uid)
			return (list->items[i]);
	return (NULL);
}

struct client *
clients_by_key(const struct clients *list, const char *key)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->items[i]->key[0] != '\0' && strcmp(list->items[i]->key, key) == 0)
			return (list->items[i]);
	return (NULL);
}

struct client *
clients_by_name(const struct clients *list, const char *name)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->items[i]->name, name) == 0)
			return (list->items[i]);
	return (NULL);
}

bool
clients_role(const struct clients *list, const char *name, struct rights *rights, const char **nearest)
{
	const struct role *shipped;
	struct nearest n;

	if ((shipped = role_find(name)) != NULL) {
		role_rights(shipped, rights);
		return (true);
	}
	nearest_begin(&n, name, strlen(name));
	for (unsigned i = 0; i < list->role_count; i++) {
		if (strcmp(list->roles[i].name, name) == 0) {
			rights_copy(rights, &list->roles[i].rights);
			return (true);
		}
		nearest_offer(&n, list->roles[i].name);
	}
	for (unsigned i = 0; (shipped = role_at(i)) != NULL; i++)
		nearest_offer(&n, shipped->name);
	*nearest = n.best != NULL ? n.best : role_at(0)->name;
	return (false);
}

struct client *
client_new(const char *name, enum client_origin origin)
{
	struct client *c = must_alloc(sizeof(*c));

	memset(c, 0, sizeof(*c));
	c->refs = 1;
	c->origin = origin;
	snprintf(c->name, sizeof(c->name), "%s", name);
	return (c);
}

struct client *
client_ref(struct client *c)
{
	c->refs++;
	return (c);
}

void
client_unref(struct client *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	usage_unref(c->usage);
	rights_clear(&c->rights);
	free(c);
}

bool
client_equal(const struct client *a, const struct client *b)
{
	return (a->revoked == b->revoked && strcmp(a->name, b->name) == 0 && strcmp(a->role, b->role) == 0 && strcmp(a->key, b->key) == 0 &&
	    a->has_uid == b->has_uid && (!a->has_uid || a->uid == b->uid) && rights_equal(&a->rights, &b->rights));
}

bool
client_may_put(const struct client *c, const struct event *e, const char **path)
{
	if (!rights_may_put_type(&c->rights, e->kind))
		*path = "type";
	else if (!rights_may_use_source(&c->rights, e->source.s, e->source.len))
		*path = "source";
	else
		return (true);
	return (false);
}

bool
client_may_read(const struct client *c, const struct event *e)
{
	return (rights_may_read_event(&c->rights, e));
}

bool
client_may_operate(const struct client *c)
{
	return (c->rights.operate);
}

bool
client_may_answer(const struct client *c, const char *service, uint32_t len)
{
	return (rights_may_list(&c->rights.answer, service, len));
}

bool
client_answers_as(const struct client *c, const char *service)
{
	for (unsigned i = 0; i < c->rights.answer.count; i++)
		if (strcmp(c->rights.answer.items[i], service) == 0)
			return (true);
	return (false);
}

bool
client_may_ask(const struct client *c, const char *service, uint32_t len)
{
	return (rights_may_list(&c->rights.ask, service, len));
}

bool
client_sees_personal(const struct client *c)
{
	return (c->rights.see_personal);
}
