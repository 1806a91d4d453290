/*
 * consumer: a reader that has a name.  The daemon keeps its cursor (everything up to it is processed) for lag and retention, and for a
 * reader that keeps none itself; one member at a time reads under the name.
 */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bounds.h"
#include "clients.h"

struct daemon;
struct subscription;

struct consumer {
	char name[ID_CHARS_MAX + 1];
	uint64_t cursor;		/* everything up to here is processed */
	uint64_t epoch;			/* the last member's number, which rises with every take-over */
	bool paused;			/* gets nothing */
	bool released;			/* lagged beyond its limit: nothing is kept for it */
	bool moved;			/* an operator moved it, and nobody began anew since */
	char owner[CLIENT_NAME_SIZE];	/* the client whose name it is; "": nobody's yet */
	/* In memory only. */
	struct subscription *member;	/* who reads, or NULL */
	bool alarmed;			/* its lag was told */
	bool releasing;			/* the event that says so is on its way to the disk */
	uint64_t oldest_seq, oldest_time;	/* the log time of event oldest_seq, as last looked up */
	STAILQ_ENTRY(consumer) link;
};

/* Read those on the disk.  0, or -1 with a sentence in `why`. */
int		 consumer_start(struct daemon *, char *why, size_t why_len);

/* Everything is closed: note what is not yet, free the list. */
void		 consumer_stop(struct daemon *);

/* The consumer of that name, or NULL. */
struct consumer	*consumer_find(struct daemon *, const char *name, size_t len);

/*
 * May this client read under the name?  It is whose client first did, or, from then on, that of one whose own rights name it as a
 * service that it answers for, as a worker's role does; an operator may in any case.  So nobody is made to read on from where
 * somebody else wished.
 */
bool		 consumer_is_open(const struct consumer *, const struct client *);

/* One more name may be this client's: an operator's whatever it has. */
bool		 consumer_has_room(struct daemon *, const struct client *);

/* A new one whose cursor is `cursor`. */
struct consumer	*consumer_new(struct daemon *, const char *name, size_t len, uint64_t cursor);

/* Something of it changed: on the disk within about a second. */
void		 consumer_changed(struct daemon *);

/* The same, but on the disk when this returns.  0 or errno: then it is tried again later. */
int		 consumer_save(struct daemon *);

/* The text that consumer_save() would write now, malloc()ed, the caller's: for a backup. */
char		*consumer_text(struct daemon *, size_t *len);

/* Its member is ended with this code. */
void		 consumer_dismiss(struct daemon *, struct consumer *, int code, const char *detail);

/* Dismissed, and forgotten. */
void		 consumer_delete(struct daemon *, struct consumer *);

/* This subscription reads under the name from now on; whoever did so before is told and ended.  `member`: it goes on as that one, after
 * a lost connection; 0: as a new one.  The old one's session may be found gone, with all its subscriptions: hold a reference to yours. */
void		 consumer_take_over(struct daemon *, struct consumer *, struct subscription *, uint64_t member);

/* The subscription ends: nobody reads under the name. */
void		 consumer_leave(struct subscription *);

/* The request ack is handled here too: ingest.h. */

#endif
