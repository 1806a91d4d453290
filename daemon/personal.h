/*
 * personal: what a service marked as personal in its answer, for who may see it, and a mask for everybody else.
 *
 * The mark stands around the value: {"~personal": VALUE}, a map of that one pair, anywhere in the answer.  A key that begins with ~
 * anywhere else is refused, so that a misspelt mark leaks nothing.
 */
#ifndef PERSONAL_H
#define PERSONAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERSONAL_MARK	"~personal"

/*
 * Prove an answer well-formed (one map within the bounds of bounds.h, marks as above) and write it as its reader sees it: with `open`
 * each marked value in its place, else SEAL_MASK.  `out` has room for `len` bytes, which is always enough; returns how many it is.
 * 0: it is not well-formed, whoever reads it, and `why` says how; what `out` holds then is not for anybody.
 */
size_t	personal_show(const uint8_t *bytes, size_t len, bool open, uint8_t *out, char *why, size_t why_len);

#endif
