/*
 * shape: a struct of a worker's table as bytes: a version, then its members in the order of a list.  A text is a byte of length and so
 * many bytes, a byte itself, a number 64 bits little-endian.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum member_kind { MEMBER_END, MEMBER_TEXT, MEMBER_BYTE, MEMBER_NUMBER };

struct member {
	enum member_kind kind;
	size_t offset, size;		/* of a text: at most 256, its end included */
};

#define T(type, name)	{ MEMBER_TEXT, offsetof(struct type, name), sizeof(((struct type *)0)->name) }
#define B(type, name)	{ MEMBER_BYTE, offsetof(struct type, name), 1 }
#define N(type, name)	{ MEMBER_NUMBER, offsetof(struct type, name), 8 }
#define LAST		{ MEMBER_END, 0, 0 }

/* The list of one struct, and its size. */
struct shape_list {
	const struct member *members;
	size_t size;
};

/* False if the bytes are of another version or cut; *out is then in part zero.  `out` has the list's size. */
bool	shape_read(const struct shape_list *, uint8_t version, const void *bytes, size_t len, void *out);

/* `out` has room for all members at their longest.  Returns how many bytes. */
size_t	shape_write(const struct shape_list *, uint8_t version, const void *in, uint8_t *out);

#endif
