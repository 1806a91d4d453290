/*
 * template: the texts, a file of config/templates each, in Chinese and English.
 *
 *	template: bill-reminder
 *	params: household bills amount:fen due		what it may use; fen: shown as yuan
 *	public: no					yes: may go to a group (then nothing of a household is in it)
 *	zh_sms: "…{{amount}}元…"				en_sms
 *	zh_subject: …	zh_text: …			e-mail, letter, call list, webhook; without, the text of the sms
 *
 * A param is a field of the event catalogue, or `bills`; one that is money there is shown as money.  What goes to a group holds nothing
 * personal and no free text, in which a name may stand.
 *
 * {{name}} and nothing else: a param, or one of those that every message has ({{case}} what it is about, {{to}}, {{sign}}).  An unknown
 * one is refused when the file is read, with its file and the nearest.  No logic.
 */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"
#include "mp.h"

enum part { PART_SMS, PART_SUBJECT, PART_TEXT, PARTS_COUNT };

struct templates;
struct template;

/* All *.yaml of a folder.  NULL, with a sentence that names file and field. */
struct templates	*templates_read(const char *folder, char *why, size_t why_size);
void			 templates_free(struct templates *);
unsigned		 templates_count(const struct templates *);
const char		*templates_name(const struct templates *, unsigned);
const struct template	*templates_find(const struct templates *, const char *name);
bool			 template_public(const struct template *);

/* The first param that is not among these words, each between blanks; NULL: all are. */
const char		*template_beyond(const struct template *, const char *words);
/* The first of these words that stands in one of its texts; NULL: none.  The list ends with NULL. */
const char		*template_says(const struct template *, const char *const *words);

/* template_named.c: the rules of the other workers that lie in this folder name templates that there are, and give what those fill in.  False,
 * with a sentence that names file and line. */
bool			 templates_named(const struct templates *, const char *folder, char *why, size_t why_size);

/* What it is filled with: the params of the request as msgpack, and what every message has. */
struct filling {
	struct mp params;
	const char *to, *subject, *sign;
};

/* Plain text: whoever makes a page, a header or JSON of it escapes it there.  False, with a sentence, if a field is missing or cannot be shown. */
bool	template_fill(const struct template *, enum part, bool english, const struct filling *, struct buffer *, char *why, size_t why_size);

#endif
