/* `estate`: one table row per verb; the verb's file does the work. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "command.h"
#include "language.h"
#include "nearest.h"
#include "openfds.h"
#include "paint.h"
#include "wrap.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *en, *zh;		/* one line of the help */
} verbs[] = {
	{ "put", cmd_put, "send events from a file or standard input", "发送事件" },
	{ "import", cmd_import, "households, bills and payments from a spreadsheet's table", "从表格（CSV）导入业户、账单、收款" },
	{ "outbox", cmd_outbox, "events kept on this side until the daemon has them", "本地发件箱：待发、被拒、待查的事件" },
	{ "tail", cmd_tail, "watch the event stream", "查看事件流" },
	{ "get", cmd_get, "show one event", "查看一个事件" },
	{ "case", cmd_case, "the story of one case", "查看一个个案的全过程" },
	{ "obligations", cmd_obligations, "every running deadline: time left, who is next, and why", "所有在办时限：剩余时间、下一步通知谁、依据" },
	{ "agenda", cmd_agenda, "who is to be called back on a day, by whom: list, paper, calendars", "回访日程：某日谁回访谁；可打印、可导入日历" },
	{ "callback", cmd_callback, "record what became of a callback; how a month stands", "回访结果登记、当月指标进度" },
	{ "report", cmd_report, "rates, times and stocks of a period, and the events behind them", "统计报告：回访率、及时率、满意率等，可追溯到事件" },
	{ "form", cmd_form, "the department's record forms, filled, to print and sign", "记录表格：投诉处理表、工作单、例行回访记录表，填好待打印签字" },
	{ "arrears", cmd_arrears, "what is overdue and how old, what came in, who owes most", "欠费：账龄、收缴率、欠费住户" },
	{ "household", cmd_household, "a household's account: bills, payments, what is open", "一户的账：账单、收款、未缴" },
	{ "person", cmd_person, "a household's personal data: show it, erase it", "业户个人信息：查看、清除" },
	{ "retention", cmd_retention, "whose data is due to go, when and why; the going", "保存期限：谁的信息何时清除、依据；执行清除" },
	{ "types", cmd_types, "which events there are, and their fields", "查看事件类型与字段" },
	{ "status", cmd_status, "how the daemon is doing", "查看服务状态" },
	{ "consumers", cmd_consumers, "readers with names, and how far behind they are", "查看具名消费者及其滞后" },
	{ "consumer", cmd_consumer, "pause, resume, reset or delete one of them", "暂停、恢复、重置或删除一个消费者" },
	{ "ask", cmd_ask, "ask a worker; without a question: who can be asked", "向后台程序查询；不带参数则列出可查询的服务" },
	{ "calendar", cmd_calendar, "working days and hours: when is it due?", "工作日历：何时到期、全年放假安排" },
	{ "simulate", cmd_simulate, "what would another configuration have concluded?", "演练：换一套配置，结论有何不同" },
	{ "parked", cmd_parked, "what workers could not take: list, show, replay", "工作进程搁置的事件：列出、查看、重放" },
	{ "ping", cmd_ping, "is the daemon there?", "服务是否在线" },
	{ "verify", cmd_verify, "prove that a store is sound", "校验存储" },
	{ "backup", cmd_backup, "copy the log while the daemon works", "在线备份" },
	{ "archive", cmd_archive, "bind a month of the log; list, verify, extract, replay what is bound", "按月装订；列出、校验、导出、重放装订件" },
	{ "repair", cmd_repair, "save what is whole of a damaged store", "抢救损坏的存储" },
	{ "clock", cmd_clock, "accept the wall clock after it jumped", "时钟跳变后确认时间" },
	{ "client", cmd_client, "who may come in: add, revoke, list", "管理客户端：添加、撤销、列出" },
	{ "keygen", cmd_keygen, "make a key for a client or the daemon", "生成密钥" },
	{ "generate", cmd_generate, "write the events of an invented estate", "生成一个虚构小区的事件" },
	{ "bench", cmd_bench, "measure how fast events become durable", "测量写入速度" },
};
#define VERB_COLUMNS	15u	/* where what it does begins */
#define VERBS	(sizeof(verbs) / sizeof(*verbs))

static void
print_help(FILE *to)
{
	bool zh = language_is_zh();
	struct buffer line = { NULL, 0, 0 };

	fputs(zh ?
	    "用法：estate 命令 [参数]\n\n" :
	    "usage: estate VERB [ARGUMENTS]\n\n", to);
	for (size_t i = 0; i < VERBS; i++) {
		const char *text = zh ? verbs[i].zh : verbs[i].en;

		buffer_printf(&line, "  %-12s ", verbs[i].name);
		wrap_add(&line, text, strlen(text), VERB_COLUMNS, paint_columns());
		fprintf(to, "%s\n", line.data);
		buffer_clear(&line);
	}
	buffer_free(&line);
	wrap_print(to, zh ?
	    "\nestate 命令 --help   详细说明与示例\nestate --version     版本\n\n"
	    "退出码：0 完成；1 部分完成或被拒绝；2 用法有误；3 无法连接或读取\n" :
	    "\nestate VERB --help   what the verb does, with examples\nestate --version     the version\n\n"
	    "exit status: 0 done, 1 done in part or refused, 2 wrong usage, 3 could not reach or read\n");
}

static int
unknown_verb(const char *word)
{
	struct nearest n;

	nearest_begin(&n, word, strlen(word));
	for (size_t i = 0; i < VERBS; i++)
		nearest_offer(&n, verbs[i].name);
	fprintf(stderr, phrase("estate: there is no verb \"%s\""), word);
	if (n.best != NULL)
		fprintf(stderr, phrase("; did you mean \"estate %s\"?"), n.best);
	fputs(phrase("\nTry: estate --help\n"), stderr);
	return (2);
}

/* Of a pipe whose reader went away. */
static bool
nobody_reads(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return (poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0);
}

/*
 * What a verb printed is lost where the disk is full, and only the last flush tells.  A pipe whose reader went away is no fault:
 * who had enough closes it.
 */
static int
end(const char *verb, int status)
{
	bool lost;

	errno = 0;
	lost = fflush(stdout) != 0 || ferror(stdout) != 0;
	if (status != 0 || !lost || nobody_reads())
		return (status);
	complain(verb, "cannot write what was asked for: %s", errno != 0 ? phrase(strerror(errno)) : phrase("an earlier write failed"));
	return (3);
}

int
main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	openfds();
	/* Messages come and go: a heap that is given back after each costs more in page faults than sending them. */
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	if (word == NULL) {
		print_help(stderr);
		return (2);
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		print_help(stdout);
		return (0);
	}
	if (strcmp(word, "--version") == 0) {
		printf("estate %s\n", ESTATE_VERSION);
		return (0);
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(word, verbs[i].name) == 0)
			return (end(word, verbs[i].run(argc - 1, argv + 1)));
	return (unknown_verb(word));
}
