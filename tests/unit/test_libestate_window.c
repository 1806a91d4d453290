/* The window of unanswered puts against a naive model: thousands of random steps, wrapping and growing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "window.h"

#define PUTS	20000u

static uint32_t
pick(uint64_t *r, uint32_t below)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return ((uint32_t)(*r % below));
}

/* What put n holds: its length and each of its bytes follow from the number. */
static uint32_t
len_of(uint64_t n)
{
	return ((uint32_t)(n * 2654435761u % 700 + 1));
}

static void
fill(uint8_t *to, uint64_t n)
{
	memset(to, (int)(n * 31 & 0xff), len_of(n));
}

static void
add(struct window *w, uint64_t n)
{
	uint8_t bytes[1024];
	uint64_t at;

	assert_int_equal(es_window_reserve(w, len_of(n) + WINDOW_BIN_HEADER_MAX), 0);
	at = w->at_tail;
	fill(bytes, n);
	es_window_add_event(w, bytes, len_of(n));
	assert_int_equal(es_window_add_put(w, at, 1, n % 7 == 0, n * 3), n);
}

/* Send one stretch: each of its puts must stand there as it was handed over. */
static uint32_t
send(struct window *w, uint64_t *r)
{
	static uint8_t message[1 << 16];
	uint8_t want[1024];
	uint64_t at, first;
	size_t len, i = 0;
	uint32_t puts = es_window_stretch(w, 1000 + pick(r, 5000), 1 + pick(r, 20), &at, &len);

	first = w->next;
	if (puts == 0)
		return (0);
	es_window_copy(w, at, message, len);
	for (uint64_t n = first; n < first + puts; n++) {
		assert_false(es_window_slot(w, n)->answered);
		assert_int_equal(es_window_slot(w, n)->cookie, n * 3);
		fill(want, n);
		i += message[i] == 0xc4 ? 2 : 3;
		assert_memory_equal(message + i, want, len_of(n));
		i += len_of(n);
	}
	assert_int_equal(i, len);
	if (puts > 1)
		for (uint64_t n = first; n < first + puts; n++)
			assert_int_not_equal(n % 7, 0);
	es_window_sent(w, puts, len);
	return (puts);
}

static void
test_random_steps(void **state)
{
	static bool answered[PUTS + 1];
	struct window w;
	uint64_t r = 88172645463325252ull, n = 1, open = 0;

	(void)state;
	assert_int_equal(es_window_init(&w, 100), 0);
	while (w.head <= PUTS) {
		switch (pick(&r, 5)) {
		case 0:
		case 1:
			for (unsigned i = pick(&r, 30); i > 0 && n <= PUTS && w.tail - w.head < w.limit; i--, open++)
				add(&w, n++);
			break;
		case 2:
			send(&w, &r);
			break;
		case 3:
			for (unsigned i = pick(&r, 30); i > 0 && w.next > w.head; i--) {
				uint64_t a = w.head + (pick(&r, 4) > 0 ? 0 : pick(&r, (uint32_t)(w.next - w.head)));

				assert_int_equal(es_window_answered(&w, a), !answered[a]);
				open -= !answered[a];
				answered[a] = true;
			}
			break;
		default:
			if (pick(&r, 10) == 0 && w.next > w.head)
				es_window_rewind(&w, w.head + pick(&r, (uint32_t)(w.next - w.head)));
			break;
		}
		assert_int_equal(w.open, open);
		assert_true(w.head <= w.next && w.next <= w.tail);
		if (w.frame_head == w.frame_tail)
			assert_int_equal(w.on_the_way, 0);
	}
	assert_int_equal(es_window_held(&w), 0);
	assert_int_equal(w.on_the_way, 0);
	es_window_fini(&w);
}

static void
test_answers_beyond_the_window_mean_nothing(void **state)
{
	struct window w;

	(void)state;
	assert_int_equal(es_window_init(&w, 4), 0);
	add(&w, 1);
	assert_false(es_window_answered(&w, 0));
	assert_false(es_window_answered(&w, 2));
	assert_false(es_window_answered(&w, 5));
	assert_false(es_window_answered(&w, UINT64_MAX));
	assert_true(es_window_answered(&w, 1));
	assert_false(es_window_answered(&w, 1));
	es_window_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps),
		cmocka_unit_test(test_answers_beyond_the_window_mean_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
