/* estate household: a household's account: every bill and payment, what is open and what is left over. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arrears.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"

static const char help[] =
"Usage: estate household [OPTION...] HOUSEHOLD\n"
"The account of one household: every bill and payment, what is open, and what is left over. As of any day, by the day the money\n"
"came in. Of an open bill for which nobody is asked today the last column says why: disputed, promised, on its way, hardship,\n"
"former (of who had the flat before), moved out, filed, look at it (absurd). Who lives there: estate person show HOUSEHOLD.\n"
"\n"
"      --as-of DAY          2026-10-31 (default: today)\n"
"      --open               only bills of which something is open\n"
"      --no-color           no colour\n"
COMMON_HELP
"--json prints what dunning answers, with all bills: {\"household\":…,\"accounts\":{…},\"payments\":[…],\"bills\":[…],\"seq\":…}.\n"
"\n"
"Examples\n"
"  estate household 3-2-1201\n"
"  estate household 3-2-1201 --open --as-of 2026-10-31\n"
"Exit status: 0 done, 1 no such household, nobody answers, or refused, 2 wrong usage, 3 daemon not reached\n";

struct viewer {
	struct common common;
	const char *household, *day;
	bool open, zh;
	struct estate *e;
	struct answers answer;
};

static void
add_state(struct buffer *b, struct text state, bool zh)
{
	static const char *const words[][3] = {
		{ "owed", "owed", "未缴" }, { "paid", "paid", "已缴" }, { "waived", "waived", "已减免" }, { "cancelled", "cancelled", "已作废" },
		{ "posted", "posted", "已入账" }, { "reversed", "reversed", "已冲正" }, { "initiated", "initiated", "处理中" }, { "failed", "failed", "失败" },
		/* Why nobody is asked. */
		{ "dispute", "disputed", "争议中" }, { "promise", "promised", "已承诺" }, { "payment_in_flight", "on its way", "支付中" },
		{ "hardship", "hardship", "缓缴中" }, { "former_party", "former", "前业户" }, { "moved_out", "moved out", "已迁出" },
		{ "filed", "filed", "已起诉" }, { "absurd", "look at it", "待核实" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (mp_equal(state.s, state.len, words[i][0])) {
			buffer_text(b, words[i][zh ? 2 : 1]);
			return;
		}
	paint_clean(b, state.s, state.len, 0);
}

static void
show_bills(struct buffer *b, struct viewer *v)
{
	struct event row;

	buffer_printf(b, "\n%s", paint(PAINT_DIM));
	add_left(b, v->zh ? "月份" : "MONTH", 8);
	add_left(b, v->zh ? "费用" : "FEE", 12);
	add_left(b, v->zh ? "期限" : "DUE", 11);
	add_right(b, v->zh ? "金额" : "AMOUNT", 10);
	add_right(b, v->zh ? "未缴" : "OPEN", 10);
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	while (answers_row(&v->answer, "bills", &row)) {
		int64_t open = row_int(&row, "open");
		struct text t = row_text(&row, "period"), rests = row_text(&row, "rests");

		if (v->open && open == 0)
			continue;
		buffer_text(b, paint(open > 0 && row_int(&row, "days") > 0 ? PAINT_RED : PAINT_OFF));
		paint_cell(b, t.s, t.len, 8);
		add_code(b, "fee_kind", row_text(&row, "kind"), v->zh, 12);
		t = row_text(&row, "due");
		paint_cell(b, t.s, t.len, 11);
		add_yuan(b, row_int(&row, "amount"), 10);
		add_yuan(b, open, 10);
		buffer_text(b, " ");
		add_state(b, rests.len > 0 ? rests : row_text(&row, "state"), v->zh);
		buffer_printf(b, "%s\n", paint(PAINT_OFF));
	}
}

/* Each page tells all payments: those of the first are they. */
static void
show_payments(struct buffer *b, const struct viewer *v)
{
	struct event row;
	struct mp list;
	uint32_t n = 0;
	const uint8_t *bytes;
	size_t len;

	if (!answers_member(&v->answer, "payments", &list) || !mp_array(&list, &n) || n == 0)
		return;
	buffer_printf(b, "\n%s", paint(PAINT_DIM));
	add_left(b, v->zh ? "到账" : "CAME IN", 11);
	add_left(b, v->zh ? "收款" : "PAYMENT", 17);
	add_right(b, v->zh ? "金额" : "AMOUNT", 10);
	add_right(b, v->zh ? "余" : "LEFT", 10);
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
	for (; n > 0 && mp_raw(&list, &bytes, &len); n--) {
		struct text t;

		row = (struct event){ .data = mp_over(bytes, len) };
		t = row_text(&row, "received");
		paint_cell(b, t.s, t.len, 11);
		t = row_text(&row, "payment");
		paint_cell(b, t.s, t.len, 17);
		add_yuan(b, row_int(&row, "amount"), 10);
		add_yuan(b, row_int(&row, "left"), 10);
		buffer_text(b, " ");
		add_state(b, row_text(&row, "state"), v->zh);
		buffer_text(b, "\n");
	}
}

static void
show_line(struct buffer *b, const char *word, int64_t fen)
{
	add_left(b, word, 14);
	add_yuan(b, fen, 16);
	buffer_text(b, "\n");
}

static void
show(struct buffer *b, struct viewer *v)
{
	struct event e = { .data = mp_over(v->answer.bytes.data, v->answer.bytes.len) }, accounts = { .data = { NULL, NULL } };
	struct text as_of = row_text(&e, "as_of"), moved = row_text(&e, "moved_out");
	int64_t credit;

	event_field(&e, "accounts", &accounts.data);
	buffer_printf(b, v->zh ? "%s%s%s 截至 %.*s\n" : "%s%s%s as of %.*s\n", paint(PAINT_BOLD), v->household, paint(PAINT_OFF), (int)as_of.len, as_of.s);
	if (moved.len > 0)
		buffer_printf(b, v->zh ? "已于 %.*s 迁出\n" : "moved out on %.*s\n", (int)moved.len, moved.s);
	show_line(b, v->zh ? "未缴" : "open", row_int(&accounts, "due"));
	credit = -row_int(&accounts, "credit") - row_int(&accounts, "unmatched");
	if (credit != 0)
		show_line(b, v->zh ? "预存余额" : "left over", credit);
	show_bills(b, v);
	show_payments(b, v);
}

/* What dunning answers, with the bills of all pages in one list. */
static void
show_json(struct buffer *b, struct viewer *v)
{
	static const char *const members[] = { "household", "party", "moved_out", "as_of", "accounts", "sum", "payments" };
	struct event row;
	const char *between = "";
	struct mp m;

	buffer_text(b, "{");
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (answers_member(&v->answer, members[i], &m)) {
			buffer_printf(b, "%s\"%s\":", between, members[i]);
			json_write(b, &m);
			between = ",";
		}
	buffer_printf(b, "%s\"bills\":[", between);
	for (between = ""; answers_row(&v->answer, "bills", &row); between = ",") {
		buffer_text(b, between);
		json_write(b, &row.data);
	}
	buffer_printf(b, "],\"seq\":%" PRIu64 "}\n", v->answer.seq);
}

static int
run(struct viewer *v)
{
	struct question q = { .verb = "household", .service = DUNNING_SERVICE, .name = "household" };
	struct estate_options o = { .user = v };
	struct buffer out = { NULL, 0, 0 };
	int n;

	if ((v->e = reach_open("household", &v->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("household", &v->common, v->e)) == 0) {
		q.at_least = estate_log(v->e)->last;
		question_text(&q, "household", v->household);
		question_text(&q, "as_of", v->day);
		if ((n = question_ask(&q, &v->common, v->e, &v->answer)) == 0) {
			if (v->common.json)
				show_json(&out, v);
			else
				show(&out, v);
			fwrite(out.data, 1, out.len, stdout);
		}
	}
	estate_close(v->e);
	buffer_free(&out);
	return (n);
}

int
cmd_household(int argc, char **argv)
{
	enum { AS_OF = OPTION_OWN, OPEN, NO_COLOR };
	static const struct option options[] = {
		{ "as-of", required_argument, NULL, AS_OF },
		{ "open", no_argument, NULL, OPEN },
		{ "no-color", no_argument, NULL, NO_COLOR },
		{ "no-colour", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct viewer v = { .zh = language_is_zh() };
	bool no_color = false;
	int c, r;

	common_init(&v.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&v.common, c, "household", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == AS_OF && !arrears_day("household", optarg))
			return (EXIT_USAGE);
		v.day = c == AS_OF ? optarg : v.day;
		v.open |= c == OPEN;
		no_color |= c == NO_COLOR;
	}
	if (optind + 1 != argc)
		return (usage_error("household", "which household? estate household 3-2-1201"));
	v.household = argv[optind];
	if (!id_valid(v.household, strlen(v.household)))
		return (usage_error("household", "\"%s\" is no id: 1 to 64 characters of A-Z a-z 0-9 . _ : / -", v.household));
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(no_color);
	r = run(&v);
	answers_free(&v.answer);
	return (r);
}
