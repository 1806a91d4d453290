#include "block.h"

#include <assert.h>
#include <xxhash.h>

#include "bytes.h"
#include "event.h"

#define SENDERS_MAX	65535u

static uint64_t secret;

void
block_secret_set(uint64_t s)
{
	secret = s;
}

static uint8_t *
put_varint(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return (p);
}

/* Returns the byte after it, or NULL if it is cut short or longer than 64 bits. */
static const uint8_t *
get_varint(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	unsigned shift;

	*v = 0;
	for (shift = 0; p < end && shift < 64; shift += 7) {
		*v |= (uint64_t)(*p & 0x7f) << shift;
		if ((*p++ & 0x80) == 0)
			return (p);
	}
	return (NULL);
}

size_t
block_bound(const struct record *r, unsigned count)
{
	size_t n = BLOCK_HEADER;

	/* Varints: length 5, log time 10, sender 3, flags 5; and its sender, should every record have its own. */
	for (unsigned i = 0; i < count; i++)
		n += 23 + (1u + r[i].sender_len) + r[i].len;
	return (n);
}

static uint64_t
sum(const uint8_t *p, size_t len)
{
	return (XXH3_64bits_withSeed(p + BLOCK_HEADER, len - BLOCK_HEADER, XXH3_64bits_withSeed(p, 32, secret)));
}

/* The place of a sender in the table that begins at `table` and has `*count` entries; appended at *end if it is new. */
static unsigned
sender_index(const uint8_t *table, uint8_t **end, unsigned *count, const struct record *r)
{
	const uint8_t *p = table;

	for (unsigned i = 0; i < *count; i++, p += 1 + *p)
		if (*p == r->sender_len && memcmp(p + 1, r->sender, *p) == 0)
			return (i);
	assert(*count < SENDERS_MAX && *end != NULL);
	**end = r->sender_len;
	memcpy(*end + 1, r->sender, r->sender_len);
	*end += 1 + r->sender_len;
	return ((*count)++);
}

size_t
block_build_head(uint8_t *out, uint64_t first_seq, const struct record *r, unsigned count, size_t *payload)
{
	uint8_t *p = out + BLOCK_HEADER;
	unsigned senders = 0, last = 0;
	const struct record *named = NULL;
	uint64_t before = r[0].log_time;
	size_t bytes = 0;

	assert(count > 0);
	for (unsigned i = 0; i < count; i++) {
		sender_index(out + BLOCK_HEADER, &p, &senders, &r[i]);
		/* The common case, one sender for all, is one comparison of pointers. */
		while (i + 1 < count && r[i + 1].sender == r[i].sender && r[i + 1].sender_len == r[i].sender_len)
			i++;
	}
	for (unsigned i = 0; i < count; i++) {
		assert(r[i].log_time >= before);
		if (named == NULL || r[i].sender != named->sender || r[i].sender_len != named->sender_len) {
			uint8_t *none = NULL;

			last = sender_index(out + BLOCK_HEADER, &none, &senders, &r[i]);
			named = &r[i];
		}
		p = put_varint(p, r[i].len);
		p = put_varint(p, r[i].log_time - before);
		p = put_varint(p, last);
		p = put_varint(p, r[i].flags);
		before = r[i].log_time;
		bytes += r[i].len;
	}
	out[0] = BLOCK_VERSION;
	out[1] = 0;
	out[2] = (uint8_t)senders;
	out[3] = (uint8_t)(senders >> 8);
	put_le32(out + 4, count);
	put_le64(out + 8, first_seq);
	put_le64(out + 16, r[0].log_time);
	put_le32(out + 24, (uint32_t)(p - out - BLOCK_HEADER));
	put_le32(out + 28, (uint32_t)bytes);
	*payload = bytes;
	return ((size_t)(p - out));
}

void
block_build_rest(uint8_t *block, size_t head_len, const struct record *r, unsigned count)
{
	uint8_t *p = block + head_len;
	unsigned run;

	for (unsigned i = 0; i < count; i += run) {
		size_t n = r[i].len;

		/* Records out of one block lie side by side: one copy. */
		for (run = 1; i + run < count && r[i + run].bytes == r[i].bytes + n; run++)
			n += r[i + run].len;
		memcpy(p, r[i].bytes, n);
		p += n;
	}
	put_le64(block + 32, sum(block, (size_t)(p - block)));
}

size_t
block_build(uint8_t *out, uint64_t first_seq, const struct record *r, unsigned count)
{
	size_t payload, head = block_build_head(out, first_seq, r, count, &payload);

	block_build_rest(out, head, r, count);
	return (head + payload);
}

uint64_t
block_sum(const void *bytes)
{
	return (get_le64((const uint8_t *)bytes + 32));
}

size_t
block_claimed(const uint8_t *h)
{
	if (h[0] != BLOCK_VERSION)
		return (0);
	return ((size_t)BLOCK_HEADER + get_le32(h + 24) + get_le32(h + 28));
}

void
block_open_trusted(struct block *b, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	b->base = p;
	b->len = len;
	b->count = get_le32(p + 4);
	b->first_seq = b->next_seq = get_le64(p + 8);
	b->log_time = get_le64(p + 16);
	b->sender_count = (uint32_t)p[2] | (uint32_t)p[3] << 8;
	b->senders = p + BLOCK_HEADER;
	b->payload = p + BLOCK_HEADER + get_le32(p + 24);
	b->payload_end = p + len;
	b->dir_end = b->payload;
	b->dir = b->senders;
	for (uint32_t i = 0; i < b->sender_count; i++)
		b->dir += 1 + *b->dir;
}

/* The sender table ends within the directory's bytes. */
static bool
senders_fit(const uint8_t *p, const uint8_t *end, uint32_t count)
{
	for (; count > 0; count--) {
		if (p >= end || *p >= end - p)
			return (false);
		p += 1 + *p;
	}
	return (true);
}

/* Every record lies within the block and they fill it. */
static bool
records_fit(struct block walk)
{
	struct record r;
	uint64_t seq, n = 0;

	while (block_next(&walk, &r, &seq))
		n++;
	return (n == walk.count && walk.payload == walk.payload_end && walk.dir == walk.dir_end);
}

const char *
block_open(struct block *b, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len < BLOCK_HEADER)
		return ("shorter than a block's header");
	if (p[0] != BLOCK_VERSION)
		return ("a block of an unknown version: damaged, or written by a newer release");
	if (block_claimed(p) != len)
		return ("its length is not what its header says");
	if (get_le64(p + 32) != sum(p, len))
		return ("its checksum does not match");
	if (!senders_fit(p + BLOCK_HEADER, p + BLOCK_HEADER + get_le32(p + 24), (uint32_t)p[2] | (uint32_t)p[3] << 8))
		return ("its sender table does not fit");
	block_open_trusted(b, bytes, len);
	if (b->count == 0 || b->first_seq == 0)
		return ("a block without events");
	if (!records_fit(*b))
		return ("its directory does not fit its events, or was written by a newer release");
	return (NULL);
}

bool
block_next(struct block *b, struct record *r, uint64_t *seq)
{
	uint64_t len, delta, sender, flags;
	const uint8_t *p = b->dir, *s = b->senders;

	if (b->next_seq - b->first_seq >= b->count)
		return (false);
	if ((p = get_varint(p, b->dir_end, &len)) == NULL || (p = get_varint(p, b->dir_end, &delta)) == NULL ||
	    (p = get_varint(p, b->dir_end, &sender)) == NULL || (p = get_varint(p, b->dir_end, &flags)) == NULL)
		return (false);
	if (len > (uint64_t)(b->payload_end - b->payload) || sender >= b->sender_count || (flags & ~(uint64_t)EVENT_FLAGS_KNOWN) != 0)
		return (false);
	for (; sender > 0; sender--)
		s += 1 + *s;
	b->dir = p;
	b->log_time += delta;
	r->bytes = b->payload;
	r->len = (uint32_t)len;
	r->flags = (uint32_t)flags;
	r->log_time = b->log_time;
	r->sender = (const char *)s + 1;
	r->sender_len = *s;
	b->payload += len;
	*seq = b->next_seq++;
	return (true);
}
