/*
 * consumer: a reader that has a name.  The daemon keeps its cursor (everything up to it is processed) for lag and retention, and for a
 * reader that keeps none itself; one member at a time reads under the name.
 */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bounds.h"

struct daemon;
struct subscription;

struct consumer {
	char name[ID_CHARS_MAX + 1];
	uint64_t cursor;		/* everything up to here is processed */
	uint64_t epoch;			/* the last member's number, which rises with every take-over */
	struct subscription *member;	/* who reads, or NULL */
	STAILQ_ENTRY(consumer) link;
};

/* The consumer of that name, or NULL. */
struct consumer	*consumer_find(struct daemon *, const char *name, size_t len);

/* A new one whose cursor is `cursor`; NULL if there are too many. */
struct consumer	*consumer_new(struct daemon *, const char *name, size_t len, uint64_t cursor);

/* This subscription reads under the name from now on; whoever did so before is told and ended.  `member`: it goes on as that one, after
 * a lost connection; 0: as a new one.  The old one's session may be found gone, with all its subscriptions: hold a reference to yours. */
void		 consumer_take_over(struct daemon *, struct consumer *, struct subscription *, uint64_t member);

/* The subscription ends: nobody reads under the name. */
void		 consumer_leave(struct subscription *);

/* Everything is closed: the list is freed. */
void		 consumer_free_all(struct daemon *);

/* The request ack is handled here too: ingest.h. */

#endif
