/* 业户例行回访调查记录表 (P5 4.4, 5.1): a household's routine callbacks of a month or a year. */
#include <string.h>

#include "form.h"

#define COLUMNS(list)	(sizeof(list) / sizeof(*(list)))

#define SAME_VISIT	(12 * INT64_C(3600000000000))

/* The signature under that talk: of the same callback, or of the same visit where no callback is named. */
static const struct fact *
signature_of(const struct dossier *d, const struct fact *done)
{
	const struct fact *f = NULL, *found = NULL;
	struct text mine = { NULL, 0 }, its;

	if (done == NULL)
		return (NULL);
	fact_text(d, done, "callback", &mine);
	while ((f = dossier_next(d, "visit.signed", f)) != NULL)
		if (mine.s != NULL && fact_text(d, f, "callback", &its) ? its.len == mine.len && memcmp(its.s, mine.s, its.len) == 0 :
		    f->when > done->when - SAME_VISIT && f->when < done->when + SAME_VISIT)
			found = f;
	return (found);
}

/* The record of one talk: who and how, what was said under the regulation's four headings, and the signature that only a visit asks for. */
static void
talk(struct sheet *s, const struct fact *done)
{
	static const char *const headings[] = { "effect", "attitude", "shortcomings", "suggestions" };
	bool visit = fact_says(s->d, done, "mode", "visit");

	sheet_part(s, "回访记录", "A talk");
	sheet_when(s, done, "回访时间", "when", MUST);
	sheet_field(s, done, "callback.done", "by", MUST, false);
	sheet_field(s, done, "callback.done", "mode", MUST, false);
	sheet_field(s, done, "callback.done", "grade", MAY, false);
	for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++)
		sheet_field(s, done, "callback.done", headings[i], MUST, true);
	if (done == NULL || visit)
		sheet_signature(s, signature_of(s->d, done), "业户签字", "Resident", visit ? MUST : MAY);
	sheet_close(s);
}

void
form_routine(struct sheet *s, const char *id, const char *period)
{
	static const char *const issue_types[] = { "issue.opened", "issue.dispatched", "issue.resolved", "issue.told", "issue.carried_over", NULL };
	static const struct column issues[] = { { "时间", "When", NULL }, { "事项", "What", "" }, { "责任部门", "Department", "dept" }, { "经办人", "By", "by" }, { "是否满意", "Satisfied", "satisfied" } };
	static const char *const decided_types[] = { "suggestion.decided", NULL };
	static const struct column decided[] = { { "时间", "When", NULL }, { "是否采纳", "Adopted", "adopted" }, { "决定人", "By", "by" }, { "理由", "Why", "reason" } };
	static const char *const vain_types[] = { "appointment.refused", "appointment.no_show", "callback.attempted", NULL };
	static const struct column vain[] = { { "时间", "When", NULL }, { "事项", "What", "" }, { "经办人", "By", "by" }, { "未成原因", "Why", "result" } };
	const struct dossier *d = s->d;
	const struct fact *home = dossier_last(d, "household.registered"), *f = NULL;
	unsigned talks = 0;

	sheet_begin(s, "routine_callback", "业户例行回访调查记录表", "Record of routine callbacks", id);
	sheet_part(s, "业户", "Household");
	sheet_text(s, id, "房号", "household", MUST, false);
	sheet_field(s, home, "household.registered", "name", MUST, false);
	sheet_field(s, home, "household.registered", "phone", MUST, false);
	sheet_field(s, home, "household.registered", "kind", MAY, false);
	sheet_field(s, home, "household.registered", "moved_in", MAY, false);
	sheet_text(s, period, "期间", "period", MUST, false);
	sheet_close(s);
	while ((f = dossier_next(d, "callback.done", f)) != NULL)
		if (fact_says(d, f, "kind", "routine")) {
			talk(s, f);
			talks++;
		}
	if (talks == 0)
		talk(s, NULL);
	sheet_table(s, vain, COLUMNS(vain), vain_types, MAY, "未成的联系", "Tried in vain");
	sheet_table(s, issues, COLUMNS(issues), issue_types, MAY, "问题与处理结果", "Problems, and what came of them");
	sheet_table(s, decided, COLUMNS(decided), decided_types, MAY, "建议的采纳", "Suggestions");

	sheet_part(s, "审阅", "Review");
	f = dossier_last(d, "review.done");
	sheet_field(s, f, "review.done", "result", MAY, true);
	sheet_signature(s, f, "客服组负责人", "Lead", MUST);
	sheet_signature(s, NULL, "管理处经理（月底）", "Site manager (month's end)", MAY);
	sheet_close(s);
	sheet_end(s);
}
