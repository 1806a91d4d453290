/* What a cell means: money in yuan or fen, days and months as spreadsheets write them, codes by their Chinese names. */
#include "import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "event.h"
#include "nearest.h"
#include "rfc3339.h"

#define SOURCE	"/import/"

/* What fields of lists are called besides the catalogue's words. */
static const struct { const char *list, *code, *names; } words[] = {
	{ "fee_kind", "management", "物业费|物业管理费|管理费|管理服务费|物业服务费" },
	{ "fee_kind", "vacant", "空置费|空置房管理费|空置" },
	{ "fee_kind", "rent", "租金|房租" },
	{ "fee_kind", "water", "水费|水" },
	{ "fee_kind", "electricity", "电费|电" },
	{ "fee_kind", "repair_fund", "维修基金|本体维修基金|房屋本体维修基金|专项维修资金" },
	{ "fee_kind", "parking", "停车费|车位费|停车" },
	{ "fee_kind", "other", "其他|其它" },
	{ "payment_method", "cash", "现金" },
	{ "payment_method", "bank", "银行|银行转账|转账|转帐|托收|代扣" },
	{ "payment_method", "wechat", "微信|微信支付" },
	{ "payment_method", "alipay", "支付宝" },
	{ "payment_method", "pos", "刷卡|POS机|pos" },
	{ "payment_method", "other", "其他|其它" },
	{ "household_kind", "merchant", "商户|商铺" },
	{ "household_kind", "tenant", "租客|租户" },
};

struct reading {
	const struct import_map *map;
	const struct import_bounds *bounds;
	struct import_fault *fault;
	bool zh;
};

static bool
refuse(struct reading *r, const char *en, const char *zh)
{
	buffer_text(&r->fault->why, r->zh ? zh : en);
	return (false);
}

/* The cell without the blanks around it, the wide ones too. */
static char *
trim(char *s)
{
	size_t len;

	for (;;) {
		if (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')
			s++;
		else if (strncmp(s, "\xe3\x80\x80", 3) == 0)
			s += 3;
		else
			break;
	}
	for (len = strlen(s); len > 0; ) {
		if (strchr(" \t\r\n", s[len - 1]) != NULL)
			len--;
		else if (len >= 3 && memcmp(s + len - 3, "\xe3\x80\x80", 3) == 0)
			len -= 3;
		else
			break;
	}
	s[len] = '\0';
	return (s);
}

static bool
skip_word(const char **s, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*s, word, len) != 0)
		return (false);
	*s += len;
	return (true);
}

/* "1,234.50", "¥1234.5元": fen.  Grouping commas stand before three digits each, or they are no such commas. */
static bool
read_money(struct reading *r, const char *s, bool in_fen, int64_t *fen)
{
	int decimals = -1, group = -1;
	int64_t value = 0;
	bool digits = false;

	(void)(skip_word(&s, "¥") || skip_word(&s, "￥") || skip_word(&s, "RMB"));
	if (*s == '-' || strncmp(s, "−", 3) == 0 || *s == '(')
		return (refuse(r, "an amount is not negative: what is given back is a reversal or a waiver", "金额不能为负：退款请用冲正，减免请用减免"));
	for (; *s != '\0'; s++) {
		if (*s >= '0' && *s <= '9') {
			if (decimals >= 0 && ++decimals > (in_fen ? 0 : 2))
				return (refuse(r, "yuan have at most two decimals, such as 123.45", "金额最多两位小数，如 123.45"));
			if (value > INT64_MAX / 100)
				break;
			value = value * 10 + (*s - '0');
			digits = true;
			group += group >= 0;
		} else if (*s == ',' && digits && decimals < 0 && (group < 0 || group == 3))
			group = 0;
		else if (*s == '.' && decimals < 0 && digits && !in_fen && (group < 0 || group == 3)) {
			decimals = 0;
			group = -1;
		} else
			break;
	}
	if (!digits || group == 1 || group == 2 || (*s != '\0' && strcmp(s, "元") != 0))
		return (refuse(r, "an amount is written 1234.50, in yuan", in_fen ? "金额写作整数分，如 123450" : "金额写作 1234.50（元）"));
	for (decimals = decimals < 0 ? 0 : decimals; !in_fen && decimals < 2; decimals++) {
		if (value > INT64_MAX / 10)
			return (refuse(r, "nobody owes that much", "金额过大"));
		value *= 10;
	}
	if (value == 0)
		return (refuse(r, "an amount of 0 is none: leave the line out", "金额为零：请删除此行"));
	if (value > r->bounds->amount_max) {
		buffer_printf(&r->fault->why, r->zh ? "金额超过 %" PRId64 " 元；确实无误请用 --max-amount" : "more than %" PRId64 " yuan; if it is right, --max-amount lets it through",
		    r->bounds->amount_max / 100);
		return (false);
	}
	*fen = value;
	return (true);
}

/* Up to three numbers with anything of "-/.年月日" between them, or digits alone: how many. */
static unsigned
read_numbers(const char *s, unsigned out[3], unsigned widths[3])
{
	unsigned n = 0;

	for (;;) {
		for (out[n] = widths[n] = 0; *s >= '0' && *s <= '9' && widths[n] < 9; s++, widths[n]++)
			out[n] = out[n] * 10 + (unsigned)(*s - '0');
		if (widths[n++] == 0)
			return (0);
		if (*s == '\0' || strcmp(s, "日") == 0 || strcmp(s, "月") == 0)
			return (n);
		if (n == 3 || !(*s == '-' || *s == '/' || *s == '.' || strncmp(s, "年", 3) == 0 || strncmp(s, "月", 3) == 0))
			return (0);
		s += (unsigned char)*s >= 0x80 ? 3 : 1;
	}
}

/* 2026-10-05, 2026/10/5, 2026.10.5, 2026年10月5日, 20261005: canonical.  A time of day behind it is left out. */
static bool
read_date(struct reading *r, char *s, char out[24])
{
	char *time = strpbrk(s, " T");
	unsigned v[3], w[3], n;

	if (time != NULL && strchr(time, ':') != NULL)
		*time = '\0';
	n = read_numbers(s, v, w);
	if (n == 1 && w[0] == 8) {
		v[2] = v[0] % 100, v[1] = v[0] / 100 % 100, v[0] /= 10000;
		n = 3, w[0] = 4;
	}
	if (n == 3 && w[0] == 4 && v[1] < 100 && v[2] < 100) {
		snprintf(out, 24, "%04u-%02u-%02u", v[0], v[1], v[2]);
		if (rfc3339_date(out, 10, NULL))
			return (true);
		return (refuse(r, "there is no such day", "没有这一天"));
	}
	return (refuse(r, "a day is written 2026-10-31", "日期写作 2026-10-31"));
}

static bool
read_month(struct reading *r, const char *s, char out[24])
{
	unsigned v[3], w[3], n = read_numbers(s, v, w);

	if (n == 1 && w[0] == 6) {
		v[1] = v[0] % 100, v[0] /= 100;
		n = 2, w[0] = 4;
	}
	if (n != 2 || w[0] != 4 || v[1] < 1 || v[1] > 12)
		return (refuse(r, "a month is written 2026-10", "月份写作 2026-10"));
	snprintf(out, 24, "%04u-%02u", v[0], v[1]);
	return (true);
}

static bool
in_words(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; p != NULL; p = strchr(p, '|')) {
		p += *p == '|';
		if (strncmp(p, name, len) == 0 && (p[len] == '|' || p[len] == '\0'))
			return (true);
	}
	return (false);
}

static bool
read_choice(struct reading *r, const struct enum_list *list, const char *s, const char **code)
{
	struct nearest n;

	for (unsigned i = 0; i < list->count; i++)
		if (strcasecmp(list->values[i].code, s) == 0 || strcmp(list->values[i].zh, s) == 0) {
			*code = list->values[i].code;
			return (true);
		}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].list, list->name) == 0 && in_words(words[i].names, s)) {
			*code = words[i].code;
			return (true);
		}
	nearest_begin(&n, s, strlen(s));
	buffer_text(&r->fault->why, r->zh ? "应为" : "it is one of");
	for (unsigned i = 0; i < list->count; i++) {
		nearest_offer(&n, list->values[i].code);
		buffer_printf(&r->fault->why, "%s%s", i == 0 ? (r->zh ? "" : " ") : (r->zh ? "、" : ", "), r->zh ? list->values[i].zh : list->values[i].code);
	}
	if (n.best != NULL)
		buffer_printf(&r->fault->why, r->zh ? "；是否指 %s？" : "; did you mean %s?", n.best);
	return (false);
}

static bool
read_yes(struct reading *r, const char *s, bool *yes)
{
	static const char *const said[2][5] = { { "否", "no", "false", "0", "n" }, { "是", "yes", "true", "1", "y" } };

	for (unsigned v = 0; v < 2; v++)
		for (unsigned i = 0; i < 5; i++)
			if (strcasecmp(said[v][i], s) == 0) {
				*yes = v == 1;
				return (true);
			}
	return (refuse(r, "it is yes or no", "应为 是 或 否"));
}

static bool
read_number(struct reading *r, const char *s, double *number)
{
	char *end;

	*number = strtod(s, &end);
	(void)(skip_word((const char **)&end, "㎡") || skip_word((const char **)&end, "m2") || skip_word((const char **)&end, "平方米"));
	if (end == s || *end != '\0' || strpbrk(s, "xXnN") != NULL)
		return (refuse(r, "it is a number such as 89.5", "应为数字，如 89.5"));
	return (true);
}

static bool
read_value(struct reading *r, struct import_value *v, char *s, bool in_fen)
{
	switch (v->field->kind) {
	case FIELD_INT:
		return (read_money(r, s, in_fen, &v->number));
	case FIELD_NUMBER:
		return (read_number(r, s, &v->real));
	case FIELD_BOOL:
		return (read_yes(r, s, &v->yes));
	case FIELD_DATE:
		v->text = v->made;
		return (read_date(r, s, v->made));
	case FIELD_MONTH:
		v->text = v->made;
		return (read_month(r, s, v->made));
	case FIELD_ENUM:
		return (read_choice(r, v->field->list, s, &v->text));
	default:
		v->text = s;
		return (v->field->kind != FIELD_ID || id_valid(s, strlen(s)) ||
		    refuse(r, "an id is 1 to 64 of A-Z a-z 0-9 . _ : / -, such as 3-2-1201", "编号由 1 至 64 个字母、数字或 . _ : / - 组成，如 3-2-1201"));
	}
}

static char *
cell(const struct csv *c, int column)
{
	return (trim((char *)(uintptr_t)csv_field(c, (unsigned)column)));
}

const struct import_value *
import_row_value(const struct import_row *row, const char *field)
{
	for (unsigned i = 0; i < row->count; i++)
		if (strcmp(row->values[i].field->name, field) == 0)
			return (&row->values[i]);
	return (NULL);
}

/* A bill without a number of its own is the household's of that fee and month. */
static bool
name_row(struct reading *r, struct import_row *row, const struct csv *c)
{
	const char *s = r->map->subject >= 0 ? cell(c, r->map->subject) : "";
	int n;

	r->fault->column = r->map->subject;
	if (*s == '\0' && r->map->kind->composed)
		n = snprintf(row->subject, sizeof(row->subject), "%s/%s/%s", import_row_value(row, "household")->text,
		    import_row_value(row, "fee_kind")->text, import_row_value(row, "period")->text);
	else
		n = snprintf(row->subject, sizeof(row->subject), "%s", s);
	if (*row->subject == '\0')
		return (refuse(r, "it is empty", "为空"));
	if (n >= (int)sizeof(row->subject) || !id_valid(row->subject, strlen(row->subject)))
		return (refuse(r, "an id is 1 to 64 of A-Z a-z 0-9 . _ : / -, such as 3-2-1201", "编号由 1 至 64 个字母、数字或 . _ : / - 组成，如 3-2-1201"));
	return (true);
}

bool
import_row_read(struct import_row *row, const struct import_map *m, const struct csv *c, const struct import_bounds *bounds, struct import_fault *f, bool zh)
{
	struct reading r = { m, bounds, f, zh };

	row->count = 0;
	f->column = -1;
	buffer_clear(&f->why);
	if (c->count > m->count) {
		buffer_printf(&f->why, zh ? "有 %u 格，而表头只有 %u 列：是否有未加引号的逗号？" : "%u cells under %u headings: is a comma not in quotes?", c->count, m->count);
		return (false);
	}
	/* In the catalogue's order, so that columns may change places and a line still makes the same event. */
	for (unsigned i = 0; i < m->type->count; i++)
		for (unsigned k = 0; k < m->count; k++) {
			struct import_value *v = &row->values[row->count];
			char *s;

			if (m->fields[k] != &m->type->fields[i])
				continue;
			s = cell(c, (int)k);
			*v = (struct import_value){ .field = m->fields[k] };
			f->column = (int)k;
			if (*s == '\0' && !v->field->required)
				continue;
			if (*s == '\0')
				return (refuse(&r, "it is empty", "为空"));
			if (!read_value(&r, v, s, m->in_fen[k]))
				return (false);
			row->count++;
		}
	return (name_row(&r, row, c));
}

void
import_row_peek(struct import_row *row, const struct import_map *m, const struct csv *c, const struct import_bounds *bounds)
{
	struct import_fault f = { .column = -1 };
	struct reading r = { m, bounds, &f, false };

	row->count = 0;
	row->subject[0] = '\0';
	/* Under too many cells nobody knows which is which. */
	for (unsigned k = 0; c->count <= m->count && k < m->count; k++) {
		const struct field *field = m->fields[k];
		struct import_value *v = &row->values[row->count];
		char *s;

		if (field == NULL || (strcmp(field->name, m->kind->sum) != 0 && strcmp(field->name, m->kind->group) != 0))
			continue;
		s = cell(c, (int)k);
		*v = (struct import_value){ .field = field };
		row->count += *s != '\0' && read_value(&r, v, s, m->in_fen[k]);
	}
	buffer_free(&f.why);
}

static void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

static void
pack_data(msgpack_packer *p, const struct import_row *row)
{
	msgpack_pack_map(p, row->count);
	for (unsigned i = 0; i < row->count; i++) {
		const struct import_value *v = &row->values[i];

		pack_text(p, v->field->name);
		if (v->text != NULL)
			pack_text(p, v->text);
		else if (v->field->kind == FIELD_INT)
			msgpack_pack_int64(p, v->number);
		else if (v->field->kind == FIELD_BOOL)
			v->yes ? msgpack_pack_true(p) : msgpack_pack_false(p);
		else
			msgpack_pack_double(p, v->real);
	}
}

/* What identifies the event: a bill is one bill, whatever a second line says of it; a household's entry is what it says. */
static void
make_id(const struct import_row *row, const struct import_kind *kind, const msgpack_sbuffer *data, const char *last, unsigned entries, char id[65])
{
	XXH128_hash_t h;
	size_t n;

	if (!kind->replaces) {
		memcpy(id, row->subject, sizeof(row->subject));
		return;
	}
	h = XXH3_128bits_withSeed(data->data, data->size, XXH3_64bits(row->subject, strlen(row->subject)));
	n = (size_t)snprintf(id, 65, "%016llx%016llx.", (unsigned long long)h.high64, (unsigned long long)h.low64);
	if (last != NULL && strncmp(last, id, n) == 0)
		snprintf(id, 65, "%s", last);
	else
		snprintf(id + n, 65 - n, "%u", entries);
}

void
import_row_pack(const struct import_row *row, const struct import_map *m, const char *last, unsigned entries, msgpack_sbuffer *out)
{
	msgpack_sbuffer data;
	msgpack_packer p;
	char id[65], source[64];

	msgpack_sbuffer_init(&data);
	msgpack_packer_init(&p, &data, msgpack_sbuffer_write);
	pack_data(&p, row);
	make_id(row, m->kind, &data, last, entries, id);
	snprintf(source, sizeof(source), SOURCE "%s", m->kind->name);
	msgpack_sbuffer_clear(out);
	msgpack_packer_init(&p, out, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 6);
	pack_text(&p, "specversion"); pack_text(&p, "1.0");
	pack_text(&p, "id"); pack_text(&p, id);
	pack_text(&p, "source"); pack_text(&p, source);
	pack_text(&p, "type"); pack_text(&p, m->kind->type);
	pack_text(&p, "subject"); pack_text(&p, row->subject);
	pack_text(&p, "data");
	msgpack_sbuffer_write(out, data.data, data.size);
	msgpack_sbuffer_destroy(&data);
}
