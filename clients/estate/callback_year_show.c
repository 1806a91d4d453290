/* estate callback year: the table of a year, from a log. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "callback_verbs.h"
#include "callback_year.h"
#include "jsonl.h"
#include "language.h"
#include "lines.h"
#include "paint.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate callback year [OPTION...] FILE|-\n"
"The callbacks of a year month by month, counted from a log alone: lines of estate tail --json, or what a rehearsal writes with\n"
"--log. Repairs belong to the month in which they were finished; n/a: there was none.\n"
"\n"
"  REPAIRS REQ DONE RATE%    works in homes, 30 % of them, called back about, and the rate (Z3)\n"
"  DRAWN NEED ABOVE%         drawn among the satisfied; how many had to be; what is beyond, in points of the repairs\n"
"  LAST5% AFTER              of the drawn that were done: in the month's last five days (Z2); when it was over (Z7)\n"
"  LATE                      those that had to be, done after their due\n"
"  COMPL DONE TRIED          complaints handled: called back, attempted (C3)\n"
"  PLAN TALK                 routine: planned for the month, spoken to (V1)\n"
"  MAX/MEAN                  the busiest assistant's callbacks over the mean\n"
"\n"
"      --no-color           no colour\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate tail --from first --until-end --json | estate callback year -\n"
"  estate-callback --rehearse year.jsonl --config DIR --respond config/respond/callback.yaml --until 2027-01-06 --log - | estate callback year -\n"
"  estate callback year whole.jsonl --json | jq '.months[] | select(.done < .required) | .month'\n"
"Exit status: 0 done, 1 a line is no event of a log, 2 wrong usage, 3 could not read\n";

static double
share(unsigned part, unsigned whole)
{
	return (whole > 0 ? 100.0 * part / whole : 0);
}

static double
above(const struct year_month *m)
{
	unsigned needed = year_needed(m);

	return (share(m->drawn > needed ? m->drawn - needed : 0, m->repairs));
}

static double
spread(const struct year_month *m)
{
	return (m->all > 0 ? (double)m->most * m->staff / m->all : 1);
}

void
year_show(struct buffer *b, struct year *y, bool zh)
{
	size_t count;
	const struct year_month *m = year_months(y, &count);
	struct year_totals t = year_sum(y);

	buffer_printf(b, "%s%s%s\n", paint(PAINT_DIM), zh ?
	    "月份     入户维修 指标  回访   率％  抽访  需抽 超点 末5日％ 月后  逾期  投诉 完成 未成  计划 已访 最忙/均值" :
	    "MONTH    REPAIRS  REQ  DONE  RATE% DRAWN  NEED ABOVE% LAST5% AFTER LATE  COMPL DONE TRIED  PLAN TALK MAX/MEAN", paint(PAINT_OFF));
	for (size_t i = 0; i < count; i++, m++) {
		bool low = m->done < year_required(m);

		buffer_printf(b, "%04d-%02d  %7u %4u %s%5u", m->month / 12, m->month % 12 + 1, m->repairs, year_required(m), paint(low ? PAINT_RED : PAINT_OFF), m->done);
		if (m->repairs > 0)
			buffer_printf(b, " %6.1f", share(m->done, m->repairs));
		else
			buffer_text(b, "    n/a");
		buffer_printf(b, "%s %5u %5u %6.1f %6.1f %5u %4u  %5u %4u %5u %5u %4u %8.2f\n", paint(PAINT_OFF), m->drawn, year_needed(m), above(m), share(m->last, m->drawn_done),
		    m->after, m->late, m->complaints, m->complaints_done, m->complaints_attempted, m->planned, m->talked, spread(m));
	}
	buffer_printf(b, zh ? "\n住户：在住 %u，已访 %u，未成 %u，缺 %u；投诉未结 %u\n违规：本人经办 C4 %u，未约上门 V4 %u，拨打过密 %u；超出联系频次 %u\n" :
	    "\nhouseholds that live there %u: spoken to %u, attempted %u, missing %u; complaints still open %u\n"
	    "breaches that were said: own case (C4) %u, visit without agreement (V4) %u, dialled too often %u; contacts beyond the budget %u\n",
	    t.owed, t.spoken, t.attempted, t.owed - t.spoken - t.attempted, t.open, t.own_case, t.unagreed, t.dials, t.budget);
}

void
year_json(struct buffer *b, struct year *y)
{
	size_t count;
	const struct year_month *m = year_months(y, &count);
	struct year_totals t = year_sum(y);

	buffer_text(b, "{\"months\":[");
	for (size_t i = 0; i < count; i++, m++) {
		buffer_printf(b, "%s{\"month\":\"%04d-%02d\",\"repairs\":%u,\"required\":%u,\"done\":%u,\"drawn\":%u,\"needed\":%u,\"drawn_done\":%u,\"last5\":%u,\"after\":%u",
		    i > 0 ? "," : "", m->month / 12, m->month % 12 + 1, m->repairs, year_required(m), m->done, m->drawn, year_needed(m), m->drawn_done, m->last, m->after);
		buffer_printf(b, ",\"late\":%u,\"complaints\":%u,\"complaints_done\":%u,\"complaints_attempted\":%u,\"planned\":%u,\"talked\":%u,\"staff\":%u,\"most\":%u,\"all\":%u}",
		    m->late, m->complaints, m->complaints_done, m->complaints_attempted, m->planned, m->talked, m->staff, m->most, m->all);
	}
	buffer_printf(b, "],\"households\":%u,\"spoken\":%u,\"attempted\":%u,\"complaints_open\":%u,\"own_case\":%u,\"unagreed\":%u,\"dials\":%u,\"budget\":%u}\n", t.owed, t.spoken,
	    t.attempted, t.open, t.own_case, t.unagreed, t.dials, t.budget);
}

/* ---- Reading ---- */

static int
read_lines(struct year *y, int fd, const char *name)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct jsonl line = { .bytes = NULL };
	struct event e;
	struct lines in;
	const char *s;
	size_t len;
	int r = 0;

	lines_init(&in, fd);
	for (bool on = true; on && r == 0;)
		switch (lines_next(&in, &s, &len)) {
		case LINES_ONE:
			if (len == 0)
				break;
			if (!jsonl_pack(&line, s, len) || !line.numbered || !event_peek(&e, line.bytes, line.len)) {
				complain("callback", "%s:%" PRIu64 ": no event of a log; estate tail --json writes them, and a rehearsal with --log", name, in.number);
				r = EXIT_PART;
			} else
				year_take(y, &e, line.log_time);
			break;
		case LINES_WAIT:
			poll(&p, 1, -1);
			if (lines_fill(&in) != 0) {
				complain("callback", "%s: %s", name, phrase(strerror(errno)));
				r = EXIT_UNREACHED;
			}
			break;
		case LINES_LONG:
			complain("callback", "%s:%" PRIu64 ": longer than any event", name, in.number);
			r = EXIT_PART;
			break;
		case LINES_END:
			on = false;
		}
	lines_free(&in);
	jsonl_free(&line);
	return (r);
}

int
callback_year(int argc, char **argv)
{
	enum { NO_COLOR = OPTION_OWN };
	static const struct option options[] = { { "no-color", no_argument, NULL, NO_COLOR }, { "no-colour", no_argument, NULL, NO_COLOR }, COMMON_OPTIONS };
	struct buffer out = { NULL, 0, 0 };
	bool no_color = false, standard;
	struct common common;
	int c, r, fd = STDIN_FILENO;
	struct year *y;

	common_init(&common);
	optind = 0;
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&common, c, "callback", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		no_color = true;
	}
	if (optind + 1 != argc)
		return (usage_error("callback", "which log? estate callback year FILE, or - for standard input"));
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	standard = strcmp(argv[optind], "-") == 0;
	if (!standard && (fd = open(argv[optind], O_RDONLY | O_CLOEXEC)) < 0) {
		complain("callback", "%s: %s", argv[optind], phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	y = year_new();
	if ((r = read_lines(y, fd, standard ? "standard input" : argv[optind])) == 0) {
		if (common.json)
			year_json(&out, y);
		else
			year_show(&out, y, language_is_zh());
		fwrite(out.data, 1, out.len, stdout);
	}
	buffer_free(&out);
	year_free(y);
	if (!standard)
		close(fd);
	return (r);
}
