/* clockwatch: notices when somebody sets the wall clock, also while no event comes: a timerfd that the kernel cancels on a step. */
#ifndef CLOCKWATCH_H
#define CLOCKWATCH_H

struct daemon;

void	clockwatch_start(struct daemon *);

/* Has log time parted from the wall clock since last asked?  Then say so: in the log, as an event, to the service manager. */
void	clockwatch_check(struct daemon *);

#endif
