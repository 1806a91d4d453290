#include "trimmed.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "files.h"
#include "levers.h"
#include "sumtext.h"

#define HEAD		"trimmed: "
#define VERSION		1
#define NEWER		"of a newer release: install it"
#define LINE_BYTES	64u
#define TEXT_MAX	((MONTHS_MAX + 3) * LINE_BYTES)

char *
trimmed_text(const struct trimmed *t, const struct identity *id, size_t *len)
{
	size_t room = (t->key_count + 3) * LINE_BYTES, n;
	char *text = must_alloc(room);

	n = (size_t)snprintf(text, room, HEAD "%d\nthrough %s %" PRIu64 "\n", VERSION, t->through, t->last);
	for (unsigned i = 0; i < t->key_count; i++)
		n += (size_t)snprintf(text + n, room - n, "keys %s %" PRIu64 " %" PRIu64 "\n", t->keys[i].name, t->keys[i].last,
		    t->keys[i].log_time);
	*len = sumtext_seal(text, n, id->secret);
	return (text);
}

static const char *
parse(struct trimmed *t, char *text, const struct identity *id)
{
	char *end = sumtext_end(text, id->secret), *line;
	int version;

	if (sscanf(text, HEAD "%d\n", &version) != 1)
		return ("damaged");
	if (version > VERSION)
		return (NEWER);
	if (end == NULL || (line = strchr(text, '\n')) == NULL ||
	    sscanf(line + 1, "through %7s %" SCNu64 "\n", t->through, &t->last) != 2)
		return ("damaged");
	for (line = strchr(line + 1, '\n') + 1; line < end; line = strchr(line, '\n') + 1) {
		struct trimmed_month *m = &t->keys[t->key_count];

		if (t->key_count == MONTHS_MAX || sscanf(line, "keys %7s %" SCNu64 " %" SCNu64 "\n", m->name, &m->last, &m->log_time) != 3)
			return ("damaged");
		t->key_count++;
	}
	return (NULL);
}

int
trimmed_read(struct trimmed *t, const char *folder, const struct identity *id, char *why, size_t why_len)
{
	const char *problem;
	char *text;

	memset(t, 0, sizeof(*t));
	if ((text = sumtext_read(folder, TRIMMED_FILE, TEXT_MAX)) == NULL) {
		if (errno == ENOENT)
			return (0);
		snprintf(why, why_len, "cannot read %s/" TRIMMED_FILE ": %s", folder, strerror(errno));
		return (-1);
	}
	problem = parse(t, text, id);
	free(text);
	if (problem == NULL)
		return (0);
	snprintf(why, why_len, "%s/" TRIMMED_FILE " is %s%s", folder, problem, strcmp(problem, NEWER) == 0 ? "" :
	    ": restore it from a backup, or run estate repair");
	return (-1);
}

/* The plain files of a month, and its folder. */
static int
remove_month(const char *folder)
{
	char path[4096];
	struct dirent *d;
	DIR *dir;
	int e = 0;

	if ((dir = opendir(folder)) == NULL)
		return (errno == ENOENT ? 0 : errno);
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 && unlink(path_join(path, sizeof(path), folder, d->d_name)) != 0)
			e = errno;
	closedir(dir);
	lever_reach("after-trim-unlink");
	return (e == 0 && rmdir(folder) != 0 ? errno : e);
}

int
trimmed_finish(const char *folder, const char *through)
{
	char months[4096], path[4096], names[MONTHS_MAX][MONTH_NAME];
	bool changed = false;
	int count, e;

	path_join(months, sizeof(months), folder, "months");
	if ((count = month_list(months, names)) < 0)
		return (errno == ENOENT ? 0 : errno);
	for (int i = 0; i < count && strcmp(names[i], through) <= 0; i++) {
		if ((e = remove_month(path_join(path, sizeof(path), months, names[i]))) != 0)
			return (e);
		changed = true;
	}
	return (changed ? folder_sync(months) : 0);
}
