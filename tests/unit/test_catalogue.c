/* The catalogue's tables: every name findable, once, well-formed and labelled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"

static void
test_every_type_is_found(void **state)
{
	(void)state;
	assert_true(catalogue_count() > 150);
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);
		char *exact = malloc(t->len);	/* not terminated */

		memcpy(exact, t->name, t->len);
		assert_int_equal(t->len, strlen(t->name));
		assert_int_equal(t->index, i);
		assert_ptr_equal(catalogue_find(exact, t->len), t);
		free(exact);
	}
	assert_null(catalogue_at(catalogue_count()));
}

/* Nothing but the exact name: no prefix, no longer one, no other case. */
static void
test_nothing_else_is_found(void **state)
{
	static char large[100000];
	char name[80];

	(void)state;
	memset(large, 'a', sizeof(large));
	assert_null(catalogue_find(large, sizeof(large)));
	assert_null(catalogue_find(large, 64));
	assert_null(catalogue_find("", 0));
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);

		for (unsigned len = 0; len < t->len; len++)
			assert_null(catalogue_find(t->name, len));
		snprintf(name, sizeof(name), "%sx", t->name);
		assert_null(catalogue_find(name, t->len + 1));
		snprintf(name, sizeof(name), "%s", t->name);
		name[0] = (char)(name[0] - 'a' + 'A');
		assert_null(catalogue_find(name, t->len));
	}
}

/* Dotted lower-case words. */
static bool
good_name(const char *s, const char *chars)
{
	return (*s >= 'a' && *s <= 'z' && strspn(s, chars) == strlen(s));
}

static void
test_names_and_labels(void **state)
{
	(void)state;
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);

		assert_true(good_name(t->name, "abcdefghijklmnopqrstuvwxyz_."));
		assert_non_null(strchr(t->name, '.'));
		assert_true(*t->subject != '\0' && *t->zh != '\0' && *t->en != '\0');
		assert_true(t->count > 0);
		assert_true(t->count < 64);	/* catalogue_check() has a bit for each */
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(t->name, catalogue_at(j)->name);
	}
}

static void
check_fields(const struct type *t)
{
	unsigned required = 0, any_of = 0;

	for (unsigned i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		assert_true(good_name(f->name, "abcdefghijklmnopqrstuvwxyz_0123456789"));
		assert_int_equal(f->len, strlen(f->name));
		assert_ptr_equal(catalogue_field(t, f->name, f->len), f);
		assert_true(*f->zh != '\0' && *f->en != '\0');
		assert_true((f->list != NULL) == (f->kind == FIELD_ENUM));
		assert_true(f->min <= f->max);
		assert_false(f->required && f->any_of);
		assert_string_not_equal(field_kind_name(f->kind), "?");
		required += f->required;
		any_of += f->any_of;
	}
	assert_int_equal(t->required, required);
	assert_int_equal(t->any_of, any_of);
	assert_true(any_of != 1);	/* that would be a required one */
}

static void
test_fields(void **state)
{
	(void)state;
	for (unsigned i = 0; i < catalogue_count(); i++)
		check_fields(catalogue_at(i));
	check_fields(catalogue_item());
	assert_null(catalogue_field(catalogue_at(0), "nam", 3));
	assert_null(catalogue_field(catalogue_at(0), "", 0));
}

static void
test_lists(void **state)
{
	(void)state;
	for (unsigned i = 0; i < catalogue_list_count(); i++) {
		const struct enum_list *l = catalogue_list_at(i);

		assert_true(l->count > 0);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(l->name, catalogue_list_at(j)->name);
		for (unsigned j = 0; j < l->count; j++) {
			const struct enum_value *v = &l->values[j];

			assert_int_equal(v->len, strlen(v->code));
			/* Finds this one, not an earlier one of the same code. */
			assert_ptr_equal(catalogue_value(l, v->code, v->len), v);
			assert_true(*v->zh != '\0' && *v->en != '\0');
		}
	}
	assert_null(catalogue_list_at(catalogue_list_count()));
}

static bool
is_used(const struct enum_list *l, const struct type *t)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->fields[i].list == l)
			return (true);
	return (false);
}

static void
test_every_list_is_used(void **state)
{
	(void)state;
	for (unsigned i = 0; i < catalogue_list_count(); i++) {
		bool used = is_used(catalogue_list_at(i), catalogue_item());

		for (unsigned j = 0; j < catalogue_count() && !used; j++)
			used = is_used(catalogue_list_at(i), catalogue_at(j));
		if (!used)
			fail_msg("no field draws from the list %s", catalogue_list_at(i)->name);
	}
}

static void
test_sections_begin_with_types(void **state)
{
	unsigned sections = 0;

	(void)state;
	assert_non_null(catalogue_section(catalogue_at(0)));
	for (unsigned i = 0; i < catalogue_count(); i++)
		sections += catalogue_section(catalogue_at(i)) != NULL;
	assert_int_equal(sections, 6);
}

static void
test_nearest(void **state)
{
	static const struct {
		const char *typed, *meant;
	} rows[] = {
		{ "complaint.open", "complaint.opened" }, { "complaints.opened", "complaint.opened" }, { "bil.issued", "bill.issued" },
		{ "case.close", "case.closed" }, { "household.registred", "household.registered" }, { "Repair.Finished", "repair.finished" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(catalogue_nearest(rows[i].typed, strlen(rows[i].typed)), rows[i].meant);
	assert_null(catalogue_nearest("weather.changed.completely", 26));
	assert_null(catalogue_nearest("", 0));
}

static void
test_kind_names(void **state)
{
	(void)state;
	for (int k = 0; k < FIELD_KINDS; k++)
		assert_string_not_equal(field_kind_name((enum field_kind)k), "?");
	assert_string_equal(field_kind_name(FIELD_KINDS), "?");
	assert_string_equal(field_kind_name((enum field_kind)-1), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_is_found),
		cmocka_unit_test(test_nothing_else_is_found),
		cmocka_unit_test(test_names_and_labels),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_every_list_is_used),
		cmocka_unit_test(test_sections_begin_with_types),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_kind_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
