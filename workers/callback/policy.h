/*
 * policy: what the department has decided: a figure for each clause.  config/rules/callback.yaml is the list of them, with their reasons.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROLE_SIZE	32u
#define LIST_MAX	8u
#define DATES_MAX	64u

/* Minutes of a day, from < to. */
struct hours {
	unsigned from, to;
};

struct hours_list {
	unsigned count;
	struct hours list[LIST_MAX];
};

struct name_list {
	unsigned count;
	char list[LIST_MAX][ROLE_SIZE];
};

struct date_list {
	unsigned count;
	struct { int64_t first, last; } list[DATES_MAX];
};

struct policy {
	int64_t seed, run;		/* run: minutes of the day */
	struct {
		int64_t due_days, plan_days, deferred_opens_days, deferred_due_days, extensions;
		char ordinary_role[ROLE_SIZE], major_role[ROLE_SIZE], company_role[ROLE_SIZE], company_major_role[ROLE_SIZE];
		int64_t ordinary_mode, major_mode;
	} complaint;
	struct {
		int64_t due_days, percent, last_days, last_percent, margin_percent, close_day, attempts, mode;
		char role[ROLE_SIZE];
	} repair;
	struct {
		int64_t due_days, mode;
		char role[ROLE_SIZE], manager_role[ROLE_SIZE];
		struct name_list manager_kinds;
	} help;
	struct {
		int64_t within, ignore_under;
		char role[ROLE_SIZE];
	} call;
	struct {
		int64_t mode, key_mode, key_days, key_ahead_days, spare_days;
		char role[ROLE_SIZE], key_role[ROLE_SIZE];
	} routine;
	struct {
		struct hours_list hours, visit_hours;
		struct date_list no_visits;
		int64_t week, month, month_most, dials_a_day, dial_gap, dials, lead_dials, no_shows;
		char lead_role[ROLE_SIZE];
	} contact;
	struct {
		struct name_list otherwise;
	} assign;
	struct {
		int64_t percent, at_least;
		struct name_list hidden_from;
	} audit;
};

/* Read them: all keys must be there.  NULL with a sentence in `why` that begins with the line.  free() ends them. */
struct policy	*policy_read(const char *text, char *why, size_t why_size);

bool	names_hold(const struct name_list *, const char *name, size_t len);

#endif
