/*
 * metrics: the daemon's figures as a page for Prometheus.
 *
 * Names are conventional: estate_ first, base units (seconds, bytes) last, counters end in _total; nanoseconds of the status answer become
 * seconds.  Two formats: text 0.0.4, and OpenMetrics 1.0.0 for who asks for it, which names a counter's family without _total, has
 * units, and an end by which a page that was cut is known.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>

struct daemon;
struct evbuffer;

#define METRICS_TYPE_CLASSIC	"text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TYPE_OPEN	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Does this Accept header, or NULL, wish for OpenMetrics? */
bool	metrics_wants_open(const char *accept);

/* Append the page. */
void	metrics_write(struct daemon *, struct evbuffer *, bool open);

#endif
