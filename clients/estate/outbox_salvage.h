/* estate outbox salvage: what is whole of a damaged outbox. */
#ifndef OUTBOX_SALVAGE_H
#define OUTBOX_SALVAGE_H

#include <stdbool.h>

#include "arguments.h"

/* From the outbox in the folder `path` into the new folder `to`.  An exit status: EXIT_PART if something is lost, or may be. */
int	outbox_salvage(const struct common *, const char *path, const char *to, bool zh);

#endif
