/* Questions to the worker in a rehearsal: at its end for whoever reads, meanwhile for who answers. */
#include "rehearse_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errcode.h"
#include "json.h"
#include "query.h"

/* NAME, or NAME={…}, as a packed map.  False after a line that says what is wrong. */
static bool
pack_question(struct run *r, const char *ask, msgpack_sbuffer *b)
{
	const char *sign = strchr(ask, '='), *key;
	json_t *v = sign != NULL ? json_loads(sign + 1, JSON_REJECT_DUPLICATES, NULL) : json_object(), *item;
	msgpack_packer p;

	if (!json_is_object(v) || json_object_get(v, "name") != NULL) {
		fprintf(stderr, "estate-%s: --ask %s: a question is NAME, or NAME={\"argument\":value,…}\n", r->kind->name, ask);
		json_decref(v);
		return (false);
	}
	msgpack_packer_init(&p, b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, json_object_size(v) + 1);
	msgpack_pack_str_with_body(&p, "name", 4);
	msgpack_pack_str_with_body(&p, ask, sign != NULL ? (size_t)(sign - ask) : strlen(ask));
	json_object_foreach(v, key, item) {
		msgpack_pack_str_with_body(&p, key, strlen(key));
		json_to_msgpack(&p, item);
	}
	json_decref(v);
	return (true);
}

static void
write_member(struct buffer *out, const char *name, const char *value)
{
	buffer_printf(out, ",\"%s\":", name);
	json_write_text(out, value, strlen(value));
}

static void
write_answer(struct run *r, const struct query *q)
{
	struct mp m = mp_over(q->answer.data, q->answer.size);

	if (q->code != 0) {
		buffer_printf(&r->out, "{\"refused\":\"%s\"", errcode_name(q->code));
		write_member(&r->out, "path", q->path);
		write_member(&r->out, "detail", q->detail);
	} else {
		buffer_text(&r->out, "{\"answer\":");
		json_write(&r->out, &m);
		buffer_printf(&r->out, ",\"seq\":%" PRIu64, r->state->cursor.seq);
		if (q->next[0] != '\0')
			write_member(&r->out, "next", q->next);
	}
	buffer_text(&r->out, "}\n");
}

static bool
ask_one(struct run *r, const char *ask)
{
	char page[sizeof(((struct query *)0)->next)] = "";
	msgpack_sbuffer b;
	bool refused;

	msgpack_sbuffer_init(&b);
	if ((refused = !pack_question(r, ask, &b)) == false)
		do {
			struct query q = { .question = mp_over(b.data, b.size), .asker = "rehearsal", .page = page };

			state_begin(r->state);
			query_answer(&r->worker, &q);
			state_abort(r->state);
			write_answer(r, &q);
			refused = q.code != 0;
			snprintf(page, sizeof(page), "%s", q.next);
			query_free(&q);
		} while (page[0] != '\0' && !refused);
	msgpack_sbuffer_destroy(&b);
	return (!refused);
}

bool
rehearse_ask(struct run *r)
{
	bool answered = true;

	for (unsigned i = 0; i < r->o->ask_count; i++)
		answered = ask_one(r, r->o->asks[i]) && answered;
	return (answered);
}

/* The rows of a page: the first list of the answer. */
static bool
take_rows(struct run *r, const struct query *q, const void *asked)
{
	struct mp m = mp_over(q->answer.data, q->answer.size), row;
	uint32_t pairs, rows = 0, len;
	const uint8_t *bytes;
	const char *key;
	size_t size;

	if (!mp_map(&m, &pairs))
		return (true);
	for (; pairs > 0 && mp_str(&m, &key, &len) && !mp_array(&m, &rows); pairs--)
		mp_skip(&m);
	for (; rows > 0 && mp_raw(&m, &bytes, &size); rows--) {
		row = mp_over(bytes, size);
		if (!respond_row(r->respond, asked, row, r->now))
			return (false);
	}
	return (true);
}

bool
rehearse_rows(struct run *r, const char *question, const void *asked)
{
	char page[sizeof(((struct query *)0)->next)] = "";
	msgpack_sbuffer b;
	msgpack_packer p;
	bool taken = true;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 1);
	msgpack_pack_str_with_body(&p, "name", 4);
	msgpack_pack_str_with_body(&p, question, strlen(question));
	do {
		struct query q = { .question = mp_over(b.data, b.size), .asker = "rehearsal", .page = page };

		query_answer(&r->worker, &q);
		if (q.code != 0)
			fprintf(stderr, "estate-%s: asked %s for %s: %s: %s\n", r->kind->name, question, r->o->respond, q.path, q.detail);
		taken = q.code == 0 && take_rows(r, &q, asked);
		snprintf(page, sizeof(page), "%s", q.next);
		query_free(&q);
	} while (page[0] != '\0' && taken);
	msgpack_sbuffer_destroy(&b);
	return (taken);
}
