#include "refusals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admit.h"
#include "clients.h"
#include "daemon.h"
#include "log.h"
#include "session.h"

struct refused {
	char name[CLIENT_NAME_SIZE];
	enum refusal reason;
	bool due;			/* its first event is still to be made */
	uint64_t more;			/* since the last event about it */
};

struct refusals {
	struct refused items[REFUSALS_MAX + 1];	/* the last is of others */
	unsigned count;
	struct event *due, *window;
};

static const char *const texts[] = {
	[REFUSED_STRANGER] = "not on the list of clients",
	[REFUSED_KEY] = "no client has its key",
	[REFUSED_REVOKED] = "revoked",
	[REFUSED_TYPE] = "may not put that type",
	[REFUSED_SOURCE] = "may not put from that source",
	[REFUSED_READ] = "may not read that",
	[REFUSED_OPERATE] = "may not operate",
	[REFUSED_ASK] = "may not ask that service",
	[REFUSED_ANSWER] = "may not answer for that service",
	[REFUSED_CONSUMER] = "may not read under that name",
};

#define OTHERS	"others"

static struct refused *
find(struct refusals *r, const char *name, enum refusal reason, bool *first)
{
	struct refused *x;

	*first = false;
	for (unsigned i = 0; i < r->count; i++)
		if (r->items[i].reason == reason && strcmp(r->items[i].name, name) == 0)
			return (&r->items[i]);
	if (r->count > REFUSALS_MAX)
		return (&r->items[REFUSALS_MAX]);
	*first = true;
	x = &r->items[r->count++];
	snprintf(x->name, sizeof(x->name), "%s", r->count > REFUSALS_MAX ? OTHERS : name);
	x->reason = reason;
	x->due = false;
	x->more = 0;
	return (x);
}

void
refusals_note(struct daemon *d, const char *name, enum refusal reason)
{
	struct refused *x;
	bool first;

	d->counters.forbidden++;
	x = find(d->refusals, name, reason, &first);
	if (!first) {
		x->more++;
		return;
	}
	/* In a turn of its own: a put that is being refused has the batch in its hands. */
	x->due = true;
	event_active(d->refusals->due, EV_TIMEOUT, 0);
}

static void
tell_due(struct daemon *d)
{
	for (unsigned i = 0; i < d->refusals->count; i++) {
		struct refused *x = &d->refusals->items[i];

		if (!x->due)
			continue;
		x->due = false;
		log_warn("somebody was refused", "client=%s reason=\"%s\"", x->name, texts[x->reason]);
		own_event_client(d, "client.refused", x->name, NULL, texts[x->reason]);
	}
	intake_turn(d);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct timeval window = { REFUSALS_WINDOW_S, 0 };
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	tell_due(d);
	if (!event_pending(d->refusals->window, EV_TIMEOUT, NULL))
		event_add(d->refusals->window, &window);
}

void
refusals_note_peer(struct daemon *d, const char *peer)
{
	char name[CLIENT_NAME_SIZE];
	struct client *c = NULL;
	struct peer p;

	peer_read(&p, peer);
	if (p.kind == BY_UID)
		c = clients_by_uid(d->clients, p.uid);
	else if (p.kind == BY_KEY)
		c = clients_by_key(d->clients, p.key);
	peer_name(&p, name);
	refusals_note(d, c != NULL ? c->name : name, c != NULL ? REFUSED_REVOKED : p.kind == BY_KEY ? REFUSED_KEY : REFUSED_STRANGER);
}

/* Tell of what was only counted; forget who has been quiet. */
static void
tell_counted(struct daemon *d)
{
	struct refusals *r = d->refusals;
	char reason[128];
	unsigned kept = 0;

	for (unsigned i = 0; i < r->count; i++) {
		struct refused *x = &r->items[i];

		if (x->more == 0)
			continue;
		snprintf(reason, sizeof(reason), "%s: %llu times more", texts[x->reason], (unsigned long long)x->more);
		log_warn("somebody was refused again", "client=%s reason=\"%s\" times=%llu", x->name, texts[x->reason],
		    (unsigned long long)x->more);
		own_event_client(d, "client.refused", x->name, NULL, reason);
		x->more = 0;
		r->items[kept++] = *x;
	}
	r->count = kept;
	intake_turn(d);
}

static void
on_window(evutil_socket_t fd, short what, void *arg)
{
	struct timeval window = { REFUSALS_WINDOW_S, 0 };
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	tell_counted(d);
	if (d->refusals->count > 0)
		event_add(d->refusals->window, &window);
}

void
refusals_start(struct daemon *d)
{
	static struct refusals refusals;

	d->refusals = &refusals;
	d->refusals->due = daemon_event(d, -1, 0, on_due);
	d->refusals->window = daemon_event(d, -1, 0, on_window);
}

void
refusals_finish(struct daemon *d)
{
	tell_due(d);
	tell_counted(d);
}
