/* answer: a message to a peer in the making: [1, verb, number, …]. */
#ifndef ANSWER_H
#define ANSWER_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "catalogue.h"

struct answer {
	msgpack_sbuffer buffer;
	msgpack_packer packer;
};

/* Begin an answer of `elements` elements in all; version, verb and number are written. */
void	answer_begin(struct answer *, const char *verb, uint64_t number, unsigned elements);

/* The message, to be sent or closed; the answer is spent. */
void	answer_finish(struct answer *, zmq_msg_t *);

/* A whole nak.  `index` below 0: not known.  path and detail may be NULL or "". */
void	answer_nak(struct answer *, uint64_t number, int code, long index, const char *path, const char *detail);

/* The fault map alone, as the next element. */
void	answer_fault(struct answer *, int code, long index, const char *path, const char *detail);

void	answer_text(struct answer *, const char *);
void	answer_text_n(struct answer *, const char *, size_t);
void	answer_key_uint(struct answer *, const char *key, uint64_t);
void	answer_key_int(struct answer *, const char *key, int64_t);
void	answer_key_bool(struct answer *, const char *key, bool);
void	answer_key_text(struct answer *, const char *key, const char *);

#endif
