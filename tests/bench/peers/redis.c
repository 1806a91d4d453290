/* Redis Streams.  A put is XADD; with appendfsync always its answer leaves after the flush. */
#include "peer.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM	"s"
#define GROUP	"g"

static int
open_redis(struct peer_conn *c, const char *address)
{
	return ((c->fd = peer_connect(address)) >= 0 ? 0 : -1);
}

static size_t
encode(const struct peer_conn *c, uint8_t *to, const uint8_t *event, size_t len)
{
	size_t head = (size_t)sprintf((char *)to, "*5\r\n$4\r\nXADD\r\n$1\r\n" STREAM "\r\n$1\r\n*\r\n$1\r\ne\r\n$%zu\r\n", len);

	(void)c;
	memcpy(to + head, event, len);
	memcpy(to + head + len, "\r\n", 2);
	return (head + len + 2);
}

/* $15\r\n1526919030474-0\r\n for each. */
static long
acks(struct peer_conn *c, const uint8_t *from, size_t len, uint64_t *acks)
{
	const uint8_t *at = from, *end = from + len, *text, *next;

	(void)c;
	while ((text = peer_line_end(at, end)) != NULL) {
		if (*at != '$') {
			fprintf(stderr, "redis: %.*s", (int)(text - at), (const char *)at);
			return (-1);
		}
		if ((next = peer_line_end(text, end)) == NULL)
			break;
		at = next;
		++*acks;
	}
	return (at - from);
}

/* ---- reading: XREADGROUP by 1000, then XACK of all of them; the next read travels with the ack ---- */

static redisReply *
one(redisContext *r)
{
	void *reply;

	if (redisGetReply(r, &reply) != REDIS_OK || ((redisReply *)reply)->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "redis: %s\n", r->err != 0 ? r->errstr : ((redisReply *)reply)->str);
		return (NULL);
	}
	return (reply);
}

static void
append_ack(redisContext *r, const redisReply *entries)
{
	const char **argv = malloc((entries->elements + 3) * sizeof(*argv));
	size_t *lens = malloc((entries->elements + 3) * sizeof(*lens));

	if (argv == NULL || lens == NULL)
		abort();
	argv[0] = "XACK", argv[1] = STREAM, argv[2] = GROUP;
	lens[0] = 4, lens[1] = sizeof(STREAM) - 1, lens[2] = sizeof(GROUP) - 1;
	for (size_t i = 0; i < entries->elements; i++) {
		argv[i + 3] = entries->element[i]->element[0]->str;
		lens[i + 3] = entries->element[i]->element[0]->len;
	}
	redisAppendCommandArgv(r, (int)entries->elements + 3, argv, lens);
	free(argv);
	free(lens);
}

static int
consume(const char *address, bool (*on_event)(void *, const uint8_t *, size_t), void *user)
{
	redisContext *r = redisConnectUnix(address);
	redisReply *reply;
	bool more = true;

	if (r == NULL || r->err != 0)
		return (-1);
	freeReplyObject(redisCommand(r, "XGROUP CREATE " STREAM " " GROUP " 0 MKSTREAM"));
	redisAppendCommand(r, "XREADGROUP GROUP " GROUP " c COUNT 1000 BLOCK 0 STREAMS " STREAM " >");
	while (more && (reply = one(r)) != NULL) {
		const redisReply *entries = reply->element[0]->element[1];

		for (size_t i = 0; i < entries->elements; i++) {
			const redisReply *event = entries->element[i]->element[1]->element[1];

			more = on_event(user, (const uint8_t *)event->str, event->len) && more;
		}
		append_ack(r, entries);
		if (more)
			redisAppendCommand(r, "XREADGROUP GROUP " GROUP " c COUNT 1000 BLOCK 0 STREAMS " STREAM " >");
		freeReplyObject(reply);
		if ((reply = one(r)) == NULL)		/* of the ack */
			break;
		freeReplyObject(reply);
	}
	redisFree(r);
	return (more ? -1 : 0);
}

const struct peer peer_redis = { "redis", open_redis, encode, acks, consume };
