/* estate clock accept: the wall clock is right after all. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "language.h"

static const char help[] =
"Usage: estate clock accept [OPTION...]\n"
"After the alarm clock.jumped: tell the daemon that the machine's wall clock is right now, so that log time goes on\n"
"by it. Check the clock first (timedatectl). Needs the right to operate, which root has.\n"
"\n"
COMMON_HELP
"\n"
"Example\n"
"  timedatectl && estate clock accept\n"
"Exit status: 0 done, 1 refused, 2 wrong usage, 3 daemon not reached\n";

static void
on_answer(void *user, const char *verb, struct mp body)
{
	const struct common *c = user;

	(void)verb;
	(void)body;
	puts(c->json ? "{\"accepted\":true}" : phrase("log time goes on by the wall clock"));
}

int
cmd_clock(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	struct common common;
	struct ask a = { .verb = "clock", .request = "clock-accept", .on_answer = on_answer, .user = &common };
	int c, r;

	common_init(&common);
	while ((c = next_option(argc, argv, "h", options)) != -1)
		if ((r = common_option(&common, c, "clock", help)) != -1)
			return (r);
	if (optind + 1 != argc || strcmp(argv[optind], "accept") != 0)
		return (usage_error("clock", "the one thing it does is accept"));
	return (ask_once(&common, &a));
}
