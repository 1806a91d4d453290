/* place: where in the log a reader shall begin, as asked for on the wire and as a number. */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "catalogue.h"
#include "mp.h"

struct daemon;

enum place_kind { PLACE_UNSAID, PLACE_NEW, PLACE_FIRST, PLACE_SEQ, PLACE_TIME, PLACE_LAST };

struct place {
	enum place_kind kind;
	uint64_t value;		/* of seq, time and last */
};

#define PLACE_FORMS	"\"first\", \"new\", {\"seq\": N}, {\"time\": ns} or {\"last\": N}"

/* Read one; false if it is none of PLACE_FORMS. */
bool	place_read(struct place *, struct mp *);

/* The number to begin with.  0, or trimmed or beyond-end, told with this path. */
int	place_find(struct daemon *, const struct place *, uint64_t *next, const char *path, struct data_fault *);

#endif
