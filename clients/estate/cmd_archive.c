/* estate archive: bind a month of the log, and what can be done with what is bound. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "command.h"
#include "language.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate archive --month YYYY-MM --to FOLDER [OPTION...]\n"
"       estate archive list [FOLDER]\n"
"       estate archive verify [--log] FILE...\n"
"       estate archive extract [--keys DATA] FILE...\n"
"       estate archive replay [--keys DATA | --masked] FILE...\n"
"Bind a month once it is over (按月装订): every event that was stored in it, by log time at the site, becomes one file,\n"
"FOLDER/YYYY-MM.bundle.zst, with a cover sheet and a digest; period.closed and bundle.sealed tell the log so. An event\n"
"that happened in an earlier month and came late is in the bundle of the month it came in, with an entry on the cover\n"
"that names the month it belongs to. The daemon goes on working. Interrupted, the same command goes on where it\n"
"stopped; once done it changes nothing. Personal data stays sealed: erasing a person's key erases it here, too.\n"
"\n"
"list: what is in FOLDER (default: here), with the figures of each cover sheet.\n"
"verify: prove bundles, or name the byte of the first thing that is wrong. With --log also that the digest is the one\n"
"  the log was told. extract and replay prove the whole of a bundle before they begin.\n"
"extract: the records as lines of JSON, as estate tail --json writes them; personal data is masked unless --keys names\n"
"  the data folder of that log, or a backup of it.\n"
"replay: put the records into the log of the daemon reached, each under its own id: again, it stores nothing twice.\n"
"  What that log's own daemon and archive said of themselves is left out. Of persons erased since there is no number.\n"
"\n"
"      --month YYYY-MM      which month to bind\n"
"      --to FOLDER          where its file goes\n"
"      --log                compare with what the log says (verify)\n"
"      --keys DATA          open personal data with the keys of that data folder (extract, replay)\n"
"      --masked             put *** in the place of personal texts, and leave telephone numbers and the like out (replay)\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate archive --month 2026-10 --to /archive\n"
"  estate archive list /archive\n"
"  estate archive verify --log /archive/*.bundle.zst\n"
"  estate archive extract /archive/2026-10.bundle.zst | jq -r .type | sort | uniq -c\n"
"  estate archive replay --keys /backup/estated-2026-11-01 --connect ipc:///tmp/other.sock /archive/2026-10.bundle.zst\n"
"  zstd -dc /archive/2026-10.bundle.zst                the records as msgpack, without this program: BUNDLE.md\n"
"Exit status: 0 done, 1 refused, damaged or interrupted, 2 wrong usage, 3 daemon or file not reached\n";

static const struct {
	const char *name;
	int (*run)(struct archive *);
	bool files;
} deeds[] = {
	{ "list", archive_list, false },
	{ "verify", archive_verify, true },
	{ "extract", archive_extract, true },
	{ "replay", archive_replay, true },
};

static int
dispatch(struct archive *a, int argc, char **argv)
{
	if (a->month != NULL || a->to != NULL) {
		if (argc > 0)
			return (usage_error("archive", "\"%s\" is too much beside --month and --to", argv[0]));
		if (a->month == NULL || a->to == NULL)
			return (usage_error("archive", "to bind a month give both --month YYYY-MM and --to FOLDER"));
		return (archive_bind(a));
	}
	if (argc == 0)
		return (usage_error("archive", "what to do? --month YYYY-MM --to FOLDER, or one of list, verify, extract, replay"));
	a->files = argv + 1;
	a->count = argc - 1;
	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
		if (strcmp(argv[0], deeds[i].name) != 0)
			continue;
		if (deeds[i].files && a->count == 0)
			return (usage_error("archive", "%s which? Name one bundle or more", argv[0]));
		if (!deeds[i].files && a->count > 1)
			return (usage_error("archive", "list one folder at a time"));
		return (deeds[i].run(a));
	}
	return (usage_error("archive", "\"%s\" is none of list, verify, extract, replay", argv[0]));
}

int
cmd_archive(int argc, char **argv)
{
	enum { MONTH = OPTION_OWN, TO, LOG, KEYS, MASKED };
	static const struct option options[] = {
		{ "month", required_argument, NULL, MONTH },
		{ "to", required_argument, NULL, TO },
		{ "log", no_argument, NULL, LOG },
		{ "keys", required_argument, NULL, KEYS },
		{ "masked", no_argument, NULL, MASKED },
		COMMON_OPTIONS
	};
	struct archive a = { .month = NULL };
	int c, r;

	common_init(&a.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&a.common, c, "archive", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == MONTH)
			a.month = optarg;
		else if (c == TO)
			a.to = optarg;
		else if (c == KEYS)
			a.keys = optarg;
		else if (c == LOG)
			a.against_log = true;
		else
			a.masked = true;
	}
	if (a.keys != NULL && a.masked)
		return (usage_error("archive", "--keys and --masked exclude each other"));
	if (!sitetime_init())
		return (EXIT_USAGE);
	a.zh = language_is_zh();
	a.progress = !a.common.json && isatty(STDERR_FILENO);
	return (dispatch(&a, argc - optind, argv + optind));
}
