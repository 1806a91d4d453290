/* Lines from a file or a pipe: see lines.h. */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"

#define READ_BYTES	(256u << 10)

void
lines_init(struct lines *l, int fd)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
}

void
lines_free(struct lines *l)
{
	free(l->buf);
	l->buf = NULL;
}

/* Take `len` bytes off the front, and the newline if there is one. */
static void
consume(struct lines *l, size_t len)
{
	l->from += len;
	l->len -= len;
	l->looked = 0;
	l->number++;
}

enum lines_result
lines_next(struct lines *l, const char **line, size_t *len)
{
	char *at = l->buf + l->from, *newline = NULL;
	bool too_long = l->skipping;

	if (l->len > l->looked)
		newline = memchr(at + l->looked, '\n', l->len - l->looked);
	l->looked = l->len;
	if (newline == NULL && !l->eof) {
		if (l->len > LINE_BYTES_MAX) {
			l->from = l->len = l->looked = 0;
			l->skipping = true;
		}
		return (LINES_WAIT);
	}
	if (newline == NULL && l->len == 0 && !l->skipping)
		return (LINES_END);
	*line = at;
	*len = newline != NULL ? (size_t)(newline - at) : l->len;
	consume(l, *len + (newline != NULL));
	l->skipping = false;
	return (too_long || *len > LINE_BYTES_MAX ? LINES_LONG : LINES_ONE);
}

int
lines_fill(struct lines *l)
{
	ssize_t n;

	if (l->from > 0 && (l->len == 0 || l->from + l->len + READ_BYTES > l->size)) {
		memmove(l->buf, l->buf + l->from, l->len);
		l->from = 0;
	}
	if (l->from + l->len + READ_BYTES > l->size) {
		l->size = l->from + l->len + 2 * READ_BYTES;
		l->buf = alloc_or_exit(l->buf, l->size);
	}
	n = read(l->fd, l->buf + l->from + l->len, READ_BYTES);
	if (n < 0)
		return (errno == EINTR || errno == EAGAIN ? 0 : -1);
	l->eof = n == 0;
	l->len += (size_t)n;
	return (0);
}
