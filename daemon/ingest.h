/* ingest: a message becomes a request.  Step 1 of an event's way; the verbs' own files go on from here. */
#ifndef INGEST_H
#define INGEST_H

#include "mp.h"
#include "zsock.h"

struct daemon;
struct session;

zsock_on_message	ingest_on_message;

/* One request with its arguments: `m` stands behind the number, `left` elements are left.  `body` is the message, for those who
 * keep it. */
struct request {
	struct session *session;
	uint64_t number;
	struct mp m;
	uint32_t left;
	zmq_msg_t *body;
	size_t bytes;		/* of the whole message */
};

/* The verbs' handlers. */
void	put_on_put(struct daemon *, struct request *);
void	put_on_puts(struct daemon *, struct request *);
void	put_on_resume(struct daemon *, struct request *);
void	control_on_get(struct daemon *, struct request *);
void	control_on_status(struct daemon *, struct request *);
void	control_on_ping(struct daemon *, struct request *);
void	control_on_bye(struct daemon *, struct request *);
void	control_on_backup(struct daemon *, struct request *);
void	control_end_backup(struct daemon *);
void	control_on_clock_accept(struct daemon *, struct request *);
void	subscription_on_subscribe(struct daemon *, struct request *);
void	subscription_on_credit(struct daemon *, struct request *);
void	subscription_on_unsubscribe(struct daemon *, struct request *);
void	operate_on_consumers(struct daemon *, struct request *);
void	operate_on_consumer(struct daemon *, struct request *);
void	consumer_on_ack(struct daemon *, struct request *);
void	progress_on_wake(struct daemon *, struct request *);
void	hello_on_hello(struct daemon *, struct request *, const uint8_t *id, size_t id_len, const char *peer);

/* Is the peer no operator?  Then it was refused. */
bool	control_refuse_stranger(struct daemon *, struct request *);

/* Refuse the request: shorthand for session_nak(). */
void	request_nak(struct daemon *, const struct request *, int code, const char *path, const char *detail);

#endif
