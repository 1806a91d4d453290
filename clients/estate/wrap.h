/* Text of many lines on a terminal that is narrower than its lines. */
#ifndef WRAP_H
#define WRAP_H

#include <stdio.h>

/*
 * Write text whose lines end with newlines.  On a terminal, lines that are too long go on in the next one, under the column in which
 * their explanation began; anywhere else they stay as they are.
 */
void	wrap_print(FILE *, const char *text);

#endif
