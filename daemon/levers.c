#include "levers.h"

#ifdef ESTATE_LEVERS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
lever_reach(const char *step)
{
	static atomic_int reached;
	const char *at = getenv("ESTATE_KILL_AT"), *colon;

	if (at == NULL || (colon = strchr(at, ':')) == NULL)
		return;
	if (strlen(step) != (size_t)(colon - at) || strncmp(at, step, strlen(step)) != 0)
		return;
	if (atomic_fetch_add(&reached, 1) + 1 == atoi(colon + 1))
		kill(getpid(), SIGKILL);
}
#else
typedef int levers_are_not_in_this_build;
#endif
