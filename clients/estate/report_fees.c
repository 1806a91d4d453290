/*
 * F5: how much of what was due came in, and of what was owed before.  estate-dunning keeps the ledger, to the fen and as of any date; a second
 * one beside it would be a second truth.
 */
#include <stdio.h>
#include <string.h>

#include "estate.h"
#include "report.h"
#include "worker.h"

static void
take(struct report_section *s, const struct event *e, const char *dim, const char *num, const char *den)
{
	struct text kind = { NULL, 0 };
	struct report_figure *f;

	event_text(e, dim, &kind);
	f = mp_equal(kind.s, kind.len, "all") ? &s->total : report_row(s);
	if (f != &s->total)
		snprintf(f->value, sizeof(f->value), "%.*s", (int)kind.len, kind.s);
	event_int(e, num, &f->num);
	event_int(e, den, &f->den);
}

static void
period_of(struct report_section *s, const struct answers *a)
{
	struct event top = { .data = mp_over(a->bytes.data, a->bytes.len) };
	struct text t;

	if (event_text(&top, "from", &t) && t.len < sizeof(s->from))
		snprintf(s->from, sizeof(s->from), "%.*s", (int)t.len, t.s);
	if (event_text(&top, "until", &t) && t.len < sizeof(s->until))
		snprintf(s->until, sizeof(s->until), "%.*s", (int)t.len, t.s);
}

int
report_fees(struct report *r, const struct common *common, struct estate *e)
{
	struct question q = { .verb = "report", .service = "dunning", .name = "collection", .at_least = estate_log(e)->last };
	struct answers a = { .seq = 0 };
	struct event row;
	bool buildings = r->by != NULL && strcmp(r->by, "building") == 0;
	int n;

	if (r->by != NULL && strcmp(r->by, "fee_kind") != 0 && !buildings) {
		complain("report", REPORT_FEES " goes by fee_kind or building");
		return (EXIT_USAGE);
	}
	if (r->seq > 0 || (r->as_of != NULL && strlen(r->as_of) != 10)) {
		complain("report", REPORT_FEES " is as of a date, by the day the money came in: --as-of 2026-10-31");
		return (EXIT_USAGE);
	}
	question_text(&q, "period", r->period);
	question_text(&q, "as_of", r->as_of);
	question_text(&q, "by", buildings ? "building" : NULL);
	if ((n = question_ask(&q, common, e, &a)) != 0)
		return (n);
	snprintf(r->zh, sizeof(r->zh), "收缴率与清欠率");
	snprintf(r->en, sizeof(r->en), "collection and recovery of arrears");
	report_section_begin(r, "collection_rate", "收缴率", "collected of what was due");
	report_section_begin(r, "arrears_recovery", "清欠率", "recovered of what was owed before");
	for (unsigned i = 0; i < 2; i++) {
		struct report_section *s = &r->sections[i];

		s->rate = s->fen = true;
		snprintf(s->by, sizeof(s->by), buildings ? "building" : "fee_kind");
		snprintf(s->dims, sizeof(s->dims), "fee_kind building");
		snprintf(s->rule, sizeof(s->rule), "F5");
		period_of(s, &a);
		for (answers_rewind(&a); answers_row(&a, "rows", &row);)
			take(s, &row, buildings ? "building" : "kind", i == 0 ? "collected" : "prior_recovered", i == 0 ? "due" : "prior_due");
	}
	r->known = a.seq;
	answers_free(&a);
	return (0);
}
