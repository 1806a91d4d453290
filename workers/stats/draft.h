/*
 * draft: reports that are owed to somebody, and their versions.  When a period is over, or a survey is closed, its report is generated: from then on
 * its figures are those of that instant of the log, whatever is learnt later.  It is submitted, reviewed, approved, distributed; one that is sent
 * back is generated anew, as of then, with the next version number (C11, S9, Z9).
 */
#ifndef DRAFT_H
#define DRAFT_H

#include "stats.h"

/* Each day at `run`, after the targets. */
void	draft_look(struct turn *);
/* Is this event one of a survey that is closed, or of somebody who decided on a report? */
void	draft_take(struct turn *, const struct worker_event *);
/* The question: versions. */
int	ask_versions(struct worker *);

#endif
