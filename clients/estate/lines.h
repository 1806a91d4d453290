/* Lines from a file or a pipe, without ever waiting: what is there is taken, so that answers can be read meanwhile. */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_BYTES_MAX	(2u << 20)

struct lines {
	int fd;
	char *buf;
	size_t size, from, len;		/* what is buffered: len bytes from `from` */
	size_t looked;			/* of these, known to hold no newline */
	bool skipping;			/* within a line that is too long */
	bool eof;
	uint64_t number;		/* of the line taken last, from 1 */
};

/* Read from fd, which stays the caller's. */
void	lines_init(struct lines *, int fd);
void	lines_free(struct lines *);

enum lines_result {
	LINES_ONE,	/* *line, *len: without its newline, valid until the next call */
	LINES_WAIT,	/* nothing whole yet: wait until fd is readable, then lines_fill() */
	LINES_LONG,	/* a line above LINE_BYTES_MAX was skipped; it is counted */
	LINES_END
};
enum lines_result	lines_next(struct lines *, const char **line, size_t *len);

/* Read once what is there, when fd is readable.  0, or -1 with errno. */
int	lines_fill(struct lines *);

#endif
