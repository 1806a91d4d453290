/*
 * ladder: how the department asks for what is owed: the steps of each kind of fee, and what they rest for.  config/rules/dunning.yaml is the
 * list of them, with their reasons.
 */
#ifndef LADDER_H
#define LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"

#define STEPS_OF_LADDER_MAX	16u
#define TEMPLATE_SIZE		48u

/* From the gentlest on.  There is none that cuts anything off, and none will be added (民法典 944). */
enum act { ACT_NOTICE, ACT_REMINDER, ACT_CALL, ACT_VISIT, ACT_LETTER, ACT_LEGAL, ACTS };
extern const char *const act_names[ACTS];

struct step {
	int64_t day;			/* from the due date; negative: before it */
	enum act act;
	char channel[16], template[TEMPLATE_SIZE];
};

struct ladder {
	bool business;			/* days behind the due date are working days */
	unsigned count;
	struct step steps[STEPS_OF_LADDER_MAX];
};

struct terms {
	int64_t run;			/* minutes of the day */
	int64_t rank[FEE_KINDS];	/* which kind is paid first among those due on one day */
	int64_t absurd;			/* a bill above it is not asked for until somebody has looked */
	int64_t dispute_days, disputes, promise_days, promises, flight, expires_days, wait_days, limitation_years;
	unsigned of_kind[FEE_KINDS], count;
	struct ladder ladders[FEE_KINDS];
};

/* Read them: all keys must be there.  NULL with a sentence in `why` that begins with the line.  free() ends them. */
struct terms	*terms_read(const char *text, char *why, size_t why_size);

static inline const struct ladder *
ladder_of(const struct terms *p, unsigned kind)
{
	return (&p->ladders[p->of_kind[kind]]);
}

/* The code of a kind of fee, and its place in the catalogue's list; FEE_KINDS: there is none. */
const char	*fee_name(unsigned kind);
unsigned	 fee_find(const char *, size_t len);

#endif
