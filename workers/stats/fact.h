/*
 * fact: what is remembered of an event with the object that it is about.
 *
 * All facts of an object are one value of the table OBJECTS, in the order of the log.  What is counted is a function of them and of nothing
 * else (judge.c): so it does not matter in which order they came, and what is corrected later is as if it had been so from the beginning.
 *
 * As bytes, behind each other:
 *
 *	type 1 | via 1 | number of the event 8 | when 8 | length of what follows 4 | fields: code 1, length 1, value
 *
 * A text is its bytes, a number and an instant eight of them, little-endian.  Codes are the rows of fact.def.
 */
#ifndef FACT_H
#define FACT_H

#include "event.h"
#include "worker.h"

#define KEEP_BYTES_MAX	200u

enum take {
#define TAKE(code, type, home)	TAKE_##code,
#define KEEP(code, field, kind)
#include "fact.def"
#undef TAKE
#undef KEEP
	TAKES
};

enum keep {
#define TAKE(code, type, home)
#define KEEP(code, field, kind)	KEEP_##code,
#include "fact.def"
#undef TAKE
#undef KEEP
	KEEPS
};

enum home { HOME_SUBJECT, HOME_TICKET, HOME_OBLIGATION, HOME_ITSELF, HOME_NOBODY };

/* Why it lies with this object. */
enum via { VIA_OWN, VIA_HOUSEHOLD, VIA_COVERED };

struct fact {
	uint64_t seq;
	int64_t when;
	uint8_t type, via;
	bool counts;			/* it was not taken back */
	const uint8_t *fields;
	uint32_t len;
	uint64_t target;		/* of a correction: the event that it corrects */
	const struct fact *amendment;	/* the newest one that counts; each has the one before it */
};

/* Which of the types it is; TAKES: none. */
unsigned	fact_type(const struct type *);
enum home	fact_home(unsigned type);
bool		fact_is_correction(unsigned type);

/* What of an event is kept, as the bytes above.  Returns their length, at most FACT_BYTES_MAX. */
#define FACT_BYTES_MAX	4096u
size_t	fact_write(uint8_t out[FACT_BYTES_MAX], unsigned type, enum via, const struct worker_event *);

/* Read one; how many bytes it took, 0 if they are cut. */
size_t	fact_read(struct fact *, const uint8_t *, size_t);

/*
 * What corrections make of facts in the order of the log: `counts` and `amendment` of each.  A correction that is itself taken back is as if
 * it had not been.
 */
void	facts_correct(struct fact *, size_t count);

/* A field as it stands after what was amended. */
bool	fact_text(const struct fact *, enum keep, struct text *);
bool	fact_number(const struct fact *, enum keep, int64_t *);
/* Is it that word?  Is it set? */
bool	fact_says(const struct fact *, enum keep, const char *word);
bool	fact_is(const struct fact *, enum keep);

#endif
