#include "usage.h"

#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "bounds.h"

void
usage_attach(struct usages *all, struct client *c)
{
	struct usage *u;

	if (c->usage != NULL)
		return;
	LIST_FOREACH(u, all, link)
		if (strcmp(u->name, c->name) == 0) {
			u->refs++;
			c->usage = u;
			return;
		}
	u = must_alloc(sizeof(*u));
	memset(u, 0, sizeof(*u));
	u->refs = 1;
	memcpy(u->name, c->name, sizeof(u->name));
	u->tokens = (double)c->rights.events_per_s;
	LIST_INSERT_HEAD(all, u, link);
	c->usage = u;
}

void
usage_unref(struct usage *u)
{
	if (u == NULL || --u->refs > 0)
		return;
	LIST_REMOVE(u, link);
	free(u);
}

size_t
client_credit(const struct client *c)
{
	return (c->rights.bytes_in_flight != 0 ? c->rights.bytes_in_flight : SESSION_CREDIT_BYTES);
}

bool
client_has_credit(const struct client *c, size_t bytes)
{
	return (c->rights.bytes_in_flight == 0 || c->usage->unanswered == 0 || c->usage->unanswered + bytes <= c->rights.bytes_in_flight);
}

void
client_charge(struct client *c, size_t bytes)
{
	c->usage->unanswered += bytes;
}

void
client_uncharge(struct client *c, size_t bytes)
{
	c->usage->unanswered -= bytes;
}

bool
client_take_events(struct client *c, uint32_t count, uint64_t now_ns)
{
	struct usage *u = c->usage;
	double rate = (double)c->rights.events_per_s;

	if (c->rights.events_per_s == 0)
		return (true);
	if (u->filled_ns != 0)
		u->tokens += rate * (double)(now_ns - u->filled_ns) / 1e9;
	u->filled_ns = now_ns;
	if (u->tokens > rate)
		u->tokens = rate;
	if (u->tokens < 1)
		return (false);
	u->tokens -= count;
	return (true);
}

bool
client_may_subscribe(const struct client *c)
{
	return (c->rights.subscriptions == 0 || c->usage->subscriptions < c->rights.subscriptions);
}

bool
client_ask_on(struct client *c, size_t bytes)
{
	struct usage *u = c->usage;

	if (u->asks >= ASKS_PER_ASKER_MAX || u->ask_bytes + bytes > ASK_BYTES_PER_ASKER_MAX)
		return (false);
	u->asks++;
	u->ask_bytes += bytes;
	return (true);
}

void
client_ask_off(struct client *c, size_t bytes)
{
	c->usage->asks--;
	c->usage->ask_bytes -= bytes;
}
