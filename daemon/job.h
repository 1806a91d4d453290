/*
 * job: puts on their way to the disk.  The loop gathers them, the writer decides and writes, the loop answers.  One thread has it
 * at a time.
 */
#ifndef JOB_H
#define JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <zmq.h>

#include "batch.h"

struct daemon;
struct session;

/* One of the daemon's own events is durable (code 0), or was refused with that code.  On the loop, after the acks. */
typedef void	own_event_stored(struct daemon *, void *arg, int code);

/* One event of a put.  `bytes` point into the job's messages. */
struct job_event {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t flags;
	struct index_entry entry;
	uint32_t span, spans;	/* its personal values: from spans[] of the job, how many */
	struct text person;	/* whose they are; lent from the bytes */
	/* The writer's answer. */
	uint64_t seq;
	bool duplicate;
	int code;		/* an event of its own put that was refused */
};

/* One put, or a run of single-event puts with consecutive numbers. */
struct job_put {
	struct session *session;	/* a reference; NULL: the daemon's own */
	const char *sender;		/* the session's, which lives as long */
	uint8_t sender_len;
	bool each;			/* every event is a put of its own, numbered from n */
	uint64_t n;
	uint32_t first, count;		/* in events[] */
	size_t credit;			/* bytes of credit to give back with the answer */
	own_event_stored *on_stored;	/* of the daemon's own, or NULL */
	void *arg;
	/* The writer's answer. */
	int code;			/* the whole put was refused */
	uint32_t bad;			/* by this event of it */
};

/* Something odd about a stored event, to be told with the ack. */
struct job_warning {
	uint32_t put;
	uint32_t event;			/* in events[] */
	int code;
	char path[48];
};

struct job {
	struct job_put *puts;
	struct job_event *events;
	struct job_warning *warnings;
	struct span *spans;
	zmq_msg_t *messages;
	unsigned span_count, span_room;
	unsigned put_count, event_count, warning_count, message_count;
	unsigned put_room, event_room, warning_room, message_room;
	size_t bytes;			/* of events */
	struct batch *batch;		/* what was written, a reference; NULL if nothing was new */
	bool put_off;			/* somebody is told to come again later */
	STAILQ_ENTRY(job) link;
};
STAILQ_HEAD(job_queue, job);

struct job	*job_new(void);

/* Empty it for the next use; its lists keep their room, since growing them anew costs more than filling them. */
void		 job_clear(struct job *);
/* Frees what it holds, messages and batch included; sessions are the loop's to release before. */
void		 job_free(struct job *);

/* A fresh element at the end of each list, zeroed. */
struct job_put		*job_add_put(struct job *);
struct job_event	*job_add_event(struct job *);
struct job_warning	*job_add_warning(struct job *);
struct span		*job_add_span(struct job *);

/* Keep the message for as long as the job lives; returns its bytes, which do not move any more.  Takes the message over. */
const uint8_t		*job_add_message(struct job *, zmq_msg_t *);

/* Give back the messages beyond the first `count`: nothing of them was taken. */
void			 job_drop_messages(struct job *, unsigned count);

#endif
