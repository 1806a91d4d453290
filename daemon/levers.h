/*
 * levers: where tests may stop the daemon dead.  In builds with ESTATE_LEVERS, ESTATE_KILL_AT="after-flush:17" makes the process
 * kill itself with SIGKILL when it reaches that step for the 17th time.  In released builds nothing of this exists.
 */
#ifndef LEVERS_H
#define LEVERS_H

#ifdef ESTATE_LEVERS
void	lever_reach(const char *step);
#else
static inline void
lever_reach(const char *step)
{
	(void)step;
}
#endif

#endif
