/*
 * page: what is printed on paper.  One HTML file, A4, in the fonts that Debian's fonts-noto-cjk brings, nothing from a network; a browser's
 * print makes the sheets.  Text goes through page_text(): nothing that somebody said becomes markup.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/* Up to the body; `style` is CSS of the page's own, behind that of all. */
void	page_begin(struct buffer *, const char *title, bool zh, const char *style);
void	page_end(struct buffer *);

/* Append text, clean and escaped. */
void	page_text(struct buffer *, const char *, size_t len);

/* The same of what was gathered in a buffer, which is empty afterwards. */
void	page_move(struct buffer *, struct buffer *text);

#endif
