/* estate-alarm: one run looks once, and tells what changed. */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alarm.h"

#define EXIT_FAILED	1
#define EXIT_USAGE	2

static const char help[] =
"Usage: estate-alarm [--config FILE] [--state FILE] [--dry-run]\n"
"       estate-alarm --failed UNIT | --test | --check [--config FILE]\n"
"Who watches the watcher: look once whether the event daemon answers, takes events, and whether the named consumers keep up.\n"
"When something went wrong, still is after the time to repeat, or is well again, tell the duty phones by HTTP gateways.\n"
"systemd runs it every 30 seconds (estate-alarm.timer), and when estated has failed (estate-alarm@.service).\n"
"\n"
"  --config FILE   what to watch and whom to tell (/etc/estated/alarm.yaml)\n"
"  --state FILE    what was told last (/var/lib/estate-alarm/state)\n"
"  --failed UNIT   do not look: tell that this unit has failed\n"
"  --test          tell the phones that this is a test\n"
"  --check         read the file, say whether it is fine, and stop\n"
"  --dry-run       print what would be told; tell nobody, remember nothing\n"
"  --version, --help\n"
"\n"
"Examples\n"
"  estate-alarm --check && estate-alarm --test\n"
"  estate-alarm --dry-run\n"
"Exit status: 0 nothing to tell, or told; 1 nobody could be told; 2 wrong usage or file\n";

struct run {
	struct setup setup;
	const char *state, *failed;
	bool dry_run, test, check;
};

/* 0, or an exit status. */
static int
tell(const struct run *r, const char *what, const char *more)
{
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), r->setup.zh ? "【%.100s】%s%s" : "[%.100s] %s%s", r->setup.site, what, more);
	return (gateway_tell(&r->setup, text, r->dry_run) > 0 ? 0 : EXIT_FAILED);
}

/* Look, and tell what is news.  Nothing is remembered that nobody was told: the next run tries again. */
static int
watch(const struct run *r)
{
	char trouble[TROUBLE_BYTES];
	int64_t now = (int64_t)time(NULL);
	struct memory m;
	bool wrong = look(&r->setup, trouble), due;
	int status;

	memory_read(&m, r->state);
	/* A clock that was set back must not silence it. */
	due = now < m.told_s || now - m.told_s >= r->setup.repeat_ns / 1000000000;
	if (wrong ? m.trouble && !due : !m.trouble)
		return (0);
	if (wrong)
		status = tell(r, trouble, m.trouble ? r->setup.zh ? "（仍未恢复）" : " (still)" : "");
	else
		status = tell(r, r->setup.zh ? "已恢复正常" : "all clear", "");
	if (status != 0 || r->dry_run)
		return (status);
	m = (struct memory){ wrong, now };
	if (!memory_write(&m, r->state)) {
		fprintf(stderr, "estate-alarm: %s cannot be written: %s; it will be told again\n", r->state, strerror(errno));
		return (EXIT_FAILED);
	}
	return (0);
}

static int
act(const struct run *r)
{
	if (r->check) {
		printf("%u consumers, %u gateways, %u phones\n", r->setup.consumer_count, r->setup.gateway_count, r->setup.phone_count);
		return (0);
	}
	if (r->test)
		return (tell(r, r->setup.zh ? "这是一条测试短信" : "this is a test", ""));
	if (r->failed != NULL)
		return (tell(r, r->setup.zh ? "服务已失败：" : "this unit has failed: ", r->failed));
	return (watch(r));
}

int
main(int argc, char **argv)
{
	enum { CONFIG = 256, STATE, FAILED, TEST, CHECK, DRY_RUN, VERSION };
	static const struct option options[] = {
		{ "config", required_argument, NULL, CONFIG }, { "state", required_argument, NULL, STATE },
		{ "failed", required_argument, NULL, FAILED }, { "test", no_argument, NULL, TEST }, { "check", no_argument, NULL, CHECK },
		{ "dry-run", no_argument, NULL, DRY_RUN }, { "version", no_argument, NULL, VERSION }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct run r = { .state = "/var/lib/estate-alarm/state" };
	const char *config = "/etc/estated/alarm.yaml";
	char why[600];
	int c, status = EXIT_USAGE;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		switch (c) {
		case CONFIG: config = optarg; break;
		case STATE: r.state = optarg; break;
		case FAILED: r.failed = optarg; break;
		case TEST: r.test = true; break;
		case CHECK: r.check = true; break;
		case DRY_RUN: r.dry_run = true; break;
		case VERSION: puts("estate-alarm " ESTATE_VERSION); return (0);
		case 'h': fputs(help, stdout); return (0);
		default: fputs("Try estate-alarm --help.\n", stderr); return (EXIT_USAGE);
		}
	if (optind < argc) {
		fprintf(stderr, "estate-alarm: \"%s\" is no option. Try estate-alarm --help.\n", argv[optind]);
		return (EXIT_USAGE);
	}
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (setup_read(&r.setup, config, why, sizeof(why)))
		status = act(&r);
	else
		fprintf(stderr, "estate-alarm: %s\n", why);
	setup_free(&r.setup);
	curl_global_cleanup();
	return (status);
}
