/*
 * verify: proves that a store is sound, or names the first byte of what is not.
 *
 * Read from the disk, not from the page cache, where the system allows; nothing is changed but the mark `untrusted`, which goes
 * when all is sound.  The walk through LMDB happens in a child process, since LMDB may crash on a damaged file.
 *
 * Proven: identity; every month's blocks by checksum, their numbers without gap or overlap, log time never decreasing, every event
 * well-formed; every filter holds what its block holds; the month's own figures; the key index has every event with its number
 * and digest and nothing beyond; the journal's records, and that they continue the months; the consumers' cursors and
 * how far log time was told.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verdict {
	bool sound;
	uint64_t first, last, events, bytes;	/* bytes of events */
	uint64_t in_journal;			/* of the events, not yet in the months */
	uint64_t blocks, log_bytes, key_bytes;	/* bytes of files */
	char problem[1280];			/* where and what; empty when sound */
};

/* `tick` (may be NULL) is called now and then with the number of events proven.  Returns 0 with the verdict, or -1 with a sentence
 * in `problem` when the store cannot be looked at: no such folder, in use by a daemon, newer format. */
int	verify_store(const char *folder, void (*tick)(uint64_t events), struct verdict *);

#endif
