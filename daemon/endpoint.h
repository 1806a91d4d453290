/* endpoint: where one may listen: ipc://PATH, or tcp://ADDRESS:PORT. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

/* Could one listen there at all?  Beyond loopback only with keys.  0, or -1 with a sentence in `why`. */
int	endpoint_check(const char *endpoint, bool keys, char *why, size_t why_len);

bool	endpoint_is_tcp(const char *endpoint);

#endif
