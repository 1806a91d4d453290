/* What the files of roster share. */
#ifndef ROSTER_INTERNAL_H
#define ROSTER_INTERNAL_H

#include "roster.h"
#include "zone.h"

#define ROLES_MAX	32u		/* of the catalogue's list */
#define SHIFTS_MAX	64u		/* of a role */
#define STAFF_MAX	64u		/* of a shift */
#define DAY_S		INT64_C(86400)

struct people {
	unsigned count;
	char *ids[STAFF_MAX];
};

struct shift {
	bool dated;
	bool days[7];			/* weekly: from Monday */
	int64_t first, last;		/* dated: days since 1970 */
	unsigned from, to;		/* minutes; to <= from goes on into the next day */
	struct people staff;
};

struct rotation {
	bool given;
	unsigned days;			/* that one has it */
	int64_t start;			/* the day on which the first begins */
	unsigned at;			/* minute of the hand-over */
	struct people staff;
};

struct others {
	bool given;
	unsigned count;
	unsigned roles[ROLES_MAX];
};

struct role {
	bool given;
	unsigned shifts_count;
	struct shift *shifts;
	struct rotation rotation;
	struct people staff;
	struct others otherwise;
};

struct roster {
	struct zone zone;
	struct role roles[ROLES_MAX];	/* by their place in the catalogue's list */
	struct others otherwise;
	unsigned deputies_count;
	struct deputy {
		char *staff, *deputy;
	} *deputies;
};

/* The place of a role in the catalogue's list; ROLES_MAX if it is none. */
unsigned	roster_role_index(const char *name);
const char	*roster_role_code(unsigned index);
unsigned	roster_role_count(void);

#endif
