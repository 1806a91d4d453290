/* The catalogue as a reference document.  Types that follow each other with the same fields share one table. */
#include <stdio.h>

#include "types.h"

static const char preface[] =
"# The event catalogue · 事件目录\n"
"\n"
"Printed by `estate types --markdown` from `proto/catalogue.def`; edit that file, not this page.\n"
"本页由 `estate types --markdown` 生成,请修改 `proto/catalogue.def`。\n"
"\n"
"An event names its type, and in `subject` what it is about; its `data` holds the fields below. Money is in fen (分). A field that\n"
"has no value is left out. Fields that are not listed are kept, flagged and counted, never refused.\n"
"金额以分为单位;没有值的字段不写;目录以外的字段照存、标记并计数。\n"
"\n"
"| word | meaning | 含义 |\n"
"|---|---|---|\n"
"| required | must be there | 必填 |\n"
"| any of | at least one of these must be there | 至少填一项 |\n"
"| personal | sealed in the store, masked for whoever lacks the right | 个人信息,加密存储,无权者见掩码 |\n"
"| derived | concluded by a worker from other events | 由程序推出的事件 |\n"
"| id | 1 to 64 characters of `A-Z a-z 0-9 . _ : / -` | 编号 |\n"
"| instant | `2026-11-03T08:30:00+08:00`, on the wire also a msgpack timestamp | 时刻 |\n"
"| date, month | `2026-11-03`, `2026-11`, in site time | 日期、月份 |\n"
"| period | `2026`, `2026-H1`, `2026-Q1`, `2026-11`, `2026-W05` or `2026-11-03` | 期间 |\n"
"| seq | the sequence number of another event | 事件序号 |\n"
"| one of X | a code of the list X at the end of this page | 取值见文末列表 |\n"
"| or other | any other text of up to 200 bytes is taken too | 可填列表以外的值 |\n";

static void
print_type(const struct type *t)
{
	printf("- **`%s`** %s — %s. Subject: %s%s.%s\n", t->name, t->zh, t->en, t->subject, t->subject_required ? "" : " (optional)",
	    t->derived ? " *Derived.*" : "");
}

static void
print_field(const struct field *f)
{
	char kind[TYPES_KIND_SIZE];

	printf("| `%s` | %s | %s%s%s | %s | %s |\n", f->name, types_kind(f, kind), f->required ? "required" : f->any_of ? "any of" : "",
	    (f->required || f->any_of) && f->personal ? ", " : "", f->personal ? "personal" : "", f->zh, f->en);
}

static void
print_fields(const struct type *t)
{
	fputs("\n| field | holds | | 名称 | |\n|---|---|---|---|---|\n", stdout);
	for (unsigned i = 0; i < t->count; i++)
		print_field(&t->fields[i]);
	for (unsigned i = 0; i < t->count; i++) {
		if (t->fields[i].kind != FIELD_ITEMS)
			continue;
		printf("\nEach element of `%s` is a map:\n", t->fields[i].name);
		print_fields(catalogue_item());
	}
}

static void
print_list(const struct enum_list *l)
{
	printf("\n### %s · %s%s\n\n| code | 名称 | |\n|---|---|---|\n", l->name, l->zh, l->open ? " (or other)" : "");
	for (unsigned i = 0; i < l->count; i++)
		printf("| `%s` | %s | %s |\n", l->values[i].code, l->values[i].zh, l->values[i].en);
}

/* Does the next type go on with the same fields? */
static bool
shares_fields(unsigned i)
{
	const struct type *next = catalogue_at(i + 1);

	return (next != NULL && next->fields == catalogue_at(i)->fields && catalogue_section(next) == NULL);
}

static void
print_all(void)
{
	bool fresh = true;

	fputs(preface, stdout);
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);
		const struct section *s = catalogue_section(t);

		if (s != NULL)
			printf("\n## %s · %s\n", s->en, s->zh);
		if (fresh)
			putchar('\n');
		print_type(t);
		if ((fresh = !shares_fields(i)))
			print_fields(t);
	}
	fputs("\n## Lists · 取值\n", stdout);
	for (unsigned i = 0; i < catalogue_list_count(); i++)
		print_list(catalogue_list_at(i));
}

void
types_markdown(const struct type *only)
{
	if (only == NULL) {
		print_all();
		return;
	}
	print_type(only);
	print_fields(only);
	for (unsigned i = 0; i < only->count; i++)
		if (only->fields[i].list != NULL)
			print_list(only->fields[i].list);
}
