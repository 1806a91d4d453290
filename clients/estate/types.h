/* The catalogue in the forms that `estate types` prints.  `only` is one type, or NULL for all of them. */
#ifndef TYPES_H
#define TYPES_H

#include <stddef.h>

#include "catalogue.h"

/* Everything, as one JSON object, for programs. */
void	types_json(const struct type *only);

/* The reference document, Chinese and English. */
void	types_markdown(const struct type *only);

/*
 * One fact per line, in an order and form that never change, so that two releases can be compared line by line:
 *
 *	type NAME subject|maybe-subject intake|derived SUBJECT
 *	field TYPE.NAME required|any-of|optional personal|plain KIND
 *	list NAME open|closed
 *	value LIST CODE
 */
void	types_released(const struct type *only);

/* What a field holds, in English words: "integer 0..604800 s", "one of grade".  Returns out. */
#define TYPES_KIND_SIZE	80
const char	*types_kind(const struct field *, char out[TYPES_KIND_SIZE]);

#endif
