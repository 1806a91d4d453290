/*
 * The event catalogue: which types exist and what their data may hold.
 *
 * catalogue.def is the one place where a type, a field, a bound or an enum value is written down; this header is how the
 * validator, the forms, `estate types`, the reference document and the tests read it.  Everything returned here is static and
 * never freed.
 */
#ifndef CATALOGUE_H
#define CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mp;

/* What a field's value may be.  On the wire: msgpack; in JSON: the obvious counterpart. */
enum field_kind {
	FIELD_TEXT,		/* UTF-8 for people; bound = bytes */
	FIELD_ID,		/* 1..64 characters of [A-Za-z0-9._:/-] */
	FIELD_ENUM,		/* one code of a named list */
	FIELD_BOOL,
	FIELD_INT,		/* integer within min..max, unit named */
	FIELD_NUMBER,		/* integer or float within min..max, unit named */
	FIELD_DATE,		/* YYYY-MM-DD in site time, a day that exists */
	FIELD_MONTH,		/* YYYY-MM */
	FIELD_PERIOD,		/* YYYY, YYYY-H1, YYYY-Q1, YYYY-MM or YYYY-MM-DD */
	FIELD_INSTANT,		/* RFC 3339 text with offset, or a msgpack timestamp */
	FIELD_PHONE,		/* digits with + - space and extension marks, 3..32 characters */
	FIELD_EMAIL,
	FIELD_IDS,		/* array of ids; bound = elements */
	FIELD_ITEMS,		/* array of maps: survey items {item, dept} */
	FIELD_MAP,		/* map of string to text, integer or boolean: message parameters, report figures */
	FIELD_SEQ		/* sequence number of another event, >= 1 */
};

struct enum_value {
	const char *code;	/* very_satisfied */
	const char *zh;		/* 很满意 */
	const char *en;		/* very satisfied */
};

struct enum_list {
	const char *name;	/* grade */
	const char *zh;
	const struct enum_value *values;
	unsigned count;
};

struct field {
	const char *name;
	enum field_kind kind;
	const struct enum_list *list;	/* FIELD_ENUM only */
	bool required;
	bool personal;		/* sealed in the store, masked for whoever lacks the right */
	int64_t min, max;	/* FIELD_INT, FIELD_NUMBER: value; FIELD_TEXT, _IDS, _ITEMS, _MAP: max = bytes or elements */
	const char *unit;	/* "fen", "s", "m2" … or NULL */
	const char *zh;		/* the label on a form */
	const char *en;		/* one clause that says what it holds */
};

struct type {
	const char *name;	/* help.requested */
	const char *subject;	/* what `subject` names: "case", "household" … */
	bool subject_required;
	bool derived;		/* emitted by workers or the daemon, not by intake */
	const char *zh;
	const char *en;
	const struct field *fields;
	unsigned count;
	unsigned index;		/* 0 .. catalogue_count() - 1, in the catalogue's order */
};

/* The type of that name, or NULL.  `name` need not be terminated.  Constant time. */
const struct type	*catalogue_find(const char *name, size_t len);
unsigned		 catalogue_count(void);
const struct type	*catalogue_at(unsigned index);
const struct field	*catalogue_field(const struct type *, const char *name, size_t len);
const struct enum_value	*catalogue_value(const struct enum_list *, const char *code, size_t len);
unsigned		 catalogue_list_count(void);
const struct enum_list	*catalogue_list_at(unsigned index);

/* The name in catalogue order nearest to a mistyped one (edit distance), or NULL when nothing is near. */
const char		*catalogue_nearest(const char *name, size_t len);

/* The text of a kind, for people: "id", "text", "integer" … */
const char		*field_kind_name(enum field_kind);

/* What is wrong with one event's data. */
struct data_fault {
	int code;		/* an E_… of errcode.def */
	char path[96];		/* "data.amount", "data.items[3].dept" */
	char detail[160];	/* what was found and what would be right */
};

/*
 * Check `data` (a msgpack map already proven well-formed by mp_check) against the type.  Returns 0, or the code also in
 * *fault.  *unknown receives the number of fields the catalogue does not know: they are kept, flagged and counted, never refused.
 * Allocates nothing.
 */
int			 catalogue_check(const struct type *, struct mp data, unsigned *unknown, struct data_fault *);

#endif
