/* filter: which events a subscription wants.  All given conditions must hold; within one, any of its items. */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "month.h"

struct filter_list {
	char **items;
	uint64_t *hashes;	/* bloom_hash() of each; NULL if one is a pattern */
	unsigned count;		/* 0: no condition */
};

struct filter {
	struct filter_list type, subject, source, urgency;
};

/* Read one list: an array of strings, `kind` 't' for type patterns, 's' subject, 'o' source, 'u' urgency.  0, or a code with path
 * and detail.  The filter is the caller's to clear, also after a failure. */
int	filter_read(struct filter *, char kind, struct mp *, struct data_fault *);
void	filter_clear(struct filter *);

/* No condition at all? */
bool	filter_is_open(const struct filter *);
bool	filter_matches(const struct filter *, const struct event *);

/* The conditions that a block's filter can answer; returns how many of the three were set. */
unsigned filter_queries(const struct filter *, struct month_query out[3]);

/* Does the type match the pattern?  `*` is one word, a final `**` one or more. */
bool	pattern_matches(const char *pattern, const char *type, uint32_t len);
bool	pattern_valid(const char *, uint32_t len);

#endif
