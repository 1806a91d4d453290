/* estate report: what the department is measured on. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "estate.h"
#include "language.h"
#include "paint.h"
#include "period.h"
#include "report.h"
#include "report_flow.h"
#include "serials.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate report NAME [OPTION...]\n"
"       estate report list | versions [REPORT] | serials [--period PERIOD]\n"
"       estate report REPORT [--version N] [OPTION...]\n"
"       estate report submit | review | approve | reject | distribute REPORT --by STAFF [OPTION...]\n"
"A report, or one measure, of a period: how many of how many, the share, how long it took. Each figure is two whole\n"
"numbers; shares are cut to two decimals, never rounded; n/a where there was nothing. NAME: estate report list.\n"
"\n"
"      --period PERIOD      a month, quarter, half-year or year: 2026-10, 2026-Q4, 2026-H2, 2026 (default: this month)\n"
"      --by DIMENSION       kind, building, staff, category, ...: what a measure goes by, the list tells\n"
"      --months             each month on its own\n"
"      --format FORMAT      table (default), csv for spreadsheets, json, html: a page to print, with charts\n"
"      --as-of TIME         as it was known then: a date (to its end), or an instant\n"
"      --seq NUMBER         as it was known by this event\n"
"      --explain            what is behind each figure: every case, household or call, and its events by number;\n"
"                           + counts, - is missing; estate get NUMBER shows one\n"
"      --value VALUE        with --explain: of this value of the dimension only\n"
"      --version N          of a report that is owed, the newest without: as it was generated, and what has changed since\n"
"      --no-color           no colour\n"
"\n"
"When a month is over, the reports that somebody must see are generated; their figures stay those of that instant. They\n"
"are submitted, reviewed, approved or rejected, distributed; one that is rejected is generated anew, as the next version.\n"
"serials: receipts, invoices and cards, register by register: what was handed out, what is void, missing or there twice.\n"
"REPORT is NAME/PERIOD, such as complaints/2026-10; estate report versions lists them.\n"
"\n"
"      --by STAFF           who decides\n"
"      --role ROLE          in which role: cs_lead, site_manager, mgmt_rep, ...\n"
"      --reason TEXT        with reject: what has to be mended\n"
"      --to TEXT            with distribute: who got it\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate report callbacks --period 2026-10\n"
"  estate report first_reply --period 2026-H1 --by staff\n"
"  estate report complaints --period 2026-10                 the Pareto table\n"
"  estate report repair_callbacks --period 2026-10 --by building --value 3 --explain\n"
"  estate report survey --period 2026-06 --as-of 2026-07-05 --format csv > survey.csv\n"
"  estate report complaints --period 2026-10 --format html > page.html\n"
"  estate report submit complaints/2026-10 --by lead-1\n"
"  estate report reject complaints/2026-10 --by manager-1 --reason 缺少回访分析\n"
"  estate report complaints/2026-10 --version 1 --format html > page.html\n"
"  estate report callbacks --json | jq '.sections[] | select(.reached == false) | .measure'\n"
"Exit status: 0 done, 1 there is no such report, or nobody answers, 2 wrong usage, 3 daemon not reached\n";

enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON, FORMAT_HTML, FORMATS };
static const char *const formats[] = { "table", "csv", "json", "html" };

struct wish {
	struct common common;
	struct report report;
	const char *value;
	bool explain, zh;
	unsigned format;
	int64_t from, until;		/* of the registers of serials */
	bool owed;			/* it is one that is owed, by its id */
	uint64_t number;		/* of the version; 0: the newest */
	struct report_version version;
	char as_of[SITETIME_TEXT];
	struct report since;		/* of a version: as known now */
};

/* A version's figures, and those of now. */
static int
collect_version(struct wish *w, struct estate *e)
{
	int n;

	if ((n = report_version_find(w->report.name, (int64_t)w->number, &w->common, e, &w->version)) != 0)
		return (n);
	w->report.name = w->version.name;
	w->report.period = w->version.period;
	w->since = w->report;
	if ((n = report_collect(&w->since, &w->common, e)) != 0)
		return (n);
	sitetime_utc_ns(w->version.as_of, w->as_of);
	w->report.as_of = w->as_of;
	return (report_collect(&w->report, &w->common, e));
}

static void
show_since(struct wish *w, struct buffer *out)
{
	struct buffer lines = { NULL, 0, 0 };
	unsigned n = report_changes(&lines, &w->report, &w->since, "\n", w->zh);

	buffer_printf(out, w->zh ? "\n%s此后的更正%s（第 %d 版，%s）\n%s" : "\n%sWhat has changed since%s (version %d, %s)\n%s", paint(PAINT_BOLD), paint(PAINT_OFF), (int)w->version.number,
	    report_state(w->version.state, w->zh), n > 0 ? lines.data : w->zh ? "无\n" : "nothing\n");
	buffer_free(&lines);
}

static int
show(struct wish *w, struct estate *e, struct buffer *out)
{
	int n;

	if (strcmp(w->report.name, "list") == 0)
		return (report_list(&w->common, e, out, w->zh));
	if (strcmp(w->report.name, REPORT_SERIALS) == 0)
		return (serials_tell(&w->common, e, w->from, w->until, out, w->zh));
	if ((n = w->owed ? collect_version(w, e) : report_collect(&w->report, &w->common, e)) != 0)
		return (n);
	if (w->explain)
		return (report_explain(&w->report, w->value, &w->common, e, out, w->zh));
	if (w->common.json)
		report_json(out, &w->report);
	else if (w->format == FORMAT_CSV)
		report_csv(out, &w->report, w->zh);
	else if (w->format == FORMAT_HTML)
		report_html(out, &w->report, w->owed ? &w->version : NULL, w->owed ? &w->since : NULL, w->zh);
	else {
		report_table(out, &w->report, w->zh);
		if (w->owed)
			show_since(w, out);
	}
	return (0);
}

static int
run(struct wish *w)
{
	struct estate_options o = { .user = w };
	struct buffer out = { NULL, 0, 0 };
	struct estate *e;
	int n;

	if ((e = reach_open("report", &w->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("report", &w->common, e)) == 0 && (n = show(w, e, &out)) == 0 &&
	    (fwrite(out.data != NULL ? out.data : "", 1, out.len, stdout) != out.len || fflush(stdout) != 0))
		n = EXIT_UNREACHED;
	estate_close(e);
	buffer_free(&out);
	report_free(&w->report);
	report_free(&w->since);
	return (n);
}

static int
check(struct wish *w, const char *format)
{
	if (format != NULL) {
		for (w->format = 0; w->format < FORMATS && strcmp(format, formats[w->format]) != 0; w->format++)
			;
		if (w->format == FORMATS)
			return (usage_error("report", "--format: %s is none; table, csv, json or html", format));
		w->common.json |= w->format == FORMAT_JSON;
	}
	if (w->explain && (w->format == FORMAT_CSV || w->format == FORMAT_HTML))
		return (usage_error("report", "--explain is shown as a table or as json"));
	if (w->value != NULL && !w->explain)
		return (usage_error("report", "--value goes with --explain"));
	if (w->value != NULL && w->report.by == NULL)
		return (usage_error("report", "--value: of which dimension? --by building --value 3, for instance"));
	if (w->number > 0 && !w->owed)
		return (usage_error("report", "--version: of which one? estate report complaints/2026-10 --version 1; estate report versions lists them"));
	if (w->owed && (w->report.period != NULL || w->report.as_of != NULL || w->report.seq > 0))
		return (usage_error("report", "%s has a period and a time of its own: without --period, --as-of and --seq", w->report.name));
	if (w->report.period != NULL && !period_span(w->report.period, &w->from, &w->until))
		return (usage_error("report", "--period: %s is none; 2026-10, 2026-Q4, 2026-H2 or 2026 is", w->report.period));
	return (0);
}

int
cmd_report(int argc, char **argv)
{
	enum { PERIOD = OPTION_OWN, BY, MONTHS, FORMAT, AS_OF, SEQ, EXPLAIN, VALUE, VERSION, NO_COLOR };
	static const struct option options[] = {
		{ "period", required_argument, NULL, PERIOD },
		{ "by", required_argument, NULL, BY },
		{ "months", no_argument, NULL, MONTHS },
		{ "format", required_argument, NULL, FORMAT },
		{ "as-of", required_argument, NULL, AS_OF },
		{ "seq", required_argument, NULL, SEQ },
		{ "explain", no_argument, NULL, EXPLAIN },
		{ "value", required_argument, NULL, VALUE },
		{ "version", required_argument, NULL, VERSION },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct wish w = { .zh = language_is_zh() };
	const char *format = NULL;
	bool no_color = false;
	uint64_t seq = 0;
	int c, r;

	if (argc > 1 && report_is_step(argv[1]))
		return (report_flow(argc - 1, argv + 1, help));
	common_init(&w.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&w.common, c, "report", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == SEQ && !argument_number("report", "--seq", optarg, 1, INT64_MAX, &seq))
			return (EXIT_USAGE);
		if (c == VERSION && !argument_number("report", "--version", optarg, 1, 1000000, &w.number))
			return (EXIT_USAGE);
		w.report.period = c == PERIOD ? optarg : w.report.period;
		w.report.by = c == BY ? optarg : w.report.by;
		w.report.split |= c == MONTHS;
		format = c == FORMAT ? optarg : format;
		w.report.as_of = c == AS_OF ? optarg : w.report.as_of;
		w.explain |= c == EXPLAIN;
		w.value = c == VALUE ? optarg : w.value;
		no_color |= c == NO_COLOR;
	}
	w.report.seq = (int64_t)seq;
	if (optind >= argc)
		return (usage_error("report", "which one? estate report list names them"));
	if (optind + 1 < argc)
		return (usage_error("report", "%s is too much: one report at a time", argv[optind + 1]));
	w.report.name = argv[optind];
	w.owed = strchr(w.report.name, '/') != NULL;
	if (!sitetime_init())
		return (EXIT_USAGE);
	w.until = INT64_MAX;		/* without a period: all there is */
	if ((r = check(&w, format)) != 0)
		return (r);
	paint_init(no_color || w.format == FORMAT_HTML);
	return (run(&w));
}
