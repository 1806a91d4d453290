#include "consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "log.h"
#include "registry.h"
#include "session.h"
#include "subscription.h"

/* How long acks gather before they are noted: what a crash may cost in events delivered again. */
#define NOTE_MS		1000

static struct consumer *
add(struct daemon *d, const char *name, size_t len, uint64_t cursor)
{
	struct consumer *c = must_alloc(sizeof(*c));

	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%.*s", (int)len, name);
	c->cursor = cursor;
	STAILQ_INSERT_TAIL(&d->consumers, c, link);
	d->consumer_count++;
	return (c);
}

char *
consumer_text(struct daemon *d, size_t *len)
{
	struct registry_row *rows = must_alloc((d->consumer_count + 1) * sizeof(*rows));
	struct consumer *c;
	unsigned n = 0;
	char *text;

	STAILQ_FOREACH(c, &d->consumers, link) {
		struct registry_row *row = &rows[n++];

		*row = (struct registry_row){ .cursor = c->cursor, .member = c->epoch, .paused = c->paused, .released = c->released,
		    .moved = c->moved };
		memcpy(row->name, c->name, sizeof(row->name));
		memcpy(row->owner, c->owner, sizeof(row->owner));
	}
	text = registry_text(rows, n, &d->store->identity, len);
	free(rows);
	return (text);
}

/* A text on its way to the disk by the applier's thread. */
struct note {
	struct daemon *d;
	uint64_t version;
	char *text;
	size_t len;
};

/* The outcome of a write, on either thread: a full disk heals, anything else is the end of trust. */
static int
noted(struct daemon *d, int e)
{
	if (e != 0 && !store_may_retry(e))
		store_distrust(d->store->folder, "writing the consumers", strerror(e));
	if (e != 0)
		log_warn("the cursors of consumers cannot be noted now", "error=\"%s\"", strerror(e));
	return (e);
}

static void
run_note(void *arg)
{
	struct note *n = arg;

	/* If there is no room, a later note has it all. */
	(void)noted(n->d, registry_write(n->d->registry, n->version, n->text, n->len));
	free(n->text);
	free(n);
}

static void
on_note(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct note *n = must_alloc(sizeof(*n));

	(void)fd;
	(void)what;
	*n = (struct note){ .d = d, .version = ++d->consumers_version };
	n->text = consumer_text(d, &n->len);
	d->consumers_changed = false;
	if (!applier_errand(d->applier, run_note, n))
		run_note(n);
}

void
consumer_changed(struct daemon *d)
{
	struct timeval soon = { NOTE_MS / 1000, NOTE_MS % 1000 * 1000 };

	if (!d->consumers_changed)
		event_add(d->consumers_note, &soon);
	d->consumers_changed = true;
}

int
consumer_save(struct daemon *d)
{
	size_t len;
	char *text = consumer_text(d, &len);
	int e = noted(d, registry_write(d->registry, ++d->consumers_version, text, len));

	free(text);
	if (e != 0)
		consumer_changed(d);
	return (e);
}

int
consumer_start(struct daemon *d, char *why, size_t why_len)
{
	struct registry_row *rows;
	unsigned count;

	d->consumers_note = daemon_event(d, -1, 0, on_note);
	d->registry = registry_new(d->store->folder);
	if (registry_read(d->store->folder, &d->store->identity, &rows, &count, why, why_len) != 0)
		return (-1);
	for (unsigned i = 0; i < count; i++) {
		struct consumer *c = add(d, rows[i].name, strlen(rows[i].name), rows[i].cursor);

		c->epoch = rows[i].member;
		c->paused = rows[i].paused;
		c->released = rows[i].released;
		c->moved = rows[i].moved;
		memcpy(c->owner, rows[i].owner, sizeof(c->owner));
		/* Only what is durable is ever acked. */
		if (c->cursor <= d->durable)
			continue;
		log_error("a consumer's cursor lies beyond the end of the log: it begins there", "name=%s cursor=%llu last=%llu", c->name,
		    (unsigned long long)c->cursor, (unsigned long long)d->durable);
		c->cursor = d->durable;
	}
	free(rows);
	return (0);
}

void
consumer_stop(struct daemon *d)
{
	struct consumer *c;

	if (d->consumers_changed)
		(void)consumer_save(d);
	while ((c = STAILQ_FIRST(&d->consumers)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->consumers, link);
		free(c);
	}
	registry_free(d->registry);
}

struct consumer *
consumer_find(struct daemon *d, const char *name, size_t len)
{
	struct consumer *c;

	STAILQ_FOREACH(c, &d->consumers, link)
		if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
			return (c);
	return (NULL);
}

/* It was not on a list when it took the name. */
static bool
was_uid(const struct client *who, const char *owner)
{
	char uid[CLIENT_NAME_SIZE];

	snprintf(uid, sizeof(uid), "uid:%u", (unsigned)who->uid);
	return (who->has_uid && strcmp(uid, owner) == 0);
}

static bool
is_its_own(const struct consumer *c, const struct client *who)
{
	return (strcmp(c->owner, who->name) == 0 || was_uid(who, c->owner) || client_answers_as(who, c->name));
}

bool
consumer_is_open(const struct consumer *c, const struct client *who)
{
	return (c->owner[0] == '\0' || is_its_own(c, who) || client_may_operate(who));
}

bool
consumer_has_room(struct daemon *d, const struct client *who)
{
	const struct consumer *c;
	unsigned own = 0;

	STAILQ_FOREACH(c, &d->consumers, link)
		own += strcmp(c->owner, who->name) == 0;
	return (d->consumer_count < CONSUMERS_MAX && (own < CONSUMERS_PER_CLIENT_MAX || client_may_operate(who)));
}

struct consumer *
consumer_new(struct daemon *d, const char *name, size_t len, uint64_t cursor)
{
	struct consumer *c = add(d, name, len, cursor);

	log_info("a new consumer", "name=%s cursor=%llu", c->name, (unsigned long long)cursor);
	return (c);
}

void
consumer_take_over(struct daemon *d, struct consumer *c, struct subscription *sub, uint64_t member)
{
	struct subscription *old = c->member;
	uint64_t now = logclock_now(d->clock);
	char detail[96];

	/* By log time, so that it rises over restarts too. */
	c->epoch = member != 0 ? member : now > c->epoch ? now : c->epoch + 1;
	c->member = sub;
	sub->consumer = c;
	/* An operator who reads in somebody's place does not take the name away. */
	if (c->owner[0] == '\0' || is_its_own(c, sub->session->who))
		snprintf(c->owner, sizeof(c->owner), "%s", sub->session->who->name);
	consumer_changed(d);
	if (old == NULL)
		return;
	log_info("a consumer was taken over", "name=%s by=%s client=%s from=%s", c->name, sub->session->sender, sub->session->client,
	    old->session->client);
	snprintf(detail, sizeof(detail), "member %llu reads now", (unsigned long long)c->epoch);
	old->consumer = NULL;
	subscription_abort(d, old, E_TAKEN_OVER, detail);
}

void
consumer_leave(struct subscription *sub)
{
	if (sub->consumer != NULL)
		sub->consumer->member = NULL;
	sub->consumer = NULL;
}

void
consumer_dismiss(struct daemon *d, struct consumer *c, int code, const char *detail)
{
	if (c->member != NULL)
		subscription_abort(d, c->member, code, detail);
}

void
consumer_delete(struct daemon *d, struct consumer *c)
{
	consumer_dismiss(d, c, E_NO_CONSUMER, "an operator deleted it");
	STAILQ_REMOVE(&d->consumers, c, consumer, link);
	d->consumer_count--;
	free(c);
}

void
consumer_on_ack(struct daemon *d, struct request *r)
{
	struct subscription *sub = subscription_find(r->session, r->number);
	char detail[96];
	uint64_t seq;

	if (sub == NULL) {
		request_nak(d, r, E_SUBSCRIPTION, "[2]", NULL);
		return;
	}
	if (!mp_uint(&r->m, &seq)) {
		request_nak(d, r, E_ARGUMENT, "[3]", "[1, \"ack\", s, seq]: an unsigned integer");
		return;
	}
	if (sub->consumer == NULL) {
		request_nak(d, r, E_NO_CONSUMER, "[2]", "it was made without the key consumer: there is no cursor to move");
		return;
	}
	if (seq > sub->told) {
		snprintf(detail, sizeof(detail), "told up to %llu", (unsigned long long)sub->told);
		request_nak(d, r, E_NOT_DELIVERED, "[3]", detail);
		return;
	}
	if (seq > sub->consumer->cursor) {
		sub->consumer->cursor = seq;
		consumer_changed(d);
	}
}
