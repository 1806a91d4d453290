/* estate callback: what became of callbacks, and how a month stands. */
#include <stdio.h>
#include <string.h>

#include "callback_verbs.h"
#include "command.h"
#include "nearest.h"
#include "verb_help.h"

static const char help[] =
"Usage: estate callback done CALLBACK --by STAFF [--mode MODE] [--grade GRADE] [OPTION...]\n"
"       estate callback attempted CALLBACK --by STAFF --result RESULT\n"
"       estate callback extend CALLBACK --by STAFF --until TIME --reason TEXT\n"
"       estate callback appoint CALLBACK --by STAFF [--at TIME] [--agreed|--refused|--no-show]\n"
"       estate callback visit CALLBACK --by STAFF [--signed]\n"
"       estate callback noted CALLBACK --by STAFF --dept DEPT | --complaint CATEGORY\n"
"       estate callback show CALLBACK\n"
"       estate callback quota [--month MONTH]\n"
"       estate callback year FILE|-\n"
"Record what became of a callback, and see how a month stands. CALLBACK is its id, as estate agenda shows it: C-17/1.\n"
"What happened is always recorded; where a rule was broken the answer says so: a call about a case of one's own does\n"
"not count (C4), nor does one before it can be verified (C6), and a visit nobody agreed to is a breach (V4).\n"
"\n"
"  done        they were spoken to: --grade very_satisfied ... very_dissatisfied, --conforms yes|no, --covers C-18,R-9,\n"
"              --effect, --attitude, --shortcomings, --suggestions TEXT; --mode phone or visit (default: as planned)\n"
"  attempted   in vain: --result unreachable, busy, refused, wrong_number or no_show. Never counts as done\n"
"  extend      a fault that shows only later: another limit, with its reason (C6)\n"
"  appoint     a visit was proposed for --at TIME, or --agreed, --refused, --no-show (the hour as proposed, unless given)\n"
"  visit       somebody is at the door; --signed: they signed, --signer resident, family or agent\n"
"  noted       a problem was heard: --dept opens an issue for that department, --complaint CATEGORY a complaint\n"
"  show        all that happened to one\n"
"  quota       done, required, expected and what is missing, per kind; estate callback quota --help\n"
"  year        month by month, from a log or a rehearsal; estate callback year --help\n"
"\n"
"      --by STAFF           who did it\n"
"      --when TIME          when it happened (default: now)\n"
"      --anyway             also of a callback that is over, or not yet open\n"
COMMON_HELP
"--json prints {\"seq\":…,\"callback\":…,\"state\":…,\"notes\":[{\"what\":…,\"detail\":…}]}.\n"
"\n"
"Examples\n"
"  estate callback done R-20261124-0007/1 --by cs-2 --grade satisfied\n"
"  estate callback attempted C-17/1 --by cs-2 --result busy\n"
"  estate callback appoint 3-2-1201/2026 --by lead-1 --at '2026-11-27 15:00' && estate callback appoint 3-2-1201/2026 --by lead-1 --agreed\n"
"  estate callback extend C-18/1 --by cs-3 --until 2026-12-04 --reason '雨后再看'\n"
"  estate callback quota --month 2026-11\n"
"Exit status: 0 recorded and it counts, 1 recorded but it does not count or is a breach, or refused, 2 wrong usage, 3 daemon not reached\n";

static int
unknown(const char *word)
{
	struct nearest n;

	nearest_begin(&n, word, strlen(word));
	callback_offer_deeds(&n);
	nearest_offer(&n, "show");
	nearest_offer(&n, "quota");
	nearest_offer(&n, "year");
	return (n.best != NULL ? usage_error("callback", "there is no \"%s\"; did you mean %s?", word, n.best) :
	    usage_error("callback", "there is no \"%s\"; done, attempted, extend, appoint, visit, noted, show, quota or year", word));
}

int
cmd_callback(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	if (word == NULL)
		return (usage_error("callback", "what became of it? done, attempted, extend, appoint, visit, noted, show, quota or year"));
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		help_print(help);
		return (0);
	}
	if (callback_is_deed(word))
		return (callback_record(argc - 1, argv + 1));
	if (strcmp(word, "show") == 0)
		return (callback_show(argc - 1, argv + 1));
	if (strcmp(word, "quota") == 0)
		return (callback_quota(argc - 1, argv + 1));
	if (strcmp(word, "year") == 0)
		return (callback_year(argc - 1, argv + 1));
	return (unknown(word));
}
