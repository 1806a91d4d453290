/*
 * segment: how many text messages a text is.
 *
 * GSM 03.38: 160 characters of its alphabet in one, 153 in each of several; those of its extension take two places, which stay together.
 * Anything else: UCS-2, 70 or 67 UTF-16 units, a surrogate pair stays together.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segments {
	bool gsm;
	unsigned units;		/* septets, or UTF-16 units */
	unsigned count;		/* of messages; 0 for an empty text */
};

/* `text` is UTF-8; a byte that is none counts as one foreign character. */
struct segments	segment_count(const char *text, size_t len);
/* The character at *at, which is then behind it. */
uint32_t	segment_point(const unsigned char **at, const unsigned char *end);

#endif
