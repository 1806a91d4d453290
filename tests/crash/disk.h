/*
 * disk: what a disk may hold after a power cut, by a model stricter than any filesystem we know.
 *
 * A write is on the disk once a flush of its file that began after it has ended, or when an O_DSYNC write returned.  Until then any of
 * its 512-byte sectors may be there or not, in any order.  A name (create, rename, unlink, mkdir) is on the disk once its folder was
 * flushed; of the others, any number of the oldest may be there.  Truncation of a new file counts as done at once.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;
struct trace_record;

struct disk	*disk_new(void);

/* Take over the files below `folder` as they are, flushed. */
void		 disk_load(struct disk *, const char *folder);

/* The next thing that happened.  The payload must outlive the disk. */
void		 disk_step(struct disk *, const struct trace_record *, const void *payload);

/*
 * Write one possible outcome of a cut now into the empty folder `to`.  `next` and `payload`: the write that was under way when the
 * power went, or NULL: it may be there in part, whatever its flags.  `random` draws the outcome.
 */
void		 disk_cut(const struct disk *, const struct trace_record *next, const void *payload, uint64_t *random, const char *to);

/* splitmix64: the next number of a seeded sequence. */
uint64_t	 draw(uint64_t *state);

#endif
