/* estate verify: is the store sound?  Reads the files themselves; the daemon must be stopped, or look at a backup. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "../../daemon/verify.h"
#include "arguments.h"
#include "command.h"
#include "language.h"

static const char help[] =
	"usage: estate verify [--data DIR] [--json]\n"
	"\n"
	"Proves that a store is sound, or names the file and the byte where it is not: every block's\n"
	"checksum, every number, every event's bytes, the filters, the key index, the journal.\n"
	"\n"
	"  estate verify                              the daemon's own store, while it is stopped\n"
	"  estate verify --data /backup/2026-11-23    a backup, at any time\n"
	"\n"
	"When the daemon stopped because its disk failed, it refuses to start until this has passed.\n"
	"A store that is damaged: restore a backup, or save what is whole with estate repair.\n"
	"\n"
	"      --data DIR           the folder (default /var/lib/estated)\n"
	"      --json               for programs\n"
	"      --help               this text\n"
	"\n"
	"exit status: 0 sound, 1 damaged, 2 wrong usage, 3 could not be looked at\n";

enum { OPTION_DATA = OPTION_OWN };

static void
show_progress(uint64_t events)
{
	fprintf(stderr, phrase("\r%" PRIu64 " events proven"), events);
	fflush(stderr);
}

static void
print_json(const struct verdict *v)
{
	json_t *o = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "sound", v->sound, "first", (json_int_t)v->first, "last",
	    (json_int_t)v->last, "events", (json_int_t)v->events, "bytes", (json_int_t)v->bytes, "in_journal", (json_int_t)v->in_journal,
	    "blocks", (json_int_t)v->blocks, "log_bytes", (json_int_t)v->log_bytes, "key_bytes", (json_int_t)v->key_bytes);

	if (v->problem[0] != '\0')
		json_object_set_new(o, "problem", json_string(v->problem));
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

int
cmd_verify(int argc, char **argv)
{
	static const struct option options[] = { { "data", required_argument, NULL, OPTION_DATA }, COMMON_OPTIONS };
	const char *data = "/var/lib/estated";
	struct common common;
	struct verdict v;
	bool progress = isatty(STDERR_FILENO);
	int c, rc;

	common_init(&common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((rc = common_option(&common, c, "verify", help)) >= 0)
			return (rc);
		if (rc == COMMON_OWN && c == OPTION_DATA)
			data = optarg;
	}
	if (optind < argc)
		return (usage_error("verify", "\"%s\" is too much; name the folder with --data", argv[optind]));
	rc = verify_store(data, progress ? show_progress : NULL, &v);
	if (progress)
		fputs("\r\033[K", stderr);
	if (common.json)
		print_json(&v);
	if (rc != 0) {
		complain("verify", "%s", v.problem);
		return (3);
	}
	if (!v.sound) {
		complain("verify", "damaged: %s\nnext: restore a backup, or estate repair --data %s --to NEW", v.problem, data);
		return (1);
	}
	if (!common.json)
		printf(language_is_zh() ? "完好：事件 %" PRIu64 " 至 %" PRIu64 "（其中 %" PRIu64 " 个尚在预写日志中）；事件 %" PRIu64 " 字节，日志 %"
		    PRIu64 " 字节，索引 %" PRIu64 " 字节\n" :
		    "sound: events %" PRIu64 " to %" PRIu64 " (%" PRIu64 " of them still in the journal), %" PRIu64 " bytes of events in %"
		    PRIu64 " bytes of log and %" PRIu64 " bytes of key index\n", v.first, v.last, v.in_journal, v.bytes, v.log_bytes, v.key_bytes);
	return (0);
}
