/*
 * A report that is owed has versions, which estate-stats keeps: what became of each, and as of when its figures are.  Here people decide on them.
 */
#ifndef REPORT_FLOW_H
#define REPORT_FLOW_H

#include "report.h"

#define REPORT_ID_SIZE	65u

struct report_version {
	char report[REPORT_ID_SIZE];	/* "complaints/2026-10" */
	char name[REPORT_NAME_SIZE], period[16], kind[REPORT_NAME_SIZE], survey[REPORT_ID_SIZE], state[16], by[REPORT_ID_SIZE];
	int64_t number, as_of, decided;
};

/* The version of that report with that number, 0: the newest.  0, or an exit status after a sentence. */
int	report_version_find(const char *report, int64_t number, const struct common *, struct estate *, struct report_version *);

/* estate report versions; submit, review, approve, reject, distribute. */
bool	report_is_step(const char *word);
int	report_flow(int argc, char **argv, const char *help);

/* "submitted", 已报审. */
const char	*report_state(const char *state, bool zh);

#endif
