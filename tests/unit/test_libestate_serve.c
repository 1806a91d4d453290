/* Services of libestate against a scripted daemon: questions in, answers out, and what a lost session takes along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bounds.h"
#include "errcode.h"
#include "fake_daemon.h"

#define ID	(ASK_ID_FIRST + 77)

struct heard {
	unsigned questions, ended, refused, answers;
	struct estate_question q;
	char question[64];
	int code;
	struct estate *answer_at_once;
};

static void
on_ask(void *user, const struct estate_question *q)
{
	struct heard *h = user;
	struct estate_reply r = { .bytes = "\x80", .len = 1 };

	h->questions++;
	h->q = *q;
	assert_true(q->len < sizeof(h->question));
	memcpy(h->question, q->bytes, q->len);
	if (h->answer_at_once != NULL)
		assert_int_equal(estate_answer(h->answer_at_once, q->id, &r), 0);
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
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct heard *h = user;

	if (n->kind == ESTATE_ANSWER_REFUSED) {
		h->refused++;
		h->code = n->fault->code;
	}
}

static struct estate *
welcomed(struct fake *f, struct heard *h)
{
	struct estate_options o = { .endpoint = f->endpoint, .client = "test", .patience_ms = 1000, .user = h, .on_notice = on_notice };
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
pump_until(struct estate *e, const unsigned *count, unsigned wanted)
{
	for (int i = 0; i < 400 && *count < wanted; i++)
		assert_true(estate_pump(e, 5) >= 0);
	assert_int_equal(*count, wanted);
}

static void
ask(struct fake *f, uint64_t number, uint64_t id)
{
	fake_answer(f, "asked", number, 3);
	msgpack_pack_uint64(&f->p, id);
	msgpack_pack_map(&f->p, 1);
	fake_text(f, "name");
	fake_text(f, "agenda");
	msgpack_pack_map(&f->p, 6);
	fake_text(f, "asker");
	fake_text(f, "front-desk");
	fake_text(f, "personal");
	msgpack_pack_true(&f->p);
	fake_text(f, "deadline_ms");
	msgpack_pack_int(&f->p, 4000);
	fake_text(f, "at_least");
	msgpack_pack_int(&f->p, 9);
	fake_text(f, "page");
	fake_text(f, "p-2");
	fake_text(f, "a key of a later release");
	msgpack_pack_nil(&f->p);
	fake_send(f);
}

static void
test_asked_and_answered(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f, &h);
	struct estate_serve_options o = { .service = "callback", .user = &h, .on_ask = on_ask, .on_ended = on_ended };
	struct estate_reply r = { .bytes = "\x81\xa1n\x07", .len = 4, .next = "p-3", .seq = 12 };
	static const char answer[] = "\x83\xa6" "answer\xc4\x04\x81\xa1n\x07\xa4next\xa3p-3\xa3seq\x0c";
	static const char refusal[] = "\x83\xa7refused\xac" "bad-argument\xa4path\xa4" "days\xa6" "detail\xa7" "1 to 31";
	struct estate_service *s;

	(void)state;
	assert_int_equal(estate_serve(e, &o, &s), 0);
	assert_int_equal(estate_serve(e, &o, NULL), E_EXISTS);
	fake_expect(f, e, "serve");
	ask(f, f->number, ID);
	pump_until(e, &h.questions, 1);
	assert_string_equal(h.q.asker, "front-desk");
	assert_string_equal(h.q.page, "p-2");
	assert_string_equal(h.q.service, "callback");
	assert_memory_equal(h.question, "\x81\xa4name\xa6" "agenda", h.q.len);
	assert_true(h.q.sees_personal && h.q.at_least == 9 && h.q.deadline_ms == 4000 && h.q.id == ID);

	assert_int_equal(estate_answer(e, ID, &r), 0);
	fake_expect(f, e, "answer");
	assert_true(f->number == ID && f->elements == 1);
	assert_int_equal(f->body.end - f->body.p, sizeof(answer) - 1);
	assert_memory_equal(f->body.p, answer, sizeof(answer) - 1);
	assert_int_equal(estate_refuse(e, ID + 1, E_ARGUMENT, "days", "1 to 31"), 0);
	fake_expect(f, e, "answer");
	assert_memory_equal(f->body.p, refusal, sizeof(refusal) - 1);
	fake_nak(f, ID + 1, E_NO_ASK, "no-ask", "never");
	pump_until(e, &h.refused, 1);
	assert_int_equal(h.code, E_NO_ASK);

	/* What cannot be an answer. */
	assert_int_equal(estate_answer(e, 5, &r), ESTATE_INVALID);
	r.len = ASK_ANSWER_BYTES_MAX + 1;
	assert_int_equal(estate_answer(e, ID, &r), E_ANSWER_TOO_LARGE);
	assert_int_equal(estate_refuse(e, ID, 0, NULL, NULL), ESTATE_INVALID);

	estate_unserve(s);
	fake_expect(f, e, "unserve");
	ask(f, f->number, ID + 2);		/* on its way when it ended */
	fake_expect_silence(f, e, 30);
	assert_int_equal(h.questions, 1);
	assert_int_equal(h.ended, 0);
	estate_close(e);
	fake_stop(f);
}

static void
test_a_lost_session_and_the_end(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f, &h);
	struct estate_serve_options o = { .service = "callback", .user = &h, .on_ask = on_ask, .on_ended = on_ended };
	struct estate_reply r = { .bytes = "\x80", .len = 1 };
	uint64_t old;

	(void)state;
	assert_int_equal(estate_serve(e, &o, NULL), 0);
	fake_expect(f, e, "serve");
	old = f->number;
	/* The daemon forgot us: registered again; what was asked before is nobody's to answer. */
	assert_int_equal(estate_request(e, "ask", "\x80", 1, on_answer, &h), 0);
	fake_expect(f, e, "ask");
	fake_nak(f, f->number, E_NO_SESSION, "no-session", "session");
	fake_expect(f, e, "hello");
	assert_int_equal(estate_answer(e, ID, &r), ESTATE_LOST);
	fake_welcome(f, "a", 1, 10, 4 << 20);
	/* An ask that was not carried out is asked in the new session; one that may have been is not. */
	fake_expect(f, e, "ask");
	fake_expect(f, e, "serve");
	assert_true(f->number > old);
	h.answer_at_once = e;
	ask(f, old, ID + 1);
	ask(f, f->number, ID + 2);
	old = f->number;
	fake_expect(f, e, "answer");
	assert_true(f->number == ID + 2);
	assert_int_equal(h.questions, 1);
	fake_answer(f, "unserved", old, 1);
	fake_fault(f, E_TAKEN_OVER, "taken-over", "never");
	fake_send(f);
	pump_until(e, &h.ended, 1);
	assert_int_equal(h.code, E_TAKEN_OVER);
	fake_die(f);
	pump_until(e, &h.answers, 1);
	assert_int_equal(h.code, ESTATE_LOST);
	fake_bind(f);
	fake_expect(f, e, "hello");
	fake_welcome(f, "a", 1, 10, 4 << 20);
	fake_expect_silence(f, e, 30);		/* neither serves nor asks again */
	estate_close(e);
	fake_stop(f);
}

static void
test_refused_at_the_door(void **state)
{
	struct fake *f = fake_start();
	struct heard h = { 0 };
	struct estate *e = welcomed(f, &h);
	struct estate_serve_options o = { .service = "no name", .user = &h, .on_ask = on_ask, .on_ended = on_ended };

	(void)state;
	assert_int_equal(estate_serve(e, &o, NULL), ESTATE_INVALID);
	o.service = "stats";
	o.on_ask = NULL;
	assert_int_equal(estate_serve(e, &o, NULL), ESTATE_INVALID);
	o.on_ask = on_ask;
	assert_int_equal(estate_serve(e, &o, NULL), 0);
	fake_expect(f, e, "serve");
	fake_nak(f, f->number, E_FORBIDDEN, "forbidden", "never");
	pump_until(e, &h.ended, 1);
	assert_int_equal(h.code, E_FORBIDDEN);
	estate_close(e);
	fake_stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked_and_answered), cmocka_unit_test(test_a_lost_session_and_the_end),
		cmocka_unit_test(test_refused_at_the_door),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
