/*
 * The agenda of estate-callback, as its question `agenda` answers it, for people: what may or must be done on a day, by whom.
 * `estate agenda` shows it, prints it, and keeps it in calendars.
 */
#ifndef AGENDA_H
#define AGENDA_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"
#include "event.h"
#include "question.h"

struct agenda_row {
	struct event row;		/* what the answer has */
	struct text callback, kind, subject, household, role, staff, mode, reason, state, appointment;
	int64_t opens, due, at, not_before, agreed, attempts, contact_event;	/* instants: INT64_MIN where there is none */
	int64_t day;			/* the first day on which it stands, in days since 1970 */
	bool mandatory, overdue;
	char name[128], phone[64];	/* of whom to call, if the asker may see them: "***" if not; "" where nobody knows */
};

struct agenda {
	struct answers *days;		/* what the rows lend from, an answer a day */
	unsigned day_count;
	struct agenda_row *rows;
	size_t count, room;
	int64_t first, last;		/* the days asked for */
	int64_t now;
	uint64_t seq;
};

/* Take the rows of one day; those that an earlier day has are left out. */
void	agenda_take(struct agenda *, struct answers *, int64_t day);
/* By staff, then day, then time. */
void	agenda_sort(struct agenda *);
void	agenda_free(struct agenda *);

/* Fetch whom to call from the event that each row names, with the rights of the asker.  0, or an exit status after a sentence. */
int	agenda_contacts(struct agenda *, const struct common *, struct estate *);

/* Is that row the first of its staff member? */
bool	agenda_begins(const struct agenda *, size_t i);
/* How many rows that staff member has, how many are due by the end of the last day, and how many are overdue. */
void	agenda_count(const struct agenda *, size_t first, unsigned *rows, unsigned *must, unsigned *overdue);

/* A word of the catalogue for a value of callback.due: kind, role, mode … in Chinese if asked; the value itself if it is none. */
void	agenda_word(struct buffer *, const char *field, struct text value, bool zh);
/* The worker's reason, in words of the language asked for where they are known. */
void	agenda_reason(struct buffer *, struct text reason, bool zh);
/* When: "14:30" if it is agreed, "≥11:20" if it must wait, nothing otherwise. */
void	agenda_when(struct buffer *, const struct agenda_row *);
/* Why, and what else: "not rated; due today 24:00; 2 tries; with R-7". */
void	agenda_why(struct buffer *, const struct agenda *, const struct agenda_row *, bool zh);

/* For a terminal of so many columns (0: no limit); for a printer, as an HTML page of A4; for programs. */
void	agenda_show(struct buffer *, const struct agenda *, bool zh, unsigned columns);
void	agenda_print(struct buffer *, const struct agenda *, bool zh);
void	agenda_json(struct buffer *, const struct agenda *);

/*
 * Calendars: FOLDER/STAFF.ics for each staff member of the agenda, and for whoever has a calendar there and nothing to do any more (of `staff` alone unless
 * NULL).  What was written before is read first: what is as it was stays byte by byte, what changed gets the next SEQUENCE, what is done says so, and
 * what is no longer this person's is cancelled.  "-" as folder: one calendar, of `staff`, to `out`, as if nothing had been written before.
 * Nothing personal is in a calendar: they leave the house.
 */
struct agenda_calendars {
	const char *folder, *staff;
	bool zh;
	/* What became of a callback that is no longer on the agenda: 0, or an exit status after a sentence. */
	int (*became)(void *user, const char *callback, bool *done);
	void *user;
	struct buffer *out;
	unsigned written;		/* how many files there are now … */
	unsigned changed;		/* … and how many of them are not as they were */
};
/* 0, or an exit status after a sentence. */
int	agenda_calendars(struct agenda_calendars *, const struct agenda *);

#endif
