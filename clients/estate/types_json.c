/* The catalogue as JSON: {"version", "types": [{…, "fields": […]}], "lists": […]}, a field or value a line. */
#include <inttypes.h>
#include <stdio.h>

#include "types.h"

static void
print_text(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static void
print_pair(const char *key, const char *value)
{
	printf("\"%s\":", key);
	print_text(value);
	putchar(',');
}

static const char *
word(bool b)
{
	return (b ? "true" : "false");
}

static void	print_fields(const struct type *, const char *indent);

static void
print_field(const struct field *f)
{
	print_pair("name", f->name);
	print_pair("kind", field_kind_name(f->kind));
	if (f->list != NULL)
		print_pair("list", f->list->name);
	if (f->min != 0 || f->max != 0)
		printf("\"min\":%" PRId64 ",\"max\":%" PRId64 ",", f->min, f->max);
	if (f->unit != NULL)
		print_pair("unit", f->unit);
	printf("\"required\":%s,\"any_of\":%s,\"personal\":%s,", word(f->required), word(f->any_of), word(f->personal));
	if (f->kind == FIELD_ITEMS) {
		print_fields(catalogue_item(), "    ");
		putchar(',');
	}
	print_pair("zh", f->zh);
	fputs("\"en\":", stdout);
	print_text(f->en);
}

static void
print_fields(const struct type *t, const char *indent)
{
	fputs("\"fields\":[", stdout);
	for (unsigned i = 0; i < t->count; i++) {
		printf("%s\n%s{", i > 0 ? "," : "", indent);
		print_field(&t->fields[i]);
		putchar('}');
	}
	putchar(']');
}

static void
print_type(const struct type *t)
{
	fputs(" {", stdout);
	print_pair("name", t->name);
	print_pair("subject", t->subject);
	printf("\"subject_required\":%s,\"derived\":%s,", word(t->subject_required), word(t->derived));
	print_pair("zh", t->zh);
	print_pair("en", t->en);
	print_fields(t, "  ");
	putchar('}');
}

static void
print_list(const struct enum_list *l)
{
	fputs(" {", stdout);
	print_pair("name", l->name);
	print_pair("zh", l->zh);
	printf("\"open\":%s,\"values\":[", word(l->open));
	for (unsigned i = 0; i < l->count; i++) {
		fputs(i > 0 ? ",\n  {" : "\n  {", stdout);
		print_pair("code", l->values[i].code);
		print_pair("zh", l->values[i].zh);
		fputs("\"en\":", stdout);
		print_text(l->values[i].en);
		putchar('}');
	}
	fputs("]}", stdout);
}

/* Of one type, only the lists that it names. */
static bool
names_list(const struct type *only, const struct enum_list *l)
{
	if (only == NULL)
		return (true);
	for (unsigned i = 0; i < only->count; i++)
		if (only->fields[i].list == l || (only->fields[i].kind == FIELD_ITEMS && names_list(catalogue_item(), l)))
			return (true);
	return (false);
}

void
types_json(const struct type *only)
{
	const char *between = "";

	printf("{\"version\":\"%s\",\"types\":[\n", ESTATE_VERSION);
	for (unsigned i = 0; i < catalogue_count(); i++) {
		if (only != NULL && only != catalogue_at(i))
			continue;
		fputs(between, stdout);
		print_type(catalogue_at(i));
		between = ",\n";
	}
	fputs("],\n\"lists\":[\n", stdout);
	between = "";
	for (unsigned i = 0; i < catalogue_list_count(); i++) {
		if (!names_list(only, catalogue_list_at(i)))
			continue;
		fputs(between, stdout);
		print_list(catalogue_list_at(i));
		between = ",\n";
	}
	fputs("]}\n", stdout);
}
