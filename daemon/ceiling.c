#include "ceiling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "batch.h"
#include "bytes.h"
#include "files.h"
#include "levers.h"

#define FILE_NAME	"ceiling"
#define MAGIC		0x316c696563747365ull	/* "estceil1" */
#define SLOT_BYTES	4096
#define RECORD_BYTES	32

/* Raised by this much more than was asked, so that a burst of timers costs one flush.  It is also how far log time may skip ahead at a
 * start after a crash. */
#define CEILING_AHEAD_NS	100000000ull

struct ceiling {
	char *folder;
	struct identity identity;
	int fd;			/* -1: there was no room for the file yet */
	unsigned next;		/* the slot to be written */
	uint64_t time;
};

enum slot { SLOT_EMPTY, SLOT_HELD, SLOT_BAD };

static enum slot
read_slot(const uint8_t *p, const struct identity *id, uint64_t *time)
{
	static const uint8_t zeros[RECORD_BYTES];

	*time = 0;
	if (memcmp(p, zeros, sizeof(zeros)) == 0)
		return (SLOT_EMPTY);
	if (get_le64(p) != MAGIC || get_le64(p + 24) != XXH3_64bits_withSeed(p, 24, id->secret))
		return (SLOT_BAD);
	/* Another epoch's numbers are another log's: nothing of it was told in this one. */
	if (get_le64(p + 8) == id->epoch)
		*time = get_le64(p + 16);
	return (SLOT_HELD);
}

/* Both slots: the greatest time, and the slot to be written next.  False if neither can be believed. */
static bool
read_slots(int fd, const struct identity *id, uint64_t *time, unsigned *next, int *e)
{
	uint8_t bytes[2][RECORD_BYTES];
	uint64_t times[2];
	enum slot slots[2];

	*e = 0;
	for (unsigned i = 0; i < 2; i++) {
		ssize_t n = pread(fd, bytes[i], RECORD_BYTES, i * SLOT_BYTES);

		if (n < 0) {
			*e = errno;
			return (false);
		}
		slots[i] = n == RECORD_BYTES ? read_slot(bytes[i], id, &times[i]) : (times[i] = 0, SLOT_BAD);
	}
	*next = slots[1] == SLOT_BAD || (slots[0] == SLOT_HELD && times[0] >= times[1]);
	*time = times[0] > times[1] ? times[0] : times[1];
	return (slots[0] == SLOT_BAD ? slots[1] == SLOT_HELD || slots[1] == SLOT_EMPTY : true);
}

static int
open_file(const char *folder, const struct identity *id, int flags, uint64_t *time, unsigned *next, int *fd, char *why, size_t why_len)
{
	char path[4096];
	int e;

	*time = 0;
	*next = 0;
	path_join(path, sizeof(path), folder, FILE_NAME);
	if ((*fd = open(path, flags | O_CLOEXEC)) < 0) {
		if (errno == ENOENT)
			return (0);
		snprintf(why, why_len, "cannot open %s: %s", path, strerror(errno));
		return (-1);
	}
	if (read_slots(*fd, id, time, next, &e))
		return (0);
	close(*fd);
	*fd = -1;
	if (e != 0)
		snprintf(why, why_len, "cannot read %s: %s", path, strerror(e));
	else
		snprintf(why, why_len, "%s is damaged: what time it is in the log is not known; restore a backup, or estate repair to a new "
		    "folder", path);
	return (-1);
}

int
ceiling_read(const char *folder, const struct identity *id, uint64_t *log_time, char *why, size_t why_len)
{
	unsigned next;
	int fd;

	if (open_file(folder, id, O_RDONLY, log_time, &next, &fd, why, why_len) != 0)
		return (-1);
	if (fd >= 0)
		close(fd);
	return (0);
}

/* The whole file, of zeros, so that no later write needs room. */
static int
make_file(struct ceiling *c)
{
	static const uint8_t zeros[2 * SLOT_BYTES];
	char path[4096];
	int e;

	if ((e = file_replace(c->folder, FILE_NAME, zeros, sizeof(zeros))) != 0)
		return (e);
	c->next = 0;
	c->fd = open(path_join(path, sizeof(path), c->folder, FILE_NAME), O_RDWR | O_DSYNC | O_CLOEXEC);
	return (c->fd < 0 ? errno : 0);
}

struct ceiling *
ceiling_open(const char *folder, const struct identity *id, char *why, size_t why_len)
{
	struct ceiling *c = must_alloc(sizeof(*c));
	int e;

	c->folder = must_strdup(folder);
	c->identity = *id;
	if (open_file(folder, id, O_RDWR | O_DSYNC, &c->time, &c->next, &c->fd, why, why_len) != 0) {
		ceiling_close(c);
		return (NULL);
	}
	/* A full disk is no reason not to start: then there is no telling until there is room. */
	if (c->fd < 0 && (e = make_file(c)) != 0 && e != ENOSPC && e != EDQUOT) {
		snprintf(why, why_len, "cannot make %s/%s: %s", folder, FILE_NAME, strerror(e));
		ceiling_close(c);
		return (NULL);
	}
	return (c);
}

void
ceiling_close(struct ceiling *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c->folder);
	free(c);
}

uint64_t
ceiling_time(const struct ceiling *c)
{
	return (c->time);
}

int
ceiling_raise(struct ceiling *c, uint64_t log_time)
{
	uint8_t record[RECORD_BYTES];
	int e;

	if (log_time <= c->time)
		return (0);
	if (c->fd < 0 && (e = make_file(c)) != 0)
		return (e);
	put_le64(record, MAGIC);
	put_le64(record + 8, c->identity.epoch);
	put_le64(record + 16, log_time + CEILING_AHEAD_NS);
	put_le64(record + 24, XXH3_64bits_withSeed(record, 24, c->identity.secret));
	lever_reach("before-ceiling");
	if ((e = write_all(c->fd, record, sizeof(record), c->next * SLOT_BYTES)) != 0)
		return (e);
	lever_reach("after-ceiling");
	c->next = !c->next;
	c->time = log_time + CEILING_AHEAD_NS;
	return (0);
}
