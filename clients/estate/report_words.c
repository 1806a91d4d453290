/* Names of dimensions and values; numbers as they are printed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "paint.h"
#include "report.h"

static const struct {
	const char *dim, *zh, *en;
	const char *type, *field;	/* whose list of the catalogue its values are from */
	const char *type2, *field2;
} dims[] = {
	{ "category", "投诉类别", "category", "complaint.opened", "category", NULL, NULL },
	{ "severity", "严重程度", "severity", "complaint.opened", "severity", NULL, NULL },
	{ "via", "途径", "via", "complaint.opened", "via", NULL, NULL },
	{ "building", "楼栋", "building", NULL, NULL, NULL, NULL },
	{ "staff", "员工", "staff", NULL, NULL, NULL, NULL },
	{ "kind", "类别", "kind", "callback.due", "kind", "help.requested", "kind" },
	{ "fee_kind", "费用类别", "kind of fee", "bill.issued", "fee_kind", NULL, NULL },
	{ "trade", "工种", "trade", "repair.requested", "trade", NULL, NULL },
	{ "role", "岗位", "role", "case.assigned", "role", NULL, NULL },
	{ "rule", "条款", "rule", NULL, NULL, NULL, NULL },
	{ "queue", "队列", "queue", NULL, NULL, NULL, NULL },
	{ "survey", "征询", "survey", NULL, NULL, NULL, NULL },
	{ "item", "项目", "item", NULL, NULL, NULL, NULL },
	{ "class", "个案类型", "case", NULL, NULL, NULL, NULL },
	{ "to", "转介对象", "referred to", NULL, NULL, NULL, NULL },
};
#define DIMS	(sizeof(dims) / sizeof(*dims))

/* Of what no list of the catalogue has. */
static const struct {
	const char *value, *zh;
} words[] = {
	{ "complaint", "投诉" }, { "repair", "报修" }, { "help", "求助" }, { "referred", "转介" }, { "declined", "未能满足" },
};

const char *
report_dim(const char *dim, bool zh)
{
	for (size_t i = 0; i < DIMS; i++)
		if (strcmp(dims[i].dim, dim) == 0)
			return (zh ? dims[i].zh : dims[i].en);
	return (dim);
}

static const struct enum_value *
value_of(const char *type, const char *field, const char *value)
{
	const struct field *f;

	if (type == NULL || (f = catalogue_field(catalogue_find(type, strlen(type)), field, strlen(field))) == NULL || f->list == NULL)
		return (NULL);
	return (catalogue_value(f->list, value, strlen(value)));
}

void
report_value(struct buffer *b, const char *dim, const char *value, bool zh)
{
	const struct enum_value *v = NULL;

	if (value[0] == '\0') {
		buffer_text(b, zh ? "未知" : "unknown");
		return;
	}
	for (size_t i = 0; i < DIMS && v == NULL; i++)
		if (strcmp(dims[i].dim, dim) == 0 && (v = value_of(dims[i].type, dims[i].field, value)) == NULL)
			v = value_of(dims[i].type2, dims[i].field2, value);
	if (v != NULL) {
		buffer_text(b, zh ? v->zh : v->en);
		return;
	}
	for (size_t i = 0; zh && i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i].value, value) == 0) {
			buffer_text(b, words[i].zh);
			return;
		}
	paint_clean(b, value, strlen(value), 0);
}

void
report_share(int64_t num, int64_t den, char out[REPORT_SHARE_SIZE])
{
	int64_t cut;

	if (den <= 0) {
		snprintf(out, REPORT_SHARE_SIZE, "n/a");
		return;
	}
	cut = (int64_t)((__int128)num * 10000 / den);
	snprintf(out, REPORT_SHARE_SIZE, "%s%" PRId64 ".%02d", cut < 0 ? "-" : "", cut < 0 ? -cut / 100 : cut / 100, (int)(cut < 0 ? -cut % 100 : cut % 100));
}

void
report_number(int64_t n, bool fen, char out[REPORT_SHARE_SIZE])
{
	if (!fen)
		snprintf(out, REPORT_SHARE_SIZE, "%" PRId64, n);
	else
		snprintf(out, REPORT_SHARE_SIZE, "%s%" PRId64 ".%02d", n < 0 ? "-" : "", n < 0 ? -n / 100 : n / 100, (int)(n < 0 ? -n % 100 : n % 100));
}

bool
report_reached(const struct report_section *s, const struct report_figure *f)
{
	return (s->least < 0 || f->den == 0 || (__int128)f->num * 1000 >= (__int128)f->den * s->least);
}
