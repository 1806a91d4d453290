/*
 * ask: queries relayed between clients: who answers under which name (services.c), and the asks that wait for an answer (ask.c),
 * which begin in ask_wish.c and end in ask_reply.c.
 *
 *	asker --ask--> waiting --as the service has room--> asked --answer, deadline, or the service's end--> answered once
 *
 * An ask belongs to its service's queues and is found by its number.  A session that ends takes its services along, whose asks are
 * answered at once, and its own asks, which nobody waits for any more.  One timer stands behind all deadlines.
 */
#ifndef ASK_H
#define ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bounds.h"

struct daemon;
struct event;
struct session;

struct ask {
	TAILQ_ENTRY(ask) link;		/* in one of its service's queues */
	struct service *service;
	struct session *asker;		/* a reference */
	uint64_t id;			/* as the service knows it */
	uint64_t number;		/* as the asker does */
	uint64_t deadline_ns;		/* monotonic */
	uint64_t at_least;		/* 0: not wished */
	bool sent;			/* in `asked` */
	char page[ASK_PAGE_BYTES_MAX];
	uint32_t page_len;		/* 0: the first page */
	uint32_t question_len;
	uint8_t question[];		/* a packed map */
};
TAILQ_HEAD(ask_queue, ask);

struct service {
	TAILQ_ENTRY(service) link;
	struct session *session;	/* lent: it ends this with itself */
	uint64_t number;		/* of its serve */
	char name[ID_CHARS_MAX + 1];
	int64_t since_ns;		/* wall clock */
	struct ask_queue waiting;	/* for room */
	struct ask_queue asked;
	unsigned asked_count, count;	/* count: of both */
	unsigned patient_count;		/* of those asked: that wait until it has read so far */
	size_t bytes;			/* of their questions */
	bool blocked;			/* it did not read: until the timer */
};

struct asks {
	TAILQ_HEAD(, service) services;
	unsigned service_count;
	struct ask *slots[ASKS_MAX];	/* by the low bits of their number */
	uint64_t next_id;
	unsigned count;
	struct event *turn;		/* some service may have room */
	struct event *probe;		/* some connection has ended */
	struct event *timer;
	uint64_t timer_ns;		/* monotonic: when that fires, 0: not armed */
};

void	ask_start(struct daemon *);

/* Some connection has ended: is a service's among them?  As zsock_on_gone. */
void	ask_connection_gone(void *daemon);

/* The daemon stops: whoever waits is told to come again. */
void	ask_stop(struct daemon *);

/* The session has ended, and is marked as gone. */
void	ask_session_gone(struct daemon *, struct session *);

/* The session sent an answer to that ask which could not even be read; it was told. */
void	ask_unreadable(struct daemon *, struct session *, uint64_t id, int code);

/* A new one with everything but its id, counted as its asker's by client_ask_on(): the service gets it when it has room. */
void	ask_add(struct daemon *, struct ask *);

/* The one of that id, or NULL. */
struct ask	*ask_find(struct daemon *, uint64_t id);

/* Free the ask; the reference to its asker is the caller's now, to answer and give back.  Its service gets room for the next. */
struct session	*ask_take_out(struct daemon *, struct ask *);

/* Refuse an ask: its asker is told, the ask is freed. */
void	ask_refuse(struct daemon *, struct ask *, int code, const char *path, const char *detail);

/* Free an ask without a word. */
void	ask_drop(struct daemon *, struct ask *);

/* The service of that name, or NULL. */
struct service	*services_find(struct daemon *, const char *name, uint32_t len);

/* It ends: its session is told with this code (0: it needs not be), whoever waits for an answer that the service is lost. */
void	services_end(struct daemon *, struct service *, int code, const char *detail);

/* All services of the session end. */
void	services_dismiss(struct daemon *, struct session *, int code, const char *detail);

#endif
