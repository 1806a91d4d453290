/* Shared by catalogue_check.c, which finds a fault, and catalogue_fault.c, which puts it into words. */
#ifndef CATALOGUE_WALK_H
#define CATALOGUE_WALK_H

#include "catalogue.h"

/* One walk through one event's data. */
struct walk {
	unsigned unknown;		/* fields the catalogue does not know */
	bool unproven;			/* something was passed over or only half looked at: mp_check() must have the last word */
	/* The rest says where a fault was found, innermost first. */
	const struct type *type;	/* the type, or catalogue_item() */
	const struct field *field;	/* NULL: the map itself, or its any_of fields */
	const struct field *outer;	/* the field whose items `field` is in, or NULL */
	struct mp found;		/* the value at fault; p is NULL if it is missing */
	uint32_t index;			/* the element at fault, if indexed */
	bool indexed;
	const char *key;		/* the key at fault in a FIELD_MAP, or NULL; lent */
	uint32_t key_len;
};

/* Fill the fault from the walk.  Returns `code`. */
int	catalogue_fault(const struct walk *, int code, struct data_fault *);

#endif
