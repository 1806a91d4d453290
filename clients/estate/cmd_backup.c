/* estate backup: a hot copy of the log, made by the daemon. */
#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "buffer.h"
#include "command.h"
#include "json.h"
#include "language.h"

static const char help[] =
"Usage: estate backup [OPTION...] FOLDER\n"
"Have the daemon write a consistent copy of its log into the new FOLDER on its machine, while it goes on working.\n"
"Needs the right to operate, which root has. A backup that is started has an epoch of its own, so that readers\n"
"notice that it is not the log they knew.\n"
"\n"
COMMON_HELP
"(--timeout is for reaching the daemon, and for each sign of life after that; for a large log give it hours)\n"
"\n"
"Examples\n"
"  estate backup /backup/estated-$(date +%F)\n"
"  estate backup ./copy --timeout 3600 --json\n"
"Exit status: 0 done, 1 refused, 2 wrong usage, 3 daemon not reached\n";

struct backup {
	struct common common;
	const char *path;
};

static void
on_answer(void *user, const char *verb, struct mp body)
{
	struct backup *k = user;
	struct buffer out = { NULL, 0, 0 };
	const char *key;
	uint32_t pairs, len;
	uint64_t last = 0, bytes = 0;

	if (strcmp(verb, "accepted") == 0) {
		if (!k->common.json)
			fprintf(stderr, phrase("writing %s ...\n"), k->path);
		return;
	}
	if (k->common.json) {
		if (json_write(&out, &body))
			printf("%s\n", out.data);
		buffer_free(&out);
		return;
	}
	if (mp_map(&body, &pairs))
		while (pairs-- > 0 && mp_str(&body, &key, &len))
			if (!((mp_equal(key, len, "last") && mp_uint(&body, &last)) ||
			    (mp_equal(key, len, "bytes") && mp_uint(&body, &bytes)) || mp_skip(&body)))
				break;
	printf(phrase("%s: everything up to event %" PRIu64 ", %.1f MiB\n"), k->path, last, (double)bytes / (1 << 20));
}

/* The daemon's folder is not ours: the path must be whole. */
static int
make_absolute(struct buffer *b, const char *path)
{
	char here[4096];

	if (path[0] != '/') {
		if (getcwd(here, sizeof(here)) == NULL) {
			complain("backup", "where are we? %s", phrase(strerror(errno)));
			return (-1);
		}
		while (strncmp(path, "./", 2) == 0)
			path += 2;
		buffer_printf(b, "%s/", here);
	}
	buffer_text(b, path);
	while (b->len > 1 && b->data[b->len - 1] == '/')
		b->data[--b->len] = '\0';
	return (0);
}

int
cmd_backup(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	struct backup k;
	struct buffer path = { NULL, 0, 0 };
	struct ask a = { .verb = "backup", .request = "backup", .on_answer = on_answer, .user = &k };
	msgpack_sbuffer b;
	msgpack_packer p;
	int c, r;

	common_init(&k.common);
	while ((c = next_option(argc, argv, "h", options)) != -1)
		if ((r = common_option(&k.common, c, "backup", help)) != -1)
			return (r);
	if (optind + 1 != argc || *argv[optind] == '\0')
		return (usage_error("backup", "where to? Give one new folder"));
	if (make_absolute(&path, argv[optind]) != 0)
		return (EXIT_UNREACHED);
	k.path = path.data;
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 1);
	msgpack_pack_str_with_body(&p, "path", 4);
	msgpack_pack_str_with_body(&p, path.data, path.len);
	a.argument = b.data;
	a.len = b.size;
	r = ask_once(&k.common, &a);
	msgpack_sbuffer_destroy(&b);
	buffer_free(&path);
	return (r);
}
