/* The outbox's file as it lies on the disk: for outbox_file.c and outbox_scan.c only. */
#ifndef LIBESTATE_BOX_DISK_H
#define LIBESTATE_BOX_DISK_H

#include <sys/types.h>

#include "box.h"

#define HEAD_MAGIC	0x31786f6274736533ull
#define FRAME_MAGIC	0x786f6266u

/* Both on the disk, little-endian, without gaps. */
struct disk_head {
	uint64_t magic;
	uint32_t format, zero;
	uint64_t generation, next, base;
	uint64_t sum;
};

struct disk_frame {
	uint32_t magic, kind, len, zero;
	uint64_t entry;
	uint64_t ms;
	uint64_t other;
	uint64_t flushed;
	uint64_t sum;			/* of what is above, then of the payload */
};

_Static_assert(sizeof(struct disk_head) == BOX_HEAD_BYTES && sizeof(struct disk_frame) == BOX_FRAME_BYTES, "the disk's layout");

/* All of it, or ESTATE_SYSTEM. */
int	es_box_write_at(int fd, const void *, size_t len, uint64_t at);
/* Up to `len` bytes: how many, or -1. */
ssize_t	es_box_read_at(int fd, void *, size_t len, uint64_t at);

/* The frame at `at` in `have` bytes, if it is whole and true. */
bool	es_box_frame_check(const struct box_file *, const uint8_t *bytes, size_t have, uint64_t at, struct disk_frame *);
void	es_box_frame_tell(const struct disk_frame *, struct frame_told *);

#endif
