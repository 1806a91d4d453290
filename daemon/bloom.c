#include "bloom.h"

#include <string.h>
#include <xxhash.h>

#define PROBES		6
#define BITS_PER_ENTRY	10

uint64_t
bloom_hash(enum bloom_kind kind, const char *s, size_t len)
{
	return (XXH3_64bits_withSeed(s, len, kind));
}

size_t
bloom_size(unsigned entries)
{
	return (1 + (entries * BITS_PER_ENTRY + 7) / 8);
}

void
bloom_init(uint8_t *out, size_t size)
{
	memset(out, 0, size);
	out[0] = BLOOM_VERSION;
}

void
bloom_add(uint8_t *filter, size_t size, uint64_t hash)
{
	uint64_t step = (hash >> 32 | hash << 32) | 1, bits = (size - 1) * 8;

	for (unsigned i = 0; i < PROBES; i++, hash += step) {
		uint64_t bit = hash % bits;

		filter[1 + bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

bool
bloom_may_hold(const uint8_t *filter, size_t size, uint64_t hash)
{
	uint64_t step = (hash >> 32 | hash << 32) | 1, bits = (size - 1) * 8;

	if (size < 2 || filter[0] != BLOOM_VERSION)
		return (true);
	for (unsigned i = 0; i < PROBES; i++, hash += step) {
		uint64_t bit = hash % bits;

		if ((filter[1 + bit / 8] & 1u << bit % 8) == 0)
			return (false);
	}
	return (true);
}
