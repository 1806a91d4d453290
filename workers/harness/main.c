/* A worker's program: options, then a rehearsal or the live loop. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "buffer.h"
#include "config.h"
#include "live.h"
#include "rehearse.h"
#include "sitetime.h"
#include "worker.h"
#include "wrap.h"

#define BATCH_USUAL	4096u

static const char help[] =
"Usage: estate-%1$s [OPTION...]\n"
"       estate-%1$s --rehearse FILE|- [--until TIME] [--config DIR] [--respond SCRIPT] [--log FILE] [--ask QUESTION]\n"
"%2$s\n"
"\n"
"Live: reads the log from where it left off, and puts what it concludes back as events of source\n"
"/estated/worker/%1$s. Kill it whenever you like: it goes on, and nothing is concluded twice.\n"
"      --connect ENDPOINT   the daemon: ipc://PATH or tcp://HOST:PORT\n"
"                           (default: $ESTATE_ENDPOINT, else " ESTATE_ENDPOINT_DEFAULT ")\n"
"      --state DIR          what it knows, and how far it has read (default /var/lib/estate-%1$s); may be deleted:\n"
"                           it is made again from the log, and what was emitted before is recognised\n"
"      --config DIR         its rules%3$s;\n"
"                           if they differ from those in force, config.activated enters the log, and they are in\n"
"                           force from that event on\n"
"      --rebuild            forget the state and read the log from its first event: emits nothing up to where it\n"
"                           had come, compares with what the log holds, reports differences, and goes on live\n"
"      --metrics FILE       its figures for Prometheus (a *.prom of node_exporter's textfile collector), each second\n"
"\n"
"Rehearsal: no daemon, no waiting. JSON Lines of events in, derived events as JSON Lines out.\n"
"      --rehearse FILE|-    lines as estate tail --json prints them (their numbers and log times count, and what\n"
"                           this worker concluded is passed by), or as estate generate does (sorted by their times)\n"
"      --until TIME         at the end let time go on until then, so that deadlines pass\n"
"      --config DIR         these rules throughout, instead of those that the log activates\n"
"      --ask NAME[={…}]     at the end, the answer to a question with these arguments, a line of JSON for each page; may\n"
"                           be given more than once\n"
"      --respond SCRIPT     how staff, residents and providers answer what happens and what is concluded: their events\n"
"                           come between those of the input, drawn from a seed (GUIDE.md tells how a script is written)\n"
"      --share NAME=PERCENT of the script, in the place of the share it has under that name; may be given more than once\n"
"      --log FILE|-         write everything, input, answers and conclusions, as estate tail --json would print it;\n"
"                           rehearsed again, it leads to the same conclusions\n"
"      --batch N            events a transaction (default 4096): nothing depends on it\n"
"\n"
"      --help               this text\n"
"      --version            the version\n"
"\n"
"Questions (estate ask %1$s NAME KEY=VALUE…; personal values are masked for who may not see them)\n"
"%5$s"
"\n"
"Examples\n"
"  estate tail --from first --json | estate-%1$s --rehearse -         what it concludes from the log\n"
"  estate generate --households 100 --from 2026-11-01 --days 30 --seed 1 |\n"
"      estate-%1$s --rehearse - --config %4$s --until 2026-12-31\n"
"  estate-%1$s --rehearse year.jsonl --config %4$s --respond answers.yaml --log whole.jsonl --until 2027-01-01\n"
"  estate-%1$s --connect ipc:///tmp/estate.sock --state /tmp/%1$s --config %4$s\n"
"Exit status: 0 done or told to stop, 1 lines refused or an own bug found, 2 wrong usage, 3 could not read or reach,\n"
"4 another instance took over, 70 the state could not be written, 78 state, log, rules or rights refused: the message names the remedy\n";

enum { OPT_CONNECT = 1, OPT_STATE, OPT_CONFIG, OPT_REBUILD, OPT_REHEARSE, OPT_UNTIL, OPT_BATCH, OPT_METRICS, OPT_ASK, OPT_RESPOND, OPT_SHARE, OPT_LOG, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{ "connect", required_argument, NULL, OPT_CONNECT },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "rebuild", no_argument, NULL, OPT_REBUILD },
	{ "rehearse", required_argument, NULL, OPT_REHEARSE },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "batch", required_argument, NULL, OPT_BATCH },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "ask", required_argument, NULL, OPT_ASK },
	{ "respond", required_argument, NULL, OPT_RESPOND },
	{ "share", required_argument, NULL, OPT_SHARE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

struct given {
	const struct worker_kind *kind;
	struct live_options live;
	struct rehearsal rehearsal;
	const char *config;
	char state[256];
	bool only_live, only_rehearsal;		/* what was given makes sense for one of them only */
};

static void
print_help(const struct worker_kind *kind)
{
	char files[256] = "", text[8192];
	struct buffer questions = { NULL, 0, 0 };
	const struct worker_query *k = kind->queries;
	size_t n = 0;

	for (unsigned i = 0; kind->configs != NULL && kind->configs[i].kind != NULL && n < sizeof(files); i++)
		n += (size_t)snprintf(files + n, sizeof(files) - n, "%s%s", i == 0 ? ": " : ", ", kind->configs[i].file);
	for (; k != NULL && k->name != NULL; k++)
		buffer_printf(&questions, "      %-20s %s%s%s\n", k->name, k->about, k->takes != NULL ? "; takes " : "", k->takes != NULL ? k->takes : "");
	buffer_text(&questions, "      status               how it stands: place, timers, what waits, what is parked, what is in force\n"
	    "      help                 this list\n");
	snprintf(text, sizeof(text), help, kind->name, kind->about, files, "config", questions.data);
	wrap_print(stdout, text);
	buffer_free(&questions);
}

static int __attribute__((format(printf, 2, 3)))
wrong(const struct given *g, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "estate-%s: ", g->kind->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; estate-%s --help shows examples\n", g->kind->name);
	return (2);
}

/* -1: go on; else the exit status. */
static int
take_option(struct given *g, int option)
{
	char *end;

	switch (option) {
	case OPT_CONNECT:
		g->live.endpoint = optarg;
		g->only_live = true;
		break;
	case OPT_STATE:
		g->live.state = optarg;
		g->only_live = true;
		break;
	case OPT_REBUILD:
		g->live.rebuild = g->only_live = true;
		break;
	case OPT_CONFIG:
		g->config = optarg;
		break;
	case OPT_REHEARSE:
		g->rehearsal.path = optarg;
		break;
	case OPT_UNTIL:
		if (!sitetime_parse(optarg, sitetime_now(), &g->rehearsal.until))
			return (wrong(g, "--until: %s is no time; 2026-12-31 or 2026-12-31T08:00:00+08:00 is", optarg));
		g->rehearsal.has_until = g->only_rehearsal = true;
		break;
	case OPT_BATCH:
		errno = 0;
		g->rehearsal.batch = strtoull(optarg, &end, 10);
		if (errno != 0 || *end != '\0' || g->rehearsal.batch < 1 || g->rehearsal.batch > 65536)
			return (wrong(g, "--batch must be a whole number from 1 to 65536, not %s", optarg));
		g->only_rehearsal = true;
		break;
	case OPT_METRICS:
		g->live.metrics = optarg;
		g->only_live = true;
		break;
	case OPT_ASK:
		if (g->rehearsal.ask_count == REHEARSE_ASKS_MAX)
			return (wrong(g, "--ask: %u at most", REHEARSE_ASKS_MAX));
		g->rehearsal.asks[g->rehearsal.ask_count++] = optarg;
		g->only_rehearsal = true;
		break;
	case OPT_RESPOND:
		g->rehearsal.respond = optarg;
		g->only_rehearsal = true;
		break;
	case OPT_SHARE:
		if (g->rehearsal.share_count == REHEARSE_SHARES_MAX)
			return (wrong(g, "--share: %u at most", REHEARSE_SHARES_MAX));
		g->rehearsal.shares[g->rehearsal.share_count++] = optarg;
		g->only_rehearsal = true;
		break;
	case OPT_LOG:
		g->rehearsal.log = optarg;
		g->only_rehearsal = true;
		break;
	case OPT_HELP:
		print_help(g->kind);
		return (0);
	case OPT_VERSION:
		printf("estate-%s %s\n", g->kind->name, ESTATE_VERSION);
		return (0);
	default:
		fprintf(stderr, "estate-%s --help shows examples\n", g->kind->name);
		return (2);
	}
	return (-1);
}

static int
take_options(struct given *g, int argc, char **argv)
{
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if ((status = take_option(g, option)) != -1)
			return (status);
	if (optind < argc)
		return (wrong(g, "%s is too much: every argument has a name", argv[optind]));
	if (g->rehearsal.path != NULL && g->only_live)
		return (wrong(g, "a rehearsal has no daemon and no state: --connect, --state, --metrics and --rebuild are for live operation"));
	if (g->rehearsal.share_count > 0 && g->rehearsal.respond == NULL)
		return (wrong(g, "--share is for --respond: whose share?"));
	if (g->rehearsal.path == NULL && g->only_rehearsal)
		return (wrong(g, "--until, --ask, --respond, --log and --batch are for --rehearse"));
	return (-1);
}

int
worker_main(const struct worker_kind *kind, int argc, char **argv)
{
	const char *endpoint = getenv("ESTATE_ENDPOINT");
	struct given g = { .kind = kind, .rehearsal = { .batch = BATCH_USUAL },
	    .live = { .endpoint = endpoint != NULL && *endpoint != '\0' ? endpoint : ESTATE_ENDPOINT_DEFAULT } };
	struct config_files files = { .count = 0 };
	char why[1024];
	int status;

	/* Whoever read us may leave: that is an error of a write, not the end. */
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0 || !sitetime_init())
		return (3);
	snprintf(g.state, sizeof(g.state), "/var/lib/estate-%s", kind->name);
	g.live.state = g.state;
	if ((status = take_options(&g, argc, argv)) != -1)
		return (status);
	if (g.config != NULL && config_read(&files, kind, g.config, why, sizeof(why)) != 0) {
		fprintf(stderr, "estate-%s: %s\n", kind->name, why);
		config_free(&files);
		return (78);
	}
	g.live.folder = g.config;
	if (g.config != NULL)
		g.rehearsal.config = g.live.config = &files;
	status = g.rehearsal.path != NULL ? rehearse(kind, &g.rehearsal) : live(kind, &g.live);
	config_free(&files);
	return (status);
}
