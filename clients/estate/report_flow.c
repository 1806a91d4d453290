/* The versions of reports that are owed, and what people decide on them: see report_flow.h. */
#include "report_flow.h"

#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "catalogue.h"
#include "command.h"
#include "estate.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"
#include "worker.h"

#define SOURCE	"/estate/desk"

static const struct step {
	const char *verb, *type, *state;	/* what becomes of it */
	const char *before, *or;		/* what it must be */
} steps[] = {
	{ "submit", "report.submitted", "submitted", "generated", NULL },
	{ "review", "report.reviewed", "reviewed", "submitted", NULL },
	{ "approve", "report.approved", "approved", "submitted", "reviewed" },
	{ "reject", "report.rejected", "rejected", "submitted", "reviewed" },
	{ "distribute", "report.distributed", "distributed", "approved", "reviewed" },
};
#define STEPS	(sizeof(steps) / sizeof(*steps))

static const struct step *
step_of(const char *word)
{
	for (size_t i = 0; i < STEPS; i++)
		if (strcmp(steps[i].verb, word) == 0)
			return (&steps[i]);
	return (NULL);
}

bool
report_is_step(const char *word)
{
	return (strcmp(word, "versions") == 0 || step_of(word) != NULL);
}

const char *
report_state(const char *state, bool zh)
{
	static const char *const words[][2] = { { "generated", "已生成" }, { "submitted", "已报审" }, { "reviewed", "已审核" }, { "approved", "已批准" },
	    { "rejected", "已退回" }, { "distributed", "已分发" } };

	for (size_t i = 0; zh && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i][0], state) == 0)
			return (words[i][1]);
	return (state);
}

/* ---- Asking ---- */

static void
copy(const struct event *e, const char *field, char *out, size_t size)
{
	struct text t;

	out[0] = '\0';
	if (event_text(e, field, &t))
		snprintf(out, size, "%.*s", (int)t.len, t.s);
}

static void
take(struct report_version *v, const struct event *row)
{
	memset(v, 0, sizeof(*v));
	copy(row, "report", v->report, sizeof(v->report));
	copy(row, "name", v->name, sizeof(v->name));
	copy(row, "period", v->period, sizeof(v->period));
	copy(row, "kind", v->kind, sizeof(v->kind));
	copy(row, "survey", v->survey, sizeof(v->survey));
	copy(row, "state", v->state, sizeof(v->state));
	copy(row, "by", v->by, sizeof(v->by));
	event_int(row, "version", &v->number);
	event_instant(row, "as_of", &v->as_of);
	event_instant(row, "decided", &v->decided);
}

static int
ask(const char *report, const struct common *c, struct estate *e, struct answers *a)
{
	struct question q = { .verb = "report", .service = "stats", .name = "versions", .at_least = estate_log(e)->last };

	question_text(&q, "report", report);
	return (question_ask(&q, c, e, a));
}

int
report_version_find(const char *report, int64_t number, const struct common *c, struct estate *e, struct report_version *v)
{
	struct answers a = { .seq = 0 };
	struct event row;
	bool found = false;
	int n;

	if ((n = ask(report, c, e, &a)) == 0) {
		while (answers_row(&a, "rows", &row)) {
			struct report_version one;

			take(&one, &row);
			if (number == 0 || one.number == number) {
				*v = one;
				found = true;
			}
		}
		if (!found) {
			fprintf(stderr, language_is_zh() ? "estate report：%s 没有这样的版本；estate report versions 列出应报的报告\n" :
			    "estate report: %s has no such version; estate report versions lists the reports that are owed\n", report);
			n = EXIT_PART;
		}
	}
	answers_free(&a);
	return (n);
}

static void
show_version(struct buffer *b, const struct report_version *v, bool zh)
{
	char at[SITETIME_TEXT], decided[SITETIME_TEXT];

	sitetime_local(v->as_of, 0, at);
	sitetime_local(v->decided, 0, decided);
	paint_cell(b, v->report, strlen(v->report), 28);
	buffer_printf(b, zh ? "第 %" PRId64 " 版  " : "v%" PRId64 "  ", v->number);
	paint_cell(b, report_state(v->state, zh), strlen(report_state(v->state, zh)), 12);
	buffer_printf(b, "%.16s", decided);
	if (v->by[0] != '\0')
		buffer_printf(b, " %s", v->by);
	buffer_printf(b, zh ? "%s  数据截止 %.16s%s\n" : "%s  as of %.16s%s\n", paint(PAINT_DIM), at, paint(PAINT_OFF));
}

static int
list(const char *report, const struct common *c, struct estate *e, struct buffer *b)
{
	struct answers a = { .seq = 0 };
	struct report_version v;
	bool zh = language_is_zh(), any = false;
	struct event row;
	int n;

	if ((n = ask(report, c, e, &a)) == 0 && c->json) {
		report_rows_json(b, "{\"rows\":[", &a);
		buffer_text(b, "]}\n");
	} else if (n == 0) {
		while (answers_row(&a, "rows", &row)) {
			take(&v, &row);
			show_version(b, &v, zh);
			any = true;
		}
		if (!any)
			buffer_text(b, zh ? "还没有应报的报告；它们在次月由 estate-stats 生成\n" : "No report is owed yet; estate-stats generates them when a month is over\n");
	}
	answers_free(&a);
	return (n);
}

/* ---- Deciding ---- */

struct decision {
	struct common common;
	const struct step *step;
	const char *by, *role, *to, *reason;
	struct report_version version;
	bool acked, refused;
	struct estate_fault fault;
};

static void
pack_pair(msgpack_packer *p, const char *key, const char *value)
{
	msgpack_pack_str_with_body(p, key, strlen(key));
	msgpack_pack_str_with_body(p, value, strlen(value));
}

static void
pack_optional(msgpack_packer *p, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		pack_pair(p, key, value);
}

static bool
given(const char *value)
{
	return (value != NULL && value[0] != '\0');
}

static int
pack_event(const struct decision *d, msgpack_sbuffer *out)
{
	const struct report_version *v = &d->version;
	char id[40], now[SITETIME_TEXT];
	struct data_fault f;
	struct event made;
	uint64_t random[2];
	msgpack_packer p;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		complain("report", "no random numbers: %s", phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	snprintf(id, sizeof(id), "rp-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	sitetime_utc_ns(sitetime_now(), now);
	msgpack_packer_init(&p, out, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 7);
	pack_pair(&p, "specversion", "1.0");
	pack_pair(&p, "id", id);
	pack_pair(&p, "source", SOURCE);
	pack_pair(&p, "type", d->step->type);
	pack_pair(&p, "time", now);
	pack_pair(&p, "subject", v->report);
	msgpack_pack_str_with_body(&p, "data", 4);
	msgpack_pack_map(&p, 5u + given(v->survey) + given(d->role) + given(d->to) + given(d->reason));
	pack_pair(&p, "name", v->name);
	pack_pair(&p, "period", v->period);
	msgpack_pack_str_with_body(&p, "version", 7);
	msgpack_pack_int64(&p, v->number);
	pack_pair(&p, "by", d->by);
	pack_pair(&p, "kind", v->kind);
	pack_optional(&p, "survey", v->survey);
	pack_optional(&p, "role", d->role);
	pack_optional(&p, "to", d->to);
	pack_optional(&p, "reason", d->reason);
	if (event_decode(&made, out->data, out->size, &f) != 0)
		return (usage_error("report", "%s: %s", strncmp(f.path, "data.", 5) == 0 ? f.path + 5 : f.path, f.detail));
	return (0);
}

static void
on_ack(void *user, const struct estate_ack *a)
{
	(void)a;
	((struct decision *)user)->acked = true;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct decision *d = user;

	d->fault = *n->fault;
	d->refused = true;
}

static int
put(struct decision *d, struct estate *e)
{
	msgpack_sbuffer event;
	int n;

	msgpack_sbuffer_init(&event);
	if ((n = pack_event(d, &event)) == 0 && (n = estate_put(e, event.data, event.size, 0)) != 0)
		n = reach_refused("report", &d->common, n, NULL);
	while (n == 0 && !d->acked && !d->refused && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	msgpack_sbuffer_destroy(&event);
	if (n != 0)
		return (n);
	if (d->refused)
		return (reach_refused("report", &d->common, d->fault.code, &d->fault));
	if (!d->acked)
		complain("report", "whether it was stored is not known: estate report versions %s tells", d->version.report);
	return (d->acked ? 0 : EXIT_PART);
}

/* A report goes its way step by step; what is decided already is not decided again by mistake. */
static int
check_step(const struct decision *d)
{
	const struct report_version *v = &d->version;
	bool zh = language_is_zh();

	if (strcmp(d->step->before, v->state) == 0 || (d->step->or != NULL && strcmp(d->step->or, v->state) == 0))
		return (0);
	fprintf(stderr, zh ? "estate report：%s 第 %" PRId64 " 版%s，不能 %s；须先%s\n" : "estate report: %s version %" PRId64 " is %s; before %s it must be %s\n", v->report, v->number,
	    report_state(v->state, zh), d->step->verb, report_state(d->step->before, zh));
	return (EXIT_PART);
}

static int
decide(struct decision *d, const char *report, int64_t number, struct estate *e, struct buffer *b)
{
	const struct report_version *v = &d->version;
	int n;

	if ((n = report_version_find(report, number, &d->common, e, &d->version)) != 0 || (n = check_step(d)) != 0 || (n = put(d, e)) != 0)
		return (n);
	/* What is sent back has a new version by then. */
	if ((n = report_version_find(report, 0, &d->common, e, &d->version)) != 0)
		return (n);
	if (d->common.json)
		buffer_printf(b, "{\"report\":\"%s\",\"version\":%" PRId64 ",\"state\":\"%s\"}\n", v->report, v->number, v->state);
	else
		show_version(b, v, language_is_zh());
	return (0);
}

int
report_flow(int argc, char **argv, const char *help)
{
	enum { PERIOD = OPTION_OWN, VERSION, BY, ROLE, TO, REASON, NO_COLOR };
	static const struct option options[] = {
		{ "period", required_argument, NULL, PERIOD },
		{ "version", required_argument, NULL, VERSION },
		{ "by", required_argument, NULL, BY },
		{ "role", required_argument, NULL, ROLE },
		{ "to", required_argument, NULL, TO },
		{ "reason", required_argument, NULL, REASON },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct decision d = { .step = step_of(argv[0]) };
	struct estate_options o = { .user = &d, .on_ack = on_ack, .on_nak = on_nak };
	struct buffer out = { NULL, 0, 0 };
	const char *period = NULL;
	char report[2 * REPORT_ID_SIZE] = "";
	bool no_color = false;
	uint64_t version = 0;
	struct estate *e;
	int c, n;

	common_init(&d.common);
	optind = 0;
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((n = common_option(&d.common, c, "report", help)) == -1)
			continue;
		if (n != COMMON_OWN)
			return (n);
		if (c == VERSION && !argument_number("report", "--version", optarg, 1, 1000000, &version))
			return (EXIT_USAGE);
		period = c == PERIOD ? optarg : period;
		d.by = c == BY ? optarg : d.by;
		d.role = c == ROLE ? optarg : d.role;
		d.to = c == TO ? optarg : d.to;
		d.reason = c == REASON ? optarg : d.reason;
		no_color |= c == NO_COLOR;
	}
	if (optind + 1 < argc)
		return (usage_error("report", "%s is too much: one report at a time", argv[optind + 1]));
	if (optind < argc)
		snprintf(report, sizeof(report), "%s%s%s", argv[optind], period != NULL ? "/" : "", period != NULL ? period : "");
	if (d.step != NULL && (report[0] == '\0' || d.by == NULL))
		return (usage_error("report", "%s: which report, and by whom? estate report %s complaints --period 2026-10 --by manager-1", argv[0], argv[0]));
	if (d.step != NULL && strcmp(d.step->verb, "reject") == 0 && d.reason == NULL)
		return (usage_error("report", "reject: --reason, for whoever has to mend it"));
	if (d.step != NULL && strcmp(d.step->verb, "distribute") == 0 && d.to == NULL)
		return (usage_error("report", "distribute: --to, who got it"));
	if (report[0] != '\0' && !id_valid(report, strlen(report)))
		return (usage_error("report", "%s is no report's id; complaints/2026-10 is", report));
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	if ((e = reach_open("report", &d.common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("report", &d.common, e)) == 0)
		n = d.step != NULL ? decide(&d, report, (int64_t)version, e, &out) : list(report[0] != '\0' ? report : NULL, &d.common, e, &out);
	if (n == 0 && (fwrite(out.data != NULL ? out.data : "", 1, out.len, stdout) != out.len || fflush(stdout) != 0))
		n = EXIT_UNREACHED;
	estate_close(e);
	buffer_free(&out);
	return (n);
}
