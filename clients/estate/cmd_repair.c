/* estate repair: what is whole of a damaged store, into a new one. */
#include <inttypes.h>
#include <stdio.h>

#include "../../daemon/repair.h"
#include "arguments.h"
#include "command.h"
#include "language.h"

static const char help[] =
	"usage: estate repair [--data DIR] --to NEW [--json]\n"
	"\n"
	"Saves every whole block of a damaged store into a new folder.  Events keep their numbers; a\n"
	"number that cannot be saved becomes an event.lost, so every reader learns of it.  The old\n"
	"folder is only read.  The new one begins a new epoch.\n"
	"\n"
	"  estate repair --to /var/lib/estated.new && estate verify --data /var/lib/estated.new\n"
	"\n"
	"A backup without damage is better: compare its last number first.\n"
	"\n"
	"      --data DIR           the damaged store (default /var/lib/estated)\n"
	"      --to NEW             a folder that does not exist yet\n"
	"      --json               for programs\n"
	"      --help               this text\n"
	"\n"
	"masked counts events whose personal data no key opens any more: everybody sees *** there.\n"
	"\n"
	"exit status: 0 nothing was lost, 1 some numbers or keys are lost, 2 wrong usage, 3 nothing could be saved\n";

enum { OPTION_DATA = OPTION_OWN, OPTION_TO };

int
cmd_repair(int argc, char **argv)
{
	static const struct option options[] = {
		{ "data", required_argument, NULL, OPTION_DATA }, { "to", required_argument, NULL, OPTION_TO }, COMMON_OPTIONS
	};
	const char *data = "/var/lib/estated", *to = NULL;
	struct repair_outcome out;
	struct common common;
	char why[1024];
	int c, rc;

	common_init(&common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((rc = common_option(&common, c, "repair", help)) >= 0)
			return (rc);
		if (rc == COMMON_OWN && c == OPTION_DATA)
			data = optarg;
		else if (rc == COMMON_OWN)
			to = optarg;
	}
	if (to == NULL || optind < argc)
		return (usage_error("repair", "name the new folder with --to"));
	if (repair_store(data, to, &out, why, sizeof(why)) != 0) {
		complain("repair", "%s", why);
		return (3);
	}
	if (common.json)
		printf("{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"saved\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"masked\":%" PRIu64 "}\n",
		    out.first, out.last, out.saved, out.lost, out.masked);
	else
		printf(phrase("events %" PRIu64 " to %" PRIu64 ": %" PRIu64 " saved, %" PRIu64 " lost\n"), out.first, out.last, out.saved, out.lost);
	if (!common.json && out.masked > 0)
		printf(phrase("the personal data of %" PRIu64 " of them cannot be opened, its keys are damaged: where a backup of the same log has\n"
		    "a whole vault, put that into %s and repair again into another folder\n"), out.masked, data);
	return (out.lost + out.masked > 0 ? 1 : 0);
}
