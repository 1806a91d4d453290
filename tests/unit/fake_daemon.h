/*
 * A daemon made of a script: the test says which request it expects and what to answer, so every corner of the protocol can be
 * walked into on purpose.  It runs on the test's own thread, between two pumps of the client.
 */
#ifndef FAKE_DAEMON_H
#define FAKE_DAEMON_H

#include <inttypes.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "estate.h"
#include "mp.h"

struct fake {
	void *context, *router;
	char folder[64], endpoint[96];
	uint8_t peer[256];		/* routing id of the last request's sender */
	size_t peer_len;
	uint8_t bytes[1 << 21];		/* the last request */
	size_t len;
	uint64_t number;		/* its number */
	uint32_t elements;		/* elements after the number … */
	struct mp body;			/* … and where they begin */
	msgpack_sbuffer b;		/* the answer in the making */
	msgpack_packer p;
};

static inline void
fake_bind(struct fake *f)
{
	int zero = 0;

	f->router = zmq_socket(f->context, ZMQ_ROUTER);
	assert_non_null(f->router);
	zmq_setsockopt(f->router, ZMQ_LINGER, &zero, sizeof(zero));
	assert_int_equal(zmq_bind(f->router, f->endpoint), 0);
}

static inline struct fake *
fake_start(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->folder, "/tmp/estate-fake-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->endpoint, sizeof(f->endpoint), "ipc://%s/s", f->folder);
	f->context = zmq_ctx_new();
	fake_bind(f);
	msgpack_sbuffer_init(&f->b);
	msgpack_packer_init(&f->p, &f->b, msgpack_sbuffer_write);
	return (f);
}

/* The daemon dies, and its connections with it. */
static inline void
fake_die(struct fake *f)
{
	zmq_close(f->router);
	f->router = NULL;
	usleep(20000);
}

static inline void
fake_stop(struct fake *f)
{
	char path[96];

	if (f->router != NULL)
		zmq_close(f->router);
	zmq_ctx_term(f->context);
	msgpack_sbuffer_destroy(&f->b);
	snprintf(path, sizeof(path), "%s/s", f->folder);
	unlink(path);
	rmdir(f->folder);
	free(f);
}

/* Take the next request if there is one: its verb must be the one expected. */
static inline bool
fake_take(struct fake *f, const char *verb)
{
	struct mp m;
	const char *s;
	uint32_t n, len;
	uint64_t version;
	int got;

	if ((got = zmq_recv(f->router, f->peer, sizeof(f->peer), ZMQ_DONTWAIT)) < 0)
		return (false);
	f->peer_len = (size_t)got;
	assert_true((got = zmq_recv(f->router, f->bytes, sizeof(f->bytes), 0)) > 0);
	f->len = (size_t)got;
	m = mp_over(f->bytes, f->len);
	assert_true(mp_array(&m, &n) && mp_uint(&m, &version) && mp_str(&m, &s, &len) && mp_uint(&m, &f->number));
	assert_int_equal(version, 1);
	if (verb != NULL && !mp_equal(s, len, verb))
		fail_msg("expected %s, got %.*s", verb, (int)len, s);
	f->elements = n - 3;
	f->body = m;
	return (true);
}

/* Pump the client until it has sent the expected request. */
static inline void
fake_expect(struct fake *f, struct estate *e, const char *verb)
{
	for (int i = 0; i < 400; i++) {
		if (fake_take(f, verb))
			return;
		assert_true(estate_pump(e, 5) >= 0);
	}
	fail_msg("no %s within two seconds", verb);
}

/* The client says nothing for a while. */
static inline void
fake_expect_silence(struct fake *f, struct estate *e, int ms)
{
	for (int i = 0; i < ms; i += 5) {
		estate_pump(e, 5);
		if (fake_take(f, NULL))
			fail_msg("an unexpected request: %.*s", 20, (const char *)f->bytes);
	}
}

static inline void
fake_text(struct fake *f, const char *s)
{
	msgpack_pack_str_with_body(&f->p, s, strlen(s));
}

/* Begin an answer; the caller packs `more` elements, then sends it. */
static inline void
fake_answer(struct fake *f, const char *verb, uint64_t number, unsigned more)
{
	f->b.size = 0;
	msgpack_pack_array(&f->p, 3 + more);
	msgpack_pack_int(&f->p, 1);
	fake_text(f, verb);
	msgpack_pack_uint64(&f->p, number);
}

static inline void
fake_send(struct fake *f)
{
	assert_true(zmq_send(f->router, f->peer, f->peer_len, ZMQ_SNDMORE) >= 0);
	assert_true(zmq_send(f->router, f->b.data, f->b.size, 0) >= 0);
}

static inline void
fake_welcome(struct fake *f, const char *log, uint64_t epoch, uint64_t last, uint64_t credit)
{
	fake_answer(f, "welcome", f->number, 1);
	msgpack_pack_map(&f->p, 7);
	fake_text(f, "log");
	fake_text(f, log);
	fake_text(f, "epoch");
	msgpack_pack_uint64(&f->p, epoch);
	fake_text(f, "first");
	msgpack_pack_uint64(&f->p, 1);
	fake_text(f, "last");
	msgpack_pack_uint64(&f->p, last);
	fake_text(f, "credit");
	msgpack_pack_uint64(&f->p, credit);
	fake_text(f, "sender");
	fake_text(f, "uid:0");
	fake_text(f, "a key of a later release");
	msgpack_pack_nil(&f->p);
	fake_send(f);
}

/* One run, no warnings. */
static inline void
fake_ack(struct fake *f, uint64_t first, uint64_t last, uint64_t seq, uint32_t count, bool duplicate)
{
	fake_answer(f, "ack", first, 3);
	msgpack_pack_uint64(&f->p, last);
	msgpack_pack_array(&f->p, 1);
	msgpack_pack_array(&f->p, 3);
	msgpack_pack_uint64(&f->p, seq);
	msgpack_pack_uint32(&f->p, count);
	duplicate ? msgpack_pack_true(&f->p) : msgpack_pack_false(&f->p);
	msgpack_pack_uint64(&f->p, 4 << 20);
	fake_send(f);
}

static inline void
fake_fault(struct fake *f, int code, const char *name, const char *retry)
{
	msgpack_pack_map(&f->p, 5);
	fake_text(f, "code");
	msgpack_pack_int(&f->p, code);
	fake_text(f, "name");
	fake_text(f, name);
	fake_text(f, "text");
	fake_text(f, "a sentence");
	fake_text(f, "retry");
	fake_text(f, retry);
	fake_text(f, "path");
	fake_text(f, "data.amount");
}

static inline void
fake_nak(struct fake *f, uint64_t number, int code, const char *name, const char *retry)
{
	fake_answer(f, "nak", number, 1);
	fake_fault(f, code, name, retry);
	fake_send(f);
}

/* The number of events in the put or puts just taken; ends[] of each are its bytes. */
static inline uint32_t
fake_events(struct fake *f, struct estate_bytes *events, uint32_t max)
{
	struct mp m = f->body;
	const uint8_t *p;
	uint32_t n, len;

	assert_true(mp_array(&m, &n));
	for (uint32_t i = 0; i < n; i++) {
		assert_true(mp_bin(&m, &p, &len));
		if (i < max)
			events[i] = (struct estate_bytes){ p, len };
	}
	assert_ptr_equal(m.p, m.end);
	return (n);
}

#endif
