/*
 * jsonl: a line of JSON to the msgpack bytes of an event, in one pass and without a tree: a rehearsal reads millions.
 *
 * What it packs is what json_to_msgpack() packs.  The four members that `estate tail --json` adds (seq, logtime, sender, flags) are
 * taken out if all of them are there.
 */
#ifndef JSONL_H
#define JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct jsonl {
	uint8_t *bytes;			/* of the line packed last */
	size_t len, size;
	bool numbered;			/* it had all four: */
	uint64_t seq, flags;
	int64_t log_time;
	struct text sender;		/* lent from `bytes` */
	size_t where;			/* of a refused line: the byte at fault … */
	const char *why;		/* … and what is wrong */
};

/* Pack one line.  False if it is not a JSON object, or the four are not what they should be.  Zero the struct before the first. */
bool	jsonl_pack(struct jsonl *, const char *line, size_t len);
void	jsonl_free(struct jsonl *);

#endif
