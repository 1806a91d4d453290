/* status: the daemon's figures, once: `estate status`, /metrics and the service's status line draw from here. */
#ifndef STATUS_H
#define STATUS_H

#include <stdint.h>

struct daemon;

#define STATUS_LINES_MAX	64u

struct status_line {
	const char *key;	/* as in the status answer; with estate_ before it, the metric's name */
	const char *help;	/* one clause */
	enum { STATUS_TEXT, STATUS_GAUGE, STATUS_COUNTER } kind;
	const char *text;	/* STATUS_TEXT */
	int64_t value;
};

/* Fill in all lines; returns how many.  Texts are valid until the next call. */
unsigned	status_collect(struct daemon *, struct status_line *);

/* One sentence for `systemctl status`. */
void		status_sentence(struct daemon *, char *out, unsigned size);

#endif
