#include "consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "log.h"
#include "session.h"
#include "subscription.h"

struct consumer *
consumer_find(struct daemon *d, const char *name, size_t len)
{
	struct consumer *c;

	STAILQ_FOREACH(c, &d->consumers, link)
		if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
			return (c);
	return (NULL);
}

struct consumer *
consumer_new(struct daemon *d, const char *name, size_t len, uint64_t cursor)
{
	struct consumer *c;

	if (d->consumer_count >= CONSUMERS_MAX)
		return (NULL);
	c = must_alloc(sizeof(*c));
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%.*s", (int)len, name);
	c->cursor = cursor;
	STAILQ_INSERT_TAIL(&d->consumers, c, link);
	d->consumer_count++;
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
consumer_free_all(struct daemon *d)
{
	struct consumer *c;

	while ((c = STAILQ_FIRST(&d->consumers)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->consumers, link);
		free(c);
	}
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
	if (seq > sub->consumer->cursor)
		sub->consumer->cursor = seq;
}
