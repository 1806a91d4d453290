/* Which column is which: see import.h. */
#include "import.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"

static const struct import_kind kinds[] = {
	{ "households", "household.registered", "household|房号|房间|房间号|户号|住户编号", NULL, "kind", true, false, false },
	{ "bills", "bill.issued", "bill|账单编号|账单号|单号|帐单编号", "amount", "fee_kind", false, true, true },
	{ "payments", "payment.posted", "payment|收款编号|收款单号|流水号|交易号|单号", "amount", "method", false, true, false },
};

/* What such columns are called besides the catalogue's name and label. */
static const struct { const char *field, *names; } aliases[] = {
	{ "household",	"房间|房间号|户号|住户编号|room|flat|unit" },
	{ "kind",	"类别|类型|住户类别|身份" },
	{ "party",	"客户编号|业主编号|缴费人编号|owner" },
	{ "payer",	"客户编号|业主编号|缴费人编号|缴费人" },
	{ "name",	"业主姓名|住户姓名|客户名称" },
	{ "phone",	"手机|手机号|电话|联系方式|mobile" },
	{ "email",	"邮箱|电子邮件" },
	{ "moved_in",	"入伙日期|交房日期" },
	{ "area_m2",	"建筑面积|计费面积|area" },
	{ "fee_kind",	"费用类型|收费项目|费用项目|费项|fee" },
	{ "period",	"账期|月份|所属月份|所属期|month" },
	{ "amount",	"应收|应收金额|实收|实收金额|收款金额|应缴金额" },
	{ "due",	"到期日|到期日期|应缴日期|缴费截止日|due_date" },
	{ "method",	"支付方式|收款方式|缴费方式" },
	{ "received",	"收款日期|缴费日期|到帐日期|date" },
	{ "bill",	"账单号|单号|帐单编号" },
};

const struct import_kind *
import_kind_at(unsigned i)
{
	return (i < sizeof(kinds) / sizeof(*kinds) ? &kinds[i] : NULL);
}

const struct import_kind *
import_kind(const char *name)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (&kinds[i]);
	return (NULL);
}

/* "金额（元）" is 金额, " Due Date" is due_date.  True if the unit in brackets is fen. */
static bool
plain(const char *heading, char *out, size_t size)
{
	static const char *const brackets[] = { "(", "（", "[", "【" };
	const char *end = heading + strlen(heading), *found;
	size_t n = 0;
	bool fen = false;

	for (size_t i = 0; i < sizeof(brackets) / sizeof(*brackets); i++)
		if ((found = strstr(heading, brackets[i])) != NULL && found > heading && found < end) {
			end = found;
			fen = strncmp(found + strlen(brackets[i]), "分", strlen("分")) == 0 || strncmp(found + strlen(brackets[i]), "fen", 3) == 0;
		}
	while (heading < end && n + 1 < size) {
		if (strncmp(heading, "\xe3\x80\x80", 3) == 0)		/* the wide space */
			heading += 3;
		else if (*heading == ' ' || *heading == '\t') {
			if (n > 0)
				out[n++] = '_';
			heading++;
		} else
			out[n++] = (char)tolower((unsigned char)*heading++);
	}
	while (n > 0 && out[n - 1] == '_')
		n--;
	out[n] = '\0';
	return (fen);
}

static bool
among(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; p != NULL; p = strchr(p, '|')) {
		p += *p == '|';
		if (strncmp(p, name, len) == 0 && (p[len] == '|' || p[len] == '\0'))
			return (len > 0);
	}
	return (false);
}

static bool
names_field(const struct field *f, const char *name)
{
	if (strcmp(f->name, name) == 0 || strcmp(f->zh, name) == 0)
		return (true);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (strcmp(aliases[i].field, f->name) == 0 && among(aliases[i].names, name))
			return (true);
	return (false);
}

static const struct field *
field_of(const struct type *t, const char *name)
{
	for (unsigned i = 0; i < t->count; i++)
		if (names_field(&t->fields[i], name))
			return (&t->fields[i]);
	return (NULL);
}

static bool
take_column(struct import_map *m, unsigned column, const char *name, struct buffer *why, bool zh)
{
	const struct field *f = field_of(m->type, name);
	bool subject = among(m->kind->subject, name);

	/* A bill's own number in a table of bills, the bill it is for in a table of payments. */
	if (subject && (f == NULL || m->subject < 0)) {
		if (m->subject >= 0) {
			buffer_printf(why, zh ? "“%s”与“%s”两列含义相同" : "the columns %s and %s mean the same", m->headings[m->subject], m->headings[column]);
			return (false);
		}
		m->subject = (int)column;
		return (true);
	}
	if (f == NULL)
		return (true);
	for (unsigned i = 0; i < m->count; i++)
		if (m->fields[i] == f) {
			buffer_printf(why, zh ? "“%s”与“%s”两列含义相同" : "the columns %s and %s mean the same", m->headings[i], m->headings[column]);
			return (false);
		}
	m->fields[column] = f;
	return (true);
}

/* What the command line says of a column, or NULL. */
static const char *
given_for(const char *const *given, const char *heading)
{
	size_t len = strlen(heading);

	for (; given != NULL && *given != NULL; given++)
		if (strncmp(*given, heading, len) == 0 && (*given)[len] == '=')
			return (*given + len + 1);
	return (NULL);
}

static const char *
nearest_field(const struct type *t, const char *name)
{
	struct nearest n;

	nearest_begin(&n, name, strlen(name));
	for (const struct field *f = t->fields, *end = f + t->count; f < end; f++)
		nearest_offer(&n, f->name);
	return (n.best);
}

static bool
given_is_known(const struct import_map *m, const char *given, struct buffer *why, bool zh)
{
	const char *field = strchr(given, '='), *nearest;

	if (field == NULL) {
		buffer_printf(why, zh ? "--map %s：写作 列名=字段" : "--map %s: write HEADING=FIELD", given);
		return (false);
	}
	if (field_of(m->type, field + 1) == NULL && !among(m->kind->subject, field + 1)) {
		buffer_printf(why, zh ? "--map %s：没有此字段" : "--map %s: there is no such field", given);
		if ((nearest = nearest_field(m->type, field + 1)) != NULL)
			buffer_printf(why, zh ? "，是否指 %s？" : "; did you mean %s?", nearest);
		return (false);
	}
	for (unsigned i = 0; i < m->count; i++)
		if (strncmp(m->headings[i], given, (size_t)(field - given)) == 0 && m->headings[i][field - given] == '\0')
			return (true);
	buffer_printf(why, zh ? "--map %s：表中没有此列" : "--map %s: the table has no such column", given);
	return (false);
}

static bool
nothing_is_missing(const struct import_map *m, struct buffer *why, bool zh)
{
	for (unsigned i = 0; i < m->type->count; i++) {
		const struct field *f = &m->type->fields[i];
		bool there = !f->required;

		for (unsigned k = 0; k < m->count && !there; k++)
			there = m->fields[k] == f;
		if (there)
			continue;
		buffer_printf(why, zh ? "缺少“%s”列（%s）。现有的列：" : "no column is %s (%s). There are:", zh ? f->zh : f->name, zh ? f->name : f->zh);
		for (unsigned k = 0; k < m->count; k++)
			buffer_printf(why, "%s%s", k > 0 ? ", " : " ", m->headings[k]);
		buffer_printf(why, zh ? "。可用 --map 列名=%s 指定" : "; --map HEADING=%s names it", f->name);
		return (false);
	}
	if (m->subject < 0 && !m->kind->composed) {
		buffer_printf(why, zh ? "缺少编号列（%s）" : "no column names them (%s)", m->kind->subject);
		return (false);
	}
	return (true);
}

bool
import_map_headings(struct import_map *m, const struct import_kind *kind, const struct csv *c, const char *const *given, struct buffer *why, bool zh)
{
	char name[128];
	const char *as;

	memset(m, 0, sizeof(*m));
	m->kind = kind;
	m->type = catalogue_find(kind->type, strlen(kind->type));
	assert(m->type != NULL);
	m->subject = -1;
	m->count = c->count;
	for (unsigned i = 0; i < c->count; i++) {
		const char *heading = csv_field(c, i);

		m->headings[i] = strcpy(alloc_or_exit(NULL, strlen(heading) + 1), heading);
	}
	for (const char *const *g = given; g != NULL && *g != NULL; g++)
		if (!given_is_known(m, *g, why, zh))
			return (false);
	/* What was said goes before what is guessed. */
	for (int said = 1; said >= 0; said--)
		for (unsigned i = 0; i < c->count; i++) {
			if (((as = given_for(given, m->headings[i])) != NULL) != said)
				continue;
			m->in_fen[i] = plain(m->headings[i], name, sizeof(name));
			if (!take_column(m, i, said ? as : name, why, zh))
				return (false);
		}
	return (nothing_is_missing(m, why, zh));
}

void
import_map_free(struct import_map *m)
{
	for (unsigned i = 0; i < m->count; i++)
		free(m->headings[i]);
	m->count = 0;
}
