/* One entry of the list of clients: what may be said in it, whoever says it, a file or `estate client add`. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "clients.h"
#include "nearest.h"

enum entry_key { KEY_NAME, KEY_UID, KEY_KEY, KEY_ROLE, KEY_COUNT };
static const char *const key_names[KEY_COUNT] = { "name", "uid", "key", "role" };

void
entry_begin(struct client_entry *e, bool is_role)
{
	memset(e, 0, sizeof(*e));
	e->is_role = is_role;
}

void
entry_clear(struct client_entry *e)
{
	rights_clear(&e->rights);
}

/* What others are called by who they are, nobody may be called by choice; and "-" is nobody where the owner of a name is noted. */
static bool
name_is_reserved(const char *name)
{
	return (strcmp(name, "-") == 0 || strcmp(name, "daemon") == 0 || strncmp(name, "uid:", 4) == 0 || strncmp(name, "tcp:", 4) == 0);
}

static int
set_name(char out[CLIENT_NAME_SIZE], const char *what, const char *value, char *why, size_t why_len)
{
	if (!id_valid(value, strlen(value)))
		snprintf(why, why_len, "%s: \"%.70s\" is none: 1 to 64 characters of A-Z a-z 0-9 . _ : / -", what, value);
	else if (name_is_reserved(value))
		snprintf(why, why_len, "%s: \"%.70s\" is taken: -, daemon, uid:… and tcp:… are names the daemon gives", what, value);
	else {
		snprintf(out, CLIENT_NAME_SIZE, "%s", value);
		return (0);
	}
	return (-1);
}

static int
set_uid(struct client_entry *e, const char *value, char *why, size_t why_len)
{
	const struct passwd *p;
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0 && n < (uid_t)-1)
		e->uid = (uid_t)n;
	else if (value[0] != '\0' && (p = getpwnam(value)) != NULL)
		e->uid = p->pw_uid;
	else {
		snprintf(why, why_len, "uid: there is no user \"%.70s\" on this machine; write a name or a number", value);
		return (-1);
	}
	return (0);
}

static int
set_key(struct client_entry *e, const char *value, char *why, size_t why_len)
{
	if (!curvekey_valid(value)) {
		snprintf(why, why_len, "key: \"%.44s\" is no public key: 40 characters as estate keygen prints them, in 'quotes'", value);
		return (-1);
	}
	snprintf(e->key, sizeof(e->key), "%s", value);
	return (0);
}

static int
set_own(struct client_entry *e, enum entry_key key, const char *value, char *why, size_t why_len)
{
	switch (key) {
	case KEY_NAME:
		return (set_name(e->name, "name", value, why, why_len));
	case KEY_UID:
		return (set_uid(e, value, why, why_len));
	case KEY_KEY:
		return (set_key(e, value, why, why_len));
	default:
		return (set_name(e->role, "role", value, why, why_len));
	}
}

static int
set_limit(const struct rights_row *row, uint64_t *out, const char *value, char *why, size_t why_len)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (value[0] >= '0' && value[0] <= '9' && *end == '\0' && errno == 0 && n >= row->min && n <= row->max) {
		*out = n;
		return (0);
	}
	snprintf(why, why_len, "%s: \"%.40s\" is out of range: a number from %llu to %llu", row->name, value, (unsigned long long)row->min,
	    (unsigned long long)row->max);
	return (-1);
}

static int
set_list(const struct rights_row *row, struct rights_list *l, const char *const *values, unsigned count, char *why, size_t why_len)
{
	char reason[256];

	if (count > RIGHTS_ITEMS_MAX) {
		snprintf(why, why_len, "%s: at most %u items", row->name, RIGHTS_ITEMS_MAX);
		return (-1);
	}
	for (unsigned i = 0; i < count; i++) {
		if (rights_check_item(row->kind, values[i], reason, sizeof(reason)) != 0) {
			snprintf(why, why_len, "%s: %s", row->name, reason);
			return (-1);
		}
		rights_add(l, values[i]);
	}
	return (0);
}

static int
set_right(struct client_entry *e, const struct rights_row *row, const char *const *values, unsigned count, bool list, char *why, size_t why_len)
{
	bool yes = count == 1 && strcmp(values[0], "true") == 0;

	if (row->kind <= RIGHTS_SERVICES)
		return (set_list(row, rights_list_of(&e->rights, row), values, count, why, why_len));
	if (list || count != 1)
		snprintf(why, why_len, "%s: must be a single value", row->name);
	else if (row->kind == RIGHTS_LIMIT)
		return (set_limit(row, rights_limit_of(&e->rights, row), values[0], why, why_len));
	else if (yes || strcmp(values[0], "false") == 0) {
		*rights_flag_of(&e->rights, row) = yes;
		return (0);
	} else
		snprintf(why, why_len, "%s: \"%.40s\" is neither true nor false", row->name, values[0]);
	return (-1);
}

/* The word that was meant. */
static const char *
nearest_key(const struct client_entry *e, const char *key)
{
	const struct rights_row *row;
	struct nearest n;

	nearest_begin(&n, key, strlen(key));
	for (unsigned i = 0; i < (e->is_role ? 1 : KEY_COUNT); i++)
		nearest_offer(&n, key_names[i]);
	for (unsigned i = 0; (row = rights_row_at(i)) != NULL; i++)
		nearest_offer(&n, row->name);
	return (n.best != NULL ? n.best : key_names[0]);
}

int
entry_set(struct client_entry *e, const char *key, const char *const *values, unsigned count, bool list, char *why, size_t why_len)
{
	const struct rights_row *row = rights_row(key);
	unsigned bit;

	for (unsigned i = 0; i < (e->is_role ? 1 : KEY_COUNT); i++)
		if (strcmp(key, key_names[i]) == 0) {
			if ((e->keys & 1u << i) != 0)
				snprintf(why, why_len, "\"%s\" is said twice", key);
			else if (list || count != 1)
				snprintf(why, why_len, "%s: must be a single value", key);
			else {
				e->keys |= 1u << i;
				return (set_own(e, (enum entry_key)i, values[0], why, why_len));
			}
			return (-1);
		}
	if (row == NULL) {
		snprintf(why, why_len, "a %s has no \"%.40s\"; the nearest is \"%s\"", e->is_role ? "role" : "client", key, nearest_key(e, key));
		return (-1);
	}
	bit = 1u << (row - rights_row_at(0));
	if ((e->given & bit) != 0) {
		snprintf(why, why_len, "\"%s\" is said twice", key);
		return (-1);
	}
	e->given |= bit;
	return (set_right(e, row, values, count, list, why, why_len));
}

/* What it doesn't say itself, it has from its role. */
static void
inherit(struct client_entry *e, struct rights *from)
{
	const struct rights_row *row;

	for (unsigned i = 0; (row = rights_row_at(i)) != NULL; i++) {
		if ((e->given & 1u << i) != 0)
			continue;
		if (row->kind == RIGHTS_FLAG)
			*rights_flag_of(&e->rights, row) = *rights_flag_of(from, row);
		else if (row->kind == RIGHTS_LIMIT)
			*rights_limit_of(&e->rights, row) = *rights_limit_of(from, row);
		else {
			*rights_list_of(&e->rights, row) = *rights_list_of(from, row);
			*rights_list_of(from, row) = (struct rights_list){ NULL, 0 };
		}
	}
}

/* Two entries for one client would make its rights a matter of chance. */
static int
check_unique(const struct client_entry *e, const struct clients *list, enum client_origin origin, char *why, size_t why_len)
{
	for (unsigned i = 0; i < list->count; i++) {
		const struct client *c = list->items[i];
		const char *where = c->origin == origin ? "" : c->origin == CLIENT_ADDED ? " (of estate client add)" : " (of the clients file)";

		if (strcmp(c->name, e->name) == 0)
			snprintf(why, why_len, "there is a client \"%s\"%s already%s", c->name, where,
			    c->origin == origin ? "" : ": take it out there, or give this one another name");
		else if ((e->keys & 1u << KEY_KEY) != 0 && strcmp(c->key, e->key) == 0)
			snprintf(why, why_len, "\"%s\" and \"%s\"%s have the same key: each needs one of its own", c->name, e->name, where);
		else if ((e->keys & 1u << KEY_UID) != 0 && c->has_uid && c->uid == e->uid)
			snprintf(why, why_len, "\"%s\" and \"%s\"%s have the same uid %u", c->name, e->name, where, (unsigned)e->uid);
		else
			continue;
		return (-1);
	}
	return (0);
}

int
entry_finish_client(struct client_entry *e, struct clients *list, enum client_origin origin, char *why, size_t why_len)
{
	struct rights from = { 0 };
	const char *nearest;
	struct client *c;

	if ((e->keys & 1u << KEY_NAME) == 0)
		snprintf(why, why_len, "a client needs a name");
	else if ((e->keys & (1u << KEY_UID | 1u << KEY_KEY)) == 0)
		snprintf(why, why_len, "client \"%s\" needs a uid (on this machine) or a key (over TCP) to be known by", e->name);
	else if ((e->keys & 1u << KEY_ROLE) == 0 && e->given == 0)
		snprintf(why, why_len, "client \"%s\" needs a role, or rights of its own", e->name);
	else if (list->count >= CLIENTS_MAX)
		snprintf(why, why_len, "at most %u clients", CLIENTS_MAX);
	else if (check_unique(e, list, origin, why, why_len) != 0)
		;
	else if ((e->keys & 1u << KEY_ROLE) != 0 && !clients_role(list, e->role, &from, &nearest))
		snprintf(why, why_len, "there is no role \"%s\"; the nearest is \"%s\"", e->role, nearest);
	else {
		c = client_new(e->name, origin);
		snprintf(c->role, sizeof(c->role), "%s", e->role);
		c->has_uid = (e->keys & 1u << KEY_UID) != 0;
		c->uid = e->uid;
		snprintf(c->key, sizeof(c->key), "%s", e->key);
		inherit(e, &from);
		c->rights = e->rights;
		memset(&e->rights, 0, sizeof(e->rights));
		rights_settle(&c->rights);
		rights_clear(&from);
		c->given = e->given;
		list->items = must_realloc(list->items, (list->count + 1) * sizeof(struct client *));
		list->items[list->count++] = c;
		return (0);
	}
	return (-1);
}

int
entry_finish_role(struct client_entry *e, struct clients *list, char *why, size_t why_len)
{
	struct rights taken;
	const char *nearest;

	if ((e->keys & 1u << KEY_NAME) == 0) {
		snprintf(why, why_len, "a role needs a name");
		return (-1);
	}
	if (clients_role(list, e->name, &taken, &nearest)) {
		rights_clear(&taken);
		snprintf(why, why_len, "there is a role \"%s\" already; give this one a name of its own", e->name);
		return (-1);
	}
	rights_settle(&e->rights);
	list->roles = must_realloc(list->roles, (list->role_count + 1) * sizeof(struct named_role));
	snprintf(list->roles[list->role_count].name, CLIENT_NAME_SIZE, "%s", e->name);
	list->roles[list->role_count++].rights = e->rights;
	memset(&e->rights, 0, sizeof(e->rights));
	return (0);
}
