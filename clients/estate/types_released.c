/* The catalogue as facts, one a line: what proto/catalogue.released remembers of each release. */
#include <inttypes.h>
#include <stdio.h>

#include "types.h"

static void
print_field(const char *of, const struct field *f)
{
	printf("field %s.%s %s %s %s", of, f->name, f->required ? "required" : f->any_of ? "any-of" : "optional",
	    f->personal ? "personal" : "plain", field_kind_name(f->kind));
	if (f->list != NULL)
		printf(" %s", f->list->name);
	if (f->min != 0 || f->max != 0)
		printf(" %" PRId64 "..%" PRId64, f->min, f->max);
	if (f->unit != NULL)
		printf(" %s", f->unit);
	putchar('\n');
}

static void
print_fields(const char *of, const struct type *t)
{
	for (unsigned i = 0; i < t->count; i++)
		print_field(of, &t->fields[i]);
}

static void
print_type(const struct type *t)
{
	printf("type %s %s %s %s\n", t->name, t->subject_required ? "subject" : "maybe-subject", t->derived ? "derived" : "intake", t->subject);
	print_fields(t->name, t);
}

static void
print_list(const struct enum_list *l)
{
	printf("list %s %s\n", l->name, l->open ? "open" : "closed");
	for (unsigned i = 0; i < l->count; i++)
		printf("value %s %s\n", l->name, l->values[i].code);
}

void
types_released(const struct type *only)
{
	if (only != NULL) {
		print_type(only);
		return;
	}
	for (unsigned i = 0; i < catalogue_count(); i++)
		print_type(catalogue_at(i));
	print_fields("items[]", catalogue_item());
	for (unsigned i = 0; i < catalogue_list_count(); i++)
		print_list(catalogue_list_at(i));
}
