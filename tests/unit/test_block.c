/* Blocks: what goes in comes out; nothing that was changed or cut passes. */
#include "material.h"

#include "block.h"
#include "bytes.h"
#include "event.h"

#define RECORDS_MAX	600

struct sample {
	struct record records[RECORDS_MAX];
	char senders[8][256];
	uint8_t payload[RECORDS_MAX * 200];
	unsigned count;
	uint64_t first_seq;
	uint8_t *out;
	size_t len;
};

static struct sample *
make_sample(uint64_t seed, unsigned count)
{
	struct sample *s = calloc(1, sizeof(*s));
	uint8_t *bytes, *scratch;
	size_t bound;

	assert_non_null(s);
	s->count = count;
	s->first_seq = 1 + below(&seed, 1ull << (below(&seed, 2) ? 62 : 10));
	for (size_t i = 0; i < sizeof(s->payload); i++)
		s->payload[i] = (uint8_t)chance(&seed);
	for (unsigned i = 0; i < 8; i++)
		memset(s->senders[i], 'a' + (int)i, 255);
	bytes = s->payload;
	for (unsigned i = 0; i < count; i++) {
		struct record *r = &s->records[i];

		r->bytes = bytes;
		r->len = (uint32_t)below(&seed, i % 7 == 0 ? 200 : 60);
		bytes += r->len;
		r->flags = (uint32_t)below(&seed, EVENT_FLAGS_KNOWN + 1);
		r->log_time = i == 0 ? below(&seed, 1ull << 62) : s->records[i - 1].log_time + below(&seed, i % 50 == 0 ? 1ull << 50 : 3);
		r->sender = s->senders[below(&seed, 8)];
		/* The same name from another place, names of all lengths, the empty one too. */
		r->sender_len = (uint8_t)(below(&seed, 4) == 0 ? below(&seed, 256) : 5);
	}
	bound = block_bound(s->records, count);
	scratch = malloc(bound);
	assert_non_null(scratch);
	s->len = block_build(scratch, s->first_seq, s->records, count);
	assert_true(s->len <= bound);
	s->out = malloc(s->len);
	assert_non_null(s->out);
	memcpy(s->out, scratch, s->len);
	free(scratch);
	return (s);
}

static void
free_sample(struct sample *s)
{
	free(s->out);
	free(s);
}

static void
test_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		uint64_t of = seed, seq, expected;
		struct sample *s = make_sample(seed, seed % 20 == 0 ? RECORDS_MAX : 1 + (unsigned)below(&of, 40));
		struct block proven, trusted;
		struct record r, t;

		assert_null(block_open(&proven, s->out, s->len));
		block_open_trusted(&trusted, s->out, s->len);
		assert_int_equal(block_claimed(s->out), s->len);
		assert_true(proven.first_seq == s->first_seq && proven.count == s->count);
		expected = s->first_seq;
		for (unsigned i = 0; i < s->count; i++, expected++) {
			const struct record *w = &s->records[i];

			assert_true(block_next(&proven, &r, &seq));
			assert_true(seq == expected && r.log_time == w->log_time && r.flags == w->flags);
			assert_int_equal(r.len, w->len);
			assert_memory_equal(r.bytes, w->bytes, w->len);
			assert_int_equal(r.sender_len, w->sender_len);
			assert_memory_equal(r.sender, w->sender, w->sender_len);
			assert_true(block_next(&trusted, &t, &seq) && t.bytes == r.bytes && t.sender == r.sender);
		}
		assert_false(block_next(&proven, &r, &seq));
		assert_false(block_next(&trusted, &t, &seq));
		free_sample(s);
	}
}

static void
test_every_flip_is_refused(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct sample *s = make_sample(seed, 1 + (unsigned)seed * 7);
		struct block b;

		for (size_t at = 0; at < s->len; at++)
			for (unsigned bit = 0; bit < 8; bit++) {
				s->out[at] ^= (uint8_t)(1u << bit);
				assert_non_null(block_open(&b, s->out, s->len));
				s->out[at] ^= (uint8_t)(1u << bit);
			}
		assert_null(block_open(&b, s->out, s->len));
		free_sample(s);
	}
}

static void
test_every_cut_is_refused(void **state)
{
	struct sample *s = make_sample(9, 40);
	struct block b;

	(void)state;
	for (size_t len = 0; len < s->len; len++) {
		uint8_t *cut = malloc(len + (len == 0));

		assert_non_null(cut);
		memcpy(cut, s->out, len);
		assert_non_null(block_open(&b, cut, len));
		free(cut);
	}
	/* And one byte more than there is. */
	s->out = realloc(s->out, s->len + 1);
	assert_non_null(s->out);
	s->out[s->len] = 0;
	assert_non_null(block_open(&b, s->out, s->len + 1));
	free_sample(s);
}

/* A checksum that matches is no proof of structure: what a newer release wrote has one too. */
static void
test_unknown_flag_is_a_newer_release(void **state)
{
	struct record r = { (const uint8_t *)"x", 1, EVENT_FLAGS_KNOWN + 1, 5, "a", 1 };
	uint8_t out[256];
	struct block b;
	size_t len;

	(void)state;
	len = block_build(out, 1, &r, 1);
	assert_non_null(strstr(block_open(&b, out, len), "newer release"));
	r.flags = EVENT_SEALED;
	len = block_build(out, 1, &r, 1);
	assert_null(block_open(&b, out, len));
	/* Number 0 is nobody's. */
	len = block_build(out, 0, &r, 1);
	assert_non_null(block_open(&b, out, len));
	out[0] = BLOCK_VERSION + 1;
	assert_non_null(strstr(block_open(&b, out, len), "unknown version"));
	assert_int_equal(block_claimed(out), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_flip_is_refused),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_unknown_flag_is_a_newer_release),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
