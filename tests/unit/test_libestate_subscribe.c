/* Subscriptions and requests of libestate against a scripted daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "errcode.h"
#include "fake_daemon.h"

struct heard {
	unsigned events, progress, ended, answers;
	uint64_t last_seq;
	bool end;
	int code;
	char verb[32];
	uint32_t elements;
	struct estate_subscription *stop_at_first;
};

static void
on_event(void *user, const struct estate_event *v)
{
	struct heard *h = user;

	h->events++;
	h->last_seq = v->seq;
	assert_int_equal(v->len, 2);
	assert_int_equal(v->sender_len, 5);
	if (h->stop_at_first != NULL)
		estate_unsubscribe(h->stop_at_first);
	h->stop_at_first = NULL;
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct heard *h = user;

	h->progress++;
	h->last_seq = seq;
	h->end = end;
	assert_int_equal(log_time, 77);
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct heard *h = user;

	h->ended++;
	h->code = f->code;
}

static void
on_answer(void *user, const struct estate_answer *a)
{
	struct heard *h = user;

	h->answers++;
	h->code = a->error;
	h->elements = a->elements;
	snprintf(h->verb, sizeof(h->verb), "%s", a->verb);
}

static struct estate *
welcomed(struct fake *f)
{
	struct estate_options o = { .endpoint = f->endpoint, .client = "test", .patience_ms = 1000 };
	struct estate *e;

	assert_int_equal(estate_open(&o, &e), 0);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 10, 4 << 20);
	for (int i = 0; i < 100 && estate_state(e) != ESTATE_LIVE; i++)
		estate_pump(e, 10);
	assert_int_equal(estate_state(e), ESTATE_LIVE);
	return (e);
}

static void
pump_until(struct estate *e, const unsigned *counter, unsigned value)
{
	for (int i = 0; i < 400 && *counter < value; i++)
		estate_pump(e, 5);
	assert_int_equal(*counter, value);
}

/* The value of a key in the map at the request's body. */
static struct mp
wish(const struct fake *f, const char *key)
{
	struct mp m = f->body;
	const char *s;
	uint32_t n, len;

	assert_true(mp_map(&m, &n));
	while (n-- > 0) {
		assert_true(mp_str(&m, &s, &len));
		if (mp_equal(s, len, key))
			return (m);
		assert_true(mp_skip(&m));
	}
	return ((struct mp){ NULL, NULL });
}

static uint64_t
wish_seq(const struct fake *f)
{
	struct mp m = wish(f, "from");
	const char *s;
	uint32_t n, len;
	uint64_t seq;

	assert_true(mp_map(&m, &n) && n == 1 && mp_str(&m, &s, &len) && mp_equal(s, len, "seq") && mp_uint(&m, &seq));
	return (seq);
}

static void
answer_subscribed(struct fake *f, uint64_t next)
{
	fake_answer(f, "subscribed", f->number, 1);
	msgpack_pack_map(&f->p, 1);
	fake_text(f, "next");
	msgpack_pack_uint64(&f->p, next);
	fake_send(f);
}

static void
deliver(struct fake *f, uint64_t subscription, uint64_t seq, unsigned count)
{
	fake_answer(f, "events", subscription, 1);
	msgpack_pack_array(&f->p, count);
	for (unsigned i = 0; i < count; i++) {
		msgpack_pack_array(&f->p, 5);
		msgpack_pack_uint64(&f->p, seq + i);
		msgpack_pack_int64(&f->p, 77);
		fake_text(f, "uid:0");
		msgpack_pack_int(&f->p, 0);
		msgpack_pack_bin_with_body(&f->p, "\x81\xa0", 2);
	}
	fake_send(f);
}

static void
test_delivery_credit_and_restart(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f);
	static const char *const types[] = { "complaint.*", "help.requested", NULL };
	struct estate_subscribe_options o = { .from = ESTATE_FROM_LAST, .value = 5, .types = types, .window_events = 10,
	    .user = &h, .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	uint64_t number, v;
	struct mp m;
	uint32_t n;

	(void)state;
	assert_int_equal(estate_subscribe(e, &o, &s), 0);
	fake_expect(f, e, "subscribe");
	number = f->number;
	m = wish(f, "type");
	assert_true(mp_array(&m, &n) && n == 2);
	answer_subscribed(f, 6);
	deliver(f, number, 6, 4);
	pump_until(e, &h.events, 4);
	fake_expect_silence(f, e, 20);
	deliver(f, number, 10, 1);
	fake_expect(f, e, "credit");
	assert_true(mp_uint(&f->body, &v));
	assert_int_equal(v, 5);
	assert_int_equal(h.last_seq, 10);
	fake_answer(f, "progress", number, 1);
	msgpack_pack_map(&f->p, 3);
	fake_text(f, "seq");
	msgpack_pack_int(&f->p, 15);
	fake_text(f, "log_time");
	msgpack_pack_int(&f->p, 77);
	fake_text(f, "end");
	msgpack_pack_true(&f->p);
	fake_send(f);
	pump_until(e, &h.progress, 1);
	assert_true(h.end);

	fake_die(f);
	fake_bind(f);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 15, 4 << 20);
	fake_expect(f, e, "subscribe");
	assert_int_equal(wish_seq(f), 16);
	assert_non_null(wish(f, "log").p);
	assert_int_not_equal(f->number, number);
	answer_subscribed(f, 16);
	/* An echo of the old subscription, and something seen before. */
	deliver(f, number, 16, 1);
	deliver(f, f->number, 15, 2);
	pump_until(e, &h.events, 6);
	assert_int_equal(h.last_seq, 16);
	fake_answer(f, "ended", f->number, 1);
	fake_fault(f, E_TRIMMED, "trimmed", "never");
	fake_send(f);
	pump_until(e, &h.ended, 1);
	assert_int_equal(h.code, E_TRIMMED);
	estate_close(e);
	fake_stop(f);
}

static void
answer_member(struct fake *f, uint64_t next, uint64_t cursor, uint64_t member)
{
	fake_answer(f, "subscribed", f->number, 1);
	msgpack_pack_map(&f->p, 3);
	fake_text(f, "next");
	msgpack_pack_uint64(&f->p, next);
	fake_text(f, "cursor");
	msgpack_pack_uint64(&f->p, cursor);
	fake_text(f, "member");
	msgpack_pack_uint64(&f->p, member);
	fake_send(f);
}

static uint64_t
wish_uint(const struct fake *f, const char *key)
{
	struct mp m = wish(f, key);
	uint64_t v;

	assert_true(mp_uint(&m, &v));
	return (v);
}

/* It begins where the daemon stored it, acks the highest only, and goes on after a lost connection behind what it saw while the
 * daemon's cursor stays at what was acked. */
static void
test_a_consumer(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f);
	struct estate_subscribe_options o = { .from = ESTATE_FROM_STORED, .user = &h, .on_event = on_event, .on_progress = on_progress,
	    .on_ended = on_ended };
	struct estate_subscription *s;
	uint64_t v;

	(void)state;
	assert_int_equal(estate_subscribe(e, &o, &s), ESTATE_INVALID);
	o.consumer = "no name";
	assert_int_equal(estate_subscribe(e, &o, &s), ESTATE_INVALID);
	o.consumer = "stats";
	assert_int_equal(estate_subscribe(e, &o, &s), 0);
	assert_int_equal(estate_subscription_ack(s, 1), ESTATE_INVALID);
	assert_int_equal(estate_subscription_wake(s, -1), ESTATE_INVALID);
	assert_int_equal(estate_subscription_wake(s, 78), 0);
	fake_expect(f, e, "subscribe");
	assert_null(wish(f, "from").p);
	assert_null(wish(f, "cursor").p);
	assert_non_null(wish(f, "consumer").p);
	answer_member(f, 6, 5, 300);
	deliver(f, f->number, 6, 4);
	fake_expect(f, e, "wake");
	assert_true(mp_uint(&f->body, &v) && v == 78);
	pump_until(e, &h.events, 4);
	assert_int_equal(estate_subscription_ack(s, 10), ESTATE_INVALID);
	assert_int_equal(estate_subscription_ack(s, 7), 0);
	assert_int_equal(estate_subscription_ack(s, 8), 0);
	assert_int_equal(estate_subscription_ack(s, 6), 0);
	fake_expect(f, e, "ack");
	assert_true(mp_uint(&f->body, &v) && v == 8);
	fake_expect_silence(f, e, 20);

	fake_die(f);
	fake_bind(f);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 15, 4 << 20);
	fake_expect(f, e, "subscribe");
	assert_int_equal(wish_seq(f), 10);
	assert_int_equal(wish_uint(f, "cursor"), 8);
	assert_int_equal(wish_uint(f, "member"), 300);
	answer_member(f, 10, 8, 300);
	/* The wish is not forgotten until such a time was told. */
	fake_expect(f, e, "wake");
	fake_answer(f, "ended", f->number, 1);
	fake_fault(f, E_TAKEN_OVER, "taken-over", "never");
	fake_send(f);
	pump_until(e, &h.ended, 1);
	assert_int_equal(h.code, E_TAKEN_OVER);
	fake_expect_silence(f, e, 20);
	estate_close(e);
	fake_stop(f);
}

/* Paused, it grants nothing: not as the window runs out, and not to a new session. */
static void
test_paused(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f);
	struct estate_subscribe_options o = { .from = ESTATE_FROM_FIRST, .window_events = 10, .user = &h, .on_event = on_event };
	struct estate_subscription *s;
	uint64_t v;
	struct mp m;

	(void)state;
	assert_int_equal(estate_subscribe(e, &o, &s), 0);
	fake_expect(f, e, "subscribe");
	answer_subscribed(f, 1);
	estate_subscription_pause(s, true);
	deliver(f, f->number, 1, 10);
	pump_until(e, &h.events, 10);
	fake_expect_silence(f, e, 20);
	fake_die(f);
	fake_bind(f);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 10, 4 << 20);
	fake_expect(f, e, "subscribe");
	m = wish(f, "events");
	assert_true(mp_uint(&m, &v) && v == 0);
	m = wish(f, "bytes");
	assert_true(mp_uint(&m, &v) && v == 0);
	answer_subscribed(f, 11);
	fake_expect_silence(f, e, 20);
	estate_subscription_pause(s, false);
	fake_expect(f, e, "credit");
	assert_true(mp_uint(&f->body, &v) && v == 10);
	estate_close(e);
	fake_stop(f);
}

static void
test_unsubscribe_within_a_delivery(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f);
	struct estate_subscribe_options o = { .user = &h, .on_event = on_event };

	(void)state;
	assert_int_equal(estate_subscribe(e, &o, &h.stop_at_first), 0);
	fake_expect(f, e, "subscribe");
	answer_subscribed(f, 1);
	deliver(f, f->number, 1, 3);
	fake_expect(f, e, "unsubscribe");
	fake_expect_silence(f, e, 20);
	assert_int_equal(h.events, 1);
	o.window_events = 100000;
	assert_int_equal(estate_subscribe(e, &o, NULL), ESTATE_INVALID);
	estate_close(e);
	fake_stop(f);
}

static void
test_requests_and_their_answers(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f);

	(void)state;
	assert_int_equal(estate_request(e, "backup", "\x80", 1, on_answer, &h), 0);
	fake_expect(f, e, "backup");
	assert_int_equal(f->elements, 1);
	fake_answer(f, "accepted", f->number, 0);
	fake_send(f);
	pump_until(e, &h.answers, 1);
	assert_string_equal(h.verb, "accepted");
	fake_answer(f, "done", f->number, 1);
	msgpack_pack_map(&f->p, 0);
	fake_send(f);
	pump_until(e, &h.answers, 2);
	assert_int_equal(h.elements, 1);

	assert_int_equal(estate_request(e, "get", "\x80", 1, on_answer, &h), 0);
	fake_expect(f, e, "get");
	fake_nak(f, f->number, E_NOT_FOUND, "not-found", "never");
	pump_until(e, &h.answers, 3);
	assert_int_equal(h.code, E_NOT_FOUND);

	/* Forgotten by the daemon: not carried out, so asked again.  Lost with the connection: nobody knows. */
	assert_int_equal(estate_request(e, "status", NULL, 0, on_answer, &h), 0);
	fake_expect(f, e, "status");
	assert_int_equal(f->elements, 0);
	fake_nak(f, f->number, E_NO_SESSION, "no-session", "session");
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 10, 4 << 20);
	fake_expect(f, e, "status");
	fake_die(f);
	pump_until(e, &h.answers, 4);
	assert_int_equal(h.code, ESTATE_LOST);
	assert_int_equal(estate_call(e, "status", NULL, 0, 50, on_answer, &h), ESTATE_TIMEOUT);
	assert_int_equal(h.answers, 4);
	estate_close(e);
	fake_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery_credit_and_restart),
		cmocka_unit_test(test_a_consumer),
		cmocka_unit_test(test_paused),
		cmocka_unit_test(test_unsubscribe_within_a_delivery),
		cmocka_unit_test(test_requests_and_their_answers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
