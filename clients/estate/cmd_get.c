/* estate get: one event by its number. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "language.h"
#include "mp.h"
#include "paint.h"
#include "reach.h"
#include "sitetime.h"
#include "view.h"

static const char help[] =
"Usage: estate get [OPTION...] SEQ\n"
"Show the event with that sequence number, every field of it.\n"
"\n"
"      --format FORMAT      full (default), short, json, raw or a template\n"
"      --no-color           no colour\n"
COMMON_HELP
"\n"
VIEW_HELP_TEMPLATE
"\n"
"Examples\n"
"  estate get 4711\n"
"  estate get 4711 --json | jq .data\n"
"Exit status: 0 done, 1 there is no such event, 2 wrong usage, 3 daemon not reached\n";

struct get {
	struct common common;
	struct view view;
	struct estate_fault fault;
	bool refused, unreadable;
};

static void
on_answer(void *user, const struct estate_answer *a)
{
	struct get *g = user;
	struct mp m = mp_over(a->body, a->len);
	struct estate_event v;
	struct buffer out = { NULL, 0, 0 };
	const uint8_t *bytes;
	uint32_t parts, sender_len, len;

	if (a->error != 0) {
		if ((g->refused = a->fault != NULL))
			g->fault = *a->fault;
		return;
	}
	if (!mp_array(&m, &parts) || parts < 5 || !mp_uint(&m, &v.seq) || !mp_int(&m, &v.log_time) ||
	    !mp_str(&m, &v.sender, &sender_len) || !mp_uint(&m, &v.flags) || !mp_bin(&m, &bytes, &len)) {
		g->unreadable = true;
		return;
	}
	v.sender_len = sender_len;
	v.bytes = bytes;
	v.len = len;
	view_event(&g->view, &out, &v);
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
}

static int
ask(struct get *g, uint64_t seq)
{
	struct estate_options o = { .user = g };
	struct estate *e;
	msgpack_sbuffer b;
	msgpack_packer p;
	int n;

	if ((e = reach_open("get", &g->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("get", &g->common, e)) == 0) {
		msgpack_sbuffer_init(&b);
		msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
		msgpack_pack_map(&p, 1);
		msgpack_pack_str_with_body(&p, "seq", 3);
		msgpack_pack_uint64(&p, seq);
		if ((n = estate_call(e, "get", b.data, b.size, g->common.timeout_ms, on_answer, g)) != 0)
			n = reach_refused("get", &g->common, n, g->refused ? &g->fault : NULL);
		msgpack_sbuffer_destroy(&b);
	}
	estate_close(e);
	if (g->unreadable) {
		complain("get", "the daemon's answer is unreadable");
		return (EXIT_UNREACHED);
	}
	return (n);
}

int
cmd_get(int argc, char **argv)
{
	enum { FORMAT = OPTION_OWN, NO_COLOR };
	static const struct option options[] = {
		{ "format", required_argument, NULL, FORMAT },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct get g = { .view = { .format = VIEW_FULL } };
	const char *format = NULL;
	bool no_color = false;
	uint64_t seq;
	int c, r;

	common_init(&g.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&g.common, c, "get", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == FORMAT)
			format = optarg;
		else
			no_color = true;
	}
	if (optind + 1 != argc)
		return (usage_error("get", "which one? Give one sequence number"));
	if (!argument_number("get", "SEQ", argv[optind], 1, UINT64_MAX, &seq))
		return (EXIT_USAGE);
	if (g.common.json && format == NULL)
		format = "json";
	if (!sitetime_init() || (format != NULL && !view_parse(&g.view, "get", format)))
		return (EXIT_USAGE);
	paint_init(no_color);
	g.view.zh = language_is_zh();
	g.view.columns = paint_columns();
	return (ask(&g, seq));
}
