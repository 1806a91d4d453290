/* What an event has to tell: its fields in words, with the catalogue's labels, units and values, in English or Chinese. */
#ifndef TELLING_H
#define TELLING_H

#include <stdbool.h>

#include "buffer.h"
#include "event.h"

/* The type's title: 投诉受理 for complaint.opened in Chinese, else its name. */
void	telling_type(struct buffer *, const struct event *, bool zh);

/* What the event's subject names, "case" or 工单; "subject" if the type says nothing. */
const char	*telling_subject(const struct event *, bool zh);

/* All fields of data on one line: category=noise severity=major, or 类别：噪声 严重程度：重大.  Long texts are clipped. */
void	telling_line(struct buffer *, const struct event *, bool zh);

/* Each field on a line of its own, indented and aligned, nothing clipped. */
void	telling_block(struct buffer *, const struct event *, bool zh);

/* The label of a field of that type, and a value of it, in words; nothing clipped. */
void	telling_label(struct buffer *, const struct type *, const char *name, bool zh);
bool	telling_value(struct buffer *, const struct type *, const char *name, struct mp value, bool zh);

/* The value of one field by its path, "amount" or "items.0.dept", as it stands: for scripts.  False if it is not there. */
bool	telling_field(struct buffer *, const struct event *, const char *path);

#endif
