/*
 * The catalogue evolves by addition only: whatever proto/catalogue.released says is still so, and a field that joined a released type
 * is optional.  After a release: `estate types --released > proto/catalogue.released`.  The lines are explained in
 * clients/estate/types.h.  Run from the top of the tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"

#define RELEASED	"proto/catalogue.released"

static const struct type *
type_named(const char *name)
{
	return (strcmp(name, "items[]") == 0 ? catalogue_item() : catalogue_find(name, strlen(name)));
}

static const struct enum_list *
list_named(const char *name)
{
	for (unsigned i = 0; i < catalogue_list_count(); i++)
		if (strcmp(catalogue_list_at(i)->name, name) == 0)
			return (catalogue_list_at(i));
	return (NULL);
}

static bool
same_type(char *line)
{
	char name[65], subject[16], origin[16];
	const struct type *t;
	int rest;

	if (sscanf(line, "type %64s %15s %15s %n", name, subject, origin, &rest) != 3 || (t = type_named(name)) == NULL)
		return (false);
	return (strcmp(subject, t->subject_required ? "subject" : "maybe-subject") == 0 &&
	    strcmp(origin, t->derived ? "derived" : "intake") == 0 && strcmp(line + rest, t->subject) == 0);
}

/* The field of "TYPE.NAME" or "items[].NAME". */
static const struct field *
field_at(char *path, const struct type **t)
{
	char *dot = strrchr(path, '.');

	*dot = '\0';
	*t = type_named(path);
	return (*t != NULL ? catalogue_field(*t, dot + 1, strlen(dot + 1)) : NULL);
}

static bool
same_field(const char *line)
{
	char path[130], presence[16], secrecy[16], kind[16], now[128];
	const struct type *t;
	const struct field *f;
	int rest, n;

	if (sscanf(line, "field %129s %15s %15s %15s%n", path, presence, secrecy, kind, &rest) != 4 || (f = field_at(path, &t)) == NULL)
		return (false);
	n = f->list != NULL ? snprintf(now, sizeof(now), " %s", f->list->name) : snprintf(now, sizeof(now), "%s", "");
	if (f->min != 0 || f->max != 0)
		n += snprintf(now + n, sizeof(now) - (size_t)n, " %lld..%lld", (long long)f->min, (long long)f->max);
	if (f->unit != NULL)
		snprintf(now + n, sizeof(now) - (size_t)n, " %s", f->unit);
	return (strcmp(presence, f->required ? "required" : f->any_of ? "any-of" : "optional") == 0 &&
	    strcmp(secrecy, f->personal ? "personal" : "plain") == 0 && strcmp(kind, field_kind_name(f->kind)) == 0 &&
	    strcmp(line + rest, now) == 0);
}

static bool
same_list(const char *line)
{
	char name[65], open[16];
	const struct enum_list *l;

	return (sscanf(line, "list %64s %15s", name, open) == 2 && (l = list_named(name)) != NULL &&
	    strcmp(open, l->open ? "open" : "closed") == 0);
}

static bool
same_value(const char *line)
{
	char name[65], code[65];
	const struct enum_list *l;

	return (sscanf(line, "value %64s %64s", name, code) == 2 && (l = list_named(name)) != NULL &&
	    catalogue_value(l, code, strlen(code)) != NULL);
}

static bool
still_so(char *line)
{
	switch (line[0]) {
	case 't':
		return (same_type(line));
	case 'f':
		return (same_field(line));
	case 'l':
		return (same_list(line));
	case 'v':
		return (same_value(line));
	}
	return (false);
}

/* The released copy as one text that begins with a newline. */
static char *
released(void)
{
	FILE *file = fopen(RELEASED, "r");
	char *text;
	long size;

	if (file == NULL)
		fail_msg("%s can't be read: run from the top of the tree", RELEASED);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 2);
	text[0] = '\n';
	assert_int_equal(fread(text + 1, 1, (size_t)size, file), size);
	fclose(file);
	return (text);
}

static void
test_all_of_it_is_still_so(void **state)
{
	char *text = released(), *save = NULL;
	unsigned lines = 0;

	(void)state;
	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save), lines++)
		if (!still_so(line))
			fail_msg("released, and no longer so: %s", line);
	assert_true(lines > 1000);
	free(text);
}

static void
check_additions(const char *text, const char *of, const struct type *t)
{
	char line[256];

	for (unsigned i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		snprintf(line, sizeof(line), "\nfield %s.%s ", of, f->name);
		if (strstr(text, line) == NULL && (f->required || f->any_of))
			fail_msg("%s.%s joined a released type: it must be optional", of, f->name);
	}
}

static void
test_additions_are_optional(void **state)
{
	char *text = released(), line[128];

	(void)state;
	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);

		snprintf(line, sizeof(line), "\ntype %s ", t->name);
		if (strstr(text, line) != NULL)
			check_additions(text, t->name, t);
	}
	check_additions(text, "items[]", catalogue_item());
	free(text);
}

/* The comparison itself: it must see each kind of change. */
static void
test_changes_are_seen(void **state)
{
	static const char *const changed[] = {
		"type case.vanished subject intake case",
		"type case.closed maybe-subject intake case",
		"type case.closed subject derived case",
		"type case.closed subject intake household",
		"field case.closed.vanished optional plain id",
		"field case.closed.by optional plain id",
		"field case.closed.by required personal id",
		"field case.closed.by required plain text 0..200 bytes",
		"field case.closed.outcome optional plain enum grade",
		"field bill.issued.amount required plain integer 0..1000 fen",
		"field bill.issued.amount required plain integer 0..1000000000000 yuan",
		"field items[].vanished required plain id",
		"list vanished closed",
		"list grade open",
		"value grade delighted",
		"nonsense",
	};
	static const char *const same[] = {
		"type case.closed subject intake case",
		"field case.closed.by required plain id",
		"field bill.issued.amount required plain integer 0..1000000000000 fen",
		"field items[].item required plain text 0..200 bytes",
		"list grade closed",
		"value grade satisfied",
	};
	char line[160];

	(void)state;
	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++) {
		snprintf(line, sizeof(line), "%s", changed[i]);
		if (still_so(line))
			fail_msg("taken for unchanged: %s", changed[i]);
	}
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		snprintf(line, sizeof(line), "%s", same[i]);
		if (!still_so(line))
			fail_msg("taken for changed: %s", same[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_are_seen),
		cmocka_unit_test(test_all_of_it_is_still_so),
		cmocka_unit_test(test_additions_are_optional),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
