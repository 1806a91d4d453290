/*
 * `estate generate`: the events of an invented estate, for trying things out, for rehearsals, tests and benchmarks.
 *
 * The same arguments give the same bytes on every machine.  What happens in the estate is in generate/, a file per noun;
 * this file only reads the arguments and opens the parts in order.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "calendar.h"
#include "calendar_verbs.h"
#include "command.h"
#include "generate/world.h"
#include "language.h"
#include "nearest.h"
#include "verb_help.h"

#define DAYS_MAX	36525u		/* a century */
#define A_MONTH_MAX	1000000u	/* of a kind */
#define PROGRESS_EVERY	(250 * 1000u)	/* events; shorter runs say nothing */

static const char help_text[] =
"usage: estate generate --households N --from DATE --days D --seed S [OPTION...]\n"
"\n"
"Write the events of an invented estate as JSON Lines of CloudEvents 1.0, in the order\n"
"in which a daemon would receive them.  The same arguments give the same bytes, anywhere.\n"
"\n"
"  --households N   1 to 200000; a building has 144\n"
"  --from DATE      first day, YYYY-MM-DD (2000 to 2099), in site time (+08:00)\n"
"  --days D         1 to 36525\n"
"  --seed S         0 or any larger integer: another seed, another history\n"
"  --without PARTS  leave these out, commas between: registry (household.registered: add to an estate that\n"
"                   exists), bills (and payments), contacts (calls, kiosk entries, visits and what they bring),\n"
"                   callbacks (and what follows from them: cases stay open), ratings (and signatures)\n"
"  --no-registry    --without registry\n"
"  --in-home N      N repairs in homes a month, whatever the contacts bring (they bring none then)\n"
"  --complaints N   N complaints a month, likewise\n"
"  --calendar FILE  the office's holidays and make-up days, such as config/calendars/cn.yaml (default: weekends)\n"
"  --out FILE       write there instead of to standard output\n"
"\n"
"What a thousand households bring on an average day:\n"
"  calls 50 (7 % abandoned; half of those are owed a call)   kiosk entries 40   online 15   visits 8\n"
"  repairs 20 (assigned, finished, 3 of 4 rated)   complaints 3   emergencies 0.6\n"
"  staff of three shifts and of the office coming and going\n"
"and on the 1st of each month from 09:00 the bills, four to five a household, due on the 20th:\n"
"  83 % of the households pay in time, 13 % late, 4 % months late or never;\n"
"  of the payments 3 % are partial, 0.5 % made twice.\n"
"Mornings and evenings are busy, nights quiet, weekends different.\n"
"\n"
"Rules are broken too: 10 % of the complaints get their first reply late, 8 % of the callbacks\n"
"to complaints and 12 % of those after repairs come late, 8 % of the questions to the lead are\n"
"answered after five minutes, 3 % of the visits had no appointment, and some are never reached.\n"
"\n"
"The network is not perfect either:\n"
"  1 %    of the lines are sent again, byte by byte, as a client does that missed the answer\n"
"  1 %    are overtaken by one to four later lines, by less than a minute\n"
"  0.5 %  come hours late, from a kiosk that was offline; `time` says when the button was pressed\n"
"Cases still open on the last evening stay open.\n"
"\n"
"All names, numbers and texts are made up: 业主3-2-1201, telephone 000-0302-1201.\n"
"\n"
"examples\n"
"  estate generate --households 1000 --from 2026-11-01 --days 30 --seed 1 --out november.jsonl\n"
"  estate generate --households 300 --from 2026-01-01 --days 365 --seed 7 | estate put > acks.jsonl\n"
"  estate generate --households 3000 --from 2026-01-01 --days 365 --seed 1 --calendar config/calendars/cn.yaml \\\n"
"      --in-home 250 --complaints 40 --without contacts,bills,callbacks,ratings > year.jsonl     for --respond\n"
"  estate generate --households 50 --from 2026-11-01 --days 1 --seed 1 | grep complaint.opened\n"
"\n"
"exit status: 0 written, 1 cut short, 2 wrong usage, 3 could not open FILE\n";

struct options {
	struct plan plan;
	struct calendar *calendar;
	const char *out;
};

static const char *const parts[PARTS] = { [PART_REGISTRY] = "registry", [PART_BILLS] = "bills", [PART_CONTACTS] = "contacts",
    [PART_CALLBACKS] = "callbacks", [PART_RATINGS] = "ratings" };

/* Plain decimal digits within lo..hi: 0, otherwise -1. */
static int
parse_number(const char *text, uint64_t lo, uint64_t hi, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return (-1);
	errno = 0;
	*value = strtoull(text, &end, 10);
	return (errno != 0 || *end != '\0' || *value < lo || *value > hi ? -1 : 0);
}

static int
parse_from(const char *text, int64_t *day)
{
	int64_t first, last;

	/* An id begins with its time, which has no room for what was before 1970. */
	civil_parse("2000-01-01", &first);
	civil_parse("2099-12-31", &last);
	return (civil_parse(text, day) == 0 && *day >= first && *day <= last ? 0 : -1);
}

enum option_id { OPT_HOUSEHOLDS = 1, OPT_FROM, OPT_DAYS, OPT_SEED, OPT_NO_REGISTRY, OPT_WITHOUT, OPT_IN_HOME, OPT_COMPLAINTS, OPT_CALENDAR, OPT_OUT,
    OPT_HELP };

static const struct option long_options[] = {
	{ "households", required_argument, NULL, OPT_HOUSEHOLDS },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "days", required_argument, NULL, OPT_DAYS },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "no-registry", no_argument, NULL, OPT_NO_REGISTRY },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "in-home", required_argument, NULL, OPT_IN_HOME },
	{ "complaints", required_argument, NULL, OPT_COMPLAINTS },
	{ "calendar", required_argument, NULL, OPT_CALENDAR },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 }
};

static int
take_parts(struct plan *p, const char *list)
{
	struct nearest near;
	char word[32];
	unsigned i;

	for (size_t len; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		nearest_begin(&near, word, strlen(word));
		for (i = 0; i < PARTS && strcmp(word, parts[i]) != 0; i++)
			nearest_offer(&near, parts[i]);
		if (i == PARTS)
			return (usage_error("generate", "--without %s: there is no such part%s%s%s; there are registry, bills, contacts, callbacks and ratings", word,
			    near.best != NULL ? phrase("; did you mean ") : "", near.best != NULL ? near.best : "", near.best != NULL ? phrase("?") : ""));
		p->without[i] = true;
	}
	return (0);
}

/* One option.  0, or the exit status after what is wrong was said. */
static int
option_given(struct options *o, int option, const char *arg)
{
	uint64_t n = 0;

	switch (option) {
	case OPT_HOUSEHOLDS:
		if (parse_number(arg, 1, HOUSEHOLDS_MAX, &n) == -1)
			return (usage_error("generate", "--households %s: give a whole number from 1 to %u", arg, HOUSEHOLDS_MAX));
		o->plan.households = (uint32_t)n;
		break;
	case OPT_FROM:
		if (parse_from(arg, &o->plan.first_day) == -1)
			return (usage_error("generate", "--from %s: give a day that exists, from 2000-01-01 to 2099-12-31, such as 2026-11-01", arg));
		break;
	case OPT_DAYS:
		if (parse_number(arg, 1, DAYS_MAX, &o->plan.days) == -1)
			return (usage_error("generate", "--days %s: give a whole number from 1 to %u", arg, DAYS_MAX));
		break;
	case OPT_SEED:
		if (parse_number(arg, 0, UINT64_MAX, &o->plan.seed) == -1)
			return (usage_error("generate", "--seed %s: give a whole number, 0 or larger, below 2^64", arg));
		break;
	case OPT_NO_REGISTRY:
		o->plan.without[PART_REGISTRY] = true;
		break;
	case OPT_WITHOUT:
		return (take_parts(&o->plan, arg));
	case OPT_IN_HOME:
	case OPT_COMPLAINTS:
		if (parse_number(arg, 1, A_MONTH_MAX, &n) == -1)
			return (usage_error("generate", "%s %s: give a whole number from 1 to %u, so many a month", option == OPT_IN_HOME ? "--in-home" : "--complaints", arg,
			    A_MONTH_MAX));
		*(option == OPT_IN_HOME ? &o->plan.in_home : &o->plan.complaints) = (uint32_t)n;
		break;
	case OPT_CALENDAR:
		calendar_free(o->calendar);
		o->calendar = NULL;
		return (calendar_load("generate", arg, &o->calendar));
	case OPT_OUT:
		o->out = arg;
		break;
	}
	return (0);
}

/* All arguments.  -1: go on; otherwise the exit status. */
static int
read_options(struct options *o, int argc, char **argv)
{
	bool given[OPT_HELP + 1] = { false };
	int option, status;

	*o = (struct options){ .out = NULL };
	optind = 0;		/* start afresh, whatever the caller has parsed already */
	while ((option = next_option(argc, argv, "", long_options)) != -1) {
		if (option == OPT_HELP) {
			help_print(help_text);
			return (fflush(stdout) == 0 ? 0 : 1);
		}
		if (option == '?')
			return (option_error("generate"));
		given[option] = true;
		if ((status = option_given(o, option, optarg)) != 0)
			return (status);
	}
	if (optind < argc)
		return (usage_error("generate", "%s is too much; every argument has a name, such as --households 1000", argv[optind]));
	for (int i = OPT_HOUSEHOLDS; i <= OPT_SEED; i++)
		if (!given[i])
			return (usage_error("generate", "--%s is missing; for example: --households 1000 --from 2026-11-01 --days 30 --seed 1",
			    long_options[i - 1].name));
	return (-1);
}

/* Once a day of the run, for whoever waits at a terminal. */
static void
day_begins(struct world *w, struct story *s)
{
	char date[CIVIL_DATE_SIZE];

	civil_date(date, w->now / DAY);
	if (w->events >= PROGRESS_EVERY)
		fprintf(stderr, phrase("\r%s  %.1f million events "), date, (double)w->events / 1e6);
	world_at(w, w->now + DAY, day_begins, s);
}

static void
generate(const struct options *o, FILE *out)
{
	bool watched = isatty(STDERR_FILENO) && !isatty(fileno(out));
	struct world *w;

	if ((w = malloc(sizeof(*w))) == NULL)
		err(1, "generate: memory");
	world_open(w, &o->plan, out);
	if (!o->plan.without[PART_REGISTRY])
		registry_begin(w);
	shifts_begin(w);
	if (!o->plan.without[PART_BILLS])
		fees_begin(w);
	arrivals_begin(w);
	if (watched)
		world_at(w, w->begin, day_begins, &(struct story){ .household = NOBODY });
	world_run(w);
	if (watched && w->events >= PROGRESS_EVERY)
		fputs("\r\033[K", stderr);
	world_close(w);
	free(w);
}

int
cmd_generate(int argc, char **argv)
{
	const char *name;
	struct options o;
	FILE *out = stdout;
	int status, failed;

	if ((status = read_options(&o, argc, argv)) != -1)
		return (status);
	o.plan.calendar = o.calendar;
	name = o.out != NULL ? o.out : "standard output";
	if (o.out != NULL && (out = fopen(o.out, "w")) == NULL) {
		warn("generate: open %s for writing", name);
		return (3);
	}
	generate(&o, out);
	calendar_free(o.calendar);
	failed = ferror(out);
	if ((o.out != NULL ? fclose(out) : fflush(out)) != 0 || failed) {
		warn("generate: write to %s; what is there is cut short", name);
		return (1);
	}
	return (0);
}
