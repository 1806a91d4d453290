#include "reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "admit.h"
#include "daemon.h"
#include "lag.h"
#include "log.h"
#include "options.h"
#include "retention.h"
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

/* What a reload did, for its last line. */
struct outcome {
	unsigned applied, waiting;
};

static void
tell_setting(void *arg, const char *name, bool applied, const char *before, const char *after, const char *origin)
{
	struct outcome *o = arg;
	char quoted[2][300];

	log_quote(quoted[0], sizeof(quoted[0]), before);
	log_quote(quoted[1], sizeof(quoted[1]), after);
	if (applied) {
		o->applied++;
		log_info("a setting was applied", "name=%s before=%s now=%s from=\"%s\"", name, quoted[0], quoted[1], origin);
	} else {
		o->waiting++;
		log_warn("a setting was changed, and needs a restart", "name=%s in_force=%s after_restart=%s from=\"%s\"", name, quoted[0],
		    quoted[1], origin);
	}
}

/* What has to be told that its setting is another one; the rest looks at the settings whenever it needs them. */
static void
carry_out(struct daemon *d)
{
	d->store->reserve_bytes = d->settings->disk_reserve;
	store_measure_space(d->store);
	recent_trim(&d->recent, d->store->applied, d->settings->recent_memory);
	retention_settings_changed(d);
	lag_check(d);
	retention_check(d);
}

/* Takes `now` over. */
static void
adopt_settings(struct daemon *d, struct settings *now)
{
	enum log_level before = settings_log_level(d->settings), after = settings_log_level(now);
	struct outcome o = { 0 };

	/* Under the more talkative of the two: its own change is told in any case. */
	log_level_set(before > after ? before : after);
	settings_exchange(d->settings, now, tell_setting, &o);
	log_info("the settings were read again", "applied=%u need_restart=%u", o.applied, o.waiting);
	log_level_set(after);
	settings_free(now);
	carry_out(d);
}

/* Settings that cannot be read leave those in force, and a list is still read: to revoke somebody must not wait for a comma. */
static struct settings *
read_settings(struct daemon *d)
{
	char why[1024], quoted[1100];
	struct settings *now = options_settings(d->options, why, sizeof(why));

	if (now != NULL && options_check(now, false, why, sizeof(why)) == 0)
		return (now);
	log_error("the settings were not read again; those in force stay", "reason=%s", log_quote(quoted, sizeof(quoted), why));
	settings_free(now);
	return (NULL);
}

static void
on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct settings *now = read_settings(d);
	struct clients *list;
	char why[1024], quoted[1100];

	(void)fd;
	(void)what;
	/* The roles that settings name are in the list that they name: both come into force, or neither. */
	if ((list = reload_read(now != NULL ? now : d->settings, true, why, sizeof(why))) == NULL) {
		log_error("the list of clients was not read again; the one in force stays, and so do the settings",
		    "reason=%s", log_quote(quoted, sizeof(quoted), why));
		settings_free(now);
		return;
	}
	if (now != NULL)
		adopt_settings(d, now);
	reload_adopt(d, list, NULL);
}

void
reload_start(struct daemon *d)
{
	event_add(daemon_event(d, SIGHUP, EV_SIGNAL | EV_PERSIST, on_hangup), NULL);
}
