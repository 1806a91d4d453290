/* estate retention: whose data is due to go, why, and the going. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "errcode.h"
#include "language.h"
#include "retention.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate retention plan [--at DATE] [OPTION...]\n"
"       estate retention apply --yes [OPTION...]\n"
"What the rules of retention say of the log as it is. Events of one kind about one subject are a record; its time runs\n"
"from its close. A person's key is destroyed once the last record that holds their data is due, so that names, numbers,\n"
"addresses and texts are gone from the log, its bundles and backups; figures and sequence numbers stay.\n"
"plan: who is due and why, who will be and when, what is held or open, and which months are bound and may be trimmed.\n"
"  Nothing is changed.\n"
"apply: say record.expired of every record with an end whose time is over, and erase the persons that are due. Interrupted, the\n"
"  same command again does what is left. Months are trimmed by the daemon alone (retention_age, retention_bytes), those\n"
"  that are bound.\n"
"A legal hold keeps a record whatever its time: put record.held with the number of one of its events, later\n"
"record.released with the same number.\n"
"\n"
"      --at DATE            plan as of that day: 2027-01-01, or any time as estate tail --from takes it (default: now)\n"
"      --bundles FOLDER     where the bundles of trimmed months are; needed once something was trimmed\n"
"      --yes                it shall be gone for good (apply)\n"
RETENTION_HELP
COMMON_HELP
"\n"
"Examples\n"
"  estate retention plan\n"
"  estate retention plan --at 2027-03-01 --json | jq -r '.due[].person'\n"
"  estate retention apply --yes\n"
"  echo '{\"specversion\":\"1.0\",\"id\":\"hold-1\",\"source\":\"/estate/office\",\"type\":\"record.held\",\"subject\":\"C-17\",\n"
"    \"data\":{\"event\":4711,\"by\":\"lead-1\",\"reason\":\"lawsuit\"}}' | tr -d '\\n' | estate put\n"
"Exit status: 0 done, 1 refused or interrupted, 2 wrong usage or rules with a mistake, 3 daemon or file not reached\n";

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct retention *r = user;

	/* Said before, by another operator. */
	if (n->fault->code == E_ID_CONFLICT)
		return;
	r->refused++;
	reach_refused("retention", &r->common, n->fault->code, n->fault);
}

static int
run(struct retention *r, bool apply)
{
	struct estate_options o = { .user = r, .on_nak = on_nak };
	struct buffer out = { NULL, 0, 0 };
	struct plan plan = { .due = NULL };
	struct estate *e;
	int n;

	if ((e = reach_open("retention", &r->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("retention", &r->common, e)) == 0 && (n = plan_make(r, e, &plan)) == 0) {
		if (apply)
			n = plan_apply(r, e, &plan);
		else {
			(r->common.json ? plan_show_json : plan_show)(r, &plan, &out);
			fwrite(out.data, 1, out.len, stdout);
		}
	}
	estate_close(e);
	buffer_free(&out);
	plan_free(&plan);
	return (n);
}

int
cmd_retention(int argc, char **argv)
{
	enum { AT = OPTION_OWN, BUNDLES, RULES, YES };
	static const struct option options[] = {
		{ "at", required_argument, NULL, AT },
		{ "bundles", required_argument, NULL, BUNDLES },
		{ "rules", required_argument, NULL, RULES },
		{ "yes", no_argument, NULL, YES },
		COMMON_OPTIONS
	};
	struct retention r = { .at_text = NULL };
	bool apply;
	int c, n;

	common_init(&r.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((n = common_option(&r.common, c, "retention", help)) == -1)
			continue;
		if (n != COMMON_OWN)
			return (n);
		if (c == AT)
			r.at_text = optarg;
		else if (c == BUNDLES)
			r.bundles = optarg;
		else if (c == RULES)
			r.rules_file = optarg;
		else
			r.yes = true;
	}
	if (optind + 1 != argc || (strcmp(argv[optind], "plan") != 0 && strcmp(argv[optind], "apply") != 0))
		return (usage_error("retention", "plan or apply?"));
	apply = strcmp(argv[optind], "apply") == 0;
	if (!sitetime_init())
		return (EXIT_USAGE);
	if (apply && r.at_text != NULL)
		return (usage_error("retention", "apply goes by now; --at is for plan"));
	if (apply && !r.yes)
		return (usage_error("retention", "there is no way back: look at estate retention plan first, then say --yes"));
	if (r.at_text != NULL && !sitetime_parse(r.at_text, sitetime_now(), &r.at))
		return (usage_error("retention", "--at: \"%s\" is no time such as 2027-03-01", r.at_text));
	r.zh = language_is_zh();
	if ((n = retention_rules_load("retention", r.rules_file, &r.rules)) == 0)
		n = run(&r, apply);
	kept_free(&r.kept);
	sealed_free(&r.sealed);
	retention_rules_free(&r.rules);
	return (n);
}
