/*
 * backup: a copy of the whole store while it works, into a new folder that is a store itself.
 *
 * A thread of its own brings LMDB up to date, then copies the key index first and the months after it, oldest first, so that in
 * the copy, too, keys ≤ months; the identity goes last and with epoch 0, which makes the first start on it a new epoch.  A folder
 * without an identity is an unfinished backup.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include <stdint.h>

#include "applier.h"
#include "store.h"

struct backup;

/* Loop: begin to copy into `folder`, which must not exist; nothing may be trimmed until backup_finish().  `consumers`: the text of their file as it is now, taken over (malloc()ed) unless NULL
 * is returned; their cursors lie within what will be copied.  `on_done` is called from the backup's thread at the end; it must only wake
 * the loop.  NULL with a sentence in `why` if the folder cannot be made. */
struct backup	*backup_start(struct store *, struct applier *, const char *folder, char *consumers, size_t consumers_len,
		    void (*on_done)(void *), void *arg, char *why, size_t why_len);

/* The daemon stops: no further file is begun.  The folder stays without an identity, unfinished. */
void		 backup_cancel(struct backup *);

/* After on_done, or after backup_cancel() to wait for the end: 0, or -1 with a sentence in `why`; `last` and `bytes` of the copy.  Frees. */
int		 backup_finish(struct backup *, uint64_t *last, uint64_t *bytes, char *why, size_t why_len);

#endif
