/*
 * One event: a CloudEvents 1.0 envelope as a msgpack map (PROTOCOL.md section 4), read in place.
 *
 * A struct event lends everything from the bytes it was decoded from and owns nothing: it is valid while they are, and may be
 * copied freely.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "errcode.h"
#include "mp.h"

/* A lent string, not terminated; s is NULL when the attribute is absent. */
struct text {
	const char *s;
	uint32_t len;
};

/* What the daemon noticed at the door, stored beside the event and told to readers. */
enum event_flag {
	EVENT_TIME_IMPLAUSIBLE = 1,	/* count from log time */
	EVENT_UNKNOWN_FIELDS = 2,	/* fields or attributes the catalogue does not know */
	EVENT_SEALED = 4		/* personal fields are ciphertext (seal.h); in a delivery: they are masked in this copy */
};
#define EVENT_FLAGS_KNOWN	7u

/* What stands in the place of a personal field for who may not see it, and for everybody once its key is erased. */
#define SEAL_MASK	"***"
#define SEAL_ERASED	"(erased)"

struct event {
	const uint8_t *bytes;
	uint32_t len;
	struct text id, source, type, subject;
	struct text site, causation, correlation, urgency;
	uint64_t hops;			/* derived events in a row up to this one; 0: it came from outside */
	bool has_time;
	int64_t time_ns;		/* since 1970; valid if has_time */
	struct mp data;			/* the data map, an empty cursor if there is none */
	const struct type *kind;	/* NULL after event_peek() of a type this release doesn't know */
	unsigned unknown;		/* attributes and fields the catalogue does not know */
	struct data_fault odd;		/* the first of them, if unknown > 0: path and detail */
	unsigned personal;		/* personal fields, after event_decode() only … */
	struct span spans[PERSONAL_FIELDS_MAX];	/* … and where their values lie */
};

/*
 * Decode untrusted bytes: exactly one well-formed map within the bounds of bounds.h, an envelope as PROTOCOL.md says and data as
 * the catalogue says.  Returns 0, or an error code with path and detail in *fault.  Allocates nothing.
 */
int	event_decode(struct event *, const void *bytes, size_t len, struct data_fault *fault);

/* The same attributes from bytes that passed event_decode() once: nothing is validated again, an old event stays readable under
 * a newer catalogue.  False if the bytes are no map at all. */
bool	event_peek(struct event *, const void *bytes, size_t len);

/* The household that the event's data names; s is NULL if it names none. */
struct text	event_named_household(const struct event *);

/* Has its data a field that the catalogue marks as personal, whatever stands in it now? */
bool	event_holds_personal(const struct event *);

/* Is this text an id: 1..64 characters of [A-Za-z0-9._:/-]? */
bool	id_valid(const char *, size_t len);

/*
 * The identity of an event as the key index stores it: 8 bytes that sort as the id does (its first 11 characters in base 42,
 * letters without case, so that ids that begin with the time land side by side in the index), then 8 bytes of a hash of site,
 * source and id under the log's secret.
 */
#define EVENT_KEY_BYTES	16
void	event_key(const struct event *, uint64_t secret, uint8_t key[EVENT_KEY_BYTES]);

/* 48 bits of a hash of the event's bytes: tells a retry from another event under the same identity. */
uint64_t	event_digest(const struct event *, uint64_t secret);

#endif
