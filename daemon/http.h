/* http: /healthz and /metrics for monitoring, on libevent's server with its bounds set. */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>

struct daemon;
struct http;

/* Is it "ADDRESS:PORT"?  0, or -1 with a sentence in `why`. */
int		 http_check_address(const char *address, char *why, size_t why_len);

/* Serve on "ADDRESS:PORT"; port 0 picks one.  `bound` receives the address.  NULL with a sentence in `why`. */
struct http	*http_start(struct daemon *, const char *address, char *bound, size_t bound_len, char *why, size_t why_len);
void		 http_stop(struct http *);

#endif
