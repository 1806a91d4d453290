/* Text of many lines on a terminal that is narrower than its lines. */
#ifndef WRAP_H
#define WRAP_H

#include <stdio.h>

#include "buffer.h"

/*
 * Write text whose lines end with newlines.  On a terminal, lines that are too long go on in the next one, under the column in which
 * their explanation began; anywhere else they stay as they are.
 */
void	wrap_print(FILE *, const char *text);

/*
 * Append text behind what stands in the last line of the buffer.  Where a line of so many columns is full it goes on in the next, so far in: between
 * words and between wide characters, never within an id or a number.  0 columns: as it is.
 */
void	wrap_add(struct buffer *, const char *, size_t len, unsigned indent, unsigned columns);

#endif
