/* What was told last, over runs: see alarm.h. */
#include "alarm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

void
memory_read(struct memory *m, const char *path)
{
	FILE *f = fopen(path, "re");

	*m = (struct memory){ false, 0 };
	if (f == NULL)
		return;
	m->trouble = fscanf(f, "told %" SCNd64, &m->told_s) == 1;
	fclose(f);
}

bool
memory_write(const struct memory *m, const char *path)
{
	char aside[4096];
	FILE *f;
	bool fine;

	if (!m->trouble)
		return (unlink(path) == 0 || errno == ENOENT);
	if ((size_t)snprintf(aside, sizeof(aside), "%s.new", path) >= sizeof(aside)) {
		errno = ENAMETOOLONG;
		return (false);
	}
	if ((f = fopen(aside, "we")) == NULL)
		return (false);
	fine = fprintf(f, "told %" PRId64 "\n", m->told_s) > 0;
	fine = fclose(f) == 0 && fine;
	return (fine && rename(aside, path) == 0);
}
