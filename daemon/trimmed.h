/*
 * trimmed: what of the log is gone on purpose: the file `trimmed` in the data folder.  It is written before the first file of a month is
 * unlinked, so that a start finishes what a cut left, and so that a month that is missing without it is known for a loss.
 *
 *   trimmed: 1
 *   through YYYY-MM SEQ		months up to this one, events up to this one
 *   keys YYYY-MM SEQ LOG_TIME		a month, its last event and when: its keys are still in the index; none or more, in order
 *   sum: %016x				sumtext.h
 */
#ifndef TRIMMED_H
#define TRIMMED_H

#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "month.h"

#define TRIMMED_FILE	"trimmed"

struct trimmed_month {
	char name[MONTH_NAME];
	uint64_t last, log_time;
};

struct trimmed {
	char through[MONTH_NAME];	/* "" if nothing was ever trimmed */
	uint64_t last;			/* the last number trimmed, 0 likewise */
	struct trimmed_month keys[MONTHS_MAX];
	unsigned key_count;
};

/* 0 (nothing trimmed, if there is no file), or -1 with a sentence in `why`. */
int	trimmed_read(struct trimmed *, const char *folder, const struct identity *, char *why, size_t why_len);

/* The file's text, malloc()ed, the caller's. */
char	*trimmed_text(const struct trimmed *, const struct identity *, size_t *len);

/* Unlink what is left of the months up to `through` in FOLDER/months.  0 or errno. */
int	trimmed_finish(const char *folder, const char *through);

#endif
