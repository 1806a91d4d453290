#include "reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "admit.h"
#include "daemon.h"
#include "log.h"
#include "session.h"
#include "settings.h"

struct clients *
reload_read(const struct settings *s, bool own_part, char *why, size_t why_len)
{
	/* A file that somebody chose must be there: without it everybody would come in. */
	struct clients *list = clients_load(s->clients, !settings_is_default(s, "clients"), own_part ? s->data : NULL, why, why_len);

	if (list == NULL || admit_check_setting(s->unlisted, list, why, why_len) == 0)
		return (list);
	clients_free(list);
	return (NULL);
}

static void
tell(struct daemon *d, const char *type, const char *what, const struct client *c, const char *by)
{
	char reason[160];

	snprintf(reason, sizeof(reason), "%s%s%s", by == NULL ? "clients file" : "estate client", c->role[0] != '\0' ? ", role " : "",
	    c->role);
	log_info(what, "client=%s role=%s by=%s", c->name, c->role[0] != '\0' ? c->role : "-", by != NULL ? by : "file");
	own_event_client(d, type, c->name, by, reason);
}

/* A client of that name that may come in. */
static const struct client *
admitted(const struct clients *list, const char *name)
{
	const struct client *c = clients_by_name(list, name);

	return (c != NULL && !c->revoked ? c : NULL);
}

static unsigned
tell_changes(struct daemon *d, const struct clients *before, const struct clients *after, const char *by)
{
	const struct client *old, *new;
	unsigned changes = 0;

	for (unsigned i = 0; i < before->count; i++) {
		old = before->items[i];
		if (!old->revoked && admitted(after, old->name) == NULL) {
			tell(d, "client.revoked", "a client was revoked", old, by);
			changes++;
		}
	}
	for (unsigned i = 0; i < after->count; i++) {
		new = after->items[i];
		if (new->revoked)
			continue;
		if ((old = admitted(before, new->name)) == NULL)
			tell(d, "client.added", "a client was added", new, by);
		else if (!client_equal(old, new))
			tell(d, "client.changed", "a client was changed", new, by);
		else
			continue;
		changes++;
	}
	return (changes);
}

void
reload_adopt(struct daemon *d, struct clients *list, const char *by)
{
	struct clients *before = d->clients;
	unsigned changes;

	d->clients = list;
	changes = tell_changes(d, before, list, by);
	if (before->listed != list->listed)
		log_warn(list->listed ? "there is a list of clients now: strangers have the role of the setting unlisted" :
		    "there is no list of clients any more: everybody on this machine is let in", "unlisted=%s", d->settings->unlisted);
	log_info("the list of clients is in force", "clients=%u changes=%u", list->count, changes);
	session_readmit_all(d);
	clients_free(before);
	intake_turn(d);
}

static void
on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct clients *list;
	char why[1024], quoted[1100];

	(void)fd;
	(void)what;
	if ((list = reload_read(d->settings, true, why, sizeof(why))) == NULL)
		log_error("the list of clients was not read again; the one in force stays",
		    "reason=%s", log_quote(quoted, sizeof(quoted), why));
	else
		reload_adopt(d, list, NULL);
}

void
reload_start(struct daemon *d)
{
	event_add(daemon_event(d, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hangup), NULL);
}
