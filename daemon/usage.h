/*
 * usage: how much a client may have under way, over all its sessions together and across reloads of the list.  What a client's
 * rights leave open is bounded by bounds.h alone.
 */
#ifndef USAGE_H
#define USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "clients.h"

/* What the clients of one name use up. */
struct usage {
	unsigned refs;
	char name[CLIENT_NAME_SIZE];
	size_t unanswered;		/* bytes of puts */
	uint64_t subscriptions;
	unsigned asks;			/* without an answer */
	size_t ask_bytes;		/* of their questions */
	double tokens;			/* events it may put now; below 0 after a large put */
	uint64_t filled_ns;		/* monotonic */
	LIST_ENTRY(usage) link;
};
LIST_HEAD(usages, usage);

/* Give the client its usage, the one others of its name have. */
void	 usage_attach(struct usages *, struct client *);
void	 usage_unref(struct usage *);

/* Bytes of puts it may have unanswered. */
size_t	 client_credit(const struct client *);
/* Is there credit for a message of so many bytes?  One alone is always taken: nobody can be kept from putting what a message may hold. */
bool	 client_has_credit(const struct client *, size_t bytes);
void	 client_charge(struct client *, size_t bytes);
void	 client_uncharge(struct client *, size_t bytes);

/* May it put so many events now?  If so they are counted.  A second's worth is saved up at most; one put may be larger, and is then
 * waited for. */
bool	 client_take_events(struct client *, uint32_t count, uint64_t now_ns);

bool	 client_may_subscribe(const struct client *);

/* One more ask with a question of so many bytes: false if it has too many that wait, else it counts until client_ask_off(). */
bool	 client_ask_on(struct client *, size_t bytes);
void	 client_ask_off(struct client *, size_t bytes);

#endif
