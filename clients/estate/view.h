/* An event as a line, a block, JSON, a digest, or whatever a template asks for. */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>

#include "buffer.h"
#include "estate.h"
#include "event.h"

enum view_format { VIEW_SHORT, VIEW_FULL, VIEW_JSON, VIEW_RAW, VIEW_TEMPLATE };

struct view {
	enum view_format format;
	const char *pattern;	/* VIEW_TEMPLATE: "{seq} {time} {data.amount}" */
	bool zh;
	bool latency;		/* VIEW_SHORT: show how long after it happened it was stored */
	unsigned columns;	/* clip lines to so many; 0: don't */
};

/* Read the value of --format.  False after a sentence on stderr. */
bool	view_parse(struct view *, const char *verb, const char *format);

/* Append one event with its newline. */
void	view_event(const struct view *, struct buffer *, const struct estate_event *);

/* Prove the bytes of a delivered event well-formed and read its envelope.  False if they are not. */
bool	view_read(struct event *, const struct estate_event *);

/* Is there room for columns that stay straight, and for times with year and offset? */
bool	view_is_wide(const struct view *);

/* When it happened: its own time, unless that is missing or implausible; then log time. */
int64_t	view_when(const struct event *, const struct estate_event *);

#define VIEW_HELP_TEMPLATE \
	"Templates: {seq} {time} {logtime} {latency} {type} {title} {subject} {id} {source} {sender} {urgency} {flags}\n" \
	"{data} {data.FIELD}; \\n and \\t; what an event does not have is left empty.\n"

#endif
