#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "errcode.h"
#include "bounds.h"

/* Below this a copy is cheaper than handing the buffer over. */
#define COPY_MAX	4096u

void
answer_begin(struct answer *a, const char *verb, uint64_t number, unsigned elements)
{
	msgpack_sbuffer_init(&a->buffer);
	msgpack_packer_init(&a->packer, &a->buffer, msgpack_sbuffer_write);
	msgpack_pack_array(&a->packer, elements);
	msgpack_pack_uint64(&a->packer, PROTOCOL_VERSION);
	answer_text(a, verb);
	msgpack_pack_uint64(&a->packer, number);
}

static void
free_buffer(void *data, void *hint)
{
	(void)hint;
	free(data);
}

void
answer_finish(struct answer *a, zmq_msg_t *m)
{
	size_t n = a->buffer.size;

	if (n <= COPY_MAX) {
		if (zmq_msg_init_size(m, n) != 0)
			abort();
		memcpy(zmq_msg_data(m), a->buffer.data, n);
		msgpack_sbuffer_destroy(&a->buffer);
	} else if (zmq_msg_init_data(m, msgpack_sbuffer_release(&a->buffer), n, free_buffer, NULL) != 0)
		abort();
}

void
answer_text_n(struct answer *a, const char *s, size_t n)
{
	msgpack_pack_str(&a->packer, n);
	msgpack_pack_str_body(&a->packer, s, n);
}

void
answer_text(struct answer *a, const char *s)
{
	answer_text_n(a, s, strlen(s));
}

void
answer_key_uint(struct answer *a, const char *key, uint64_t v)
{
	answer_text(a, key);
	msgpack_pack_uint64(&a->packer, v);
}

void
answer_key_int(struct answer *a, const char *key, int64_t v)
{
	answer_text(a, key);
	msgpack_pack_int64(&a->packer, v);
}

void
answer_key_text(struct answer *a, const char *key, const char *v)
{
	answer_text(a, key);
	answer_text(a, v);
}

void
answer_fault(struct answer *a, int code, long index, const char *path, const char *detail)
{
	bool has_path = path != NULL && *path != '\0', has_detail = detail != NULL && *detail != '\0';

	msgpack_pack_map(&a->packer, 4u + (index >= 0) + has_path + has_detail);
	answer_key_uint(a, "code", (uint64_t)code);
	answer_key_text(a, "name", errcode_name(code));
	answer_key_text(a, "text", errcode_text(code));
	answer_key_text(a, "retry", errcode_retry_name(errcode_retry(code)));
	if (index >= 0)
		answer_key_uint(a, "index", (uint64_t)index);
	if (has_path)
		answer_key_text(a, "path", path);
	if (has_detail)
		answer_key_text(a, "detail", detail);
}

void
answer_nak(struct answer *a, uint64_t number, int code, long index, const char *path, const char *detail)
{
	answer_begin(a, "nak", number, 4);
	answer_fault(a, code, index, path, detail);
}

void
answer_key_bool(struct answer *a, const char *key, bool value)
{
	answer_text(a, key);
	value ? msgpack_pack_true(&a->packer) : msgpack_pack_false(&a->packer);
}
