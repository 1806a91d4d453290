#include "admit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "usage.h"
#include "settings.h"
#include "zsock.h"

/* The values of the setting `unlisted` that are no role. */
#define UNLISTED_AUTO	"auto"
#define UNLISTED_NONE	"none"

/* "localhost:uid:gid:pid", as libzmq makes it of SO_PEERCRED. */
static bool
read_uid(const char *text, uid_t *uid)
{
	unsigned u, g, p;
	int end = 0;

	if (sscanf(text, "localhost:%u:%u:%u%n", &u, &g, &p, &end) != 3 || end == 0 || text[end] != '\0')
		return (false);
	*uid = (uid_t)u;
	return (true);
}

static const char *
after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);

	return (strncmp(text, prefix, n) == 0 ? text + n : NULL);
}

void
peer_read(struct peer *p, const char *text)
{
	const char *rest;

	memset(p, 0, sizeof(*p));
	p->kind = BY_NOTHING;
	p->uid = (uid_t)-1;
	p->address = "";
	if ((rest = after(text, PEER_IPC)) != NULL) {
		if (read_uid(rest, &p->uid))
			p->kind = BY_UID;
	} else if ((rest = after(text, PEER_TCP)) != NULL) {
		p->kind = BY_ADDRESS;
		p->address = rest;
	} else if ((rest = after(text, PEER_CURVE)) != NULL && strlen(rest) > CURVEKEY_CHARS && rest[CURVEKEY_CHARS] == ':') {
		p->kind = BY_KEY;
		memcpy(p->key, rest, CURVEKEY_CHARS);
		p->address = rest + CURVEKEY_CHARS + 1;
	}
}

void
peer_name(const struct peer *p, char out[CLIENT_NAME_SIZE])
{
	if (p->kind == BY_UID)
		snprintf(out, CLIENT_NAME_SIZE, "uid:%u", (unsigned)p->uid);
	else
		snprintf(out, CLIENT_NAME_SIZE, "tcp:%.60s", p->address);
	/* It becomes the subject of events and stands beside others: an address may hold what no id does, an IPv6 zone. */
	for (char *c = out; *c != '\0'; c++)
		if (!id_valid(c, 1))
			*c = '_';
}

/* Somebody whom no list names, in that role. */
static struct client *
stranger(struct daemon *d, const struct peer *p, const char *role)
{
	char name[CLIENT_NAME_SIZE];
	const char *nearest;
	struct client *c;

	peer_name(p, name);
	c = client_new(name, CLIENT_UNLISTED);
	snprintf(c->role, sizeof(c->role), "%s", role);
	/* Proven when the list was loaded. */
	if (!clients_role(d->clients, role, &c->rights, &nearest))
		rights_settle(&c->rights);
	return (c);
}

static const char *
role_of_unlisted(const struct daemon *d)
{
	const char *unlisted = d->settings->unlisted;

	if (strcmp(unlisted, UNLISTED_AUTO) == 0)
		return (d->clients->listed ? NULL : "local");
	return (strcmp(unlisted, UNLISTED_NONE) == 0 ? NULL : unlisted);
}

int
admit_check_setting(const char *unlisted, const struct clients *list, char *why, size_t why_len)
{
	struct rights rights;
	const char *nearest;

	if (strcmp(unlisted, UNLISTED_AUTO) == 0 || strcmp(unlisted, UNLISTED_NONE) == 0)
		return (0);
	if (clients_role(list, unlisted, &rights, &nearest)) {
		rights_clear(&rights);
		return (0);
	}
	snprintf(why, why_len, "unlisted: \"%.64s\" is neither auto, none nor a role; the nearest is \"%s\"", unlisted, nearest);
	return (-1);
}

struct client *
admit(struct daemon *d, const char *peer, char *why, size_t why_len)
{
	struct client *c = NULL;
	const char *role;
	struct peer p;

	peer_read(&p, peer);
	if (p.kind == BY_KEY)
		c = clients_by_key(d->clients, p.key);
	else if (p.kind == BY_UID)
		c = clients_by_uid(d->clients, p.uid);
	if (c != NULL && c->revoked) {
		snprintf(why, why_len, "this client was revoked; an operator may restore it: estate client restore NAME");
		return (NULL);
	}
	if (c != NULL)
		c = client_ref(c);
	else if (p.kind == BY_NOTHING) {
		snprintf(why, why_len, "the system does not tell who this is");
		return (NULL);
	} else if (p.kind == BY_KEY) {
		snprintf(why, why_len, "no client has this key; an operator adds it: estate client add NAME --role ROLE --key KEY");
		return (NULL);
	} else if (p.kind == BY_UID && (p.uid == 0 || p.uid == geteuid()))
		c = stranger(d, &p, "admin");
	else if ((role = role_of_unlisted(d)) != NULL)
		c = stranger(d, &p, role);
	else if (p.kind == BY_UID) {
		snprintf(why, why_len, "uid %u is not on the list of clients; an operator adds it: estate client add NAME --role ROLE --uid %u",
		    (unsigned)p.uid, (unsigned)p.uid);
		return (NULL);
	} else {
		snprintf(why, why_len, "there is a list of clients, and nobody has a name over TCP without a key: use ipc, or server_key");
		return (NULL);
	}
	usage_attach(&d->usages, c);
	return (c);
}
