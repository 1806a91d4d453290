/* estate agenda: who is to be called back on a day, by whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agenda.h"
#include "command.h"
#include "language.h"
#include "paint.h"
#include "rfc3339.h"
#include "sitetime.h"
#include "worker.h"

#define SERVICE		"callback"
#define DAYS_MAX	31u

static const char help[] =
"Usage: estate agenda [OPTION...]\n"
"Show who is to be called back on a day, by whom, how, and why: what is overdue, what is due, what may be done, agreed\n"
"visits with their hour. Telephone numbers are shown to whoever may see personal data, and masked to everybody else.\n"
"Results are recorded with estate callback.\n"
"\n"
"      --date DATE          that day: 2026-11-25, today (default), tomorrow\n"
"      --days N             and the days behind it (default 1, at most 31)\n"
"      --staff ID           of one staff member\n"
"      --role ROLE          of a role: cs_assistant, cs_lead ...\n"
"      --kind KIND          complaint, repair, routine, call or help\n"
"      --print              as a page for paper (HTML, A4, a sheet each), with room for results and signatures\n"
"      --ics FOLDER|-       as calendars for a telephone: FOLDER/STAFF.ics, written anew whenever you like; what changed\n"
"                           is changed, what is off is cancelled in it. - with --staff: to standard output\n"
"      --no-color           no colour\n"
COMMON_HELP
"--json prints {\"rows\":[...],\"seq\":...}.\n"
"\n"
"Examples\n"
"  estate agenda\n"
"  estate agenda --date tomorrow --staff cs-2\n"
"  estate agenda --print > today.html\n"
"  estate agenda --days 7 --ics /srv/calendars            each morning\n"
"  estate agenda --json | jq -r '.rows[] | select(.overdue) | .callback'\n"
"Exit status: 0 done, 1 nobody answers, or refused, 2 wrong usage, 3 daemon or folder not reached\n";

struct wish {
	struct common common;
	const char *staff, *role, *kind, *ics;
	uint64_t days;
	bool print;
	struct agenda agenda;
	struct estate *e;
};

/* ---- Asking ---- */

static void
date_text(char out[16], int64_t day)
{
	int64_t year;
	unsigned month, d;

	rfc3339_civil(day, &year, &month, &d);
	snprintf(out, 16, "%04d-%02u-%02u", (int)(year % 10000), month, d);
}

static int
ask_days(struct wish *w)
{
	struct agenda *a = &w->agenda;
	char date[16];
	int n = 0;

	a->days = alloc_or_exit(NULL, (size_t)w->days * sizeof(*a->days));
	memset(a->days, 0, (size_t)w->days * sizeof(*a->days));
	for (int64_t day = a->first; day <= a->last && n == 0; day++) {
		struct question q = { .verb = "agenda", .service = SERVICE, .name = "agenda", .at_least = estate_log(w->e)->last };
		struct answers *one = &a->days[a->day_count++];

		date_text(date, day);
		question_text(&q, "date", date);
		question_text(&q, "staff", w->staff);
		question_text(&q, "role", w->role);
		question_text(&q, "kind", w->kind);
		if ((n = question_ask(&q, &w->common, w->e, one)) == 0)
			agenda_take(a, one, day);
	}
	return (n);
}

/* What became of a callback. */
static int
became(void *user, const char *callback, bool *done)
{
	struct wish *w = user;
	struct question q = { .verb = "agenda", .service = SERVICE, .name = "callback" };
	struct answers a = { .seq = 0 };
	const char *state;
	uint32_t len;
	struct mp m;
	int n;

	question_text(&q, "callback", callback);
	if ((n = question_ask(&q, &w->common, w->e, &a)) == 0)
		*done = answers_member(&a, "state", &m) && mp_str(&m, &state, &len) && mp_equal(state, len, "done");
	answers_free(&a);
	return (n);
}

/* ---- Showing ---- */

static int
write_calendars(struct wish *w, struct buffer *out)
{
	struct agenda_calendars c = { .folder = w->ics, .staff = w->staff, .zh = language_is_zh(), .became = became, .user = w, .out = out };
	int r;

	if ((r = agenda_calendars(&c, &w->agenda)) != 0 || strcmp(w->ics, "-") == 0)
		return (r);
	if (w->common.json)
		buffer_printf(out, "{\"calendars\":%u,\"changed\":%u}\n", c.written, c.changed);
	else
		buffer_printf(out, c.zh ? "%s：日历 %u 份，其中 %u 份有变化\n" : "%s: %u calendars, %u of them changed\n", w->ics, c.written, c.changed);
	return (0);
}

static int
show(struct wish *w)
{
	struct buffer out = { NULL, 0, 0 };
	bool zh = language_is_zh();
	int r = 0;

	agenda_sort(&w->agenda);
	if (w->ics != NULL)
		r = write_calendars(w, &out);
	else if ((r = agenda_contacts(&w->agenda, &w->common, w->e)) == 0) {
		if (w->common.json)
			agenda_json(&out, &w->agenda);
		else if (w->print)
			agenda_print(&out, &w->agenda, zh);
		else
			agenda_show(&out, &w->agenda, zh, paint_columns());
	}
	if (r == 0 && (fwrite(out.data != NULL ? out.data : "", 1, out.len, stdout) != out.len || fflush(stdout) != 0))
		r = EXIT_UNREACHED;
	buffer_free(&out);
	return (r);
}

static int
run(struct wish *w)
{
	struct estate_options o = { .user = w };
	int n;

	if ((w->e = reach_open("agenda", &w->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("agenda", &w->common, w->e)) == 0 && (n = ask_days(w)) == 0)
		n = show(w);
	estate_close(w->e);
	agenda_free(&w->agenda);
	return (n);
}

/* ---- Options ---- */

static bool
take_date(struct wish *w, const char *text)
{
	time_t now = (time_t)(sitetime_now() / SECOND_NS);
	struct tm tm;

	localtime_r(&now, &tm);
	w->agenda.first = rfc3339_days((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday);
	if (text == NULL || strcmp(text, "today") == 0)
		return (true);
	if (strcmp(text, "tomorrow") == 0) {
		w->agenda.first++;
		return (true);
	}
	if (rfc3339_date(text, strlen(text), &w->agenda.first))
		return (true);
	usage_error("agenda", "--date: %s is no day; 2026-11-25, today or tomorrow is", text);
	return (false);
}

static int
check(struct wish *w)
{
	struct stat st;

	if (w->print + (w->ics != NULL) + w->common.json > 1 && !(w->ics != NULL && w->common.json && !w->print))
		return (usage_error("agenda", "one of --print, --ics and --json"));
	if (w->ics == NULL)
		return (0);
	if (strcmp(w->ics, "-") == 0 && w->staff == NULL)
		return (usage_error("agenda", "--ics -: whose calendar? --staff cs-2, for instance"));
	/* A calendar of half of what somebody has would cancel the other half. */
	if (w->role != NULL || w->kind != NULL)
		return (usage_error("agenda", "--ics holds all that somebody has to do: without --role and --kind"));
	if (strcmp(w->ics, "-") != 0 && (stat(w->ics, &st) != 0 || !S_ISDIR(st.st_mode))) {
		complain("agenda", "--ics: %s is no folder; make it, or name one that is there", w->ics);
		return (EXIT_UNREACHED);
	}
	return (0);
}

int
cmd_agenda(int argc, char **argv)
{
	enum { DATE = OPTION_OWN, DAYS, STAFF, ROLE, KIND, PRINT, ICS, NO_COLOR };
	static const struct option options[] = {
		{ "date", required_argument, NULL, DATE },
		{ "days", required_argument, NULL, DAYS },
		{ "staff", required_argument, NULL, STAFF },
		{ "role", required_argument, NULL, ROLE },
		{ "kind", required_argument, NULL, KIND },
		{ "print", no_argument, NULL, PRINT },
		{ "ics", required_argument, NULL, ICS },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct wish w = { .days = 1 };
	const char *date = NULL;
	bool no_color = false;
	int c, r;

	common_init(&w.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&w.common, c, "agenda", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == DAYS && !argument_number("agenda", "--days", optarg, 1, DAYS_MAX, &w.days))
			return (EXIT_USAGE);
		date = c == DATE ? optarg : date;
		w.staff = c == STAFF ? optarg : w.staff;
		w.role = c == ROLE ? optarg : w.role;
		w.kind = c == KIND ? optarg : w.kind;
		w.ics = c == ICS ? optarg : w.ics;
		w.print |= c == PRINT;
		no_color |= c == NO_COLOR;
	}
	if (optind < argc)
		return (usage_error("agenda", "%s is too much: every argument has a name, such as --date 2026-11-25", argv[optind]));
	if (w.staff != NULL && !id_valid(w.staff, strlen(w.staff)))
		return (usage_error("agenda", "--staff: %s is no staff id", w.staff));
	if (!sitetime_init() || !take_date(&w, date))
		return (EXIT_USAGE);
	if ((r = check(&w)) != 0)
		return (r);
	w.agenda.last = w.agenda.first + (int64_t)w.days - 1;
	w.agenda.now = sitetime_now();
	paint_init(no_color || w.print);
	return (run(&w));
}
