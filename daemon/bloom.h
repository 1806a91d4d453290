/*
 * bloom: what a block may hold.  Beside each block of a month lies a small filter over the subjects, sources and types of its
 * events; a search for one case reads the filters (1.3 bytes an event) and then only the blocks that may hold it.  This is the
 * index by subject: a B-tree entry per event would cost twenty times as much.
 *
 * The bytes: u8 version (1), then the bits.  Six probes by double hashing of XXH3-64; 10 bits an entry give 1 % false hits.
 * It can say "perhaps" wrongly, never "no".
 */
#ifndef BLOOM_H
#define BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOOM_VERSION	1

/* What a term is, so that a subject and a type of the same letters differ. */
enum bloom_kind { BLOOM_SUBJECT = 1, BLOOM_SOURCE, BLOOM_TYPE };

uint64_t	bloom_hash(enum bloom_kind, const char *, size_t len);

/* Bytes of a filter for `entries` different terms. */
size_t		bloom_size(unsigned entries);

/* An empty filter of `size` bytes in `out`. */
void		bloom_init(uint8_t *out, size_t size);
void		bloom_add(uint8_t *filter, size_t size, uint64_t hash);

/* True if the term may be in it; a filter of an unknown version may hold anything. */
bool		bloom_may_hold(const uint8_t *filter, size_t size, uint64_t hash);

#endif
