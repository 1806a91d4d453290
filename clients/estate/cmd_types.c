/* `estate types`: the catalogue for people; types_json.c, types_markdown.c and types_released.c have the other forms. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "language.h"
#include "types.h"
#include "wrap.h"

static const char help_text[] =
"usage: estate types [TYPE] [--json | --markdown | --released]\n"
"\n"
"Which events there are and what their data holds.  Without TYPE a line per type; with\n"
"TYPE its fields.  A first word lists its family: `estate types complaint`.\n"
"\n"
"  --json       everything, for programs: forms, checks, code generators\n"
"  --markdown   the reference document, Chinese and English\n"
"  --released   one fact a line, to compare two releases\n"
"  --help       this text\n"
"\n"
"Reading a type's fields:\n"
"  *            required: an event without it is refused (missing-field)\n"
"  +            at least one of the fields with + must be there\n"
"  !            personal: sealed in the store, and masked for whoever lacks the right to see it\n"
"  one of X     a code from the list, which is printed below the fields; \"or other\" means\n"
"               that another text is taken too\n"
"  instant      2026-11-03T08:30:00+08:00        period   2026, 2026-H1, 2026-Q1, 2026-11\n"
"  fen          money: 12345 is 123.45 yuan      id       1 to 64 of A-Z a-z 0-9 . _ : / -\n"
"A field without a value is left out.  Fields that the catalogue does not know are kept,\n"
"flagged and counted, never refused.\n"
"\n"
"Labels are Chinese where LC_ALL, LC_MESSAGES or LANG begins with zh.\n"
"\n"
"examples\n"
"  estate types                         all types\n"
"  estate types complaint.opened        its fields\n"
"  estate types bill.issued --json      the same for a program\n"
"  estate types --markdown > CATALOGUE.md\n"
"  estate types --released | diff proto/catalogue.released -\n"
"\n"
"exit status: 0 printed, 2 wrong usage or no such type, 3 could not write\n";

static void
print_type(FILE *out, const struct type *t, bool zh)
{
	fprintf(out, "  %-26s %-26s %s%s\n", t->name, t->subject, zh ? t->zh : t->en, t->derived ? (zh ? "（推出）" : " (derived)") : "");
}

static void
print_heading(FILE *out, const struct type *t, bool zh)
{
	const struct section *s = catalogue_section(t);

	if (s != NULL)
		fprintf(out, "%s%s\n", t->index > 0 ? "\n" : "", zh ? s->zh : s->en);
}

static void
print_all(FILE *out, bool zh)
{
	for (unsigned i = 0; i < catalogue_count(); i++) {
		print_heading(out, catalogue_at(i), zh);
		print_type(out, catalogue_at(i), zh);
	}
	fputs(zh ? "\n查看字段：estate types 类型\n" : "\nFields: estate types TYPE\n", out);
}

/* The types whose first word this is.  Returns how many. */
static unsigned
print_family(FILE *out, const char *word, bool zh)
{
	size_t len = strlen(word);
	unsigned count = 0;

	for (unsigned i = 0; i < catalogue_count(); i++) {
		const struct type *t = catalogue_at(i);

		if (strncmp(t->name, word, len) == 0 && t->name[len] == '.') {
			print_type(out, t, zh);
			count++;
		}
	}
	return (count);
}

static void
print_fields(FILE *out, const struct type *t, bool zh)
{
	char kind[TYPES_KIND_SIZE];

	for (unsigned i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];

		fprintf(out, "  %-16s %c%c  %-32s %s\n", f->name, f->required ? '*' : f->any_of ? '+' : ' ', f->personal ? '!' : ' ',
		    types_kind(f, kind), zh ? f->zh : f->en);
	}
}

static void
print_list(FILE *out, const struct enum_list *l, bool zh)
{
	fprintf(out, "\n%s%s\n", l->name, l->open ? (zh ? "（可填其他）" : " (or other)") : "");
	for (unsigned i = 0; i < l->count; i++)
		fprintf(out, "  %-22s %s\n", l->values[i].code, zh ? l->values[i].zh : l->values[i].en);
}

/* Each list that the type's fields name, once. */
static void
print_lists(FILE *out, const struct type *t, bool zh)
{
	for (unsigned i = 0; i < catalogue_list_count(); i++) {
		const struct enum_list *l = catalogue_list_at(i);

		for (unsigned j = 0; j < t->count; j++)
			if (t->fields[j].list == l) {
				print_list(out, l, zh);
				break;
			}
	}
}

static void
print_one(FILE *out, const struct type *t, bool zh)
{
	fprintf(out, "%s  %s\n", t->name, zh ? t->zh : t->en);
	fprintf(out, zh ? "对象：%s%s%s\n\n" : "subject: %s%s%s\n\n", t->subject, t->subject_required ? "" : zh ? "（可不填）" : " (optional)",
	    t->derived ? (zh ? "；由程序推出" : "; derived by a worker") : "");
	print_fields(out, t, zh);
	for (unsigned i = 0; i < t->count; i++)
		if (t->fields[i].kind == FIELD_ITEMS) {
			fprintf(out, "\n%s[]\n", t->fields[i].name);
			print_fields(out, catalogue_item(), zh);
			print_lists(out, catalogue_item(), zh);
		}
	print_lists(out, t, zh);
	fputs(zh ? "\n* 必填   + 至少填一项   ! 个人信息\n" : "\n* required   + at least one of these   ! personal\n", out);
}

static int
unknown_type(const char *word)
{
	const char *near = catalogue_nearest(word, strlen(word));

	fprintf(stderr, "estate types: there is no type \"%s\"", word);
	if (near != NULL)
		fprintf(stderr, "; did you mean %s?\n", near);
	else
		fputs("\nTry: estate types\n", stderr);
	return (2);
}

static int
wrong_usage(const char *sentence)
{
	fprintf(stderr, "estate types: %s\nTry: estate types --help\n", sentence);
	return (2);
}

/* A reader that has seen enough (`| head`) is no failure; a full disk is. */
static int
flushed(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return (status);
	if (errno == EPIPE)
		return (status);
	fprintf(stderr, "estate types: writing: %s\n", strerror(errno));
	return (3);
}

/* Lines that a narrow terminal has no room for are broken where it reads well. */
static int
print_people(const struct type *only, const char *word)
{
	bool zh = language_is_zh();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool found = true;

	if (out == NULL) {
		fprintf(stderr, "estate types: %s\n", strerror(errno));
		return (3);
	}
	if (only != NULL)
		print_one(out, only, zh);
	else if (word == NULL)
		print_all(out, zh);
	else
		found = print_family(out, word, zh) > 0;
	fclose(out);
	if (found)
		wrap_print(stdout, text);
	free(text);
	return (found ? 0 : unknown_type(word));
}

enum form { FORM_PEOPLE, FORM_JSON, FORM_MARKDOWN, FORM_RELEASED };

static int
print(enum form form, const char *word)
{
	const struct type *only = word != NULL ? catalogue_find(word, strlen(word)) : NULL;

	if (form == FORM_PEOPLE)
		return (print_people(only, word));
	if (word != NULL && only == NULL)
		return (unknown_type(word));
	switch (form) {
	case FORM_JSON:
		types_json(only);
		break;
	case FORM_MARKDOWN:
		types_markdown(only);
		break;
	case FORM_RELEASED:
		types_released(only);
		break;
	case FORM_PEOPLE:
		break;
	}
	return (0);
}

int
cmd_types(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "markdown", no_argument, NULL, 'm' },
		{ "released", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	enum form form = FORM_PEOPLE;
	unsigned forms = 0;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			form = FORM_JSON;
			break;
		case 'm':
			form = FORM_MARKDOWN;
			break;
		case 'r':
			form = FORM_RELEASED;
			break;
		case 'h':
			wrap_print(stdout, help_text);
			return (flushed(0));
		default:
			fputs("Try: estate types --help\n", stderr);
			return (2);
		}
		forms++;
	}
	if (forms > 1)
		return (wrong_usage("one of --json, --markdown and --released"));
	if (argc - optind > 1)
		return (wrong_usage("one type at a time"));
	return (flushed(print(form, argv[optind])));
}
