/* estate outbox: what is kept on this side until the daemon has it, and what it would not have. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "command.h"
#include "event.h"
#include "json.h"
#include "language.h"
#include "outbox_feed.h"
#include "outbox_salvage.h"
#include "paint.h"
#include "reach.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate outbox [list] [--box NAME] [OPTION...]\n"
"       estate outbox show N [OPTION...]\n"
"       estate outbox replay N|all [OPTION...]\n"
"       estate outbox drop N --yes [OPTION...]\n"
"       estate outbox put [FILE|-] [--send] [OPTION...]\n"
"       estate outbox send [OPTION...]\n"
"       estate outbox salvage --to NEW [OPTION...]\n"
"An outbox is a folder that keeps events on this side until the daemon has them: what was handed over survives a dead\n"
"daemon, network or program, is sent in its order, and is in the log exactly once.\n"
"\n"
"  pending     waits to be sent\n"
"  rejected    the daemon refused it for good; list and show say why, and what came behind it went on\n"
"  review      older than the daemon remembers duplicates for: sent now it might be in the log twice, so look first\n"
"\n"
"  list        what is in the boxes; also while a program has the outbox open\n"
"  show        one entry: why it is there, and the event\n"
"  replay      a rejected or reviewed one, the same bytes, to the end of the queue, after the cause was mended\n"
"  drop        throw one away for good\n"
"  put         keep the events of FILE (default: standard input), one in JSON a line; the daemon is not needed. For\n"
"              each a line comes out, {\"line\":1,\"id\":\"a1\",\"entry\":17}, once it survives a power cut\n"
"  send        send what is pending; for each a line comes out, {\"entry\":17,\"seq\":4711,\"duplicate\":false}\n"
"  salvage     of one that is damaged, what is whole into a new one; says which bytes are damaged and what is lost.\n"
"              The old one is only read. What was sent may be sent again, and is in the log once all the same\n"
"\n"
"      --path DIR           the outbox (default: $ESTATE_OUTBOX); put makes it\n"
"      --box NAME           list only pending, rejected or review\n"
"      --send               put: send as well, until nothing is pending\n"
"      --yes                drop: yes, it shall be lost\n"
"      --to NEW             salvage: a folder that does not exist yet\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate outbox put --path /var/lib/kiosk/outbox --send < day.jsonl\n"
"  estate outbox --path /var/lib/kiosk/outbox\n"
"  estate outbox replay all --path /var/lib/kiosk/outbox && estate outbox send --path /var/lib/kiosk/outbox\n"
"Exit status: 0 done, 1 refused, or some were set aside or lost, 2 wrong usage, 3 outbox or daemon not reached\n";

enum { OPTION_PATH = OPTION_OWN, OPTION_BOX, OPTION_SEND, OPTION_YES, OPTION_TO };

struct wish {
	struct common common;
	const char *path, *deed, *argument, *to;
	enum estate_box box;
	bool one_box, send, yes, zh;
	struct estate_outbox *o;
	uint8_t bytes[EVENT_BYTES_MAX];
};

static int
fail(const struct wish *w, int error)
{
	const char *why = error == ESTATE_SYSTEM ? strerror(errno) : estate_error_text(error);

	if (w->common.json)
		fprintf(stderr, "{\"error\":\"%s\",\"detail\":\"%s\"}\n", estate_error_name(error), why);
	else
		complain("outbox", "%s: %s", w->path, phrase(why));
	return (EXIT_UNREACHED);
}

static const char *
box_label(const struct wish *w, enum estate_box box)
{
	static const char *const zh[] = { "待发", "被拒", "待查" };

	return (w->zh ? zh[box] : estate_box_name(box));
}

/* ---- Showing ---- */

static void
add_time(struct buffer *b, int64_t ms)
{
	char text[SITETIME_TEXT];

	sitetime_local(ms * 1000000, 0, text);
	buffer_text(b, text);
}

/* Why it is where it is, for people. */
static void
add_why(struct buffer *b, const struct estate_entry *t)
{
	if (t->fault.code != 0)
		reach_fault_text(b, &t->fault);
	else
		buffer_printf(b, "%s: %s", t->fault.name, t->fault.text);
}

static void
add_json(struct buffer *b, struct wish *w, const struct estate_entry *t, bool whole)
{
	struct mp m = mp_over(w->bytes, t->len);
	struct event e;

	buffer_printf(b, "{\"entry\":%" PRIu64 ",\"box\":\"%s\",\"put_ms\":%" PRId64 ",\"moved_ms\":%" PRId64 ",\"bytes\":%zu", t->number,
	    estate_box_name(t->box), t->put_ms, t->moved_ms, t->len);
	if (event_peek(&e, w->bytes, t->len) && e.id.s != NULL && e.type.s != NULL) {
		buffer_text(b, ",\"id\":");
		json_write_text(b, e.id.s, e.id.len);
		buffer_text(b, ",\"type\":");
		json_write_text(b, e.type.s, e.type.len);
	}
	if (t->fault.name[0] != '\0') {
		buffer_text(b, ",\"fault\":{");
		reach_fault_json(b, &t->fault);
		buffer_text(b, "}");
	}
	if (whole) {
		buffer_text(b, ",\"event\":");
		if (!json_write(b, &m))
			buffer_text(b, "null");
	}
	buffer_text(b, "}\n");
}

static void
add_line(struct buffer *b, const struct wish *w, const struct estate_entry *t)
{
	struct event e;

	buffer_printf(b, "%7" PRIu64 "  ", t->number);
	paint_cell(b, box_label(w, t->box), strlen(box_label(w, t->box)), 9);
	add_time(b, t->put_ms);
	buffer_text(b, "  ");
	if (event_peek(&e, w->bytes, t->len) && e.id.s != NULL && e.type.s != NULL) {
		paint_clean(b, e.type.s, e.type.len, 0);
		buffer_text(b, " ");
		paint_clean(b, e.id.s, e.id.len, 0);
	}
	if (t->fault.name[0] != '\0') {
		buffer_text(b, "  ");
		add_why(b, t);
	}
	buffer_text(b, "\n");
}

static void
write_counts(const struct wish *w, const struct estate_outbox_counts *c)
{
	struct buffer b = { NULL, 0, 0 };

	for (unsigned i = 0; i < 3; i++) {
		buffer_printf(&b, w->zh ? "%s%s %" PRIu64 " 条" : "%s%s %" PRIu64, i == 0 ? "" : w->zh ? "，" : ", ", box_label(w, (enum estate_box)i),
		    c->entries[i]);
		if (c->entries[i] == 0)
			continue;
		buffer_text(&b, w->zh ? "（最早 " : " (the oldest ");
		sitetime_span(&b, sitetime_now() - c->oldest_ms[i] * 1000000, w->zh);
		buffer_text(&b, w->zh ? "前）" : " ago)");
	}
	puts(b.data);
	buffer_free(&b);
}

static int
list(struct wish *w)
{
	struct estate_outbox_counts c;
	struct estate_entry t = { 0 };
	struct buffer b = { NULL, 0, 0 };
	int r = 0;

	estate_outbox_counts(w->o, &c);
	if (!w->common.json)
		write_counts(w, &c);
	for (unsigned box = 0; box < 3 && r >= 0; box++) {
		if (w->one_box && box != (unsigned)w->box)
			continue;
		for (t.number = 0; (r = estate_outbox_next(w->o, (enum estate_box)box, t.number, &t)) == 1;) {
			if ((r = estate_outbox_get(w->o, t.number, &t, w->bytes)) != 0)
				break;
			buffer_clear(&b);
			if (w->common.json)
				add_json(&b, w, &t, false);
			else
				add_line(&b, w, &t);
			fputs(b.data, stdout);
		}
	}
	buffer_free(&b);
	return (r < 0 ? fail(w, r) : 0);
}

static int
show(struct wish *w, uint64_t number)
{
	struct buffer b = { NULL, 0, 0 };
	struct mp m;
	struct estate_entry t;
	int error;

	if ((error = estate_outbox_get(w->o, number, &t, w->bytes)) != 0)
		return (error > 0 ? (fail(w, error), EXIT_PART) : fail(w, error));
	if (w->common.json)
		add_json(&b, w, &t, true);
	else {
		buffer_printf(&b, w->zh ? "条目 %" PRIu64 "：%s\n交付：" : "entry %" PRIu64 ": %s\nhanded over: ", number, box_label(w, t.box));
		add_time(&b, t.put_ms);
		if (t.fault.name[0] != '\0') {
			buffer_text(&b, w->zh ? "\n移入：" : "\nset aside: ");
			add_time(&b, t.moved_ms);
			buffer_text(&b, w->zh ? "\n原因：" : "\nwhy: ");
			add_why(&b, &t);
		}
		buffer_text(&b, "\n");
		m = mp_over(w->bytes, t.len);
		if (!json_write(&b, &m))
			buffer_printf(&b, w->zh ? "（%zu 字节，不是 msgpack）" : "(%zu bytes that are no msgpack)", t.len);
		buffer_text(&b, "\n");
	}
	fputs(b.data, stdout);
	buffer_free(&b);
	return (0);
}

/* ---- Mending ---- */

static int
replay_one(struct wish *w, uint64_t number)
{
	uint64_t as;
	int error;

	if ((error = estate_outbox_replay(w->o, number, &as)) == ESTATE_INVALID) {
		fprintf(stderr, w->zh ? "estate outbox: 条目 %" PRIu64 " 尚待发送，无需重发\n" :
		    "estate outbox: entry %" PRIu64 " is pending already\n", number);
		return (EXIT_PART);
	}
	if (error != 0)
		return (error > 0 ? (fail(w, error), EXIT_PART) : fail(w, error));
	if (w->common.json)
		printf("{\"entry\":%" PRIu64 ",\"replayed_as\":%" PRIu64 "}\n", number, as);
	else
		printf(w->zh ? "条目 %" PRIu64 " 已移至队尾，新编号 %" PRIu64 "\n" : "entry %" PRIu64 " is at the end of the queue, as %" PRIu64 "\n", number, as);
	return (0);
}

/* Every rejected one; those of review somebody looks at one by one. */
static int
replay_all(struct wish *w)
{
	struct estate_entry t = { 0 };
	int r;

	while ((r = estate_outbox_next(w->o, ESTATE_REJECTED, t.number, &t)) == 1)
		if ((r = replay_one(w, t.number)) != 0)
			return (r);
	return (r < 0 ? fail(w, r) : 0);
}

static int
drop(struct wish *w, uint64_t number)
{
	int error;

	if (!w->yes)
		return (usage_error("outbox", "entry %" PRIu64 " would be lost for good; show it first, then say --yes", number));
	if ((error = estate_outbox_drop(w->o, number)) != 0)
		return (error > 0 ? (fail(w, error), EXIT_PART) : fail(w, error));
	if (w->common.json)
		printf("{\"entry\":%" PRIu64 ",\"dropped\":true}\n", number);
	else
		printf(w->zh ? "条目 %" PRIu64 " 已丢弃\n" : "entry %" PRIu64 " is dropped\n", number);
	return (0);
}

/* ---- What is wished ---- */

static int
parse(struct wish *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "path", required_argument, NULL, OPTION_PATH },
		{ "box", required_argument, NULL, OPTION_BOX },
		{ "send", no_argument, NULL, OPTION_SEND },
		{ "yes", no_argument, NULL, OPTION_YES },
		{ "to", required_argument, NULL, OPTION_TO },
		COMMON_OPTIONS
	};
	int c, r;

	common_init(&w->common);
	w->path = getenv("ESTATE_OUTBOX");
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&w->common, c, "outbox", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r == 0 ? -1 : r);
		if (c == OPTION_PATH)
			w->path = optarg;
		else if (c == OPTION_SEND)
			w->send = true;
		else if (c == OPTION_YES)
			w->yes = true;
		else if (c == OPTION_TO)
			w->to = optarg;
		else {
			for (w->box = ESTATE_PENDING; w->box <= ESTATE_REVIEW && strcmp(optarg, estate_box_name(w->box)) != 0;)
				w->box++;
			if (w->box > ESTATE_REVIEW)
				return (usage_error("outbox", "--box is pending, rejected or review, not %s", optarg));
			w->one_box = true;
		}
	}
	w->deed = optind < argc ? argv[optind++] : "list";
	w->argument = optind < argc ? argv[optind++] : NULL;
	if (optind < argc)
		return (usage_error("outbox", "what is %s? One thing at a time", argv[optind]));
	if (w->path == NULL || *w->path == '\0')
		return (usage_error("outbox", "which one? Give --path DIR, or set ESTATE_OUTBOX"));
	return (0);
}

/* put and send: a file to read, or none. */
static int
feed(struct wish *w)
{
	struct outbox_feed f = { .common = &w->common, .path = w->path, .put = strcmp(w->deed, "put") == 0, .fd = STDIN_FILENO, .name = "stdin" };
	int r;

	f.send = !f.put || w->send;
	if (!f.put && w->argument != NULL)
		return (usage_error("outbox", "send takes no file; put does"));
	if (f.put && w->argument != NULL && strcmp(w->argument, "-") != 0) {
		f.name = w->argument;
		if ((f.fd = open(f.name, O_RDONLY | O_CLOEXEC)) < 0) {
			complain("outbox", "cannot read %s: %s", f.name, phrase(strerror(errno)));
			return (EXIT_UNREACHED);
		}
	}
	r = outbox_feed(&f);
	if (f.fd != STDIN_FILENO)
		close(f.fd);
	return (r);
}

static int
salvage(const struct wish *w)
{
	if (w->argument != NULL || w->to == NULL)
		return (usage_error("outbox", "salvage takes no entry; name the new folder with --to"));
	return (outbox_salvage(&w->common, w->path, w->to, w->zh));
}

static int
carry_out(struct wish *w)
{
	bool looks = strcmp(w->deed, "list") == 0 || strcmp(w->deed, "show") == 0, all = false;
	struct estate_outbox_options b = { .readonly = looks };
	char why[ESTATE_OUTBOX_WHY];
	uint64_t number = 0;
	int r;

	if (strcmp(w->deed, "list") == 0) {
		if (w->argument != NULL)
			return (usage_error("outbox", "list takes no number; show does"));
	} else {
		if (w->argument == NULL)
			return (usage_error("outbox", "which entry? estate outbox list has their numbers"));
		all = strcmp(w->deed, "replay") == 0 && strcmp(w->argument, "all") == 0;
		if (!all && !argument_number("outbox", "the entry", w->argument, 1, UINT64_MAX, &number))
			return (EXIT_USAGE);
	}
	if (strcmp(w->deed, "drop") == 0 && !w->yes)
		return (drop(w, number));
	if (!sitetime_init())
		return (EXIT_USAGE);
	if (!looks && access(w->path, F_OK) != 0) {
		complain("outbox", "there is no outbox in %s", w->path);
		return (EXIT_UNREACHED);
	}
	if ((r = estate_outbox_open(w->path, &b, &w->o, why)) != 0)
		return (outbox_unopened(&w->common, r, why));
	if (looks)
		r = number == 0 ? list(w) : show(w, number);
	else if (strcmp(w->deed, "replay") == 0)
		r = all ? replay_all(w) : replay_one(w, number);
	else
		r = drop(w, number);
	estate_outbox_close(w->o);
	return (r);
}

int
cmd_outbox(int argc, char **argv)
{
	static const char *const deeds[] = { "list", "show", "replay", "drop", "put", "send", "salvage" };
	struct wish *w = memset(alloc_or_exit(NULL, sizeof(*w)), 0, sizeof(*w));
	bool known = false;
	int r;

	w->zh = language_is_zh();
	if ((r = parse(w, argc, argv)) == 0) {
		for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++)
			known |= strcmp(w->deed, deeds[i]) == 0;
		if (!known)
			r = usage_error("outbox", "what is %s? It does list, show, replay, drop, put, send and salvage", w->deed);
		else if (strcmp(w->deed, "put") == 0 || strcmp(w->deed, "send") == 0)
			r = feed(w);
		else if (strcmp(w->deed, "salvage") == 0)
			r = salvage(w);
		else
			r = carry_out(w);
	}
	free(w);
	return (r < 0 ? 0 : r);
}
