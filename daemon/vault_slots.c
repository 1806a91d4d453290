/* The vault's keys: a file of slots, read through a map, extended at its end, rewritten whole when keys are erased. */
#include "vault_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "bytes.h"
#include "files.h"
#include "identity.h"
#include "levers.h"

#define HEADER_BYTES	4096u
#define SLOT_BYTES	64u
#define MAGIC		"ESTATEVT"
#define VERSION		1u

/* Keys made at once: a flush for a thousand new cases. */
#define EXTEND_SLOTS	1024u

enum { STATE_KEY = 1, STATE_ERASED = 2 };

static size_t
offset_of(uint64_t slot)
{
	return (HEADER_BYTES + (size_t)slot * SLOT_BYTES);
}

static uint64_t
slot_sum(const struct slots *s, const uint8_t *bytes, uint64_t slot)
{
	return (XXH3_64bits_withSeed(bytes, 40, s->identity->secret + slot));
}

static void
slot_finish(const struct slots *s, uint8_t *bytes, uint64_t slot, uint8_t state)
{
	bytes[0] = state;
	put_le64(bytes + 40, slot_sum(s, bytes, slot));
}

static bool
slot_whole(const struct slots *s, const uint8_t *bytes, uint64_t slot)
{
	return ((bytes[0] == STATE_KEY || bytes[0] == STATE_ERASED) && get_le64(bytes + 40) == slot_sum(s, bytes, slot));
}

static void
put_header(const struct slots *s, uint8_t h[HEADER_BYTES])
{
	memset(h, 0, HEADER_BYTES);
	memcpy(h, MAGIC, 8);
	put_le32(h + 8, VERSION);
	memcpy(h + 16, s->identity->uuid, 16);
	put_le64(h + 32, XXH3_64bits(h, 32));
}

static const char *
header_problem(const struct slots *s, const uint8_t *h)
{
	if (memcmp(h, MAGIC, 8) != 0 || get_le64(h + 32) != XXH3_64bits(h, 32))
		return ("has lost its header: damaged; restore the vault from a backup");
	if (get_le32(h + 8) != VERSION)
		return ("was written by a newer release: install it");
	if (memcmp(h + 16, s->identity->uuid, 16) != 0)
		return ("belongs to another log");
	return (NULL);
}

/* Map the file as it is now.  Lock held, or nobody else there.  0 or errno. */
static int
remap(struct slots *s)
{
	struct stat st;
	uint8_t *map;

	if (fstat(s->fd, &st) != 0)
		return (errno);
	if (st.st_size == 0)
		return (0);
	if ((map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, s->fd, 0)) == MAP_FAILED)
		return (errno);
	madvise(map, (size_t)st.st_size, MADV_DONTDUMP);
	if (s->map != NULL)
		munmap(s->map, s->map_bytes);
	s->map = map;
	s->map_bytes = (size_t)st.st_size;
	return (0);
}

/* An empty file, whole or not at all.  0 or errno. */
static int
make_file(const struct slots *s)
{
	uint8_t h[HEADER_BYTES];

	put_header(s, h);
	return (file_replace(s->folder, VAULT_FILE, h, sizeof(h)));
}

/*
 * How many slots of the file count: all up to the last whole one, and to `used`.  While the index is made again `used` is 0: a damaged
 * slot before whole ones must not be taken for the end, or the keys behind it would be written over.
 */
static uint64_t
count_made(const struct slots *s, uint64_t used)
{
	uint64_t n = (s->map_bytes - HEADER_BYTES) / SLOT_BYTES;

	while (n > used && !slot_whole(s, s->map + offset_of(n - 1), n - 1))
		n--;
	return (n);
}

int
slots_open(struct slots *s, const char *folder, const struct identity *id, bool create, bool readonly, uint64_t used, char *why,
    size_t why_len)
{
	const char *problem = NULL;
	char path[4096];
	int e = 0;

	s->fd = -1;
	s->identity = id;
	s->folder = must_strdup(folder);
	s->path = must_strdup(path_join(path, sizeof(path), folder, VAULT_FILE));
	pthread_mutex_init(&s->lock, NULL);
	if (create && access(path, F_OK) != 0)
		e = make_file(s);
	if (e == 0 && (s->fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC)) < 0)
		e = errno;
	if (e == 0 && (e = remap(s)) == 0)
		problem = s->map_bytes < HEADER_BYTES ? "is cut short: damaged; restore the vault from a backup" : header_problem(s, s->map);
	if (e != 0 || problem != NULL) {
		snprintf(why, why_len, "%s %s%s", path, problem != NULL ? problem : "cannot be opened: ", problem != NULL ? "" : strerror(e));
		return (-1);
	}
	s->made = count_made(s, used);
	return (0);
}

void
slots_close(struct slots *s)
{
	if (s->map != NULL)
		munmap(s->map, s->map_bytes);
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s->folder);
}

static int
extend(struct slots *s)
{
	uint8_t *fresh = must_alloc(EXTEND_SLOTS * SLOT_BYTES);
	uint64_t first = s->made;
	int e;

	memset(fresh, 0, EXTEND_SLOTS * SLOT_BYTES);
	for (unsigned i = 0; i < EXTEND_SLOTS; i++) {
		randombytes_buf(fresh + i * SLOT_BYTES + 8, 32);
		slot_finish(s, fresh + i * SLOT_BYTES, first + i, STATE_KEY);
	}
	e = write_all(s->fd, fresh, EXTEND_SLOTS * SLOT_BYTES, (int64_t)offset_of(first));
	sodium_memzero(fresh, EXTEND_SLOTS * SLOT_BYTES);
	free(fresh);
	lever_reach("slots-written");
	if (e == 0 && fdatasync(s->fd) != 0)
		e = errno;
	if (e == 0 && (e = remap(s)) == 0)
		s->made = first + EXTEND_SLOTS;
	return (e);
}

int
slots_extend(struct slots *s)
{
	int e;

	pthread_mutex_lock(&s->lock);
	e = extend(s);
	pthread_mutex_unlock(&s->lock);
	return (e);
}

enum vault_answer
slots_read(struct slots *s, uint64_t slot, uint8_t key[32])
{
	enum vault_answer a = VAULT_UNKNOWN;

	pthread_mutex_lock(&s->lock);
	if (slot < s->made && slot_whole(s, s->map + offset_of(slot), slot)) {
		a = s->map[offset_of(slot)] == STATE_KEY ? VAULT_KEY : VAULT_ERASED;
		memcpy(key, s->map + offset_of(slot) + 8, 32);
	}
	pthread_mutex_unlock(&s->lock);
	return (a);
}

/* Overwrite in place, flush; then the same without them as a new file in its place.  Lock held. */
static int
erase(struct slots *s, const uint64_t *slot, size_t count)
{
	uint8_t gone[SLOT_BYTES] = { 0 };
	int e = 0;

	for (size_t i = 0; i < count && e == 0; i++) {
		slot_finish(s, gone, slot[i], STATE_ERASED);
		e = write_all(s->fd, gone, sizeof(gone), (int64_t)offset_of(slot[i]));
	}
	lever_reach("slots-overwritten");
	if (e == 0 && fdatasync(s->fd) != 0)
		e = errno;
	if (e == 0)
		e = file_replace(s->folder, VAULT_FILE, s->map, offset_of(s->made));
	lever_reach("slots-rewritten");
	if (e != 0)
		return (e);
	close(s->fd);
	if ((s->fd = open(s->path, O_RDWR | O_CLOEXEC)) < 0)
		return (errno);
	return (remap(s));
}

int
slots_erase(struct slots *s, const uint64_t *slot, size_t count)
{
	int e;

	if (count == 0)
		return (0);
	pthread_mutex_lock(&s->lock);
	e = erase(s, slot, count);
	pthread_mutex_unlock(&s->lock);
	return (e);
}

int
slots_copy(struct slots *s, const char *folder, uint64_t *bytes)
{
	int e;

	pthread_mutex_lock(&s->lock);
	*bytes += offset_of(s->made);
	e = file_replace(folder, VAULT_FILE, s->map, offset_of(s->made));
	pthread_mutex_unlock(&s->lock);
	return (e);
}
