/* clockwatch: notices when somebody sets the wall clock, also while no event comes: a timerfd that the kernel cancels on a step. */
#ifndef CLOCKWATCH_H
#define CLOCKWATCH_H

struct daemon;

void	clockwatch_start(struct daemon *);

/* The jump that was known and not accepted when the daemon last ran, in seconds, from the file `clock` in the data folder; 0: none. */
long long clockwatch_known_jump(const char *folder);

/* The operator accepted the wall clock: nothing is known of a jump any more. */
void	clockwatch_accepted(struct daemon *);

/* Has log time parted from the wall clock since last asked?  Then say so: in the log, as an event, to the service manager. */
void	clockwatch_check(struct daemon *);

#endif
