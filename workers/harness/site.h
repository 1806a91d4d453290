/* site: what workers of one estate share of configuration: its calendar and its roster, as configure() receives them. */
#ifndef SITE_H
#define SITE_H

#include <stddef.h>

#include "calendar.h"
#include "roster.h"

/*
 * The text of kind calendar or roster is in force from now on, or none if it is NULL: *calendar or *roster is replaced and the former one
 * freed.  0, or -1 with a sentence in `why`; then nothing changed.  Another kind is the caller's own mistake.
 */
int	site_configure(struct calendar **, struct roster **, const char *kind, const char *text, char *why, size_t why_size);

#endif
