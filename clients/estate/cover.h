/*
 * cover: the cover sheet of a month's bundle (封皮), as one line of JSON: what is in it, counted; and what of it belongs to an earlier
 * month.  Counted as the log has it: what record.retracted and record.amended changed later is the reports' to say.
 */
#ifndef COVER_H
#define COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "estate.h"

#define COVER_MONTH	8	/* "2026-10" */

/* So many amendments are listed, all are counted: after the import of an old register every record of a month is late. */
#define COVER_AMENDMENTS_MAX	10000u

/* A record that belongs to a month bound before. */
struct cover_amendment {
	uint64_t seq;
	uint64_t event;			/* that it corrects; 0: it is late itself */
	char type[64];
	char month[COVER_MONTH];	/* "" while not known: which month `event` is of, the caller finds out */
};

/* A set of names, by their hash: no key of ours is 64 bits by accident. */
struct cover_set {
	uint64_t *slots;
	size_t count, room;
};

struct cover_type {
	char *name;
	uint64_t hash, count;
};

struct cover {
	char month[COVER_MONTH];
	char log[37];
	int64_t begin, end;		/* of the month, ns */
	uint64_t first, last, events, bytes, sealed;
	struct cover_type *types;
	size_t type_count, type_room;
	struct cover_set repairs;	/* finished in a home */
	struct cover_set called;	/* subjects of callbacks after repairs: their repair may come first or last */
	struct cover_set households;	/* called back */
	uint64_t callbacks, attempts;
	struct cover_amendment *amendments;
	size_t listed, amendment_room;
	uint64_t amendment_count;	/* of all */
	struct cover_late {
		char month[COVER_MONTH];
		uint64_t count;
	} *late;			/* how many records are late, by the month they belong to, in its order */
	size_t late_count, late_room;
};

/* Read "2026-10" and find where that month begins and ends at the site.  False if it is none. */
bool	cover_month(struct cover *, const char *month);

/* The month of an instant, at the site. */
void	cover_month_of(int64_t ns, char out[COVER_MONTH]);

/* Take note of a record, in the order of the log. */
void	cover_note(struct cover *, const struct estate_event *);

/* The figures of Z8, once everything is noted. */
struct cover_figures {
	uint64_t repairs_in_home, repairs_called_back, callbacks_done, callbacks_attempted, households_called_back;
};
void	cover_figures(const struct cover *, struct cover_figures *);

/* Write it. */
void	cover_write(const struct cover *, struct buffer *);
void	cover_free(struct cover *);

#endif
