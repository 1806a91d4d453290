/* The catalogue's tables, made of catalogue.def and kinds.def, and the ways to look into them. */
#include "catalogue.h"

#include <pthread.h>
#include <string.h>

#include "nearest.h"

#define COUNT(array)	((unsigned)(sizeof(array) / sizeof(*(array))))

/* kinds.def, first as the values of each list, then as the lists, between them as their places. */
#define LIST(name, zh)			static const struct enum_value values_##name[] = {
#define OPEN_LIST(name, zh)		LIST(name, zh)
#define VALUE(code, zh, en)		{ #code, sizeof(#code) - 1, zh, en },
#define END_LIST			};
#include "kinds.def"
#undef LIST
#undef OPEN_LIST
#undef VALUE
#undef END_LIST

#define VALUE(code, zh, en)
#define END_LIST

#define LIST(name, zh)			LIST_##name,
#define OPEN_LIST(name, zh)		LIST_##name,
enum list_place {
#include "kinds.def"
	LISTS
};
#undef LIST
#undef OPEN_LIST

#define ROW(name, zh, open)		{ #name, zh, open, values_##name, COUNT(values_##name) },
#define LIST(name, zh)			ROW(name, zh, false)
#define OPEN_LIST(name, zh)		ROW(name, zh, true)
static const struct enum_list lists[] = {
#include "kinds.def"
};
#undef ROW
#undef LIST
#undef OPEN_LIST
#undef VALUE
#undef END_LIST

/* What stands in the kind column of catalogue.def. */
#define ID			.kind = FIELD_ID
#define ENUM(name)		.kind = FIELD_ENUM, .list = &lists[LIST_##name]
#define BOOL			.kind = FIELD_BOOL
#define INT(low, high, of)	.kind = FIELD_INT, .min = low, .max = high, .unit = of
#define NUMBER(low, high, of)	.kind = FIELD_NUMBER, .min = low, .max = high, .unit = of
/* Ten thousand million yuan: beyond every sum an estate could mean. */
#define FEN			INT(0, 1000000000000, "fen")
#define SEQ			.kind = FIELD_SEQ, .min = 1, .max = INT64_MAX
#define DATE			.kind = FIELD_DATE
#define MONTH			.kind = FIELD_MONTH
#define PERIOD			.kind = FIELD_PERIOD
#define INSTANT			.kind = FIELD_INSTANT
#define WHEN			.kind = FIELD_WHEN
#define PHONE			.kind = FIELD_PHONE
#define EMAIL			.kind = FIELD_EMAIL
#define TEXT(bytes)		.kind = FIELD_TEXT, .max = bytes, .unit = "bytes"
#define SHORT			TEXT(200)
#define LONG			TEXT(4000)
#define IDS(elements)		.kind = FIELD_IDS, .max = elements, .unit = "elements"
#define ITEMS(elements)		.kind = FIELD_ITEMS, .max = elements, .unit = "elements"
#define MAP(elements)		.kind = FIELD_MAP, .max = elements, .unit = "elements"

/* catalogue.def as field lists. */
#define SECTION(first, zh, en)
#define LABEL(word, en)
#define TYPE(name, fields, subject, must, origin, zh, en)
#define FIELDS(list)		static const struct field fields_##list[] = {
#define END_FIELDS		};
#define REQUIRED		.required = true
#define OPTIONAL		.required = false
#define ANY_OF			.any_of = true
#define PERSONAL		.required = true, .personal = true
#define OPTIONAL_PERSONAL	.personal = true
#define FIELD(word, presence, kind, label, clause) \
	{ .name = #word, .len = sizeof(#word) - 1, presence, kind, .zh = label, .en = clause },
#include "catalogue.def"
#undef FIELDS
#undef END_FIELDS
#undef FIELD
#undef REQUIRED
#undef OPTIONAL
#undef ANY_OF
#undef PERSONAL
#undef OPTIONAL_PERSONAL

/* As how many fields of a list are required, and of how many one must be there. */
#define END_FIELDS		};
#define REQUIRED		+ 1
#define OPTIONAL		+ 0
#define ANY_OF			+ 0
#define PERSONAL		+ 1
#define OPTIONAL_PERSONAL	+ 0
#define FIELD(word, presence, kind, label, clause) presence
#define FIELDS(list)		enum { required_##list = 0
#include "catalogue.def"
#undef FIELDS
#undef REQUIRED
#undef ANY_OF
#undef PERSONAL

#define REQUIRED		+ 0
#define ANY_OF			+ 1
#define PERSONAL		+ 0
#define FIELDS(list)		enum { any_of_##list = 0
#include "catalogue.def"
#undef FIELDS
#undef END_FIELDS
#undef FIELD
#undef REQUIRED
#undef OPTIONAL
#undef ANY_OF
#undef PERSONAL
#undef OPTIONAL_PERSONAL
#undef TYPE

/* As types.  The place of each is counted in the same order. */
#define FIELDS(list)
#define END_FIELDS
#define FIELD(word, presence, kind, label, clause)
#define SUBJECT			true
#define MAYBE_SUBJECT		false
#define INTAKE			false
#define DERIVED			true
#define OF(list)		.fields = fields_##list, .count = COUNT(fields_##list), .required = required_##list, .any_of = any_of_##list
#define TYPE(word, list, about, must, origin, label, clause) \
	{ .name = word, .len = sizeof(word) - 1, .subject = about, .subject_required = must, .derived = origin, .zh = label, \
	  .en = clause, OF(list), .index = __COUNTER__ - FIRST - 1 },
enum { FIRST = __COUNTER__ };
static const struct type types[] = {
#include "catalogue.def"
};
#undef TYPE
#undef SECTION

static const struct type item = {
	.name = "item", .len = 4, .subject = "survey", .zh = "征询项目", .en = "one element of items", OF(item), .index = COUNT(types)
};

#define TYPE(name, fields, subject, must, origin, zh, en)
#define SECTION(first, zh, en)	{ first, zh, en },
static const struct section sections[] = {
#include "catalogue.def"
};
#undef SECTION
#undef LABEL

#define SECTION(first, zh, en)
#define LABEL(word, en)		{ #word, en },
static const struct {
	const char *name, *en;
} labels[] = {
#include "catalogue.def"
};

static const char *const kind_names[FIELD_KINDS] = {
	[FIELD_TEXT] = "text", [FIELD_ID] = "id", [FIELD_ENUM] = "enum", [FIELD_BOOL] = "boolean", [FIELD_INT] = "integer",
	[FIELD_NUMBER] = "number", [FIELD_DATE] = "date", [FIELD_MONTH] = "month", [FIELD_PERIOD] = "period",
	[FIELD_INSTANT] = "instant", [FIELD_WHEN] = "when", [FIELD_PHONE] = "phone", [FIELD_EMAIL] = "email", [FIELD_IDS] = "ids",
	[FIELD_ITEMS] = "items", [FIELD_MAP] = "map", [FIELD_SEQ] = "seq",
};

/* Types by the hash of their names: open addressing, at most a quarter full, so that a look-up compares one name as a rule. */
#define SLOTS		1024u
#define NAME_LEN_MAX	64u
_Static_assert(COUNT(types) <= SLOTS / 4, "double SLOTS");

static uint16_t slots[SLOTS];		/* index + 1, 0 if empty */
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

/* The whole name in steps of eight bytes. */
static unsigned
hash(const char *s, size_t len)
{
	uint64_t h = len, w;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&w, s, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
	}
	for (w = 0; len > 0; len--)
		w = w << 8 | (unsigned char)s[len - 1];
	h = (h ^ w) * 0x9e3779b97f4a7c15u;
	return ((unsigned)(h >> 32) % SLOTS);
}

static void
slots_fill(void)
{
	for (unsigned i = 0; i < COUNT(types); i++) {
		unsigned h = hash(types[i].name, types[i].len);

		while (slots[h] != 0)
			h = (h + 1) % SLOTS;
		slots[h] = (uint16_t)(i + 1);
	}
}

const struct type *
catalogue_find(const char *name, size_t len)
{
	if (len > NAME_LEN_MAX)
		return (NULL);
	pthread_once(&slots_once, slots_fill);
	for (unsigned h = hash(name, len); slots[h] != 0; h = (h + 1) % SLOTS) {
		const struct type *t = &types[slots[h] - 1];

		if (t->len == len && memcmp(t->name, name, len) == 0)
			return (t);
	}
	return (NULL);
}

unsigned
catalogue_count(void)
{
	return (COUNT(types));
}

const struct type *
catalogue_at(unsigned index)
{
	return (index < COUNT(types) ? &types[index] : NULL);
}

const struct type *
catalogue_item(void)
{
	return (&item);
}

const struct field *
catalogue_field(const struct type *t, const char *name, size_t len)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->fields[i].len == len && memcmp(t->fields[i].name, name, len) == 0)
			return (&t->fields[i]);
	return (NULL);
}

const char *
catalogue_label(const char *name, size_t len)
{
	for (unsigned i = 0; i < COUNT(labels); i++)
		if (strlen(labels[i].name) == len && memcmp(labels[i].name, name, len) == 0)
			return (labels[i].en);
	return (NULL);
}

const struct enum_value *
catalogue_value(const struct enum_list *l, const char *code, size_t len)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->values[i].len == len && memcmp(l->values[i].code, code, len) == 0)
			return (&l->values[i]);
	return (NULL);
}

unsigned
catalogue_list_count(void)
{
	return (LISTS);
}

const struct enum_list *
catalogue_list_at(unsigned index)
{
	return (index < LISTS ? &lists[index] : NULL);
}

const struct section *
catalogue_section(const struct type *t)
{
	for (unsigned i = 0; i < COUNT(sections); i++)
		if (strcmp(sections[i].first, t->name) == 0)
			return (&sections[i]);
	return (NULL);
}

const char *
catalogue_nearest(const char *name, size_t len)
{
	struct nearest n;

	nearest_begin(&n, name, len);
	for (unsigned i = 0; i < COUNT(types); i++)
		nearest_offer(&n, types[i].name);
	return (n.best);
}

const char *
field_kind_name(enum field_kind k)
{
	return ((unsigned)k < FIELD_KINDS ? kind_names[k] : "?");
}
