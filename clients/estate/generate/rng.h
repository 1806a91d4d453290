/*
 * Chance, in integers only: the same seed gives the same numbers on every machine, compiler and libm.  C leaves open which operand
 * or argument is evaluated first, so no expression draws twice side by side; a second number gets a statement of its own.
 */
#ifndef GENERATE_RNG_H
#define GENERATE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];		/* xoshiro256**, Blackman and Vigna, public domain */
};

void		 rng_seed(struct rng *, uint64_t seed);
uint64_t	 rng_next(struct rng *);

/* 0 .. bound - 1, bound >= 1. */
uint64_t	 rng_below(struct rng *, uint64_t bound);

/* lo .. hi, both included. */
int64_t		 rng_between(struct rng *, int64_t lo, int64_t hi);

/* True in `permille` of 1000 cases. */
bool		 rng_chance(struct rng *, unsigned permille);

/* Exponentially distributed with that mean (below 2^40). */
int64_t		 rng_exponential(struct rng *, int64_t mean);

/* An index 0 .. n - 1 with probability in proportion to weights[]. */
unsigned	 rng_weighted(struct rng *, const uint16_t *weights, unsigned n);

/* A well mixed value of (seed, what, which): facts that need no memory, such as a household's area. */
uint64_t	 rng_fact(uint64_t seed, uint64_t what, uint64_t which);

#endif
