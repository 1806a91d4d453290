/* estate obligations: every running deadline, asked of the worker escalate. */
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bounds.h"
#include "command.h"
#include "errcode.h"
#include "event.h"
#include "language.h"
#include "obligations.h"
#include "paint.h"
#include "reach.h"
#include "sitetime.h"

#define SERVICE		"escalate"
#define ROWS_OF_A_PAGE	1000u

/* What is shown is asked again this long after the first change, together with all others until then. */
#define SETTLE_NS	INT64_C(300000000)
/* Left free on the screen for the reason why what is shown is not fresh. */
#define TROUBLE_LINES	4u
#define MINUTE_NS	INT64_C(60000000000)

static const char help[] =
"Usage: estate obligations [OPTION...]\n"
"Show every deadline that runs, the next one first: how much time is left, by which rule, for what and who owes it; below\n"
"it who is told next and when, and why it is due then. A minus sign: it has passed, and is still owed.\n"
"\n"
"      --role ROLE          owed by cs_lead, supervisor ...\n"
"      --subject ID         of one case, household, bill ...\n"
"      --rule RULE          of one rule: C1, H3 ...\n"
"      --due-within SPAN    due in so much time: 30min, 2h, 3d; what is overdue comes first\n"
"      --overdue            only what is overdue\n"
"      --watch              go on: show it anew whenever something about obligations is stored\n"
"      --no-color           no colour\n"
COMMON_HELP
"--json prints {\"rows\":[...],\"seq\":...}, with --watch a line each time.\n"
"\n"
"Examples\n"
"  estate obligations\n"
"  estate obligations --role supervisor --due-within 1h\n"
"  estate obligations --overdue --json | jq -r '.rows[].subject'\n"
"  estate obligations --watch\n"
"Exit status: 0 done, 1 nobody answers, or refused, 2 wrong usage, 3 daemon not reached\n";

struct viewer {
	struct common common;
	const char *role, *subject, *rule;
	int64_t within;			/* due within so much time from now; INT64_MIN: any */
	bool watch;
	struct estate *e;
	struct obligations owed;	/* what is shown … */
	struct obligations fresh;	/* … and what is being asked */
	struct estate_fault fault;	/* of the last question */
	char page[257];
	bool refused, unreadable;
	uint64_t changed;		/* the last event about obligations that was seen */
	int64_t changed_at;		/* since when the screen is behind; 0: it is not */
	bool ended;
};

/* ---- Asking --------------------------------------------------------------------------------------------------------------------------------- */

static void
on_answer(void *user, const struct estate_answer *a)
{
	struct viewer *v = user;

	if (a->error == 0)
		v->unreadable |= !obligations_page(&v->fresh, mp_over(a->body, a->len), v->page);
	else if ((v->refused = a->fault != NULL))
		v->fault = *a->fault;
}

static void
pack_pair(msgpack_packer *p, const char *key, const char *value)
{
	msgpack_pack_str_with_body(p, key, strlen(key));
	msgpack_pack_str_with_body(p, value, strlen(value));
}

static void
pack_question(const struct viewer *v, msgpack_packer *p)
{
	char before[SITETIME_TEXT];

	msgpack_pack_str_with_body(p, "question", 8);
	msgpack_pack_map(p, 1u + (v->subject == NULL) + (v->role != NULL) + (v->subject != NULL) + (v->rule != NULL) + (v->within != INT64_MIN));
	pack_pair(p, "name", "open");
	/* What is owed of one subject comes in one piece. */
	if (v->subject == NULL) {
		msgpack_pack_str_with_body(p, "limit", 5);
		msgpack_pack_unsigned_int(p, ROWS_OF_A_PAGE);
	}
	if (v->role != NULL)
		pack_pair(p, "role", v->role);
	if (v->subject != NULL)
		pack_pair(p, "subject", v->subject);
	if (v->rule != NULL)
		pack_pair(p, "rule", v->rule);
	if (v->within != INT64_MIN) {
		sitetime_utc_ns(sitetime_now() + v->within, before);
		pack_pair(p, "due_before", before);
	}
}

/* One page.  0, or what estate_call() said. */
static int
ask_page(struct viewer *v)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	int n;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 3u + (v->changed > 0) + (v->page[0] != '\0'));
	pack_pair(&p, "service", SERVICE);
	pack_question(v, &p);
	msgpack_pack_str_with_body(&p, "timeout_ms", 10);
	msgpack_pack_unsigned_int(&p, ASK_TIMEOUT_MS);
	if (v->changed > 0) {
		msgpack_pack_str_with_body(&p, "at_least", 8);
		msgpack_pack_uint64(&p, v->changed);
	}
	if (v->page[0] != '\0')
		pack_pair(&p, "page", v->page);
	v->refused = false;
	/* The deadline of the answer is the daemon's to keep. */
	n = estate_call(v->e, "ask", b.data, b.size, v->common.timeout_ms + (int)ASK_TIMEOUT_MS, on_answer, v);
	msgpack_sbuffer_destroy(&b);
	return (n);
}

/* All of it.  0, or an error of the last page: then what was there before stays. */
static int
ask(struct viewer *v)
{
	struct obligations before;
	int n;

	obligations_clear(&v->fresh);
	v->page[0] = '\0';
	v->unreadable = false;
	n = ask_page(v);
	while (n == 0 && v->page[0] != '\0' && !v->unreadable && !reach_stop)
		n = ask_page(v);
	if (n == 0 && !v->unreadable)
		v->unreadable = !obligations_rows(&v->fresh);
	if (n == 0 && !v->unreadable) {
		before = v->owed;
		v->owed = v->fresh;
		v->fresh = before;
	}
	return (n);
}

/* ---- Saying why not -------------------------------------------------------------------------------------------------------------------------- */

static const char *
nobody(bool zh)
{
	return (zh ? "没有程序回答“" SERVICE "”：时限由 estate-escalate 计算，它没有运行。启动：systemctl start estate-worker@escalate；estate ask 列出可查询的服务" :
	    "nobody answers for " SERVICE ": deadlines are estate-escalate's, and it does not run. Start it: systemctl start "
	    "estate-worker@escalate; estate ask lists who answers");
}

static int
failed(struct viewer *v, int n)
{
	if (n == 0) {
		complain("obligations", "the answer is unreadable; is estate-escalate of the same release?");
		return (EXIT_PART);
	}
	if (v->refused && v->fault.code == E_NO_SERVICE && !v->common.json) {
		complain("obligations", "%s", nobody(language_is_zh()));
		return (EXIT_PART);
	}
	return (reach_refused("obligations", &v->common, n, v->refused ? &v->fault : NULL));
}

/* ---- Showing --------------------------------------------------------------------------------------------------------------------------------- */

static unsigned
screen_lines(void)
{
	struct winsize w;

	return (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_row : 0);
}

/* False: nobody reads any more. */
static bool
show(struct viewer *v, const char *trouble)
{
	bool screen = v->watch && isatty(STDOUT_FILENO);
	bool chosen = v->role != NULL || v->subject != NULL || v->rule != NULL || v->within != INT64_MIN;
	struct buffer out = { NULL, 0, 0 };
	unsigned columns = paint_columns(), lines = screen ? screen_lines() : 0;
	bool fine;

	if (screen)
		buffer_text(&out, "\033[H\033[2J");
	if (v->common.json)
		obligations_show_json(&out, &v->owed);
	else {
		obligations_show(&out, &v->owed, sitetime_now(), chosen, language_is_zh(), columns, lines > TROUBLE_LINES + 4 ? lines - TROUBLE_LINES : lines);
		/* Several, in a file: one is told from the next. */
		buffer_text(&out, v->watch && !screen ? "\n" : "");
	}
	if (trouble != NULL)
		buffer_printf(&out, "%s%s%s%s", paint(PAINT_RED), language_is_zh() ? "以上不是最新：" : "This is not as it is now: ", trouble, paint(PAINT_OFF));
	fine = fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	buffer_free(&out);
	return (fine);
}

/* ---- Watching -------------------------------------------------------------------------------------------------------------------------------- */

static void
on_event(void *user, const struct estate_event *event)
{
	struct viewer *v = user;

	v->changed = event->seq;
	if (v->changed_at == 0)
		v->changed_at = sitetime_now();
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct viewer *v = user;

	v->fault = *f;
	v->refused = v->ended = true;
}

/* Nothing is asked while nothing changes; only the time that is left is counted on, each minute. */
static int
watch(struct viewer *v)
{
	const char *types[] = { "obligation.*", "case.escalated", "case.acknowledged", "case.snoozed", "case.suspended", "case.resumed", NULL };
	struct estate_subscribe_options so = { .from = ESTATE_FROM_NEW, .types = types, .user = v, .on_event = on_event, .on_ended = on_ended };
	const char *trouble = NULL;
	int64_t now, shown, wait;
	int n;

	if ((n = estate_subscribe(v->e, &so, NULL)) != 0)
		return (reach_refused("obligations", &v->common, n, NULL));
	if ((n = ask(v)) != 0 || v->unreadable)
		return (failed(v, n));
	while (show(v, trouble)) {
		shown = sitetime_now();
		while (!v->ended && !reach_stop) {
			now = sitetime_now();
			wait = v->changed_at != 0 ? v->changed_at + SETTLE_NS - now : MINUTE_NS - (now - shown);
			if (wait <= 0)
				break;
			if (estate_pump(v->e, (int)(wait / 1000000) + 1) < 0)
				return (EXIT_UNREACHED);
		}
		if (v->ended)
			return (reach_refused("obligations", &v->common, v->fault.code, &v->fault));
		if (reach_stop)
			return (0);
		/* Lines are for programs: without a change there is nothing to tell. */
		if (v->changed_at == 0 && trouble == NULL) {
			if (!isatty(STDOUT_FILENO))
				continue;
		} else {
			v->changed_at = 0;
			n = ask(v);
			trouble = n == 0 && !v->unreadable ? NULL : v->refused && v->fault.code == E_NO_SERVICE ? nobody(language_is_zh()) : v->refused ?
			    v->fault.text : n != 0 ? phrase(estate_error_text(n)) : phrase("the answer is unreadable");
			if (trouble != NULL && !isatty(STDOUT_FILENO))
				return (failed(v, n));
		}
	}
	return (0);
}

static int
run(struct viewer *v)
{
	struct estate_options o = { .user = v };
	int n;

	if ((v->e = reach_open("obligations", &v->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("obligations", &v->common, v->e)) == 0) {
		if (v->watch)
			n = watch(v);
		else if ((n = ask(v)) != 0 || v->unreadable)
			n = failed(v, n);
		else
			show(v, NULL);
	}
	estate_close(v->e);
	return (n);
}

/* ---- Options --------------------------------------------------------------------------------------------------------------------------------- */

/* "30min", "2h", "3d". */
static bool
take_span(struct viewer *v, const char *text)
{
	static const struct { const char *unit; int64_t ns; } units[] = {
		{ "s", 1000000000 }, { "min", MINUTE_NS }, { "m", MINUTE_NS }, { "h", 60 * MINUTE_NS }, { "d", 24 * 60 * MINUTE_NS },
	};
	char *end;
	long long n = strtoll(text, &end, 10);

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end != text && n >= 0 && n <= 100000 && strcmp(end, units[i].unit) == 0) {
			v->within = n * units[i].ns;
			return (true);
		}
	usage_error("obligations", "--due-within: %s is no span; 30min, 2h or 3d is", text);
	return (false);
}

static bool
take_id(const char **to, const char *option, const char *text)
{
	if (id_valid(text, strlen(text))) {
		*to = text;
		return (true);
	}
	usage_error("obligations", "%s: \"%s\" is no id: 1 to 64 characters of A-Z a-z 0-9 . _ : / -", option, text);
	return (false);
}

int
cmd_obligations(int argc, char **argv)
{
	enum { ROLE = OPTION_OWN, SUBJECT, RULE, DUE_WITHIN, OVERDUE, WATCH, NO_COLOR };
	static const struct option options[] = {
		{ "role", required_argument, NULL, ROLE },
		{ "subject", required_argument, NULL, SUBJECT },
		{ "rule", required_argument, NULL, RULE },
		{ "due-within", required_argument, NULL, DUE_WITHIN },
		{ "overdue", no_argument, NULL, OVERDUE },
		{ "watch", no_argument, NULL, WATCH },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct viewer v = { .within = INT64_MIN };
	bool no_color = false, overdue = false;
	int c, r;

	common_init(&v.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&v.common, c, "obligations", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if ((c == ROLE && !take_id(&v.role, "--role", optarg)) || (c == SUBJECT && !take_id(&v.subject, "--subject", optarg)) ||
		    (c == RULE && !take_id(&v.rule, "--rule", optarg)) || (c == DUE_WITHIN && !take_span(&v, optarg)))
			return (EXIT_USAGE);
		overdue |= c == OVERDUE;
		v.watch |= c == WATCH;
		no_color |= c == NO_COLOR;
	}
	if (optind < argc)
		return (usage_error("obligations", "what is %s? One case: --subject %s", argv[optind], argv[optind]));
	if (overdue && v.within != INT64_MIN)
		return (usage_error("obligations", "--overdue and --due-within exclude each other: --due-within shows what is overdue, too"));
	if (overdue)
		v.within = 0;
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	r = run(&v);
	obligations_free(&v.owed);
	obligations_free(&v.fresh);
	return (r);
}
