/* A period as people write it, on the site's clock. */
#ifndef PERIOD_H
#define PERIOD_H

#include <stdbool.h>
#include <stdint.h>

/* "2026", "2026-H2", "2026-Q4", "2026-10", of the years 1970 to 2200: [from, until) in nanoseconds since 1970.  False: it is none of these. */
bool	period_span(const char *text, int64_t *from, int64_t *until);

#endif
