/* The forms of one case: 投诉意见处理表 (P5 4.2, 5.4) and 特约服务/维修工作单 (5.3). */
#include <string.h>

#include "form.h"
#include "sitetime.h"

static const struct column assigned[] = {
	{ "时间", "When", NULL }, { "责任人", "Whom", "to" }, { "岗位", "Role", "role" }, { "部门", "Department", "dept" }, { "派单人", "By", "by" },
};
static const struct column callbacks[] = {
	{ "时间", "When", NULL }, { "回访", "What", "" }, { "回访人", "By", "by" }, { "方式", "How", "mode" }, { "满意程度", "Grade", "grade" },
	{ "未成原因", "Why not", "result" }, { "服务内容及效果", "Effect", "effect" }, { "意见与建议", "Suggestions", "suggestions" },
};
static const char *const assigned_types[] = { "case.assigned", NULL };
static const char *const callback_types[] = { "callback.done", "callback.attempted", NULL };
#define COLUMNS(list)	(sizeof(list) / sizeof(*(list)))

void
form_household(struct sheet *s, const struct fact *named, const char *type)
{
	const struct fact *home = dossier_last(s->d, "household.registered");

	sheet_field(s, named, type, "household", MUST, false);
	sheet_field(s, home, "household.registered", "name", MUST, false);
	sheet_field(s, home, "household.registered", "phone", MUST, false);
}

/* By when the first reply was owed, and how that went, as the deadlines' worker concluded it. */
static void
first_reply_due(struct sheet *s)
{
	const struct fact *opened = NULL, *late = NULL;
	char text[SITETIME_TEXT];
	struct buffer b = { NULL, 0, 0 };
	struct text due;
	int64_t at;

	while ((opened = dossier_next(s->d, "obligation.opened", opened)) != NULL && !fact_says(s->d, opened, "rule", "C1"))
		;
	while ((late = dossier_next(s->d, "obligation.breached", late)) != NULL && !fact_says(s->d, late, "rule", "C1"))
		;
	if (opened != NULL && fact_text(s->d, opened, "due", &due) && due.len < sizeof(text)) {
		memcpy(text, due.s, due.len);
		text[due.len] = '\0';
		if (sitetime_parse(text, 0, &at)) {
			sitetime_due(at, opened->when, text);
			buffer_printf(&b, "%s%s", text, late == NULL ? "" : s->zh ? "（超时）" : " (late)");
		}
	}
	sheet_text(s, b.data, "回复期限", "reply due", MAY, false);
	buffer_free(&b);
}

/* The first and last reply of a person: a machine's settles nothing. */
static const struct fact *
first_reply(const struct dossier *d)
{
	const struct fact *f = NULL;

	while ((f = dossier_next(d, "case.replied", f)) != NULL && fact_true(d, f, "automatic"))
		;
	return (f);
}

static const struct fact *
signed_about(const struct dossier *d, bool proposal)
{
	const struct fact *f = NULL, *last = NULL;

	while ((f = dossier_next(d, "complaint.signed", f)) != NULL)
		if (fact_says(d, f, "about", "proposal") == proposal)
			last = f;
	return (last);
}

static void
signature_part(struct sheet *s, const struct fact *f, enum need need)
{
	sheet_field(s, f, "complaint.signed", "satisfied", need, false);
	sheet_field(s, f, "complaint.signed", "refused", MAY, false);
	sheet_field(s, f, "complaint.signed", "reason", MAY, true);
	sheet_signature(s, f, "业户签字", "Resident", need);
}

static const struct fact *
form_signed(const struct dossier *d, const char *type, const char *role)
{
	const struct fact *f = NULL, *last = NULL;

	while ((f = dossier_next(d, type, f)) != NULL)
		if (role == NULL || fact_says(d, f, "role", role))
			last = f;
	return (last);
}

void
form_complaint(struct sheet *s, const char *id)
{
	static const char *const extended_types[] = { "callback.extended", "case.reopened", "case.suspended", "case.resumed", NULL };
	static const struct column extended[] = { { "时间", "When", NULL }, { "事项", "What", "" }, { "经办人", "By", "by" }, { "原因", "Why", "reason" }, { "延期至", "Until", "until" } };
	const struct dossier *d = s->d;
	const struct fact *opened = dossier_first(d, "complaint.opened"), *reply = first_reply(d), *handled = dossier_last(d, "complaint.handled");
	enum need proposal = fact_says(d, handled, "verify", "deferred") ? MUST : MAY;

	sheet_begin(s, "complaint_handling", "业户投诉意见处理表", "Handling of a complaint", id);
	sheet_part(s, "受理", "Received");
	form_household(s, opened, "complaint.opened");
	sheet_when(s, opened, "受理时间", "received", MUST);
	sheet_field(s, opened, "complaint.opened", "via", MUST, false);
	sheet_field(s, opened, "complaint.opened", "category", MUST, false);
	sheet_field(s, opened, "complaint.opened", "severity", MUST, false);
	sheet_field(s, opened, "complaint.opened", "anonymous", MAY, false);
	sheet_field(s, opened, "complaint.opened", "text", MUST, true);
	sheet_close(s);

	sheet_part(s, "第一次回复", "First reply");
	sheet_when(s, reply, "回复时间", "replied", MUST);
	first_reply_due(s);
	sheet_field(s, reply, "case.replied", "by", MUST, false);
	sheet_field(s, reply, "case.replied", "text", MAY, true);
	sheet_close(s);

	sheet_table(s, assigned, COLUMNS(assigned), assigned_types, MUST, "派单", "In charge");

	sheet_part(s, "处理", "Handling");
	sheet_when(s, handled, "处理完毕", "handled", MUST);
	sheet_field(s, handled, "complaint.handled", "by", MUST, false);
	sheet_field(s, handled, "complaint.handled", "dept", MUST, false);
	sheet_field(s, handled, "complaint.handled", "verify", MUST, false);
	sheet_close(s);
	if (proposal == MUST) {
		sheet_part(s, "业户对处理意见的签署", "The resident on the proposal");
		signature_part(s, signed_about(d, true), MUST);
		sheet_close(s);
	}
	sheet_part(s, "业户对处理结果的签署", "The resident on the result");
	signature_part(s, signed_about(d, false), MUST);
	sheet_close(s);

	sheet_table(s, callbacks, COLUMNS(callbacks), callback_types, MUST, "回访记录", "Callbacks");
	for (size_t i = 0; extended_types[i] != NULL; i++)
		if (dossier_first(d, extended_types[i]) != NULL) {
			sheet_table(s, extended, COLUMNS(extended), extended_types, MAY, "延期与重新处理", "Put off, opened again");
			break;
		}

	sheet_part(s, "审核与存档", "Approval and archive");
	sheet_signature(s, form_signed(d, "form.completed", NULL), "客服组负责人", "Lead", MUST);
	sheet_signature(s, form_signed(d, "form.signed", "site_manager"), "项目经理", "Site manager", MUST);
	sheet_signature(s, form_signed(d, "form.archived", NULL), "存档", "Archived", MUST);
	sheet_close(s);
	sheet_end(s);
}

void
form_work_order(struct sheet *s, const char *id)
{
	static const char *const visit_types[] = { "appointment.requested", "appointment.agreed", "appointment.refused", "appointment.no_show", "visit.started", NULL };
	static const struct column visits[] = { { "时间", "When", NULL }, { "事项", "What", "" }, { "约定时间", "Agreed for", "at" }, { "经办人", "By", "by" } };
	const struct dossier *d = s->d;
	const struct fact *asked = dossier_first(d, "repair.requested"), *finished = dossier_last(d, "repair.finished"),
	    *rated = dossier_last(d, "workorder.rated"), *signature = fact_true(d, rated, "signed") ? rated : NULL;
	bool special = fact_says(d, asked, "service", "special"), plain = asked == NULL;

	sheet_begin(s, "work_order", plain ? "特约服务/维修工作单" : special ? "特约服务工作单" : "维修工作单", plain ? "Work order" : special ? "Work order: special service" : "Work order: repair", id);
	sheet_part(s, "报修", "Asked for");
	form_household(s, asked, "repair.requested");
	sheet_when(s, asked, "受理时间", "received", MUST);
	sheet_field(s, asked, "repair.requested", "trade", MUST, false);
	sheet_field(s, asked, "repair.requested", "in_home", MUST, false);
	sheet_field(s, asked, "repair.requested", "due", MAY, false);
	sheet_field(s, asked, "repair.requested", "text", MUST, true);
	sheet_close(s);

	sheet_table(s, assigned, COLUMNS(assigned), assigned_types, MUST, "派单", "In charge");
	for (size_t i = 0; visit_types[i] != NULL; i++)
		if (dossier_first(d, visit_types[i]) != NULL) {
			sheet_table(s, visits, COLUMNS(visits), visit_types, MAY, "预约与上门", "Appointments and visits");
			break;
		}

	sheet_part(s, "完成", "Done");
	sheet_when(s, finished, "完成时间", "finished", MUST);
	sheet_field(s, finished, "repair.finished", "by", MUST, false);
	sheet_close(s);

	sheet_part(s, "业户评价", "The resident");
	sheet_field(s, rated, "workorder.rated", "grade", MUST, false);
	sheet_field(s, rated, "workorder.rated", "channel", MAY, false);
	sheet_signature(s, signature, "业户签字", "Resident", MUST);
	sheet_close(s);

	sheet_table(s, callbacks, COLUMNS(callbacks), callback_types, MAY, "回访记录", "Callbacks");
	sheet_end(s);
}
