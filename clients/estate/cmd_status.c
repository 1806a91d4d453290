/* estate status: the daemon's state and counters, as a table or as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "command.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "sitetime.h"

#define NAME_COLUMNS	23	/* the longest name; with it the UUID of the log fits into 60 */

static const char help[] =
"Usage: estate status [OPTION...]\n"
"Show what the daemon counts and how it is. Names that end with _total count since its start;\n"
"--json has all names and plain numbers, for programs. Where estate-notify runs, its providers stand at the\n"
"end: open is one whose routine messages rest since it failed.\n"
"\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate status\n"
"  estate status --json | jq .last_seq\n"
"Exit status: 0 done, 1 refused, 2 wrong usage, 3 daemon not reached\n";

/* What the daemon's names mean to people who read Chinese; a name that is missing here is shown as it is. */
static const struct {
	const char *name, *zh;
} label[] = {
	{ "version", "版本" }, { "log", "日志标识" }, { "epoch", "日志纪元" }, { "state", "状态" }, { "uptime_seconds", "已运行" },
	{ "first_seq", "最早序号" }, { "last_seq", "最新序号" }, { "applied_seq", "已转存序号" }, { "log_time_ns", "最新事件时间" },
	{ "clock_jump_seconds", "时钟跳变" }, { "months", "月份数" }, { "stored_bytes", "已存字节" },
	{ "disk_free_bytes", "磁盘剩余" }, { "anonymous_memory_bytes", "占用内存" }, { "clients_listed", "已登记客户端" },
	{ "sessions", "在线客户端" },
	{ "subscriptions", "订阅" }, { "intake_bytes", "待答复字节" }, { "consumers", "具名消费者" },
	{ "consumer_worst", "最滞后者" }, { "consumer_lag_events", "最大滞后" }, { "consumer_lag_seconds", "最早未处理" },
	{ "consumer_loss_seconds", "距释放" }, { "runway_full_seconds", "距磁盘满" }, { "runway_trim_seconds", "距按期清理" },
	{ "trimming_held_by", "清理等待" }, { "trimming_unbound", "未装订而不能清理的月份" }, { "messages_total", "收到消息" },
	{ "malformed_total", "格式错误" }, { "events_stored_total", "入库事件" }, { "bytes_stored_total", "入库字节" },
	{ "duplicates_total", "重复事件" }, { "conflicts_total", "编号冲突" }, { "refused_full_total", "磁盘满而推迟" },
	{ "flushes_total", "落盘次数" }, { "flush_nanoseconds_total", "落盘用时" }, { "acks_total", "确认" },
	{ "naks_total", "拒绝" }, { "busy_total", "忙而推迟" }, { "held_total", "随之推迟" },
	{ "no_session_total", "未先问候" }, { "forbidden_total", "无权限" }, { "time_implausible_total", "时间不可信" },
	{ "unknown_fields_total", "含未知字段" }, { "delivered_events_total", "送出事件" },
	{ "delivered_bytes_total", "送出字节" }, { "sends_blocked_total", "对方不读" },
	{ "sends_unreachable_total", "对方已离开" }, { "sessions_opened_total", "会话开始" },
	{ "sessions_expired_total", "会话过期" }, { "services", "可查询的服务" }, { "asks_pending", "待答查询" }, { "asks_total", "收到查询" },
	{ "asks_answered_total", "已答查询" }, { "asks_timed_out_total", "超时查询" }, { "asks_lost_total", "服务离开而未答" },
	{ "asks_refused_total", "未受理查询" }, { "answers_refused_total", "迟到或有误的答复" },
};

/* Units at the end of a name, which the value carries when it is shown to people. */
static const struct {
	const char *end, *shown;
} unit[] = { { "_nanoseconds_total", "_time" }, { "_seconds", "" }, { "_ns", "" } };

static bool
ends_with(const char *s, uint32_t len, const char *end)
{
	size_t n = strlen(end);

	return (len >= n && memcmp(s + len - n, end, n) == 0);
}

/* 12345678 as 12 345 678. */
static void
write_grouped(struct buffer *b, uint64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			buffer_text(b, " ");
		buffer_add(b, &digits[i], 1);
	}
}

static void
write_bytes(struct buffer *b, uint64_t v)
{
	static const char *const power[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double shown = (double)v;
	size_t i = 0;

	for (; shown >= 1024 && i + 1 < sizeof(power) / sizeof(*power); i++)
		shown /= 1024;
	buffer_printf(b, i == 0 ? "%.0f %s" : "%.1f %s", shown, power[i]);
}

static void
write_label(struct buffer *b, const char *name, uint32_t len, size_t columns)
{
	char shown[64];

	for (size_t i = 0; language_is_zh() && i < sizeof(label) / sizeof(*label); i++)
		if (mp_equal(name, len, label[i].name)) {
			paint_cell(b, label[i].zh, strlen(label[i].zh), columns);
			return;
		}
	for (size_t i = 0; i < sizeof(unit) / sizeof(*unit); i++)
		if (ends_with(name, len, unit[i].end)) {
			snprintf(shown, sizeof(shown), "%.*s%s", (int)(len - strlen(unit[i].end)), name, unit[i].shown);
			paint_cell(b, shown, strlen(shown), columns);
			return;
		}
	paint_cell(b, name, len, columns);
}

/* A number as its name says: instants, spans and bytes as people read them. */
static void
write_number(struct buffer *b, const char *name, uint32_t len, uint64_t v)
{
	char text[SITETIME_TEXT];

	if (v > 1000000000000000000ull && v < 9000000000000000000ull) {
		sitetime_local((int64_t)v, 3, text);
		buffer_text(b, text);
	} else if (ends_with(name, len, "bytes") || ends_with(name, len, "bytes_total") || ends_with(name, len, "bytes_stored_total") || ends_with(name, len, "memory")) {
		write_bytes(b, v);
	} else if ((ends_with(name, len, "_s") || ends_with(name, len, "_seconds")) && v < 1000000000)
		sitetime_seconds(b, (int64_t)v, language_is_zh());
	else if (ends_with(name, len, "_ns") || ends_with(name, len, "_nanoseconds_total"))
		sitetime_span(b, (int64_t)v, language_is_zh());
	else if (mp_equal(name, len, "epoch"))
		buffer_printf(b, "%" PRIu64, v);
	else
		write_grouped(b, v);
}

/* What the daemon calls its state, too. */
static void
write_text(struct buffer *b, const char *name, uint32_t name_len, const char *s, uint32_t len)
{
	static const char *const states[][2] = { { "running", "运行中" }, { "disk-full", "磁盘已满" }, { "stopping", "正在停止" } };

	for (size_t i = 0; language_is_zh() && mp_equal(name, name_len, "state") && i < sizeof(states) / sizeof(*states); i++)
		if (mp_equal(s, len, states[i][0])) {
			buffer_text(b, states[i][1]);
			return;
		}
	paint_clean(b, s, len, 0);
}

static bool	write_map(struct buffer *, struct mp *, unsigned indent);

static bool
write_member(struct buffer *b, const char *name, uint32_t len, struct mp *m, unsigned indent)
{
	const char *s;
	uint32_t n;
	uint64_t v;

	buffer_fill(b, ' ', indent);
	if (mp_peek(m) == MP_MAP) {
		buffer_text(b, paint(PAINT_BOLD));
		paint_clean(b, name, len, 0);
		buffer_printf(b, "%s\n", paint(PAINT_OFF));
		return (write_map(b, m, indent + 2));
	}
	write_label(b, name, len, NAME_COLUMNS > indent ? NAME_COLUMNS - indent : 1);
	buffer_text(b, " ");
	if (mp_peek(m) == MP_ARRAY) {
		struct mp first = *m;

		/* A list of maps reads best one under the other. */
		if (mp_array(&first, &n) && n > 0 && mp_peek(&first) == MP_MAP) {
			*m = first;
			buffer_printf(b, "%" PRIu32 "\n", n);
			for (uint32_t i = 0; i < n; i++) {
				if (i > 0)
					buffer_text(b, "\n");
				if (mp_peek(m) != MP_MAP ? !mp_skip(m) : !write_map(b, m, indent + 2))
					return (false);
			}
			return (true);
		}
	}
	if (mp_uint(m, &v))
		write_number(b, name, len, v);
	else if (mp_str(m, &s, &n))
		write_text(b, name, len, s, n);
	else if (!json_write(b, m))
		return (false);
	buffer_text(b, "\n");
	return (true);
}

static bool
write_map(struct buffer *b, struct mp *m, unsigned indent)
{
	const char *name;
	uint32_t pairs, len;

	if (indent > 32 || !mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0)
		if (!mp_str(m, &name, &len) || !write_member(b, name, len, m, indent))
			return (false);
	return (true);
}

static void
on_answer(void *user, const char *verb, struct mp body)
{
	const struct common *c = user;
	struct buffer out = { NULL, 0, 0 };

	(void)verb;
	if (c->json ? !json_write(&out, &body) : !write_map(&out, &body, 0))
		complain("status", "the rest of the answer is unreadable");
	if (c->json)
		buffer_text(&out, "\n");
	fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
}

/* ---- The providers of estate-notify, if it runs and we may ask it ---- */

static bool
member(struct mp m, const char *name, struct mp *value)
{
	const char *k;
	uint32_t pairs, len;

	if (!mp_map(&m, &pairs))
		return (false);
	for (; pairs > 0 && mp_str(&m, &k, &len); pairs--) {
		*value = m;
		if (mp_equal(k, len, name))
			return (true);
		if (!mp_skip(&m))
			return (false);
	}
	return (false);
}

static void
add_breaker(struct buffer *out, const char *s, uint32_t len)
{
	static const char *const words[][2] = { { "closed", "正常" }, { "open", "熔断，普通消息暂停" }, { "half-open", "试探" } };

	for (size_t i = 0; language_is_zh() && i < sizeof(words) / sizeof(*words); i++)
		if (mp_equal(s, len, words[i][0])) {
			buffer_text(out, words[i][1]);
			return;
		}
	paint_clean(out, s, len, 0);
}

static void
on_breakers(void *user, const struct estate_answer *a)
{
	struct mp body = mp_over(a->body, a->len), answer, rows, channel, state;
	struct buffer out = { NULL, 0, 0 };
	const char *c, *s;
	uint32_t n, c_len, s_len;
	char name[80];

	(void)user;
	if (a->error != 0 || !member(body, "answer", &answer) || !member(answer, "rows", &rows) || !mp_array(&rows, &n))
		return;
	for (; n > 0 && member(rows, "channel", &channel) && member(rows, "breaker", &state) && mp_str(&channel, &c, &c_len) && mp_str(&state, &s, &s_len) &&
	    mp_skip(&rows); n--) {
		snprintf(name, sizeof(name), "%s %.*s", language_is_zh() ? "通知渠道" : "provider", (int)(c_len < 40 ? c_len : 40), c);
		paint_cell(&out, name, strlen(name), NAME_COLUMNS);
		buffer_text(&out, " ");
		add_breaker(&out, s, s_len);
		buffer_text(&out, "\n");
	}
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
}

/* It is no fault if it does not answer: then there is nothing to show. */
static void
ask_breakers(struct estate *e)
{
	/* {"service": "notify", "question": {"name": "breakers"}, "timeout_ms": 1000} */
	static const char question[] = "\x83\xa7service\xa6notify\xa8question\x81\xa4name\xa8" "breakers\xaatimeout_ms\xcd\x03\xe8";

	(void)estate_call(e, "ask", question, sizeof(question) - 1, 1500, on_breakers, NULL);
}

int
cmd_status(int argc, char **argv)
{
	static const struct option options[] = { COMMON_OPTIONS };
	struct estate_options o = { .user = NULL };
	struct common common;
	struct estate *e;
	struct ask a = { .verb = "status", .request = "status", .on_answer = on_answer, .user = &common };
	int c, r;

	common_init(&common);
	while ((c = next_option(argc, argv, "h", options)) != -1)
		if ((r = common_option(&common, c, "status", help)) != -1)
			return (r);
	if (optind < argc)
		return (usage_error("status", "what is %s?", argv[optind]));
	if (!sitetime_init())
		return (EXIT_USAGE);
	paint_init(false);
	if ((e = reach_open("status", &common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((r = reach_wait("status", &common, e)) == 0 && (r = ask_over(e, &common, &a)) == 0 && !common.json)
		ask_breakers(e);
	estate_close(e);
	return (r);
}
