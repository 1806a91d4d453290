/*
 * Descriptors 0, 1 and 2 may have been closed by whoever started us.  The next file or socket would get that number, and what is
 * meant for people would be written into it: a line of the daemon's log into the event log.
 */
#ifndef OPENFDS_H
#define OPENFDS_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Before anything else is opened.  Read-only: writing to an output that is closed stays an error. */
static inline void
openfds(void)
{
	int fd;

	do
		if ((fd = open("/dev/null", O_RDONLY)) < 0)
			abort();
	while (fd <= STDERR_FILENO);
	close(fd);
}

#endif
