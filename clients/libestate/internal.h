/*
 * What the files of libestate share.  In the order of an event's way:
 *
 *	put.c		hand-over, and what acks and naks do
 *	window.c	the puts nobody answered yet: two rings, no sockets
 *	session.c	hello, hold, silence: the states, as a table
 *	subscribe.c	subscriptions and their credit
 *	serve.c		services: questions in, answers out
 *	request.c	everything that is asked once and answered once
 *	answer.c	an incoming message, to whom it belongs
 *	transport.c	the only file that knows ZeroMQ
 *	handle.c	open, close, and the turn of the loop
 *	fault.c		refusals and error texts
 *	outbox*.c	events kept on the disk until the daemon has them, on top of all this: box.h
 *
 * What one file offers the others begins with es_, because a static library shares its names with the program around it.
 *
 * Nothing is queued for sending: each part knows what is *due*, and a turn of the loop sends what the socket takes.  After a
 * reconnect everything is simply due again.
 */
#ifndef ESTATE_INTERNAL_H
#define ESTATE_INTERNAL_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "errcode.h"
#include "estate.h"
#include "bounds.h"
#include "mp.h"
#include "window.h"

/* Puts are numbered from 1; all other requests from here, so that a nak tells what it refuses. */
#define REQUEST_NUMBER_FIRST	(1ull << 52)

/* Bytes of one message of puts.  A message in the making never delays the one before it by much, both sides copy it while it is
 * still in the processor's cache, and malloc does not turn to the system for it: half of what half a megabyte cost the client.
 * The largest event must fit, or it would never leave, nor anything behind it. */
#define FRAME_BYTES_SOFT	(EVENT_BYTES_MAX + WINDOW_BIN_HEADER_MAX)

/* Messages read in one turn before the caller gets its thread back. */
#define TURN_MESSAGES_MAX	1000

/* The first pause before another try; it doubles. */
#define BACKOFF_MS_FIRST	100u

#define NEVER_MS		INT64_MAX

/* A CURVE key as text, terminated. */
#define CURVE_KEY_SIZE		41

struct keys;

struct transport {
	void *context;
	bool own_context;
	void *socket;		/* NULL between two connections */
	void *monitor;
	bool keyed;		/* this connection uses CURVE */
	int epoll;		/* watches socket, monitor and timer: what estate_fd() returns */
	int timer;
	int64_t armed_ms;	/* when the timer will fire */
};

struct request {
	struct request *next;
	uint64_t number;
	bool sent;
	msgpack_sbuffer frame;
	void (*on_answer)(void *, const struct estate_answer *);
	void *user;
};

struct estate_subscription {
	struct estate_subscription *next;
	struct estate *e;
	uint64_t number;	/* its name in this session */
	bool asked;		/* in this session; else it is due */
	bool placed;		/* the daemon told where it begins: from now on the cursor counts, not `from` */
	uint64_t cursor;	/* the last number seen or passed by */
	uint64_t acked;		/* with a consumer: everything up to here is processed */
	uint64_t member;	/* which of its members the daemon made this */
	bool ack_due;
	int64_t wake;		/* log time of the next progress wished for; INT64_MAX: none */
	bool wake_due;
	bool paused;		/* no credit is granted */
	int64_t events_left, bytes_left;	/* credit granted and not used */
	struct estate_subscribe_options o;
	char log[64];
	char consumer[ID_CHARS_MAX + 1];
	msgpack_sbuffer filter;	/* the packed pairs of the filter … */
	unsigned filter_pairs;	/* … and how many */
};

struct estate_service {
	struct estate_service *next;
	struct estate *e;
	uint64_t number;	/* its name in this session */
	bool asked;		/* in this session to be registered; else that is due */
	char name[ID_CHARS_MAX + 1];
	struct estate_serve_options o;
};

/* An answer that is due. */
struct reply {
	struct reply *next;
	msgpack_sbuffer frame;
};

struct session {
	enum estate_state state;
	uint64_t hello, resume, ping;	/* numbers of those unanswered, 0 for none */
	bool hello_due, resume_due, ping_due;
	int64_t until_ms;		/* the state's own deadline */
	int64_t ping_at_ms;		/* idle since long enough */
	int64_t pong_until_ms;
	bool reopen;			/* in CONNECTING: make a new socket at until_ms */
	unsigned backoff_ms;		/* of the next pause between connections */
	unsigned hold_ms;		/* of the next pause between resumes */
	unsigned idle_ms;		/* say something this often */
	bool welcomed;
	struct estate_log log;
	struct estate_fault refusal;
};

struct estate {
	char *endpoint, *client, *software, *log_wanted;
	struct keys {			/* "" for none */
		char secret[CURVE_KEY_SIZE], public[CURVE_KEY_SIZE], server[CURVE_KEY_SIZE];
	} keys;
	const char *trouble;		/* why no connection comes about */
	struct estate_options o;	/* its strings are the copies above */
	struct transport t;
	struct session s;
	struct window w;
	struct estate_subscription *subscriptions;
	struct request *requests;
	struct estate_service *services;
	struct reply *replies;
	uint64_t number;		/* the last request's */
	int64_t now_ms;			/* of this turn, monotonic */
	uint64_t random;
	bool inside;			/* a callback may be running */
	bool full;			/* the socket took no more in this turn */

	/* put.c */
	int64_t stall_at_ms;		/* puts are unanswered and nothing moved until then: doubt */
	unsigned stall_ms;
	bool stalled;			/* the next pong decides */
	uint64_t put_off_from;		/* while held: the first put to send again */
	uint8_t *scratch;		/* a refused put, in one piece */
	size_t scratch_size;
	struct estate_run *runs;
	size_t runs_max;
	struct estate_warning *warnings;
	size_t warnings_max;
};

/* transport.c: true or 0 on success. */
int	es_transport_init(struct transport *, void *context);
void	es_transport_fini(struct transport *);
int	es_transport_connect(struct transport *, const char *endpoint, const struct keys *);
void	es_transport_disconnect(struct transport *, int linger_ms);
/* Take the keys of the options: false if they are none. */
bool	es_transport_keys(struct keys *, const struct estate_options *);
/* False if the socket takes nothing now: still due. */
bool	es_transport_send(struct estate *, const void *, size_t);
bool	es_transport_send_message(struct estate *, void *zmq_message);
/* A message of a verb and a number alone. */
bool	es_transport_say(struct estate *, const char *verb, uint64_t number);
/* Whether the socket has something to read: this also takes care of ZMQ_FD's edge. */
bool	es_transport_readable(struct transport *);
enum es_transport_event { TRANSPORT_NOTHING, TRANSPORT_UP, TRANSPORT_GONE, TRANSPORT_REFUSED };
/* What happened to the connection; *trouble: why it was refused. */
enum es_transport_event es_transport_event(struct transport *, const char **trouble);
void	es_transport_arm(struct transport *, int64_t at_ms, int64_t now_ms);
int64_t	es_monotonic_ms(void);

/* session.c */
enum es_session_event {
	S_UP, S_GONE, S_WELCOMED, S_HELLO_LATER, S_HELLO_REFUSED, S_PUT_LATER, S_RESUMED, S_NO_SESSION, S_SILENT, S_GARBLED
};
void	es_session_init(struct estate *);
void	es_session_event(struct estate *, enum es_session_event, const struct estate_fault *);
void	es_session_timers(struct estate *);
int64_t	es_session_deadline(const struct estate *);
void	es_session_flush(struct estate *);
void	es_session_on_welcome(struct estate *, uint64_t number, struct mp body, uint32_t elements);
void	es_session_on_resumed(struct estate *, uint64_t number, struct mp body, uint32_t elements);
void	es_session_on_pong(struct estate *, uint64_t number, struct mp body, uint32_t elements);
bool	es_session_on_nak(struct estate *, uint64_t number, const struct estate_fault *);
void	es_notify(struct estate *, enum estate_notice_kind, const char *reason, const struct estate_fault *);
uint64_t es_next_number(struct estate *);
unsigned es_jitter(struct estate *, unsigned ms);

/* put.c */
void	es_put_flush(struct estate *);
void	es_put_on_ack(struct estate *, struct mp body, uint32_t elements);
void	es_put_on_nak(struct estate *, uint64_t number, const struct estate_fault *);
void	es_put_session_lost(struct estate *);
void	es_put_resumed(struct estate *);
void	es_put_on_pong(struct estate *);
void	es_put_timers(struct estate *);
int64_t	es_put_deadline(const struct estate *);

/* subscribe.c: the on_… return false for a message no honest daemon sends. */
void	es_subscribe_flush(struct estate *);
void	es_subscribe_session_lost(struct estate *);
bool	es_subscribe_on_subscribed(struct estate *, uint64_t number, struct mp body, uint32_t elements);
bool	es_subscribe_on_events(struct estate *, uint64_t number, struct mp body, uint32_t elements);
bool	es_subscribe_on_progress(struct estate *, uint64_t number, struct mp body, uint32_t elements);
bool	es_subscribe_on_fault(struct estate *, uint64_t number, const struct estate_fault *);
void	es_subscribe_free_all(struct estate *);

/* serve.c: likewise. */
void	es_serve_flush(struct estate *);
void	es_serve_session_lost(struct estate *);
bool	es_serve_on_asked(struct estate *, uint64_t number, struct mp body, uint32_t elements);
bool	es_serve_on_fault(struct estate *, uint64_t number, const struct estate_fault *);
void	es_serve_free_all(struct estate *);

/* request.c */
void	es_request_flush(struct estate *);
void	es_request_session_lost(struct estate *, bool refused);
bool	es_request_on_answer(struct estate *, uint64_t number, const char *verb, uint32_t verb_len, struct mp body, uint32_t elements);
bool	es_request_on_nak(struct estate *, uint64_t number, const struct estate_fault *);
void	es_request_free_all(struct estate *);

/* answer.c: false for bytes no honest daemon sends. */
bool	es_answer_dispatch(struct estate *, const void *, size_t);

/* fault.c */
bool	es_fault_read(struct mp *, struct estate_fault *);
void	es_copy_text(char *to, size_t size, const char *from, size_t len);

/* handle.c: 1 to 64 characters of an id. */
bool	es_name_valid(const char *);

static inline void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

/* [1, verb, number, and `more` elements that the caller packs. */
static inline void
pack_head(msgpack_packer *p, const char *verb, uint64_t number, unsigned more)
{
	msgpack_pack_array(p, 3 + more);
	msgpack_pack_uint8(p, PROTOCOL_VERSION);
	pack_text(p, verb);
	msgpack_pack_uint64(p, number);
}

#endif
