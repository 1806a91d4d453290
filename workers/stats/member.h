/*
 * member: what an object is a member of.  A row, as bytes:
 *
 *	flags 1 | milliseconds 8, if it took any | at 8; of a spell: since 8, until 8, base 8 | the value of each dimension: length 1, bytes
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "measure.h"
#include "object.h"

struct row {
	bool counted;			/* it is in the numerator; it always is in the denominator */
	bool timed, spell;
	int64_t ms;
	int64_t at;			/* the moment that put it in its month */
	int64_t since, until, base;	/* until INT64_MAX: it lasts */
	struct text dims[DIMS_MAX];	/* lent */
};

#define ROW_BYTES_MAX	(33u + DIMS_MAX * (KEEP_BYTES_MAX + 1u))

size_t	member_write(const struct row *, unsigned dims, uint8_t out[ROW_BYTES_MAX]);
bool	member_read(struct row *, const uint8_t *, size_t);

/* In the log: since which event, stored when. */
struct moment {
	uint64_t seq;
	int64_t log_time;
};

/* ---- member.c: all that one object is a member of ---- */

struct member {
	size_t at;			/* where in `bytes` it begins */
	uint16_t id_len, row_len;	/* measure 4, month 2, sub; the row behind it */
	uint64_t hash;			/* of the row */
};

struct members {
	uint8_t *bytes;
	size_t len, size;
	struct member *list;
	size_t count, room;
};

struct turn;
struct object;

void	members_begin(struct members *);
/* Of each measure of that class: is this aspect a member? */
void	members_tell(struct turn *, enum aspect_class, struct aspect *);
/* What differs from what the object was a member of is written; what it is a member of now stands behind the object's facts. */
void	members_settle(struct turn *, struct object *);
void	members_free(struct members *);

/* Keys of ROWS and PAST. */
#define ROW_ID_MAX	(6u + SUB_BYTES_MAX)
#define ROW_KEY_MAX	(6u + 1u + OBJECT_KEY_MAX + SUB_BYTES_MAX + 8u)
#define ROW_HEADER	16u	/* of a row of ROWS: seq, log time */
#define PAST_HEADER	24u	/* of PAST: from seq, from log time, to log time */
#define PAST_SEQ	6u	/* where in its key the event stands that ended it: what became past last lies last, whatever object it is of */
struct text	member_object(const uint8_t *key, size_t len, bool past);
uint32_t	member_month(const uint8_t *key);

#endif
