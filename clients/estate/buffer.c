/* A growing piece of text: see buffer.h. */
#include "buffer.h"
#include "language.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *
alloc_or_exit(void *p, size_t size)
{
	if ((p = realloc(p, size)) == NULL) {
		fputs(phrase("estate: out of memory\n"), stderr);
		exit(3);
	}
	return (p);
}

static void
reserve(struct buffer *b, size_t more)
{
	if (b->len + more + 1 <= b->size)
		return;
	b->size = (b->len + more + 1) * 2;
	b->data = alloc_or_exit(b->data, b->size);
}

void
buffer_add(struct buffer *b, const void *p, size_t len)
{
	reserve(b, len);
	if (len > 0)
		memcpy(b->data + b->len, p, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buffer_text(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

void
buffer_printf(struct buffer *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	reserve(b, 64);
	va_start(ap, fmt);
	n = vsnprintf(b->data + b->len, b->size - b->len, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= b->size - b->len) {
		reserve(b, (size_t)n);
		va_start(ap, fmt);
		n = vsnprintf(b->data + b->len, b->size - b->len, fmt, ap);
		va_end(ap);
	}
	b->len += n > 0 ? (size_t)n : 0;
}

void
buffer_fill(struct buffer *b, char c, size_t count)
{
	reserve(b, count);
	memset(b->data + b->len, c, count);
	b->len += count;
	b->data[b->len] = '\0';
}

void
buffer_clear(struct buffer *b)
{
	b->len = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

void
buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ NULL, 0, 0 };
}
