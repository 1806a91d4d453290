/* A msgpack value for people: maps as indented lines, lists of like maps as tables. */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>

#include "buffer.h"
#include "mp.h"

/*
 * Append the value at the cursor, which moves past it, with a newline.  A list of maps whose values are no containers becomes a table: a
 * column for each key in the order in which they appear, up to 16 of them.  False if it is not well-formed or deeper than MP_DEPTH_MAX.
 */
bool	tree_write(struct buffer *, struct mp *);

#endif
