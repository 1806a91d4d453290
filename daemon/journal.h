/*
 * journal: the write-ahead log in front of LMDB.  What it has flushed is durable; LMDB follows in larger steps.
 *
 * Folder `journal/`: segments `<number, 16 hex digits>.wal` of one size, written once from front to back, and spares `*.old` that
 * wait to become the next segment.  Numbers never repeat within a log.
 *
 * Segment header, 4096 bytes:
 *   0 "ESTATEWJ"   8 u32 version (1)   12 u32 0   16 u64 number   24 u64 nonce   32 u64 size   40 u8[16] log UUID
 *  56 u64 XXH3-64 of bytes 0..55
 * Records, each at a multiple of 4096, so that no flush ever rewrites a sector that holds something acknowledged:
 *   0 u32 magic "EWR1"   4 u32 block length   8 u64 first sequence number   16 u32 events   20 u32 0
 *  24 u64 the block's own checksum           32 u64 XXH3-64 of bytes 0..31, its seed the segment's nonce
 *  64 the block (block.h), then zeros to the next multiple of 4096
 * A record left over from the segment's earlier life fails under the new nonce, and the nonce is nobody's to know, so no event's
 * bytes can pose as a record.
 *
 * The segment is filled with real zeros before it is used: an append then overwrites allocated blocks and the flush moves data
 * alone, no metadata.  Where the filesystem has O_DIRECT, append is one pwrite with O_DIRECT and O_DSYNC; elsewhere pwrite and
 * fdatasync.
 *
 * After a start nothing is appended behind an old record: recovery hands every record to the store and a fresh segment begins.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_ALIGN		4096u
#define JOURNAL_ALIGN_UP(n)	(((n) + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN * JOURNAL_ALIGN)
#define JOURNAL_RECORD_HEADER	64u

struct batch;
struct identity;
struct journal;

/* Called for each record of the journal, in order, proven by checksum.  Returns false to stop. */
typedef bool	journal_visit(void *arg, const uint8_t *block, size_t len);

/*
 * Open the folder (made if it is missing) and read every segment.  Records whose events are all numbered `applied` or below are
 * passed over unread; each other goes to `visit`.  Returns NULL with a sentence in `why` if the folder cannot be read, belongs to
 * another log, is of a newer format, or is damaged: a record is missing between two that are there.
 * A torn record at the very end is what a power cut leaves of an unacknowledged write: passed over.
 */
struct journal	*journal_open(const char *folder, const struct identity *, size_t segment_bytes, unsigned segments_max,
		    uint64_t applied, journal_visit *, void *arg, char *why, size_t why_len);
void		 journal_close(struct journal *);

/* Only read: nothing is made, flushed or tidied, for estate verify.  A missing folder is an empty journal.  0, or -1 with a
 * sentence in `why`. */
int		 journal_read(const char *folder, const struct identity *, uint64_t applied, journal_visit *, void *arg, char *why,
		    size_t why_len);

/* The greatest number that any record header in a segment's bytes names, whole or not: what the log once held.  0 if none. */
uint64_t	 journal_last_named(const uint8_t *bytes, size_t len);

/* Writer's thread: room in this or the next segment for a batch with a buffer of that many bytes?  False: wait for
 * journal_prepare() or journal_release(). */
bool		 journal_has_room(struct journal *, size_t buffer_len);

/* Writer's thread: write the batch's buffer and flush it.  When this returns 0 the batch survives a power cut.  Anything else is
 * an errno after which the disk can't be trusted: stop without acknowledging. */
int		 journal_append(struct journal *, struct batch *);

/* The most bytes one batch's buffer may have. */
size_t		 journal_batch_bytes_max(const struct journal *);

/* Applier's thread: make the next segment ready if it is missing and another is allowed.  0, or an errno (ENOSPC: full disk). */
int		 journal_prepare(struct journal *);

/* Applier's thread: everything up to `applied` is in LMDB and flushed; segments that hold nothing else become spares. */
void		 journal_release(struct journal *, uint64_t applied);

/* True while more than half of the segments wait for release: the applier shall not dawdle. */
bool		 journal_pressed(struct journal *);

#endif
