/*
 * aspect: an object as one class of measures sees it: attributes, made from its facts and from nothing else.
 *
 * An object may have several aspects of a class: a household a spell for each contact, a case one for each of its callbacks.  What tells them
 * apart is `sub`.
 */
#ifndef ASPECT_H
#define ASPECT_H

#include "fact.h"

enum aspect_class {
#define CLASS(code, name)	CLASS_##code,
#define ATTR(code, name, kind)
#include "aspect.def"
#undef CLASS
#undef ATTR
	CLASSES
};

enum attr {
#define CLASS(code, name)
#define ATTR(code, name, kind)	ATTR_##code,
#include "aspect.def"
#undef CLASS
#undef ATTR
	ATTRS
};

enum attr_kind { ATTR_IS_MOMENT, ATTR_IS_FLAG, ATTR_IS_COUNT, ATTR_IS_WORD };

extern const char *const class_names[CLASSES];
extern const char *const attr_names[ATTRS];
extern const uint8_t attr_kinds[ATTRS];

#define SUB_BYTES_MAX	(ID_CHARS_MAX + 1u)

struct aspect {
	uint64_t has;			/* a bit an attribute */
	int64_t number[ATTRS];		/* moments, flags, counts */
	struct text word[ATTRS];	/* lent from the facts */
	uint8_t sub[SUB_BYTES_MAX];
	size_t sub_len;
};
_Static_assert(ATTRS <= 64, "a bit an attribute");

static inline bool
aspect_has(const struct aspect *a, enum attr k)
{
	return ((a->has >> k & 1) != 0);
}

/* The facts of an object that count, by when they happened. */
struct history {
	const struct fact *const *f;
	unsigned count;
	bool violated;			/* a rule, once at least: rare, and looked for often */
	struct text subject;		/* without what its key begins with; of a ticket: of the survey */
};

struct turn;

/* What is told of each aspect. */
typedef void aspect_fn(struct turn *, enum aspect_class, struct aspect *);

/* Every aspect of an object.  `which` is what its key begins with. */
void	aspect_case(struct turn *, const struct history *, aspect_fn *);
void	aspect_callbacks(struct turn *, const struct history *, aspect_fn *);
void	aspect_call(struct turn *, const struct history *, aspect_fn *);
void	aspect_visits(struct turn *, const struct history *, aspect_fn *);
void	aspect_checks(struct turn *, const struct history *, aspect_fn *);
void	aspect_household(struct turn *, const struct history *, aspect_fn *);
void	aspect_ticket(struct turn *, const struct history *, aspect_fn *);
void	aspect_obligation(struct turn *, const struct history *, aspect_fn *);

/* Of a household's calls: those lost since then may be judged otherwise by what happened at `when`. */
int64_t	aspect_lost_since(const struct history *, int64_t when);

/* Setting attributes. */
void	aspect_at(struct aspect *, enum attr, int64_t);
void	aspect_flag(struct aspect *, enum attr, bool);
void	aspect_word(struct aspect *, enum attr, struct text);
void	aspect_drop(struct aspect *, enum attr);
void	aspect_home(struct aspect *, struct text household);	/* household and building */
void	aspect_sub(struct aspect *, const void *, size_t);
void	aspect_sub_at(struct aspect *, int64_t);
/* A spell: since when, and until when if that is not INT64_MAX.  Of those that last an object has one at a time, which keeps its place. */
void	aspect_spell(struct aspect *, int64_t since, int64_t until);
void	aspect_field(struct aspect *, enum attr, const struct fact *, enum keep);

/* Was it a callback that counts: not of the caller's own case, nor before it could be verified (C4, C6)? */
bool	history_counts_done(const struct history *, const struct fact *);

#endif
