/*
 * standby: a consumer that grants all the credit there is and takes what comes.
 *
 *	standby ENDPOINT NAME
 *
 * Prints "ready" once it reads, and the name of the fault when the daemon ends its subscription.  Stopped by SIGSTOP it is the reader that
 * stopped reading, as a debugger or a swapping machine makes one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "estate.h"

static bool ready, ended;

static void
on_event(void *user, const struct estate_event *v)
{
	(void)user;
	(void)v;
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	(void)user;
	(void)seq;
	(void)log_time;
	(void)end;
	if (!ready && puts("ready") >= 0)
		fflush(stdout);
	ready = true;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	(void)user;
	puts(f->name);
	ended = true;
}

int
main(int argc, char **argv)
{
	struct estate_options o = { .client = "standby" };
	struct estate_subscribe_options s = { .from = ESTATE_FROM_NEW, .window_events = 8192, .window_bytes = 1u << 20, .on_event = on_event,
	    .on_progress = on_progress, .on_ended = on_ended };
	struct estate *e;

	if (argc != 3) {
		fprintf(stderr, "usage: standby ENDPOINT NAME\n");
		return (2);
	}
	o.endpoint = argv[1];
	s.consumer = argv[2];
	if (estate_open(&o, &e) != 0 || estate_subscribe(e, &s, NULL) != 0)
		return (1);
	while (!ended)
		if (estate_pump(e, 1000) < 0)
			return (1);
	estate_close(e);
	return (0);
}
