/*
 * window: the puts that nobody answered yet, in two rings that are allocated once and grow never or seldom: one of slots, one of
 * bytes.  It knows nothing of sockets.
 *
 * Puts are numbered; head <= next <= tail:
 *
 *	   head            next            tail
 *	    | sent, maybe   | not sent,     | free
 *	    | answered      | or to be sent |
 *	    | out of order  | again         |
 *
 * In the byte ring each event stands as it will travel: a msgpack bin, header first.  So the body of a message is one copy of a
 * stretch of the ring, whatever the number of events in it.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot {
	uint64_t at;		/* where its bytes begin: an ever-growing offset, modulo the ring's size */
	uint64_t cookie;
	uint32_t len;		/* bytes in the ring, bin headers included */
	uint16_t count;		/* events */
	bool batch;		/* all or nothing: travels in a message of its own */
	bool answered;
};

/* A message on its way: its bytes count against the credit until the last of its puts is answered. */
struct frame {
	uint64_t first, last;
	uint32_t bytes;
};

struct window {
	struct slot *slots;
	struct frame *frames;		/* as many as slots: a frame holds a put at least */
	size_t mask;			/* of both */
	size_t limit;			/* puts taken at once: at most mask + 1 */
	uint64_t head, next, tail;	/* put numbers */
	uint64_t frame_head, frame_tail;
	size_t on_the_way;		/* bytes of all frames */
	size_t open;			/* puts not answered */
	uint8_t *ring;
	size_t ring_size;		/* a power of two, or 0 */
	uint64_t at_head, at_tail;	/* the bytes from head to tail */
};

/* Room for `limit` puts.  0, or -1 without memory. */
int	es_window_init(struct window *, size_t limit);
void	es_window_fini(struct window *);

/* Bytes held. */
static inline size_t
es_window_held(const struct window *w)
{
	return ((size_t)(w->at_tail - w->at_head));
}

static inline struct slot *
es_window_slot(const struct window *w, uint64_t number)
{
	return (&w->slots[number & w->mask]);
}

/* Make room for `len` more bytes in the ring, growing it if need be.  0, or -1 without memory. */
int	es_window_reserve(struct window *, size_t len);

/* Append one event's bytes, after es_window_reserve(len + WINDOW_BIN_HEADER_MAX); several make one put. */
#define WINDOW_BIN_HEADER_MAX	5u
void	es_window_add_event(struct window *, const void *bytes, uint32_t len);

/* Close the put whose bytes were appended last: returns its number. */
uint64_t	es_window_add_put(struct window *, uint64_t at, uint16_t count, bool batch, uint64_t cookie);

/* Copy `len` bytes of the ring from offset `at` on. */
void	es_window_copy(const struct window *, uint64_t at, void *to, size_t len);

/*
 * The next stretch that fits one message of `bytes_max` body bytes: consecutive unanswered single puts, or one batch, from `next`
 * on.  Returns its number of puts, 0 if there is nothing to send or the first does not fit, with its body's place and length.
 */
uint32_t	es_window_stretch(struct window *, size_t bytes_max, uint32_t puts_max, uint64_t *at, size_t *len);

/* The stretch of `puts` puts left in a message of `bytes` bytes. */
void	es_window_sent(struct window *, uint32_t puts, size_t bytes);

/* Put `number` was answered: true if it was open until now.  What it held is free when all before it are answered too. */
bool	es_window_answered(struct window *, uint64_t number);

/* Send again from put `from` on: what left in frames since then is forgotten. */
void	es_window_rewind(struct window *, uint64_t from);

#endif
