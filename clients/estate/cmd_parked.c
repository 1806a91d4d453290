/* estate parked: what workers could not take; why; and have it tried again. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "bounds.h"
#include "command.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "parkings.h"
#include "sitetime.h"
#include "view.h"

/* Who may operate may put under this one: roles.def. */
#define SOURCE	"/estate/operator"

enum { OPTION_WORKER = OPTION_OWN, OPTION_REASON };

static const char help[] =
"Usage: estate parked [list] [--worker W] [OPTION...]\n"
"       estate parked show SEQ [OPTION...]\n"
"       estate parked replay WORKER SEQ --reason TEXT [OPTION...]\n"
"An event that a worker could not take is parked: the worker goes on without it, says so in the log, and marks later\n"
"events of the same case. Look why, mend what was wrong (rules, a case, the worker), then have it tried again. A timer\n"
"that failed is parked under the number of the event that set it.\n"
"\n"
"  list      what is parked: the event's number, the worker, since when, and why\n"
"  show      the event itself, and who could not take it\n"
"  replay    the worker takes it now, as of this moment; an event in the log, with your name and reason.\n"
"            What still fails is parked again\n"
"\n"
"      --worker W           of this worker only (list)\n"
"      --reason TEXT        what was mended, for the log (replay)\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate parked\n"
"  estate parked show 4711\n"
"  estate parked replay escalate 4711 --reason 'the roster had no lead on Sunday'\n"
"  estate parked --json | jq -r 'select(.times > 1) | .event'\n"
"Exit status: 0 done, 1 it is not parked or refused, 2 wrong usage, 3 daemon not reached\n";

struct parked {
	struct common common;
	const char *worker, *reason;
	uint64_t seq;
	bool zh;
	struct parkings all;
	struct estate_fault fault;
	bool refused, done, unreadable;
	uint64_t stored;		/* the number of the worker.replayed */
};

static void
on_event(void *user, const struct estate_event *v)
{
	struct parked *p = user;

	parkings_take(&p->all, v);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct parked *p = user;

	(void)seq;
	(void)log_time;
	p->done |= end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct parked *p = user;

	p->fault = *f;
	p->refused = p->done = true;
}

/* Read what the log tells of parking up to its end: 0, or the exit status. */
static int
read_log(struct parked *p, struct estate *e)
{
	static const char *const types[] = { "worker.parked", "worker.replayed", NULL };
	struct estate_subscribe_options so = { .from = ESTATE_FROM_FIRST, .types = types, .user = p, .on_event = on_event,
	    .on_progress = on_progress, .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	if ((n = estate_subscribe(e, &so, &s)) != 0)
		return (reach_refused("parked", &p->common, n, NULL));
	while (!p->done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (p->refused)
		return (reach_refused("parked", &p->common, p->fault.code, &p->fault));
	if (!p->done)
		return (EXIT_PART);
	estate_unsubscribe(s);
	p->done = false;
	return (0);
}

static bool
is_wanted(const struct parked *p, const struct parking *k)
{
	return (k->open && (p->worker == NULL || strcmp(p->worker, k->worker) == 0) && (p->seq == 0 || p->seq == k->event));
}

static void
write_json(struct buffer *b, const struct parking *k)
{
	char when[SITETIME_TEXT];

	sitetime_utc_ns(k->since, when);
	buffer_printf(b, "{\"event\":%" PRIu64 ",\"worker\":", k->event);
	json_write_text(b, k->worker, strlen(k->worker));
	buffer_printf(b, ",\"since\":\"%s\",\"parked\":%" PRIu64 ",\"times\":%u,\"reason\":", when, k->parked, k->times);
	json_write_text(b, k->reason, strlen(k->reason));
	buffer_text(b, "}\n");
}

static void
write_line(const struct parked *p, struct buffer *b, const struct parking *k)
{
	char when[SITETIME_TEXT];

	sitetime_local(k->since, 0, when);
	buffer_printf(b, "%s%10" PRIu64 "%s  ", paint(PAINT_BOLD), k->event, paint(PAINT_OFF));
	paint_cell(b, k->worker, strlen(k->worker), 16);
	buffer_printf(b, "  %s%s%s  ", paint(PAINT_DIM), when, paint(PAINT_OFF));
	if (k->times > 1)
		buffer_printf(b, p->zh ? "第 %u 次：" : "%u times: ", k->times);
	paint_clean(b, k->reason, strlen(k->reason), 0);
	buffer_text(b, "\n");
}

/* How many there were. */
static unsigned
write_all(const struct parked *p, struct buffer *b)
{
	unsigned n = 0;

	for (const struct parking *k = p->all.first; k != NULL; k = k->next)
		if (is_wanted(p, k)) {
			n++;
			p->common.json ? write_json(b, k) : write_line(p, b, k);
		}
	return (n);
}

static int
list(struct parked *p, struct estate *e)
{
	struct buffer out = { NULL, 0, 0 };
	unsigned n;
	int r;

	if ((r = read_log(p, e)) != 0)
		return (r);
	if (!p->common.json)
		buffer_printf(&out, p->zh ? "%s      事件  工作进程          自                          原因%s\n" :
		    "%s     EVENT  WORKER            SINCE                       WHY%s\n", paint(PAINT_DIM), paint(PAINT_OFF));
	if ((n = write_all(p, &out)) > 0 || p->common.json)
		fwrite(out.data != NULL ? out.data : "", 1, out.len, stdout);
	else
		puts(p->zh ? "没有搁置的事件" : "nothing is parked");
	buffer_free(&out);
	return (0);
}

static void
on_got(void *user, const char *verb, struct mp m)
{
	struct parked *p = user;
	struct view view = { .format = p->common.json ? VIEW_JSON : VIEW_FULL, .zh = p->zh, .columns = paint_columns() };
	struct buffer out = { NULL, 0, 0 };
	struct estate_event v;
	const uint8_t *bytes;
	uint32_t parts, sender_len, len;

	(void)verb;
	if (!mp_array(&m, &parts) || parts < 5 || !mp_uint(&m, &v.seq) || !mp_int(&m, &v.log_time) || !mp_str(&m, &v.sender, &sender_len) ||
	    !mp_uint(&m, &v.flags) || !mp_bin(&m, &bytes, &len)) {
		p->unreadable = true;
		return;
	}
	v.sender_len = sender_len;
	v.bytes = bytes;
	v.len = len;
	view_event(&view, &out, &v);
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
}

static int
not_parked(const struct parked *p)
{
	fprintf(stderr, p->zh ? "estate parked: 事件 %" PRIu64 " 未被搁置；estate parked 列出搁置的事件\n" :
	    "estate parked: event %" PRIu64 " is not parked%s%s; estate parked lists what is\n", p->seq,
	    p->worker != NULL ? " by " : "", p->worker != NULL ? p->worker : "");
	return (EXIT_PART);
}

static int
show(struct parked *p, struct estate *e)
{
	struct ask a = { .verb = "parked", .request = "get", .on_answer = on_got, .user = p };
	struct buffer out = { NULL, 0, 0 };
	msgpack_sbuffer b;
	msgpack_packer k;
	int r;

	if ((r = read_log(p, e)) != 0)
		return (r);
	if (write_all(p, &out) == 0) {
		buffer_free(&out);
		return (not_parked(p));
	}
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&k, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&k, 1);
	msgpack_pack_str_with_body(&k, "seq", 3);
	msgpack_pack_uint64(&k, p->seq);
	a.argument = b.data;
	a.len = b.size;
	r = ask_over(e, &p->common, &a);
	msgpack_sbuffer_destroy(&b);
	if (p->unreadable) {
		complain("parked", "the daemon's answer is unreadable");
		r = EXIT_UNREACHED;
	}
	/* Also when the event itself is gone: trimmed, say. */
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
	return (r);
}

static void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

/* No time of its own, and an id that the parking gives: two operators who ask at once ask once. */
static void
pack_replay(msgpack_packer *k, const struct parked *p, const struct parking *what, const char *by)
{
	char id[ID_CHARS_MAX + 1];

	snprintf(id, sizeof(id), "replay-%" PRIu64, what->parked);
	msgpack_pack_map(k, 6);
	pack_text(k, "specversion");
	pack_text(k, "1.0");
	pack_text(k, "id");
	pack_text(k, id);
	pack_text(k, "source");
	pack_text(k, SOURCE);
	pack_text(k, "type");
	pack_text(k, "worker.replayed");
	pack_text(k, "subject");
	pack_text(k, what->worker);
	pack_text(k, "data");
	msgpack_pack_map(k, 3);
	pack_text(k, "event");
	msgpack_pack_uint64(k, what->event);
	pack_text(k, "reason");
	pack_text(k, p->reason);
	pack_text(k, "by");
	pack_text(k, by);
}

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct parked *p = user;

	p->stored = a->seq;
	p->done = true;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	on_ended(user, n->fault);
}

static int
replay(struct parked *p, struct estate *e)
{
	const struct parking *what;
	msgpack_sbuffer b;
	msgpack_packer k;
	int r;

	if ((r = read_log(p, e)) != 0)
		return (r);
	if ((what = parkings_find(&p->all, p->worker, strlen(p->worker), p->seq)) == NULL || !what->open)
		return (not_parked(p));
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&k, &b, msgpack_sbuffer_write);
	pack_replay(&k, p, what, estate_log(e)->sender);
	r = estate_put(e, b.data, b.size, 0);
	msgpack_sbuffer_destroy(&b);
	if (r != 0)
		return (reach_refused("parked", &p->common, r, NULL));
	while (!p->done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (p->refused)
		return (reach_refused("parked", &p->common, p->fault.code, &p->fault));
	if (!p->done)
		return (EXIT_PART);
	if (p->common.json)
		printf("{\"seq\":%" PRIu64 "}\n", p->stored);
	else
		printf(p->zh ? "已写入日志，序号 %" PRIu64 "；%s 读到该处时重试，若再失败会再次搁置\n" :
		    "in the log as %" PRIu64 ": %s tries again when it reads that far, and parks it again if it fails\n", p->stored, p->worker);
	return (0);
}

/* The words behind the options; 0, or the exit status. */
static int
read_words(struct parked *p, int count, char **words, int (**run)(struct parked *, struct estate *))
{
	const char *deed = count > 0 ? words[0] : "list";

	if (strcmp(deed, "show") == 0 && count == 2)
		*run = show;
	else if (strcmp(deed, "replay") == 0 && count == 3 && p->worker == NULL) {
		*run = replay;
		p->worker = words[1];
	} else if (strcmp(deed, "list") != 0 || count > 1)
		return (usage_error("parked", "write list, show SEQ, or replay WORKER SEQ --reason TEXT"));
	if (*run != list && !argument_number("parked", "SEQ", words[count - 1], 1, UINT64_MAX, &p->seq))
		return (EXIT_USAGE);
	if ((*run == replay) != (p->reason != NULL))
		return (usage_error("parked", p->reason != NULL ? "--reason belongs to replay" :
		    "what was mended? --reason TEXT stays in the log"));
	return (0);
}

int
cmd_parked(int argc, char **argv)
{
	static const struct option options[] = {
		{ "worker", required_argument, NULL, OPTION_WORKER },
		{ "reason", required_argument, NULL, OPTION_REASON },
		COMMON_OPTIONS
	};
	struct parked p = { .zh = language_is_zh() };
	struct estate_options o = { .user = &p, .on_ack = on_ack, .on_nak = on_nak };
	int (*run)(struct parked *, struct estate *) = list;
	struct estate *e;
	int c, r;

	common_init(&p.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&p.common, c, "parked", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		*(c == OPTION_WORKER ? &p.worker : &p.reason) = optarg;
	}
	if ((r = read_words(&p, argc - optind, argv + optind, &run)) != 0)
		return (r);
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(false);
	parkings_init(&p.all);
	if ((e = reach_open("parked", &p.common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((r = reach_wait("parked", &p.common, e)) == 0)
		r = run(&p, e);
	estate_close(e);
	parkings_free(&p.all);
	return (r);
}
