/* estate consumer NAME pause|resume|reset|delete: what an operator does to a reader with a name. */
#include <errno.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "sitetime.h"

enum { OPTION_TO = OPTION_OWN, OPTION_REASON };

static const char help[] =
"Usage: estate consumer NAME pause|resume|delete [OPTION...]\n"
"       estate consumer NAME reset --to WHERE [OPTION...]\n"
"Change a reader with a name. Each is an event in the log, with who did it and why. Needs to be run as the daemon's\n"
"user or root.\n"
"\n"
"  pause     it gets nothing until it is resumed\n"
"  resume    it goes on\n"
"  reset     it begins elsewhere: whoever reads is told, and subscribes again\n"
"  delete    forget it: nothing is kept for it any more\n"
"\n"
"A worker keeps its place itself: after reset or delete it ends, and started again goes on where its state stands. To\n"
"have it begin anew start it once with --rebuild.\n"
"\n"
"      --to WHERE           first, new, the number of the next event, or a time: 2026-11-24, \"2 hours ago\"\n"
"      --reason TEXT        why, for the log\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate consumer mirror pause --reason 'the report is wrong'\n"
"  estate consumer mirror reset --to 4711\n"
"Exit status: 0 done, 1 refused, 2 wrong usage, 3 daemon not reached\n";

struct wish {
	const char *name, *deed, *to, *reason;
};

static void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

/* "first", "new", {"seq": N} or {"time": ns}; false if the words are none of these. */
static bool
pack_to(msgpack_packer *p, const char *to)
{
	unsigned long long seq;
	char *end;
	int64_t ns;

	if (strcmp(to, "first") == 0 || strcmp(to, "new") == 0) {
		pack_text(p, to);
		return (true);
	}
	msgpack_pack_map(p, 1);
	errno = 0;
	seq = strtoull(to, &end, 10);
	if (*to >= '0' && *to <= '9' && *end == '\0') {
		if (errno != 0)
			return (false);
		pack_text(p, "seq");
		msgpack_pack_uint64(p, seq);
		return (true);
	}
	if (!sitetime_parse(to, sitetime_now(), &ns) || ns < 0)
		return (false);
	pack_text(p, "time");
	msgpack_pack_uint64(p, (uint64_t)ns);
	return (true);
}

static bool
pack_wish(msgpack_packer *p, const struct wish *w)
{
	bool ok = true;

	msgpack_pack_map(p, 2 + (w->to != NULL) + (w->reason != NULL));
	pack_text(p, "name");
	pack_text(p, w->name);
	pack_text(p, "do");
	pack_text(p, w->deed);
	if (w->reason != NULL) {
		pack_text(p, "reason");
		pack_text(p, w->reason);
	}
	if (w->to != NULL) {
		pack_text(p, "to");
		ok = pack_to(p, w->to);
	}
	return (ok);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	const struct common *c = user;

	(void)verb;
	(void)body;
	puts(c->json ? "{\"done\":true}" : "done, and in the log");
}

/* NAME and what to do; 0, or the exit status. */
static int
check(const struct wish *w)
{
	static const char *const deeds[] = { "pause", "resume", "reset", "delete" };
	bool known = false;

	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++)
		known |= strcmp(w->deed, deeds[i]) == 0;
	if (!known)
		return (usage_error("consumer", "what is %s? It does pause, resume, reset or delete", w->deed));
	if ((strcmp(w->deed, "reset") == 0) != (w->to != NULL))
		return (usage_error("consumer", w->to != NULL ? "--to belongs to reset" : "reset needs --to: where shall it begin?"));
	return (0);
}

int
cmd_consumer(int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, OPTION_TO },
		{ "reason", required_argument, NULL, OPTION_REASON },
		COMMON_OPTIONS
	};
	struct common common;
	struct ask a = { .verb = "consumer", .request = "consumer", .on_answer = on_answer, .user = &common };
	struct wish w = { 0 };
	msgpack_sbuffer b;
	msgpack_packer p;
	int c, r;

	common_init(&common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&common, c, "consumer", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		*(c == OPTION_TO ? &w.to : &w.reason) = optarg;
	}
	if (optind + 2 != argc)
		return (usage_error("consumer", "write a name and what to do: estate consumer mirror pause"));
	w.name = argv[optind];
	w.deed = argv[optind + 1];
	if ((r = check(&w)) != 0)
		return (r);
	if (!sitetime_init())
		return (EXIT_USAGE);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	if (pack_wish(&p, &w)) {
		a.argument = b.data;
		a.len = b.size;
		r = ask_once(&common, &a);
	} else
		r = usage_error("consumer", "--to %s: no number and no time", w.to);
	msgpack_sbuffer_destroy(&b);
	return (r);
}
