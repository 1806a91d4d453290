/* Reading a bundle: nothing of it is believed before its checksum matched, and the first thing that is wrong is named with its byte. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "bounds.h"
#include "bundle.h"
#include "bytes.h"
#include "mp.h"

#define COVER_MAX	(64u << 20)

static bool bad(struct bundle *b, int64_t block, uint64_t byte, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Returns false, for `return (bad(…))`. */
static bool
bad(struct bundle *b, int64_t block, uint64_t byte, const char *fmt, ...)
{
	va_list ap;

	b->bad_block = block;
	b->bad_byte = byte;
	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return (false);
}

/* Read `len` bytes at `at`.  Where the file is shorter: truncated, unless its end is there; then a length was damaged. */
static bool
take(struct bundle *b, void *out, size_t len, uint64_t at, int64_t block, const char *what)
{
	ssize_t n;

	if (at + len > b->size) {
		if (b->ended)
			return (bad(b, block, at, "%s: its length reaches beyond the file", what));
		return (bad(b, block, b->size, "the file is truncated here, within %s", what));
	}
	while ((n = pread(b->fd, out, len, (off_t)at)) < 0 && errno == EINTR)
		;
	if (n < 0 || (size_t)n != len)
		return (bad(b, block, at, "cannot be read: %s", n < 0 ? strerror(errno) : "it became shorter"));
	return (true);
}

/* The last bytes, if they are a sound end of a file of this length. */
static void
find_end(struct bundle *b)
{
	uint8_t e[BUNDLE_FRAME + BUNDLE_END_BYTES], *p = e + BUNDLE_FRAME;

	if (b->size < sizeof(e) || pread(b->fd, e, sizeof(e), (off_t)(b->size - sizeof(e))) != (ssize_t)sizeof(e))
		return;
	b->ended = get_le32(e) == BUNDLE_MAGIC_END && get_le32(e + 4) == BUNDLE_END_BYTES && memcmp(p, "ESTATEND", 8) == 0 &&
	    get_le64(p + 64) == XXH3_64bits(p, 64);
	b->cover_at = get_le64(p + 8);
	b->index_at = get_le64(p + 16);
	memcpy(b->digest, p + 32, BUNDLE_DIGEST_BYTES);
}

static bool
read_head(struct bundle *b)
{
	uint8_t h[BUNDLE_FRAME + BUNDLE_HEAD_BYTES], *p = h + BUNDLE_FRAME;
	struct cover month;

	if (b->size >= 4 && pread(b->fd, h, 4, 0) == 4 && get_le32(h) != BUNDLE_MAGIC_HEAD && !b->ended)
		return (bad(b, -1, 0, "this is no bundle"));
	if (!take(b, h, sizeof(h), 0, -1, "the head"))
		return (false);
	if (get_le32(h) != BUNDLE_MAGIC_HEAD || get_le32(h + 4) != BUNDLE_HEAD_BYTES || memcmp(p, "ESTATEBN", 8) != 0 ||
	    get_le64(p + 40) != XXH3_64bits(p, 40))
		return (bad(b, -1, 0, "the head is damaged: its checksum does not match"));
	if (get_le32(p + 8) != BUNDLE_VERSION)
		return (bad(b, -1, 16, "version %" PRIu32 ", this release reads version %u: install the newer one that made it",
		    get_le32(p + 8), BUNDLE_VERSION));
	memcpy(b->head.uuid, p + 16, 16);
	memcpy(b->head.month, p + 32, 8);
	if (!cover_month(&month, b->head.month))
		return (bad(b, -1, 40, "the head names no month"));
	b->at = sizeof(h);
	bundle_digest_begin(&b->running, &b->head);
	return (true);
}

bool
bundle_open(struct bundle *b, const char *path)
{
	struct stat st;

	memset(b, 0, sizeof(*b));
	b->path = path;
	b->bad_block = -1;
	if ((b->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(b->fd, &st) != 0)
		return (bad(b, -1, 0, "cannot be read: %s", strerror(errno)));
	if (!S_ISREG(st.st_mode))
		return (bad(b, -1, 0, "this is no file"));
	b->size = (uint64_t)st.st_size;
	find_end(b);
	return (read_head(b));
}

void
bundle_close(struct bundle *b)
{
	if (b->fd >= 0)
		close(b->fd);
	free(b->packed);
	free(b->content);
	free(b->index.items);
	buffer_free(&b->cover);
	b->fd = -1;
}

/* ---- Blocks ---- */

bool
bundle_record(const struct bundle *b, size_t *at, struct estate_event *v)
{
	struct mp m = mp_over(b->content + *at, b->content_len - *at);
	uint32_t parts, len;
	const uint8_t *bytes;

	if (*at == b->content_len || !mp_array(&m, &parts) || parts != 5 || !mp_uint(&m, &v->seq) || !mp_int(&m, &v->log_time) ||
	    !mp_str(&m, &v->sender, &len))
		return (false);
	v->sender_len = len;
	if (!mp_uint(&m, &v->flags) || !mp_bin(&m, &bytes, &len))
		return (false);
	v->bytes = bytes;
	v->len = len;
	*at = (size_t)(m.p - b->content);
	return (true);
}

static bool
prove_records(struct bundle *b, const struct bundle_block *k, int64_t number)
{
	static const struct mp_bounds bounds = { MP_DEPTH_MAX, 65536, false };
	struct estate_event v;
	size_t at = 0, where;
	uint32_t count = 0;

	while (bundle_record(b, &at, &v)) {
		struct mp m = mp_over(v.bytes, v.len);

		if (v.seq != k->first_seq + count || (b->last != 0 && v.seq != b->last + 1))
			return (bad(b, number, k->offset, "event %" PRIu64 " follows %" PRIu64, v.seq, b->last));
		if (v.log_time < b->log_time)
			return (bad(b, number, k->offset, "log time falls at event %" PRIu64, v.seq));
		if (mp_check(&m, &bounds, &where) != MP_OK)
			return (bad(b, number, k->offset, "event %" PRIu64 " is not well-formed", v.seq));
		b->first = b->first == 0 ? v.seq : b->first;
		b->last = v.seq;
		b->log_time = v.log_time;
		b->bytes += v.len;
		count++;
	}
	if (at != b->content_len || count != k->count || count == 0)
		return (bad(b, number, k->offset, "%" PRIu32 " records where its header says %" PRIu32, count, k->count));
	b->events += count;
	return (true);
}

static bool
unpack(struct bundle *b, const struct bundle_block *k, int64_t number)
{
	uint64_t from = k->offset + BUNDLE_FRAME + BUNDLE_BLOCK_BYTES;
	char what[48];
	size_t n;

	snprintf(what, sizeof(what), "block %" PRId64, number);
	if (!take(b, b->packed, k->packed, from, number, what))
		return (false);
	if (XXH3_64bits(b->packed, k->packed) != k->sum)
		return (bad(b, number, from, "the checksum of block %" PRId64 " does not match", number));
	n = ZSTD_decompress(b->content, BUNDLE_BLOCK_MAX, b->packed, k->packed);
	if (ZSTD_isError(n) || n != k->bytes)
		return (bad(b, number, from, "block %" PRId64 " does not unpack: %s", number,
		    ZSTD_isError(n) ? ZSTD_getErrorName(n) : "another length than its header says"));
	b->content_len = n;
	return (true);
}

static bool
read_block(struct bundle *b, const uint8_t f[BUNDLE_FRAME])
{
	uint8_t h[BUNDLE_BLOCK_BYTES];
	struct bundle_block k = { .offset = b->at };
	int64_t number = b->index.count;
	char what[48];

	if (b->packed == NULL) {
		b->packed = alloc_or_exit(NULL, ZSTD_compressBound(BUNDLE_BLOCK_MAX));
		b->content = alloc_or_exit(NULL, BUNDLE_BLOCK_MAX);
	}
	snprintf(what, sizeof(what), "the header of block %" PRId64, number);
	if (get_le32(f + 4) != BUNDLE_BLOCK_BYTES)
		return (bad(b, number, b->at, "%s is damaged", what));
	if (!take(b, h, sizeof(h), b->at + BUNDLE_FRAME, number, what))
		return (false);
	if (get_le64(h + 40) != XXH3_64bits(h, 40))
		return (bad(b, number, b->at, "%s is damaged: its checksum does not match", what));
	if (get_le32(h) != (uint32_t)number)
		return (bad(b, number, b->at, "block %" PRIu32 " stands where block %" PRId64 " must be", get_le32(h), number));
	k.count = get_le32(h + 4);
	k.packed = get_le32(h + 8);
	k.bytes = get_le32(h + 12);
	k.first_seq = get_le64(h + 16);
	k.first_time = get_le64(h + 24);
	k.sum = get_le64(h + 32);
	if (k.bytes > BUNDLE_BLOCK_MAX || k.packed > ZSTD_compressBound(BUNDLE_BLOCK_MAX))
		return (bad(b, number, b->at, "block %" PRId64 " is larger than a block may be", number));
	if (!unpack(b, &k, number) || !prove_records(b, &k, number))
		return (false);
	crypto_generichash_update(&b->running, b->content, b->content_len);
	bundle_index_add(&b->index, &k);
	b->at += BUNDLE_FRAME + BUNDLE_BLOCK_BYTES + k.packed;
	return (true);
}

/* ---- Behind the last block ---- */

/* A frame of that magic, whose last 8 bytes are the checksum of those before: what is before, malloc()ed. */
static uint8_t *
read_part(struct bundle *b, uint32_t magic, const char *what, size_t *len)
{
	uint8_t f[BUNDLE_FRAME], *p;
	size_t n;

	if (!take(b, f, sizeof(f), b->at, -1, what))
		return (NULL);
	n = get_le32(f + 4);
	if (get_le32(f) != magic || n <= 8 || n > COVER_MAX) {
		bad(b, -1, b->at, "%s is damaged, or not where it must be", what);
		return (NULL);
	}
	p = alloc_or_exit(NULL, n);
	if (!take(b, p, n, b->at + BUNDLE_FRAME, -1, what)) {
		free(p);
		return (NULL);
	}
	*len = n - 8;
	if (get_le64(p + *len) != XXH3_64bits(p, *len)) {
		free(p);
		bad(b, -1, b->at, "%s is damaged: its checksum does not match", what);
		return (NULL);
	}
	b->at += BUNDLE_FRAME + n;
	return (p);
}

static bool
prove_index(struct bundle *b, const uint8_t *p, size_t len, uint64_t at)
{
	if (len != (size_t)b->index.count * BUNDLE_ENTRY_BYTES)
		return (bad(b, -1, at, "the index knows %zu blocks, and there are %" PRIu32, len / BUNDLE_ENTRY_BYTES, b->index.count));
	for (uint32_t i = 0; i < b->index.count; i++) {
		uint8_t e[BUNDLE_ENTRY_BYTES];

		bundle_pack_entry(e, &b->index.items[i]);
		if (memcmp(e, p + (size_t)i * BUNDLE_ENTRY_BYTES, sizeof(e)) != 0)
			return (bad(b, i, at + BUNDLE_FRAME + (uint64_t)i * BUNDLE_ENTRY_BYTES,
			    "the index has another place, number or checksum for block %" PRIu32, i));
	}
	return (true);
}

static bool
prove_end(struct bundle *b, uint64_t cover_at, uint64_t index_at)
{
	uint8_t digest[BUNDLE_DIGEST_BYTES];
	uint64_t whole = b->at + BUNDLE_FRAME + BUNDLE_END_BYTES;

	if (b->size < whole)
		return (bad(b, -1, b->size, "the file is truncated here, within the end"));
	if (b->size > whole)
		return (bad(b, -1, whole, "%" PRIu64 " bytes stand behind the end", b->size - whole));
	if (!b->ended)
		return (bad(b, -1, b->at, "the end is damaged: its checksum does not match"));
	if (b->cover_at != cover_at || b->index_at != index_at)
		return (bad(b, -1, b->at, "the end names other places for cover and index"));
	crypto_generichash_final(&b->running, digest, sizeof(digest));
	if (memcmp(digest, b->digest, sizeof(digest)) != 0)
		return (bad(b, -1, b->at + BUNDLE_FRAME + 32, "the digest is not that of what is in the bundle"));
	return (true);
}

static bool
read_rest(struct bundle *b)
{
	uint64_t cover_at = b->at, index_at;
	uint8_t *p;
	size_t len;
	bool ok;

	if ((p = read_part(b, BUNDLE_MAGIC_COVER, "the cover", &len)) == NULL)
		return (false);
	buffer_clear(&b->cover);
	buffer_add(&b->cover, p, len);
	crypto_generichash_update(&b->running, p, len);
	free(p);
	index_at = b->at;
	if ((p = read_part(b, BUNDLE_MAGIC_INDEX, "the index", &len)) == NULL)
		return (false);
	ok = prove_index(b, p, len, index_at);
	free(p);
	return (ok && prove_end(b, cover_at, index_at));
}

enum bundle_step
bundle_next(struct bundle *b)
{
	uint8_t f[BUNDLE_FRAME];
	char what[64];

	snprintf(what, sizeof(what), "block %" PRIu32 " or the cover", b->index.count);
	if (!take(b, f, sizeof(f), b->at, b->index.count, what))
		return (BUNDLE_BAD);
	if (get_le32(f) == BUNDLE_MAGIC_BLOCK)
		return (read_block(b, f) ? BUNDLE_BLOCK : BUNDLE_BAD);
	if (get_le32(f) == BUNDLE_MAGIC_COVER && b->index.count > 0)
		return (read_rest(b) ? BUNDLE_END : BUNDLE_BAD);
	bad(b, b->index.count, b->at, "neither block %" PRIu32 " nor the cover begins here: damaged", b->index.count);
	return (BUNDLE_BAD);
}

bool
bundle_prove(struct bundle *b)
{
	enum bundle_step s;

	while ((s = bundle_next(b)) == BUNDLE_BLOCK)
		;
	return (s == BUNDLE_END);
}
