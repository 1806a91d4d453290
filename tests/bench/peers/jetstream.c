/* NATS JetStream: each message names where its ack goes, and the server answers there. */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM	"{\"name\":\"S\",\"subjects\":[\"s\"],\"storage\":\"file\",\"retention\":\"limits\",\"max_age\":0,\"num_replicas\":1}"

static int
open_jetstream(struct peer_conn *c, const char *address)
{
	char line[4096], request[512];

	if ((c->fd = peer_connect(address)) < 0 || peer_line(c->fd, line, sizeof(line)) != 0)		/* INFO */
		return (-1);
	/* An inbox a connection.  The stream is made by whoever is first, and is there already for the others. */
	snprintf(request, sizeof(request), "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\"}\r\nSUB i%d 1\r\n"
	    "PUB $JS.API.STREAM.CREATE.S i%d %zu\r\n" STREAM "\r\n", c->fd, c->fd, strlen(STREAM));
	if (peer_write(c->fd, request) != 0)
		return (-1);
	do {
		if (peer_line(c->fd, line, sizeof(line)) != 0)
			return (-1);
	} while (line[0] != '{' && line[0] != '-');
	if (line[0] == '{' && strstr(line, "\"error\"") == NULL)
		return (0);
	fprintf(stderr, "jetstream: %s", line);
	return (-1);
}

static size_t
encode(const struct peer_conn *c, uint8_t *to, const uint8_t *event, size_t len)
{
	size_t head = (size_t)sprintf((char *)to, "PUB s i%d %zu\r\n", c->fd, len);

	memcpy(to + head, event, len);
	memcpy(to + head + len, "\r\n", 2);
	return (head + len + 2);
}

/* MSG i5 1 27\r\n{"stream":"S", "seq":1}\r\n for each.  A PING every two minutes need not be answered within a round. */
static long
acks(struct peer_conn *c, const uint8_t *from, size_t len, uint64_t *acks)
{
	const uint8_t *at = from, *end = from + len, *text, *next;

	(void)c;
	while ((text = peer_line_end(at, end)) != NULL) {
		if (*at == 'P') {
			at = text;
			continue;
		}
		if ((next = peer_line_end(text, end)) == NULL)
			break;
		if (*at != 'M' || memmem(text, (size_t)(next - text), "\"seq\"", 5) == NULL) {
			fprintf(stderr, "jetstream: %.*s", (int)(next - at), (const char *)at);
			return (-1);
		}
		at = next;
		++*acks;
	}
	return (at - from);
}

const struct peer peer_jetstream = { "jetstream", open_jetstream, encode, acks, NULL };
