/* The answer to a question, as it is written: containers get their counts when they are closed. */
#include <string.h>

#include "bytes.h"
#include "personal.h"
#include "query.h"

#define MAP_32		0xdf
#define ARRAY_32	0xdd

static void
open_container(struct query *q, bool map, bool row)
{
	uint8_t head[5] = { map ? MAP_32 : ARRAY_32 };

	msgpack_sbuffer_write(&q->answer, (const char *)head, sizeof(head));
	q->open[q->depth].at = q->answer.size - 4;
	q->open[q->depth].count = 0;
	q->open[q->depth].row = row;
	q->open[q->depth++].map = map;
}

static void
close_container(struct query *q)
{
	q->depth--;
	put_be32((uint8_t *)q->answer.data + q->open[q->depth].at, q->open[q->depth].count);
}

void
reply_begin(struct query *q)
{
	msgpack_sbuffer_init(&q->answer);
	msgpack_packer_init(&q->packer, &q->answer, msgpack_sbuffer_write);
	q->depth = 0;
	open_container(q, true, false);
}

void
reply_close(struct query *q)
{
	while (q->depth > 0)
		close_container(q);
}

static void
pack_text(struct query *q, struct text t)
{
	msgpack_pack_str_with_body(&q->packer, t.s != NULL ? t.s : "", t.len);
}

/* Room for a value: its name stands before it.  NULL: this is no query. */
static struct query *
value(struct worker *w, const char *name)
{
	struct query *q = w->query;

	if (q == NULL) {
		worker_fail(w, "only a query replies");
		return (NULL);
	}
	q->open[q->depth - 1].count++;
	if (q->open[q->depth - 1].map)
		pack_text(q, text_of(name));
	return (q);
}

void
worker_reply(struct worker *w, const char *name, struct text t)
{
	struct query *q = value(w, name);

	if (q != NULL)
		pack_text(q, t);
}

void
worker_reply_personal(struct worker *w, const char *name, struct text t)
{
	struct query *q = value(w, name);

	if (q == NULL)
		return;
	msgpack_pack_map(&q->packer, 1);
	pack_text(q, text_of(PERSONAL_MARK));
	pack_text(q, t);
}

void
worker_reply_int(struct worker *w, const char *name, int64_t n)
{
	struct query *q = value(w, name);

	if (q != NULL)
		msgpack_pack_int64(&q->packer, n);
}

void
worker_reply_bool(struct worker *w, const char *name, bool v)
{
	struct query *q = value(w, name);

	if (q != NULL)
		v ? msgpack_pack_true(&q->packer) : msgpack_pack_false(&q->packer);
}

void
worker_reply_instant(struct worker *w, const char *name, int64_t ns)
{
	struct query *q = value(w, name);
	int64_t seconds = ns / SECOND_NS, rest = ns % SECOND_NS;

	if (q == NULL)
		return;
	if (rest < 0) {
		rest += SECOND_NS;
		seconds--;
	}
	msgpack_pack_timestamp(&q->packer, &(msgpack_timestamp){ seconds, (uint32_t)rest });
}

static void
open_in(struct worker *w, const char *name, bool map, bool row)
{
	struct query *q = w->query;

	if (q != NULL && q->depth == QUERY_DEPTH_MAX)
		worker_fail(w, "an answer of more than %u containers inside each other", QUERY_DEPTH_MAX);
	else if ((q = value(w, name)) != NULL)
		open_container(q, map, row);
}

void
worker_reply_map(struct worker *w, const char *name)
{
	open_in(w, name, true, false);
}

void
worker_reply_list(struct worker *w, const char *name)
{
	open_in(w, name, false, false);
}

void
worker_reply_end(struct worker *w)
{
	struct query *q = w->query;

	if (q == NULL || q->depth < 2) {
		worker_fail(w, "nothing that it opened is open");
		return;
	}
	if (q->open[q->depth - 1].row)
		close_container(q);
	close_container(q);
}

void
worker_reply_row(struct worker *w)
{
	struct query *q = w->query;

	if (q != NULL && q->open[q->depth - 1].row)
		close_container(q);
	if (q == NULL || q->open[q->depth - 1].map) {
		worker_fail(w, "a row belongs into a list");
		return;
	}
	open_in(w, NULL, true, true);
	/* A page is full of the rows that are walked, not of what lies within them: the map, the list, the row. */
	q->rows += q->depth == 3;
}
