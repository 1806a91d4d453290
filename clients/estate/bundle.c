/* The parts of a bundle as bytes, for who writes and who reads: bundle.h. */
#include "bundle.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"

static const char head_name[9] = "ESTATEBN";

static uint8_t *
frame(uint8_t *p, uint32_t magic, uint32_t len)
{
	put_le32(p, magic);
	put_le32(p + 4, len);
	return (p + BUNDLE_FRAME);
}

void
bundle_head_seal(uint8_t p[BUNDLE_HEAD_BYTES])
{
	put_le64(p + 40, XXH3_64bits(p, 40));
}

void
bundle_pack_head(uint8_t out[BUNDLE_FRAME + BUNDLE_HEAD_BYTES], const struct bundle_head *h)
{
	uint8_t *p = frame(out, BUNDLE_MAGIC_HEAD, BUNDLE_HEAD_BYTES);

	memcpy(p, head_name, 8);
	put_le32(p + 8, BUNDLE_VERSION);
	put_le32(p + 12, 0);
	memcpy(p + 16, h->uuid, 16);
	memcpy(p + 32, h->month, 8);
	bundle_head_seal(p);
}

void
bundle_pack_block(uint8_t out[BUNDLE_FRAME + BUNDLE_BLOCK_BYTES], const struct bundle_block *b, uint32_t number)
{
	uint8_t *p = frame(out, BUNDLE_MAGIC_BLOCK, BUNDLE_BLOCK_BYTES);

	put_le32(p, number);
	put_le32(p + 4, b->count);
	put_le32(p + 8, b->packed);
	put_le32(p + 12, b->bytes);
	put_le64(p + 16, b->first_seq);
	put_le64(p + 24, b->first_time);
	put_le64(p + 32, b->sum);
	put_le64(p + 40, XXH3_64bits(p, 40));
}

void
bundle_pack_entry(uint8_t p[BUNDLE_ENTRY_BYTES], const struct bundle_block *b)
{
	put_le64(p, b->offset);
	put_le64(p + 8, b->first_seq);
	put_le64(p + 16, b->first_time);
	put_le32(p + 24, b->count);
	put_le32(p + 28, b->packed);
	put_le64(p + 32, b->sum);
}

/* The digest covers what is said, not how it is compressed: another release of zstd makes other bytes and the same digest. */
void
bundle_digest_begin(crypto_generichash_state *s, const struct bundle_head *h)
{
	uint8_t head[BUNDLE_FRAME + BUNDLE_HEAD_BYTES];

	bundle_pack_head(head, h);
	crypto_generichash_init(s, NULL, 0, BUNDLE_DIGEST_BYTES);
	crypto_generichash_update(s, head + BUNDLE_FRAME, 40);
}

void
bundle_index_add(struct bundle_index *x, const struct bundle_block *b)
{
	if (x->count == x->room)
		x->items = alloc_or_exit(x->items, (x->room = x->room == 0 ? 64 : x->room * 2) * sizeof(*x->items));
	x->items[x->count++] = *b;
}

void
bundle_digest_text(const uint8_t digest[BUNDLE_DIGEST_BYTES], char out[BUNDLE_DIGEST_TEXT])
{
	memcpy(out, "blake2b-256:", 12);
	sodium_bin2hex(out + 12, BUNDLE_DIGEST_TEXT - 12, digest, BUNDLE_DIGEST_BYTES);
}

void
bundle_uuid_text(const uint8_t uuid[16], char out[37])
{
	char hex[33];

	sodium_bin2hex(hex, sizeof(hex), uuid, 16);
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool
bundle_uuid_read(const char *text, uint8_t uuid[16])
{
	size_t n;

	return (sodium_hex2bin(uuid, 16, text, strlen(text), "-", &n, NULL) == 0 && n == 16);
}
