/* estate arrears: what is overdue, how old it is, how much came in, and who owes most of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrears.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"

#define SHOWN		20u
#define WIDE		100u
#define KINDS_MAX	16u
#define CODE_SIZE	33u

static const char help[] =
"Usage: estate arrears [OPTION...]\n"
"What is overdue: by how long, of which fees, and which households owe most of it; and how much of what was due came in, this year's\n"
"and what was recovered of earlier arrears (F5). As of any day, by the day the money came in. A rate of n/a: nothing was due.\n"
"\n"
"      --as-of DAY          2026-10-31 (default: today)\n"
"      --building B         of one building: what begins with B-, such as 3 or 3-2; without the rates\n"
"      --kind KIND          of one fee: management, vacant, rent, water, electricity, repair_fund, parking, other\n"
"      --period PERIOD      whose rates: a year or a month (default: this year)\n"
"      --all                all households (default: the first 20)\n"
"      --no-color           no colour\n"
COMMON_HELP
"--json prints {\"as_of\":…,\"overdue\":…,\"ages\":{…},\"kinds\":[…],\"households\":[…],\"seq\":…}, amounts in fen, rates in thousandths.\n"
"\n"
"Examples\n"
"  estate arrears\n"
"  estate arrears --as-of 2026-10-31 --period 2026-10\n"
"  estate arrears --building 3-2 --all\n"
"  estate arrears --json | jq '.kinds[] | select(.rate < 900) | .kind'\n"
"Exit status: 0 done, 1 nobody answers, or refused, 2 wrong usage, 3 daemon not reached\n";

static const struct {
	const char *name, *en, *zh;
	int64_t most;
} ages[] = {
	{ "1-30", "1-30 days", "1-30 天", 30 }, { "31-60", "31-60", "31-60 天", 60 }, { "61-90", "61-90", "61-90 天", 90 },
	{ "91-180", "91-180", "91-180 天", 180 }, { "181-365", "181-365", "181-365 天", 365 }, { "over_365", "over a year", "一年以上", INT64_MAX },
};
#define AGES	(sizeof(ages) / sizeof(*ages))

struct kind {
	char code[CODE_SIZE];
	int64_t overdue, due, collected, rate, prior_due, recovered, prior_rate;	/* a rate of -1: n/a */
};

struct owing {
	char household[65];
	unsigned bills;
	int64_t open, days;
};

struct viewer {
	struct common common;
	const char *day, *building, *kind, *period;
	bool all, zh;
	struct estate *e;
	struct answers owed, rates;
	int64_t sum, by_age[AGES];
	struct kind kinds[KINDS_MAX];
	unsigned kind_count;
	struct owing *households;
	unsigned count, room;
};

/* ---- Counting ---- */

static struct kind *
kind_of(struct viewer *v, struct text code)
{
	unsigned i = 0;

	while (i < v->kind_count && !mp_equal(code.s, code.len, v->kinds[i].code))
		i++;
	if (i < v->kind_count || i == KINDS_MAX)
		return (&v->kinds[i < KINDS_MAX ? i : KINDS_MAX - 1]);
	memset(&v->kinds[i], 0, sizeof(v->kinds[i]));
	snprintf(v->kinds[i].code, CODE_SIZE, "%.*s", (int)(code.len < CODE_SIZE ? code.len : CODE_SIZE - 1), code.s);
	v->kinds[i].rate = v->kinds[i].prior_rate = -1;
	v->kind_count++;
	return (&v->kinds[i]);
}

/* The rows of a household stand together. */
static void
count_household(struct viewer *v, struct text household, int64_t open, int64_t days)
{
	struct owing *o = v->count > 0 ? &v->households[v->count - 1] : NULL;

	if (o == NULL || !mp_equal(household.s, household.len, o->household)) {
		if (v->households == NULL || v->count == v->room)
			v->households = alloc_or_exit(v->households, (v->room = 2 * v->room + 64) * sizeof(*o));
		o = memset(&v->households[v->count++], 0, sizeof(*o));
		snprintf(o->household, sizeof(o->household), "%.*s", (int)household.len, household.s);
	}
	o->bills++;
	o->open += open;
	o->days = days > o->days ? days : o->days;
}

static void
count_owed(struct viewer *v)
{
	struct event row;

	while (answers_row(&v->owed, "rows", &row)) {
		int64_t open = row_int(&row, "open"), days = row_int(&row, "days");
		unsigned age = 0;

		while (days > ages[age].most)
			age++;
		v->sum += open;
		v->by_age[age] += open;
		kind_of(v, row_text(&row, "kind"))->overdue += open;
		count_household(v, row_text(&row, "household"), open, days);
	}
}

static int64_t
rate_of(const struct event *row, const char *name)
{
	int64_t n;

	return (event_int(row, name, &n) ? n : -1);
}

static void
count_rates(struct viewer *v)
{
	struct event row;

	while (answers_row(&v->rates, "rows", &row)) {
		struct text code = row_text(&row, "kind");
		struct kind *k;

		if (v->kind != NULL && !mp_equal(code.s, code.len, v->kind))
			continue;
		k = kind_of(v, code);
		k->due = row_int(&row, "due");
		k->collected = row_int(&row, "collected");
		k->rate = rate_of(&row, "rate");
		k->prior_due = row_int(&row, "prior_due");
		k->recovered = row_int(&row, "prior_recovered");
		k->prior_rate = rate_of(&row, "prior_rate");
	}
	for (unsigned i = 0; i < v->kind_count; i++)
		if (strcmp(v->kinds[i].code, "all") == 0)
			v->kinds[i].overdue = v->sum;
}

static int
by_amount(const void *a, const void *b)
{
	const struct owing *x = a, *y = b;

	return (x->open != y->open ? (x->open < y->open) - (x->open > y->open) : strcmp(x->household, y->household));
}

/* ---- Showing ---- */

static void
add_rate(struct buffer *b, int64_t rate, unsigned columns)
{
	char text[24] = "n/a";

	if (rate >= 0)
		snprintf(text, sizeof(text), "%" PRId64 ".%" PRId64 "%%", rate / 10, rate % 10);
	add_right(b, text, columns);
}

static void
show_ages(struct buffer *b, const struct viewer *v)
{
	char share[24];

	for (unsigned i = 0; i < AGES; i++) {
		add_left(b, v->zh ? ages[i].zh : ages[i].en, 14);
		add_yuan(b, v->by_age[i], 18);
		snprintf(share, sizeof(share), "%.1f%%", v->sum > 0 ? 100.0 * (double)v->by_age[i] / (double)v->sum : 0);
		add_right(b, share, 9);
		buffer_text(b, "\n");
	}
}

static void
show_kinds(struct buffer *b, const struct viewer *v, bool wide)
{
	bool rates = v->building == NULL;

	buffer_printf(b, "\n%s", paint(PAINT_DIM));
	add_left(b, v->zh ? "费用" : "FEE", 17);
	add_right(b, v->zh ? "逾期" : "OVERDUE", 16);
	if (rates && wide) {
		add_right(b, v->zh ? "应收" : "DUE", 16);
		add_right(b, v->zh ? "已收" : "CAME IN", 16);
	}
	if (rates)
		add_right(b, v->zh ? "收缴率" : "RATE", 9);
	if (rates && wide) {
		add_right(b, v->zh ? "往年欠费" : "EARLIER", 16);
		add_right(b, v->zh ? "已追回" : "RECOVERED", 16);
	}
	if (rates)
		add_right(b, v->zh ? "往年追回率" : "EARLIER RATE", 14);
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	for (unsigned i = 0; i < v->kind_count; i++) {
		const struct kind *k = &v->kinds[i];
		bool whole = strcmp(k->code, "all") == 0;

		if (!whole && k->overdue == 0 && k->due == 0 && k->prior_due == 0)
			continue;
		if (whole)
			add_left(b, v->zh ? "合计" : "all", 17);
		else
			add_code(b, "fee_kind", text_of(k->code), v->zh, 17);
		add_yuan(b, k->overdue, 16);
		if (rates && wide) {
			add_yuan(b, k->due, 16);
			add_yuan(b, k->collected, 16);
		}
		if (rates)
			add_rate(b, k->rate, 9);
		if (rates && wide) {
			add_yuan(b, k->prior_due, 16);
			add_yuan(b, k->recovered, 16);
		}
		if (rates)
			add_rate(b, k->prior_rate, 14);
		buffer_text(b, "\n");
	}
}

static void
show_households(struct buffer *b, const struct viewer *v)
{
	unsigned shown = v->all || v->count <= SHOWN ? v->count : SHOWN;
	char text[32];

	if (v->count == 0)
		return;
	buffer_printf(b, "\n%s", paint(PAINT_DIM));
	add_left(b, v->zh ? "房号" : "HOUSEHOLD", 20);
	add_right(b, v->zh ? "账单" : "BILLS", 7);
	add_right(b, v->zh ? "最久（天）" : "OLDEST (DAYS)", 15);
	add_right(b, v->zh ? "逾期" : "OVERDUE", 16);
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	for (unsigned i = 0; i < shown; i++) {
		const struct owing *o = &v->households[i];

		add_left(b, o->household, 20);
		snprintf(text, sizeof(text), "%u", o->bills);
		add_right(b, text, 7);
		snprintf(text, sizeof(text), "%" PRId64, o->days);
		add_right(b, text, 15);
		add_yuan(b, o->open, 16);
		buffer_text(b, "\n");
	}
	if (shown < v->count)
		buffer_printf(b, v->zh ? "%s另有 %u 户；--all 全部列出%s\n" : "%sand %u more; --all shows them%s\n", paint(PAINT_DIM), v->count - shown, paint(PAINT_OFF));
}

static void
show(struct buffer *b, const struct viewer *v)
{
	const char *day = v->day != NULL ? v->day : "";
	struct mp m;
	struct text as_of = text_of(day);
	char sum[YUAN_TEXT];
	unsigned columns = paint_columns();

	if (answers_member(&v->owed, "as_of", &m))
		mp_str(&m, &as_of.s, &as_of.len);
	yuan_text(v->sum, sum);
	buffer_printf(b, v->zh ? "%s截至 %.*s 逾期 %s 元，%u 户%s\n" : "%sOverdue as of %.*s: %s yuan of %u households%s\n", paint(PAINT_BOLD), (int)as_of.len, as_of.s,
	    sum, v->count, paint(PAINT_OFF));
	show_ages(b, v);
	show_kinds(b, v, columns == 0 || columns >= WIDE);
	show_households(b, v);
}

static void
add_json_rate(struct buffer *b, const char *name, int64_t rate)
{
	if (rate >= 0)
		buffer_printf(b, ",\"%s\":%" PRId64, name, rate);
	else
		buffer_printf(b, ",\"%s\":null", name);
}

static void
show_json(struct buffer *b, const struct viewer *v)
{
	struct text as_of = { "", 0 };
	struct mp m;

	if (answers_member(&v->owed, "as_of", &m))
		mp_str(&m, &as_of.s, &as_of.len);
	buffer_printf(b, "{\"as_of\":\"%.*s\",\"overdue\":%" PRId64 ",\"ages\":{", (int)as_of.len, as_of.s, v->sum);
	for (unsigned i = 0; i < AGES; i++)
		buffer_printf(b, "%s\"%s\":%" PRId64, i > 0 ? "," : "", ages[i].name, v->by_age[i]);
	buffer_text(b, "},\"kinds\":[");
	for (unsigned i = 0; i < v->kind_count; i++) {
		const struct kind *k = &v->kinds[i];

		buffer_printf(b, "%s{\"kind\":\"%s\",\"overdue\":%" PRId64, i > 0 ? "," : "", k->code, k->overdue);
		if (v->building == NULL) {
			buffer_printf(b, ",\"due\":%" PRId64 ",\"collected\":%" PRId64, k->due, k->collected);
			add_json_rate(b, "rate", k->rate);
			buffer_printf(b, ",\"prior_due\":%" PRId64 ",\"prior_recovered\":%" PRId64, k->prior_due, k->recovered);
			add_json_rate(b, "prior_rate", k->prior_rate);
		}
		buffer_text(b, "}");
	}
	buffer_text(b, "],\"households\":[");
	for (unsigned i = 0; i < v->count; i++)
		buffer_printf(b, "%s{\"household\":\"%s\",\"bills\":%u,\"days\":%" PRId64 ",\"overdue\":%" PRId64 "}", i > 0 ? "," : "", v->households[i].household,
		    v->households[i].bills, v->households[i].days, v->households[i].open);
	buffer_printf(b, "],\"seq\":%" PRIu64 "}\n", v->owed.seq);
}

/* ---- Asking ---- */

static int
ask(struct viewer *v)
{
	struct question owed = { .verb = "arrears", .service = DUNNING_SERVICE, .name = "arrears", .at_least = estate_log(v->e)->last };
	struct question rates = { .verb = "arrears", .service = DUNNING_SERVICE, .name = "collection", .at_least = owed.at_least };
	int n;

	question_text(&owed, "as_of", v->day);
	question_text(&owed, "building", v->building);
	question_text(&owed, "kind", v->kind);
	if ((n = question_ask(&owed, &v->common, v->e, &v->owed)) != 0)
		return (n);
	count_owed(v);
	if (v->building == NULL) {
		question_text(&rates, "as_of", v->day);
		question_text(&rates, "period", v->period);
		if ((n = question_ask(&rates, &v->common, v->e, &v->rates)) != 0)
			return (n);
		count_rates(v);
	}
	if (v->count > 0)
		qsort(v->households, v->count, sizeof(*v->households), by_amount);
	return (0);
}

static int
run(struct viewer *v)
{
	struct estate_options o = { .user = v };
	struct buffer out = { NULL, 0, 0 };
	int n;

	if ((v->e = reach_open("arrears", &v->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("arrears", &v->common, v->e)) == 0 && (n = ask(v)) == 0) {
		if (v->common.json)
			show_json(&out, v);
		else
			show(&out, v);
		fwrite(out.data, 1, out.len, stdout);
	}
	estate_close(v->e);
	buffer_free(&out);
	return (n);
}

int
cmd_arrears(int argc, char **argv)
{
	enum { AS_OF = OPTION_OWN, BUILDING, KIND, PERIOD, ALL, NO_COLOR };
	static const struct option options[] = {
		{ "as-of", required_argument, NULL, AS_OF },
		{ "building", required_argument, NULL, BUILDING },
		{ "kind", required_argument, NULL, KIND },
		{ "period", required_argument, NULL, PERIOD },
		{ "all", no_argument, NULL, ALL },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct viewer v = { .zh = language_is_zh() };
	bool no_color = false;
	int c, r;

	common_init(&v.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&v.common, c, "arrears", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == AS_OF && !arrears_day("arrears", optarg))
			return (EXIT_USAGE);
		v.day = c == AS_OF ? optarg : v.day;
		v.building = c == BUILDING ? optarg : v.building;
		v.kind = c == KIND ? optarg : v.kind;
		v.period = c == PERIOD ? optarg : v.period;
		v.all |= c == ALL;
		no_color |= c == NO_COLOR;
	}
	if (optind < argc)
		return (usage_error("arrears", "what is %s? One household: estate household %s", argv[optind], argv[optind]));
	if (v.building != NULL && v.period != NULL)
		return (usage_error("arrears", "--period is for the rates, which are not counted by building"));
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	r = run(&v);
	answers_free(&v.owed);
	answers_free(&v.rates);
	free(v.households);
	return (r);
}
