/* estate form: the department's record forms, filled from the log, as a page to print and sign. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "form.h"
#include "language.h"
#include "paint.h"
#include "period.h"
#include "sitetime.h"
#include "worker.h"

static const char help[] =
"Usage: estate form [OPTION...] ID\n"
"Fill the form that belongs to ID from the log, as a page for paper (HTML, A4):\n"
"  a complaint      业户投诉意见处理表       received, replied, handled, signed, called back, approved\n"
"  a repair         特约服务/维修工作单      asked for, in charge, done, rated\n"
"  a household      业户例行回访调查记录表   its routine callbacks of a year or month, what came of them\n"
"  a year, 2026     业户回访率统计年报表     twelve lines: repairs, complaints, routine; how many, called back, the rate\n"
"  a month, 2026-10 装订封面                 the cover of the month's records: the same figures, and the bundle's digest\n"
"What the form asks for and the log does not know is hatched, counted at the foot, and left to write by hand; there are\n"
"lines to sign on. The worker estate-stats is asked for figures. Corrected records stand as corrected. Personal fields are shown to whoever may see them.\n"
"\n"
"      --period PERIOD      for a household: 2026 (default: this year), 2026-H2, 2026-Q4 or 2026-10\n"
COMMON_HELP

"\n"
"Examples\n"
"  estate form C-2026-0117 > C-2026-0117.html\n"
"  estate form 2026-10 > cover.html\n"
"  estate form 3-2-1201 --period 2026-10 > page.html && xdg-open page.html\n"
"  LANG=en_GB.UTF-8 estate form C-2026-0117 > page.html\n"
"  estate form C-2026-0117 --json | jq -r '.missing[]'\n"
"Exit status: 0 done, 1 nothing is known about it, 2 wrong usage, 3 daemon not reached\n";

enum which { FORM_NONE, FORM_COMPLAINT, FORM_WORK_ORDER, FORM_ROUTINE };

struct filling {
	struct common common;
	const char *id, *period;
	int64_t from, until;		/* of the period */
	char this_year[16], this_month[16];
	bool figures;			/* the id is a year or a month */
	struct dossier dossier;
};

static enum which
which_form(const struct dossier *d)
{
	if (dossier_first(d, "complaint.opened") != NULL)
		return (FORM_COMPLAINT);
	if (dossier_first(d, "repair.requested") != NULL)
		return (FORM_WORK_ORDER);
	if (dossier_first(d, "household.registered") != NULL || dossier_first(d, "household.moved_in") != NULL)
		return (FORM_ROUTINE);
	return (FORM_NONE);
}

/* Who lives there, from the register; a case names its household. */
static int
read_household(struct filling *w, struct estate *e, struct text household)
{
	static const char *const types[] = { "household.registered", NULL };
	char id[65];
	const char *subjects[] = { id, NULL };

	if (household.s == NULL || household.len >= sizeof(id))
		return (0);
	memcpy(id, household.s, household.len);
	id[household.len] = '\0';
	return (dossier_read(&w->dossier, "form", &w->common, e, subjects, types));
}

static bool
has(const struct dossier *d, uint64_t seq)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->facts[i].seq == seq)
			return (true);
	return (false);
}

/* A problem of this household, or what corrects one of those that are there already. */
static bool
is_ours(const struct filling *w, const struct fact *f)
{
	struct text home;
	int64_t about;

	if (event_text(&f->e, "household", &home))
		return (mp_equal(home.s, home.len, w->id));
	return (event_int(&f->e, "event", &about) && about > 0 && has(&w->dossier, (uint64_t)about) && !has(&w->dossier, f->seq));
}

/* Problems have numbers of their own and name the household; their corrections name theirs. */
static int
read_issues(struct filling *w, struct estate *e)
{
	static const char *const types[] = { "issue.*", "record.amended", "record.retracted", NULL };
	struct dossier all = { .count = 0 }, *d = &w->dossier;
	size_t kept = 0;
	int r;

	if ((r = dossier_read(&all, "form", &w->common, e, NULL, types)) != 0) {
		dossier_free(&all);
		return (r);
	}
	for (size_t i = 0; i < all.count; i++)
		if (is_ours(w, &all.facts[i])) {
			if (d->count == d->room) {
				d->room += 64;
				d->facts = alloc_or_exit(d->facts, d->room * sizeof(*d->facts));
			}
			d->facts[d->count++] = all.facts[i];
		} else
			all.facts[kept++] = all.facts[i];
	all.count = kept;
	dossier_free(&all);
	return (0);
}

/* What happened in another period is not of this form; who lives there and what was corrected is. */
static void
keep_period(struct filling *w)
{
	struct dossier *d = &w->dossier;
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		struct fact *f = &d->facts[i];

		if ((f->when >= w->from && f->when < w->until) || fact_is(f, "household.registered") || fact_is(f, "record.amended"))
			d->facts[kept++] = *f;
		else
			free((void *)(uintptr_t)f->e.bytes);
	}
	d->count = kept;
}

static int
read_all(struct filling *w, struct estate *e)
{
	const char *subjects[] = { w->id, NULL };
	struct text household = { NULL, 0 };
	enum which form;
	int r;

	if ((r = dossier_read(&w->dossier, "form", &w->common, e, subjects, NULL)) != 0)
		return (r);
	if ((form = which_form(&w->dossier)) == FORM_ROUTINE)
		return (read_issues(w, e));
	if (form != FORM_NONE)
		fact_text(&w->dossier, dossier_first(&w->dossier, form == FORM_COMPLAINT ? "complaint.opened" : "repair.requested"), "household", &household);
	return (read_household(w, e, household));
}

/* The page, or what it lacks; unless it could not be filled. */
static int
show(const struct filling *w, struct sheet *s, int r)
{
	if (r == 0 && w->common.json) {
		buffer_clear(&s->out);
		sheet_json(s, w->id);
	}
	if (r == 0 && (fwrite(s->out.data, 1, s->out.len, stdout) != s->out.len || fflush(stdout) != 0))
		r = EXIT_UNREACHED;
	buffer_free(&s->out);
	buffer_free(&s->lacking);
	buffer_free(&s->codes);
	return (r);
}

static int
fill(struct filling *w)
{
	struct sheet s = { .d = &w->dossier, .zh = language_is_zh() };

	dossier_settle(&w->dossier);
	switch (which_form(&w->dossier)) {
	case FORM_COMPLAINT:
		form_complaint(&s, w->id);
		break;
	case FORM_WORK_ORDER:
		form_work_order(&s, w->id);
		break;
	case FORM_ROUTINE:
		keep_period(w);
		form_routine(&s, w->id, w->period);
		break;
	case FORM_NONE:
		fprintf(stderr, language_is_zh() ? "estate form: %s 不是投诉、报修或业户，没有对应的表格；estate case %s 显示有关它的记录\n" :
		    "estate form: %s is no complaint, no repair and no household that the log knows, so it has no form; estate case %s shows what there is\n", w->id, w->id);
		return (EXIT_PART);
	}
	return (show(w, &s, 0));
}

/* A year's or a month's form is of figures. */
static int
fill_figures(struct filling *w, struct estate *e)
{
	static const char *const types[] = { "bundle.sealed", NULL };
	const char *subjects[] = { w->id, NULL };
	struct sheet s = { .d = &w->dossier, .zh = language_is_zh() };
	int r;

	if (strlen(w->id) == 4)
		r = form_annual(&s, w->id, w->this_month, &w->common, e);
	else if ((r = dossier_read(&w->dossier, "form", &w->common, e, subjects, types)) == 0) {
		dossier_settle(&w->dossier);
		r = form_cover(&s, w->id, &w->common, e);
	}
	return (show(w, &s, r));
}

static int
run(struct filling *w)
{
	struct estate_options o = { .user = w };
	struct estate *e;
	int r;

	if ((e = reach_open("form", &w->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((r = reach_wait("form", &w->common, e)) == 0)
		r = w->figures ? fill_figures(w, e) : read_all(w, e);
	estate_close(e);
	if (r == 0 && !w->figures)
		r = fill(w);
	dossier_free(&w->dossier);
	return (r);
}

/* The usual one is this year. */
static bool
take_period(struct filling *w)
{
	time_t now = (time_t)(sitetime_now() / 1000000000);
	struct tm tm;

	localtime_r(&now, &tm);
	snprintf(w->this_year, sizeof(w->this_year), "%d", tm.tm_year + 1900);
	strftime(w->this_month, sizeof(w->this_month), "%Y-%m", &tm);
	if (w->period == NULL)
		w->period = w->figures ? w->id : w->this_year;
	if (!period_span(w->period, &w->from, &w->until)) {
		usage_error("form", "--period: %s is none; 2026, 2026-H2, 2026-Q4 or 2026-10 is", w->period);
		return (false);
	}
	return (true);
}

/* "2026" or "2026-10": no case or household is called so. */
static bool
is_period(const char *id)
{
	size_t digits = strspn(id, "0123456789");

	return (digits == 4 && (id[4] == '\0' || (id[4] == '-' && strlen(id) == 7 && strspn(id + 5, "0123456789") == 2)));
}

int
cmd_form(int argc, char **argv)
{
	enum { PERIOD = OPTION_OWN };
	static const struct option options[] = { { "period", required_argument, NULL, PERIOD }, COMMON_OPTIONS };
	struct filling w = { .period = NULL };
	int c, r;

	common_init(&w.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&w.common, c, "form", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		w.period = optarg;
	}
	if (optind + 1 != argc)
		return (usage_error("form", "which one? Give one id: a complaint's, a repair's or a household's"));
	w.id = argv[optind];
	if (!id_valid(w.id, strlen(w.id)))
		return (usage_error("form", "%s is no id", w.id));
	w.figures = is_period(w.id);
	if (!sitetime_init() || !take_period(&w))
		return (EXIT_USAGE);
	paint_init(true);
	return (run(&w));
}
