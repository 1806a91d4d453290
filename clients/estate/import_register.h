/* Which households the log knows, and what was said of each last. */
#ifndef IMPORT_REGISTER_H
#define IMPORT_REGISTER_H

#include <stdbool.h>

#include "reach.h"

struct registered {
	char *household;
	char last[65];		/* the id of its last entry */
	unsigned entries;
};

struct import_register {
	void *tree;
	unsigned count;
};

/* Read all entries up to the log's end.  0, or the exit status after a sentence. */
int	import_register_read(struct import_register *, const struct common *, struct estate *);

/* NULL if it is not registered. */
const struct registered	*import_register_find(const struct import_register *, const char *household);

/* The nearest to a mistyped one, or NULL. */
const char	*import_register_nearest(const struct import_register *, const char *household);

void	import_register_free(struct import_register *);

#endif
