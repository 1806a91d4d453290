#include "zap.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "batch.h"

#define ENDPOINT	"inproc://zeromq.zap.01"

/* Frames of a request: version, number, domain, address, routing id, mechanism, the credentials. */
enum { VERSION, NUMBER, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, CREDENTIALS, FRAMES };

struct frame {
	char bytes[256];
	size_t len;
};

struct zap {
	void *socket;
	zap_may_connect *may_connect;
	void *arg;
};

struct zap *
zap_new(void *context, zap_may_connect *may_connect, void *arg)
{
	struct zap *z = must_alloc(sizeof(*z));
	int linger = 0, saved;

	*z = (struct zap){ zmq_socket(context, ZMQ_REP), may_connect, arg };
	if (z->socket != NULL && zmq_setsockopt(z->socket, ZMQ_LINGER, &linger, sizeof(linger)) == 0 && zmq_bind(z->socket, ENDPOINT) == 0)
		return (z);
	saved = errno;
	zap_free(z);
	errno = saved;
	return (NULL);
}

void
zap_free(struct zap *z)
{
	if (z == NULL)
		return;
	if (z->socket != NULL)
		zmq_close(z->socket);
	free(z);
}

void *
zap_socket(struct zap *z)
{
	return (z->socket);
}

/* All frames of a request; how many there were, 0 for none. */
static unsigned
read_request(struct zap *z, struct frame frames[FRAMES])
{
	unsigned n = 0;
	zmq_msg_t m;
	bool more;

	do {
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, z->socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&m);
			return (0);
		}
		if (n < FRAMES && zmq_msg_size(&m) < sizeof(frames[n].bytes)) {
			frames[n].len = zmq_msg_size(&m);
			memcpy(frames[n].bytes, zmq_msg_data(&m), frames[n].len);
			frames[n].bytes[frames[n].len] = '\0';
		}
		n++;
		more = zmq_msg_more(&m);
		zmq_msg_close(&m);
	} while (more);
	return (n);
}

static void
send_text(struct zap *z, const char *text, size_t len, int more)
{
	/* To libzmq itself, which waits for it. */
	(void)zmq_send(z->socket, text, len, more);
}

bool
zap_answer(struct zap *z)
{
	struct frame f[FRAMES] = { 0 };
	char key[CURVEKEY_CHARS + 1] = "";
	unsigned n = read_request(z, f);
	bool ok;

	if (n == 0)
		return (false);
	ok = n == FRAMES && strcmp(f[DOMAIN].bytes, ZAP_DOMAIN) == 0 && strcmp(f[MECHANISM].bytes, "CURVE") == 0 &&
	    f[CREDENTIALS].len == 32 && zmq_z85_encode(key, (const uint8_t *)f[CREDENTIALS].bytes, 32) != NULL &&
	    z->may_connect(z->arg, key, f[ADDRESS].bytes);
	send_text(z, "1.0", 3, ZMQ_SNDMORE);
	send_text(z, f[NUMBER].bytes, f[NUMBER].len, ZMQ_SNDMORE);
	send_text(z, ok ? "200" : "400", 3, ZMQ_SNDMORE);
	send_text(z, ok ? "" : "unknown key", ok ? 0 : 11, ZMQ_SNDMORE);
	/* The connection's User-Id: the key itself, so that a name given to another key later is not this peer's. */
	send_text(z, ok ? key : "", ok ? CURVEKEY_CHARS : 0, ZMQ_SNDMORE);
	send_text(z, "", 0, 0);
	return (true);
}
