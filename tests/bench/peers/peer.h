/*
 * The durable queues that estated is measured beside: what each speaks, in as few instructions as it takes, so that the peer is
 * measured and not its client.  Puts are pipelined on the socket; acks are counted in what comes back, in the order of the puts.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define PEER_HEAD_MAX	256u		/* bytes that any peer adds to an event */

struct peer_conn {
	int fd;
	uint64_t tag;			/* the last one acknowledged, where puts are numbered */
	void *own;			/* what the peer's library keeps of the connection */
};

struct peer {
	const char *name;
	/* Connect to `address` and make ready to put: the queue exists, puts are confirmed.  0, or -1 (said on stderr). */
	int (*open)(struct peer_conn *, const char *address);
	/* One put of `len` bytes, written to `to` (PEER_HEAD_MAX + len bytes).  How many bytes it takes. */
	size_t (*encode)(const struct peer_conn *, uint8_t *to, const uint8_t *event, size_t len);
	/*
	 * What came back: how many of `len` bytes were whole answers, and in *acks how many puts they acknowledge.  -1 for an answer that
	 * is no ack (said on stderr).
	 */
	long (*acks)(struct peer_conn *, const uint8_t *from, size_t len, uint64_t *acks);
	/* Read events as one of a durable group, acknowledging them by up to 1000, until on_event() says false.  NULL: not measured. */
	int (*consume)(const char *address, bool (*on_event)(void *user, const uint8_t *event, size_t len), void *user);
};

extern const struct peer peer_redis, peer_jetstream, peer_beanstalkd, peer_rabbitmq;

/* A blocking TCP connection to 127.0.0.1:PORT, or to the Unix socket if `address` begins with '/'.  -1, said on stderr. */
int	peer_connect(const char *address);

/* Read a line of at most `size` bytes from a blocking socket, byte by byte: for the few of a handshake.  -1 at its end. */
int	peer_line(int fd, char *line, size_t size);
int	peer_write(int fd, const char *text);

/* The end of the line that begins at `from` (behind its \r\n), or NULL while it is not whole. */
const uint8_t *peer_line_end(const uint8_t *from, const uint8_t *end);

#endif
