/*
 * session: one peer between its hello and its silence.  Known by the routing id of its connection; who it is comes from what
 * libzmq authenticated, never from what it says.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <zmq.h>

#include "answer.h"
#include "clients.h"
#include "zsock.h"

struct daemon;
struct subscription;

struct session {
	unsigned refs;			/* the tree's, and one per put in a job */
	bool gone;			/* no longer in the tree */
	uint8_t id[ROUTING_ID_MAX];
	uint16_t id_len;
	char *peer;			/* as libzmq says it */
	char sender[CLIENT_NAME_SIZE];	/* the client's name: stored beside its events */
	char client[68];		/* what it calls itself */
	struct client *who;		/* who it is and what it may, a reference; another one of the same name after a reload */
	size_t unanswered;		/* bytes of puts */
	bool held;			/* a put was put off: refuse until resume */
	uint64_t heard_ns;		/* monotonic, of the last message */
	STAILQ_HEAD(, subscription) subscriptions;
	unsigned subscription_count;
	/* The ack in the making, while a job is answered (ack.c). */
	struct pending_ack *ack;
};

/* The session of that routing id, or NULL.  One whose connection now belongs to somebody else is ended, not found. */
struct session	*session_find(struct daemon *, const uint8_t *id, size_t id_len, const char *peer);

/* Begin one; it keeps a reference of its own to `who`.  NULL when there are too many. */
struct session	*session_begin(struct daemon *, const uint8_t *id, size_t id_len, const char *peer, struct client *who,
		     const char *client, size_t client_len);

/* End it: subscriptions end, the tree forgets it.  Puts on their way are written all the same. */
void		 session_end(struct daemon *, struct session *);

struct session	*session_ref(struct session *);
void		 session_unref(struct session *);

/* Send an answer; a peer that is gone is ended.  Returns what zsock_send() did. */
int		 session_send(struct daemon *, struct session *, struct answer *);
void		 session_nak(struct daemon *, struct session *, uint64_t number, int code, long index, const char *path, const char *detail);

/* Another list is in force: rights change, and who may not come in any more is told so and ended. */
void		 session_readmit_all(struct daemon *);

/* How many sessions have the client of that name. */
unsigned	 session_count_of(struct daemon *, const char *name);

void		 session_end_all(struct daemon *);

/* The sweep timer: sessions that were silent too long are ended. */
void		 session_on_sweep(evutil_socket_t, short, void *daemon);

uint64_t	 monotonic_now(void);

#endif
