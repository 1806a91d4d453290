/*
 * zap: the handler libzmq asks whether a CURVE key may connect (rfc.zeromq.org/spec/27).  A REP socket at inproc://zeromq.zap.01,
 * served by the loop: the answer comes from the list in force, so a revoked key fails from that turn on and nothing is locked.
 * libzmq's threads don't wait for it; a connection does, for the time a handshake may take.
 */
#ifndef ZAP_H
#define ZAP_H

#include <stdbool.h>

#include "curvekey.h"

/* The domain of our listeners: libzmq then refuses whoever no handler has judged. */
#define ZAP_DOMAIN	"estated"

struct zap;

/* May the owner of this public key, at that address, connect? */
typedef bool	zap_may_connect(void *arg, const char *key, const char *address);

/* NULL with errno. */
struct zap	*zap_new(void *context, zap_may_connect *, void *arg);
void		 zap_free(struct zap *);

/* The socket, for whoever watches it. */
void		*zap_socket(struct zap *);

/* Answer one request; false if there is none. */
bool		 zap_answer(struct zap *);

#endif
