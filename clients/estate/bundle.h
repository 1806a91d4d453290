/*
 * bundle: one month of the log as a file that a reader of another decade can open: proto/BUNDLE.md is the contract, this its code.
 *
 * The file is a chain of zstd frames, so that `zstd -dc` alone gives the records; what is ours besides stands in skippable frames:
 *
 *	head   block header, block   block header, block …   cover   index   end
 *
 * Integers are little-endian.  Recipe for a change: a new version number in the head, every older reader kept; the head's own 56 bytes
 * never change, so that an old release can tell a newer version from damage.
 */
#ifndef BUNDLE_H
#define BUNDLE_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "cover.h"
#include "estate.h"

#define BUNDLE_VERSION		1u
#define BUNDLE_SUFFIX		".bundle.zst"
#define BUNDLE_PART		".part"		/* behind the name, until it is whole */
#define BUNDLE_DIGEST_BYTES	32u
#define BUNDLE_DIGEST_TEXT	(12 + 2 * BUNDLE_DIGEST_BYTES + 1)	/* "blake2b-256:" and hex */

/* Content of a block: about so much, and never beyond the other. */
#define BUNDLE_BLOCK_TARGET	(1u << 20)
#define BUNDLE_BLOCK_MAX	(4u << 20)

/* Skippable frames: magic, u32 length, then so many bytes. */
#define BUNDLE_MAGIC_HEAD	0x184D2A50u
#define BUNDLE_MAGIC_BLOCK	0x184D2A51u
#define BUNDLE_MAGIC_COVER	0x184D2A52u
#define BUNDLE_MAGIC_INDEX	0x184D2A53u
#define BUNDLE_MAGIC_END	0x184D2A54u
#define BUNDLE_FRAME		8u
#define BUNDLE_HEAD_BYTES	48u
#define BUNDLE_BLOCK_BYTES	48u
#define BUNDLE_ENTRY_BYTES	40u
#define BUNDLE_END_BYTES	72u

struct bundle_head {
	uint8_t uuid[16];	/* the log's */
	char month[8];		/* "2026-10" */
};

/* A block's place in the file, and what is in it. */
struct bundle_block {
	uint64_t offset;	/* of its header's frame */
	uint64_t first_seq, first_time;
	uint32_t count, packed, bytes;	/* records; bytes compressed and not */
	uint64_t sum;		/* XXH3-64 of the compressed bytes */
};

struct bundle_index {
	struct bundle_block *items;
	uint32_t count, room;
};

/* ---- Writing --------------------------------------------------------------------------------------------------------------- */

struct bundle_writer;

/*
 * Begin DIR/MONTH.bundle.zst.part, or go on with what an interrupted run left of it: *last is then the last number that is in it,
 * else 0, and `cover` has taken note of all of that.  The cover stays the caller's and must outlive the writer.  NULL with a sentence
 * in `why`.
 */
struct bundle_writer	*bundle_begin(const char *folder, const struct bundle_head *, struct cover *cover, uint64_t *last, char *why, size_t why_len);

/* The next record, in order.  0, or errno: what was written before stays for the next run. */
int	bundle_add(struct bundle_writer *, const struct estate_event *);

/* The record that the part ends with is the one that the log has there?  Only after *last was not 0, before anything is added. */
bool	bundle_ends_with(const struct bundle_writer *, const struct estate_event *);

/* Cover, index and end; flushed and renamed to its name.  0 or errno. */
int	bundle_finish(struct bundle_writer *, const struct buffer *cover, uint8_t digest[BUNDLE_DIGEST_BYTES]);

/* Leave the part as it is, or unlink it. */
void	bundle_leave(struct bundle_writer *, bool forget);

/* ---- Reading --------------------------------------------------------------------------------------------------------------- */

struct bundle {
	int fd;
	const char *path;	/* the caller's */
	uint64_t size;
	struct bundle_head head;
	struct bundle_index index;	/* of the blocks walked */
	uint64_t at;		/* where the next frame begins */
	bool ended;		/* the file's last bytes are a sound end, of … */
	uint64_t cover_at, index_at;
	uint8_t digest[BUNDLE_DIGEST_BYTES];
	crypto_generichash_state running;
	/* The block at hand: its records, one msgpack value each. */
	uint8_t *packed, *content;
	size_t content_len;
	uint64_t first, last, events, bytes;	/* over all blocks walked; bytes of events */
	int64_t log_time;
	struct buffer cover;	/* behind the last block */
	/* What is wrong: with the block's number, or -1, and the byte of the file. */
	int64_t bad_block;
	uint64_t bad_byte;
	char why[400];
};

enum bundle_step { BUNDLE_BLOCK, BUNDLE_END, BUNDLE_BAD };

/* Open it and prove its head.  False with `why`; close it in any case. */
bool	bundle_open(struct bundle *, const char *path);
void	bundle_close(struct bundle *);

/*
 * The next block, proven: checksums, length, order, each record well-formed and the one that follows.  Behind the last: cover, index, end
 * and digest are proven.  BAD: `why`, `bad_block` and `bad_byte` name the first thing that is not as it must be.
 */
enum bundle_step	bundle_next(struct bundle *);

/* The records of the block at hand, one by one; *at begins with 0.  Lent from it. */
bool	bundle_record(const struct bundle *, size_t *at, struct estate_event *);

/* All of it: true if it is sound. */
bool	bundle_prove(struct bundle *);

void	bundle_digest_text(const uint8_t digest[BUNDLE_DIGEST_BYTES], char out[BUNDLE_DIGEST_TEXT]);
void	bundle_uuid_text(const uint8_t uuid[16], char out[37]);
bool	bundle_uuid_read(const char *text, uint8_t uuid[16]);

/* Both sides' view of the parts. */
void	bundle_pack_head(uint8_t out[BUNDLE_FRAME + BUNDLE_HEAD_BYTES], const struct bundle_head *);
/* The checksum of a head's bytes, behind its frame. */
void	bundle_head_seal(uint8_t p[BUNDLE_HEAD_BYTES]);
void	bundle_pack_block(uint8_t out[BUNDLE_FRAME + BUNDLE_BLOCK_BYTES], const struct bundle_block *, uint32_t number);
void	bundle_pack_entry(uint8_t out[BUNDLE_ENTRY_BYTES], const struct bundle_block *);
void	bundle_digest_begin(crypto_generichash_state *, const struct bundle_head *);
void	bundle_index_add(struct bundle_index *, const struct bundle_block *);

#endif
