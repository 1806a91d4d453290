/*
 * identity: which log this is.  A small text file, `identity`, in the data folder:
 *
 *	format: 1
 *	uuid: 32 hex digits
 *	epoch: decimal; 0 in a backup, so that its first start draws a new one
 *	secret: 16 hex digits, the seed of the key index's hashes and of the blocks' checksums; told to nobody
 *	sum: 16 hex digits, XXH3-64 of all before it
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define STORE_FORMAT	1

struct identity {
	uint8_t uuid[16];
	char uuid_text[37];	/* 8-4-4-4-12 */
	uint64_t epoch;		/* milliseconds since 1970 of the start that began it */
	uint64_t secret;
};

/* Read the identity of the store in `folder`; make one if `create` and there is none.  An epoch of 0 is drawn anew and written
 * back.  Returns 0, or -1 with a sentence in `why`. */
int	identity_open(struct identity *, const char *folder, int create, char *why, size_t why_len);

/* Write it, atomically and flushed.  `epoch` 0 marks a backup. */
int	identity_write(const struct identity *, uint64_t epoch, const char *folder, char *why, size_t why_len);

#endif
