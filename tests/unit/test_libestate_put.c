/* Puts of libestate against a scripted daemon: coalescing, answers in every shape, holds, lost sessions, lost answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "errcode.h"
#include "fake_daemon.h"

#define PLENTY	(4 << 20)

struct heard {
	unsigned acks, naks, notices[8];
	uint64_t cookie[64], seq[64];
	bool duplicate[64];
	uint32_t runs[64];
	unsigned warnings;
	struct estate_warning warning;
	struct estate_fault fault;
	uint64_t nak_cookie;
	char nak_bytes[64];
	uint32_t nak_count;
};

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct heard *h = user;
	uint64_t total = 0;

	for (uint32_t i = 0; i < a->run_count; i++)
		total += a->runs[i].count;
	assert_int_equal(total, a->count);
	if (h->acks < 64) {
		h->cookie[h->acks] = a->cookie;
		h->seq[h->acks] = a->seq;
		h->duplicate[h->acks] = a->duplicate;
		h->runs[h->acks] = a->run_count;
	}
	if (a->warning_count > 0) {
		h->warnings += a->warning_count;
		h->warning = a->warnings[0];
	}
	h->acks++;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct heard *h = user;

	h->naks++;
	h->fault = *n->fault;
	h->nak_cookie = n->cookie;
	h->nak_count = n->count;
	if (n->count > 0)
		snprintf(h->nak_bytes, sizeof(h->nak_bytes), "%.*s", (int)n->events[0].len, (const char *)n->events[0].bytes);
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct heard *h = user;

	h->notices[n->kind]++;
}

static struct estate *
client(struct fake *f, struct heard *h, unsigned window, unsigned patience_ms)
{
	struct estate_options o = { .endpoint = f->endpoint, .client = "test", .window = window, .patience_ms = patience_ms,
	    .user = h, .on_ack = on_ack, .on_nak = on_nak, .on_notice = on_notice };
	struct estate *e;

	memset(h, 0, sizeof(*h));
	assert_int_equal(estate_open(&o, &e), 0);
	return (e);
}

static struct estate *
welcomed(struct fake *f, struct heard *h, unsigned window, uint64_t credit)
{
	struct estate *e = client(f, h, window, 300);

	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 0, credit);
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

static void
put_text(struct estate *e, const char *s, uint64_t cookie)
{
	assert_int_equal(estate_put(e, s, strlen(s), cookie), 0);
}

static void
test_options_outside_their_bounds(void **state)
{
	struct estate_options good = { .endpoint = "ipc:///tmp/nowhere", .client = "x" }, o = good;
	struct estate *e;

	(void)state;
	o.client = "no spaces";
	assert_int_equal(estate_open(&o, &e), ESTATE_INVALID);
	assert_null(e);
	o = good;
	o.endpoint = "carrier-pigeon";
	assert_int_equal(estate_open(&o, &e), ESTATE_INVALID);
	o = good;
	o.window = 1u << 21;
	assert_int_equal(estate_open(&o, &e), ESTATE_INVALID);
	assert_int_equal(estate_open(&good, &e), 0);
	assert_int_equal(estate_put(e, "x", 0, 0), ESTATE_INVALID);
	assert_int_equal(estate_put(e, "x", 65537, 0), E_TOO_LARGE);
	assert_null(estate_log(e));
	assert_int_equal(estate_pump(e, 10), 0);
	estate_close(e);
	estate_close(NULL);
}

static void
test_handed_over_together_travels_together(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);
	struct estate_bytes got[3];

	(void)state;
	put_text(e, "one", 11);
	put_text(e, "two", 12);
	put_text(e, "three", 13);
	fake_expect(f, e, "puts");
	assert_int_equal(f->number, 1);
	assert_int_equal(fake_events(f, got, 3), 3);
	assert_int_equal(got[2].len, 5);
	assert_memory_equal(got[2].bytes, "three", 5);
	assert_int_equal(estate_unacked(e), 3);
	fake_ack(f, 1, 2, 100, 2, false);
	fake_ack(f, 3, 3, 7, 1, true);
	pump_until(e, &h.acks, 3);
	assert_int_equal(h.cookie[1], 12);
	assert_int_equal(h.seq[1], 101);
	assert_int_equal(h.seq[2], 7);
	assert_true(h.duplicate[2] && !h.duplicate[1]);
	assert_int_equal(estate_unacked(e), 0);
	estate_close(e);
	fake_stop(f);
}

/* Around every length where the header of what holds it grows, and at the bound itself: one that does not fit a message stays for ever. */
static void
test_events_of_every_allowed_length_leave(void **state)
{
	static const size_t lengths[] = { 1, 255, 256, 65535 - 64, 65531, 65532, 65533, 65534, 65535, 65536, 1 };
	static char bytes[65536];
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 32, PLENTY);
	struct estate_bytes got[32];
	size_t seen = 0, count = sizeof(lengths) / sizeof(*lengths);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(estate_put(e, bytes, lengths[i], i), 0);
	while (seen < count) {
		uint32_t here;

		fake_expect(f, e, "puts");
		here = fake_events(f, got, 32);
		for (uint32_t i = 0; i < here; i++)
			assert_int_equal(got[i].len, lengths[seen + i]);
		fake_ack(f, f->number, f->number + here - 1, 100, here, false);
		seen += here;
	}
	pump_until(e, &h.acks, (unsigned)count);
	estate_close(e);
	fake_stop(f);
}

static void
test_handed_over_before_the_welcome(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = client(f, &h, 2, 1000);

	(void)state;
	put_text(e, "early", 1);
	put_text(e, "bird", 2);
	assert_int_equal(estate_put(e, "x", 1, 3), ESTATE_AGAIN);
	assert_int_equal(estate_room(e), 0);
	fake_expect(f, e, "hello");
	fake_expect_silence(f, e, 30);
	fake_welcome(f, "a", 1, 0, PLENTY);
	fake_expect(f, e, "puts");
	assert_int_equal(fake_events(f, NULL, 0), 2);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_batch_over_several_runs(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);
	struct estate_bytes batch[] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };

	(void)state;
	put_text(e, "s", 1);
	assert_int_equal(estate_put_batch(e, batch, 3, 2), 0);
	put_text(e, "t", 3);
	fake_expect(f, e, "puts");
	fake_expect(f, e, "put");
	assert_int_equal(f->number, 2);
	assert_int_equal(fake_events(f, NULL, 0), 3);
	fake_expect(f, e, "puts");
	assert_int_equal(f->number, 3);
	/* One answer for all three; the batch's second event was known already; a later release says more. */
	fake_answer(f, "ack", 1, 5);
	msgpack_pack_uint64(&f->p, 3);
	msgpack_pack_array(&f->p, 3);
	for (int i = 0; i < 3; i++) {
		msgpack_pack_array(&f->p, 4);
		msgpack_pack_uint64(&f->p, i == 1 ? 5 : 20 + (uint64_t)i);
		msgpack_pack_uint64(&f->p, i == 1 ? 1 : 2);
		i == 1 ? msgpack_pack_true(&f->p) : msgpack_pack_false(&f->p);
		fake_text(f, "new");
	}
	msgpack_pack_uint64(&f->p, PLENTY);
	msgpack_pack_array(&f->p, 1);
	msgpack_pack_array(&f->p, 4);
	msgpack_pack_uint64(&f->p, 2);
	msgpack_pack_uint64(&f->p, 1);
	msgpack_pack_int(&f->p, E_UNKNOWN_FIELD);
	fake_text(f, "data.colour");
	msgpack_pack_nil(&f->p);
	fake_send(f);
	pump_until(e, &h.acks, 3);
	assert_int_equal(h.seq[0], 20);
	assert_int_equal(h.seq[1], 21);
	assert_int_equal(h.runs[1], 3);
	assert_int_equal(h.seq[2], 23);
	assert_int_equal(h.warnings, 1);
	assert_int_equal(h.warning.index, 1);
	assert_string_equal(h.warning.path, "data.colour");
	assert_string_equal(h.warning.name, "unknown-field");
	estate_close(e);
	fake_stop(f);
}

static void
test_a_refusal_is_set_aside_and_the_rest_goes_on(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 4, PLENTY);

	(void)state;
	put_text(e, "good", 1);
	put_text(e, "bad", 2);
	put_text(e, "fine", 3);
	fake_expect(f, e, "puts");
	fake_nak(f, 2, 33, "out-of-range", "never");
	pump_until(e, &h.naks, 1);
	assert_int_equal(h.nak_cookie, 2);
	assert_string_equal(h.nak_bytes, "bad");
	assert_string_equal(h.fault.path, "data.amount");
	assert_int_equal(h.fault.code, E_RANGE);
	assert_int_equal(h.fault.index, -1);
	fake_ack(f, 1, 1, 1, 1, false);
	fake_ack(f, 3, 3, 2, 1, false);
	pump_until(e, &h.acks, 2);
	assert_int_equal(h.seq[1], 2);
	assert_int_equal(estate_unacked(e), 0);
	/* Answered twice is normal. */
	fake_ack(f, 3, 3, 2, 1, true);
	fake_nak(f, 2, 33, "out-of-range", "never");
	fake_expect_silence(f, e, 20);
	assert_int_equal(h.acks, 2);
	assert_int_equal(h.naks, 1);
	estate_close(e);
	fake_stop(f);
}

static void
test_later_means_hold_resume_and_again_in_order(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);
	struct estate_bytes got[4];

	(void)state;
	put_text(e, "1", 1);
	put_text(e, "2", 2);
	put_text(e, "3", 3);
	fake_expect(f, e, "puts");
	fake_nak(f, 2, 50, "disk-full", "later");
	fake_nak(f, 3, 22, "held", "later");
	pump_until(e, &h.notices[ESTATE_PUT_OFF], 1);
	assert_int_equal(estate_state(e), ESTATE_HELD);
	put_text(e, "4", 4);
	fake_ack(f, 1, 1, 1, 1, false);
	fake_expect(f, e, "resume");
	assert_int_equal(h.acks, 1);
	/* Still no room: it asks again, later. */
	fake_nak(f, f->number, 51, "stopping", "later");
	fake_expect(f, e, "resume");
	fake_answer(f, "resumed", f->number, 1);
	msgpack_pack_map(&f->p, 1);
	fake_text(f, "credit");
	msgpack_pack_uint64(&f->p, PLENTY);
	fake_send(f);
	fake_expect(f, e, "puts");
	assert_int_equal(f->number, 2);
	assert_int_equal(fake_events(f, got, 4), 3);
	assert_memory_equal(got[0].bytes, "2", 1);
	assert_memory_equal(got[2].bytes, "4", 1);
	assert_int_equal(h.notices[ESTATE_RESUMED], 1);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_forgotten_session_is_taken_up_again(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);

	(void)state;
	put_text(e, "1", 1);
	put_text(e, "2", 2);
	fake_expect(f, e, "puts");
	fake_nak(f, 1, 20, "no-session", "session");
	fake_nak(f, 2, 20, "no-session", "session");
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 0, PLENTY);
	fake_expect(f, e, "puts");
	assert_int_equal(fake_events(f, NULL, 0), 2);
	assert_int_equal(h.notices[ESTATE_LOG_CHANGED], 0);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_restart_resends_what_was_not_answered(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);
	struct estate_bytes got[2];

	(void)state;
	put_text(e, "1", 1);
	put_text(e, "2", 2);
	put_text(e, "3", 3);
	fake_expect(f, e, "puts");
	fake_ack(f, 1, 1, 1, 1, false);
	pump_until(e, &h.acks, 1);
	fake_die(f);
	pump_until(e, &h.notices[ESTATE_DISCONNECTED], 1);
	fake_bind(f);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 2, 0, PLENTY);
	fake_expect(f, e, "puts");
	assert_int_equal(f->number, 2);
	assert_int_equal(fake_events(f, got, 2), 2);
	assert_memory_equal(got[0].bytes, "2", 1);
	assert_int_equal(h.notices[ESTATE_LOG_CHANGED], 1);
	/* The answer covers a put that is long gone here: the runs are matched from their end. */
	fake_answer(f, "ack", 1, 3);
	msgpack_pack_uint64(&f->p, 3);
	msgpack_pack_array(&f->p, 1);
	msgpack_pack_array(&f->p, 3);
	msgpack_pack_uint64(&f->p, 50);
	msgpack_pack_int(&f->p, 3);
	msgpack_pack_true(&f->p);
	msgpack_pack_uint64(&f->p, PLENTY);
	fake_send(f);
	pump_until(e, &h.acks, 3);
	assert_int_equal(h.seq[1], 51);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_lost_answer_is_asked_for_again(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);

	(void)state;
	put_text(e, "1", 1);
	fake_expect(f, e, "puts");
	fake_expect(f, e, "ping");
	fake_answer(f, "pong", f->number, 0);
	fake_send(f);
	fake_expect(f, e, "puts");
	assert_int_equal(f->number, 1);
	assert_int_equal(h.notices[ESTATE_RESENT], 1);
	fake_ack(f, 1, 1, 9, 1, true);
	pump_until(e, &h.acks, 1);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_silent_daemon_gets_a_new_socket(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);

	(void)state;
	put_text(e, "1", 1);
	fake_expect(f, e, "puts");
	fake_expect(f, e, "ping");
	fake_expect(f, e, "hello");
	assert_int_equal(h.notices[ESTATE_DISCONNECTED], 1);
	fake_welcome(f, "a", 1, 0, PLENTY);
	fake_expect(f, e, "puts");
	estate_close(e);
	fake_stop(f);
}

static void
test_credit_is_never_exceeded(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 64, 1000);
	static const char bytes[300];
	uint64_t n = 0, seq = 1;

	(void)state;
	while (estate_put(e, bytes, sizeof(bytes), n) == 0)
		n++;
	assert_int_equal(n, 3);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t count;

		fake_expect(f, e, "puts");
		assert_true(f->len <= 1000);
		count = fake_events(f, NULL, 0);
		fake_answer(f, "ack", f->number, 3);
		msgpack_pack_uint64(&f->p, f->number + count - 1);
		msgpack_pack_array(&f->p, 1);
		msgpack_pack_array(&f->p, 3);
		msgpack_pack_uint64(&f->p, seq);
		msgpack_pack_uint32(&f->p, count);
		msgpack_pack_false(&f->p);
		msgpack_pack_uint64(&f->p, 1000);
		fake_send(f);
		seq += count;
		pump_until(e, &h.acks, (unsigned)seq - 1);
		while (estate_put(e, bytes, sizeof(bytes), n) == 0)
			n++;
	}
	assert_int_equal(n, 63);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_hello_refused_for_good_stops(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = client(f, &h, 8, 1000);

	(void)state;
	fake_expect(f, e, "hello");
	fake_nak(f, f->number, 44, "other-log", "never");
	pump_until(e, &h.notices[ESTATE_HELLO_REFUSED], 1);
	assert_int_equal(estate_state(e), ESTATE_STOPPED);
	assert_int_equal(estate_refusal(e)->code, E_OTHER_LOG);
	assert_int_equal(estate_put(e, "x", 1, 1), ESTATE_REFUSED);
	fake_expect_silence(f, e, 50);
	estate_close(e);
	fake_stop(f);
}

static void
test_garbage_means_begin_anew(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);

	(void)state;
	put_text(e, "1", 1);
	fake_expect(f, e, "puts");
	/* An ack of a put that was never made. */
	fake_ack(f, 1, 1u << 30, 1, 1, false);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 0, PLENTY);
	fake_expect(f, e, "puts");
	/* A length that is not there. */
	f->b.size = 0;
	msgpack_pack_array(&f->p, 4);
	msgpack_pack_int(&f->p, 1);
	fake_text(f, "ack");
	fake_send(f);
	fake_expect(f, e, "hello");
	assert_int_equal(h.acks, 0);
	estate_close(e);
	fake_stop(f);
}

static void
test_the_descriptor_tells_when_to_pump(void **state)
{
	struct fake *f = fake_start();
	struct heard h;
	struct estate *e = welcomed(f, &h, 8, PLENTY);
	zmq_pollitem_t item = { .fd = estate_fd(e), .events = ZMQ_POLLIN };

	(void)state;
	put_text(e, "1", 1);
	estate_pump(e, 0);
	for (int i = 0; i < 100 && !fake_take(f, "puts"); i++)
		usleep(1000);
	for (int i = 0; i < 10; i++)
		fake_ack(f, 1, 1, 1, 1, false);
	while (h.acks == 0) {
		assert_int_equal(zmq_poll(&item, 1, 2000), 1);
		assert_true(estate_pump(e, 0) >= 0);
	}
	/* And it falls silent when nothing is left to do. */
	for (int i = 0; i < 20 && zmq_poll(&item, 1, 30) == 1; i++)
		estate_pump(e, 0);
	assert_int_equal(zmq_poll(&item, 1, 30), 0);
	estate_close(e);
	fake_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_outside_their_bounds),
		cmocka_unit_test(test_handed_over_together_travels_together),
		cmocka_unit_test(test_events_of_every_allowed_length_leave),
		cmocka_unit_test(test_handed_over_before_the_welcome),
		cmocka_unit_test(test_a_batch_over_several_runs),
		cmocka_unit_test(test_a_refusal_is_set_aside_and_the_rest_goes_on),
		cmocka_unit_test(test_later_means_hold_resume_and_again_in_order),
		cmocka_unit_test(test_a_forgotten_session_is_taken_up_again),
		cmocka_unit_test(test_a_restart_resends_what_was_not_answered),
		cmocka_unit_test(test_a_lost_answer_is_asked_for_again),
		cmocka_unit_test(test_a_silent_daemon_gets_a_new_socket),
		cmocka_unit_test(test_credit_is_never_exceeded),
		cmocka_unit_test(test_a_hello_refused_for_good_stops),
		cmocka_unit_test(test_garbage_means_begin_anew),
		cmocka_unit_test(test_the_descriptor_tells_when_to_pump),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
