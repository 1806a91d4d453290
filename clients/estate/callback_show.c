/* estate callback show, quota: all about one; how a month stands. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agenda.h"
#include "callback_verbs.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "rfc3339.h"
#include "sitetime.h"
#include "table.h"
#include "worker.h"

#define GAPS_SHOWN	20u

static const char help_show[] =
"Usage: estate callback show [OPTION...] CALLBACK\n"
"All that happened to one callback: why it is owed, who was to do it, every attempt, extension and reassignment.\n"
"\n"
"      --no-color           no colour\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate callback show C-17/1\n"
"Exit status: 0 done, 1 there is no such callback, or nobody answers, 2 wrong usage, 3 daemon not reached\n";

static const char help_quota[] =
"Usage: estate callback quota [OPTION...]\n"
"How a month stands, per kind: how many there were, how many callbacks are required, done, attempted and open; for the\n"
"repairs how many are expected by the end of the month, and how many should be done by today so that nothing is left\n"
"for the last days. Below it what is missing: of which case or household, and why. n/a: there was nothing.\n"
"\n"
"      --month MONTH        2026-11 (default: the current one)\n"
"      --kind KIND          what is missing of this kind only\n"
"      --all                all that is missing (default: the first 20)\n"
"      --no-color           no colour\n"
COMMON_HELP
"--json prints {\"quota\":[...],\"gaps\":[...],\"seq\":...}.\n"
"\n"
"Examples\n"
"  estate callback quota\n"
"  estate callback quota --month 2026-10 --kind repair --all\n"
"  estate callback quota --json | jq '.quota[] | select(.short) | .kind'\n"
"Exit status: 0 done, 1 nobody answers, or refused, 2 wrong usage, 3 daemon not reached\n";

struct wish {
	struct common common;
	const char *callback, *month, *kind;
	bool all, zh;
	struct estate *e;
	struct answers first, gaps;
};

static struct text
said(const struct event *e, const char *name)
{
	struct text t;

	return (event_text(e, name, &t) ? t : (struct text){ "", 0 });
}

static void
add(struct buffer *b, struct text t, size_t columns)
{
	if (columns > 0)
		paint_cell(b, t.s, t.len, columns);
	else
		paint_clean(b, t.s, t.len, 0);
}

static void
print(struct buffer *b)
{
	fwrite(b->data != NULL ? b->data : "", 1, b->len, stdout);
	buffer_free(b);
}

void
callback_state(struct buffer *b, struct text state, bool zh)
{
	static const char *const words[][2] = { { "planned", "待排" }, { "open", "待访" }, { "done", "已完成" }, { "cancelled", "已取消" }, { "attempted", "未成" } };

	for (size_t i = 0; zh && i < sizeof(words) / sizeof(*words); i++)
		if (mp_equal(state.s, state.len, words[i][0])) {
			buffer_text(b, words[i][1]);
			return;
		}
	paint_clean(b, state.s, state.len, 0);
}

/* ---- One ---- */

static void
show_line(struct buffer *b, const char *en, const char *zh, bool is_zh, const struct event *e, const char *field)
{
	struct text t = said(e, field);
	char when[SITETIME_TEXT];
	int64_t at;

	if (t.len == 0 && !event_instant(e, field, &at))
		return;
	paint_cell(b, is_zh ? zh : en, strlen(is_zh ? zh : en), 12);
	if (event_instant(e, field, &at)) {
		sitetime_local(at, 0, when);
		buffer_text(b, when);
	} else if (strcmp(field, "state") == 0)
		callback_state(b, t, is_zh);
	else if (strcmp(field, "reason") == 0)
		agenda_reason(b, t, is_zh);
	else
		agenda_word(b, field, t, is_zh);
	buffer_text(b, "\n");
}

static void
add_what(struct buffer *b, struct text what, bool zh)
{
	static const char *const words[][2] = {
		{ "due", "应回访" }, { "due_again", "重新应回访" }, { "done", "已回访" }, { "tried", "未接通" }, { "attempted", "未成" }, { "cancelled", "已取消" },
		{ "reassigned", "改派" }, { "extended", "延期" }, { "not_extended", "未延期" }, { "requested", "已提出" }, { "agreed", "已约定" }, { "refused", "拒绝" },
		{ "no_show", "未在家" }, { "visit", "上门" }, { "no_time", "时间无效" }, { "hours", "时段不当" }, { "apart", "与此无关" }, { "own_case", "本人个案" },
		{ "early", "过早" }, { "earlier", "早于事项" }, { "repeated", "重复" }, { "unasked", "未要求" }, { "downgraded", "降级" }, { "taken_back", "已撤回" },
		{ "joined", "并入" },
	};

	for (size_t i = 0; zh && i < sizeof(words) / sizeof(*words); i++)
		if (mp_equal(what.s, what.len, words[i][0])) {
			buffer_text(b, words[i][1]);
			return;
		}
	add(b, what, 0);
}

static void
show_history(struct buffer *b, struct wish *w)
{
	struct table t = { .columns = paint_columns(), .bare = true };
	char when[SITETIME_TEXT];
	struct event note;
	int64_t at, seq;

	/* When, what, by whom, why, the event. */
	for (unsigned i = 0; i < 5; i++)
		table_column(&t, "", TABLE_LEFT, i == 3 ? 1 : 0);
	while (answers_row(&w->first, "history", &note)) {
		struct text by = said(&note, "by"), detail = said(&note, "detail");

		if (!event_instant(&note, "when", &at))
			continue;
		sitetime_local(at, 0, when);
		buffer_text(&t.text, when);
		table_cell(&t, PAINT_OFF);
		add_what(&t.text, said(&note, "what"), w->zh);
		table_cell(&t, PAINT_OFF);
		add(&t.text, by, 0);
		table_cell(&t, PAINT_OFF);
		agenda_reason(&t.text, detail, w->zh);
		table_cell(&t, PAINT_OFF);
		if (event_int(&note, "event", &seq))
			buffer_printf(&t.text, "%" PRId64, seq);
		table_cell(&t, PAINT_DIM);
	}
	table_print(&t, b, 0);
	table_free(&t);
}

static int
show_one(struct wish *w)
{
	struct event e = { .data = { NULL, NULL } };
	struct buffer b = { NULL, 0, 0 };
	int n;

	if ((n = callback_ask(w->callback, estate_log(w->e)->last, &w->common, w->e, &w->first)) != 0)
		return (n);
	e.data = mp_over(w->first.bytes.data, w->first.bytes.len);
	if (w->common.json) {
		json_write(&b, &e.data);
		buffer_text(&b, "\n");
		print(&b);
		return (0);
	}
	buffer_printf(&b, "%s%s%s\n", paint(PAINT_BOLD), w->callback, paint(PAINT_OFF));
	show_line(&b, "kind", "类别", w->zh, &e, "kind");
	show_line(&b, "subject", "单号", w->zh, &e, "subject");
	show_line(&b, "household", "房号", w->zh, &e, "household");
	show_line(&b, "state", "状态", w->zh, &e, "state");
	show_line(&b, "why", "依据", w->zh, &e, "reason");
	show_line(&b, "opens", "最早", w->zh, &e, "opens");
	show_line(&b, "due", "期限", w->zh, &e, "due");
	show_line(&b, "role", "岗位", w->zh, &e, "role");
	show_line(&b, "staff", "回访人", w->zh, &e, "staff");
	show_line(&b, "mode", "方式", w->zh, &e, "mode");
	show_line(&b, "done", "完成", w->zh, &e, "done");
	show_line(&b, "done by", "完成人", w->zh, &e, "done_by");
	show_history(&b, w);
	print(&b);
	return (0);
}

/* ---- A month ---- */

/* The columns of numbers, by what the worker calls them. */
static const struct {
	const char *name, *en, *zh;
} numbers[] = {
	{ "n", "N", "应访" }, { "required", "REQUIRED", "指标" }, { "done", "DONE", "完成" }, { "rate", "RATE%", "率％" }, { "attempted", "TRIED", "已试" },
	{ "open", "OPEN", "待访" }, { "forecast_n", "EXP.N", "预计" }, { "forecast_required", "REQ.", "预计指标" }, { "pace", "PACE", "进度" },
};
#define NUMBERS	(sizeof(numbers) / sizeof(*numbers))

static void
show_kind(struct table *t, const struct wish *w, const struct event *e)
{
	bool is_short = false;
	int64_t n;

	event_bool(e, "short", &is_short);
	agenda_word(&t->text, "kind", said(e, "kind"), w->zh);
	table_cell(t, PAINT_OFF);
	for (size_t i = 0; i < NUMBERS; i++) {
		bool rate = strcmp(numbers[i].name, "rate") == 0, judged = rate || strcmp(numbers[i].name, "done") == 0;

		if (!event_int(e, numbers[i].name, &n))
			buffer_text(&t->text, rate ? "n/a" : "-");
		else if (rate)
			buffer_printf(&t->text, "%" PRId64 ".%" PRId64, n / 10, n % 10);
		else
			buffer_printf(&t->text, "%" PRId64, n);
		table_cell(t, judged && is_short ? PAINT_RED : PAINT_OFF);
	}
	buffer_text(&t->text, is_short ? w->zh ? "不足" : "short" : "");
	table_cell(t, PAINT_RED);
}

static void
show_kinds(struct buffer *b, struct wish *w)
{
	struct table t = { .columns = paint_columns(), .continued = true };
	struct event e;

	table_column(&t, w->zh ? "类别" : "KIND", TABLE_LEFT, 0);
	for (size_t i = 0; i < NUMBERS; i++)
		table_column(&t, w->zh ? numbers[i].zh : numbers[i].en, TABLE_RIGHT, 0);
	table_column(&t, "", TABLE_LEFT, 0);
	while (answers_row(&w->first, "rows", &e))
		show_kind(&t, w, &e);
	table_print(&t, b, 0);
	table_free(&t);
}

static void
show_gaps(struct buffer *b, struct wish *w)
{
	struct table t = { .columns = paint_columns(), .bare = true };
	char due[SITETIME_TEXT];
	struct event e;
	unsigned shown = 0, more = 0;
	int64_t at;

	for (unsigned i = 0; i < 4; i++)
		table_column(&t, "", TABLE_LEFT, i == 3);
	while (answers_row(&w->gaps, "rows", &e)) {
		bool overdue = false;

		if (!w->all && shown == GAPS_SHOWN) {
			more++;
			continue;
		}
		shown++;
		event_bool(&e, "overdue", &overdue);
		add(&t.text, said(&e, "callback"), 0);
		table_cell(&t, overdue ? PAINT_RED : PAINT_OFF);
		add(&t.text, said(&e, "household"), 0);
		table_cell(&t, overdue ? PAINT_RED : PAINT_OFF);
		if (event_instant(&e, "due", &at)) {
			sitetime_due(at, sitetime_now(), due);
			buffer_text(&t.text, due);
		}
		table_cell(&t, overdue ? PAINT_RED : PAINT_OFF);
		agenda_reason(&t.text, said(&e, "reason"), w->zh);
		table_cell(&t, PAINT_OFF);
	}
	if (shown > 0)
		buffer_printf(b, "\n%s%s%s\n", paint(PAINT_BOLD), w->zh ? "未完成" : "Not done yet", paint(PAINT_OFF));
	table_print(&t, b, 0);
	table_free(&t);
	if (more > 0)
		buffer_printf(b, w->zh ? "另有 %u 项；--all 列出全部\n" : "and %u more; --all lists them\n", more);
}

static void
write_rows(struct buffer *b, struct answers *a)
{
	bool first = true;
	struct event e;

	for (; answers_row(a, "rows", &e); first = false) {
		buffer_text(b, first ? "" : ",");
		json_write(b, &e.data);
	}
}

static int
show_month(struct wish *w)
{
	struct question quota = { .verb = "callback", .service = CALLBACK_SERVICE, .name = "quota", .at_least = estate_log(w->e)->last };
	struct question gaps = { .verb = "callback", .service = CALLBACK_SERVICE, .name = "gaps" };
	struct buffer b = { NULL, 0, 0 };
	int n;

	question_text(&quota, "month", w->month);
	question_text(&gaps, "month", w->month);
	question_text(&gaps, "kind", w->kind);
	if ((n = question_ask(&quota, &w->common, w->e, &w->first)) != 0 || (n = question_ask(&gaps, &w->common, w->e, &w->gaps)) != 0)
		return (n);
	if (w->common.json) {
		buffer_text(&b, "{\"quota\":[");
		write_rows(&b, &w->first);
		buffer_text(&b, "],\"gaps\":[");
		write_rows(&b, &w->gaps);
		buffer_printf(&b, "],\"seq\":%" PRIu64 "}\n", w->first.seq);
		print(&b);
		return (0);
	}
	show_kinds(&b, w);
	show_gaps(&b, w);
	print(&b);
	return (0);
}

/* ---- Options ---- */

static int
run(struct wish *w, int (*show)(struct wish *))
{
	struct estate_options o = { .user = w };
	int n;

	if ((w->e = reach_open("callback", &w->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("callback", &w->common, w->e)) == 0)
		n = show(w);
	estate_close(w->e);
	answers_free(&w->first);
	answers_free(&w->gaps);
	return (n);
}

/* -1: go on. */
static int
take_options(struct wish *w, int argc, char **argv, const char *help)
{
	enum { MONTH = OPTION_OWN, KIND, ALL, NO_COLOR };
	static const struct option options[] = {
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		{ "month", required_argument, NULL, MONTH },
		{ "kind", required_argument, NULL, KIND },
		{ "all", no_argument, NULL, ALL },
		COMMON_OPTIONS
	};
	bool no_color = false;
	int c, r;

	w->zh = language_is_zh();
	common_init(&w->common);
	optind = 0;
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&w->common, c, "callback", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		w->month = c == MONTH ? optarg : w->month;
		w->kind = c == KIND ? optarg : w->kind;
		w->all |= c == ALL;
		no_color |= c == NO_COLOR;
	}
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	return (-1);
}

int
callback_show(int argc, char **argv)
{
	struct wish w = { .callback = NULL };
	int r;

	if ((r = take_options(&w, argc, argv, help_show)) != -1)
		return (r);
	if (optind + 1 != argc || w.month != NULL || w.kind != NULL || w.all)
		return (usage_error("callback", "which one? estate callback show C-17/1; estate agenda names them"));
	w.callback = argv[optind];
	return (run(&w, show_one));
}

int
callback_quota(int argc, char **argv)
{
	struct wish w = { .callback = NULL };
	char day[16];
	int r;

	if ((r = take_options(&w, argc, argv, help_quota)) != -1)
		return (r);
	if (optind < argc)
		return (usage_error("callback", "%s is too much: every argument has a name, such as --month 2026-11", argv[optind]));
	if (w.month != NULL && (snprintf(day, sizeof(day), "%.7s-01", w.month), strlen(w.month) != 7 || !rfc3339_date(day, 10, NULL)))
		return (usage_error("callback", "--month: %s is no month; 2026-11 is", w.month));
	return (run(&w, show_month));
}
