/* estate import: households, bills and payments from a spreadsheet's table. */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "errcode.h"
#include "event.h"
#include "import.h"
#include "import_register.h"
#include "json.h"
#include "language.h"
#include "nearest.h"
#include "paint.h"

#define MAPS_MAX	32u
#define PROGRESS_MS	250
#define WINDOW		1024u
#define AMOUNT_MAX_YUAN	1000000u

static const char help[] =
"Usage: estate import households|bills|payments FILE.csv|- [OPTION...]\n"
"Store a spreadsheet's table as events: household.registered, bill.issued, payment.posted. UTF-8 or GB18030, with commas,\n"
"semicolons or tabs; columns in any order, named in Chinese or English.\n"
"\n"
"  households   房号 住户类别; if you have them 缴费主体 姓名 联系电话 电子邮箱 入住日期 重点客户 面积 首选联系方式 语言\n"
"  bills        房号 费用类别 费用月份 金额 缴费期限; if you have them 账单编号 缴费主体. Without a number a bill is the\n"
"               household's one of that fee and month: 3-2-1201/management/2026-10\n"
"  payments     收款编号 房号 金额 付款方式 到账日期; if you have it 账单编号\n"
"\n"
"Amounts are yuan, 1,234.50; fen where the heading says 金额(分). A line that cannot be taken is named with its column,\n"
"what stands there and what would be right, and the others go on. The same file again changes nothing: what is stored is\n"
"recognised, so after an interruption repeat the same command. In the end come the sums of every line, taken or not, to be\n"
"held beside your books.\n"
"\n"
"      --dry-run            check everything, store nothing\n"
"      --map HEADING=FIELD  that column is that field of `estate types`, or its number; as often as needed\n"
"      --max-amount YUAN    refuse more than this as a mistake (default 1000000)\n"
"      --unregistered       take lines of households that the log does not know, too\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate import households 住户.csv --dry-run\n"
"  estate import bills 2026-10.csv 2> errors.txt\n"
"  estate import payments bank.csv --map 摘要=bill --map 交易日=received\n"
"Exit status: 0 all stored, 1 some refused or interrupted, 2 wrong usage or headings,\n"
"3 daemon not reached, or file not read\n";

struct sum {
	const char *group;		/* a code of the catalogue; "": it cannot be told of the line */
	uint64_t rows, unread;		/* unread: refused lines whose amount cannot be told */
	int64_t stored, known, refused;	/* fen */
};
#define SUMS_MAX	16u

/* A line that was handed over: what its answer needs. */
struct pending {
	bool open;			/* not answered yet */
	uint64_t line;
	int64_t amount;
	int sum;			/* in sums, -1: none */
	char subject[65];
};

/* A subject that stands in this file, and where. */
struct seen {
	char *subject;
	uint64_t line;
};

struct import {
	struct common common;
	const char *file, *maps[MAPS_MAX + 1];
	const struct import_kind *kind;
	struct import_bounds bounds;
	bool dry, unregistered, zh, progress;
	struct estate *e;
	struct csv csv;
	struct import_map map;
	struct import_register households;
	void *seen;
	struct pending pending[WINDOW];	/* by cookie */
	uint64_t handed;
	struct sum sums[SUMS_MAX];
	unsigned sum_count;
	uint64_t rows, stored, known, refused;
	int64_t began_ms, shown_ms, away_ms;
};

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

static const char *
wipe(const struct import *m)
{
	return (m->progress ? "\r\033[K" : "");
}

/* ---- What cannot be taken ---- */

/* The line, the column and what stands there, and what would be right. */
static void
tell(struct import *m, uint64_t line, int column, const char *found, const char *why)
{
	struct buffer b = { NULL, 0, 0 };

	if (m->common.json) {
		buffer_printf(&b, "{\"line\":%" PRIu64, line);
		if (column >= 0) {
			buffer_text(&b, ",\"column\":");
			json_write_text(&b, m->map.headings[column], strlen(m->map.headings[column]));
			buffer_text(&b, ",\"found\":");
			json_write_text(&b, found, strlen(found));
		}
		buffer_text(&b, ",\"detail\":");
		json_write_text(&b, why, strlen(why));
		buffer_text(&b, "}");
	} else {
		buffer_printf(&b, "%s:%" PRIu64 ": ", m->file, line);
		if (column >= 0) {
			paint_clean(&b, m->map.headings[column], strlen(m->map.headings[column]), 0);
			buffer_text(&b, m->zh ? "“" : " \"");
			paint_clean(&b, found, strlen(found), 40);
			buffer_text(&b, m->zh ? "”：" : "\": ");
		}
		paint_clean(&b, why, strlen(why), 0);
	}
	fprintf(stderr, "%s%s\n", wipe(m), b.data);
	buffer_free(&b);
}

static void
refuse(struct import *m, int column, const char *why)
{
	tell(m, m->csv.line, column, column >= 0 ? csv_field(&m->csv, (unsigned)column) : "", why);
	m->refused++;
}

/* ---- The sums ---- */

static int
sum_of(struct import *m, const struct import_row *row)
{
	const struct import_value *v = m->kind->group != NULL ? import_row_value(row, m->kind->group) : NULL;
	const char *group = v != NULL ? v->text : "";

	if (m->kind->sum == NULL)
		return (-1);
	for (unsigned i = 0; i < m->sum_count; i++)
		if (strcmp(m->sums[i].group, group) == 0)
			return ((int)i);
	if (m->sum_count == SUMS_MAX)
		abort();		/* more than the catalogue's lists are long */
	m->sums[m->sum_count] = (struct sum){ .group = group };
	return ((int)m->sum_count++);
}

/* A line that was not taken stands in the sums all the same, by what of it can be read: they are those of the whole file. */
static void
sum_refused(struct import *m, bool is_record)
{
	const struct import_value *amount;
	struct import_row row = { .count = 0 };
	struct sum *s;

	if (m->kind->sum == NULL)
		return;
	if (is_record)
		import_row_peek(&row, &m->map, &m->csv, &m->bounds);
	s = &m->sums[sum_of(m, &row)];
	s->rows++;
	if ((amount = import_row_value(&row, m->kind->sum)) != NULL)
		s->refused += amount->number;
	else
		s->unread++;
}

static const char *
group_label(const struct import *m, const char *code)
{
	const struct field *f = catalogue_field(m->map.type, m->kind->group, strlen(m->kind->group));
	const struct enum_value *v = catalogue_value(f->list, code, strlen(code));

	if (*code == '\0')
		return (m->zh ? "（类别不明）" : "(cannot be told)");
	return (m->zh && v != NULL ? v->zh : code);
}

static void
write_yuan(struct buffer *b, int64_t fen, size_t columns)
{
	char digits[32], out[48];
	int n = snprintf(digits, sizeof(digits), "%" PRId64, fen / 100), to = 0;

	for (int i = 0; i < n; i++) {
		out[to++] = digits[i];
		if ((n - i - 1) % 3 == 0 && i < n - 1)
			out[to++] = ',';
	}
	snprintf(out + to, sizeof(out) - (size_t)to, ".%02d", (int)(fen % 100));
	buffer_printf(b, "%*s", (int)columns, out);
}

static void
show_sums(const struct import *m, struct buffer *b)
{
	struct sum all = { 0 };
	const char *heads[] = { m->zh ? "行数" : "lines", m->zh ? (m->dry ? "可入账" : "新入账") : (m->dry ? "would be new" : "new"), m->zh ? "已有" : "known",
	    m->zh ? "未采用" : "refused" };

	paint_cell(b, m->zh ? "元" : "yuan", m->zh ? 3 : 4, 18);
	for (unsigned i = 0; i < 4; i++) {
		buffer_fill(b, ' ', (i == 0 ? 9 : 17) - paint_width(heads[i], strlen(heads[i])));
		buffer_text(b, heads[i]);
	}
	buffer_text(b, "\n");
	for (unsigned i = 0; i <= m->sum_count; i++) {
		const struct sum *s = i < m->sum_count ? &m->sums[i] : &all;
		const char *label = i < m->sum_count ? group_label(m, s->group) : m->zh ? "合计" : "all";

		paint_cell(b, label, strlen(label), 18);
		buffer_printf(b, "%9" PRIu64, s->rows);
		write_yuan(b, s->stored, 17);
		write_yuan(b, s->known, 17);
		write_yuan(b, s->refused, 17);
		buffer_text(b, "\n");
		if (i < m->sum_count) {
			all.rows += s->rows;
			all.stored += s->stored;
			all.known += s->known;
			all.refused += s->refused;
			all.unread += s->unread;
		}
	}
	if (all.unread > 0)
		buffer_printf(b, m->zh ? "未采用的行中有 %" PRIu64 " 行金额无法读出，不在以上金额之内\n" :
		    "of %" PRIu64 " refused lines the amount cannot be read: it is in none of these sums\n", all.unread);
}

static void
report_json(const struct import *m, struct buffer *b, bool whole)
{
	buffer_printf(b, "{\"kind\":\"%s\",\"rows\":%" PRIu64 ",\"stored\":%" PRIu64 ",\"known\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"dry_run\":%s,\"complete\":%s",
	    m->kind->name, m->rows, m->stored, m->known, m->refused, m->dry ? "true" : "false", whole ? "true" : "false");
	buffer_text(b, ",\"sums\":[");
	for (unsigned i = 0; i < m->sum_count; i++)
		buffer_printf(b, "%s{\"%s\":\"%s\",\"rows\":%" PRIu64 ",\"stored_fen\":%" PRId64 ",\"known_fen\":%" PRId64 ",\"refused_fen\":%" PRId64 ",\"unread\":%" PRIu64 "}",
		    i > 0 ? "," : "", m->kind->group, m->sums[i].group, m->sums[i].rows, m->sums[i].stored, m->sums[i].known, m->sums[i].refused, m->sums[i].unread);
	buffer_text(b, "]}\n");
}

static void
report(const struct import *m, bool whole)
{
	struct buffer b = { NULL, 0, 0 };

	if (m->common.json)
		report_json(m, &b, whole);
	else {
		if (m->kind->sum != NULL)
			show_sums(m, &b);
		buffer_printf(&b, m->dry ? m->zh ? "%" PRIu64 " 行：%" PRIu64 " 行可采用，%" PRIu64 " 行有误；试运行，未写入\n" :
		    "%" PRIu64 " lines: %" PRIu64 " would be taken, %" PRIu64 " refused; a dry run, nothing was stored\n" : m->zh ?
		    "%" PRIu64 " 行：新增 %" PRIu64 "，有误 %" PRIu64 "，已有 %" PRIu64 "\n" :
		    "%" PRIu64 " lines: %" PRIu64 " stored, %" PRIu64 " refused, %" PRIu64 " known before\n", m->rows, m->stored, m->refused, m->known);
	}
	fputs(b.data, stdout);
	buffer_free(&b);
}

static void
show_progress(struct import *m, bool last)
{
	int64_t now = monotonic_ms(), took = now - m->began_ms + 1;
	double done = m->csv.len > 0 ? (double)m->csv.at / (double)m->csv.len : 1;
	char bar[21];

	if (!m->progress || (!last && now < m->shown_ms + PROGRESS_MS))
		return;
	m->shown_ms = now;
	memset(bar, '.', 20);
	memset(bar, '#', (size_t)(done * 20));
	bar[20] = '\0';
	fprintf(stderr, m->zh ? "\r\033[K[%s] %3.0f%%  %" PRIu64 " 行，有误 %" PRIu64 "，每秒 %.0f 行，剩余 %.0f 秒%s" :
	    "\r\033[K[%s] %3.0f%%  %" PRIu64 " lines, %" PRIu64 " refused, %.0f/s, %.0f s left%s", bar, done * 100, m->rows, m->refused,
	    (double)m->rows * 1000 / (double)took, done > 0 ? (double)took * (1 - done) / done / 1000 : 0, last ? "\n" : "");
}

/* ---- What comes back ---- */

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct import *m = user;
	struct pending *p = &m->pending[a->cookie % WINDOW];
	bool known = a->runs[0].duplicate;

	p->open = false;
	m->known += known;
	m->stored += !known;
	if (p->sum >= 0)
		*(known ? &m->sums[p->sum].known : &m->sums[p->sum].stored) += p->amount;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct import *m = user;
	struct pending *p = &m->pending[n->cookie % WINDOW];
	struct buffer b = { NULL, 0, 0 };

	p->open = false;
	buffer_printf(&b, "%s: ", p->subject);
	if (n->fault->code == E_ID_CONFLICT)
		buffer_text(&b, m->zh ? "此编号先前已有内容不同的记录：先作废（bill.cancelled）或冲正，再用新编号" :
		    "stored before with other content under this number: cancel or reverse that one, then use another number");
	else
		reach_fault_text(&b, n->fault);
	tell(m, p->line, -1, "", b.data);
	buffer_free(&b);
	m->refused++;
	if (p->sum >= 0)
		m->sums[p->sum].refused += p->amount;
}

static void
on_notice(void *user, const struct estate_notice *n)
{
	struct import *m = user;

	if (n->kind == ESTATE_CONNECTED || n->kind == ESTATE_RESUMED)
		m->away_ms = -1;
	else if (n->kind == ESTATE_DISCONNECTED) {
		m->away_ms = monotonic_ms();
		fprintf(stderr, phrase("%sestate import: %s; going on by itself\n"), wipe(m), phrase(n->reason));
	}
}

/* ---- What goes in ---- */

static int
by_subject(const void *a, const void *b)
{
	return (strcmp(((const struct seen *)a)->subject, ((const struct seen *)b)->subject));
}

/* A number twice in one file is a slip of whoever made the file, also where both lines say the same. */
static bool
is_first(struct import *m, const struct import_row *row)
{
	struct seen *s = alloc_or_exit(NULL, sizeof(*s)), **found;
	char why[96];

	*s = (struct seen){ strcpy(alloc_or_exit(NULL, strlen(row->subject) + 1), row->subject), m->csv.line };
	if ((found = tsearch(s, &m->seen, by_subject)) == NULL)
		abort();
	if (*found == s)
		return (true);
	free(s->subject);
	free(s);
	snprintf(why, sizeof(why), m->zh ? "第 %" PRIu64 " 行已有此编号" : "it stands in line %" PRIu64 " already", (*found)->line);
	refuse(m, m->map.subject, why);
	return (false);
}

static int
column_of(const struct import *m, const char *field)
{
	for (unsigned i = 0; i < m->map.count; i++)
		if (m->map.fields[i] != NULL && strcmp(m->map.fields[i]->name, field) == 0)
			return ((int)i);
	return (-1);
}

static bool
is_registered(struct import *m, const struct import_row *row)
{
	const char *household = import_row_value(row, "household")->text, *nearest;
	char why[512];

	if (m->unregistered || import_register_find(&m->households, household) != NULL)
		return (true);
	nearest = import_register_nearest(&m->households, household);
	if (m->households.count == 0)
		snprintf(why, sizeof(why), "%s", m->zh ? "尚未登记任何业户：请先 estate import households" : "no household is registered yet: estate import households comes first");
	else
		snprintf(why, sizeof(why), m->zh ? "业户未登记%s%s%s" : "it is not registered%s%s%s", nearest != NULL ? m->zh ? "，是否指 " : "; did you mean " : "",
		    nearest != NULL ? nearest : "", nearest != NULL ? m->zh ? "？" : "?" : "");
	refuse(m, column_of(m, "household"), why);
	return (false);
}

/* What the catalogue says of the whole; the path's last word is the field. */
static bool
is_sound(struct import *m, const msgpack_sbuffer *packed)
{
	struct data_fault f;
	struct event e;
	const char *field;
	int column;
	char why[512];

	if (event_decode(&e, packed->data, packed->size, &f) == 0)
		return (true);
	field = strrchr(f.path, '.');
	column = field != NULL ? column_of(m, field + 1) : -1;
	snprintf(why, sizeof(why), "%s%s%s", column < 0 ? f.path : "", column < 0 ? ": " : "", f.detail);
	refuse(m, column, why);
	return (false);
}

/* The row's event into packed.  False if it was refused. */
static bool
take_row(struct import *m, struct import_row *row, msgpack_sbuffer *packed)
{
	struct import_fault f = { .column = -1 };
	const struct registered *r;
	bool ok = import_row_read(row, &m->map, &m->csv, &m->bounds, &f, m->zh);

	if (!ok)
		refuse(m, f.column, f.why.data);
	buffer_free(&f.why);
	if (!ok || (m->kind->needs_household && !is_registered(m, row)) || !is_first(m, row))
		return (false);
	r = m->kind->replaces ? import_register_find(&m->households, row->subject) : NULL;
	import_row_pack(row, &m->map, r != NULL ? r->last : NULL, r != NULL ? r->entries : 0, packed);
	return (is_sound(m, packed));
}

/* What is wrong with a record that cannot be read. */
static void
record_fault(const struct import *m, enum csv_result r, char *why, size_t size)
{
	const char *en = "", *zh = "";

	switch (r) {
	case CSV_BAD_ENCODING:
		en = m->csv.encoding == CSV_UTF8 ? "not UTF-8 as the lines before it" : m->csv.encoding == CSV_GB18030 ? "not GB18030 as the lines before it" :
		    "neither UTF-8 nor GB18030; save the table as CSV UTF-8";
		zh = m->csv.encoding == CSV_UTF8 ? "与前文编码不一致（前文为 UTF-8）" : m->csv.encoding == CSV_GB18030 ? "与前文编码不一致（前文为 GB18030）" :
		    "既非 UTF-8 也非 GB18030：请另存为 CSV UTF-8";
		break;
	case CSV_OPEN_QUOTE:
		en = "a quote is opened and not closed";
		zh = "引号未闭合";
		break;
	case CSV_NUL:
		en = "it holds NUL bytes, as UTF-16 does; save the table as CSV UTF-8";
		zh = "含有空字符（可能是 UTF-16）：请另存为 CSV UTF-8";
		break;
	case CSV_TOO_MANY:
		en = "more than %u columns; leave out what is not needed";
		zh = "超过 %u 列：请删去不需要的列";
		break;
	case CSV_TOO_LONG:
		en = "too long for a line of such a table";
		zh = "行过长";
		break;
	default:
		en = "nothing stands there";
		zh = "没有内容";
		break;
	}
	snprintf(why, size, m->zh ? zh : en, CSV_FIELDS_MAX);
}

static void
refuse_record(struct import *m, enum csv_result r)
{
	char why[200];

	record_fault(m, r, why, sizeof(why));
	refuse(m, -1, why);
}

static void
hand_over(struct import *m, const struct import_row *row, const msgpack_sbuffer *packed)
{
	const struct import_value *v = m->kind->sum != NULL ? import_row_value(row, m->kind->sum) : NULL;
	struct pending *p = &m->pending[m->handed % WINDOW];
	int sum = sum_of(m, row);

	*p = (struct pending){ .open = !m->dry, .line = m->csv.line, .amount = v != NULL ? v->number : 0, .sum = sum };
	memcpy(p->subject, row->subject, sizeof(p->subject));
	if (sum >= 0)
		m->sums[sum].rows++;
	if (m->dry) {
		m->stored++;
		if (sum >= 0)
			m->sums[sum].stored += p->amount;
	} else if (estate_put(m->e, packed->data, packed->size, m->handed) != 0)
		abort();		/* there was room, and it is small */
	m->handed++;
}

/* Until the file ends or the window is full.  True when there is nothing more. */
static bool
feed(struct import *m, msgpack_sbuffer *packed)
{
	enum csv_result r;
	struct import_row row;

	/* A later one may be answered before an earlier one: its place is taken until that is answered, too. */
	while (m->dry ? !reach_stop : estate_room(m->e) > 0 && !m->pending[m->handed % WINDOW].open) {
		if ((r = csv_next(&m->csv)) == CSV_END)
			return (true);
		m->rows++;
		if (r != CSV_RECORD)
			refuse_record(m, r);
		else if (take_row(m, &row, packed)) {
			hand_over(m, &row, packed);
			show_progress(m, false);
			continue;
		}
		sum_refused(m, r == CSV_RECORD);
		show_progress(m, false);
	}
	return (false);
}

static int
run(struct import *m)
{
	msgpack_sbuffer packed;
	bool fed = false;

	msgpack_sbuffer_init(&packed);
	m->began_ms = monotonic_ms();
	m->away_ms = -1;
	while (!reach_stop && (!(fed = fed || feed(m, &packed)) || estate_unacked(m->e) > 0)) {
		if (estate_pump(m->e, 100) < 0)
			break;
		show_progress(m, false);
		if (m->away_ms >= 0 && monotonic_ms() - m->away_ms > m->common.timeout_ms)
			break;
	}
	msgpack_sbuffer_destroy(&packed);
	show_progress(m, true);
	if (fed && estate_unacked(m->e) == 0) {
		report(m, true);
		return (m->refused > 0 ? EXIT_PART : 0);
	}
	report(m, false);
	fprintf(stderr, m->zh ? "estate import：已中断，%zu 行未确认；请重复同一命令，已写入的不会重复\n" :
	    "estate import: stopped with %zu lines unanswered; repeat the same command, what is stored is not stored twice\n", estate_unacked(m->e));
	if (reach_stop)
		return (EXIT_PART);
	reach_failed("import", &m->common);
	return (EXIT_UNREACHED);
}

static void
tell_unused(const struct import *m)
{
	const char *comma = "";
	bool some = false;

	for (unsigned i = 0; i < m->map.count; i++) {
		if (m->map.fields[i] != NULL || (int)i == m->map.subject || *m->map.headings[i] == '\0')
			continue;
		if (!some)
			fputs(m->zh ? "estate import：未使用的列：" : "estate import: columns that are not used: ", stderr);
		fprintf(stderr, "%s%s", comma, m->map.headings[i]);
		comma = ", ";
		some = true;
	}
	if (some)
		fputs("\n", stderr);
}

static int
read_headings(struct import *m)
{
	struct buffer why = { NULL, 0, 0 };
	int e = csv_open(&m->csv, m->file);
	enum csv_result r;
	char fault[200];
	bool ok;

	if (e != 0) {
		complain("import", "cannot read %s: %s", m->file, phrase(strerror(e)));
		return (EXIT_UNREACHED);
	}
	if ((r = csv_next(&m->csv)) != CSV_RECORD) {
		record_fault(m, r, fault, sizeof(fault));
		fprintf(stderr, m->zh ? "estate import：%s 没有可读的表头：%s\n" : "estate import: %s has no line of headings that can be read: %s\n", m->file, fault);
		return (EXIT_USAGE);
	}
	if (!(ok = import_map_headings(&m->map, m->kind, &m->csv, m->maps, &why, m->zh)))
		complain("import", "%s:%" PRIu64 ": %s", m->file, m->csv.line, why.data);
	else if (!m->common.json)
		tell_unused(m);
	buffer_free(&why);
	return (ok ? 0 : EXIT_USAGE);
}

static int
parse(struct import *m, int argc, char **argv)
{
	enum { DRY_RUN = OPTION_OWN, MAP, MAX_AMOUNT, UNREGISTERED };
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "map", required_argument, NULL, MAP },
		{ "max-amount", required_argument, NULL, MAX_AMOUNT },
		{ "unregistered", no_argument, NULL, UNREGISTERED },
		COMMON_OPTIONS
	};
	uint64_t yuan = AMOUNT_MAX_YUAN;
	unsigned maps = 0;
	struct nearest n;
	int c, r;

	common_init(&m->common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&m->common, c, "import", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r == 0 ? -1 : r);
		if (c == DRY_RUN)
			m->dry = true;
		else if (c == UNREGISTERED)
			m->unregistered = true;
		else if (c == MAP && maps == MAPS_MAX)
			return (usage_error("import", "at most %u columns are named by --map", MAPS_MAX));
		else if (c == MAP)
			m->maps[maps++] = optarg;
		else if (!argument_number("import", "--max-amount", optarg, 1, 10000000000u, &yuan))
			return (EXIT_USAGE);
	}
	m->bounds.amount_max = (int64_t)yuan * 100;
	if (optind + 2 != argc)
		return (usage_error("import", "name the kind of table and its file: estate import bills FILE.csv"));
	m->file = argv[optind + 1];
	if ((m->kind = import_kind(argv[optind])) != NULL)
		return (0);
	nearest_begin(&n, argv[optind], strlen(argv[optind]));
	for (unsigned i = 0; import_kind_at(i) != NULL; i++)
		nearest_offer(&n, import_kind_at(i)->name);
	return (usage_error("import", "there are tables of households, bills and payments, not of %s%s%s", argv[optind], n.best != NULL ? "; did you mean " : "",
	    n.best != NULL ? n.best : ""));
}

static void
free_seen(void *node)
{
	free(((struct seen *)node)->subject);
	free(node);
}

int
cmd_import(int argc, char **argv)
{
	static struct import m;
	struct estate_options o = { .user = &m, .on_ack = on_ack, .on_nak = on_nak, .on_notice = on_notice, .window = WINDOW };
	int r;

	if ((r = parse(&m, argc, argv)) != 0)
		return (r < 0 ? 0 : r);
	m.zh = language_is_zh();
	m.progress = isatty(STDERR_FILENO) && !m.common.json;
	if ((r = read_headings(&m)) == 0 && (m.e = reach_open("import", &m.common, &o)) == NULL)
		r = EXIT_USAGE;
	if (r == 0 && (r = reach_wait("import", &m.common, m.e)) == 0 && (r = import_register_read(&m.households, &m.common, m.e)) == 0)
		r = run(&m);
	estate_close(m.e);
	import_register_free(&m.households);
	tdestroy(m.seen, free_seen);
	import_map_free(&m.map);
	csv_close(&m.csv);
	return (r);
}
