/* A bundle that is damaged in any way is named by its block and byte, and never read past that. */
#include "material.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>
#include <zstd.h>

#include "bundle.h"
#include "bytes.h"
#include "sitetime.h"

#define EVENTS		46u		/* of 48 KiB: 22 a block, the third is a part of one */

static char folder[] = "/tmp/test-bundle-XXXXXX";
static char path[4096];
static uint8_t *whole;		/* the file as it was made */
static size_t whole_len;
static struct bundle_index blocks;
static uint64_t cover_at, index_at, end_at;
static uint8_t made[BUNDLE_DIGEST_BYTES];

static const struct bundle_head head = { { 1, 2, 3 }, "2026-10" };

static void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

/* The event of that number; free(v->bytes). */
static void
event_make(struct estate_event *v, uint64_t seq, int64_t log_time)
{
	static const size_t filling = 48 << 10;
	char *text = malloc(filling), id[32];
	msgpack_sbuffer b;
	msgpack_packer p;

	assert_non_null(text);
	memset(text, 'x', filling);
	snprintf(id, sizeof(id), "%08lu-b", (unsigned long)seq);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 5);
	pack_text(&p, "specversion");
	pack_text(&p, "1.0");
	pack_text(&p, "id");
	pack_text(&p, id);
	pack_text(&p, "source");
	pack_text(&p, "/test");
	pack_text(&p, "type");
	pack_text(&p, "probe.recorded");
	pack_text(&p, "data");
	msgpack_pack_map(&p, 1);
	pack_text(&p, "filling");
	msgpack_pack_bin_with_body(&p, text, filling);
	free(text);
	*v = (struct estate_event){ .seq = seq, .log_time = log_time, .sender = "uid:0", .sender_len = 5, .bytes = b.data, .len = b.size };
}

static struct bundle_writer *
begin(struct cover *c, uint64_t *last)
{
	char why[4400];
	struct bundle_writer *w;

	memset(c, 0, sizeof(*c));
	assert_true(cover_month(c, head.month));
	bundle_uuid_text(head.uuid, c->log);
	w = bundle_begin(folder, &head, c, last, why, sizeof(why));
	assert_non_null(w);
	return (w);
}

static void
add(struct bundle_writer *w, const struct cover *c, uint64_t from, uint64_t to)
{
	for (uint64_t seq = from; seq <= to; seq++) {
		struct estate_event v;

		event_make(&v, seq, c->begin + (int64_t)seq);
		assert_int_equal(bundle_add(w, &v), 0);
		free((void *)v.bytes);
	}
}

static void
finish(struct bundle_writer *w, struct cover *c, uint8_t digest[BUNDLE_DIGEST_BYTES])
{
	struct buffer sheet = { NULL, 0, 0 };

	cover_write(c, &sheet);
	assert_int_equal(bundle_finish(w, &sheet, digest), 0);
	bundle_leave(w, false);
	buffer_free(&sheet);
	cover_free(c);
}

static void
write_file(const void *bytes, size_t len)
{
	/* Not O_TRUNC: a file that was emptied and written anew is flushed at its close. */
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	close(fd);
}

/* Prove the file as it is now; the caller closes it. */
static bool
prove(struct bundle *b)
{
	return (bundle_open(b, path) && bundle_prove(b));
}

static int
make(void **state)
{
	struct bundle b;
	struct cover c;
	uint64_t last;
	struct bundle_writer *w;
	struct stat st;
	int fd;

	(void)state;
	assert_true(sodium_init() >= 0);
	assert_true(sitetime_init());
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/2026-10" BUNDLE_SUFFIX, folder);
	w = begin(&c, &last);
	assert_int_equal(last, 0);
	add(w, &c, 11, 10 + EVENTS);
	finish(w, &c, made);
	fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	whole_len = (size_t)st.st_size;
	whole = malloc(whole_len);
	assert_int_equal(read(fd, whole, whole_len), whole_len);
	close(fd);
	assert_true(prove(&b));
	assert_int_equal(b.index.count, 3);
	assert_int_equal(b.first, 11);
	assert_int_equal(b.last, 10 + EVENTS);
	assert_int_equal(b.events, EVENTS);
	assert_memory_equal(b.digest, made, sizeof(made));
	blocks = b.index;
	b.index = (struct bundle_index){ NULL, 0, 0 };
	cover_at = b.cover_at;
	index_at = b.index_at;
	end_at = whole_len - BUNDLE_FRAME - BUNDLE_END_BYTES;
	bundle_close(&b);
	return (0);
}

static int
unmake(void **state)
{
	(void)state;
	unlink(path);
	rmdir(folder);
	free(whole);
	free(blocks.items);
	return (0);
}

/* Which block a byte of the file is of, or -1. */
static int64_t
block_at(uint64_t at)
{
	int64_t n = -1;

	for (uint32_t i = 0; i < blocks.count && at < cover_at; i++)
		if (blocks.items[i].offset <= at)
			n = i;
	return (n);
}

static void
test_every_byte_changed_is_named(void **state)
{
	(void)state;
	for (size_t at = 0; at < whole_len; at++) {
		struct bundle b;
		int64_t block = block_at(at);
		const char *part = at < blocks.items[0].offset ? "head" : block >= 0 ? "block" : at < index_at ? "cover" : at < end_at ? "index" : "end";

		whole[at] ^= (uint8_t)(1 << at % 8);
		write_file(whole, whole_len);
		if (prove(&b))
			fail_msg("byte %zu changed, and nobody noticed", at);
		if (block >= 0 && b.bad_block != block)
			fail_msg("byte %zu of block %ld changed: \"%s\" of block %ld", at, (long)block, b.why, (long)b.bad_block);
		if (strstr(b.why, part) == NULL)
			fail_msg("byte %zu of the %s changed: \"%s\"", at, part, b.why);
		bundle_close(&b);
		whole[at] ^= (uint8_t)(1 << at % 8);
	}
}

static void
check_cut(size_t len)
{
	struct bundle b;

	write_file(whole, len);
	assert_false(prove(&b));
	if (strstr(b.why, "truncated") == NULL || b.bad_byte != len)
		fail_msg("cut at byte %zu: byte %lu: \"%s\"", len, (unsigned long)b.bad_byte, b.why);
	bundle_close(&b);
}

static void
test_every_cut_is_named(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < blocks.count; i++) {
		uint64_t at[] = { blocks.items[i].offset, blocks.items[i].offset + BUNDLE_FRAME + BUNDLE_BLOCK_BYTES,
		    blocks.items[i].offset + BUNDLE_FRAME + BUNDLE_BLOCK_BYTES + blocks.items[i].packed };

		for (size_t k = 0; k < sizeof(at) / sizeof(*at); k++)
			for (uint64_t n = at[k] - 1; n <= at[k] + 1; n++)
				check_cut(n);
	}
	for (uint64_t n = cover_at - 1; n < whole_len; n += n < cover_at + 4 || n + 4 > end_at ? 1 : 13)
		check_cut(n);
	check_cut(0);
	check_cut(3);
	check_cut(BUNDLE_FRAME + BUNDLE_HEAD_BYTES - 1);
}

static size_t
block_len(uint32_t i)
{
	return (BUNDLE_FRAME + BUNDLE_BLOCK_BYTES + blocks.items[i].packed);
}

static void
check_refused(const uint8_t *bytes, size_t len, int64_t block, const char *words)
{
	struct bundle b;

	write_file(bytes, len);
	assert_false(prove(&b));
	if (strstr(b.why, words) == NULL || (block >= 0 && b.bad_block != block))
		fail_msg("\"%s\" of block %ld, not \"%s\" of %ld", b.why, (long)b.bad_block, words, (long)block);
	bundle_close(&b);
}

static void
test_order_and_absence_are_named(void **state)
{
	uint8_t *other = malloc(whole_len + 8);
	size_t one = block_len(1), two = block_len(2), at = blocks.items[1].offset;

	(void)state;
	memcpy(other, whole, whole_len);
	memcpy(other + at, whole + at + one, two);
	memcpy(other + at + two, whole + at, one);
	check_refused(other, whole_len, 1, "block 2 stands where block 1 must be");
	/* One is missing. */
	memcpy(other, whole, at);
	memcpy(other + at, whole + at + one, whole_len - at - one);
	check_refused(other, whole_len - one, 1, "block 2 stands where block 1 must be");
	/* The last one is missing: the index knows. */
	at = blocks.items[2].offset;
	memcpy(other, whole, at);
	memcpy(other + at, whole + cover_at, whole_len - cover_at);
	check_refused(other, whole_len - (cover_at - at), -1, "the index knows 3 blocks, and there are 2");
	memcpy(other, whole, whole_len);
	memset(other + whole_len, 0, 8);
	check_refused(other, whole_len + 8, -1, "8 bytes stand behind the end");
	free(other);
}

/* Checksums that fit and a content that does not: made by a program, not by a disk. */
static void
test_what_contradicts_itself_is_named(void **state)
{
	uint8_t *other = malloc(whole_len), *entries, *end, entry[BUNDLE_ENTRY_BYTES];
	size_t len = (size_t)blocks.count * BUNDLE_ENTRY_BYTES;

	(void)state;
	memcpy(other, whole, whole_len);
	entries = other + index_at + BUNDLE_FRAME;
	memcpy(entry, entries, sizeof(entry));
	memmove(entries, entries + sizeof(entry), sizeof(entry));
	memcpy(entries + sizeof(entry), entry, sizeof(entry));
	put_le64(entries + len, XXH3_64bits(entries, len));
	check_refused(other, whole_len, 0, "the index has another place, number or checksum for block 0");
	memcpy(other, whole, whole_len);
	end = other + end_at + BUNDLE_FRAME;
	end[32] ^= 1;
	put_le64(end + 64, XXH3_64bits(end, 64));
	check_refused(other, whole_len, -1, "the digest is not that of what is in the bundle");
	end[32] ^= 1;
	put_le64(end + 8, cover_at + 8);
	put_le64(end + 64, XXH3_64bits(end, 64));
	check_refused(other, whole_len, -1, "the end names other places for cover and index");
	free(other);
}

/* The file with another content in its first block, checksums and all; its length. */
static size_t
rebuild(uint8_t *out, const uint8_t *content, size_t len, uint32_t count)
{
	struct bundle_block k = blocks.items[0];
	size_t behind = blocks.items[1].offset, at = k.offset + BUNDLE_FRAME + BUNDLE_BLOCK_BYTES, n;

	n = ZSTD_compress(out + at, ZSTD_compressBound(BUNDLE_BLOCK_MAX), content, len, 1);
	assert_false(ZSTD_isError(n));
	memcpy(out, whole, k.offset);
	k.packed = (uint32_t)n;
	k.bytes = (uint32_t)len;
	k.count = count;
	k.sum = XXH3_64bits(out + at, n);
	bundle_pack_block(out + k.offset, &k, 0);
	memcpy(out + at + n, whole + behind, whole_len - behind);
	return (at + n + whole_len - behind);
}

static void
test_hostile_records_are_refused(void **state)
{
	uint8_t *content = malloc(BUNDLE_BLOCK_MAX), *spoilt = malloc(BUNDLE_BLOCK_MAX), *file = malloc(whole_len + (8u << 20));
	uint64_t seed = 7;
	struct bundle b;
	size_t len;

	(void)state;
	write_file(whole, whole_len);
	assert_true(bundle_open(&b, path));
	assert_int_equal(bundle_next(&b), BUNDLE_BLOCK);
	len = b.content_len;
	memcpy(content, b.content, len);
	bundle_close(&b);
	for (unsigned i = 0; i < 300; i++) {
		/* The heads of records and of events, where lengths and numbers are, and now and then a cut. */
		size_t record = len / 22 * (chance(&seed) % 22), cut = chance(&seed) % 4 == 0 ? 1 + chance(&seed) % 60000 : 0;

		memcpy(spoilt, content, len);
		for (unsigned k = 0; k < 3; k++)
			spoilt[record + chance(&seed) % 90] = (uint8_t)chance(&seed);
		write_file(file, rebuild(file, spoilt, len - cut, blocks.items[0].count + (uint32_t)(chance(&seed) % 3) - 1));
		assert_false(prove(&b));
		assert_true(b.why[0] != '\0');
		bundle_close(&b);
	}
	write_file(whole, whole_len);
	free(content);
	free(spoilt);
	free(file);
}

static void
test_a_newer_version_is_not_guessed_at(void **state)
{
	uint8_t *p = whole + BUNDLE_FRAME;
	uint64_t sum = get_le64(p + 40);

	(void)state;
	put_le32(p + 8, BUNDLE_VERSION + 1);
	check_refused(whole, whole_len, -1, "the head is damaged");
	bundle_head_seal(p);
	check_refused(whole, whole_len, -1, "version 2, this release reads version 1");
	put_le32(p + 8, BUNDLE_VERSION);
	put_le64(p + 40, sum);
	check_refused((const uint8_t *)"hello, this is a text of somebody else", 38, -1, "this is no bundle");
}

/* Interrupted after any number of events: the next run goes on, and nobody can tell from the result. */
static void
test_an_interrupted_one_goes_on(void **state)
{
	uint8_t digest[BUNDLE_DIGEST_BYTES];
	struct bundle_writer *w;
	struct estate_event v;
	struct bundle b;
	struct cover c;
	uint64_t last;

	(void)state;
	unlink(path);
	w = begin(&c, &last);
	add(w, &c, 11, 40);
	bundle_leave(w, false);
	cover_free(&c);
	w = begin(&c, &last);
	assert_true(last >= 11 && last < 40);
	assert_int_equal(c.last, last);
	event_make(&v, last, c.begin + (int64_t)last);
	assert_true(bundle_ends_with(w, &v));
	v.log_time++;
	assert_false(bundle_ends_with(w, &v));
	free((void *)v.bytes);
	add(w, &c, last + 1, 10 + EVENTS);
	finish(w, &c, digest);
	assert_memory_equal(digest, made, sizeof(made));
	assert_true(prove(&b));
	bundle_close(&b);
	write_file(whole, whole_len);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_changed_is_named),
		cmocka_unit_test(test_every_cut_is_named),
		cmocka_unit_test(test_order_and_absence_are_named),
		cmocka_unit_test(test_what_contradicts_itself_is_named),
		cmocka_unit_test(test_hostile_records_are_refused),
		cmocka_unit_test(test_a_newer_version_is_not_guessed_at),
		cmocka_unit_test(test_an_interrupted_one_goes_on),
	};

	return (cmocka_run_group_tests(tests, make, unmake));
}
