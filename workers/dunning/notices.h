/* notices: a message on its way: asked for from the household's budget, handed to notify, withdrawn if it no longer holds. */
#ifndef NOTICES_H
#define NOTICES_H

#include "dunning.h"

enum notice_state { NOTICE_ASKED, NOTICE_REQUESTED, NOTICE_DROPPED, NOTICE_WITHDRAWN, NOTICE_SENT, NOTICE_FAILED, NOTICE_STATES };
extern const char *const notice_names[NOTICE_STATES];

bool	notice_load(struct worker *, const char *id, struct notice *);
/* Its bills are due for this kind of step: ask for the contact, or send a letter at once. */
void	notice_begin(struct turn *, struct notice *);

/* What the budget says, what became of it, and the end of waiting. */
void	notice_granted(struct turn *, const struct worker_event *);
void	notice_deferred(struct turn *, const struct worker_event *);
void	notice_fate(struct turn *, const struct worker_event *);
void	notice_waited(struct turn *, const char *id);

/* Does it still say what is so?  "" or why not. */
const char	*notice_holds(struct turn *, const struct notice *);

#endif
