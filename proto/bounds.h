/*
 * Every bound of the wire, each with what it protects and what happens at it.  PROTOCOL.md quotes this file; hello announces the
 * ones a client needs.
 */
#ifndef BOUNDS_H
#define BOUNDS_H

#define PROTOCOL_VERSION	1

/* One event.  A form with every text filled is 30 KiB; beyond this a photo has lost its way: too-large. */
#define EVENT_BYTES_MAX		(64u << 10)

/* Soft bound of one message: answered with too-large, nothing in it is stored. */
#define MESSAGE_BYTES_MAX	(1u << 20)

/* Hard bound (ZMQ_MAXMSGSIZE): libzmq drops the connection unanswered, so nobody makes us hold what we would refuse anyway. */
#define MESSAGE_BYTES_HARD	(2 * MESSAGE_BYTES_MAX)

/* Events in one put: bounds the time one atomic batch holds up everybody else's: too-many. */
#define PUT_EVENTS_MAX		4096u

/* Containers inside each other within an event: envelope, data, items, item, and room for a newer sender: too-deep. */
#define EVENT_DEPTH_MAX		8u

/* Elements in one array or pairs in one map of an event; duplicate keys are looked for pairwise up to here: too-many. */
#define EVENT_ITEMS_MAX		1024u

/* Envelope attributes of one event. */
#define EVENT_ATTRIBUTES_MAX	32u

#define ID_CHARS_MAX		64u
#define SOURCE_CHARS_MAX	128u
#define TYPE_CHARS_MAX		64u
#define TRACEPARENT_CHARS_MAX	128u

/* What hops may say; workers stop long before (CAUSATION_DEPTH_MAX). */
#define HOPS_MAX		255u

#define CLIENT_NAME_CHARS_MAX	64u

/* Bytes of puts one session may have unanswered; a put beyond it is answered busy.  Covers 1024 small events twice over. */
#define SESSION_CREDIT_BYTES	(4u << 20)

/* Bytes of puts all sessions together may have unanswered: busy.  What a flush of a slow disk may leave in memory. */
#define INTAKE_BYTES_MAX	(48u << 20)

/* Sessions at once: each costs about a kilobyte.  A hello beyond it is answered busy. */
#define SESSIONS_MAX		4096u
#define SESSIONS_RESERVE	64u		/* beyond them, for who may operate: whoever took all the others can be revoked */

/* A session that says nothing for this long is forgotten: ping at a third of it. */
#define SESSION_IDLE_S		60u

/* Subscriptions of one session: too-many. */
#define SUBSCRIPTIONS_MAX	32u

/* Names of consumers the log keeps a cursor for: each is looked at for lag and retention, so a stranger must not make them without
 * end, nor one client take them all: too-many. */
#define CONSUMERS_MAX		1024u
#define CONSUMERS_PER_CLIENT_MAX	256u

/* Credit one subscription may hold; more is capped, not refused. */
#define CREDIT_EVENTS_MAX	8192u
#define CREDIT_BYTES_MAX	(1u << 20)

/* A question: a name and arguments, not a document: too-large. */
#define ASK_QUESTION_BYTES_MAX	(16u << 10)

/* An answer: what is left of a message beside its envelope.  Beyond it the asker is told answer-too-large: that is what pages are for. */
#define ASK_ANSWER_BYTES_MAX	(MESSAGE_BYTES_MAX - (4u << 10))
#define ASK_ANSWER_DEPTH_MAX	16u
#define ASK_ANSWER_ITEMS_MAX	4096u

/* A cursor for the next page, opaque to all but the service. */
#define ASK_PAGE_BYTES_MAX	256u

/* How long an asker waits: what a person at a page does, and what a worker that must read on may take. */
#define ASK_TIMEOUT_MS		5000u
#define ASK_TIMEOUT_MS_MAX	60000u

/* Asks without an answer, of the clients of one name: busy.  As many answers as libzmq holds for a peer, so none is lost. */
#define ASKS_PER_ASKER_MAX	64u
#define ASK_BYTES_PER_ASKER_MAX	(256u << 10)

/* Of one service: busy.  A service that hangs is not to collect the whole building's questions. */
#define ASKS_PER_SERVICE_MAX	512u
#define ASK_BYTES_PER_SERVICE_MAX	(1u << 20)

/* Of all together: busy.  A power of two. */
#define ASKS_MAX		4096u

/* Asks a service has at once; the others wait here.  Below SEND_HWM, so that events have room beside them. */
#define SERVICE_WINDOW		32u

/* How many of them may be such as wait for the service to have read so far (at_least): while it is behind, or stands, others still reach it,
 * and it can be asked why. */
#define SERVICE_PATIENT_MAX	24u

/* Services at once: too-many. */
#define SERVICES_MAX		64u

/* Numbers of asks are the daemon's, from here on: apart from those of puts and requests, and whole in a double. */
#define ASK_ID_FIRST		((1ull << 52) + (1ull << 51))

/* Messages libzmq may hold for a peer that does not read, whatever credit it grants: with DELIVERY_BYTES_MAX this bounds what a
 * dead or hostile reader costs.  At the bound it gets nothing, acks included, until it reads: its resent puts are answered again. */
#define SEND_HWM		64

/* Messages of one peer that wait for the loop: with MESSAGE_BYTES_HARD, what a flooding peer may occupy. */
#define RECEIVE_HWM		256

/* Patterns or names in one filter list. */
#define FILTER_ITEMS_MAX	64u

/* Event bytes in one delivery; one event may exceed it alone. */
#define DELIVERY_BYTES_MAX	(64u << 10)
#define DELIVERY_EVENTS_MAX	1024u

/* A sender's clock: further ahead than this, or further back, is implausible; the event is kept and flagged, log time counts.
 * Back: what the de-duplication keys cover, so that an outbox may be a year old.  Ahead: the drift of a bad clock in a day. */
#define TIME_AHEAD_MAX_S	120
#define TIME_BEHIND_MAX_S	(400LL * 86400)

#endif
