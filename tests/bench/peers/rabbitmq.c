/* RabbitMQ: a quorum queue of one member and publisher confirms.  librabbitmq makes ready; puts and confirms are frames of AMQP 0-9-1. */
#include "peer.h"

#include <endian.h>
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE		"s"
#define FRAME_END	0xce
#define FRAME_HEAD	7u		/* type, channel, size */
#define METHOD		1
#define HEADER		2
#define BODY		3
#define BASIC		60
#define BASIC_PUBLISH	40
#define BASIC_ACK	80

static int
open_rabbitmq(struct peer_conn *c, const char *address)
{
	amqp_connection_state_t state = amqp_new_connection();
	amqp_socket_t *socket = amqp_tcp_socket_new(state);
	amqp_table_entry_t kind;
	amqp_table_t arguments = { 1, &kind };

	kind.key = amqp_cstring_bytes("x-queue-type");
	kind.value.kind = AMQP_FIELD_KIND_UTF8;
	kind.value.value.bytes = amqp_cstring_bytes("quorum");
	c->own = state;
	if (socket == NULL || amqp_socket_open(socket, "127.0.0.1", atoi(address)) != 0 ||
	    amqp_login(state, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type != AMQP_RESPONSE_NORMAL ||
	    amqp_channel_open(state, 1) == NULL ||
	    amqp_queue_declare(state, 1, amqp_cstring_bytes(QUEUE), 0, 1, 0, 0, arguments) == NULL || amqp_confirm_select(state, 1) == NULL) {
		fprintf(stderr, "rabbitmq: no connection with a quorum queue and confirms\n");
		return (-1);
	}
	c->fd = amqp_get_sockfd(state);
	return (0);
}

static uint8_t *
frame(uint8_t *to, uint8_t type, const void *payload, size_t len)
{
	uint32_t size = htobe32((uint32_t)len);

	to[0] = type;
	memcpy(to + 1, "\0\1", 2);
	memcpy(to + 3, &size, 4);
	memcpy(to + FRAME_HEAD, payload, len);
	to[FRAME_HEAD + len] = FRAME_END;
	return (to + FRAME_HEAD + len + 1);
}

static size_t
encode(const struct peer_conn *c, uint8_t *to, const uint8_t *event, size_t len)
{
	/* basic.publish: no exchange, the queue's name, no flags; a header with the size and delivery mode 2, persistent. */
	static const uint8_t publish[] = { 0, BASIC, 0, BASIC_PUBLISH, 0, 0, 0, 1, 's', 0 };
	uint8_t header[15] = { 0, BASIC }, *at = to;
	uint64_t size = htobe64(len);

	(void)c;
	memcpy(header + 4, &size, sizeof(size));
	memcpy(header + 12, "\x10\x00\x02", 3);
	at = frame(at, METHOD, publish, sizeof(publish));
	at = frame(at, HEADER, header, sizeof(header));
	at = frame(at, BODY, event, len);
	return ((size_t)(at - to));
}

static long
acks(struct peer_conn *c, const uint8_t *from, size_t len, uint64_t *acks)
{
	size_t at = 0;

	while (len - at >= FRAME_HEAD) {
		const uint8_t *f = from + at;
		uint32_t size;
		uint64_t tag;

		memcpy(&size, f + 3, sizeof(size));
		size = be32toh(size);
		if (len - at < FRAME_HEAD + size + 1)
			break;
		if (f[0] == METHOD && f[8] == BASIC && f[10] == BASIC_ACK) {
			memcpy(&tag, f + 11, sizeof(tag));
			tag = be64toh(tag);
			/* Several at once are all up to this one; one by one they come in any order. */
			*acks += (f[19] & 1) != 0 ? tag - c->tag : 1;
			c->tag += (f[19] & 1) != 0 ? tag - c->tag : 1;
		} else if (f[0] == METHOD) {
			fprintf(stderr, "rabbitmq: method %u.%u instead of an ack\n", f[8], f[10]);
			return (-1);
		}
		at += FRAME_HEAD + size + 1;
	}
	return ((long)at);
}

const struct peer peer_rabbitmq = { "rabbitmq", open_rabbitmq, encode, acks, NULL };
