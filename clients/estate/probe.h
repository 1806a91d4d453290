/*
 * Probes: valid probe.recorded events of an exact size, made so fast that a benchmark measures the daemon and not us.  Their text
 * does not compress, and their ids begin with the time, as ids should.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include <stdint.h>

struct probe {
	uint8_t *bytes;			/* the event: stays in place, changes with each probe_next() */
	size_t len;
	size_t id_at, n_at, text_at, text_len;
	uint64_t counter, random;
};

#define PROBE_BYTES_MIN	170u

/* Prepare events of `size` bytes, PROBE_BYTES_MIN to EVENT_BYTES_MAX, for connection `connection`.  0, or -1 without memory. */
int	probe_init(struct probe *, size_t size, unsigned connection);
void	probe_fini(struct probe *);

/* Make the next one in p->bytes, dated `ms` since 1970. */
void	probe_next(struct probe *, uint64_t ms);

#endif
