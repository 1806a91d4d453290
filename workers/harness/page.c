/* The page of figures for Prometheus, as a file: a worker opens no port, and a scrape never waits for one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "live_internal.h"
#include "log.h"

/* At once and whole: by another name first.  It is not flushed: after a power cut there is a new one. */
static int
replace(const char *path, const struct buffer *b)
{
	char aside[4096];
	FILE *f;
	bool wrote;

	if ((size_t)snprintf(aside, sizeof(aside), "%s.new", path) >= sizeof(aside)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if ((f = fopen(aside, "we")) == NULL)
		return (-1);
	wrote = fwrite(b->data, 1, b->len, f) == b->len;
	if (fclose(f) != 0 || !wrote)
		return (-1);
	return (rename(aside, path));
}

void
live_page(struct live *l)
{
	struct buffer b = { NULL, 0, 0 };
	int64_t now = live_now_ms();

	if (l->o->metrics == NULL || now < l->page_ms + TELL_MS)
		return;
	l->page_ms = now;
	state_begin(l->state);
	figures_page(&l->worker, &b);
	state_abort(l->state);
	if (replace(l->o->metrics, &b) == 0)
		l->page_failed = false;
	else if (!l->page_failed) {
		log_warn("the page of metrics cannot be written; it is tried again", "worker=%s file=%s error=\"%s\"", l->kind->name, l->o->metrics,
		    strerror(errno));
		l->page_failed = true;
	}
	buffer_free(&b);
}

void
live_page_end(const struct live *l)
{
	/* What stands there would go on saying how it was. */
	if (l->o->metrics != NULL)
		unlink(l->o->metrics);
}
