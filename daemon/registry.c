#include "registry.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "event.h"
#include "files.h"
#include "levers.h"
#include "sumtext.h"

#define HEAD		"consumers: "
#define VERSION		2
#define NEWER		"of a newer release: install it"
#define NOBODY		"-"
#define LINE_MAX_BYTES	(ID_CHARS_MAX + CLIENT_NAME_SIZE + 64u)
#define TEXT_MAX	(CONSUMERS_MAX * LINE_MAX_BYTES + 128u)

enum { FLAG_PAUSED = 1, FLAG_RELEASED = 2, FLAG_MOVED = 4 };

_Static_assert(CLIENT_NAME_SIZE == 72, "as row_read() says");

struct registry {
	pthread_mutex_t lock;
	char *folder;
	uint64_t written;	/* version */
};

char *
registry_text(const struct registry_row *rows, unsigned count, const struct identity *id, size_t *len)
{
	size_t room = 128 + count * LINE_MAX_BYTES, n;
	char *text = must_alloc(room);

	n = (size_t)snprintf(text, room, HEAD "%d\n", VERSION);
	for (unsigned i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, room - n, "%s %" PRIu64 " %" PRIu64 " %d %s\n", rows[i].name, rows[i].cursor, rows[i].member,
		    (rows[i].paused ? FLAG_PAUSED : 0) | (rows[i].released ? FLAG_RELEASED : 0) | (rows[i].moved ? FLAG_MOVED : 0),
		    rows[i].owner[0] != '\0' ? rows[i].owner : NOBODY);
	*len = sumtext_seal(text, n, id->secret);
	return (text);
}

static bool
row_read(struct registry_row *row, const char *line, int version)
{
	int fields = version == 1 ? 4 : 5;
	unsigned flags;

	memset(row, 0, sizeof(*row));
	if (sscanf(line, version == 1 ? "%64s %" SCNu64 " %" SCNu64 " %u\n" : "%64s %" SCNu64 " %" SCNu64 " %u %71s\n", row->name, &row->cursor,
	    &row->member, &flags, row->owner) != fields || !id_valid(row->name, strlen(row->name)))
		return (false);
	row->paused = (flags & FLAG_PAUSED) != 0;
	row->released = (flags & FLAG_RELEASED) != 0;
	row->moved = (flags & FLAG_MOVED) != 0;
	if (strcmp(row->owner, NOBODY) == 0)
		row->owner[0] = '\0';
	return (true);
}

/* The text's lines between head and sum; NULL or what is wrong. */
static const char *
parse(char *text, const struct identity *id, struct registry_row *rows, unsigned *count)
{
	char *sum = sumtext_end(text, id->secret), *line;
	int version;

	if (sscanf(text, HEAD "%d\n", &version) != 1)
		return ("damaged");
	if (version > VERSION)
		return (NEWER);
	if (sum == NULL)
		return ("damaged");
	*count = 0;
	for (line = strchr(text, '\n') + 1; line < sum; line = strchr(line, '\n') + 1)
		if (*count == CONSUMERS_MAX || !row_read(&rows[(*count)++], line, version))
			return ("damaged");
	return (NULL);
}

int
registry_read(const char *folder, const struct identity *id, struct registry_row **rows, unsigned *count, char *why, size_t why_len)
{
	const char *problem;
	char *text;

	*rows = NULL;
	*count = 0;
	if ((text = sumtext_read(folder, REGISTRY_FILE, TEXT_MAX)) == NULL) {
		if (errno == ENOENT)
			return (0);
		snprintf(why, why_len, "cannot read %s/" REGISTRY_FILE ": %s", folder, strerror(errno));
		return (-1);
	}
	*rows = must_alloc(CONSUMERS_MAX * sizeof(**rows));
	problem = parse(text, id, *rows, count);
	free(text);
	if (problem == NULL)
		return (0);
	free(*rows);
	*rows = NULL;
	snprintf(why, why_len, "%s/" REGISTRY_FILE " is %s%s", folder, problem, strcmp(problem, NEWER) == 0 ? "" :
	    "; restore it from a backup, or move it away: then consumers begin where they say themselves, or with the first event");
	return (-1);
}

struct registry *
registry_new(const char *folder)
{
	struct registry *r = must_alloc(sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->folder = must_strdup(folder);
	r->written = 0;
	return (r);
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r->folder);
	free(r);
}

int
registry_write(struct registry *r, uint64_t version, const char *text, size_t len)
{
	int e = 0;

	pthread_mutex_lock(&r->lock);
	if (version > r->written) {
		lever_reach("before-consumers");
		if ((e = file_replace(r->folder, REGISTRY_FILE, text, len)) == 0)
			r->written = version;
		lever_reach("after-consumers");
	}
	pthread_mutex_unlock(&r->lock);
	return (e);
}
