/* estate ask: a question to a worker, relayed by the daemon; without one, who can be asked. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "bounds.h"
#include "command.h"
#include "event.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"
#include "table.h"
#include "tree.h"

static const char help[] =
"Usage: estate ask [OPTION...]\n"
"       estate ask [OPTION...] SERVICE NAME [KEY=VALUE...]\n"
"Ask a worker a question by its name, through the daemon, and print the answer. Without one: list the services that can\n"
"be asked now. A VALUE is JSON where it is that (7, true, [\"a\"], {…}), otherwise text.\n"
"Who lacks the right to see personal data gets masks. When there is more, the last line says how to get the next page.\n"
"\n"
"      --at-least SEQ|now   the answer shall know the log up to that event, or up to the last one stored now\n"
"      --page PAGE          the next page of an answer before\n"
"      --no-color           no colour\n"
COMMON_HELP
"  With a question, --timeout also bounds the wait for its answer; without it, that is 5 seconds. 60 at most.\n"
"\n"
"Examples\n"
"  estate ask\n"
"  estate ask stats help                                    what it can be asked; status: how it stands\n"
"  estate ask callback agenda date=2026-11-24\n"
"  estate ask stats figures measure=complaints period=2026-10 --at-least now --json | jq .answer\n"
"Exit status: 0 done, 1 no such service, no answer in time, or refused, 2 wrong usage, 3 daemon not reached\n";

struct query {
	struct common common;
	const char *service, *page;
	uint64_t at_least;
	bool now;			/* at least the last one stored */
	unsigned timeout_ms;
};

/* A column of the list of services. */
static const struct {
	const char *en, *zh;
	enum table_align align;
	unsigned fold;
} heads[] = {
	{ "SERVICE", "服务", TABLE_LEFT, 0 }, { "CLIENT", "程序", TABLE_LEFT, 2 }, { "SENDER", "身份", TABLE_LEFT, 3 }, { "WAITING", "待答", TABLE_RIGHT, 0 },
	{ "SINCE", "开始于", TABLE_LEFT, 1 },
};
#define HEADS	(sizeof(heads) / sizeof(*heads))

struct row {
	const char *text[3];		/* service, client, sender */
	uint32_t len[3];
	uint64_t pending;
	int64_t since;
};

static bool
row_read(struct mp *m, struct row *r)
{
	static const char *const keys[] = { "service", "client", "sender" };
	uint32_t pairs, len;
	const char *key;

	*r = (struct row){ { "?", "?", "?" }, { 1, 1, 1 }, 0, 0 };
	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0) {
		bool taken = false;

		if (!mp_str(m, &key, &len))
			return (false);
		for (unsigned i = 0; i < 3 && !taken; i++)
			taken = mp_equal(key, len, keys[i]) && mp_str(m, &r->text[i], &r->len[i]);
		if (!taken && !((mp_equal(key, len, "pending") && mp_uint(m, &r->pending)) ||
		    (mp_equal(key, len, "since") && mp_int(m, &r->since)) || mp_skip(m)))
			return (false);
	}
	return (true);
}

static bool
write_services(struct buffer *out, struct mp *m)
{
	bool zh = language_is_zh(), whole = true;
	struct table t = { .columns = paint_columns() };
	char text[SITETIME_TEXT];
	uint32_t count;
	struct row r;

	if (!mp_array(m, &count))
		return (false);
	if (count == 0) {
		buffer_text(out, zh ? "没有可查询的服务\n" : "there is no service that can be asked\n");
		return (true);
	}
	for (size_t i = 0; i < HEADS; i++)
		table_column(&t, zh ? heads[i].zh : heads[i].en, heads[i].align, heads[i].fold);
	for (; count > 0 && (whole = row_read(m, &r)); count--) {
		for (unsigned i = 0; i < 3; i++) {
			paint_clean(&t.text, r.text[i], r.len[i], 0);
			table_cell(&t, PAINT_OFF);
		}
		buffer_printf(&t.text, "%" PRIu64, r.pending);
		table_cell(&t, PAINT_OFF);
		sitetime_local(r.since, 0, text);
		buffer_text(&t.text, text);
		table_cell(&t, PAINT_OFF);
	}
	table_print(&t, out, 0);
	table_free(&t);
	return (whole);
}

/* {"answer": {…}, "next": …, "seq": …} */
static bool
write_answer(struct buffer *out, struct mp *m)
{
	bool zh = language_is_zh();
	const char *key, *next = NULL;
	uint32_t pairs, len, next_len = 0;
	uint64_t seq = 0;

	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(m, &key, &len) || !(mp_equal(key, len, "answer") ? tree_write(out, m) :
		    (mp_equal(key, len, "next") && mp_str(m, &next, &next_len)) || (mp_equal(key, len, "seq") && mp_uint(m, &seq)) || mp_skip(m)))
			return (false);
	if (seq > 0)
		buffer_printf(out, zh ? "%s（截至事件 %" PRIu64 "）%s\n" : "%s(as of event %" PRIu64 ")%s\n", paint(PAINT_DIM), seq, paint(PAINT_OFF));
	if (next != NULL) {
		buffer_printf(out, zh ? "%s还有更多：--page '" : "%sthere is more: --page '", paint(PAINT_DIM));
		paint_clean(out, next, next_len, 0);
		buffer_printf(out, "'%s\n", paint(PAINT_OFF));
	}
	return (true);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	const struct query *q = user;
	struct buffer out = { NULL, 0, 0 };
	bool whole;

	(void)verb;
	if (q->common.json) {
		whole = json_write(&out, &body);
		buffer_text(&out, "\n");
	} else
		whole = q->service != NULL ? write_answer(&out, &body) : write_services(&out, &body);
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
	if (!whole)
		complain("ask", "the rest of the answer is unreadable");
}

static void
pack_str(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

/* What was meant as JSON is JSON. */
static void
pack_value(msgpack_packer *p, const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	if (v != NULL)
		json_to_msgpack(p, v);
	else
		pack_str(p, text);
	json_decref(v);
}

static void
pack_question(msgpack_packer *p, char **words, int count)
{
	pack_str(p, "question");
	msgpack_pack_map(p, (size_t)count);
	pack_str(p, "name");
	pack_str(p, words[0]);
	for (int i = 1; i < count; i++) {
		const char *sign = strchr(words[i], '=');

		msgpack_pack_str_with_body(p, words[i], (size_t)(sign - words[i]));
		pack_value(p, sign + 1);
	}
}

/* Words of a question that make one: a name, then KEY=VALUE, each key once. */
static bool
words_valid(char **words, int count)
{
	if (!id_valid(words[0], strlen(words[0]))) {
		usage_error("ask", "\"%s\" is no question's name: 1 to 64 characters of A-Z a-z 0-9 . _ : / -", words[0]);
		return (false);
	}
	for (int i = 1; i < count; i++) {
		const char *sign = strchr(words[i], '=');
		size_t n;

		if (sign == NULL || sign == words[i]) {
			usage_error("ask", "\"%s\": arguments are KEY=VALUE", words[i]);
			return (false);
		}
		n = (size_t)(sign - words[i]) + 1;
		for (int k = 0; k < i; k++)
			if ((k == 0 && n == 5 && strncmp(words[i], "name=", 5) == 0) || (k > 0 && strncmp(words[k], words[i], n) == 0)) {
				usage_error("ask", "%.*s is given twice", (int)n - 1, words[i]);
				return (false);
			}
	}
	return (true);
}

static int
put_question(struct query *q, char **words, int count)
{
	struct ask a = { .verb = "ask", .request = "ask", .on_answer = on_answer, .user = q };
	struct estate_options o = { .user = NULL };
	struct estate *e;
	msgpack_sbuffer b;
	msgpack_packer p;
	int n;

	if ((e = reach_open("ask", &q->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("ask", &q->common, e)) == 0) {
		if (q->now)
			q->at_least = estate_log(e)->last;
		msgpack_sbuffer_init(&b);
		msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
		msgpack_pack_map(&p, 3u + (q->at_least > 0) + (q->page != NULL));
		pack_str(&p, "service");
		pack_str(&p, q->service);
		pack_question(&p, words, count);
		pack_str(&p, "timeout_ms");
		msgpack_pack_uint64(&p, q->timeout_ms);
		if (q->at_least > 0) {
			pack_str(&p, "at_least");
			msgpack_pack_uint64(&p, q->at_least);
		}
		if (q->page != NULL) {
			pack_str(&p, "page");
			pack_str(&p, q->page);
		}
		a.argument = b.data;
		a.len = b.size;
		/* The deadline is the daemon's to keep: it answers by then. */
		q->common.timeout_ms += (int)q->timeout_ms;
		n = ask_over(e, &q->common, &a);
		msgpack_sbuffer_destroy(&b);
	}
	estate_close(e);
	return (n);
}

/* An argument of the question written as if it were an option: how it is written.  `behind` is what follows it, or NULL. */
static void
show_argument(const char *option, const char *behind)
{
	bool whole = strchr(option, '=') != NULL;

	complain("ask", "what a question is given is written KEY=VALUE, without dashes: %s%s%s", option + 2, whole ? "" : "=", whole ? "" : behind != NULL && behind[0] != '-' ? behind : "VALUE");
}

int
cmd_ask(int argc, char **argv)
{
	enum { AT_LEAST = OPTION_OWN, PAGE, NO_COLOR };
	static const struct option options[] = {
		{ "at-least", required_argument, NULL, AT_LEAST },
		{ "page", required_argument, NULL, PAGE },
		{ "no-color", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct query q = { .timeout_ms = ASK_TIMEOUT_MS };
	struct ask list = { .verb = "ask", .request = "services", .on_answer = on_answer, .user = &q };
	bool no_color = false;
	int c, r;

	common_init(&q.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if (c == '?' && optopt == 0 && strncmp(argv[optind - 1], "--", 2) == 0)
			show_argument(argv[optind - 1], argv[optind]);
		if ((r = common_option(&q.common, c, "ask", help)) == -1) {
			if (c == OPTION_TIMEOUT)
				q.timeout_ms = (unsigned)q.common.timeout_ms < ASK_TIMEOUT_MS_MAX ? (unsigned)q.common.timeout_ms : ASK_TIMEOUT_MS_MAX;
			continue;
		}
		if (r != COMMON_OWN)
			return (r);
		if (c == PAGE)
			q.page = optarg;
		else if (c == NO_COLOR)
			no_color = true;
		else if (!(q.now = strcmp(optarg, "now") == 0) && !argument_number("ask", "--at-least", optarg, 1, UINT64_MAX, &q.at_least))
			return (EXIT_USAGE);
	}
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	if (optind == argc)
		return (ask_once(&q.common, &list));
	q.service = argv[optind];
	if (!id_valid(q.service, strlen(q.service)))
		return (usage_error("ask", "\"%s\" is no service; estate ask lists those there are", q.service));
	if (optind + 1 == argc)
		return (usage_error("ask", "ask %s what? Give the name of a question; estate ask %s help lists a worker's", q.service, q.service));
	if (!words_valid(argv + optind + 1, argc - optind - 1))
		return (EXIT_USAGE);
	return (put_question(&q, argv + optind + 1, argc - optind - 1));
}
