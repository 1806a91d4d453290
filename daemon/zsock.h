/*
 * zsock: the marriage of ZeroMQ and libevent, and the only file that knows both.
 *
 * ZMQ_FD is edge-triggered and means "look again", not "there is a message": a look that does not drain the socket must schedule
 * the next look itself, and every send may swallow the edge, so whoever sends causes another look.  zsock does both: reads go on
 * to EAGAIN or to the budget of the turn, and a prepared event is activated whenever something may be left.
 */
#ifndef ZSOCK_H
#define ZSOCK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "zap.h"

#define ROUTING_ID_MAX	256u

#define PEER_IPC	"ipc:"
#define PEER_CURVE	"curve:"
#define PEER_TCP	"tcp:"
#define PEER_SIZE	160u

struct zsock;

/*
 * One message.  `id` tells the peer from all others: which of our sockets, and its routing id there; `peer` who it is as libzmq
 * proved it, lent for the call:
 *	ipc:localhost:UID:GID:PID	a process of this machine
 *	curve:KEY:ADDRESS		who has the secret key to that public one
 *	tcp:ADDRESS			whoever, without keys
 * `frames` how many frames it had, of which `body` is the first: the callee may take it over
 * with zmq_msg_move, else it is closed after the call.
 */
typedef void	zsock_on_message(void *arg, const uint8_t *id, size_t id_len, const char *peer, zmq_msg_t *body, unsigned frames);

/* Called once at the end of every turn that read something. */
typedef void	zsock_on_turn(void *arg);

/* A connection has ended; whose, libzmq doesn't say.  Who must know sends to those it cares for: a peer that is gone is EHOSTUNREACH. */
typedef void	zsock_on_gone(void *arg);

/* NULL with errno when libzmq cannot make a socket. */
struct zsock	*zsock_new(struct event_base *, zsock_on_message *, zsock_on_turn *, zsock_on_gone *, void *arg);

/*
 * TCP is for owners of keys: endpoints that are listened on after this have this secret key (Z85, copied), and `may_connect` says
 * whose.  0, or -1 with errno.
 */
int		 zsock_use_keys(struct zsock *, const char *secret_key, zap_may_connect *may_connect);

/*
 * Listen on an endpoint: ipc://PATH or tcp://ADDRESS:PORT; a port of 0 or * picks a free one.  `bound` receives the endpoint as
 * clients must name it.  An ipc path in use by a live process is refused, not stolen.  0, or -1 with a sentence in `why`.
 */
int		 zsock_listen(struct zsock *, const char *endpoint, char *bound, size_t bound_len, char *why, size_t why_len);

/* Begin to read. */
void		 zsock_start(struct zsock *);

/* Send one frame to a peer.  Takes the message over in every case.  0; EHOSTUNREACH: the peer is gone; EAGAIN: it does not read. */
int		 zsock_send(struct zsock *, const uint8_t *id, size_t id_len, zmq_msg_t *);

/* Stop reading; what is queued for peers is given `linger_ms` to leave.  The last thing a process does: libzmq 4.3 aborts when a peer
 * is in the middle of an old-style handshake as the socket closes (zmtp_engine.cpp, EAGAIN); that then ends the process cleanly. */
void		 zsock_free(struct zsock *, int linger_ms);

#endif
