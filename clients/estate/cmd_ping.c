/* estate ping: does the daemon answer, and how fast? */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "ask.h"
#include "command.h"
#include "language.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate ping [OPTION...]\n"
"Ask the daemon for a sign of life and print how long it took.\n"
"\n"
"  -c, --count N            so many times, one a second (default 1)\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate ping\n"
"  estate ping --timeout 2 || echo the daemon is gone\n"
"Exit status: 0 it answers, 2 wrong usage, 3 it does not\n";

struct ping {
	struct common common;
	int64_t asked;
};

static int64_t
monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	struct ping *p = user;
	double us = (double)(monotonic_ns() - p->asked) / 1e3;
	char when[SITETIME_TEXT] = "-";
	const char *key;
	uint32_t pairs, len;
	uint64_t last = 0;
	int64_t log_time = 0;

	(void)verb;
	if (mp_map(&body, &pairs))
		while (pairs-- > 0 && mp_str(&body, &key, &len))
			if (!((mp_equal(key, len, "last") && mp_uint(&body, &last)) ||
			    (mp_equal(key, len, "log_time") && mp_int(&body, &log_time)) || mp_skip(&body)))
				break;
	if (p->common.json) {
		printf("{\"us\":%.1f,\"last\":%" PRIu64 ",\"log_time\":%" PRId64 "}\n", us, last, log_time);
		return;
	}
	if (log_time != 0)
		sitetime_local(log_time, 3, when);
	printf(phrase("answered in %.0f us; last event %" PRIu64 ", stored %s\n"), us, last, when);
}

static int
run(struct ping *p, uint64_t count)
{
	struct ask a = { .verb = "ping", .request = "ping", .on_answer = on_answer, .user = p };
	struct estate_options o = { .user = p };
	struct estate *e;
	int n;

	if ((e = reach_open("ping", &p->common, &o)) == NULL)
		return (EXIT_USAGE);
	n = reach_wait("ping", &p->common, e);
	for (uint64_t i = 0; n == 0 && i < count && !reach_stop; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){ 1, 0 }, NULL);
		p->asked = monotonic_ns();
		n = ask_over(e, &p->common, &a);
		fflush(stdout);
	}
	estate_close(e);
	return (n);
}

int
cmd_ping(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		COMMON_OPTIONS
	};
	struct ping p;
	uint64_t count = 1;
	int c, r;

	common_init(&p.common);
	while ((c = next_option(argc, argv, "c:h", options)) != -1) {
		if ((r = common_option(&p.common, c, "ping", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (!argument_number("ping", "--count", optarg, 1, 1000000, &count))
			return (EXIT_USAGE);
	}
	if (optind < argc)
		return (usage_error("ping", "what is %s?", argv[optind]));
	return (sitetime_init() ? run(&p, count) : EXIT_USAGE);
}
