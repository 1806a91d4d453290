/* What journal.c and journal_read.c share. */
#ifndef JOURNAL_INTERNAL_H
#define JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define SEGMENT_MAGIC	"ESTATEWJ"
#define SEGMENT_VERSION	1u
#define RECORD_MAGIC	0x31525745u	/* "EWR1" */

/* More spares than any setting of segments_max. */
#define SPARES_MAX	64u

struct segment {
	uint64_t number;
	uint64_t nonce;
	uint64_t last_seq;	/* of its last record, 0 while empty */
	size_t used;
	int fd;
	bool direct;		/* O_DIRECT and O_DSYNC */
	STAILQ_ENTRY(segment) link;
};

struct journal {
	char *folder;
	const struct identity *identity;
	size_t segment_bytes;
	unsigned segments_max;
	pthread_mutex_t lock;		/* everything below; current's content is the writer's alone */
	struct segment *current, *next;
	STAILQ_HEAD(, segment) retired;	/* full, waiting for LMDB */
	unsigned live;			/* current, next and retired */
	uint64_t next_number;
	uint64_t spares[SPARES_MAX];	/* numbers of the .old files */
	unsigned spare_count;
};

char	*segment_path(char *out, size_t size, const struct journal *, uint64_t number, const char *suffix);

#endif
