/* A growing piece of text.  A command that runs out of memory says so and ends: nothing here returns an error. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

struct buffer {
	char *data;		/* always terminated once something was added */
	size_t len, size;
};

void	buffer_add(struct buffer *, const void *, size_t);
void	buffer_text(struct buffer *, const char *);
void	buffer_printf(struct buffer *, const char *, ...) __attribute__((format(printf, 2, 3)));
void	buffer_fill(struct buffer *, char, size_t count);
/* Empty it and keep its memory. */
void	buffer_clear(struct buffer *);
void	buffer_free(struct buffer *);

/* malloc and realloc that end the command instead of returning NULL. */
void	*alloc_or_exit(void *, size_t);

#endif
