/*
 * form: the department's record forms, P5 5.1–5.4 (RULES.md M11), and the month's cover sheet (Z8), filled from the log.  What a form asks for
 * and the log does not know is marked and listed at the foot, with room to write it by hand; nothing is made up.
 */
#ifndef FORM_H
#define FORM_H

#include <stdbool.h>
#include <stdint.h>

#include "dossier.h"
#include "question.h"

/* MAY: an empty box where it is not known.  MUST: marked as missing. */
enum need { MAY, MUST };

/* A form that is being filled. */
struct sheet {
	struct buffer out;		/* the page */
	struct buffer lacking, codes;	/* what is missing, a line each: for people, for programs */
	const char *form;		/* its code in the catalogue */
	const struct dossier *d;
	uint64_t seq;			/* as of this event of the log, where the dossier does not tell */
	bool zh;
	unsigned column;		/* of the row that is open: 0 or 1 of two */
	unsigned missing;
	bool masked;			/* something personal is there that this client may not see */
};

void	sheet_begin(struct sheet *, const char *form, const char *zh, const char *en, const char *id);
/* Notes at the foot: what is missing, corrections, as of which event. */
void	sheet_end(struct sheet *);
/* Instead of the page: what it lacks. */
void	sheet_json(struct sheet *, const char *id);

/* A part of the form: a heading and a table of labelled boxes, two a row. */
void	sheet_part(struct sheet *, const char *zh, const char *en);
void	sheet_close(struct sheet *);

/* A box with a field of a fact, labelled as the catalogue has it; `wide`: a row of its own. */
void	sheet_field(struct sheet *, const struct fact *, const char *type, const char *name, enum need, bool wide);
/* When it happened, under a label of its own. */
void	sheet_when(struct sheet *, const struct fact *, const char *zh, const char *en, enum need);
/* Any text; NULL: not known. */
void	sheet_text(struct sheet *, const char *text, const char *zh, const char *en, enum need, bool wide);
/* A line to sign on; who signed already is named: a form.signed, visit.signed … or NULL. */
void	sheet_signature(struct sheet *, const struct fact *, const char *zh, const char *en, enum need);

/* A table of what happened several times: its columns, then a row a fact. */
struct column {
	const char *zh, *en;
	const char *field;		/* NULL: when it happened; "": the type's title */
};
void	sheet_table(struct sheet *, const struct column *, unsigned columns, const char *const *types, enum need, const char *zh, const char *en);

/* The forms. */
void	form_complaint(struct sheet *, const char *id);
void	form_work_order(struct sheet *, const char *id);
void	form_routine(struct sheet *, const char *id, const char *period);

/* Of figures, which are asked for: 0, or an exit status after a sentence.  this_month: "2026-11"; what lies behind it is left empty. */
int	form_annual(struct sheet *, const char *year, const char *this_month, const struct common *, struct estate *);
int	form_cover(struct sheet *, const char *month, const struct common *, struct estate *);

/* Who lives there, as last registered: the register's boxes of every form. */
void	form_household(struct sheet *, const struct fact *named, const char *type);

#endif
