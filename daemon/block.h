/*
 * block: consecutive events as stored bytes.  A journal record carries one, every value of a month's log is one, the recent
 * events in memory are one; so there is one format and one reader.
 *
 *   0  u8   version (1)
 *   1  u8   0
 *   2  u16  number of senders, little-endian as all below
 *   4  u32  number of events, at least 1
 *   8  u64  sequence number of the first event
 *  16  u64  log time of the first event, nanoseconds since 1970
 *  24  u32  bytes of senders and directory
 *  28  u32  bytes of events
 *  32  u64  XXH3-64 of bytes 40 to the end, its seed the XXH3-64 of bytes 0..31, whose seed is the log's secret: so no
 *           event's bytes can pose as a block when estate repair looks for blocks everywhere
 *  40       senders: each u8 length, then that many bytes
 *           directory: per event four varints (LEB128): length, log time minus that of the event before, sender's index, flags
 *           the events, end to end
 *
 * Recipe for a change: give it a new version number, keep the reader of every older version, and teach block_build() to write
 * only the newest.  A version or a flag that is not known is a newer format: refuse, never guess.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_VERSION	1
#define BLOCK_HEADER	40

/* One stored event.  Pointers are lent: from the caller to block_build(), from the block's bytes to the reader. */
struct record {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t flags;			/* enum event_flag */
	uint64_t log_time;		/* ns; never below the record's before it */
	const char *sender;		/* not terminated */
	uint8_t sender_len;
};

/* The log's secret, for all blocks of this process: identity_open() sets it. */
void	block_secret_set(uint64_t);

/* An upper bound of the bytes that block_build() writes for these. */
size_t	block_bound(const struct record *, unsigned count);

/* Write the block of `count` records numbered from first_seq to `out`; returns its length. */
size_t	block_build(uint8_t *out, uint64_t first_seq, const struct record *, unsigned count);

/* The same in two steps, for a place that is given only once the length is known.  The head, all but its checksum, to `out`: returns
 * its length, and in *payload how many bytes the records will add.  Then the rest, behind a copy of the head at `block`. */
size_t	block_build_head(uint8_t *out, uint64_t first_seq, const struct record *, unsigned count, size_t *payload);
void	block_build_rest(uint8_t *block, size_t head_len, const struct record *, unsigned count);

struct block {
	const uint8_t *base;
	size_t len;
	uint64_t first_seq;
	uint32_t count;
	/* The iterator: the next record. */
	uint64_t next_seq;
	uint64_t log_time;
	const uint8_t *dir, *dir_end;
	const uint8_t *payload, *payload_end;
	const uint8_t *senders;
	uint32_t sender_count;
};

/* Open stored bytes: version, checksum and structure are proven first.  Returns NULL, or what is wrong with them. */
const char	*block_open(struct block *, const void *bytes, size_t len);

/* Open bytes that this process has built or proven already: no checksum. */
void		 block_open_trusted(struct block *, const void *bytes, size_t len);

/* The next record and its number; false after the last. */
bool		 block_next(struct block *, struct record *, uint64_t *seq);

/* The checksum in the header of a block, for the journal's own header to cover. */
uint64_t	 block_sum(const void *bytes);

/* Total length that a block's header claims: 0 if it is no block's header. */
size_t		 block_claimed(const uint8_t *header);

#endif
