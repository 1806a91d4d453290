/* What vault.c (the index) and vault_slots.c (the keys) share. */
#ifndef VAULT_INTERNAL_H
#define VAULT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vault.h"

/* The file of keys, mapped: its pages are the page cache's, not ours. */
struct slots {
	char *path, *folder;
	const struct identity *identity;
	pthread_mutex_t lock;
	int fd;
	uint8_t *map;
	size_t map_bytes;
	_Atomic uint64_t made;		/* slots in the file */
};

/* The file in the data folder.  0, or -1 with a sentence in `why`.  Behind slot `used`, what is not whole at the end is what a cut left: made again. */
int	slots_open(struct slots *, const char *folder, const struct identity *, bool create, bool readonly, uint64_t used, char *why,
	    size_t why_len);
void	slots_close(struct slots *);

/* More keys at the end, flushed.  0 or errno. */
int	slots_extend(struct slots *);

enum vault_answer slots_read(struct slots *, uint64_t slot, uint8_t key[32]);

/* These slots are gone for good when it returns 0; else an errno. */
int	slots_erase(struct slots *, const uint64_t *slot, size_t count);

/* Copy the file into another folder, flushed.  0 or errno. */
int	slots_copy(struct slots *, const char *folder, uint64_t *bytes);

#endif
