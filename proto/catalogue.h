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

#include "mp.h"

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
	FIELD_PERIOD,		/* YYYY, YYYY-H1, YYYY-Q1, YYYY-MM, YYYY-W05 (ISO week) or YYYY-MM-DD */
	FIELD_INSTANT,		/* RFC 3339 text with offset, or a msgpack timestamp */
	FIELD_WHEN,		/* a date or an instant */
	FIELD_PHONE,		/* at least three digits with + - . , ; / ( ) space and extension marks # * x, 3..32 characters */
	FIELD_EMAIL,
	FIELD_IDS,		/* array of ids; bound = elements */
	FIELD_ITEMS,		/* array of maps: survey items, each as catalogue_item() says */
	FIELD_MAP,		/* map of string to text, number or boolean: message parameters, report figures */
	FIELD_SEQ,		/* sequence number of another event, >= 1 */
	FIELD_KINDS		/* how many kinds there are */
};

struct enum_value {
	const char *code;	/* very_satisfied */
	unsigned len;		/* of code */
	const char *zh;		/* 很满意 */
	const char *en;		/* very satisfied */
};

struct enum_list {
	const char *name;	/* grade */
	const char *zh;
	bool open;		/* values are the usual ones; another text of up to OPEN_VALUE_BYTES_MAX is taken too */
	const struct enum_value *values;
	unsigned count;
};
#define OPEN_VALUE_BYTES_MAX	200

struct field {
	const char *name;
	unsigned len;		/* of name */
	enum field_kind kind;
	const struct enum_list *list;	/* FIELD_ENUM only */
	bool required;
	bool any_of;		/* at least one of the type's any_of fields must be there */
	bool personal;		/* sealed in the store, masked for whoever lacks the right */
	int64_t min, max;	/* FIELD_INT, _NUMBER, _SEQ: value; FIELD_TEXT, _IDS, _ITEMS, _MAP: max = bytes or elements; else 0 */
	const char *unit;	/* "fen", "s", "m2", "bytes", "elements" … or NULL */
	const char *zh;		/* the label on a form; in English: catalogue_label() */
	const char *en;		/* one clause that says what it holds */
};

struct type {
	const char *name;	/* help.requested */
	unsigned len;		/* of name */
	const char *subject;	/* what `subject` names: "case", "household" … */
	bool subject_required;
	bool derived;		/* concluded by a worker, and again from the same log */
	const char *zh;
	const char *en;
	const struct field *fields;
	unsigned count;
	unsigned required;	/* how many fields are required */
	unsigned any_of;	/* how many are any_of */
	unsigned index;		/* 0 .. catalogue_count() - 1, in the catalogue's order */
};

/* The type of that name, or NULL.  `name` need not be terminated.  Constant time. */
const struct type	*catalogue_find(const char *name, size_t len);
unsigned		 catalogue_count(void);
const struct type	*catalogue_at(unsigned index);
const struct field	*catalogue_field(const struct type *, const char *name, size_t len);
/* The label of fields of that name on an English form: NULL if the name itself will do. */
const char		*catalogue_label(const char *name, size_t len);
const struct enum_value	*catalogue_value(const struct enum_list *, const char *code, size_t len);
unsigned		 catalogue_list_count(void);
const struct enum_list	*catalogue_list_at(unsigned index);

/* The map in an array of kind FIELD_ITEMS, as a type that is never sent; its index is catalogue_count(). */
const struct type	*catalogue_item(void);

/* Headings of the reference: a section runs from its first type to the next one's. */
struct section {
	const char *first;
	const char *zh, *en;
};
/* The section that begins with this type, or NULL. */
const struct section	*catalogue_section(const struct type *);

/* The name in catalogue order nearest to a mistyped one (edit distance), or NULL when nothing is near. */
const char		*catalogue_nearest(const char *name, size_t len);

/* The word for a kind: "id", "text", "integer" …; "?" for a value that is none. */
const char		*field_kind_name(enum field_kind);

/* What is wrong with one event's data. */
struct data_fault {
	int code;		/* an E_… of errcode.def */
	char path[96];		/* "data.amount", "data.items[3].dept" */
	char detail[160];	/* what was found and what would be right */
};

/* Where a value lies: its first byte and its length. */
struct span {
	const uint8_t *p;
	size_t len;
};

/* Personal fields of one type; a test holds the catalogue to it. */
#define PERSONAL_FIELDS_MAX	6u

/* What catalogue_check() found besides faults. */
struct data_findings {
	unsigned unknown;	/* fields the catalogue does not know: they are kept, flagged and counted, never refused */
	bool unproven;		/* whether the bytes are well-formed is not proven: unknown fields, lists, a field twice, odd text */
	unsigned personal;	/* how many personal fields there are, and where their values lie, in the order of the bytes */
	struct span spans[PERSONAL_FIELDS_MAX];
};

/*
 * Check the data map at the cursor against the type, and move past it.  The bytes need not be proven by mp_check() before: nothing
 * outside them is read, and what this walk cannot vouch for by itself it says in `unproven`.  Returns 0, or the code also in *fault,
 * which is untouched otherwise; of bytes that are not well-formed the fault may be a consequence, so let mp_check() speak first.
 * A nil is a value of the wrong kind: a field without value is left out.  Allocates nothing.  Details name no personal value, so
 * that they may be logged and sent back.
 */
int			 catalogue_check(const struct type *, struct mp *data, struct data_findings *, struct data_fault *);

#endif
