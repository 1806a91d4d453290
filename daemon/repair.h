/*
 * repair: saves what can be saved of a damaged store into a new one.
 *
 * It doesn't trust LMDB's pages or the journal's order: it looks at every place in every file where a block could begin and takes
 * each whose checksum holds, wherever it stands.  Events keep their numbers, bytes, log times and senders.  A number that is
 * nowhere becomes an event.lost of the daemon's own, so that numbers stay dense and every reader learns what is gone.  The new
 * store begins a new epoch: clients whose cursors lie beyond its end are told.
 */
#ifndef REPAIR_H
#define REPAIR_H

#include <stddef.h>
#include <stdint.h>

struct repair_outcome {
	uint64_t first, last, saved, lost;
	uint64_t masked;		/* of the saved: events whose personal data has lost its key */
};

/* `to` must not exist.  0, or -1 with a sentence in `why`. */
int	repair_store(const char *from, const char *to, struct repair_outcome *, char *why, size_t why_len);

#endif
