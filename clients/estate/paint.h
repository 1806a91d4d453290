/* Text on a terminal: colour only where it is wanted, and columns that stay straight with wide characters. */
#ifndef PAINT_H
#define PAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

enum paint { PAINT_OFF, PAINT_DIM, PAINT_BOLD, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINT_BLUE, PAINT_CYAN };

/* Colour stdout if it is a terminal, unless `never`, NO_COLOR or TERM=dumb say otherwise. */
void	paint_init(bool never);

/* The sequence for a colour, or "" when painting is off. */
const char	*paint(enum paint);

/* Columns of the terminal on stdout; 0 if it is none. */
unsigned	paint_columns(void);

/* Columns that text takes: 2 for wide characters, 0 for combining ones.  Colour sequences take none. */
size_t	paint_width(const char *, size_t len);

/* How many of the bytes fit into so many columns; never a part of a character. */
size_t	paint_fit(const char *, size_t len, size_t columns);

/*
 * Append text without control characters and what turns the direction of writing (each becomes a '?'), clipped to so many columns
 * with an ellipsis; 0 means all of it.
 */
void	paint_clean(struct buffer *, const char *, size_t len, size_t columns);

/* Append text as above, then spaces up to so many columns. */
void	paint_cell(struct buffer *, const char *, size_t len, size_t columns);

#endif
