/*
 * JSON at the edge, msgpack within.
 *
 *	JSON			msgpack			back
 *	object			map, same key order	the same
 *	integer (64 bit)	integer			the same
 *	1.0, 1e3		float 64		a number with a point or an exponent
 *	string			str			the same
 *				timestamp		RFC 3339 text in UTC
 *				bin			base64 text
 *				another ext		{"ext": type, "base64": text}
 *				NaN, infinities		null
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <msgpack.h>
#include <stdbool.h>

#include "buffer.h"
#include "mp.h"

/* Pack a JSON value. */
void	json_to_msgpack(msgpack_packer *, const json_t *);

/* Write the msgpack value at the cursor as compact JSON and move past it.  False, and the rest unwritten, if it is malformed. */
bool	json_write(struct buffer *, struct mp *);

/* Write text as a JSON string, quotes included.  Bytes that are not UTF-8 become U+FFFD. */
void	json_write_text(struct buffer *, const char *, size_t len);

/* A float so that it reads back as the same float. */
void	json_write_float(struct buffer *, double);

#endif
