/*
 * seal: personal fields of one event as ciphertext, and back.
 *
 * A field that the catalogue marks as personal is stored as an ext value of type SEAL_EXT in the place of its own:
 *
 *   0  u8      version (1)
 *   1  u64     the key's slot in the vault, big-endian as the next
 *   9  u64     digest of the event as it was put: the key index can be made again although the bytes have changed
 *  17  u8[24]  nonce
 *  41          XChaCha20-Poly1305 of the value's own bytes, 16 more than they are; bound to the event's number
 *
 * The rest of the event stays as it was put.  A reader with the right gets the bytes that were put, spliced back; everybody else a
 * mask.  Once the key is erased nobody gets anything else, from the log, an archive or a backup of it.
 *
 * A change of this format gets a new version number; every older one stays readable.
 */
#ifndef SEAL_H
#define SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "event.h"

struct vault;

#define SEAL_EXT	1
#define SEAL_KEY_BYTES	32u
/* What one sealed field adds to an event at most: ext header, head, tag. */
#define SEAL_OVERHEAD	(6u + 41u + 16u)

/* Whose the event's personal data is: the household its data names, else its subject, else nobody's in particular ("").  Lent. */
struct text	seal_person(const struct event *);

/*
 * Write the event with its spans sealed to `out`, which has room for its length and SEAL_OVERHEAD a span; returns the length.
 * Spans lie within the bytes, in order.
 */
size_t		seal_event(uint8_t *out, const uint8_t *bytes, size_t len, const struct span *, unsigned count, uint64_t slot,
		    const uint8_t key[SEAL_KEY_BYTES], uint64_t digest, uint64_t seq);

/* One sealed field of stored bytes. */
struct sealed {
	struct span value;		/* the whole ext value */
	uint64_t slot, digest;
	const uint8_t *nonce, *cipher;
	size_t cipher_len;
};

/* The sealed fields of an event that event_peek() has read; returns how many, at most PERSONAL_FIELDS_MAX. */
unsigned	seal_fields(const struct event *, struct sealed out[PERSONAL_FIELDS_MAX]);

/* Room that is used again for one event after another; zeroed at first, freed with free(room.bytes). */
struct seal_room {
	uint8_t *bytes;
	size_t size;
};

/*
 * A stored record that is flagged EVENT_SEALED as its reader may see it: its bytes and length now lie in the room, until that is used
 * again.  With `open` the fields are spliced back and the flag is taken off; a field whose key is erased is SEAL_ERASED, one that
 * cannot be opened otherwise (damage) SEAL_MASK, and the flag stays.
 */
void		seal_show(struct vault *, bool open, struct seal_room *, struct record *, uint64_t seq);

/* Can it be opened, or was its key erased?  Else the stored bytes or the vault are damaged. */
bool		seal_sound(struct vault *, const struct record *, uint64_t seq);

#endif
