/* estate simulate: what would another configuration have concluded? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "paint.h"
#include "reach.h"
#include "simulate.h"
#include "sitetime.h"

#define CASES_USUAL	10u
#define CASES_MAX	1000u

static const char help[] =
"Usage: estate simulate --worker NAME [--config A] --against B [--from TIME] [--until TIME] [FILE|-]\n"
"Rehearse a worker twice over the same events, under the configuration of folder A and that of folder B, and compare what\n"
"it concludes: what appears under one of them only, what moved to another instant or due, counts by rule, and the worst\n"
"cases. Nothing is put: try a change of rules, calendar or roster on the real past before it is in force.\n"
"The events are those of the log, from the first on, so that what was open before the period is known; or the lines of\n"
"FILE, as estate tail --json and estate generate write them.\n"
"\n"
"      --worker NAME        estate-NAME beside this program; may be given more than once: each reads the same events,\n"
"                           and does not see what another would conclude otherwise\n"
"      --config A           the configuration to compare with (default: what the log itself activates)\n"
"      --against B          the configuration to try\n"
"      --from TIME          compare what is concluded from then on (default: from the beginning)\n"
"      --until TIME         and up to then: time goes on until it at the end, so that deadlines pass (default: the\n"
"                           log's own time now; of a FILE, its last event)\n"
"      --respond SCRIPT     how people answer what is concluded (see --rehearse of any worker): both sides meet the same\n"
"                           people, and differ by what the rules make of them\n"
"      --cases N            how many of the worst cases (default 10, at most 1000); --json has all\n"
"      --no-color           no colour\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate simulate --worker escalate --against /etc/estated/next --from 2026-10-01 --until 2026-11-01\n"
"  estate simulate --worker example --config workers/example --against /tmp/stricter october.jsonl\n"
"  estate simulate --worker escalate --against next --json | jq '.workers[].cases[] | select(.type==\"obligation.breached\")'\n"
"Exit status: 0 done, whether they differ or not, 1 nothing to compare, a configuration or lines refused, 2 wrong usage,\n"
"3 daemon, file or worker not reached\n";

/* -1: go on; else an exit status. */
static int
add_worker(struct simulate *s, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 32 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return (usage_error("simulate", "\"%s\" is no worker's name: escalate, for instance, is the one of estate-escalate", name));
	for (unsigned i = 0; i < s->count; i++)
		if (strcmp(s->workers[i].worker, name) == 0)
			return (usage_error("simulate", "--worker %s is given twice", name));
	if (s->count == SIMULATE_WORKERS_MAX)
		return (usage_error("simulate", "%u workers at most", SIMULATE_WORKERS_MAX));
	s->workers[s->count++].worker = name;
	return (-1);
}

static bool
take_time(const char *option, const char *text, int64_t *at)
{
	if (sitetime_parse(text, sitetime_now(), at))
		return (true);
	usage_error("simulate", "%s: %s is no time; 2026-11-24, '2026-11-24 05:06' or yesterday is", option, text);
	return (false);
}

static bool
is_folder(const char *option, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return (true);
	usage_error("simulate", "%s: %s is no folder; the worker reads its rules from one, as with its own --config", option, path);
	return (false);
}

static int
parse(struct simulate *s, int argc, char **argv)
{
	enum { WORKER = OPTION_OWN, CONFIG, AGAINST, FROM, UNTIL, CASES, RESPOND, NO_COLOR };
	static const struct option options[] = {
		{ "worker", required_argument, NULL, WORKER },
		{ "config", required_argument, NULL, CONFIG },
		{ "against", required_argument, NULL, AGAINST },
		{ "from", required_argument, NULL, FROM },
		{ "until", required_argument, NULL, UNTIL },
		{ "cases", required_argument, NULL, CASES },
		{ "respond", required_argument, NULL, RESPOND },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	const char *from = NULL, *until = NULL;
	bool no_color = false;
	int c, r;

	common_init(&s->common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&s->common, c, "simulate", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r == 0 ? -1 : r);
		if (c == WORKER && (r = add_worker(s, optarg)) != -1)
			return (r);
		if (c == CASES && !argument_number("simulate", "--cases", optarg, 0, CASES_MAX, &s->cases))
			return (EXIT_USAGE);
		if (c == CONFIG || c == AGAINST)
			s->config[c == CONFIG ? SIDE_A : SIDE_B] = optarg;
		if (c == RESPOND)
			s->respond = optarg;
		from = c == FROM ? optarg : from;
		until = c == UNTIL ? optarg : until;
		no_color |= c == NO_COLOR;
	}
	if (optind + 1 < argc)
		return (usage_error("simulate", "one FILE, not also %s", argv[optind + 1]));
	s->path = optind < argc ? argv[optind] : NULL;
	if (s->count == 0)
		return (usage_error("simulate", "which worker? --worker escalate, for instance"));
	if (s->config[SIDE_B] == NULL)
		return (usage_error("simulate", "against what? --against DIR, the folder of the configuration to try"));
	if (!sitetime_init() || (from != NULL && !take_time("--from", from, &s->period.from)) ||
	    (until != NULL && !take_time("--until", until, &s->period.until)))
		return (EXIT_USAGE);
	s->has_until = until != NULL;
	if (s->period.from > s->period.until)
		return (usage_error("simulate", "--from %s is later than --until %s: an empty period", from, until));
	if ((s->config[SIDE_A] != NULL && !is_folder("--config", s->config[SIDE_A])) || !is_folder("--against", s->config[SIDE_B]))
		return (EXIT_USAGE);
	for (unsigned i = 0; i < s->count; i++)
		if (!simulate_find(&s->workers[i]))
			return (EXIT_UNREACHED);
	paint_init(no_color);
	return (0);
}

static int
run(struct simulate *s)
{
	struct buffer out = { NULL, 0, 0 };
	bool any, complained = false;
	int r;

	if ((r = simulate_input(s)) != 0)
		return (r);
	for (unsigned i = 0; i < s->count; i++) {
		if ((r = simulate_run(s, &s->workers[i])) != 0)
			return (r);
		simulate_compare(&s->workers[i]);
		complained |= s->workers[i].complained;
	}
	any = s->common.json ? simulate_show_json(&out, s) : simulate_show(&out, s, paint_columns());
	if (any || s->common.json)
		fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
	if (!any)
		complain("simulate", "nothing is concluded in that period under either configuration; is it the right one, and the right worker?");
	return (any && !complained ? 0 : EXIT_PART);
}

int
cmd_simulate(int argc, char **argv)
{
	static struct simulate s = { .cases = CASES_USUAL, .input = -1, .period = { INT64_MIN, INT64_MAX } };
	int r;

	if ((r = parse(&s, argc, argv)) != 0)
		return (r < 0 ? 0 : r);
	r = run(&s);
	if (s.input >= 0)
		close(s.input);
	for (unsigned i = 0; i < s.count; i++)
		for (int side = 0; side < SIDES; side++)
			conclusions_free(&s.workers[i].side[side]);
	return (r);
}
