#include "rng.h"

static uint64_t
splitmix64(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31));
}

static uint64_t
rotl(uint64_t x, int k)
{
	return ((x << k) | (x >> (64 - k)));
}

void
rng_seed(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return (result);
}

uint64_t
rng_below(struct rng *r, uint64_t bound)
{
	/* Multiply and shift; the bias of bound / 2^64 is nothing here. */
	return ((uint64_t)(((unsigned __int128)rng_next(r) * bound) >> 64));
}

int64_t
rng_between(struct rng *r, int64_t lo, int64_t hi)
{
	return (lo + (int64_t)rng_below(r, (uint64_t)(hi - lo) + 1));
}

bool
rng_chance(struct rng *r, unsigned permille)
{
	return (rng_below(r, 1000) < permille);
}

/*
 * Von Neumann's way: the length of a falling run of uniforms decides, so no logarithm (and no libm, whose last bit differs between
 * machines) is needed.  A run of odd length accepts its first value; an even one adds a whole unit and tries again.
 */
int64_t
rng_exponential(struct rng *r, int64_t mean)
{
	const unsigned fraction_bits = 20;	/* 40 bits of mean + 20 + the few of `units` stay within 63 */
	uint64_t units = 0;

	for (;;) {
		uint64_t first = rng_next(r), last = first, next;
		unsigned length = 1;

		while ((next = rng_next(r)) < last) {
			last = next;
			length++;
		}
		if (length % 2 == 1 || units == 7)
			return ((int64_t)(((units << fraction_bits) + (first >> (64 - fraction_bits))) * (uint64_t)mean >> fraction_bits));
		units++;
	}
}

unsigned
rng_weighted(struct rng *r, const uint16_t *weights, unsigned n)
{
	uint64_t total = 0, draw;
	unsigned i;

	for (i = 0; i < n; i++)
		total += weights[i];
	draw = rng_below(r, total);
	for (i = 0; i + 1 < n && draw >= weights[i]; i++)
		draw -= weights[i];
	return (i);
}

uint64_t
rng_fact(uint64_t seed, uint64_t what, uint64_t which)
{
	uint64_t x = seed;

	x = splitmix64(&x) ^ what;
	x = splitmix64(&x) ^ which;
	return (splitmix64(&x));
}
