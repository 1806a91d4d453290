/* Probes: see probe.h. */
#include "probe.h"

#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* An id is 26 characters, as a ULID is: 10 of time, 8 for the connection and this run, 8 counted. */
#define TIME_CHARS	10
#define ORIGIN_CHARS	8
#define COUNT_CHARS	8
#define ID_CHARS	(TIME_CHARS + ORIGIN_CHARS + COUNT_CHARS)

static void
crockford(uint8_t *to, unsigned chars, uint64_t v)
{
	static const char digit[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	while (chars-- > 0) {
		to[chars] = (uint8_t)digit[v & 31];
		v >>= 5;
	}
}

static void
pack(msgpack_packer *k, const char *s)
{
	msgpack_pack_str_with_body(k, s, strlen(s));
}

int
probe_init(struct probe *p, size_t size, unsigned connection)
{
	static const uint8_t nothing[ID_CHARS];
	char source[40];
	msgpack_sbuffer b;
	msgpack_packer k;
	size_t head;

	memset(p, 0, sizeof(*p));
	if (getrandom(&p->random, sizeof(p->random), 0) < 0)
		return (-1);
	p->random |= 1;
	snprintf(source, sizeof(source), "/bench/%u", connection);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&k, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&k, 5);
	pack(&k, "specversion");
	pack(&k, "1.0");
	pack(&k, "id");
	msgpack_pack_str_with_body(&k, nothing, ID_CHARS);
	p->id_at = b.size - ID_CHARS;
	pack(&k, "source");
	pack(&k, source);
	pack(&k, "type");
	pack(&k, "probe.recorded");
	pack(&k, "data");
	msgpack_pack_map(&k, 2);
	pack(&k, "n");
	msgpack_pack_fix_uint64(&k, 0);
	p->n_at = b.size - sizeof(uint64_t);
	pack(&k, "text");
	/* The text's header is 2, 3 or 5 bytes: str 8, 16 or 32. */
	head = size - b.size <= 2 + 255 ? 2 : size - b.size <= 3 + 65535 ? 3 : 5;
	p->text_len = size - b.size - head;
	if (head == 2)
		msgpack_sbuffer_write(&b, (char[]){ (char)0xd9, (char)p->text_len }, 2);
	else
		msgpack_pack_str(&k, p->text_len);
	p->text_at = b.size;
	/* Eight spare bytes, so that text is written in whole words. */
	if ((p->bytes = malloc(size + 8)) != NULL)
		memcpy(p->bytes, b.data, b.size);
	p->len = size;
	msgpack_sbuffer_destroy(&b);
	if (p->bytes == NULL)
		return (-1);
	crockford(p->bytes + p->id_at + TIME_CHARS, ORIGIN_CHARS, p->random >> 20);
	return (0);
}

void
probe_fini(struct probe *p)
{
	free(p->bytes);
	p->bytes = NULL;
}

void
probe_next(struct probe *p, uint64_t ms)
{
	uint64_t n = __builtin_bswap64(++p->counter), x = p->random, w;

	crockford(p->bytes + p->id_at, TIME_CHARS, ms);
	crockford(p->bytes + p->id_at + TIME_CHARS + ORIGIN_CHARS, COUNT_CHARS, p->counter);
	memcpy(p->bytes + p->n_at, &n, sizeof(n));
	/* Six random bits a character, from '0' to 'o': any of them is ASCII. */
	for (size_t i = 0; i < p->text_len; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		w = (x & 0x3f3f3f3f3f3f3f3full) + 0x3030303030303030ull;
		memcpy(p->bytes + p->text_at + i, &w, sizeof(w));
	}
	p->random = x;
}
