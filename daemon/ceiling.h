/*
 * ceiling: how far log time may have been told as past, on the disk, so that what was told holds after any stop.
 *
 * The file `ceiling` in the data folder has two slots of 4 KiB, written in turn, so that a torn one leaves the other:
 *
 *   0  u64  "estceil1", little-endian as all below
 *   8  u64  the log's epoch
 *  16  u64  log time, nanoseconds since 1970
 *  24  u64  XXH3-64 of bytes 0..23, its seed the log's secret
 *
 * All zero: never written.  No file: nothing was told; so a backup goes without it, and begins with a new epoch anyway.
 */
#ifndef CEILING_H
#define CEILING_H

#include <stddef.h>
#include <stdint.h>

#include "identity.h"

struct ceiling;

/* What the folder's ceiling is: 0 if nothing was told in this epoch.  0, or -1 with a sentence in `why`: both slots are damaged, or
 * it cannot be read. */
int		 ceiling_read(const char *folder, const struct identity *, uint64_t *log_time, char *why, size_t why_len);

/* The same, to raise it later; makes the file if there is room for it.  NULL with a sentence in `why`. */
struct ceiling	*ceiling_open(const char *folder, const struct identity *, char *why, size_t why_len);
void		 ceiling_close(struct ceiling *);

uint64_t	 ceiling_time(const struct ceiling *);

/* See to it that the ceiling on the disk is at least this: one flush now and then, see CEILING_AHEAD_NS.  0, or an errno; then
 * nothing is changed, and the time must not be told. */
int		 ceiling_raise(struct ceiling *, uint64_t log_time);

#endif
