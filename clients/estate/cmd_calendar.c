/* estate calendar: when is it due, what does a year look like, and how does next year's notice get in? */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "calendar_verbs.h"
#include "command.h"
#include "json.h"
#include "language.h"
#include "lines.h"
#include "paint.h"
#include "rfc3339.h"
#include "sitetime.h"
#include "verb_help.h"

#define EXIT_PART	1
#define EXIT_USAGE	2
#define EXIT_UNREACHED	3

#define OUT_BYTES	(64u << 10)

static const char help[] =
"Usage: estate calendar due --mode MODE --n N [--at TIME|-] [OPTION...]\n"
"       estate calendar show [YEAR] [OPTION...]\n"
"       estate calendar import FILE...\n"
"Business time: working days and hours, holidays, and the weekends that are worked instead (调休).\n"
"\n"
"  due         when something opened at TIME is due at the latest; what happens at that very instant is in time\n"
"  show        a year, month by month\n"
"  import      a calendar from published days in JSON: {\"days\":[{\"date\",\"name\",\"isOffDay\"}]} a year, or\n"
"              {\"days\":{DATE:{\"off\",\"name\",\"notice_year\"}}}; a year without days comes out as provisional\n"
"\n"
"      --mode MODE          eod      the end of the Nth working day after the day of opening\n"
"                           same     the same time of day, N working days later; an opening outside the hours moves\n"
"                                    to the next instant within them\n"
"                           hours    when N of working time is used up: 9h, 90min\n"
"                           days     the end of the Nth day after, whatever days they are\n"
"                           elapsed  N later: 5min, 2h, 3d\n"
"      --n N                how much of it\n"
"      --roll               days: a last day off moves to the next working day (民法典 203)\n"
"      --close              eod, days: at the closing hour of the last day, not at midnight\n"
"      --at TIME            the opening: 2026-11-25T13:20:00+08:00, or 2026-11-25 13:20 by the site's clock (default: now);\n"
"                           - reads one a line from standard input and writes one due a line\n"
"      --explain            due: the days that were counted, and why the others were not\n"
"      --calendar FILE      (default: $ESTATE_CALENDAR, else " CALENDAR_FILE_DEFAULT ")\n"
"      --no-color           no colours\n"
"      --json               for programs\n"
"      --help               this text\n"
"\n"
"A due that relied on a year without a notice is followed by a tab and `provisional`: it may change with the notice.\n"
"From standard input, a line that is no instant is named on standard error, leaves an empty line, and the others go on.\n"
"\n"
"Examples\n"
"  estate calendar due --mode eod --n 1\n"
"  estate calendar due --mode hours --n 9h --at '2026-09-30 16:00' --explain\n"
"  estate calendar due --mode days --n 15 --roll --at - < openings.txt > dues.txt\n"
"  estate calendar show 2026 --calendar config/calendars/cn.yaml\n"
"  estate calendar import 2027.json          its block below `years:` replaces the provisional year\n"
"Exit status: 0 done, 1 some lines refused or out of range, 2 wrong usage or a calendar with a mistake,\n"
"3 could not read or write\n";

struct wish {
	const char *file, *at, *mode, *n;
	bool json, explain;
	struct calendar_term term;
	struct calendar *calendar;
	struct buffer out;
	uint64_t refused;
};

void
calendar_add_date(struct buffer *b, int64_t day)
{
	unsigned month, of_month;
	int64_t year;

	rfc3339_civil(day, &year, &month, &of_month);
	buffer_printf(b, "%04" PRId64 "-%02u-%02u", year, month, of_month);
}

const char *
calendar_weekday(int64_t day, bool zh)
{
	static const char *const names[][2] = {
		{ "Thu", "周四" }, { "Fri", "周五" }, { "Sat", "周六" }, { "Sun", "周日" }, { "Mon", "周一" }, { "Tue", "周二" }, { "Wed", "周三" }
	};

	return (names[(day % 7 + 7) % 7][zh]);
}

static int
load(struct wish *w)
{
	return (calendar_load("calendar", w->file, &w->calendar));
}

/* ---- due ---- */

static int
flush(struct wish *w)
{
	if (w->out.len > 0 && (fwrite(w->out.data, 1, w->out.len, stdout) != w->out.len || fflush(stdout) != 0)) {
		if (errno != EPIPE)
			complain("calendar", "cannot write: %s", phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	buffer_clear(&w->out);
	return (0);
}

static void
add_due(struct wish *w, int64_t opened, const struct calendar_due *d)
{
	char at[CALENDAR_INSTANT_SIZE], due[CALENDAR_INSTANT_SIZE];
	size_t len = calendar_write_instant(w->calendar, d->at, due);

	if (!w->json) {
		buffer_add(&w->out, due, len);
		buffer_text(&w->out, d->provisional ? "\tprovisional\n" : "\n");
		return;
	}
	calendar_write_instant(w->calendar, opened, at);
	buffer_printf(&w->out, "{\"at\":\"%s\",\"due\":\"%s\",\"day\":\"", at, due);
	calendar_add_date(&w->out, d->last_day);
	buffer_printf(&w->out, "\",\"provisional\":%s", d->provisional ? "true" : "false");
	if (w->explain) {
		buffer_text(&w->out, ",\"days\":");
		calendar_add_steps_json(&w->out, w->calendar, &w->term, opened);
	}
	buffer_text(&w->out, "}\n");
}

/* One opening as text.  NULL, or what is wrong with it. */
static const char *
answer(struct wish *w, const char *text, size_t len)
{
	struct calendar_due d;
	int64_t opened;

	if (!calendar_read_instant(w->calendar, text, len, &opened))
		return ("is no instant: write 2026-11-25T13:20:00+08:00, or 2026-11-25 13:20 by the site's clock");
	if (!calendar_due(w->calendar, &w->term, opened, &d))
		return ("or its due lies outside the years 1970 to 2100");
	if (w->explain && !w->json)
		calendar_show_steps(&w->out, w->calendar, &w->term, opened, language_is_zh());
	else
		add_due(w, opened, &d);
	return (NULL);
}

static void
refuse(struct wish *w, uint64_t number, const char *line, size_t len, const char *why)
{
	struct buffer b = { NULL, 0, 0 };

	w->refused++;
	buffer_text(&w->out, "\n");
	if (w->json) {
		buffer_printf(&b, "{\"line\":%" PRIu64 ",\"text\":", number);
		json_write_text(&b, line, len < 80 ? len : 80);
		buffer_text(&b, ",\"error\":");
		json_write_text(&b, why, strlen(why));
		buffer_text(&b, "}\n");
	} else {
		buffer_printf(&b, "stdin:%" PRIu64 ": \"", number);
		paint_clean(&b, line, len, 40);
		buffer_printf(&b, "\" %s\n", why);
	}
	fwrite(b.data, 1, b.len, stderr);
	buffer_free(&b);
}

static int
due_lines(struct wish *w)
{
	enum lines_result got;
	struct lines in;
	const char *line, *why;
	size_t len;
	int r = 0;

	lines_init(&in, STDIN_FILENO);
	while (r == 0 && (got = lines_next(&in, &line, &len)) != LINES_END) {
		if (got == LINES_WAIT) {
			if ((r = flush(w)) == 0 && lines_fill(&in) != 0) {
				complain("calendar", "cannot read standard input: %s", phrase(strerror(errno)));
				r = EXIT_UNREACHED;
			}
			continue;
		}
		if (got == LINES_LONG) {
			refuse(w, in.number, "", 0, "is far too long for an instant");
			continue;
		}
		if (len > 0 && line[len - 1] == '\r')
			len--;
		if ((why = answer(w, line, len)) != NULL)
			refuse(w, in.number, line, len, why);
		if (w->out.len >= OUT_BYTES)
			r = flush(w);
	}
	lines_free(&in);
	if (r == 0)
		r = flush(w);
	return (r != 0 ? r : w->refused > 0 ? EXIT_PART : 0);
}

static int
due_one(struct wish *w)
{
	char now[CALENDAR_INSTANT_SIZE];
	const char *why;

	if (w->at == NULL || strcmp(w->at, "now") == 0) {
		calendar_write_instant(w->calendar, sitetime_now(), now);
		w->at = now;
	}
	if ((why = answer(w, w->at, strlen(w->at))) == NULL)
		return (flush(w));
	complain("calendar", "\"%s\" %s", w->at, why);
	return (EXIT_PART);
}

static int
due(struct wish *w)
{
	char why[300];
	int r;

	if (w->mode == NULL || w->n == NULL)
		return (usage_error("calendar", "due needs --mode and --n"));
	if ((w->term.mode = calendar_mode_read(w->mode, why, sizeof(why))) == CALENDAR_MODES || calendar_term_read(&w->term, w->n, why, sizeof(why)) != 0)
		return (usage_error("calendar", "%s", why));
	if (w->term.roll && w->term.mode != CALENDAR_DAYS)
		return (usage_error("calendar", "--roll belongs to --mode days"));
	if (w->term.close && w->term.mode != CALENDAR_DAYS && w->term.mode != CALENDAR_EOD)
		return (usage_error("calendar", "--close belongs to --mode eod and days"));
	if ((r = load(w)) != 0)
		return (r);
	return (w->at != NULL && strcmp(w->at, "-") == 0 ? due_lines(w) : due_one(w));
}

/* ---- show, import ---- */

static int
show(struct wish *w, const char *word)
{
	int64_t year = 0, day;
	unsigned month, of_month;
	uint64_t wanted;
	int r;

	if (word != NULL && !argument_number("calendar", "YEAR", word, CALENDAR_YEAR_MIN, CALENDAR_YEAR_MAX, &wanted))
		return (EXIT_USAGE);
	if ((r = load(w)) != 0)
		return (r);
	if (word == NULL) {
		if (calendar_day_of(w->calendar, sitetime_now(), &day))
			rfc3339_civil(day, &year, &month, &of_month);
		wanted = (uint64_t)year;
	}
	if (w->json)
		calendar_show_json(&w->out, w->calendar, (unsigned)wanted);
	else
		calendar_show(&w->out, w->calendar, (unsigned)wanted, language_is_zh(), paint_columns());
	return (flush(w));
}

static int
run(struct wish *w, char **words, int count)
{
	int r;

	if (count == 0)
		return (usage_error("calendar", "what? due, show or import"));
	if (strcmp(words[0], "due") == 0) {
		if (count == 2 && strcmp(words[1], "-") == 0 && w->at == NULL)
			w->at = words[1];
		else if (count > 1)
			return (usage_error("calendar", "%s is too much; the opening is given with --at", words[1]));
		return (due(w));
	}
	if (w->mode != NULL || w->n != NULL || w->at != NULL || w->explain || w->term.roll || w->term.close)
		return (usage_error("calendar", "--mode, --n, --at, --roll, --close and --explain belong to due"));
	if (strcmp(words[0], "show") == 0)
		return (count > 2 ? usage_error("calendar", "one year at a time") : show(w, words[1]));
	if (strcmp(words[0], "import") == 0) {
		if (count == 1)
			return (usage_error("calendar", "import which file?"));
		return ((r = calendar_import(&w->out, words + 1, count - 1)) != 0 ? r : flush(w));
	}
	return (usage_error("calendar", "\"%s\" is neither due, show nor import", words[0]));
}

int
cmd_calendar(int argc, char **argv)
{
	enum { MODE = 1000, N, AT, ROLL, CLOSE, EXPLAIN, CALENDAR, NO_COLOR, JSON };
	static const struct option options[] = {
		{ "mode", required_argument, NULL, MODE },
		{ "n", required_argument, NULL, N },
		{ "at", required_argument, NULL, AT },
		{ "roll", no_argument, NULL, ROLL },
		{ "close", no_argument, NULL, CLOSE },
		{ "explain", no_argument, NULL, EXPLAIN },
		{ "calendar", required_argument, NULL, CALENDAR },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "json", no_argument, NULL, JSON },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	struct wish w = { .file = getenv("ESTATE_CALENDAR") };
	bool no_color = false;
	int c, r;

	if (w.file == NULL || *w.file == '\0')
		w.file = CALENDAR_FILE_DEFAULT;
	while ((c = next_option(argc, argv, "h", options)) != -1)
		switch (c) {
		case MODE:
			w.mode = optarg;
			break;
		case N:
			w.n = optarg;
			break;
		case AT:
			w.at = optarg;
			break;
		case ROLL:
			w.term.roll = true;
			break;
		case CLOSE:
			w.term.close = true;
			break;
		case EXPLAIN:
			w.explain = true;
			break;
		case CALENDAR:
			w.file = optarg;
			break;
		case NO_COLOR:
			no_color = true;
			break;
		case JSON:
			w.json = true;
			break;
		case 'h':
			help_print(help);
			return (0);
		default:
			return (option_error("calendar"));
		}
	signal(SIGPIPE, SIG_IGN);
	paint_init(no_color);
	r = run(&w, argv + optind, argc - optind);
	calendar_free(w.calendar);
	buffer_free(&w.out);
	return (r);
}
