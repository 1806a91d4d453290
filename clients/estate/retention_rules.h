/* The rules of retention as config/retention.yaml has them: which kind of record an event is of, and how long that is kept. */
#ifndef RETENTION_RULES_H
#define RETENTION_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

#define RETENTION_FILE_DEFAULT	"/etc/estated/retention.yaml"
#define RETENTION_KINDS_MAX	32u
#define RETENTION_TYPES_MAX	32u
#define RETENTION_HELP \
	"      --rules FILE         the rules of retention (default: $ESTATE_RETENTION, else " RETENTION_FILE_DEFAULT ")\n"

struct retention_types {
	char *items[RETENTION_TYPES_MAX];
	unsigned count;
};

struct retention_kind {
	char *name, *zh, *clause;
	struct retention_types types, closed_by, opened_by;
	unsigned years, months, days;	/* one of them */
	bool blocked;			/* not erased earlier, whoever asks */
};

struct retention_rules {
	struct retention_kind kinds[RETENTION_KINDS_MAX];
	unsigned count;
};

/* Read them from `file`, or from where they are by default if that is NULL.  0, or an exit status after a sentence with file and line. */
int	retention_rules_load(const char *verb, const char *file, struct retention_rules *);
void	retention_rules_free(struct retention_rules *);

/* The same from a text; false with a sentence that begins with the line. */
bool	retention_rules_parse(struct retention_rules *, const char *text, char *why, size_t why_len);

/* The kind that takes the type: always one. */
unsigned	retention_kind_of(const struct retention_rules *, struct text type);
bool		retention_types_hold(const struct retention_types *, struct text type);

/* Kept until then: the end of the day so long after the day of `from`, at the site. */
int64_t		retention_until(const struct retention_kind *, int64_t from);

#endif
