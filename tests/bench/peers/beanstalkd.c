/* beanstalkd: put, and INSERTED when it is in its log; with -f0 each write of it is flushed. */
#include "peer.h"

#include <stdio.h>
#include <string.h>

static int
open_beanstalkd(struct peer_conn *c, const char *address)
{
	return ((c->fd = peer_connect(address)) >= 0 ? 0 : -1);
}

static size_t
encode(const struct peer_conn *c, uint8_t *to, const uint8_t *event, size_t len)
{
	size_t head = (size_t)sprintf((char *)to, "put 0 0 60 %zu\r\n", len);

	(void)c;
	memcpy(to + head, event, len);
	memcpy(to + head + len, "\r\n", 2);
	return (head + len + 2);
}

static long
acks(struct peer_conn *c, const uint8_t *from, size_t len, uint64_t *acks)
{
	const uint8_t *at = from, *end = from + len, *next;

	(void)c;
	for (; (next = peer_line_end(at, end)) != NULL; at = next, ++*acks)
		if (*at != 'I') {
			fprintf(stderr, "beanstalkd: %.*s", (int)(next - at), (const char *)at);
			return (-1);
		}
	return (at - from);
}

const struct peer peer_beanstalkd = { "beanstalkd", open_beanstalkd, encode, acks, NULL };
