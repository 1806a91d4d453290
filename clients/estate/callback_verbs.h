/* What the parts of `estate callback` share. */
#ifndef CALLBACK_VERBS_H
#define CALLBACK_VERBS_H

#include <stdint.h>

#include "question.h"

#define CALLBACK_SERVICE	"callback"

/* Record a result: done, attempted, extend, appoint, visit, noted.  argv[0] is the deed.  The exit status. */
int	callback_record(int argc, char **argv);
/* Is it one of those? */
bool	callback_is_deed(const char *name);
/* Offer their names to who mistyped one. */
struct nearest;
void	callback_offer_deeds(struct nearest *);

/* "open", "待访" */
void	callback_state(struct buffer *, struct text state, bool zh);

/* estate callback show, quota, year */
int	callback_show(int argc, char **argv);
int	callback_quota(int argc, char **argv);
int	callback_year(int argc, char **argv);

/* All about one callback, as it was when the worker had read up to `at_least`. */
int	callback_ask(const char *callback, uint64_t at_least, const struct common *, struct estate *, struct answers *);

#endif
