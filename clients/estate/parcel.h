/*
 * Parcels: what estate put has read and not yet seen answered.  A parcel is one put: a line or a batch of them, with the packed
 * bytes, so that the rest of a refused batch can go again.
 */
#ifndef PARCEL_H
#define PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "estate.h"
#include "bounds.h"

struct item {
	uint64_t line;
	char id[ID_CHARS_MAX + 1];	/* for messages; empty if there is none, cut if too long */
};

struct parcel {
	uint32_t number;		/* in the pool: the cookie */
	bool used;
	uint32_t count, room;
	struct item *items;
	struct estate_bytes *events;	/* lens; the places are filled in by parcel_events() */
	struct buffer bytes;		/* all events one after the other */
	struct parcel *next;		/* among the free, or among the waiting */
};

struct parcels {
	struct parcel **all;
	uint32_t count, room;
	struct parcel *free;
	struct parcel *waiting, **waiting_end;	/* to be sent again, in order */
	uint32_t used;
};

void	parcels_init(struct parcels *);
void	parcels_fini(struct parcels *);

/* An empty parcel, in use until parcels_release(). */
struct parcel	*parcels_take(struct parcels *);
void		 parcels_release(struct parcels *, struct parcel *);

/* The parcel of a cookie. */
struct parcel	*parcels_at(const struct parcels *, uint64_t cookie);

/* Add one event to a parcel. */
void	parcel_add(struct parcel *, const struct item *, const void *bytes, size_t len);

/* Its events as estate_put_batch() wants them; valid until the next parcel_add(). */
struct estate_bytes	*parcel_events(struct parcel *);

/*
 * A parcel was refused because of its event `bad`: the others wait to go again together.  If which one was not told (bad < 0),
 * each waits to go alone, and is told by itself.  The parcel is released.
 */
void	parcels_refused(struct parcels *, struct parcel *, int64_t bad);

/* The first of the waiting, which stays there until it was sent; or NULL. */
struct parcel	*parcels_waiting(const struct parcels *);
void		 parcels_sent(struct parcels *, struct parcel *);

/* The lowest line of all parcels in use; 0 if there is none.  How many lines they hold. */
uint64_t	parcels_first_line(const struct parcels *);
uint64_t	parcels_lines(const struct parcels *);

#endif
