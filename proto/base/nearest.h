/*
 * The nearest of many names to one that was mistyped: "complaint.open" means complaint.opened.
 *
 * Distance counts insertions, deletions, substitutions and swaps of neighbours.  A name is near if no more than a third of the
 * longer one differs; of equally near names the first offered wins.
 *
 *	nearest_begin(&n, typed, strlen(typed));
 *	for (each name)
 *		nearest_offer(&n, name);
 *	n.best is the nearest, or NULL
 */
#ifndef NEAREST_H
#define NEAREST_H

#include <stddef.h>

/* Longer names are not compared: nobody mistypes them, and the work stays bounded. */
#define NEAREST_LEN_MAX	64

struct nearest {
	const char *name;	/* lent: what was typed */
	size_t len;
	const char *best;	/* lent: the nearest so far */
	unsigned distance;	/* of best */
};

void	nearest_begin(struct nearest *, const char *name, size_t len);
void	nearest_offer(struct nearest *, const char *candidate);

#endif
